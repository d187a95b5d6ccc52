package follow

import (
	"fmt"

	"steth/openstack"
)

// State says what is going on at a hop.
type State string

// The states of a hop.
const (
	Asking   State = "asking"   // its host was not heard of yet
	Opening  State = "opening"  // its capture begins
	Watching State = "watching" // every packet is seen
	Ended    State = "ended"    // it was watched as long as wanted
	Broken   State = "broken"   // its capture ended before its time; Why says how
	Unseen   State = "unseen"   // nothing is seen there; Why says why not
)

// Hop is one place of the path and how it goes there.
type Hop struct {
	// Hop is the place as expected. Netns and Device are those that were found,
	// where they could be found.
	openstack.Hop
	State State
	Why   string // why packets aren't seen here, or no longer; "" where they are
	Check openstack.Confirmation
	// Filter is what its capture asks for.
	Filter openstack.Filter
	// Capture is the index of its capture in [Session.Feeds], -1 for none. Hops
	// that share a device share it.
	Capture int
	// Counter is what passed where no packet can be seen; nil where nothing counts.
	Counter *Counter

	// guesses are the devices of which one is the hop's, where only its packets
	// tell which; nil where it's known. Until a packet has told, nothing is
	// called missing here.
	guesses []string
	found   int   // MTU of the device; 0: not known
	err     error // that Why tells, where an agent said it
}

// Name is the hop as a sentence calls it: "3 eth1 on cmp1".
func (h Hop) Name() string {
	what := h.Device
	if what == "" {
		what = h.What
	}
	if h.Host == "" {
		return fmt.Sprintf("%d %s", h.Index, what)
	}
	return fmt.Sprintf("%d %s on %s", h.Index, what, h.Host)
}

// seen tells whether packets are or were seen at the hop.
func (h Hop) seen() bool { return h.State == Watching || h.State == Ended || h.State == Broken }

// maySee tells whether the hop has a capture, or may get one: its host has not
// been heard of.
func (h Hop) maySee() bool { return h.Capture >= 0 || h.State == Asking && h.Host != "" }
