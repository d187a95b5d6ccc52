package rpc

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// damper bounds the lines that others can make a log grow by, and tells how
// many it left out. A journal that is flooded drops lines of the whole service
// (journald.conf(5), RateLimitBurst), or older ones, those of the audit as well.
type damper struct {
	mu       sync.Mutex
	pace     pace
	unlogged int
}

func (d *damper) log(log *slog.Logger, level slog.Level, text string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.pace.take(time.Now()) {
		d.unlogged++
		return
	}
	if d.unlogged > 0 {
		args = append(args, "unlogged", d.unlogged)
		d.unlogged = 0
	}
	log.Log(context.Background(), level, text, args...)
}
