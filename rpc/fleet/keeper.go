package fleet

import (
	"time"

	"steth/rpc"
)

// keepAlive starts the keeper of n if it has none. f.mu is held and the fleet
// is open.
func (f *Fleet) keepAlive(n *node) {
	if n.keeping {
		return
	}
	n.keeping = true
	f.wait.Go(func() { f.keep(n) })
}

// keep is the keeper of n. It ends when nobody has used the node for
// Config.IdleAfter, or with the fleet.
func (f *Fleet) keep(n *node) {
	for f.ctx.Err() == nil {
		f.mu.Lock()
		if f.idle(n, control) && n.dials[control] == nil && n.dials[bulk] == nil {
			n.keeping = false
			open := f.drop(n, Idle)
			n.state.Err, n.state.Retry = nil, time.Time{}
			f.mu.Unlock()
			closeAll(open)
			return
		}
		session, retry := n.sessions[control], n.state.Retry
		dialling := n.dials[control] != nil
		f.mu.Unlock()
		switch {
		case dialling:
			select {
			case <-n.wake:
			case <-f.ctx.Done():
			}
		case session == nil:
			f.dialAgain(n, retry)
		default:
			f.watch(n, session)
		}
	}
}

// idle tells whether the sessions of a kind, and all others where the kind is
// control, have no calls and had none lately. f.mu is held.
func (f *Fleet) idle(n *node, kind int) bool {
	if f.cfg.Clock.Now().Sub(n.used[kind]) < f.cfg.IdleAfter {
		return false
	}
	for k, s := range n.sessions {
		if s != nil && (k == kind || kind == control) && s.Streams() > 0 {
			n.used[kind] = f.cfg.Clock.Now() // the last call counts from its end
			return false
		}
	}
	return true
}

// dialAgain waits until retry and dials n, unless somebody did in between.
func (f *Fleet) dialAgain(n *node, retry time.Time) {
	select {
	case <-f.cfg.Clock.After(retry.Sub(f.cfg.Clock.Now())):
	case <-n.wake:
		return
	case <-f.ctx.Done():
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.sessions[control] == nil && f.ctx.Err() == nil {
		f.dial(n, control)
	}
}

// watch waits for the loss of the control session, or for the time of the next
// hello and says it.
func (f *Fleet) watch(n *node, s *rpc.Session) {
	select {
	case <-s.Done():
		f.lost(n, s, explain(n.name, f.State(n.name).Address, s.Err()))
	case <-f.cfg.Clock.After(f.cfg.Health):
		if err := f.hello(f.ctx, n, s); err != nil && f.ctx.Err() == nil {
			f.lost(n, s, err)
		}
		f.tidy(n)
	case <-n.wake: // a dial ended, and the session may be another
	case <-f.ctx.Done():
	}
}

// lost takes away the sessions of n because its control session s broke.
func (f *Fleet) lost(n *node, s *rpc.Session, err error) {
	f.mu.Lock()
	if n.sessions[control] != s {
		f.mu.Unlock()
		return
	}
	open := f.drop(n, Down)
	n.failures = 1
	f.down(n, err)
	f.mu.Unlock()
	f.cfg.Log.Warn("agent was lost", "node", n.name, "error", err)
	closeAll(open)
}

// tidy closes a bulk session that broke or that nobody needs.
func (f *Fleet) tidy(n *node) {
	f.mu.Lock()
	s := n.sessions[bulk]
	if s == nil || n.dials[bulk] != nil || s.Err() == nil && !f.idle(n, bulk) {
		f.mu.Unlock()
		return
	}
	n.sessions[bulk] = nil
	f.mu.Unlock()
	s.Close()
}
