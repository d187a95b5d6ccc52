package pane

import (
	"strings"
	"testing"
	"time"

	"steth/feed"
)

func TestRowsTellTheMinute(t *testing.T) {
	for _, tt := range []struct {
		name string
		w    int
		want []string // beginnings of the rows
	}{
		{"wide", 100, []string{"03:12:58.000  10", "03:12:59.500  10", "03:13:01.000  10", "03:13:02.500  10"}},
		{"narrow", 60, []string{"12:58.000 10", "   59.500 10", "13:01.000 10", "   02.500 10"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			f := newFeed(t, c, feed.About{Title: "capture", Device: "tap1", Shape: feed.Packets}, feed.Options{})
			for i := range 4 {
				f.Packet(echo(ms(25_000+1500*i), web, db, 8, i, 64))
			}
			s := newScreen(t, c, tt.w, 12)
			s.AddFeed(f)
			for i, row := range strings.Split(s.show(), "\n")[2:6] {
				if !strings.HasPrefix(row[1:], tt.want[i]) {
					t.Errorf("row %d is %q, want %q", i, row, tt.want[i])
				}
			}
		})
	}
}

func TestRowsTellTheTimeOfTheScreensZone(t *testing.T) {
	c := newClock()
	c.t = c.t.In(time.FixedZone("half past", 5*3600+1800))
	f := newFeed(t, c, feed.About{Title: "log"}, feed.Options{})
	f.Line(ms(0), feed.Plain, "here")
	s := newScreen(t, c, 120, 12)
	s.AddFeed(f)
	s.has("08:42:33.000  here")
}

func TestAPauseMovesNoText(t *testing.T) {
	for _, w := range []int{35, 60, 120} {
		s, _ := numbered(t, 100, feed.Options{})
		s.w = w
		before := strings.Index(s.row("line 99."), "line")
		s.press("space")
		if after := strings.Index(strings.Replace(s.row("line 99."), s.theme.Glyphs.Bar, " ", 1), "line"); after != before {
			t.Errorf("at %d cells the text moves from %d to %d", w, before, after)
		}
	}
}

func TestAPausedCaptureStillTellsThatNothingWasDropped(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.press("1", "k")
	if row := s.row("paused"); strings.Count(row, "dropped 0") != 2 {
		t.Errorf("the title is %q", row)
	}
}
