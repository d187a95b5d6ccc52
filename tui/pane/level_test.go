package pane

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/packets"
)

// pairOf is a screen with two captures side by side.
func pairOf(t *testing.T, change func(a, b *feed.About)) (s *screen, a, b *feed.Feed, c *clock) {
	t.Helper()
	c = newClock()
	one := feed.About{Title: "capture", Device: "tap1", Host: "cmp1", Shape: feed.Packets}
	two := feed.About{Title: "capture", Device: "tap2", Host: "cmp2", Shape: feed.Packets}
	if change != nil {
		change(&one, &two)
	}
	a, b = newFeed(t, c, one, feed.Options{}), newFeed(t, c, two, feed.Options{})
	s = newScreen(t, c, 160, 20)
	s.Add(newRun(a, b))
	return s, a, b, c
}

const unseen = "not seen here"

func TestSamePacketSameRow(t *testing.T) {
	s, a, b, c := pairOf(t, nil)
	for i := range 6 {
		a.Packet(echo(ms(i*100), web, db, 8, i, 64))
		if i != 2 {
			b.Packet(echo(ms(i*100+3), web, db, 8, i, 63)) // routed: its time to live is one less
		}
	}
	c.advance(3 * time.Second)
	for _, row := range strings.Split(s.show(), "\n")[2:8] {
		left, right, _ := strings.Cut(row, "│")
		switch {
		case strings.Contains(left, "request 2 "):
			if !strings.Contains(right, unseen) {
				t.Errorf("a lost packet is not told: %q", row)
			}
		case strings.Fields(left)[7] != strings.Fields(right)[7]:
			t.Errorf("two packets in one row: %q", row)
		}
	}
	s.press("T")
	s.lacks(unseen)
}

func TestAThirdFilterSilencesNobodyElse(t *testing.T) {
	s, a, b, c := pairOf(t, nil)
	s.AddFeed(newFeed(t, c, feed.About{Title: "capture", Device: "tap3", Filter: "arp", Shape: feed.Packets}, feed.Options{}))
	for i := range 6 {
		a.Packet(echo(ms(i*300), web, db, 8, i, 64))
		if i != 2 {
			b.Packet(echo(ms(i*300+3), web, db, 8, i, 64))
		}
	}
	c.advance(3 * time.Second)
	if n := strings.Count(s.show(), unseen); n != 1 {
		t.Errorf("told %d times:\n%s", n, s.show())
	}
}

// A claim that a packet was not seen needs proof; without it the cell is blank.
func TestAbsenceIsToldOnlyWhenSure(t *testing.T) {
	both := func(a, b *feed.Feed, n int) {
		a.Packet(echo(ms(n), web, db, 8, n, 64))
		b.Packet(echo(ms(n+2), web, db, 8, n, 64))
	}
	for _, tt := range []struct {
		name   string
		change func(a, b *feed.About)
		fill   func(a, b *feed.Feed)
		wait   time.Duration
		told   bool
	}{
		{name: "sure", told: true, wait: 3 * time.Second, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			a.Packet(echo(ms(100), web, db, 8, 100, 64))
			both(a, b, 900)
		}},
		{name: "it may still come", wait: 300 * time.Millisecond, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			a.Packet(echo(ms(100), web, db, 8, 100, 64))
		}},
		{name: "silence for long enough", told: true, wait: 1200 * time.Millisecond, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			a.Packet(echo(ms(100), web, db, 8, 100, 64))
		}},
		{name: "the other side had ended", wait: 3 * time.Second, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			b.End("")
			a.Packet(echo(ms(100), web, db, 8, 100, 64))
		}},
		{name: "the other side began later", wait: 3 * time.Second, fill: func(a, b *feed.Feed) {
			a.Packet(echo(ms(0), web, db, 8, 7, 64))
			both(a, b, 900)
			both(a, b, 1800)
		}},
		{name: "the other side dropped", wait: 3 * time.Second, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			b.SetDrop("kernel", 1)
			a.Packet(echo(ms(100), web, db, 8, 100, 64))
			both(a, b, 900)
		}},
		{name: "the other side never sees these two", wait: 3 * time.Second, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			a.Packet(echo(ms(100), web, [4]byte{8, 8, 8, 8}, 8, 100, 64))
			both(a, b, 900)
		}},
		{
			name: "the other side filters otherwise", wait: 3 * time.Second,
			change: func(_, b *feed.About) { b.Filter = "arp" },
			fill: func(a, b *feed.Feed) {
				both(a, b, 0)
				a.Packet(echo(ms(100), web, db, 8, 100, 64))
				both(a, b, 900)
			},
		},
		{name: "hardware cuts it up on its way", wait: 3 * time.Second, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			p := echo(ms(100), web, db, 8, 100, 64)
			p.Length = 9000
			a.Packet(p)
			both(a, b, 900)
		}},
		{name: "seen in another order", wait: 3 * time.Second, fill: func(a, b *feed.Feed) {
			both(a, b, 0)
			a.Packet(echo(ms(100), web, db, 8, 100, 64))
			a.Packet(echo(ms(101), web, db, 8, 101, 64))
			b.Packet(echo(ms(102), web, db, 8, 101, 64))
			b.Packet(echo(ms(103), web, db, 8, 100, 64))
			both(a, b, 900)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, a, b, c := pairOf(t, tt.change)
			tt.fill(a, b)
			c.advance(tt.wait)
			if told := strings.Contains(s.show(), unseen); told != tt.told {
				t.Errorf("told: %v, want %v:\n%s", told, tt.told, s.show())
			}
		})
	}
}

func TestTimeLockMovesTheOthers(t *testing.T) {
	c := newClock()
	s, _, _, _ := triage(t, c)
	s.show()
	s.press("1", "g")
	for _, p := range s.panes {
		if at, ok := p.time(p.cursor); !ok || at > ms(10) {
			t.Errorf("pane %d stands at %v", p.number, time.Duration(at-ms(0)))
		}
	}
	s.has("icmp_seq=0 ", "request 0 ")
	row := s.row("33.000 10")
	if !strings.Contains(row, "33.003 10") {
		t.Errorf("the first packet is not level: %q", row)
	}
	s.press("pgdown")
	s.lacks("icmp_seq=0 ")
	s.press("G")
	s.has("icmp_seq=39 ", "request 39 ")
	s.lacks("paused")

	s.press("3", "g") // lines don't take captures with them
	s.has("request 39 ")
	s.press("G", "1", "T", "g")
	s.has("icmp_seq=39 ")
}

func TestLevelPanesScrollTogether(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.press("1", "space", "g", "pgdown")
	top := func() string { return strings.Split(s.show(), "\n")[2] }
	seen := map[string]bool{top(): true}
	for _, scroll := range []func(){
		func() { s.press("ctrl+u") },
		func() { s.Update(tea.MouseWheelMsg{X: 10, Y: 9, Button: tea.MouseWheelDown}) },
		func() { s.Update(tea.MouseWheelMsg{X: 100, Y: 9, Button: tea.MouseWheelDown}) }, // over the other pane
		func() { s.press("ctrl+d") },
	} {
		scroll()
		if row := top(); seen[row] {
			t.Errorf("the window did not move:\n%s", s.show())
		} else {
			seen[row] = true
		}
		checkLevel(t, s)
	}
}

// checkLevel fails when two packets stand in one row.
func checkLevel(t *testing.T, s *screen) {
	t.Helper()
	for _, row := range strings.Split(s.show(), "\n")[2:] {
		left, right, two := strings.Cut(row, "│")
		a, b := strings.Fields(left), strings.Fields(right)
		if two && len(a) > 7 && len(b) > 7 && a[6] == b[6] && a[7] != b[7] {
			t.Errorf("not level: %q", row)
		}
	}
}

func TestLevelCursorIsAlwaysSeen(t *testing.T) {
	c := newClock()
	s, _, _, _ := triage(t, c)
	s.press("1")
	for _, keys := range []string{"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "jjjjjjjjjjjjjjjjjjjj", "g", "jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj", "kkk"} {
		for _, k := range strings.Split(keys, "") {
			s.press(k)
			if !s.focus.follow && !strings.Contains(s.show(), s.theme.Glyphs.Bar) {
				t.Fatalf("no cursor after %q:\n%s", k, s.show())
			}
		}
	}
}

func TestIdentity(t *testing.T) {
	base := echo(ms(0), web, db, 8, 1, 64)
	same := func(p packets.Packet) bool { return identify(&p).key == identify(&base).key }
	for _, tt := range []struct {
		name string
		p    packets.Packet
		want bool
	}{
		{"one hop on", echo(ms(5), web, db, 8, 1, 63), true},
		{"another sequence number", echo(ms(0), web, db, 8, 2, 64), false},
		{"the answer", echo(ms(0), db, web, 0, 1, 64), false},
		{"another source", echo(ms(0), [4]byte{10, 20, 0, 12}, db, 8, 1, 64), false},
		{"with a tag in the frame", tagged(base), true},
		{"another link layer", func() packets.Packet {
			p := echo(ms(0), web, db, 8, 1, 64)
			p.Data[3] = 0x77
			return p
		}(), true},
	} {
		if got := same(tt.p); got != tt.want {
			t.Errorf("%s: same is %v, want %v", tt.name, got, tt.want)
		}
	}
	if a, b := identify(&base), echo(0, db, web, 0, 9, 64); a.pair != identify(&b).pair {
		t.Error("the two directions of a flow are two pairs")
	}
	short := base
	short.Data = short.Data[:40]
	if identify(&short).key != 0 {
		t.Error("a packet cut short has a key")
	}
}

func tagged(p packets.Packet) packets.Packet {
	p.Data = append(append(append([]byte{}, p.Data[:12]...), 0x81, 0, 0, 100), p.Data[12:]...)
	return p
}

func FuzzIdentify(f *testing.F) {
	p := echo(0, web, db, 8, 1, 64)
	f.Add(p.Data)
	f.Add(who(0).Data)
	f.Fuzz(func(_ *testing.T, data []byte) {
		identify(&packets.Packet{Data: data, Length: uint32(len(data))})
	})
}

// TestARowThatMovesToTheEnd keeps for each side which row it placed last.
func TestARowThatMovesToTheEnd(t *testing.T) {
	l := level{sides: make([]side, 3)}
	for i, cells := range [][]int{{0, absent, 0}, {absent, 0, absent}, {1, absent, absent}, {absent, absent, 1}} {
		l.rows = append(l.rows, instant{time: int64(i), cells: cells})
	}
	l.sides[0].row, l.sides[1].row, l.sides[2].row = 2, 1, 3
	if at := l.last(1); at != 3 || l.rows[3].time != 1 || len(l.rows) != 4 {
		t.Errorf("it is row %d of %v", at, l.rows)
	}
	for i, want := range []int{1, 3, 2} {
		if got := l.sides[i].row; got != want {
			t.Errorf("side %d placed row %d last, want %d", i, got, want)
		}
	}
}
