package pane

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/agent/api"
	"steth/evidence"
	"steth/feed"
	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/follow"
	"steth/probes/follow/followtest"
)

// recorded replays what the lab's hosts saw of pings through a router, in two
// VXLAN networks, while the router dropped some of them for a while.
func recorded(t testing.TB, change func(*follow.Recording, follow.Source) follow.Source) *follow.Session {
	t.Helper()
	file, err := evidence.OpenPath("testdata/lost.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	var src follow.Source = file
	if change != nil {
		src = change(&file.Recording, src)
	}
	s, err := follow.Replay(t.Context(), probes.Env{}, file.Recording, src)
	if err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sideBySide shows the captures of hops, by their numbers.
func sideBySide(t testing.TB, s *follow.Session, w, h int, hops ...int) *screen {
	t.Helper()
	c := newClock()
	r, _ := s.Recorded()
	c.t = r.UTC()
	out := newScreen(t, c, w, h)
	for _, index := range hops {
		hop := s.Hops()[index-1]
		if hop.Capture < 0 {
			t.Fatalf("hop %d has no capture", index)
		}
		out.AddTraced(s, s.Feeds()[hop.Capture])
	}
	return out
}

// checkTraced holds what stands beside each other against what the matcher says, and
// counts the rows with both and those that tell of a missing packet.
func checkTraced(t testing.TB, sc *screen, s *follow.Session) (both, told int) {
	t.Helper()
	text := sc.show()
	_, list := sc.inLock()
	if len(list) != 2 {
		t.Fatalf("%d panes are level:\n%s", len(list), text)
	}
	seen := [2][]uint64{}
	for r := range sc.level.rows {
		var numbers [2]uint64
		for i, cell := range sc.level.rows[r].cells {
			if cell < 0 {
				continue
			}
			side := &sc.level.sides[i]
			if numbers[i] = s.Trace(side.pane.feed, &side.entries[cell].Packet); numbers[i] == 0 {
				t.Errorf("row %d holds a packet of no row", r)
			}
			seen[i] = append(seen[i], numbers[i])
		}
		switch cells := sc.level.rows[r].cells; {
		case cells[0] >= 0 && cells[1] >= 0:
			both++
			if numbers[0] != numbers[1] {
				t.Errorf("row %d shows packets %d and %d beside each other", r, numbers[0], numbers[1])
			}
		default:
			for i, cell := range cells {
				if cell >= 0 {
					continue
				}
				missed, _ := s.Absent(numbers[1-i], sc.level.sides[i].pane.feed)
				if missed != (cell == missing) {
					t.Errorf("row %d: packet %d was missed %v, and the cell is %d", r, numbers[1-i], missed, cell)
				}
			}
		}
	}
	for r := range sc.level.rows { // none is in two rows
		if cells := sc.level.rows[r].cells; cells[0] < 0 || cells[1] < 0 {
			i := 0
			if cells[0] < 0 {
				i = 1
			}
			n := s.Trace(sc.level.sides[i].pane.feed, &sc.level.sides[i].entries[cells[i]].Packet)
			if slices.Contains(seen[1-i], n) {
				t.Errorf("packet %d stands in two rows:\n%s", n, text)
			}
		}
	}
	return both, strings.Count(text, unseen)
}

func TestCapturesOfOnePathAreLevel(t *testing.T) {
	s := recorded(t, nil)
	for _, c := range []struct {
		name       string
		hops       []int
		both, told int
	}{
		{"tap and tap, two routers' tunnels between", []int{1, 21}, 15, 4},
		{"tap and tunnel", []int{1, 7}, 19, 0},
		{"tunnel and router, past the loss", []int{7, 13}, 15, 4},
		{"tunnel and tunnel of another network", []int{7, 18}, 15, 4},
		{"the later hop at the left", []int{21, 7}, 15, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := sideBySide(t, s, 200, 40, c.hops...)
			if both, told := checkTraced(t, sc, s); both != c.both || told != c.told {
				t.Errorf("%d rows have both and %d tell of a lost packet, want %d and %d:\n%s", both, told, c.both, c.told, sc.show())
			}
			if !sc.Locked() {
				t.Error("they are not locked")
			}
			sc.has("time-lock on")
			if c.name == "tunnel and router, past the loss" {
				sc.has("eth1 on cmp1  hop 7", "hop 13")
			}
		})
	}
}

// TestACaptureOfTwoHops is that of a NIC that the path passes twice.
func TestACaptureOfTwoHops(t *testing.T) {
	sideBySide(t, recorded(t, nil), 160, 12, 9).has("eth1 on net0  hops 9, 16")
}

// TestCapturesOfOnePathScrollTogether: one is scrolled and the other moves to
// the same instant.
func TestCapturesOfOnePathScrollTogether(t *testing.T) {
	s := recorded(t, nil)
	sc := sideBySide(t, s, 160, 12, 7, 21)
	sc.show()
	for _, step := range []string{"1", "g", "j", "j", "j", "ctrl+d", "ctrl+d", "k", "2", "j", "j", "j", "j", "ctrl+u", "g", "ctrl+d", "G"} {
		sc.press(step)
		checkTraced(t, sc, s)
		if step == "g" {
			lead := sc.leader()
			if first, _ := lead.feed.Bounds(); lead.cursor != first {
				t.Errorf("g goes to %d, want %d", lead.cursor, first)
			}
		}
	}
	sc.press("1", "g")
	sc.Update(tea.MouseWheelMsg{X: 120, Y: 6, Button: tea.MouseWheelDown}) // over the other
	checkTraced(t, sc, s)
	golden(t, "path-160x12", sc.show())
}

// silent takes all packets of one capture out of a recording.
func silent(hop int) func(*follow.Recording, follow.Source) follow.Source {
	return func(r *follow.Recording, src follow.Source) follow.Source {
		c := r.Hops[hop-1].Capture
		r.Captures[c].Packets = 0
		return without{src, c}
	}
}

type without struct {
	follow.Source
	capture int
}

func (w without) Next(p *packets.Packet) (int, error) {
	for {
		i, err := w.Source.Next(p)
		if err != nil || i != w.capture {
			return i, err
		}
	}
}

// TestAHopThatSeesNothing stands beside one that sees all: each packet is told
// to be missing, not only those after the first that came.
func TestAHopThatSeesNothing(t *testing.T) {
	s := recorded(t, silent(21))
	sc := sideBySide(t, s, 160, 40, 1, 21)
	sc.show()
	rows := make([]match.Row, 64)
	missed := 0
	for _, r := range rows[:s.Rows(0, rows)] {
		if r.Marks[20].State == match.Missed {
			missed++
		}
	}
	if n := strings.Count(sc.show(), unseen); n != missed || n < 8 {
		t.Errorf("told %d times, want %d:\n%s", n, missed, sc.show())
	}
	for _, step := range []string{"g", "j", "G", "tab", "k", "g", "G", "T", "T"} {
		sc.press(step)
		sc.show()
	}
}

// TestBlindIsNeverUnseen: what a capture could not have seen is no packet that
// it missed.
func TestBlindIsNeverUnseen(t *testing.T) {
	s := recorded(t, func(r *follow.Recording, src follow.Source) follow.Source {
		src = silent(21)(r, src)
		c := &r.Captures[r.Hops[20].Capture]
		c.Watched = nil
		return src
	})
	sc := sideBySide(t, s, 160, 40, 1, 21)
	sc.lacks(unseen)
}

// TestTracedBesideAStranger has the captures of two sessions on one screen:
// their numbers mean other packets.
func TestTracedBesideAStranger(t *testing.T) {
	a := recorded(t, nil)
	rows := make([]match.Row, 4)
	a.Rows(0, rows)
	b := recorded(t, func(_ *follow.Recording, src follow.Source) follow.Source { return since{src, rows[3].Time} })
	sc := sideBySide(t, a, 160, 40, 1)
	sc.AddTraced(b, b.Feeds()[b.Hops()[20].Capture])
	sc.show()
	sc.press("T")
	if !sc.Locked() {
		sc.press("T")
	}
	sc.show()
	both := 0
	for r := range sc.level.rows {
		cells := sc.level.rows[r].cells
		if cells[0] < 0 || cells[1] < 0 {
			continue
		}
		both++
		x := sc.level.sides[0].entries[cells[0]].Packet
		y := sc.level.sides[1].entries[cells[1]].Packet
		if identify(&x).key != identify(&y).key {
			t.Errorf("row %d has two packets:\n%s", r, sc.show())
		}
	}
	if both < 10 {
		t.Errorf("%d rows have both:\n%s", both, sc.show())
	}
}

// since gives only the packets from a time on.
type since struct {
	follow.Source
	from int64
}

func (s since) Next(p *packets.Packet) (int, error) {
	for {
		i, err := s.Source.Next(p)
		if err != nil || p.Time >= s.from {
			return i, err
		}
	}
}

// undecided is a tracer to which each packet may yet come everywhere.
type undecided struct{}

func (undecided) Trace(_ *feed.Feed, p *packets.Packet) uint64 { return uint64(p.Time) }
func (undecided) Absent(uint64, *feed.Feed) (bool, bool)       { return false, true }

// TestTracedIsAskedAgain: what may yet be told is drawn again.
func TestTracedIsAskedAgain(t *testing.T) {
	for name, tracer := range map[string]Tracer{"undecided": undecided{}, "decided": forgetful{}} {
		c := newClock()
		about := feed.About{Title: "path", Device: "tap1", Host: "cmp1", Shape: feed.Packets}
		a, b := newFeed(t, c, about, feed.Options{}), newFeed(t, c, about, feed.Options{})
		sc := newScreen(t, c, 160, 20)
		sc.AddTraced(tracer, a)
		sc.AddTraced(tracer, b)
		a.Packet(echo(ms(0), web, db, 8, 1, 64))
		a.End("")
		b.End("")
		sc.show()
		c.advance(time.Second)
		if want := name == "undecided"; sc.Dirty() != want {
			t.Errorf("%s: it is drawn again: %v", name, !want)
		}
	}
}

// forgetful answers as a matcher does whose rows have left.
type forgetful struct{}

func (forgetful) Trace(*feed.Feed, *packets.Packet) uint64 { return 0 }
func (forgetful) Absent(uint64, *feed.Feed) (bool, bool)   { return true, true }

// TestTracedUntilForgotten: packets that the tracer no longer knows are level
// by their bytes.
func TestTracedUntilForgotten(t *testing.T) {
	c := newClock()
	about := feed.About{Title: "path", Device: "tap1", Host: "cmp1", Shape: feed.Packets}
	a, b := newFeed(t, c, about, feed.Options{}), newFeed(t, c, about, feed.Options{})
	sc := newScreen(t, c, 160, 20)
	sc.AddTraced(forgetful{}, a)
	sc.AddTraced(forgetful{}, b)
	for i := range 6 {
		a.Packet(echo(ms(i*100), web, db, 8, i, 64))
		if i != 2 {
			b.Packet(echo(ms(i*100+3), web, db, 8, i, 64))
		}
	}
	c.advance(3 * time.Second)
	sc.has(unseen)
	if row := sc.row("request 3 "); strings.Count(row, "request 3 ") != 2 {
		t.Errorf("not level: %q", row)
	}
}

func TestInnerFirst(t *testing.T) {
	for in, want := range map[string]string{
		"10.99.0.11 > 10.99.0.10  VXLAN 101  10.20.0.11 > 10.30.0.12  ICMP echo request 1 len 64 id 7": "10.20.0.11 > 10.30.0.12  ICMP echo request 1 len 64 id 7  in VXLAN 101 10.99.0.11 > 10.99.0.10",
		"1.1.1.1 > 2.2.2.2  vlan 5 VXLAN 101  a > b  vlan 9 ICMP echo reply":                           "a > b  vlan 9 ICMP echo reply  in vlan 5 VXLAN 101 1.1.1.1 > 2.2.2.2",
		"1.1.1.1 > 2.2.2.2  GRE key 77  fa:16:3e:0a:11:01 > broadcast  ARP who has 10.20.0.1":          "fa:16:3e:0a:11:01 > broadcast  ARP who has 10.20.0.1  in GRE key 77 1.1.1.1 > 2.2.2.2",
		"10.20.0.11 > 10.30.0.12  ICMP echo request 1 len 64 id 7":                                     "10.20.0.11 > 10.30.0.12  ICMP echo request 1 len 64 id 7",
		"1.1.1.1 > 2.2.2.2  VXLAN [cut]":                                                               "1.1.1.1 > 2.2.2.2  VXLAN [cut]",
		"a > b  LLDP chassis VXLAN 7  x > y  ICMP":                                                     "a > b  LLDP chassis VXLAN 7  x > y  ICMP",
		"a > b  vlan 5 p 3 DEI VXLAN 7  x > y  ICMP":                                                   "x > y  ICMP  in vlan 5 p 3 DEI VXLAN 7 a > b",
		"a > b  vlan": "a > b  vlan",
		"STP  root":   "STP  root",
		"":            "",
	} {
		if got := string(innerFirst([]byte(in))); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestPacketsThatMeetAreLevel has packets both ways that take longer than the
// time between them, so that each end sees others first.
func TestPacketsThatMeetAreLevel(t *testing.T) {
	now := time.Now()
	const n, pause, transit = 30, 300 * time.Microsecond, time.Millisecond
	var script []followtest.Event
	for i := range n {
		at := now.Add(time.Duration(i) * pause)
		out := followtest.Echo("10.0.0.1", "10.0.0.2", uint16(i), false, 40)
		back := followtest.Echo("10.0.0.2", "10.0.0.1", uint16(i), false, 40)
		script = append(script,
			followtest.Event{Host: "cmp1", Device: "tap1", At: at, Frame: out},
			followtest.Event{Host: "cmp1", Device: "tap2", At: at.Add(transit), Outgoing: true, Frame: out},
			followtest.Event{Host: "cmp1", Device: "tap2", At: at, Frame: back},
			followtest.Event{Host: "cmp1", Device: "tap1", At: at.Add(transit), Outgoing: true, Frame: back})
	}
	slices.SortStableFunc(script, func(a, b followtest.Event) int { return a.At.Compare(b.At) })
	h := &followtest.Hosts{Links: map[string][]api.Namespace{"cmp1": followtest.Devices("tap1", "tap2")}, Began: now.Add(-time.Second), Script: script}
	var path openstack.Path
	for i, d := range []string{"tap1", "tap2"} {
		path.Hops = append(path.Hops, openstack.Hop{
			Index: i + 1, Host: "cmp1", Device: d, Seen: openstack.SeenPackets, Locate: openstack.Locate{Name: d},
			View: openstack.View{Near: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Far: []netip.Addr{netip.MustParseAddr("10.0.0.2")}},
		})
	}
	s, err := follow.Start(t.Context(), probes.Env{Agents: h}, follow.Plan{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for late := time.Now().Add(20 * time.Second); !h.Told(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("the packets don't come")
		}
	}
	c := newClock()
	c.t = now
	sc := newScreen(t, c, 200, 2*n+10)
	for _, f := range s.Feeds() {
		sc.AddTraced(s, f)
	}
	for _, focus := range []string{"1", "2"} {
		sc.press(focus)
		if both, told := checkTraced(t, sc, s); both != 2*n || told != 0 {
			t.Errorf("with the focus on %s %d of %d packets are level:\n%s", focus, both, 2*n, sc.show())
		}
		lead, last := sc.leader(), -1
		for _, r := range sc.level.rows {
			for i := range sc.level.sides {
				if sc.level.sides[i].pane != lead || r.cells[i] < 0 {
					continue
				}
				if r.cells[i] <= last {
					t.Fatalf("the pane with the focus is out of its order:\n%s", sc.show())
				}
				last = r.cells[i]
			}
		}
	}
	sc.h = 14
	for _, step := range []string{"1", "g", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "ctrl+d", "ctrl+d", "k", "ctrl+u", "2", "j", "j", "k", "g", "G"} {
		sc.press(step)
		checkTraced(t, sc, s)
		if lead := sc.leader(); !lead.follow && !strings.Contains(sc.show(), sc.theme.Glyphs.Bar) {
			t.Fatalf("no cursor after %q:\n%s", step, sc.show())
		}
	}
}
