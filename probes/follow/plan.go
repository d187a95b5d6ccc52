package follow

import (
	"errors"
	"time"

	"steth/openstack"
	"steth/packets/craft"
)

// Plan is what to follow, where, and for how long.
type Plan struct {
	Path   openstack.Path
	Follow openstack.Follow
	// For is how long the captures run; 0 until [Session.Stop]. Agents count in
	// whole seconds, so it is rounded up to them.
	For time.Duration
	// Inject is sent as soon as the captures watch. The session then is about
	// nothing else: Follow is derived from it, others' packets are left out of
	// rows and counts, and it ends by itself when all has settled.
	Inject *Injection
}

// inject is the plan of a session that is about its injection.
func (p Plan) inject() (Plan, *craft.Probe, error) {
	in := p.Inject.complete()
	probe, err := in.probe(p.Path)
	if err != nil {
		return p, nil, err
	}
	p.Inject, p.Follow = &in, follows(probe)
	if p.For > 0 {
		p.For = max(p.For, readiness+in.lasts())
	}
	return p, probe, nil
}

func (p Plan) check() error {
	switch {
	case len(p.Path.Hops) == 0:
		return errors.New("the path has no hops, so there is nothing to follow")
	case p.For < 0:
		return errors.New("the time to follow can't be negative")
	}
	return nil
}

// seconds is For as agents take it.
func (p Plan) seconds() int { return int((p.For + time.Second - 1) / time.Second) }

// left are the seconds that a capture has which begins so much later than the
// first; 0 where it's not worth while.
func (p Plan) left(late time.Duration) int {
	return int(max(0, (p.For-late+time.Second/2)/time.Second))
}
