package rpc

import (
	"log/slog"
	"sync"
	"time"
)

// The lines that connections of strangers may make the log grow by: so many at
// once, and then one each second. A journal that is flooded drops lines of the
// whole service (journald.conf(5), RateLimitBurst), those of the audit as well.
const (
	refusalBurst = 32
	refusalEvery = time.Second
)

// refusals logs why connections were refused, and how many more it did not log.
type refusals struct {
	mu       sync.Mutex
	pace     pace
	unlogged int
}

func newRefusals() *refusals {
	return &refusals{pace: pace{burst: refusalBurst, every: refusalEvery}}
}

func (r *refusals) warn(log *slog.Logger, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.pace.take(time.Now()) {
		r.unlogged++
		return
	}
	if r.unlogged > 0 {
		log = log.With("unlogged", r.unlogged)
		r.unlogged = 0
	}
	log.Warn("connection refused", "error", err)
}
