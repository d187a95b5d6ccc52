package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fxamacker/cbor/v2"

	"steth/agent/api"
	"steth/openstack"
	"steth/packets/craft"
	"steth/packets/match"
	"steth/probes"
	"steth/rpc"
)

// wire is agents whose captures are live, and where injected frames pass the
// devices that the test says.
type wire struct {
	way     string   // that the agent takes
	bridge  string   //
	out     []string // devices that see what is injected, in order
	back    []string // devices that see the answer
	refuses error
	eats    int    // so many of the packets are seen nowhere
	gateway []byte // what is heard when it's asked for by ARP; nil: nothing
	arp     *live

	mu       sync.Mutex
	captures map[string]*live
	asked    []api.InjectRequest
	closed   int // inject calls that the console ended
}

// live is a stream that goes on until it's closed.
type live struct {
	out    chan rpc.Message
	closed chan struct{}
	once   sync.Once
	wire   *wire
}

func (l *live) Next() (rpc.Message, error) {
	select {
	case m, ok := <-l.out:
		if !ok {
			return m, io.EOF
		}
		return m, nil
	case <-l.closed:
		return rpc.Message{}, rpc.ErrCancelled
	}
}

func (l *live) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *live) event(v any) {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic(err)
	}
	l.out <- rpc.Message{Event: b}
}

func (w *wire) Address(context.Context, string) (string, error) { return "", nil }
func (w *wire) Offset(string) (offset, spread time.Duration)    { return 0, 0 }

func (w *wire) Call(_ context.Context, node, tool string, args any) (probes.Stream, error) {
	l := &live{out: make(chan rpc.Message, 4096), closed: make(chan struct{}), wire: w}
	switch req := args.(type) {
	case api.LinksRequest:
		for _, ns := range map[string][]api.Namespace{"cmp1": devices("tap1", "brq1"), "cmp2": devices("tap2")}[node] {
			l.event(ns)
		}
		close(l.out)
	case api.CaptureRequest:
		if req.Filter == "arp" {
			w.arp = l
			l.event(api.CaptureEvent{Kind: api.CaptureStarted, LinkType: 1, Snap: req.Snap, Time: time.Now().UnixNano()})
			return l, nil
		}
		w.mu.Lock()
		w.captures[req.Device] = l
		w.mu.Unlock()
		l.event(api.CaptureEvent{Kind: api.CaptureStarted, LinkType: 1, Snap: req.Snap, Time: time.Now().UnixNano()})
		go func() { // the counters tell up to when all was seen
			for tick := time.NewTicker(100 * time.Millisecond); ; {
				select {
				case <-tick.C:
					l.event(api.CaptureEvent{Kind: api.CaptureStats, Time: time.Now().UnixNano()})
				case <-l.closed:
					tick.Stop()
					return
				}
			}
		}()
	case api.InjectRequest:
		if w.refuses != nil {
			return nil, w.refuses
		}
		if err := req.Validate(); err != nil {
			return nil, err
		}
		w.asked = append(w.asked, req)
		go w.inject(l, req)
	default:
		close(l.out) // a tool that is not there
	}
	return l, nil
}

func (w *wire) inject(l *live, req api.InjectRequest) {
	l.event(api.InjectEvent{Kind: api.InjectReady, Way: w.way, Bridge: w.bridge})
	began := time.Now().UnixNano()
	if bytes.Equal(req.Frames[0][12:14], []byte{8, 6}) { // a question
		if f := w.gateway; f != nil && w.arp != nil {
			w.arp.out <- rpc.Message{Data: api.AppendPacket(nil, api.Packet{Time: began, Length: uint32(len(f)), Data: f})}
		}
	}
	for i, f := range req.Frames {
		if i > 0 {
			select {
			case <-time.After(req.Interval):
			case <-l.closed:
				w.closed++
				return
			}
		}
		if i < w.eats {
			continue
		}
		w.pass(w.out, f)
		if f[14+9] == 1 { // ICMP
			w.pass(w.back, echoed(f))
		}
	}
	l.event(api.InjectEvent{Kind: api.InjectSent, Sent: len(req.Frames), Time: began})
	close(l.out)
}

// pass has devices see a frame, a tenth of a millisecond after each other.
func (w *wire) pass(devices []string, frame []byte) {
	for i, d := range devices {
		p := api.Packet{Time: time.Now().UnixNano() + int64(i+1)*ms/10, Length: uint32(len(frame)), Data: frame}
		if back := bytes.Equal(frame[6:12], farMAC); back != (d == "tap2") && d != "brq1" {
			p.Type = 4
		}
		w.mu.Lock()
		w.captures[d].out <- rpc.Message{Data: api.AppendPacket(nil, p)}
		w.mu.Unlock()
	}
}

var farMAC = []byte{0xfa, 0x16, 0x3e, 0, 0, 2}

// echoed is the reply to an echo request.
func echoed(f []byte) []byte {
	b := bytes.Clone(f)
	copy(b, f[6:12])
	copy(b[6:], farMAC)
	copy(b[14+12:], f[14+16:14+20])
	copy(b[14+16:], f[14+12:14+16])
	b[14+20] = 0
	return b
}

// own is an echo of the server's own, to the same place.
func ownEcho() []byte {
	f := echo(9)
	copy(f[6:], []byte{0xfa, 0x16, 0x3e, 0, 0, 1})
	return f
}

func injected(kind craft.Kind) Plan {
	p := plan(0)
	p.Path.Goal = openstack.GoalPort
	p.Path.From = openstack.End{Name: "web1", Host: "cmp1", MAC: "fa:16:3e:00:00:01", Addresses: addrs("10.0.0.1")}
	p.Path.To = openstack.End{Name: "web2", Host: "cmp2", MAC: "fa:16:3e:00:00:02", Addresses: addrs("10.0.0.2")}
	for i := range p.Path.Hops {
		p.Path.Hops[i].View.FarMAC = "fa:16:3e:00:00:02"
	}
	p.Inject = &Injection{Kind: kind, Count: 3}
	return p
}

func TestInject(t *testing.T) {
	all, turned := []string{"tap1", "brq1", "tap2"}, []string{"tap2", "brq1", "tap1"}
	for name, c := range map[string]struct {
		wire   *wire
		during func(*wire)
		code   string
		reason string
		rows   int
		first  string // marks of the first packet out
	}{
		"delivered": {
			&wire{way: api.InjectRedirect, out: all, back: turned},
			nil,
			"delivered", "ICMP echo request injected as if from web1: 3 of 3 came to 4 tap2 on cmp2, the end; replies 3 of 3", 6, "first seen blind seen",
		},
		"among others' packets": {
			&wire{way: api.InjectRedirect, out: all, back: turned},
			func(w *wire) { w.pass(all[:2], ownEcho()) },
			"delivered", "3 of 3 came to 4 tap2 on cmp2, the end; replies 3 of 3", 6, "first seen blind seen",
		},
		"lost on the way": {
			&wire{way: api.InjectRedirect, out: all[:2]},
			nil,
			"lost", "3 of 3 lost between 2 brq1 on cmp1 and 4 tap2 on cmp2", 3, "first seen blind missed",
		},
		"behind the tap": {
			&wire{way: api.InjectSwitch, bridge: "br-int", out: all[1:], back: turned},
			nil,
			"delivered", "3 of 3 came to 4 tap2 on cmp2, the end; replies 3 of 3", 6, "before first blind seen",
		},
		"behind the tap, and lost later": {
			&wire{way: api.InjectSwitch, bridge: "br-int", out: all[1:2]},
			nil,
			"lost", "3 of 3 lost between 2 brq1 on cmp1 and 4 tap2 on cmp2", 3, "before first blind missed",
		},
		"behind the tap, and lost at once": {
			&wire{way: api.InjectSwitch, bridge: "br-int"},
			nil,
			"lost", "3 of 3 lost between br-int on cmp1, where they were put in, and 2 brq1 on cmp1", 0, "",
		},
		"behind the tap, and one lost at once": {
			&wire{way: api.InjectSwitch, bridge: "br-int", out: all[1:], back: turned, eats: 1}, nil,
			"lost", "1 of 3 lost between br-int on cmp1, where they were put in, and 2 brq1 on cmp1; of the others 2 of 2 came to 4 tap2 on cmp2, the end; replies 2 of 2", 4, "before first blind seen",
		},
		"answered at once": {
			&wire{way: api.InjectSwitch, bridge: "br-int", back: turned[2:]},
			nil,
			"answered-on-the-way", "3 sent were answered 3 times before 2 brq1 on cmp1; 0 came to it", 3, "",
		},
		"seen by nobody": {
			&wire{way: api.InjectRedirect, bridge: "brq1"},
			nil,
			"not-followed", "3 of 3 were put in at brq1 on cmp1 and seen by no hop that is known to have watched", 0, "",
		},
		"not allowed": {
			&wire{refuses: rpc.Errorf(rpc.PermissionDenied, "inject needs the role injector")},
			nil,
			"error", "inject at tap1 on cmp1: inject needs the role injector", 0, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := c.wire
				w.captures = map[string]*live{}
				s, err := Start(t.Context(), probes.Env{Agents: w}, injected(craft.ICMP))
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if c.during != nil {
					time.Sleep(300 * time.Millisecond)
					c.during(w)
				}
				<-s.Done()
				f, _ := s.Finding()
				if c.code == "error" && f.Verdict != probes.Error || c.code != "error" && f.Code != c.code || !strings.Contains(f.Reason, c.reason) {
					t.Errorf("got  %s %s %q\nwant %s %q", f.Verdict, f.Code, f.Reason, c.code, c.reason)
				}
				rows := make([]match.Row, 16)
				rows = rows[:s.Rows(0, rows)]
				if len(rows) != c.rows {
					t.Errorf("%d rows, want %d", len(rows), c.rows)
				}
				for i := range rows {
					if !s.Marked(&rows[i]) {
						t.Errorf("row %d is not known for an injected packet", rows[i].Number)
					}
				}
				if i := slices.IndexFunc(rows, func(r match.Row) bool { return r.Direction == match.Out }); i >= 0 && c.first != "" {
					var marks []string
					for _, m := range rows[i].Marks {
						marks = append(marks, m.State.String())
					}
					if got := strings.Join(marks, " "); got != c.first {
						t.Errorf("marks %q, want %q", got, c.first)
					}
				}
				if in := s.Injected(); w.refuses == nil && (len(in) != 1 || in[0].Sent != 3 || in[0].Way != w.way || in[0].At != w.bridge || in[0].From.IsZero()) {
					t.Errorf("injected %+v", in)
				}
				replaysAlike(t, s, rows, f)
			})
		})
	}
}

// replaysAlike holds a session against its replay.
func replaysAlike(t *testing.T, s *Session, rows []match.Row, f probes.Finding) {
	t.Helper()
	again, err := Replay(t.Context(), probes.Env{}, s.Recording(), shelve(s))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	<-again.Done()
	if got, _ := again.Finding(); got.Reason != f.Reason || got.Code != f.Code {
		t.Errorf("replayed %s %q", got.Code, got.Reason)
	}
	if n := again.Rows(0, make([]match.Row, 16)); n != len(rows) {
		t.Errorf("replayed %d rows, want %d", n, len(rows))
	}
	if err := again.Inject(t.Context(), Injection{Kind: craft.ICMP}); err == nil {
		t.Error("a recording is injected into")
	}
}

// TestInjectLater injects into a session that follows all, and stops it in the
// middle of the second injection.
func TestInjectLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []string{"tap1", "brq1", "tap2"}
		w := &wire{way: api.InjectRedirect, out: all, captures: map[string]*live{}}
		p := injected(craft.ICMP)
		in := *p.Inject
		p.Inject, p.Follow = nil, openstack.Follow{What: openstack.FollowAll}
		s, err := Start(t.Context(), probes.Env{Agents: w}, p)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Inject(t.Context(), in); err != nil { // waits for the captures
			t.Fatal(err)
		}
		w.pass(all, ownEcho())
		time.Sleep(100 * time.Millisecond)
		rows := make([]match.Row, 16)
		marked, own := 0, 0
		for _, r := range rows[:s.Rows(0, rows)] {
			if s.Marked(&r) {
				marked++
			} else {
				own++
			}
		}
		if marked != 3 || own != 1 {
			t.Errorf("%d rows are marked and %d are not, want 3 and 1", marked, own)
		}
		done := make(chan error)
		in.Count, in.Interval = 100, time.Second
		go func() { done <- s.Inject(t.Context(), in) }()
		time.Sleep(3 * time.Second)
		s.Stop()
		if err := <-done; !errors.Is(err, probes.ErrStopped) {
			t.Errorf("stopped in the middle: %v", err)
		}
		<-s.Done()
		synctest.Wait()
		if w.closed != 1 {
			t.Error("the agent goes on sending")
		}
		if f, _ := s.Finding(); strings.Contains(f.Reason, "injected") {
			t.Errorf("a session that follows all says %q", f.Reason)
		}
	})
}

// TestBatches has more packets than one request carries.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{way: api.InjectRedirect, captures: map[string]*live{}}
		p := injected(craft.ICMP)
		p.Inject = &Injection{Kind: craft.ICMP, Count: 300, Interval: 10 * time.Millisecond, Size: 1000}
		s, err := Start(t.Context(), probes.Env{Agents: w}, p)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		<-s.Done()
		sent := map[string]bool{}
		for _, r := range w.asked {
			for _, f := range r.Frames {
				sent[string(f)] = true
			}
		}
		if len(w.asked) < 6 || len(sent) != 300 || s.Injected()[0].Sent != 300 {
			t.Errorf("%d requests with %d different frames, %d sent", len(w.asked), len(sent), s.Injected()[0].Sent)
		}
	})
}

// TestWhatIsSent looks at the requests of different paths.
func TestWhatIsSent(t *testing.T) {
	routed := func(p *Plan) {
		for i := range p.Path.Hops {
			p.Path.Hops[i].View.FarMAC = "fa:16:3e:00:00:99"
		}
	}
	for name, c := range map[string]struct {
		change func(*Plan)
		kind   craft.Kind
		fails  string
		to     string // MAC
		way    string
		follow openstack.FollowWhat
	}{
		"echo":                  {nil, craft.ICMP, "", "fa163e000002", api.InjectIn, openstack.FollowICMP},
		"echo by a router":      {routed, craft.ICMP, "", "fa163e000099", api.InjectIn, openstack.FollowICMP},
		"ARP":                   {nil, craft.ARP, "", "ffffffffffff", api.InjectIn, openstack.FollowARP},
		"ARP by a router":       {routed, craft.ARP, "does not pass a router", "", "", ""},
		"ARP to an address":     {func(p *Plan) { p.Inject.To = addrs("10.0.0.9")[0] }, craft.ARP, "leave the address out", "", "", ""},
		"past the path's end":   {func(p *Plan) { routed(p); p.Inject.To = addrs("10.0.0.9")[0] }, craft.ICMP, "seen by nobody", "", "", ""},
		"another address of it": {func(p *Plan) { p.Inject.To = addrs("10.0.0.9")[0] }, craft.ICMP, "", "fa163e000002", api.InjectIn, openstack.FollowICMP},
		"neighbour discovery": {func(p *Plan) {
			p.Path.From.Addresses, p.Path.To.Addresses = addrs("fd00::1"), addrs("fd00::2")
		}, craft.ARP, "", "3333ff000002", api.InjectIn, openstack.FollowND},
		"SYN":                  {nil, craft.TCP, "", "fa163e000002", api.InjectIn, openstack.FollowTuple},
		"DHCP to a server":     {nil, craft.DHCP, "goes to the network's DHCP server", "", "", ""},
		"DHCP":                 {func(p *Plan) { p.Path.Goal = openstack.GoalDHCP }, craft.DHCP, "", "ffffffffffff", api.InjectIn, openstack.FollowDHCP},
		"from a namespace":     {func(p *Plan) { p.Path.Hops[0].Netns = "qdhcp-1" }, craft.ICMP, "", "fa163e000002", api.InjectOut, openstack.FollowICMP},
		"outside":              {func(p *Plan) { p.Path.To = openstack.End{Name: "outside"}; p.Path.Beyond = addrs("203.0.113.1")[0] }, craft.UDP, "", "fa163e000002", api.InjectIn, openstack.FollowTuple},
		"outside, to nowhere":  {func(p *Plan) { p.Path.To = openstack.End{Name: "outside"} }, craft.UDP, "no address at its end", "", "", ""},
		"without the port's":   {func(p *Plan) { p.Path.From.MAC = "" }, craft.ICMP, "MAC of web1", "", "", ""},
		"without the router's": {func(p *Plan) { p.Path.Hops[0].View.FarMAC = "" }, craft.ICMP, "next hop", "", "", ""},
		"two families":         {func(p *Plan) { p.Path.To.Addresses = addrs("fd00::1") }, craft.ICMP, "one family", "", "", ""},
		"too fast":             {func(p *Plan) { p.Inject.Interval = time.Millisecond }, craft.ICMP, "not within", "", "", ""},
		"too many":             {func(p *Plan) { p.Inject.Count = 1001 }, craft.ICMP, "not within", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := injected(c.kind)
			if c.change != nil {
				c.change(&p)
			}
			got, probe, err := p.inject()
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			frame := probe.Frames()[0]
			first := begin(p.Path.Hops[0])
			if to := fmt.Sprintf("%x", frame[:6]); to != c.to || got.Follow.What != c.follow || request(first, *got.Inject).Way != c.way {
				t.Errorf("to %s, way %q, follows %s", to, request(first, *got.Inject).Way, got.Follow.What)
			}
		})
	}
}

// TestInjectUnseen injects what the session's captures leave out.
func TestInjectUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{captures: map[string]*live{}}
		p := injected(craft.TCP)
		in := *p.Inject
		p.Inject, p.Follow = nil, openstack.Follow{What: openstack.FollowICMP}
		s, err := Start(t.Context(), probes.Env{Agents: w}, p)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Inject(t.Context(), in); err == nil || !strings.Contains(err.Error(), "follows icmp") || len(w.asked) > 0 {
			t.Errorf("got %v, %d requests", err, len(w.asked))
		}
	})
}

func TestPairOf(t *testing.T) {
	for _, c := range [][]netip.Addr{
		{}, addrs("10.0.0.1"), addrs("fd00::1", "10.0.0.1"),
	} {
		if a, b := pairOf(c, addrs("fd00::2", "10.0.0.2")); len(c) > 0 && (!a.Is4() || b != addrs("10.0.0.2")[0]) {
			t.Errorf("of %v: %v and %v", c, a, b)
		}
	}
	if a, b := pairOf(addrs("10.0.0.1", "fd00::1"), addrs("fd00::2")); !a.Is6() || !b.Is6() {
		t.Errorf("%v and %v", a, b)
	}
}

// arpReply is the provider's gateway's, to web1.
func arpReply(from string) []byte {
	f := []byte{0xfa, 0x16, 0x3e, 0, 0, 1, 2, 0, 0, 0, 0, 7, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 7}
	f = append(f, addrs(from)[0].AsSlice()...)
	f = append(f, 0xfa, 0x16, 0x3e, 0, 0, 1)
	return append(f, addrs("10.0.0.1")[0].AsSlice()...)
}

// TestProvidersGateway has a path by a gateway that Neutron has no port for: its
// MAC is asked for first.
func TestProvidersGateway(t *testing.T) {
	for name, c := range map[string]struct {
		wire *wire
		says string // of the failure
	}{
		"answers":      {&wire{gateway: arpReply("10.0.0.254")}, ""},
		"another does": {&wire{gateway: arpReply("10.0.0.253")}, "gateway 10.0.0.254 at 1 tap1 on cmp1: nobody answered"},
		"nobody does":  {&wire{}, "nobody answered"},
		"it's refused": {&wire{refuses: rpc.Errorf(rpc.PermissionDenied, "inject needs the role injector")}, "needs the role injector"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := c.wire
				w.way, w.out, w.captures = api.InjectRedirect, []string{"tap1", "brq1", "tap2"}, map[string]*live{}
				p := injected(craft.UDP)
				p.Path.Goal, p.Path.Beyond, p.Path.To = openstack.GoalOutside, addrs("10.0.0.254")[0], openstack.End{Name: "outside"}
				for i := range p.Path.Hops {
					p.Path.Hops[i].View.FarMAC = ""
				}
				s, err := Start(t.Context(), probes.Env{Agents: w}, p)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				<-s.Done()
				f, _ := s.Finding()
				if c.says != "" {
					if f.Verdict != probes.Error || !strings.Contains(f.Reason, c.says) {
						t.Errorf("got %s %q", f.Verdict, f.Reason)
					}
					return
				}
				last := w.asked[len(w.asked)-1].Frames
				if f.Code != "delivered" || !strings.Contains(f.Reason, "UDP need not give one") || len(w.asked) != 2 || fmt.Sprintf("%x", last[0][:6]) != "020000000007" || len(last) != 3 {
					t.Errorf("%q, %d requests, the last of %d frames to %x", f.Reason, len(w.asked), len(last), last[0][:6])
				}
				if in := s.Injected(); len(in) != 1 || in[0].Sent != 3 {
					t.Errorf("injected %+v", in)
				}
			})
		})
	}
}
