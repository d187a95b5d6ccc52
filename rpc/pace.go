package rpc

import (
	"context"
	"time"
)

// pace bounds how often something happens: burst times at once, and once in
// every later on. The zero pace allows nothing. It is not for concurrent use.
type pace struct {
	burst int
	every time.Duration

	spent int       // of burst
	since time.Time // when spent was last right
}

// take uses one of what is allowed now; false when nothing is.
func (p *pace) take(now time.Time) bool {
	if back := int64(now.Sub(p.since) / max(p.every, 1)); back >= int64(p.spent) {
		p.spent, p.since = 0, now
	} else if back > 0 {
		p.spent -= int(back)
		p.since = p.since.Add(time.Duration(back) * p.every)
	}
	if p.spent >= p.burst {
		return false
	}
	p.spent++
	return true
}

// next is how long after now take will allow one more.
func (p *pace) next(now time.Time) time.Duration {
	return max(p.since.Add(p.every).Sub(now), 0)
}

// wait takes one as soon as that is allowed. It does not wait on when ctx or
// done ends.
func (p *pace) wait(ctx context.Context, done <-chan struct{}) {
	for now := time.Now(); !p.take(now); now = time.Now() {
		select {
		case <-time.After(p.next(now)):
		case <-ctx.Done():
			return
		case <-done:
			return
		}
	}
}
