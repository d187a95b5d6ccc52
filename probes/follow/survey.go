package follow

import (
	"context"
	"fmt"
	"sync"
	"time"

	"steth/agent/api"
	"steth/openstack"
	"steth/probes/capture"
)

// patience is how long a host may take to say which devices it has.
const patience = 4 * time.Second

// begin is a hop before anybody was asked.
func begin(h openstack.Hop) Hop {
	out := Hop{Hop: h, State: Asking, Capture: -1}
	if h.Seen != openstack.SeenPackets {
		out.State, out.Why = Unseen, h.Why
	}
	return out
}

// survey asks every host of the path for its devices, all at once, and settles
// for each hop what is there.
func (s *Session) survey(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("its agent did not answer in %v", patience))
	defer cancel()
	var hosts sync.WaitGroup
	for _, host := range s.plan.Path.Hosts() {
		hosts.Go(func() {
			var found []api.Namespace
			err := s.guard("the devices of "+host, func() (err error) {
				found, err = capture.Links(ctx, s.env, host)
				return err
			})
			if err != nil {
				s.env.Log.Warn("path: links", "host", host, "err", err)
			}
			s.change(func() { settle(s.hops, host, found, err) })
		})
	}
	hosts.Wait()
}

// settle holds the hops of a host against what it has, or against why nobody
// knows.
func settle(hops []Hop, host string, found []api.Namespace, err error) {
	facts := factsOf(found)
	for i := range hops {
		h := &hops[i]
		if h.Host != host || h.State != Asking {
			continue
		}
		if err != nil {
			h.State, h.Why, h.err = Unseen, err.Error(), err
			continue
		}
		h.confirm(found, facts)
	}
}
