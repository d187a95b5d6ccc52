package rpc

import (
	"context"
	"sync"
	"sync/atomic"
)

// consoleKey is what pairs the sessions of a console: the id that it chose and
// the certificate that it showed, so that nobody joins another's.
type consoleKey struct {
	id   ConsoleID
	cert fingerprint
}

// consoles knows the sessions of a server.
type consoles struct {
	limits Limits

	mu       sync.Mutex
	byKey    map[consoleKey]*console
	sessions int
	perCert  map[fingerprint]int
}

func newConsoles(limits Limits) *consoles {
	return &consoles{limits: limits, byKey: map[consoleKey]*console{}, perCert: map[fingerprint]int{}}
}

// console is one pair of sessions. It lives as long as its control session.
type console struct {
	key   consoleKey
	ctx   context.Context // ends with the control session
	end   context.CancelCauseFunc
	bulk  *link // the newest, nil before the first; consoles.mu
	limit int64
	calls atomic.Int64
}

// begin takes one of the console's calls, false when it has none left.
func (c *console) begin() bool {
	if c.calls.Add(1) > c.limit {
		c.calls.Add(-1)
		return false
	}
	return true
}

func (c *console) finish() { c.calls.Add(-1) }

// link is one session of a console.
type link struct {
	console *console
	peer    Peer
	ctx     context.Context // ends with the console, or when a newer session takes this one's place
	replace context.CancelCauseFunc
}

// join adds a session. A control session makes its console; a bulk session
// needs one. The newest wins: whoever comes back after a break that this side
// has not noticed yet takes the place of what is left of him.
func (cs *consoles) join(ctx context.Context, key consoleKey, peer Peer) (*link, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.sessions >= cs.limits.Sessions {
		return nil, Errorf(ResourceExhausted, "the agent has %d sessions, which is its limit: close some consoles", cs.sessions)
	}
	if n := cs.perCert[key.cert]; n >= cs.limits.PerCertificate {
		return nil, Errorf(ResourceExhausted, "the agent has %d sessions of this certificate, which is its limit: close some consoles", n)
	}
	old := cs.byKey[key]
	if peer.Bulk && (old == nil || old.ctx.Err() != nil) {
		return nil, Errorf(Unavailable, "a bulk session needs the console's control session, which this agent does not have: dial that first")
	}
	var l *link
	if peer.Bulk {
		if old.bulk != nil {
			old.bulk.replace(errReplaced)
		}
		l = newLink(old.ctx, old, peer)
		old.bulk = l
	} else {
		if old != nil {
			old.end(errReplaced)
		}
		c := &console{key: key, limit: int64(cs.limits.Calls)}
		c.ctx, c.end = context.WithCancelCause(ctx)
		cs.byKey[key] = c
		l = newLink(c.ctx, c, peer)
	}
	cs.sessions++
	cs.perCert[key.cert]++
	return l, nil
}

var errReplaced = Errorf(Cancelled, "a newer session of the same console took this one's place")

func newLink(ctx context.Context, c *console, peer Peer) *link {
	l := &link{console: c, peer: peer}
	l.ctx, l.replace = context.WithCancelCause(ctx)
	return l
}

// leave removes a session; with a control session its console ends.
func (cs *consoles) leave(l *link) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	l.replace(nil)
	c := l.console
	if c.bulk == l {
		c.bulk = nil
	}
	if !l.peer.Bulk {
		c.end(errControlLost)
		if cs.byKey[c.key] == c {
			delete(cs.byKey, c.key)
		}
	}
	cs.sessions--
	if cs.perCert[c.key.cert]--; cs.perCert[c.key.cert] == 0 {
		delete(cs.perCert, c.key.cert)
	}
}

// errControlLost is what cancels the calls of a console whose control session ended.
var errControlLost = Errorf(Cancelled, "the console's control session ended")
