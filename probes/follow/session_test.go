package follow

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fxamacker/cbor/v2"
	"go.uber.org/goleak"

	"steth/agent/api"
	"steth/openstack"
	"steth/packets/match"
	"steth/probes"
	"steth/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hosts are agents that are not there: what each has, and what its captures
// bring.
type hosts struct {
	links    map[string][]api.Namespace // by host; a host that isn't in it doesn't answer
	captures map[string]func(*script)   // by host/device
	switches map[string][]api.OVSEvent  // by host; a host that isn't in it has no Open vSwitch
	onSwitch func()                     // called before a host tells of its Open vSwitch
	count    func(api.OVSPortName) uint64
	offsets  map[string]time.Duration
	spread   time.Duration
	slow     map[string]time.Duration // that a host takes to say which devices it has
	mu       sync.Mutex
	asked    []api.CaptureRequest
}

func (h *hosts) Call(ctx context.Context, node, tool string, args any) (probes.Stream, error) {
	if d := h.slow[node]; d > 0 && tool == api.ToolLinks {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	links, ok := h.links[node]
	if !ok {
		return nil, fmt.Errorf("no agent on %s: %w", node, rpc.ErrUnavailable)
	}
	s := &script{out: make(chan rpc.Message, 4096), closed: make(chan struct{}), end: io.EOF, offset: h.offsets[node]}
	switch tool {
	case api.ToolLinks:
		for _, ns := range links {
			s.event(ns)
		}
	case api.ToolOVSCounters:
		s.end = rpc.Errorf(rpc.NotReady, "Open vSwitch does not run here")
		if h.count != nil {
			s.end = nil
			go h.counting(s, args.(api.OVSCountersRequest))
			return s, nil
		}
	case api.ToolOVS:
		if h.onSwitch != nil {
			h.onSwitch()
		}
		s.end = rpc.Errorf(rpc.NotReady, "Open vSwitch does not run here")
		for _, e := range h.switches[node] {
			s.event(e)
			s.end = io.EOF
		}
	case api.ToolCapture:
		req := args.(api.CaptureRequest)
		h.mu.Lock()
		h.asked = append(h.asked, req)
		h.mu.Unlock()
		key := node + "/" + req.Device
		if req.Packets > 0 {
			key += " at a glance"
		}
		s.seconds = req.Seconds
		if run := h.captures[key]; run != nil {
			run(s)
		}
	}
	close(s.out)
	return s, nil
}

// counting answers as often as it was asked to, until the stream is closed.
func (h *hosts) counting(s *script, req api.OVSCountersRequest) {
	defer close(s.out)
	for n := 1; ; n++ {
		var e api.OVSCounters
		for _, p := range req.Ports {
			e.Ports = append(e.Ports, api.OVSPortCounters{RxPackets: h.count(p)})
		}
		s.event(e)
		if n == req.Count {
			return
		}
		select {
		case <-time.After(req.Every):
		case <-s.closed:
			return
		}
	}
}

func (h *hosts) Address(context.Context, string) (string, error)   { return "", nil }
func (h *hosts) Offset(node string) (offset, spread time.Duration) { return h.offsets[node], h.spread }

// script is a stream that was written before.
type script struct {
	out    chan rpc.Message
	closed chan struct{}
	once   sync.Once
	end    error // after the last message; nil: it stays open
	offset time.Duration
	lasts  time.Duration // before its end comes
	// seconds is what was asked for.
	seconds int
}

func (s *script) Next() (rpc.Message, error) {
	if m, ok := <-s.out; ok {
		return m, nil
	}
	if s.end != nil {
		select {
		case <-time.After(s.lasts):
		case <-s.closed:
			return rpc.Message{}, rpc.ErrCancelled
		}
		return rpc.Message{}, s.end
	}
	<-s.closed
	return rpc.Message{}, rpc.ErrCancelled
}

func (s *script) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *script) event(v any) {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic(err)
	}
	s.out <- rpc.Message{Event: b}
}

// started, packet and stats write what an agent whose clock is off would.
func (s *script) started(t int64) {
	s.event(api.CaptureEvent{Kind: api.CaptureStarted, LinkType: 1, Snap: 128, Time: t + int64(s.offset)})
}

func (s *script) stats(t int64, kernel uint64) {
	s.event(api.CaptureEvent{Kind: api.CaptureStats, Time: t + int64(s.offset), Kernel: kernel})
}

func (s *script) packet(t int64, outgoing bool, frame []byte) {
	p := api.Packet{Time: t + int64(s.offset), Length: uint32(len(frame)), Data: frame}
	if outgoing {
		p.Type = 4
	}
	s.out <- rpc.Message{Data: api.AppendPacket(nil, p)}
}

// echo is an ICMP echo request from 10.0.0.1 to 10.0.0.2.
func echo(seq byte) []byte {
	f := make([]byte, 14+20+8+32)
	f[12] = 8 // IPv4
	ip := f[14:]
	copy(ip, []byte{0x45, 0, 0, 60, seq, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2})
	copy(ip[20:], []byte{8, 0, 0, 0, 0, 7, 0, seq})
	return f
}

// plan is a path from a tap on cmp1 by an NIC to a tap on cmp2.
func plan(seconds time.Duration) Plan {
	view := openstack.View{Near: addrs("10.0.0.1"), Far: addrs("10.0.0.2")}
	hop := func(i int, host, device string) openstack.Hop {
		return openstack.Hop{
			Index: i, Host: host, Device: device, Seen: openstack.SeenPackets, View: view,
			Locate: openstack.Locate{Name: device},
		}
	}
	return Plan{Path: openstack.Path{
		From: openstack.End{Name: "web1"}, To: openstack.End{Name: "web2"},
		Hops: []openstack.Hop{
			hop(1, "cmp1", "tap1"), hop(2, "cmp1", "brq1"),
			{Index: 3, What: "the underlay", Seen: openstack.SeenBlind, Why: "no agent runs on a switch", View: view},
			hop(4, "cmp2", "tap2"),
		},
	}, Follow: openstack.Follow{What: openstack.FollowICMP}, For: seconds}
}

func addrs(s ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range s {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func devices(names ...string) []api.Namespace {
	ns := api.Namespace{}
	for _, n := range names {
		ns.Links = append(ns.Links, api.Link{Name: n, MTU: 1450, Up: true})
	}
	return []api.Namespace{ns}
}

// run follows the plan to its end.
func run(t *testing.T, h *hosts, p Plan) *Session {
	t.Helper()
	s, err := Start(t.Context(), probes.Env{Agents: h}, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-s.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the session does not end")
	}
	return s
}

const ms = int64(time.Millisecond)

// passes is a capture of ten seconds that sees packets at times, one each 10 ms.
func passes(start int64, after int64, outgoing bool, seqs ...byte) func(*script) {
	return func(s *script) {
		s.started(start)
		for _, n := range seqs {
			s.packet(start+int64(n)*10*ms+after, outgoing, echo(n))
		}
		s.stats(start+10_000*ms, 0)
	}
}

func TestSession(t *testing.T) {
	now := time.Now().Add(-20 * time.Second).UnixNano()
	all := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	near := passes(now, 0, false, all...)
	bridge := passes(now, ms/10, false, all...)
	there := func() *hosts {
		return &hosts{
			links:    map[string][]api.Namespace{"cmp1": devices("tap1", "brq1"), "cmp2": devices("tap2")},
			captures: map[string]func(*script){"cmp1/tap1": near, "cmp1/brq1": bridge, "cmp2/tap2": passes(now, ms, true, all...)},
			offsets:  map[string]time.Duration{"cmp1": 0, "cmp2": 0},
		}
	}
	for name, c := range map[string]struct {
		change func(*hosts)
		reason string // has it
		states string
	}{
		"delivered": {
			func(*hosts) {}, "10 of 10 came to 4 tap2 on cmp2, the end", "ended ended unseen ended",
		},
		"lost": {
			func(h *hosts) { h.captures["cmp2/tap2"] = passes(now, ms, true, 1, 2, 3, 7, 8, 9, 10) },
			"3 of 10 lost between 2 brq1 on cmp1 and 4 tap2 on cmp2", "ended ended unseen ended",
		},
		"clocks are brought together": {
			func(h *hosts) {
				h.offsets["cmp2"] = 40 * time.Second
				h.captures["cmp2/tap2"] = passes(now, ms, true, 1, 2, 3, 7, 8, 9, 10)
			},
			"3 of 10 lost between 2 brq1 on cmp1 and 4 tap2 on cmp2", "ended ended unseen ended",
		},
		"drops accuse nobody": {
			func(h *hosts) {
				h.captures["cmp2/tap2"] = func(s *script) {
					s.started(now)
					for _, n := range []byte{1, 2, 3, 7, 8, 9, 10} {
						s.packet(now+int64(n)*10*ms+ms, true, echo(n))
					}
					s.stats(now+500*ms, 3)
					s.stats(now+10_000*ms, 3)
				}
			},
			"3 of 10 could not be followed to 4 tap2 on cmp2: the capture at 4 tap2 on cmp2 dropped 3", "ended ended unseen ended",
		},
		"a host without an agent": {
			func(h *hosts) { delete(h.links, "cmp2") },
			"10 of 10 came to 2 brq1 on cmp1, the last hop that can be seen", "ended ended unseen unseen",
		},
		"no agent at all": {
			func(h *hosts) { h.links = nil },
			"no hop can be watched: 1 tap1 on cmp1: no agent on cmp1", "unseen unseen unseen unseen",
		},
		"a device is not there": {
			func(h *hosts) { h.links["cmp2"] = devices("eth0") },
			"hop 4 is missing: tap2 is not on cmp2; 10 packets were seen on the rest of the path", "ended ended unseen unseen",
		},
		"a device goes away": {
			func(h *hosts) {
				h.captures["cmp2/tap2"] = func(s *script) {
					s.started(now)
					for _, n := range all[:4] {
						s.packet(now+int64(n)*10*ms+ms, true, echo(n))
					}
					s.stats(now+1000*ms, 0)
					s.end = fmt.Errorf("capture on tap2: the device has disappeared: %w", rpc.ErrUnavailable)
				}
			},
			"6 of 10 could not be followed to 4 tap2 on cmp2: 4 tap2 on cmp2 was not watched to the end: capture on tap2: the device has disappeared",
			"ended ended unseen broken",
		},
		"a capture is refused": {
			func(h *hosts) {
				h.captures["cmp1/brq1"] = func(s *script) { s.end = rpc.Errorf(rpc.ResourceExhausted, "four captures run already") }
			},
			"10 of 10 came to 4 tap2 on cmp2, the end", "ended unseen unseen ended",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := there()
			c.change(h)
			s := run(t, h, plan(10*time.Second))
			f, ended := s.Finding()
			if !ended || !strings.Contains(f.Reason, c.reason) {
				t.Errorf("got  %s %q\nwant %q", f.Verdict, f.Reason, c.reason)
			}
			var states []string
			for _, hop := range s.Hops() {
				states = append(states, string(hop.State))
				if hop.State == Unseen && hop.Why == "" {
					t.Errorf("hop %d is not seen and does not say why", hop.Index)
				}
			}
			if got := strings.Join(states, " "); got != c.states {
				t.Errorf("hops are %s, want %s", got, c.states)
			}
		})
	}
}

// TestClocksNotWellKnown has a far host whose clock is 30 ms off, as far as a slow
// link lets anybody know: what passed when its capture began is not lost.
func TestClocksNotWellKnown(t *testing.T) {
	for _, spread := range []time.Duration{0, 20 * time.Millisecond} {
		start := time.Now().Add(-20 * time.Second).UnixNano()
		h := &hosts{
			links:   map[string][]api.Namespace{"cmp1": devices("tap1", "brq1"), "cmp2": devices("tap2")},
			offsets: map[string]time.Duration{}, spread: spread,
			captures: map[string]func(*script){
				"cmp1/tap1": passes(start, 0, false, 1, 2, 3, 4, 5),
				"cmp1/brq1": passes(start, ms/10, false, 1, 2, 3, 4, 5),
				"cmp2/tap2": func(s *script) { // it began 40 ms later, and its clock says 10
					s.started(start + 10*ms)
					s.packet(start+21*ms, true, echo(5))
					s.stats(start+9970*ms, 0)
				},
			},
		}
		f, _ := run(t, h, plan(10*time.Second)).Finding()
		if lost := f.Code == "lost"; lost != (spread == 0) {
			t.Errorf("clocks known to %v: %s", spread, f.Reason)
		}
	}
}

// TestNoiseIsNotCorrected: an offset within its own error is none.
func TestNoiseIsNotCorrected(t *testing.T) {
	for spread, want := range map[time.Duration]time.Duration{10 * time.Millisecond: 0, time.Millisecond: -10 * time.Millisecond} {
		h := watchedBy(passes(time.Now().Add(-20*time.Second).UnixNano(), 0, false, 1, 2, 3))
		h.offsets, h.spread = map[string]time.Duration{"cmp1": -10 * time.Millisecond}, spread
		if c := run(t, h, plan(10*time.Second)).Clocks(); len(c) != 2 || c[0].Offset != want || c[1].Offset != 0 {
			t.Errorf("known within %v: corrected by %v", spread, c)
		}
	}
}

// TestOneRingADevice passes one NIC twice.
func TestOneRingADevice(t *testing.T) {
	p := plan(time.Second)
	again := p.Path.Hops[1]
	again.Index, again.Encap = 4, openstack.Encap{Kind: openstack.EncapVXLAN, ID: 7, Local: addrs("10.9.0.1")[0], Remote: addrs("10.9.0.2")[0]}
	p.Path.Hops[3] = again
	h := &hosts{
		links:    map[string][]api.Namespace{"cmp1": devices("tap1", "brq1")},
		captures: map[string]func(*script){},
	}
	s := run(t, h, p)
	if len(h.asked) != 2 || len(s.Feeds()) != 2 {
		t.Errorf("%d captures and %d feeds for two devices", len(h.asked), len(s.Feeds()))
	}
	hops := s.Hops()
	if hops[1].Capture != hops[3].Capture || hops[0].Capture == hops[1].Capture {
		t.Errorf("captures of the hops: %d %d %d", hops[0].Capture, hops[1].Capture, hops[3].Capture)
	}
	for _, r := range h.asked {
		if want := map[string]int{"tap1": api.SnapHeaders, "brq1": api.SnapUnderlay}[r.Device]; r.Snap != want {
			t.Errorf("%s is asked for %d bytes a packet, want %d", r.Device, r.Snap, want)
		}
	}
}

// open is a capture that goes on until it is closed.
func open(frames ...[]byte) func(*script) {
	return func(s *script) {
		now := time.Now().UnixNano()
		s.started(now)
		for i, f := range frames {
			s.packet(now+int64(i)*ms, false, f)
		}
		s.end = nil
	}
}

// watchedBy is hosts whose captures of the plan's devices are all the same.
func watchedBy(run func(*script)) *hosts {
	return &hosts{
		links:    map[string][]api.Namespace{"cmp1": devices("tap1", "brq1"), "cmp2": devices("tap2")},
		captures: map[string]func(*script){"cmp1/tap1": run, "cmp1/brq1": run, "cmp2/tap2": run},
	}
}

// TestStop ends a session without a time of its own; what came until then counts.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := watchedBy(open(echo(1), echo(2), echo(3)))
		s, err := Start(t.Context(), probes.Env{Agents: h}, plan(0))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // of the bubble's clock
		synctest.Wait()
		if _, ended := s.Finding(); ended {
			t.Error("it has ended before it was stopped")
		}
		if n := s.Rows(0, make([]match.Row, 16)); n != 3 {
			t.Errorf("%d rows while it runs, want 3", n)
		}
		before, stopped := s.Version(), time.Now()
		s.Stop()
		<-s.Done()
		if took := time.Since(stopped); took != tail {
			t.Errorf("it went on for %v, want %v", took, tail)
		}
		if f, ended := s.Finding(); !ended || f.Code != "delivered" {
			t.Errorf("stopped: %s %s", f.Code, f.Reason)
		}
		if s.Version() == before {
			t.Error("the end raised no version")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestSilence has a filter that matches nothing.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := watchedBy(open())
		h.captures["cmp1/tap1 at a glance"] = passes(time.Now().UnixNano(), 0, false, 1, 2, 3)
		s, err := Start(t.Context(), probes.Env{Agents: h}, plan(0))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(silence - time.Second)
		synctest.Wait()
		if notes := s.Notes(); len(notes) != 0 {
			t.Errorf("too early: %q", notes)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want := "Nothing that fits passed in 5s; without the filter 1 tap1 on cmp1 showed 3 ICMP request in 2 s."
		if notes := s.Notes(); len(notes) != 1 || notes[0] != want {
			t.Errorf("notes %q\nwant  %q", notes, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestOutlasted has agents that don't end their captures in time.
func TestOutlasted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Start(t.Context(), probes.Env{Agents: watchedBy(open(echo(1)))}, plan(3*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		<-s.Done()
		if took := time.Since(began); took < 3*time.Second || took > 3*time.Second+grace+2*beat {
			t.Errorf("it took %v", took)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestPlansThatCantBe(t *testing.T) {
	for name, p := range map[string]Plan{"no hops": {}, "time runs backwards": {Path: plan(0).Path, For: -1}} {
		if _, err := Start(t.Context(), probes.Env{}, p); err == nil {
			t.Errorf("%s: it started", name)
		}
	}
}

// pinging is a capture that sees a packet every 100 ms from its beginning on,
// until the bubble's clock has gone on by so much.
func pinging(begin time.Time, after int64, outgoing bool) func(*script) {
	return func(s *script) {
		now := time.Now()
		s.started(now.UnixNano())
		for n := range 100 {
			if at := begin.Add(time.Duration(n) * 100 * time.Millisecond); at.After(now) {
				s.packet(at.UnixNano()+after, outgoing, echo(byte(n)))
			}
		}
		s.stats(begin.Add(10*time.Second).UnixNano(), 0)
		s.end = nil
	}
}

// TestSlowHost has a host that answers late: the others don't wait for it, it
// joins them, and what passed before is blamed on nobody.
func TestSlowHost(t *testing.T) {
	for name, c := range map[string]struct {
		slow   time.Duration
		states string // of the hops after two seconds
		after  string // and at the end
		reason string
	}{
		"it joins":       {2550 * time.Millisecond, "watching watching unseen asking", "ended ended unseen ended", "74 of 74 came to 4 tap2 on cmp2, the end; no answer was seen; 25 more passed before all captures had begun or when they ended"},
		"it is given up": {time.Hour, "watching watching unseen asking", "ended ended unseen unseen", "99 of 99 came to 2 brq1 on cmp1, the last hop that can be seen; no answer was seen; 4 tap2 on cmp2 is not watched: its agent did not answer in 4s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				h := watchedBy(nil)
				h.slow = map[string]time.Duration{"cmp2": c.slow}
				h.captures = map[string]func(*script){
					"cmp1/tap1": pinging(begin, 0, false), "cmp1/brq1": pinging(begin, ms/10, false), "cmp2/tap2": pinging(begin, ms, true),
				}
				s, err := Start(t.Context(), probes.Env{Agents: h}, plan(0))
				if err != nil {
					t.Fatal(err)
				}
				states := func() string {
					var out []string
					for _, hop := range s.Hops() {
						out = append(out, string(hop.State))
					}
					return strings.Join(out, " ")
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if got := states(); got != c.states {
					t.Errorf("after two seconds hops are %s, want %s", got, c.states)
				}
				if n := s.Rows(0, make([]match.Row, 256)); n != 99 {
					t.Errorf("%d rows, want 99", n)
				}
				time.Sleep(10 * time.Second)
				s.Stop()
				<-s.Done()
				if got := states(); got != c.after {
					t.Errorf("at the end hops are %s, want %s", got, c.after)
				}
				if f, _ := s.Finding(); f.Reason != c.reason {
					t.Errorf("got  %s %q\nwant %q", f.Code, f.Reason, c.reason)
				}
				if last := s.Hops()[3]; c.after[len(c.after)-6:] == "unseen" && !strings.Contains(last.Why, "did not answer in 4s") {
					t.Errorf("the last hop says %q", last.Why)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestTimeIsOver has a host that is not heard of in the whole time, and one that
// is heard of just before its end: all end together.
func TestTimeIsOver(t *testing.T) {
	for name, c := range map[string]struct {
		slow time.Duration
		why  string
	}{
		"never":    {time.Hour, "had not answered when the time was over"},
		"too late": {2900 * time.Millisecond, "had not answered when the time was over"},
		"in time":  {900 * time.Millisecond, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				h := watchedBy(nil)
				h.slow = map[string]time.Duration{"cmp2": c.slow}
				for key := range h.captures {
					h.captures[key] = func(s *script) {
						now := time.Now()
						s.started(now.UnixNano())
						s.packet(now.UnixNano()+ms, key == "cmp2/tap2", echo(1))
						s.lasts = time.Duration(s.seconds) * time.Second
						s.stats(now.Add(s.lasts).UnixNano(), 0)
					}
				}
				s, err := Start(t.Context(), probes.Env{Agents: h}, plan(3*time.Second))
				if err != nil {
					t.Fatal(err)
				}
				<-s.Done()
				if took := time.Since(began); took < 2900*time.Millisecond || took > 3100*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if why := s.Hops()[3].Why; (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
					t.Errorf("the last hop says %q, want %q", why, c.why)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestManyGuesses has hosts tell of many devices that may be the hop: no capture
// is opened for each.
func TestManyGuesses(t *testing.T) {
	var ns api.Namespace
	var facts openstack.SwitchFacts
	facts.Bridges = []string{"br-ex"}
	for n := range 5000 {
		name := fmt.Sprintf("eth%d", n)
		ns.Links = append(ns.Links, api.Link{Name: name, Kind: "device", Up: true, Promisc: true})
		facts.Ports = append(facts.Ports, openstack.SwitchPort{Bridge: "br-ex", Name: name, OFPort: n + 1})
	}
	for name, told := range map[string]*openstack.SwitchFacts{"guessed": nil, "by OVSDB": &facts} {
		for _, many := range []bool{true, false} {
			found := []api.Namespace{ns}
			if !many {
				found[0].Links = ns.Links[:3]
			}
			hops := []Hop{begin(openstack.Hop{Index: 1, Host: "cmp1", Seen: openstack.SeenPackets, Locate: openstack.Locate{Uplink: "br-ex"}})}
			settle(hops, "cmp1", answer{links: found, openVSwitch: told})
			captures := len(arrange(hops, "cmp1", 0, openstack.Follow{What: openstack.FollowAll}))
			if many && (captures != 0 || hops[0].State != Unseen || !strings.Contains(hops[0].Why, "5000")) || !many && captures != 3 {
				t.Errorf("%s: %d captures, the hop is %s %q", name, captures, hops[0].State, hops[0].Why)
			}
		}
	}
}

// TestOddAgent has an agent tell what can't be right: what was seen elsewhere
// can still be saved and replayed.
func TestOddAgent(t *testing.T) {
	for name, at := range map[string]int64{"before time": math.MinInt64 + 5, "negative": -7, "beyond it": math.MaxInt64} {
		t.Run(name, func(t *testing.T) {
			now := time.Now().Add(-20 * time.Second).UnixNano()
			h := &hosts{
				links: map[string][]api.Namespace{"cmp1": devices("tap1", "brq1"), "cmp2": devices("tap2")},
				captures: map[string]func(*script){"cmp1/tap1": passes(now, 0, false, 1, 2), "cmp1/brq1": passes(now, ms/10, false, 1, 2), "cmp2/tap2": func(s *script) {
					s.started(at)
					s.stats(at, 3)
					s.packet(at, true, echo(1))
				}},
			}
			h.links["cmp2"][0].Links[0].MTU = -1
			s := run(t, h, plan(10*time.Second))
			if f, ended := s.Finding(); !ended || f.Verdict == probes.OK {
				t.Errorf("%+v", f)
			}
			r := s.Recording()
			if err := r.Check(); err != nil {
				t.Errorf("the recording can't be replayed: %v", err)
			}
		})
	}
}
