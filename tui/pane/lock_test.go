package pane

import (
	"strings"
	"testing"
	"time"

	"steth/feed"
)

func TestTheLockComesWithWhatCapturesHaveInCommon(t *testing.T) {
	other := [4]byte{10, 20, 0, 99}
	for _, tt := range []struct {
		name   string
		change func(a, b *feed.About)
		fill   func(a, b *feed.Feed)
		on     bool
	}{
		{name: "the same flow", on: true, fill: func(a, b *feed.Feed) {
			a.Packet(echo(ms(0), web, db, 8, 1, 64))
			b.Packet(echo(ms(3), db, web, 0, 1, 64))
		}},
		{name: "the same filter", on: true, change: func(a, b *feed.About) { a.Filter, b.Filter = "icmp", "icmp" }, fill: func(a, b *feed.Feed) {
			a.Packet(echo(ms(0), web, other, 8, 1, 64))
			b.Packet(echo(ms(0), db, other, 8, 1, 64))
		}},
		{name: "the same flow, all that one of them sees", on: true, fill: func(a, b *feed.Feed) {
			for i := range 9 {
				a.Packet(echo(ms(i), web, other, 8, i, 64))
			}
			a.Packet(echo(ms(9), web, db, 8, 1, 64))
			b.Packet(echo(ms(9), web, db, 8, 1, 64))
		}},
		{name: "the same flow, among many others in both", fill: func(a, b *feed.Feed) {
			for i := range 9 {
				a.Packet(echo(ms(i), web, other, 8, i, 64))
				b.Packet(echo(ms(i), db, other, 8, i, 64))
			}
			a.Packet(echo(ms(9), web, db, 8, 1, 64))
			b.Packet(echo(ms(9), web, db, 8, 1, 64))
		}},
		{name: "different servers, no filter", fill: func(a, b *feed.Feed) {
			a.Packet(echo(ms(0), web, other, 8, 1, 64))
			b.Packet(echo(ms(0), db, other, 8, 1, 64))
		}},
		{name: "only what everyone hears", fill: func(a, b *feed.Feed) {
			a.Packet(who(ms(0)))
			b.Packet(who(ms(0)))
		}},
		{name: "the same flow, long ago", fill: func(a, b *feed.Feed) {
			a.Packet(echo(ms(-60_000), web, db, 8, 1, 64))
			b.Packet(echo(ms(-60_000), web, db, 8, 1, 64))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, a, b, _ := pairOf(t, tt.change)
			tt.fill(a, b)
			s.w = 200
			if tt.on {
				s.has("time-lock on")
				s.lacks("time-lock off")
			} else {
				s.has("time-lock off")
				s.lacks("time-lock on")
			}
			if s.Locked() != tt.on {
				t.Errorf("locked is %v", s.Locked())
			}
			s.press("T")
			s.show()
			if s.Locked() == tt.on {
				t.Error("T doesn't turn it over")
			}
		})
	}
}

func TestTheLockEndsSomeTimeAfterTheLastCommonPacket(t *testing.T) {
	s, a, b, c := pairOf(t, nil)
	a.Packet(echo(ms(0), web, db, 8, 1, 64))
	b.Packet(echo(ms(3), web, db, 8, 1, 64))
	s.show()
	for _, step := range []struct {
		after time.Duration
		on    bool
	}{{20 * time.Second, true}, {25 * time.Second, true}, {30 * time.Second, false}} {
		c.advance(step.after)
		s.show()
		if s.Locked() != step.on {
			t.Errorf("%v later locked is %v", c.t.Sub(start), s.Locked())
		}
	}
}

func TestTheLockStaysAsItIsWhileSomeoneReads(t *testing.T) {
	s, a, b, c := pairOf(t, nil)
	a.Packet(echo(ms(0), web, db, 8, 1, 64))
	b.Packet(echo(ms(3), web, db, 8, 1, 64))
	s.show()
	s.press("space")
	c.advance(time.Hour)
	s.show()
	if !s.Locked() {
		t.Error("the rows moved under a reader")
	}
}

// Half of the screen would be blank if the rows of what has ended waited for
// the instants of what goes on.
func TestAnEndedCaptureKeepsItsRows(t *testing.T) {
	s, a, b, c := pairOf(t, func(a, b *feed.About) { a.Filter, b.Filter = "icmp", "icmp" })
	for i := range 30 {
		a.Packet(echo(ms(i*10), web, db, 8, i, 64))
		b.Packet(echo(ms(i*10), web, db, 8, i, 64))
	}
	s.has("request 29")
	b.End("")
	for i := range 30 {
		a.Packet(echo(ms(60_000+i*10), web, db, 8, 100+i, 64))
	}
	c.advance(time.Minute)
	s.press("T", "T") // by hand, so that it is on
	for _, focus := range []string{"1", "2"} {
		s.press(focus)
		if row := s.row("request 129"); !strings.Contains(row, "request 29") {
			t.Errorf("with the focus on %s the newest rows are %q", focus, row)
		}
	}
	s.press("1", "g")
	if row := s.row("request 0 "); strings.Count(row, "request 0 ") != 2 {
		t.Errorf("where both have packets they are not level: %q", row)
	}
	s.press("G", "/")
	s.write("request 100 ")
	s.press("enter") // b had ended then
	s.has("echo request 100 ", "echo request 29")
}

func TestTwoViewsOfOneCaptureAreFree(t *testing.T) {
	s, a, _, c := pairOf(t, nil)
	for i := range 100 {
		a.Packet(echo(ms(i*10), web, db, 8, i, 64))
	}
	s.show()
	s.press("1", "|")
	c.advance(2 * time.Second)
	s.show()
	s.press("g")
	s.has("12:33.000 ", "33.990 ")
}

// A capture with the focus that has nothing in common with the others leaves
// them to themselves.
func TestTheOthersStayLevelBesideAStranger(t *testing.T) {
	other := [4]byte{10, 20, 0, 99}
	s, a, b, c := pairOf(t, nil)
	x := newFeed(t, c, feed.About{Title: "capture", Device: "tap3", Host: "cmp3", Shape: feed.Packets}, feed.Options{})
	s.AddFeed(x)
	for i := range 30 {
		a.Packet(echo(ms(i*10), web, db, 8, i, 64))
		if i != 15 {
			b.Packet(echo(ms(i*10), web, db, 8, i, 64))
		}
		x.Packet(echo(ms(i*10), other, [4]byte{8, 8, 8, 8}, 8, 1000+i, 64))
	}
	c.advance(2 * time.Second)
	s.w = 240
	s.show()
	s.press("3")
	s.has(unseen, "request 1029", "time-lock off", "time-lock on")
	s.press("g")
	s.has("request 1000", "request 29 ")
}
