package follow

import (
	"context"
	"fmt"
	"time"

	"steth/openstack"
)

const (
	// recheckEvery is how often hosts are asked again while packets are lost.
	recheckEvery = 2 * time.Second
	// recheckPatience is how long they may take: a session waits for it at its end.
	recheckPatience = 2 * time.Second
)

// rechecker asks the hosts again when packets were lost that were not lost the
// last time: a path breaks while it is watched, and what broke it may be plain
// to see. One goroutine at a time may use it.
type rechecker struct {
	lost func() uint64 // packets so far
	ask  func()

	known uint64 // packets that were lost when it was asked last
	next  time.Time
	busy  chan struct{} // closed when the hosts have answered; nil: never asked
}

// tick begins to ask where it is due.
func (r *rechecker) tick(now time.Time) {
	if r.next.IsZero() {
		r.next = now.Add(recheckEvery)
	}
	if now.Before(r.next) || r.asking() {
		return
	}
	r.next = now.Add(recheckEvery)
	r.begin()
}

// begin asks where more was lost.
func (r *rechecker) begin() {
	lost := r.lost()
	if lost <= r.known {
		return
	}
	done := make(chan struct{})
	r.known, r.busy = lost, done
	go func() {
		defer close(done)
		r.ask()
	}()
}

func (r *rechecker) asking() bool {
	if r.busy == nil {
		return false
	}
	select {
	case <-r.busy:
		return false
	default:
		return true
	}
}

// finish waits for what was begun, and asks for the last time.
func (r *rechecker) finish() {
	r.wait()
	r.begin()
	r.wait()
}

func (r *rechecker) wait() {
	if r.busy != nil {
		<-r.busy
	}
}

// lost is how many packets were lost anywhere so far.
func (s *Session) lost() uint64 {
	t := s.Total()
	return t.Out.Lost + t.Back.Lost
}

// recheck holds all hops against their hosts as they are now. Which device a
// hop is, and what is captured, stays as it is.
func (s *Session) recheck(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, recheckPatience, fmt.Errorf("its agent did not answer in %v", recheckPatience))
	defer cancel()
	s.askAll(ctx, func(host string, found answer) {
		if found.err != nil || found.switchErr != nil {
			return // what was known before is better than half
		}
		facts := factsOf(found.links)
		facts.Switch = found.openVSwitch
		s.change(func() {
			for i := range s.hops {
				if h := &s.hops[i]; h.Host == host && h.Check.Asked {
					h.again(s.plan.Path.Hops[i], facts)
				}
			}
		})
	})
}

// again takes what differs now, of the place as expected.
func (h *Hop) again(expected openstack.Hop, facts openstack.HostFacts) {
	now := openstack.Confirm([]openstack.Hop{expected}, map[string]openstack.HostFacts{h.Host: facts})[0]
	if now.Device == "" {
		now.Device = h.Check.Device
	}
	h.Check = now
	h.tell()
}
