package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"steth/agent/api"
	"steth/rpc"
)

// node is one agent and the sessions to it. Fleet.mu guards it.
type node struct {
	name  string
	state State
	clock offsets

	sessions [2]*rpc.Session // by kind; nil where there is none
	dials    [2]*dial        // by kind; under way
	console  rpc.ConsoleID   // that the control session has and a bulk session needs
	used     [2]time.Time    // by kind; the last call

	failures int       // dials in a row
	tried    time.Time // when the last dial began
	keeping  bool      // its keeper runs
	wake     chan struct{}
}

// The kinds of sessions, as indexes.
const (
	control = 0
	bulk    = 1
)

// dial is one attempt, shared by all who wait for it.
type dial struct {
	done    chan struct{}
	session *rpc.Session // valid once done
	err     error
}

// session returns the session of a kind to a node, dialling when needed. A call
// that follows a failed dial within a second gets the same answer again, unless
// it insists.
func (f *Fleet) session(ctx context.Context, name string, isBulk, insist bool) (*rpc.Session, error) {
	kind := control
	if isBulk {
		kind = bulk
	}
	f.mu.Lock()
	if f.ctx.Err() != nil {
		f.mu.Unlock()
		return nil, errClosed
	}
	n := f.node(name)
	now := f.cfg.Clock.Now()
	n.used[control], n.used[kind] = now, now
	f.keepAlive(n)
	if s := n.sessions[kind]; s != nil && s.Err() == nil {
		f.mu.Unlock()
		return s, nil
	}
	if !insist && n.dials[kind] == nil && n.state.Phase == Down && now.Sub(n.tried) < shortestPause {
		defer f.mu.Unlock()
		return nil, n.state.Err
	}
	d := f.dial(n, kind)
	f.mu.Unlock()
	select {
	case <-d.done:
		return d.session, d.err
	case <-ctx.Done():
		return nil, explain(name, "", context.Cause(ctx))
	}
}

// node returns the node called name, which it makes. f.mu is held.
func (f *Fleet) node(name string) *node {
	n := f.nodes[name]
	if n == nil {
		n = &node{name: name, state: State{Node: name, Phase: Idle, Since: f.cfg.Clock.Now()}, wake: make(chan struct{}, 1)}
		f.nodes[name] = n
	}
	return n
}

// dial joins the dial of a kind to n that is under way, or begins one. f.mu is
// held and the fleet is open.
func (f *Fleet) dial(n *node, kind int) *dial {
	if d := n.dials[kind]; d != nil {
		return d
	}
	d := &dial{done: make(chan struct{})}
	n.dials[kind] = d
	if kind == control {
		n.tried = f.cfg.Clock.Now()
		f.enter(n, Dialling)
	}
	f.wait.Go(func() {
		ctx, cancel := context.WithTimeout(f.ctx, f.cfg.PerAgent)
		defer cancel()
		if kind == control {
			d.session, d.err = f.openControl(ctx, n)
		} else {
			d.session, d.err = f.openBulk(ctx, n)
		}
		f.mu.Lock()
		n.dials[kind] = nil
		f.mu.Unlock()
		close(d.done)
		n.nudge()
	})
	return d
}

// nudge lets the keeper look again.
func (n *node) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// openControl dials the control session and says hello on it.
func (f *Fleet) openControl(ctx context.Context, n *node) (*rpc.Session, error) {
	console := rpc.NewConsoleID()
	session, err := f.connect(ctx, n, console, control)
	if err == nil {
		if err = f.measure(ctx, n, session); err != nil {
			session.Close()
		}
	}
	f.mu.Lock()
	if err != nil {
		n.failures++
		f.down(n, err)
		f.mu.Unlock()
		f.cfg.Log.Warn("agent is down", "node", n.name, "failures", n.failures, "error", err)
		return nil, err
	}
	old := f.drop(n, Up)
	n.sessions[control], n.console, n.failures = session, console, 0
	n.state.Err, n.state.Retry = nil, time.Time{}
	f.mu.Unlock()
	closeAll(old)
	f.cfg.Log.Info("agent is up", "node", n.name)
	return session, nil
}

// openBulk dials the bulk session, after the control session that it needs.
func (f *Fleet) openBulk(ctx context.Context, n *node) (*rpc.Session, error) {
	if _, err := f.session(ctx, n.name, false, false); err != nil {
		return nil, err
	}
	f.mu.Lock()
	console := n.console
	f.mu.Unlock()
	session, err := f.connect(ctx, n, console, bulk)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	old := n.sessions[bulk]
	stale := n.console != console || n.sessions[control] == nil
	if !stale {
		n.sessions[bulk] = session
	}
	f.mu.Unlock()
	if old != nil && !stale {
		old.Close()
	}
	if stale {
		session.Close()
		return nil, explain(n.name, "", rpc.Errorf(rpc.Unavailable, "the control session was lost while the bulk session was dialled: try again"))
	}
	return session, nil
}

// connect opens a session of a kind at the first of the node's addresses that answers.
func (f *Fleet) connect(ctx context.Context, n *node, console rpc.ConsoleID, kind int) (*rpc.Session, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, explain(n.name, "", context.Cause(ctx))
	}
	addresses, err := f.cfg.Addresses(ctx, n.name)
	if err != nil {
		return nil, explain(n.name, "", err)
	}
	if len(addresses) == 0 {
		return nil, explain(n.name, "", rpc.Errorf(rpc.NotFound, "no address is known: give one under `nodes:` in the configuration"))
	}
	var failed []error
	for i, address := range addresses {
		f.mu.Lock()
		n.state.Address = address
		f.mu.Unlock()
		session, err := f.try(ctx, n.name, address, len(addresses)-i, rpc.DialOptions{Console: console, Bulk: kind == bulk, Plain: f.cfg.TLS == nil, Log: f.cfg.Log.With("node", n.name)})
		if err == nil {
			return session, nil
		}
		failed = append(failed, explain(n.name, address, err))
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	all := errors.Join(failed...)
	return nil, rpc.WithCause(rpc.CodeOf(failed[0]), all, all.Error())
}

// try opens a session at one address, in its share of the time that is left
// for so many addresses.
func (f *Fleet) try(ctx context.Context, node, address string, share int, opt rpc.DialOptions) (*rpc.Session, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(share))
		defer cancel()
	}
	network, at := splitAddress(address)
	conn, err := f.cfg.Dialer(ctx, network, at)
	if err != nil {
		return nil, err
	}
	if f.cfg.TLS != nil {
		config, err := f.cfg.TLS(node)
		if err != nil {
			conn.Close()
			return nil, err
		}
		conn = tls.Client(conn, config)
	}
	return rpc.Dial(ctx, conn, opt)
}

// helloTimeout is how long an agent may take to say hello.
const helloTimeout = 4 * time.Second

// firstHellos is how many hellos a new session begins with, since the first
// round trip of a connection is rarely its shortest.
const firstHellos = 3

// measure says the first hellos.
func (f *Fleet) measure(ctx context.Context, n *node, s *rpc.Session) error {
	for range firstHellos {
		if err := f.hello(ctx, n, s); err != nil {
			return err
		}
	}
	return nil
}

// hello asks the agent who it is and takes a sample of its clock.
func (f *Fleet) hello(ctx context.Context, n *node, s *rpc.Session) error {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	sent := f.cfg.Clock.Now()
	hello, received, err := f.sayHello(ctx, s, sent)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return explain(n.name, n.state.Address, fmt.Errorf("hello: %w", err))
	}
	if hello.Node != n.name {
		f.cfg.Log.Debug("the agent calls itself otherwise", "node", n.name, "agent", hello.Node)
	}
	last := n.clock.add(sent, received, hello.Clock)
	best, _ := n.clock.best()
	n.state.RTT, n.state.Offset, n.state.Spread, n.state.Hello = last.rtt, best.offset, best.spread(), &hello
	f.bump()
	return nil
}

func (f *Fleet) sayHello(ctx context.Context, s *rpc.Session, sent time.Time) (api.Hello, time.Time, error) {
	stream, err := s.Call(ctx, api.ToolHello, api.HelloRequest{Sent: sent.UnixNano()})
	if err != nil {
		return api.Hello{}, time.Time{}, err
	}
	defer stream.Close()
	hello, err := rpc.Recv[api.Hello](stream)
	return hello, f.cfg.Clock.Now(), err
}

// down notes that the agent is away, with err as the reason. f.mu is held.
func (f *Fleet) down(n *node, err error) {
	n.state.Err = err
	n.state.Retry = f.cfg.Clock.Now().Add(f.cfg.Backoff(n.failures))
	f.enter(n, Down)
}

// drop takes the sessions of n away and returns them for closing. f.mu is held.
func (f *Fleet) drop(n *node, phase Phase) []*rpc.Session {
	var open []*rpc.Session
	for kind, s := range n.sessions {
		if s != nil {
			open = append(open, s)
		}
		n.sessions[kind] = nil
	}
	f.enter(n, phase)
	return open
}
