package pane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"steth/feed"
)

// numbered is a screen with one pane of n lines "line 0", "line 1", ...
func numbered(t *testing.T, n int, opt feed.Options) (*screen, *feed.Feed) {
	t.Helper()
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "log"}, opt)
	for i := range n {
		f.Line(ms(i), feed.Plain, fmt.Sprintf("line %d.", i))
	}
	s := newScreen(t, c, 60, 12) // ten rows
	s.AddFeed(f)
	s.show()
	return s, f
}

func TestFollowsTheNewest(t *testing.T) {
	s, f := numbered(t, 100, feed.Options{})
	s.has("line 99.", "line 90.")
	s.lacks("line 89.", "paused")
	f.Line(ms(100), feed.Plain, "line 100.")
	s.has("line 100.", "line 91.")
	s.lacks("line 90.")
}

func TestPauseStandsStillAndCounts(t *testing.T) {
	s, f := numbered(t, 100, feed.Options{})
	s.press("space")
	for i := range 50 {
		f.Line(ms(100+i), feed.Plain, "more")
	}
	s.has("paused", "50 newer", "line 99.", "line 90.")
	s.lacks("more")
	s.press("j") // held by hand: moving past the newest row of then is moving on
	s.has("paused", "49 newer")
	s.press("G", "space", "j", "j")
	s.has("paused")
	s.press("space")
	s.has("more")
	s.lacks("paused")
}

func TestScrolling(t *testing.T) {
	for _, tt := range []struct {
		name           string
		keys           []string
		cursor, bottom string
		follow         bool
	}{
		{"up", []string{"k"}, "line 98.", "line 99.", false},
		{"up moves the window at its edge", strings.Split("kkkkkkkkkkkk", ""), "line 87.", "line 96.", false},
		{"half a page up", []string{"ctrl+u"}, "line 94.", "line 94.", false},
		{"a page up", []string{"pgup", "pgup"}, "line 81.", "line 81.", false},
		{"to the top", []string{"g"}, "line 0.", "line 9.", false},
		{"down from the top", []string{"g", "j"}, "line 1.", "line 9.", false},
		{"half a page down", []string{"g", "ctrl+d", "ctrl+d"}, "line 10.", "line 19.", false},
		{"back to the newest", []string{"g", "G"}, "", "line 99.", true},
		{"past the newest follows again", []string{"k", "j", "j"}, "", "line 99.", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := numbered(t, 100, feed.Options{})
			s.press(tt.keys...)
			s.has(tt.bottom)
			p := s.focus
			if p.follow != tt.follow {
				t.Fatalf("follow is %v:\n%s", p.follow, s.show())
			}
			rows := strings.Split(strings.TrimRight(s.show(), " \n"), "\n")
			if last := rows[len(rows)-1]; !strings.Contains(last, tt.bottom) {
				t.Errorf("the last row is %q, want %q", last, tt.bottom)
			}
			if tt.cursor != "" && !strings.Contains(s.row(s.theme.Glyphs.Bar), tt.cursor) {
				t.Errorf("the cursor is on %q, want %q", s.row(s.theme.Glyphs.Bar), tt.cursor)
			}
		})
	}
}

func TestScrollsThroughTheSpool(t *testing.T) {
	s, f := numbered(t, 20_000, feed.Options{Memory: 32 << 10, Spool: 8 << 20})
	if first, _ := f.Bounds(); first != 0 {
		t.Fatalf("%d lines are gone", first)
	}
	s.press("g")
	s.has("line 0.", "line 9.")
	s.press("pgdown")
	s.has("line 9.", "line 18.")
}

func TestForgottenRowsLeaveTheWindow(t *testing.T) {
	s, f := numbered(t, 100, feed.Options{Memory: 16 << 10, Spool: -1})
	s.press("g")
	s.has("line 0.")
	for i := range 20_000 {
		f.Line(ms(100+i), feed.Plain, fmt.Sprintf("line %d.", 100+i))
	}
	first, _ := f.Bounds()
	if first == 0 {
		t.Fatal("nothing was forgotten")
	}
	s.has(fmt.Sprintf("line %d.", first))
	s.w = 120
	s.has("oldest forgotten")
}

func TestWrap(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "log"}, feed.Options{})
	for i := range 30 {
		f.Line(ms(i), feed.Plain, fmt.Sprintf("%02d %s end%d.", i, strings.Repeat("x", 80), i))
	}
	s := newScreen(t, c, 40, 12)
	s.AddFeed(f)
	s.has("29 xxx", "…")
	s.lacks("end29.")
	s.press("w")
	s.has("29 xxx", "end29.")
	s.press("k", "k", "k", "k", "k", "k")
	s.has("23 xxx")
	s.press("G")
	s.has("end29.")
}

func TestDirty(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "log"}, feed.Options{})
	s := newScreen(t, c, 60, 12)
	run := newRun(f)
	s.Add(run)
	if !s.Dirty() {
		t.Fatal("what was never drawn is not dirty")
	}
	s.show()
	if s.Dirty() {
		t.Fatal("dirty right after a frame")
	}
	f.Line(ms(0), feed.Plain, "line")
	if !s.Dirty() {
		t.Fatal("a line is not noticed")
	}
	s.show()
	c.advance(1100 * time.Millisecond) // the rate changes though nothing comes
	if !s.Dirty() {
		t.Fatal("a second is not noticed while a rate is shown")
	}
	s.show()
	for range 40 {
		c.advance(time.Second)
		s.show()
	}
	c.advance(time.Minute)
	if s.Dirty() {
		t.Fatal("a quiet screen is drawn again and again")
	}
	run.open(newFeed(t, c, feed.About{Title: "second"}, feed.Options{}))
	if !s.Dirty() {
		t.Fatal("a new feed is not noticed")
	}
	s.has("2 second")
}
