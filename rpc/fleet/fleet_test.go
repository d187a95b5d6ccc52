package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"steth/agent/api"
	"steth/rpc"
	"steth/rpc/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agent is a small agent that can be stopped and started on its address.
type agent struct {
	t       *testing.T
	name    string
	address string
	ahead   time.Duration // of its clock

	mu      sync.Mutex
	where   map[string]bool    // tool/bulk that were called
	stop    context.CancelFunc // nil while it's stopped
	stopped chan struct{}
}

func startAgent(t *testing.T, name string) *agent {
	a := &agent{t: t, name: name, where: map[string]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.address = l.Addr().String()
	a.serve(l)
	t.Cleanup(a.halt)
	return a
}

func (a *agent) serve(l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	a.stop, a.stopped = cancel, make(chan struct{})
	server := rpc.Server{Plain: &rpc.Peer{Name: "test", Role: "admin"}, Handler: a}
	go func() {
		defer close(a.stopped)
		if err := server.Serve(ctx, l); err != nil {
			a.t.Errorf("serve: %v", err)
		}
	}()
}

func (a *agent) halt() {
	if a.stop != nil {
		a.stop()
		<-a.stopped
		a.stop = nil
	}
}

// again starts a halted agent on its old address.
func (a *agent) again() {
	a.t.Helper()
	l, err := net.Listen("tcp", a.address)
	if err != nil {
		a.t.Fatal(err)
	}
	a.serve(l)
}

func (a *agent) ServeCall(ctx context.Context, call *rpc.Call) error {
	a.mu.Lock()
	a.where[fmt.Sprintf("%s bulk=%v", call.Tool(), call.Peer().Bulk)] = true
	a.mu.Unlock()
	switch call.Tool() {
	case api.ToolHello:
		var r api.HelloRequest
		if err := call.Decode(&r); err != nil {
			return err
		}
		return call.Event(api.Hello{Sent: r.Sent, Clock: time.Now().Add(a.ahead).UnixNano(), Node: a.name})
	case api.ToolLinks:
		return call.Event(api.Namespace{Name: a.name})
	case api.ToolCapture:
		if err := call.Event(api.CaptureEvent{Kind: api.CaptureStarted}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}
	return rpc.Errorf(rpc.Unimplemented, "no tool %q", call.Tool())
}

func (a *agent) calls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.where))
}

// fleetOf makes a fleet that knows the agents by name, quick to try again.
func fleetOf(t *testing.T, agents []*agent, change ...func(*Config)) *Fleet {
	t.Helper()
	known := map[string][]string{}
	for _, a := range agents {
		known[a.name] = []string{a.address}
	}
	cfg := Config{
		Addresses: func(_ context.Context, node string) ([]string, error) { return known[node], nil },
		Backoff:   func(int) time.Duration { return 5 * time.Millisecond },
		Health:    20 * time.Millisecond,
	}
	for _, f := range change {
		f(&cfg)
	}
	f := New(cfg)
	t.Cleanup(func() { f.Close() })
	return f
}

// until waits for a state of node that ok accepts.
func until(t *testing.T, f *Fleet, node, what string, ok func(State) bool) State {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		look := time.After(time.Millisecond) // for what is no change of the state
		changed := f.Changed()
		s := f.State(node)
		if ok(s) {
			return s
		}
		select {
		case <-changed:
		case <-look:
		case <-deadline:
			t.Fatalf("never %s: %+v", what, s)
		}
	}
}

func phase(p Phase) func(State) bool { return func(s State) bool { return s.Phase == p } }

func first(t *testing.T, f *Fleet, node, tool string, args any) *rpc.Stream {
	t.Helper()
	s, err := f.Call(t.Context(), node, tool, args)
	if err != nil {
		t.Fatalf("%s on %s: %v", tool, node, err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Next(); err != nil {
		t.Fatalf("%s on %s: %v", tool, node, err)
	}
	return s
}

func TestDialsWhenNeededOnTheFittingSession(t *testing.T) {
	a := startAgent(t, "cmp1")
	f := fleetOf(t, []*agent{a})
	if s := f.State("cmp1"); s.Phase != Idle || len(a.calls()) != 0 {
		t.Fatalf("before any call: %+v, %v", s, a.calls())
	}
	before := f.Version()
	first(t, f, "cmp1", api.ToolLinks, api.LinksRequest{})
	if got, want := a.calls(), []string{"hello bulk=false", "links bulk=false"}; !slices.Equal(got, want) {
		t.Errorf("after a control call: %v, want %v", got, want)
	}
	first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})
	if !slices.Contains(a.calls(), "capture bulk=true") {
		t.Errorf("capture was not called on bulk: %v", a.calls())
	}
	s := f.State("cmp1")
	if s.Phase != Up || s.Hello == nil || s.Hello.Node != "cmp1" || s.Address != a.address || s.RTT <= 0 || s.Err != nil {
		t.Errorf("state: %+v", s)
	}
	if f.Version() == before {
		t.Error("the version did not rise")
	}
	if states := f.States(); len(states) != 1 || states[0].Node != "cmp1" {
		t.Errorf("states: %+v", states)
	}
}

func TestOneDialForAll(t *testing.T) {
	a := startAgent(t, "cmp1")
	var dials atomic.Int32
	f := fleetOf(t, []*agent{a}, func(c *Config) {
		c.Health = time.Minute
		c.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			s, err := f.Call(t.Context(), "cmp1", api.ToolLinks, api.LinksRequest{})
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	wg.Wait()
	if n := dials.Load(); n != 1 {
		t.Errorf("%d dials, want 1", n)
	}
}

func TestOneCallersEndDoesNotEndTheDial(t *testing.T) {
	a := startAgent(t, "cmp1")
	dialling, let := make(chan struct{}), make(chan struct{})
	f := fleetOf(t, []*agent{a}, func(c *Config) {
		c.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			close(dialling)
			<-let
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() { gaveUp <- f.Dial(ctx, "cmp1") }()
	<-dialling
	if p := f.State("cmp1").Phase; p != Dialling {
		t.Errorf("phase %s", p)
	}
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("the first caller: %v", err)
	}
	close(let)
	if err := f.Dial(t.Context(), "cmp1"); err != nil {
		t.Errorf("the second caller: %v", err)
	}
}

func TestComesBackByItself(t *testing.T) {
	a := startAgent(t, "cmp1")
	f := fleetOf(t, []*agent{a})
	capture := first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})

	a.halt()
	s := until(t, f, "cmp1", "down", phase(Down))
	if s.Err == nil || !strings.Contains(s.Err.Error(), "cmp1") || s.Retry.IsZero() || s.Hello == nil {
		t.Errorf("down: %+v", s)
	}
	if _, err := capture.Next(); err == nil || err == io.EOF {
		t.Errorf("the capture ended with %v", err)
	}
	s = until(t, f, "cmp1", "refused", func(s State) bool {
		return s.Err != nil && strings.Contains(s.Err.Error(), "connection refused")
	})
	if want := fmt.Sprintf("cmp1 (%s): connection refused: is steth-agent running on cmp1?", a.address); s.Err.Error() != want {
		t.Errorf("error %q, want %q", s.Err, want)
	}

	a.again()
	s = until(t, f, "cmp1", "up again", phase(Up))
	if s.Err != nil || !s.Retry.IsZero() {
		t.Errorf("up again: %+v", s)
	}
	first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})
}

func TestBulkComesBackAlone(t *testing.T) {
	a := startAgent(t, "cmp1")
	var mu sync.Mutex
	var conns []net.Conn
	f := fleetOf(t, []*agent{a}, func(c *Config) {
		c.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, conn)
			return conn, err
		}
	})
	capture := first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})
	since := f.State("cmp1").Since
	mu.Lock()
	conns[1].Close() // the first is control
	mu.Unlock()
	if _, err := capture.Next(); !errors.Is(err, rpc.ErrUnexpectedEnd) {
		t.Errorf("the capture on the broken session: %v", err)
	}
	first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})
	mu.Lock()
	defer mu.Unlock()
	if s := f.State("cmp1"); s.Phase != Up || !s.Since.Equal(since) || len(conns) != 3 {
		t.Errorf("control did not stay up: %+v, %d dials", s, len(conns))
	}
}

// An agent that answers but not to hello is down, with the reason.
func TestHelloFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() {
		server := rpc.Server{Plain: &rpc.Peer{}, Handler: refusing{}}
		served <- server.Serve(ctx, l)
	}()
	defer func() {
		cancel()
		<-served
	}()
	f := fleetOf(t, nil, func(c *Config) {
		c.Addresses = func(context.Context, string) ([]string, error) { return []string{l.Addr().String()}, nil }
	})
	err = f.Dial(t.Context(), "cmp1")
	if !errors.Is(err, rpc.ErrInternal) || !strings.Contains(err.Error(), "no clock") || !strings.HasPrefix(err.Error(), "cmp1 (") {
		t.Errorf("got %v", err)
	}
	f.Close()
}

type refusing struct{}

func (refusing) ServeCall(context.Context, *rpc.Call) error { return errors.New("no clock") }

func TestErrors(t *testing.T) {
	a := startAgent(t, "cmp1")
	other, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing of ours
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
			c.Close()
		}
	}()
	addresses := map[string][]string{
		"ssh":  {other.Addr().String()},
		"name": {"no.such.host.invalid:9698"},
		"far":  {"192.0.2.1:9698"},
		"sock": {"unix:" + filepath.Join(t.TempDir(), "none")},
		"two":  {"127.0.0.1:1", a.address},
		"cmp1": {a.address},
	}
	f := fleetOf(t, nil, func(c *Config) {
		c.PerAgent = 300 * time.Millisecond
		c.Addresses = func(_ context.Context, node string) ([]string, error) {
			if node == "broken" {
				return nil, errors.New("nova says no")
			}
			return addresses[node], nil
		}
		c.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "192.0.2.1") { // never leave this machine
				<-ctx.Done()
				return nil, ctx.Err()
			}
			if strings.HasPrefix(address, "no.such.host") {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "no.such.host.invalid", IsNotFound: true}}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	tests := []struct {
		node string
		is   error
		says []string
	}{
		{"ssh", rpc.ErrVersionMismatch, []string{"ssh (", "not an agent", "SSH-2.0"}},
		{"name", rpc.ErrUnavailable, []string{"no.such.host.invalid", "nodes:"}},
		{"far", rpc.ErrDeadlineExceeded, []string{"far (192.0.2.1:9698)", "firewall"}},
		{"sock", rpc.ErrUnavailable, []string{"steth-agent running on sock"}},
		{"unknown", rpc.ErrNotFound, []string{"unknown: no address", "nodes:"}},
		{"broken", rpc.ErrUnavailable, []string{"broken: nova says no"}},
	}
	for _, tt := range tests {
		_, err := f.Call(t.Context(), tt.node, api.ToolLinks, api.LinksRequest{})
		if !errors.Is(err, tt.is) {
			t.Errorf("%s: got %v, want %v", tt.node, err, tt.is)
			continue
		}
		for _, want := range tt.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", tt.node, err, want)
			}
		}
		if s := f.State(tt.node); s.Phase != Down && s.Phase != Dialling || s.Err == nil {
			t.Errorf("%s: state %+v", tt.node, s)
		}
	}
	if err := f.Dial(t.Context(), "two"); err != nil {
		t.Errorf("the second address: %v", err)
	}
	if got := f.State("two").Address; got != a.address {
		t.Errorf("address %s, want the one that answered, %s", got, a.address)
	}
	if _, err := f.Call(t.Context(), "cmp1", "dance", nil); !errors.Is(err, rpc.ErrUnimplemented) {
		t.Errorf("unknown tool: %v", err)
	}
	_, err = f.Call(t.Context(), "cmp1", api.ToolCapture, api.CaptureRequest{})
	if !errors.Is(err, rpc.ErrInvalidArgument) || f.State("cmp1").Phase != Idle {
		t.Errorf("bad arguments: %v, and the node is %s", err, f.State("cmp1").Phase)
	}
}

func TestEach(t *testing.T) {
	a := startAgent(t, "cmp1")
	f := fleetOf(t, []*agent{a}, func(c *Config) { c.Limit, c.PerAgent = 2, 100*time.Millisecond })
	var running, most atomic.Int32
	nodes := []string{"cmp1", "a", "b", "slow", "c", "d"}
	failed := f.Each(t.Context(), nodes, func(ctx context.Context, node string) error {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		switch node {
		case "cmp1":
			return f.Dial(ctx, node)
		case "slow":
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s is bad", node)
	})
	if got, want := slices.Sorted(maps.Keys(failed)), []string{"a", "b", "c", "d", "slow"}; !slices.Equal(got, want) {
		t.Errorf("failed: %v, want %v", failed, want)
	}
	if !errors.Is(failed["slow"], rpc.ErrDeadlineExceeded) || !strings.Contains(failed["slow"].Error(), "slow") {
		t.Errorf("slow: %v", failed["slow"])
	}
	if most.Load() > 2 {
		t.Errorf("%d at once, the limit is 2", most.Load())
	}
}

func TestClockOffset(t *testing.T) {
	a := startAgent(t, "cmp1")
	a.ahead = 90 * time.Second
	f := fleetOf(t, []*agent{a})
	if _, _, known := f.Offset("cmp1"); known {
		t.Error("an offset is known before any hello")
	}
	if err := f.Dial(t.Context(), "cmp1"); err != nil {
		t.Fatal(err)
	}
	offset, spread, known := f.Offset("cmp1")
	if wrong := (offset - a.ahead).Abs(); !known || wrong > spread || spread > 250*time.Millisecond {
		t.Errorf("offset %v ± %v (%v), want %v", offset, spread, known, a.ahead)
	}
}

func TestIdleSessionsAreClosed(t *testing.T) {
	a := startAgent(t, "cmp1")
	f := fleetOf(t, []*agent{a}, func(c *Config) { c.IdleAfter, c.Health = 50*time.Millisecond, 5*time.Millisecond })
	capture := first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})
	version := f.State("cmp1").Hello.Clock + int64(200*time.Millisecond)
	s := until(t, f, "cmp1", "four times the idle time old", func(s State) bool { return s.Hello.Clock > version })
	if s.Phase != Up {
		t.Fatalf("closed under a running capture: %+v", s)
	}
	capture.Close()
	until(t, f, "cmp1", "idle", phase(Idle))
	first(t, f, "cmp1", api.ToolLinks, api.LinksRequest{})
	if p := f.State("cmp1").Phase; p != Up {
		t.Errorf("after the next call: %s", p)
	}
}

func TestClosedFleet(t *testing.T) {
	a := startAgent(t, "cmp1")
	f := fleetOf(t, []*agent{a})
	capture := first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})
	f.Close()
	if _, err := capture.Next(); err == nil {
		t.Error("the capture goes on")
	}
	if err := f.Dial(t.Context(), "cmp1"); !errors.Is(err, rpc.ErrCancelled) {
		t.Errorf("dial: %v", err)
	}
	if p := f.State("cmp1").Phase; p != Idle {
		t.Errorf("phase %s", p)
	}
}

// clock is a clock that stands still until it's moved.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	alarms map[chan time.Time]time.Time
}

func newClock() *clock {
	return &clock{now: time.Unix(1e9, 0), alarms: map[chan time.Time]time.Time{}}
}

// awaited tells whether somebody waits for the time at.
func (c *clock) awaited(at time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, alarm := range c.alarms {
		if alarm.Equal(at) {
			return true
		}
	}
	return false
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.alarms[ch] = c.now.Add(d)
	return ch
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for ch, at := range c.alarms {
		if !at.After(c.now) {
			ch <- c.now
			delete(c.alarms, ch)
		}
	}
}

func TestPausesGrow(t *testing.T) {
	clock := newClock()
	var dials atomic.Int32
	f := fleetOf(t, nil, func(c *Config) {
		c.Clock, c.Backoff, c.IdleAfter = clock, Backoff, time.Hour
		c.Addresses = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1:1"}, nil }
		c.Dialer = func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			return nil, errors.New("away")
		}
	})
	if err := f.Dial(t.Context(), "cmp1"); err == nil {
		t.Fatal("dialled")
	}
	for n, most := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		most *= time.Second
		s := until(t, f, "cmp1", "waiting for the next dial", func(s State) bool {
			return s.Phase == Down && dials.Load() == int32(n+1) && clock.awaited(s.Retry)
		})
		pause := s.Retry.Sub(clock.Now())
		if pause > most || pause < most/2 {
			t.Errorf("pause %d is %v, want %v to %v", n+1, pause, most/2, most)
		}
		clock.move(pause)
	}
	until(t, f, "cmp1", "down", func(s State) bool { return s.Phase == Down && dials.Load() == 8 })
	// A call right after a failure gets that failure, and one that insists dials.
	before := dials.Load()
	if _, err := f.Call(t.Context(), "cmp1", api.ToolLinks, api.LinksRequest{}); err == nil || dials.Load() != before {
		t.Errorf("a call in the pause: %v, %d dials", err, dials.Load()-before)
	}
	if err := f.Dial(t.Context(), "cmp1"); err == nil || dials.Load() != before+1 {
		t.Errorf("a dial in the pause: %v, %d dials", err, dials.Load()-before)
	}
}

func TestOverTLS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	if _, err := pki.Init(dir, []string{"viewer"}); err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"cmp1", "cmp2"} {
		if _, err := pki.Issue(dir, node); err != nil {
			t.Fatal(err)
		}
	}
	node, err := pki.LoadBundle(filepath.Join(dir, "node-cmp1"))
	if err != nil {
		t.Fatal(err)
	}
	console, err := pki.LoadBundle(filepath.Join(dir, "console-viewer"))
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{t: t, name: "cmp1", where: map[string]bool{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() {
		server := rpc.Server{Handler: a, TLS: pki.ServerTLS(node), Identify: func(cs tls.ConnectionState) (p rpc.Peer, err error) {
			p.Name, p.Role, p.Serial, err = pki.IdentifyConsole(cs)
			return p, err
		}}
		served <- server.Serve(ctx, l)
	}()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	f := fleetOf(t, nil, func(c *Config) {
		c.TLS = func(node string) (*tls.Config, error) { return pki.ClientTLS(console, node), nil }
		c.Addresses = func(context.Context, string) ([]string, error) { return []string{l.Addr().String()}, nil }
	})
	first(t, f, "cmp1", api.ToolCapture, api.CaptureRequest{Device: "tap0"})
	err = f.Dial(t.Context(), "cmp2") // whose address leads to cmp1
	if !errors.Is(err, rpc.ErrPermissionDenied) || !strings.Contains(err.Error(), "another node") {
		t.Errorf("wrong node: %v", err)
	}
	f.Close()
}

func TestOffsets(t *testing.T) {
	start := time.Unix(1e9, 0)
	var o offsets
	at := func(ms int, rtt, ahead time.Duration) sample {
		sent := start.Add(time.Duration(ms) * time.Millisecond)
		return o.add(sent, sent.Add(rtt), sent.Add(rtt/2+ahead).UnixNano())
	}
	at(0, 80*time.Millisecond, 10*time.Millisecond)
	at(100, 4*time.Millisecond, 12*time.Millisecond)
	at(200, 50*time.Millisecond, 20*time.Millisecond)
	if best, _ := o.best(); best.offset != 12*time.Millisecond || best.spread() != 2*time.Millisecond {
		t.Errorf("best %v ± %v, want that of the shortest round trip", best.offset, best.spread())
	}
	at(300, 10*time.Millisecond, time.Second) // the node's clock was set
	if best, _ := o.best(); best.offset != time.Second {
		t.Errorf("after a step: %v, want 1s", best.offset)
	}
	at(300+int(offsetAge/time.Millisecond)+1, 90*time.Millisecond, 990*time.Millisecond)
	if best, _ := o.best(); best.offset != 990*time.Millisecond {
		t.Errorf("after the age: %v, want the new one", best.offset)
	}
}
