package fleet

import (
	"cmp"
	"slices"
	"time"

	"steth/agent/api"
)

// Phase is where a node's control session stands.
type Phase string

// The phases.
const (
	Idle     Phase = "idle"     // nobody needs it
	Dialling Phase = "dialling" // for the first time, or again
	Up       Phase = "up"
	Down     Phase = "down" // Err says why, Retry when it is dialled again
)

// State is what the screen shows of one node's agent.
type State struct {
	Node    string
	Address string // the one in use, or tried last
	Phase   Phase
	Since   time.Time     // when Phase began
	RTT     time.Duration // of the last hello, the agent's time to answer included
	Offset  time.Duration // the node's clock minus this one; valid where Hello is set
	Spread  time.Duration // Offset is right within this much, to either side
	Hello   *api.Hello    // the last one, kept when the agent went away; read-only
	Err     error         // of Down and of Dialling again
	Retry   time.Time     // of Down
}

// State returns the state of node, Idle where nobody has asked for it yet.
func (f *Fleet) State(node string) State {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.nodes[node]; n != nil {
		return n.state
	}
	return State{Node: node, Phase: Idle}
}

// States returns the state of every node that was ever asked for, by name.
func (f *Fleet) States() []State {
	f.mu.Lock()
	defer f.mu.Unlock()
	states := make([]State, 0, len(f.nodes))
	for _, n := range f.nodes {
		states = append(states, n.state)
	}
	slices.SortFunc(states, func(a, b State) int { return cmp.Compare(a.Node, b.Node) })
	return states
}

// Offset returns how far node's clock is ahead of this one, and within how much
// that is right. It is not known before the first hello.
func (f *Fleet) Offset(node string) (offset, spread time.Duration, known bool) {
	s := f.State(node)
	return s.Offset, s.Spread, s.Hello != nil
}

// Version rises with every change of any state.
func (f *Fleet) Version() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version
}

// Changed returns a channel that is closed at the next change of any state. Get
// it before reading the states, and none is missed.
func (f *Fleet) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// bump tells of a change. f.mu is held.
func (f *Fleet) bump() {
	f.version++
	close(f.changed)
	f.changed = make(chan struct{})
}

// enter changes the phase of n. f.mu is held.
func (f *Fleet) enter(n *node, phase Phase) {
	if n.state.Phase != phase {
		n.state.Phase, n.state.Since = phase, f.cfg.Clock.Now()
	}
	f.bump()
}
