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

// survey asks every host of the path for its devices, and for its Open vSwitch
// where the path passes one, all at once, and settles for each hop what is there.
// It calls settled for each host as soon as that is done, so that no host waits
// for another, with the ports that count what can't be captured.
func (s *Session) survey(ctx context.Context, settled func(host string, counting []gauge)) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("its agent did not answer in %v", patience))
	defer cancel()
	s.askAll(ctx, func(host string, found answer) {
		var counting []gauge
		s.change(func() {
			settle(s.hops, host, found)
			if found.openVSwitch != nil {
				counting = gauges(s.hops, host, *found.openVSwitch)
			}
			if found.err == nil && found.switchErr != nil {
				s.notes = append(s.notes, fmt.Sprintf("Open vSwitch of %s could not be asked: %v", host, found.switchErr))
			}
		})
		settled(host, counting)
	})
}

// askAll asks every host of the path at once, and hands on each answer as it
// comes.
func (s *Session) askAll(ctx context.Context, each func(host string, found answer)) {
	hops := s.Hops()
	var hosts sync.WaitGroup
	for _, host := range s.plan.Path.Hosts() {
		hosts.Go(func() {
			each(host, s.ask(ctx, host, switched(hops, host)))
		})
	}
	hosts.Wait()
}

// ask asks a host for its devices and, where it's wanted, for its Open vSwitch.
func (s *Session) ask(ctx context.Context, host string, openVSwitch bool) answer {
	var found answer
	var asked sync.WaitGroup
	asked.Go(func() {
		found.err = s.guard("the devices of "+host, func() (err error) {
			found.links, err = capture.Links(ctx, s.env, host)
			return err
		})
	})
	if openVSwitch {
		asked.Go(func() {
			found.switchErr = s.guard("Open vSwitch of "+host, func() (err error) {
				found.openVSwitch, err = askSwitch(ctx, s.env, host)
				return err
			})
		})
	}
	asked.Wait()
	if found.err != nil {
		s.env.Log.Warn("path: links", "host", host, "err", found.err)
	}
	if found.switchErr != nil {
		s.env.Log.Warn("path: ovs", "host", host, "err", found.switchErr)
	}
	return found
}

// answer is what a host has told.
type answer struct {
	links       []api.Namespace
	err         error                  // why it has not told
	openVSwitch *openstack.SwitchFacts // nil where it was not asked or has not told
	switchErr   error
}

// settle holds the hops of a host against what it has, or against why nobody
// knows.
func settle(hops []Hop, host string, found answer) {
	facts := factsOf(found.links)
	facts.Switch = found.openVSwitch
	for i := range hops {
		h := &hops[i]
		switch {
		case h.Host != host:
		case h.Seen == openstack.SeenCounters:
			h.look(facts)
		case h.State != Asking:
		case found.err != nil:
			h.State, h.Why, h.err = Unseen, found.err.Error(), found.err
		default:
			h.confirm(found.links, facts)
		}
	}
}
