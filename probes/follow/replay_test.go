package follow

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes"
	"steth/rpc"
)

// shelf is the packets of feeds in the order of their times.
type shelf struct {
	of   []int
	list []packets.Packet
	end  error // after the last one; nil: io.EOF
}

func (s *shelf) Next(p *packets.Packet) (int, error) {
	if len(s.list) == 0 {
		return 0, cmp.Or(s.end, io.EOF)
	}
	*p = s.list[0]
	of := s.of[0]
	s.list, s.of = s.list[1:], s.of[1:]
	return of, nil
}

func shelve(s *Session) *shelf {
	type one struct {
		of int
		p  packets.Packet
	}
	var all []one
	for i, f := range s.Feeds() {
		first, next := f.Bounds()
		entries := make([]feed.Entry, next-first)
		for _, e := range entries[:f.Read(first, entries)] {
			all = append(all, one{i, e.Packet})
		}
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.p.Time, b.p.Time) })
	out := &shelf{}
	for _, a := range all {
		out.of, out.list = append(out.of, a.of), append(out.list, a.p)
	}
	return out
}

// through is a recording after a file.
func through(t *testing.T, r Recording) Recording {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var out Recording
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// replayed replays what was recorded to its end.
func replayed(t *testing.T, r Recording, src Source) *Session {
	t.Helper()
	s, err := Replay(t.Context(), probes.Env{}, r, src)
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
		t.Fatal("the recording does not end")
	}
	return s
}

// told is all that a reader can see of a session, but the numbers of its rows:
// live packets of several captures come in any order.
func told(s *Session) string {
	var b strings.Builder
	f, ended := s.Finding()
	f.Started = f.Started.Round(0).UTC() // no monotonic clock
	fmt.Fprintf(&b, "%v %+v\n%+v\n%q\n", ended, f, s.Plan().Follow, s.Notes())
	for _, h := range s.Hops() {
		fmt.Fprintf(&b, "%s %s %s %q %+v %+v capture %d mtu %d\n", h.Name(), h.Netns, h.State, h.Why, h.Check, h.Filter, h.Capture, h.MTU())
	}
	fmt.Fprintf(&b, "%+v\n", s.Total())
	rows := make([]match.Row, 4096)
	rows = rows[:s.Rows(0, rows)]
	number := map[uint64]int{}
	slices.SortFunc(rows, func(a, b match.Row) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Direction, b.Direction))
	})
	for i, r := range rows {
		number[r.Number] = i + 1
	}
	for _, r := range rows {
		r.Number, r.Mate, r.Of = 0, uint64(number[r.Mate]), uint64(number[r.Of])
		fmt.Fprintf(&b, "%+v\n", r)
	}
	for _, f := range s.Feeds() {
		first, next := f.Bounds()
		fmt.Fprintf(&b, "%+v %d %d %q\n", f.About(), first, next, f.State().End)
	}
	return b.String()
}

func same(t *testing.T, live, again *Session) {
	t.Helper()
	want, got := strings.Split(told(live), "\n"), strings.Split(told(again), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("replayed %q\nlive     %q", at(got, i), at(want, i))
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "nothing"
}

// TestReplay replays what sessions recorded, through JSON: it gives the same.
func TestReplay(t *testing.T) {
	now := time.Now().Add(-20 * time.Second).UnixNano()
	for name, c := range scripts(now) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := run(t, c.hosts, c.plan)
			again := replayed(t, through(t, live.Recording()), shelve(live))
			same(t, live, again)
			if at, ok := again.Recorded(); !ok || time.Until(at).Abs() > time.Minute {
				t.Errorf("recorded at %v, %v", at, ok)
			}
			if !reflect.DeepEqual(again.Recording(), through(t, live.Recording())) {
				t.Error("the recording of a replay is another one")
			}
			if again.Sampled() != live.Sampled() {
				t.Errorf("1 in %d is followed, live 1 in %d", again.Sampled(), live.Sampled())
			}
			if again.Summary().Out.Rows != 0 && live.Total().Out.Rows == 0 {
				t.Error("the last seconds of a recording have rows that it hasn't")
			}
		})
	}
}

// scripts are sessions of all kinds: answered and lost, with drops, with hosts
// that don't answer and devices that go away, with a guessed NIC and a device
// that is two hops.
func scripts(now int64) map[string]struct {
	hosts *hosts
	plan  Plan
} {
	all := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	out := map[string]struct {
		hosts *hosts
		plan  Plan
	}{}
	add := func(name string, change func(*hosts, *Plan)) {
		p := plan(10 * time.Second)
		h := &hosts{
			links: map[string][]api.Namespace{"cmp1": devices("tap1", "brq1"), "cmp2": devices("tap2")},
			captures: map[string]func(*script){
				"cmp1/tap1": passes(now, 0, false, all...), "cmp1/brq1": passes(now, ms/10, false, all...), "cmp2/tap2": passes(now, ms, true, all...),
			},
			offsets: map[string]time.Duration{"cmp1": 0, "cmp2": 40 * time.Second},
		}
		change(h, &p)
		out[name] = struct {
			hosts *hosts
			plan  Plan
		}{h, p}
	}
	add("delivered", func(*hosts, *Plan) {})
	add("lost", func(h *hosts, p *Plan) {
		h.captures["cmp2/tap2"] = passes(now, ms, true, 1, 2, 3, 7, 8, 9, 10)
		p.Path.Notes = []string{"A note of the path's own."}
	})
	add("drops", func(h *hosts, _ *Plan) {
		h.captures["cmp2/tap2"] = func(s *script) {
			s.started(now)
			for _, n := range []byte{1, 2, 3, 7, 8, 9, 10} {
				s.packet(now+int64(n)*10*ms+ms, true, echo(n))
			}
			s.stats(now+500*ms, 3)
			s.stats(now+10_000*ms, 3)
		}
	})
	add("a host without an agent", func(h *hosts, _ *Plan) { delete(h.links, "cmp2") })
	add("no agent at all", func(h *hosts, _ *Plan) { h.links = nil })
	add("a device is not there", func(h *hosts, _ *Plan) { h.links["cmp2"] = devices("eth0") })
	add("a device goes away", func(h *hosts, _ *Plan) {
		h.captures["cmp2/tap2"] = func(s *script) {
			s.started(now)
			for _, n := range all[:4] {
				s.packet(now+int64(n)*10*ms+ms, true, echo(n))
			}
			s.stats(now+1000*ms, 0)
			s.end = fmt.Errorf("capture on tap2: the device has disappeared: %w", rpc.ErrUnavailable)
		}
	})
	add("a capture is refused", func(h *hosts, _ *Plan) {
		h.captures["cmp1/brq1"] = func(s *script) { s.end = rpc.Errorf(rpc.ResourceExhausted, "four captures run already") }
	})
	add("every capture is refused", func(h *hosts, _ *Plan) {
		for _, key := range []string{"cmp1/tap1", "cmp1/brq1", "cmp2/tap2"} {
			h.captures[key] = func(s *script) { s.end = rpc.Errorf(rpc.PermissionDenied, "a viewer can't capture") }
		}
	})
	add("one device is two hops", func(h *hosts, p *Plan) {
		again := p.Path.Hops[1]
		again.Index, again.Encap = 4, openstack.Encap{Kind: openstack.EncapVXLAN, ID: 7, Local: addrs("10.9.0.1")[0], Remote: addrs("10.9.0.2")[0]}
		p.Path.Hops[3] = again
	})
	add("too many packets", func(h *hosts, _ *Plan) {
		for _, key := range []string{"cmp1/tap1", "cmp1/brq1", "cmp2/tap2"} {
			again := false
			h.captures[key] = func(s *script) {
				if again {
					s.started(now + 2000*ms)
					for _, n := range all {
						if key != "cmp2/tap2" || n > 3 {
							s.packet(now+2000*ms+int64(n)*10*ms, false, echo(n))
						}
					}
					s.stats(now+9000*ms, 0)
					return
				}
				again, s.end = true, nil
				s.started(now)
				s.packet(now+ms, false, echo(99))
				if key == "cmp1/tap1" {
					h.wait(3)
					s.stats(now+1000*ms, 300_000)
				}
			}
		}
	})
	add("its packets tell which device", func(h *hosts, p *Plan) {
		h.links["cmp1"][0].Links = append(h.links["cmp1"][0].Links,
			api.Link{Name: "eth1", Kind: "device", MTU: 1500, Up: true, Promisc: true},
			api.Link{Name: "eth2", Kind: "device", MTU: 1500, Up: true, Promisc: true})
		h.captures["cmp1/eth1"] = passes(now, 0, false)
		h.captures["cmp1/eth2"] = passes(now, ms/5, true, all...)
		p.Path.Hops[1].Device, p.Path.Hops[1].Locate = "", openstack.Locate{Uplink: "br-ex"}
	})
	return out
}

// wait returns once so many captures were asked for.
func (h *hosts) wait(captures int) {
	for {
		h.mu.Lock()
		n := len(h.asked)
		h.mu.Unlock()
		if n >= captures {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// stream is packets of the first hop, each of which the other captures see 1 ms
// later but for the first few, which the last one never sees.
type stream struct {
	start, lost, count, at int64
	frame                  []byte
}

func (s *stream) Next(p *packets.Packet) (int, error) {
	n, of := s.at/3, int(s.at%3)
	s.at++
	if n == s.count {
		return 0, io.EOF
	}
	if of == 2 && n < s.lost {
		return s.Next(p)
	}
	s.frame[18], s.frame[19], s.frame[38] = byte(n>>8), byte(n), byte(n>>16)
	*p = packets.Packet{Time: s.start + n*ms + int64(of)*ms/4, Length: uint32(len(s.frame)), Data: s.frame}
	return of, nil
}

// TestReplayOfMoreThanTheMatcherKeeps loses packets early on, whose rows have
// left the matcher long before the captures began anew.
func TestReplayOfMoreThanTheMatcherKeeps(t *testing.T) {
	live := run(t, scripts(time.Now().Add(-20 * time.Second).UnixNano())["delivered"].hosts, plan(10*time.Second))
	r := live.Recording()
	const count = 70_000
	start := r.Captures[0].Watched[0].From
	for i := range r.Captures {
		c := &r.Captures[i]
		c.Watched = []Span{{start, start + 10_000*ms}, {start + 69_000*ms, start + 80_000*ms}}
		c.Packets = 10
	}
	src := &stream{start: start + 100*ms, lost: 100, count: count, frame: echo(1)}
	again := replayed(t, r, src)
	if first, _ := again.Bounds(); first == 1 {
		t.Fatal("no row has left")
	}
	if sum := again.Total().Out; sum.Rows != count || sum.Lost != 100 {
		t.Errorf("%+v", sum)
	}

	// What was lost can't be told any more if packets turn out to be lacking.
	r.Captures[2].Packets = 2 * count
	again = replayed(t, r, &stream{start: start + 100*ms, lost: 100, count: count, frame: echo(1)})
	if f, _ := again.Finding(); f.Verdict != probes.Error || !strings.Contains(f.Reason, "are not in the file any more") {
		t.Errorf("%s %s", f.Verdict, f.Reason)
	}
}

// TestReplayOfAFileThatLacksPackets must not call lost what was cut off.
func TestReplayOfAFileThatLacksPackets(t *testing.T) {
	live := run(t, scripts(time.Now().Add(-20 * time.Second).UnixNano())["delivered"].hosts, plan(10*time.Second))
	r := live.Recording()

	cut := shelve(live)
	cut.list, cut.end = cut.list[:16], fmt.Errorf("read pcapng: %w", io.ErrUnexpectedEOF) // five packets, and one on its way
	again := replayed(t, r, cut)
	f, _ := again.Finding()
	if f.Code == "lost" || again.Total().Out.Lost != 0 || again.Total().Out.Rows != 6 {
		t.Errorf("cut off: %s %s", f.Code, f.Reason)
	}
	if n := again.Notes(); len(n) != 1 || !strings.Contains(n[0], "is not shown: read pcapng: unexpected EOF") {
		t.Errorf("cut off: notes %q", n)
	}

	thin := shelve(live)
	for i := len(thin.list) - 1; i >= 0; i-- {
		if thin.of[i] == 2 && i < 20 { // some of the last hop
			thin.list, thin.of = slices.Delete(thin.list, i, i+1), slices.Delete(thin.of, i, i+1)
		}
	}
	again = replayed(t, r, thin)
	if f, _ = again.Finding(); f.Code == "lost" || again.Total().Out.Lost != 0 {
		t.Errorf("thinned out: %s %s", f.Code, f.Reason)
	}
	if n := again.Notes(); len(n) != 1 || !strings.Contains(n[0], "at tap2 on cmp2 are not in the file") {
		t.Errorf("thinned out: notes %q", n)
	}

	wrong := shelve(live)
	wrong.of[5] = 7
	again = replayed(t, r, wrong)
	if n := again.Notes(); len(n) != 1 || !strings.Contains(n[0], "a packet is of capture 8, and there are 3") {
		t.Errorf("of no capture: notes %q", n)
	}
}

// TestRecordingWhileItRuns saves a session that goes on. One capture is sure of
// less time than the others: what it has not told yet is lost nowhere, and what
// only the others have told is not judged.
func TestRecordingWhileItRuns(t *testing.T) {
	now := time.Now().Add(-20 * time.Second).UnixNano()
	sees := func(stats bool, seqs ...byte) func(*script) {
		return func(s *script) {
			s.started(now)
			for _, n := range seqs {
				s.packet(now+int64(n)*10*ms, false, echo(n))
			}
			if s.end = nil; stats {
				s.stats(now+5000*ms, 0)
			}
		}
	}
	h := watchedBy(sees(true, 1, 3))
	h.captures["cmp1/tap1"], h.captures["cmp1/brq1"] = sees(true, 1, 2, 3, 4), sees(false, 1, 3)
	live, err := Start(t.Context(), probes.Env{Agents: h}, plan(0))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if n := live.Total().Hops; len(n) == 4 && n[0].Out == 4 && n[1].Out == 2 && n[3].Out == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the packets don't come")
		}
	}
	r := through(t, live.Recording())
	again := replayed(t, r, shelve(live))
	f, ended := again.Finding()
	if sum := again.Total().Out; !r.Live || !ended || sum.Rows != 3 || sum.Lost != 0 || sum.Unknown != 1 {
		t.Errorf("%v %v %+v: %s", r.Live, ended, sum, f.Reason)
	}
	if _, next := again.Feeds()[0].Bounds(); next != 4 {
		t.Errorf("%d packets are shown, want 4", next)
	}
	if n := again.Notes(); len(n) != 1 || !strings.Contains(n[0], "at its very end (1 times a packet at a hop)") {
		t.Errorf("notes %q", n)
	}
	for _, hop := range again.Hops() {
		if hop.State == Watching {
			t.Errorf("hop %d is still watched", hop.Index)
		}
	}
}

// TestRecordedHopHasAll fills every field of a hop: none is forgotten.
func TestRecordedHopHasAll(t *testing.T) {
	h := Hop{
		Hop: plan(0).Path.Hops[0], State: Broken, Why: "gone", Check: openstack.Confirmation{Index: 1, Asked: true},
		Filter: openstack.Filter{Text: "icmp"}, Capture: 2, guesses: []string{"eth1"}, found: 1400, err: rpc.Errorf(rpc.NotFound, "gone"),
		Counter: &Counter{OutPort: "patch-int", Out: 3},
	}
	h.Netns, h.Device = "qrouter-1", "qr-1"
	v := reflect.ValueOf(h)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("this test does not fill %s", v.Type().Field(i).Name)
		}
	}
	again := h.record(3).restore(plan(0).Path.Hops[0])
	if !errors.Is(again.err, rpc.ErrNotFound) || again.err.Error() != h.err.Error() {
		t.Errorf("the error is %v", again.err)
	}
	h.err, again.err = nil, nil
	if !reflect.DeepEqual(h, again) {
		t.Errorf("got  %+v\nwant %+v", again, h)
	}
}

func TestRecordingsThatCantBe(t *testing.T) {
	live := run(t, scripts(time.Now().Add(-20 * time.Second).UnixNano())["delivered"].hosts, plan(10*time.Second))
	for want, change := range map[string]func(*Recording){
		"no hops":                   func(r *Recording) { r.Path.Hops = nil },
		"4 hops, and 3":             func(r *Recording) { r.Hops = r.Hops[:3] },
		"33 hops":                   func(r *Recording) { r.Path.Hops = make([]openstack.Hop, 33) },
		"that it is 9":              func(r *Recording) { r.Path.Hops[1].Index = 9 },
		"none of a recording":       func(r *Recording) { r.Hops[1].State = Watching },
		"capture 7 of 3":            func(r *Recording) { r.Hops[1].Capture = 7 },
		"without a capture":         func(r *Recording) { r.Hops[0].Capture = -1 },
		"its MTU is -1":             func(r *Recording) { r.Hops[1].MTU = -1 },
		"of 0 hops":                 func(r *Recording) { r.Captures[0].Hops = nil },
		"hop 5 of 4":                func(r *Recording) { r.Captures[0].Hops = []int{4} },
		"capture 1: its times":      func(r *Recording) { r.Captures[0].Watched[0].To = 5 },
		"capture 2: its times":      func(r *Recording) { r.Captures[1].Watched[0].To = 1 << 62 },
		"times of a gap":            func(r *Recording) { r.Captures[1].Gaps = []Gap{{From: 2, To: 1}} },
		"129 gaps":                  func(r *Recording) { r.Captures[1].Gaps = make([]Gap, 129) },
		"it was recorded can't":     func(r *Recording) { r.Ended = r.Started.Add(-time.Second) },
		"1025 notes":                func(r *Recording) { r.Notes = make([]string, 1025) },
		"33 hops of ans":            func(r *Recording) { r.Path.Back = make([]openstack.Hop, 33) },
		"1025 ways":                 func(r *Recording) { r.Hops[1].Check.Faults = make([]openstack.Difference, 1025) },
		"in 17 places":              func(r *Recording) { r.Captures[1].Drops = make([]feed.Drop, 17) },
		"2^11 packets":              func(r *Recording) { r.Shift = 11 },
		"it began 65":               func(r *Recording) { r.Captures[1].Watched = make([]Span, 65) },
		"1025 captures":             func(r *Recording) { r.Captures = make([]RecordedCapture, 1025) },
		"to follow can't be negati": func(r *Recording) { r.For = -1 },
	} {
		r := through(t, live.Recording())
		change(&r)
		if s, err := Replay(t.Context(), probes.Env{}, r, &shelf{}); err == nil {
			t.Errorf("%s: it was replayed", want)
			s.Close()
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
