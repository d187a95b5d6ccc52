package pane

import (
	"fmt"
	"strings"
	"testing"

	"steth/feed"
)

func TestSearch(t *testing.T) {
	s, _ := numbered(t, 20_000, feed.Options{Memory: 32 << 10, Spool: 8 << 20})
	s.press("/")
	if _, y, ok := s.Typing(); !ok || y != s.h-1 {
		t.Fatalf("the prompt is at row %d, %v", y, ok)
	}
	s.write("LINE 77")
	s.press("enter")
	s.has("no older hit of LINE 77") // capitals count where they are typed
	s.press("/")
	s.write("line 77")
	s.press("enter")
	if row := s.row(s.theme.Glyphs.Bar); !strings.Contains(row, "line 7799.") {
		t.Fatalf("the newest hit is not found: %q", row)
	}
	s.press("N")
	if row := s.row(s.theme.Glyphs.Bar); !strings.Contains(row, "line 7798.") {
		t.Fatalf("the hit before it is not found: %q", row)
	}
	s.press("n", "n")
	s.has("no newer hit of line 77")
	if view := s.View(s.w, s.h); !strings.Contains(view, s.theme.Match.Paint("line 77")) {
		t.Error("hits are not marked")
	}
	if !s.Back() || s.Back() {
		t.Error("esc takes the hits off, and then there is nothing to go back from")
	}
}

func TestTheTitleCountsHits(t *testing.T) {
	s, f := numbered(t, 20_000, feed.Options{Memory: 32 << 10, Spool: 8 << 20})
	title := func(want string) {
		t.Helper()
		if row := s.row("1 log"); !strings.Contains(row, want) {
			t.Errorf("the title is %q, want %q", row, want)
		}
	}
	s.press("/")
	s.write("99.")
	s.press("enter")
	title("/ 99. 200 of 200")
	s.press("N", "N")
	title("/ 99. 198 of 200")
	s.press("k")
	title("/ 99. 200 hits")
	f.Line(ms(20_000), feed.Plain, "line 20099.")
	title("/ 99. 201 hits")
	s.press("&")
	s.write("line 1")
	s.press("enter", "N")
	title("/ 99. 108 of 111")
	s.Back()
	s.lacks("/ 99.")

	s.press("/")
	s.write("nothing has this")
	s.press("enter")
	title("/ nothing has this 0 hits")
}

func TestSearchCanBeStopped(t *testing.T) {
	s, _ := numbered(t, 1000, feed.Options{})
	s.press("/")
	s.write("line 5.")
	cmd := s.Update(stroke("enter")) // as if it took long: the answer comes later
	s.has("searching")
	if !s.Back() {
		t.Fatal("esc does not stop a search")
	}
	s.lacks("searching")
	s.run(cmd)
	s.lacks("paused", "no older")
	if !s.focus.follow {
		t.Fatal("the answer of a search that was stopped moved the window")
	}
}

func TestErrors(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "log"}, feed.Options{})
	for i := range 200 {
		level := feed.Plain
		if i == 50 || i == 120 {
			level = feed.Bad
		}
		f.Line(ms(i), level, fmt.Sprintf("line %d.", i))
	}
	s := newScreen(t, c, 60, 12)
	s.AddFeed(f)
	s.show()
	for _, step := range []struct{ key, row string }{{"e", "line 120."}, {"E", "line 50."}, {"e", "line 120."}} {
		s.press(step.key)
		if row := s.row(s.theme.Glyphs.Bar); !strings.Contains(row, step.row) {
			t.Fatalf("%s goes to %q, want %q", step.key, row, step.row)
		}
	}
	s.press("e")
	s.has("no newer error")
}

func TestMarks(t *testing.T) {
	s, _ := numbered(t, 100, feed.Options{})
	s.press("g", "m")
	if _, _, ok := s.Typing(); !ok {
		t.Fatal("the letter of a mark is not kept from the shell")
	}
	s.press("a")
	s.has("marked a")
	s.press("G", "'", "a")
	if row := s.row(s.theme.Glyphs.Bar); !strings.Contains(row, "line 0.") {
		t.Fatalf("the mark leads to %q", row)
	}
	s.press("'", "b")
	s.has("no mark b")
}

func TestFilters(t *testing.T) {
	s, f := numbered(t, 20_000, feed.Options{Memory: 32 << 10, Spool: 8 << 20})
	only := func(text string) {
		t.Helper()
		s.press("&")
		s.write(text)
		s.press("enter")
	}
	only("99.")
	s.has("& 99.", "line 19999.", "line 19899.", "line 19099.")
	s.lacks("line 19998.")
	f.Line(ms(20_000), feed.Plain, "line 20099.")
	f.Line(ms(20_001), feed.Plain, "line 20100.")
	s.has("line 20099.")
	s.lacks("line 20100.")

	only("line 1")
	s.has("& 99. & line 1", "line 19999.")
	s.lacks("line 20099.")
	s.press("!")
	s.has("& 99. & !line 1", "line 20099.", "line 9999.")
	s.lacks("line 19999.")

	s.press("g")
	s.has("line 99.", "line 299.")
	s.press("/")
	s.write("599.")
	s.press("enter", "n")
	if row := s.row(s.theme.Glyphs.Bar); !strings.Contains(row, "line 599.") {
		t.Fatalf("a search within a filter leads to %q", row)
	}
	s.Back() // the hits
	s.Back() // the filters
	s.lacks("& 99.")
	s.has("line 598.", "line 599.", "line 600.")
}

func TestFiltersKeepThePlace(t *testing.T) {
	s, _ := numbered(t, 1000, feed.Options{})
	s.press("/")
	s.write("line 500.")
	s.press("enter", "&")
	s.write("00.")
	cmd := s.Update(stroke("enter"))
	s.has("looking for rows with 00.")
	s.run(cmd)
	if row := s.row(s.theme.Glyphs.Bar); !strings.Contains(row, "line 500.") {
		t.Errorf("the filter leads to %q", row)
	}
	s.has("line 400.", "line 600.")
	s.Back()
	s.Back()
	if row := s.row(s.theme.Glyphs.Bar); !strings.Contains(row, "line 500.") {
		t.Errorf("without the filter the cursor is on %q", row)
	}
	s.has("line 501.")
}

func TestNewerRowsAreCountedForTheFilterOfNow(t *testing.T) {
	for _, w := range []int{60, 160} { // alone, and level with another
		c := newClock()
		s := newScreen(t, c, w, 24)
		for n := range w / 60 {
			f := newFeed(t, c, feed.About{Title: "capture", Device: fmt.Sprint("tap", n), Filter: "icmp", Shape: feed.Packets}, feed.Options{})
			for i := range 2000 {
				f.Packet(echo(ms(i), web, db, 8, i, 64))
			}
			s.AddFeed(f)
		}
		s.show()
		s.press("1", "/")
		s.write("request 1000 ")
		s.press("enter")
		s.Back() // the hits
		s.press("&")
		s.write("request 12")
		s.press("enter")
		s.show()
		s.press("!")
		first, _, _ := strings.Cut(s.show(), "\n")
		again, _, _ := strings.Cut(s.show(), "\n")
		if first != again || !strings.Contains(first, " newer") {
			t.Errorf("at %d cells one frame says\n%q, the next, of the same,\n%q", w, first, again)
		}
	}
}

func TestFilterOfPackets(t *testing.T) {
	c := newClock()
	s, _, _, _ := triage(t, c)
	s.press("1", "&")
	s.write("arp")
	s.press("enter")
	s.has("& arp", "ARP who has 10.20.0.1")
}
