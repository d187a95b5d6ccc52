package follow

import (
	"errors"
	"time"

	"steth/openstack"
)

// Plan is what to follow, where, and for how long.
type Plan struct {
	Path   openstack.Path
	Follow openstack.Follow
	// For is how long the captures run; 0 until [Session.Stop]. Agents count in
	// whole seconds, so it is rounded up to them.
	For time.Duration
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
