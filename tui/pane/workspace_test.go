package pane

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"steth/feed"
	"steth/packets"
	"steth/probes"
	"steth/tui/keys"
)

func TestKeysDontClash(t *testing.T) {
	if _, err := keys.New(append(keys.Default(), Bindings()...), nil); err != nil {
		t.Error(err)
	}
}

// On 80 cells the bar has some 48 for the workspace's own keys.
func TestTheBarBeginsWithWhatOneNeedsMost(t *testing.T) {
	room, shown := 48, map[string]bool{}
	for _, b := range Bindings() {
		if room -= len(b.Keys[0]) + len(b.Bar) + 4; b.Bar != "" && room >= 0 {
			shown[b.Name] = true
		}
	}
	for _, name := range []string{"pause", "search", "filter", "save"} {
		if !shown[name] {
			t.Errorf("%s isn't in the bar of a narrow screen", name)
		}
	}
}

func TestPromptsNameTheirKeysInTheBarAlone(t *testing.T) {
	s, _ := numbered(t, 10, feed.Options{})
	if s.Hints() != nil {
		t.Errorf("without a prompt the bar is %q", s.Hints())
	}
	for _, key := range []string{"/", "&", "m", "'"} {
		s.press(key)
		if s.Hints() == nil {
			t.Errorf("%s names no keys", key)
		}
		s.lacks("esc", "letter")
		s.press("esc")
	}
}

func TestPanesComeAsTheRunOpensThem(t *testing.T) {
	c := newClock()
	s := newScreen(t, c, 160, 40)
	if !s.Empty() {
		t.Error("a new workspace is not empty")
	}
	s.has("Nothing runs here")
	run := newRun()
	s.Add(run)
	if s.Empty() {
		t.Error("a run that goes on may still open a feed")
	}
	s.has("starting")
	run.open(newFeed(t, c, feed.About{Title: "ping"}, feed.Options{}))
	s.has("1 ping")
	run.open(newFeed(t, c, feed.About{Title: "capture", Device: "tap1", Shape: feed.Packets}, feed.Options{}))
	s.has("1 tap1", "2 ping") // captures stand above
	if s.Title() != "web-1" || s.Panes() != 2 {
		t.Errorf("title %q, %d panes", s.Title(), s.Panes())
	}
}

func TestFocus(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.show()
	for _, step := range []struct {
		key  string
		want int
	}{{"1", 1}, {"tab", 2}, {"tab", 3}, {"tab", 1}, {"shift+tab", 3}, {"2", 2}, {"9", 2}} {
		s.press(step.key)
		s.show()
		if got := s.focus.number; got != step.want {
			t.Errorf("%s leads to pane %d, want %d", step.key, got, step.want)
		}
	}
}

func TestZoom(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.press("2", "f")
	s.has("2 of 3 tap31aa90c4-1e on cmp2", "1 tap8f2c1f6e-0c ▶", "3 ping ▶", "f shows all")
	s.lacks("on cmp1", "icmp_seq")
	if !s.Back() {
		t.Error("esc does not end the zoom")
	}
	s.has("1 tap8f2c1f6e-0c on cmp1", "3 ping", "icmp_seq")
	s.lacks(" of 3")
}

// With less than a few rows for each, the focused pane has the page and a strip
// names the others.
func TestASmallScreenShowsOnePaneAndNamesAll(t *testing.T) {
	c := newClock()
	s := newScreen(t, c, 80, 20)
	var feeds []*feed.Feed
	for i := range 5 {
		f := newFeed(t, c, feed.About{Title: "ping" + strconv.Itoa(i+1), Host: "cmp1"}, feed.Options{})
		f.Line(ms(i), feed.Plain, "line of "+strconv.Itoa(i+1))
		s.AddFeed(f)
		feeds = append(feeds, f)
	}
	s.has("1 of 5 ping1", "line of 1", "2 ping2 ▶", "5 ping5 ▶")
	s.lacks("line of 2", "shows all") // f could not show them either
	s.press("tab")
	s.has("2 of 5 ping2", "line of 2")
	row := strings.Split(s.show(), "\n")[19]
	s.Update(tea.MouseClickMsg{X: ansi.StringWidth(row[:strings.Index(row, "ping4")]), Y: 19, Button: tea.MouseLeft})
	s.has("4 of 5 ping4", "line of 4")

	for range 40 { // until all rates have come to rest
		c.advance(time.Second)
		s.show()
	}
	feeds[0].End("gone")
	c.advance(time.Second)
	if !s.Dirty() {
		t.Error("the end of a pane that is not seen is not noticed")
	}
	s.has("1 ping1 ✗")
	s.h = 40
	s.has("1 ping1 on cmp1", "line of 5")
}

func TestClosingAViewGivesItsRoomBack(t *testing.T) {
	for _, close := range []string{"1", "2"} { // the view that was split, and the new one
		s, _, _, _ := triage(t, newClock())
		s.show()
		before := s.root.panes(nil)[1].at.w
		s.press("1", "|", close, "X")
		s.show()
		if got := s.root.panes(nil)[1].at.w; max(got-before, before-got) > 1 {
			t.Errorf("after X on %s the other capture has %d cells, it had %d", close, got, before)
		}
	}
}

func TestSplitAndClose(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "log"}, feed.Options{})
	f.Line(ms(0), feed.Plain, "only line")
	run := newRun(f)
	s := newScreen(t, c, 120, 30)
	s.Add(run)
	s.show()
	s.press("|")
	if strings.Count(s.row("only line"), "only line") != 2 {
		t.Errorf("not side by side:\n%s", s.show())
	}
	s.press("_")
	if strings.Count(s.show(), "only line") != 3 {
		t.Errorf("not three views:\n%s", s.show())
	}
	s.press("X", "X")
	if run.stops != 0 {
		t.Error("the run was stopped while a pane shows it")
	}
	s.has("1 log")
	s.press("X")
	if run.stops == 0 {
		t.Error("the run goes on without a pane")
	}
	close(run.done)
	if !s.Empty() {
		t.Error("not empty after the last pane was closed")
	}
	if first, next := f.Bounds(); first != next {
		t.Error("the feed keeps what nobody can see")
	}
	s.has("Nothing runs here")
	s.press("X", "|", "tab", "space", "T", "enter") // nothing to do it to
}

func TestResize(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.press("1")
	s.show()
	before := s.focus.at.w
	s.press(">")
	s.show()
	if got := s.focus.at.w; got != before+4 {
		t.Errorf("%d cells, want %d", got, before+4)
	}
	for range 100 {
		s.press("<")
	}
	s.show()
	if got := s.focus.at.w; got != minWidth {
		t.Errorf("%d cells, want the least, %d", got, minWidth)
	}
	s.press("3")
	s.show()
	rows := s.focus.at.h
	s.press(">")
	s.show()
	if got := s.focus.at.h; got != rows+1 {
		t.Errorf("%d rows, want %d", got, rows+1)
	}
}

func TestMouse(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.show()
	at := func(n int) rect { return s.root.panes(nil)[n-1].at }
	click := func(x, y int) { s.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}); s.show() }

	click(at(2).x+5, at(2).y+4)
	if s.focus.number != 2 || !s.focus.follow {
		t.Error("the first click gives the focus and nothing else")
	}
	row := strings.Split(s.show(), "\n")[at(2).y+4]
	click(at(2).x+5, at(2).y+4)
	if s.focus.follow || !strings.Contains(row[strings.Index(row, "│"):], s.selected()) {
		t.Errorf("the click on %q selects %q", row, s.selected())
	}
	s.press("G")

	s.Update(tea.MouseWheelMsg{X: at(1).x + 3, Y: at(1).y + 5, Button: tea.MouseWheelUp})
	s.has("paused")
	if s.focus.number != 2 {
		t.Error("the wheel takes the focus along")
	}
	for range 3 {
		s.Update(tea.MouseWheelMsg{X: at(1).x + 3, Y: at(1).y + 5, Button: tea.MouseWheelDown})
	}
	s.lacks("paused")

	w := at(1).w
	x := at(1).x + w + 1 // on the line
	s.Update(tea.MouseClickMsg{X: x, Y: 10, Button: tea.MouseLeft})
	s.Update(tea.MouseMotionMsg{X: x - 7, Y: 10, Button: tea.MouseLeft})
	s.Update(tea.MouseMotionMsg{X: x - 12, Y: 12, Button: tea.MouseLeft})
	s.Update(tea.MouseReleaseMsg{X: x - 12, Y: 12, Button: tea.MouseLeft})
	s.Update(tea.MouseMotionMsg{X: x - 30, Y: 12, Button: tea.MouseLeft})
	s.show()
	if got := at(1).w; got != w-12 {
		t.Errorf("dragged to %d cells, want %d", got, w-12)
	}
}

// selected is the time of the selected row as it is on the screen.
func (s *screen) selected() string {
	t, _ := s.focus.time(s.focus.cursor)
	return string(appendSecond(nil, time.Unix(0, t)))
}

func TestShellMessages(t *testing.T) {
	s, at1, at2, ping := triage(t, newClock())
	s.show()
	if got := s.press("2", "W"); len(got) != 1 || len(got[0].(SaveMsg).Feeds) != 1 || got[0].(SaveMsg).Feeds[0] != at2 {
		t.Errorf("W asks for %v", got)
	}
	s.press("|") // the same feed twice is saved once
	got := s.press("ctrl+w")
	if list := got[0].(SaveMsg).Feeds; len(list) != 3 || list[0] != at1 || list[1] != at2 || list[2] != ping {
		t.Errorf("ctrl+w asks for %v", list)
	}
	if got := s.press("Y"); len(got) != 1 || got[0].(CopyMsg).Text != "steth probe run test" {
		t.Errorf("Y asks for %v", got)
	}
	if !s.Running() {
		t.Error("the run goes on")
	}
	s.press("ctrl+c")
	if run := s.focus.run.Run.(*fakeRun); run.stops != 1 {
		t.Errorf("ctrl+c stopped it %d times", run.stops)
	}
}

func TestFinding(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "ping"}, feed.Options{})
	g := newFeed(t, c, feed.About{Title: "trace"}, feed.Options{})
	run := newRun(f, g)
	s := newScreen(t, c, 60, 30)
	s.Add(run)
	s.show()
	run.end(probes.Finding{
		Verdict: probes.Fail, Reason: "12 of 61 lost between eth1 on cmp1 and eth1 on cmp2, all longer than 1400 bytes.",
		Next: []probes.Next{{Do: "under.pmtu", Why: "measures it"}},
	})
	if !s.Dirty() {
		t.Error("the end of a run is not noticed")
	}
	s.has("✗ 12 of 61 lost", "all longer than 1400 bytes.", "→ under.pmtu  measures it")
	if n := strings.Count(s.show(), "12 of 61"); n != 1 {
		t.Errorf("told %d times", n)
	}
	s.press("1", "X") // the other pane of the run tells it then
	s.has("12 of 61")
	if s.Running() {
		t.Error("an ended run is called running")
	}
}

func TestARunWithoutFeedsTellsWhy(t *testing.T) {
	c := newClock()
	s := newScreen(t, c, 80, 20)
	run := newRun()
	s.Add(run)
	s.show()
	run.end(probes.Finding{Probe: "capture.device", Target: "web-1", Verdict: probes.Error, Reason: "the agent on cmp1 does not answer"})
	s.has("1 capture.device web-1", "■ ended", "? could not run: the agent on cmp1 does not answer")
	s.press("X")
	if !s.Empty() {
		t.Error("the pane can't be closed")
	}
}

func TestTheFocusFollowsNewRunsNotLaterFeeds(t *testing.T) {
	c := newClock()
	s, _ := numbered(t, 10, feed.Options{})
	log := s.focus
	run := newRun(newFeed(t, c, feed.About{Title: "one"}, feed.Options{}))
	s.Add(run)
	if s.focus == log {
		t.Error("what was just started has not the focus")
	}
	s.focus = log
	run.open(newFeed(t, c, feed.About{Title: "two"}, feed.Options{}))
	s.has("two")
	if s.focus != log {
		t.Error("a later feed took the focus away")
	}
}

func TestNobodyLosesTheFocusWhileTyping(t *testing.T) {
	s, _ := numbered(t, 10, feed.Options{})
	s.press("/", "a")
	run := newRun()
	s.Add(run)
	run.open(newFeed(t, newClock(), feed.About{Title: "late"}, feed.Options{}))
	s.has("late")
	s.press("b")
	s.has("/ ab")
}

func TestAnEmptyEndedPaneSaysWhy(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "capture", Device: "tap1", Shape: feed.Packets}, feed.Options{})
	f.End("there is no device tap1 on cmp1; is the port bound elsewhere?")
	s := newScreen(t, c, 40, 10)
	s.AddFeed(f)
	s.has("✗ ended", "there is no device tap1 on cmp1; is")
}

// What the conclusion says is said once in the pane.
func TestAnErrorIsToldOnceInAPane(t *testing.T) {
	const why = "there is no device tap1 on cmp1"
	for _, shape := range []feed.Shape{feed.Lines, feed.Packets} {
		c := newClock()
		f := newFeed(t, c, feed.About{Title: "capture", Device: "tap1", Shape: shape}, feed.Options{})
		f.End(why)
		run := newRun(f)
		s := newScreen(t, c, 160, 20)
		s.Add(run)
		s.has("✗ ended")
		if n := strings.Count(s.show(), why); n != 1 {
			t.Errorf("without rows it is told %d times:\n%s", n, s.show())
		}
		run.end(probes.Finding{Verdict: probes.Error, Reason: "capture on cmp1: " + why})
		if n := strings.Count(s.show(), why); n != 1 {
			t.Errorf("with a conclusion it is told %d times:\n%s", n, s.show())
		}
	}
}

func TestHostileNames(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "ping\x1b[2J", Target: "a\u202eb", Host: "h\n\x07"}, feed.Options{})
	f.End("\x1b]0;x\x07")
	run := newRun(f)
	s := newScreen(t, c, 90, 10)
	s.Add(run)
	run.end(probes.Finding{Verdict: probes.Error, Reason: "\x1b[31mred\u200b", Next: []probes.Next{{Do: "\x9b1m", Why: "\x00"}}})
	view := s.View(s.w, s.h)
	checkSize(t, view, s.w, s.h)
	for _, bad := range []string{"\x1b[2J", "\x1b[31m", "\u202e", "\x07", "\x1b]", "\u200b", "\x00", "\x9b"} {
		if strings.Contains(view, bad) {
			t.Errorf("%q reaches the terminal", bad)
		}
	}
}

func TestDetail(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	s.press("1", "g", "enter")
	d := &s.focus.detail
	s.show()
	d.layers = []packets.Layer{
		{Name: "Ethernet", Fields: []packets.Field{{Name: "destination", Value: "fa:16:3e:00:00:01", Length: 6}}},
		{Name: "IPv4", Fields: []packets.Field{{Name: "ttl", Value: "64", Offset: 22, Length: 1}}},
	}
	s.has("Ethernet", "destination", "ttl", "0010  00 54 00 00 00 00 40 01")
	s.press("enter", "j")
	if row := s.row("ttl"); !strings.HasPrefix(row, s.theme.Glyphs.Bar) {
		t.Errorf("the field is not selected: %q", row)
	}
	if view := s.View(s.w, s.h); !strings.Contains(view, s.theme.Match.Paint("40")) {
		t.Error("the byte of the field is not marked")
	}
	s.Back()
	before := s.focus.cursor
	s.press("j") // rows again: the next packet
	s.show()
	if s.focus.cursor == before || d.seq != s.focus.cursor {
		t.Error("the open packet is not the selected one")
	}
	s.Back()
	s.lacks("Ethernet")
}

// Fields have the room; bytes stand beside them only where both fit.
func TestDetailCutsNoFieldForTheBytes(t *testing.T) {
	for _, tt := range []struct {
		w    int
		hex  bool
		want string
	}{{200, true, "fa:16:3e:00:00:02"}, {78, false, "fa:16:3e:00:00:02 a vendor with a name"}, {60, false, "fa:16:3e:00:00:02"}} {
		c := newClock()
		f := newFeed(t, c, feed.About{Title: "capture", Device: "tap1", Shape: feed.Packets}, feed.Options{})
		f.Packet(echo(ms(0), web, db, 8, 1, 64))
		s := newScreen(t, c, tt.w, 30)
		s.AddFeed(f)
		s.show()
		s.press("enter")
		s.show()
		s.focus.detail.layers = []packets.Layer{{Name: "Ethernet", Fields: []packets.Field{
			{Name: "destination", Value: "fa:16:3e:00:00:02 a vendor with a name", Length: 6},
		}}}
		s.has(tt.want)
		if got := strings.Contains(s.show(), "0000  fa 16"); got != tt.hex {
			t.Errorf("at %d cells bytes are shown: %v, want %v:\n%s", tt.w, got, tt.hex, s.show())
		}
	}
}

func TestThemes(t *testing.T) {
	s, _, _, _ := triage(t, newClock())
	dark := s.View(120, 30)
	s.SetTheme(theme(t, "light"))
	light := s.View(120, 30)
	if dark == light || ansi.Strip(dark) != ansi.Strip(light) {
		t.Error("a theme changes colours and nothing else")
	}
}

// FuzzWorkspace presses keys, moves the mouse, changes sizes and feeds hostile
// lines; whatever happens, no line is wider than the screen and none is missing.
func FuzzWorkspace(f *testing.F) {
	f.Add([]byte("|_tab1fX<>kkjjgGTw/a&b!neEma'a"))
	rng := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		seed := make([]byte, 120)
		for i := range seed {
			seed[i] = byte(rng.UintN(256))
		}
		f.Add(seed)
	}
	names := []string{
		"|", "_", "tab", "shift+tab", "f", "<", ">", "X", "space", "k", "j", "g", "G", "ctrl+d", "ctrl+u", "pgup", "pgdown",
		"T", "w", "/", "enter", "esc", "&", "!", "n", "N", "e", "E", "m", "a", "'", "1", "2", "5", "r", "W", "Y", "ctrl+c", "backspace",
	}
	lines := []string{
		"plain", strings.Repeat("long ", 60), "\x1b[31mred\x1b[0m", "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字", "e\u0301e\u0301\u200d\u202e",
		"👩‍👩‍👧‍👦 family 🇩🇪 1️⃣", "\t\ttabs\r\n", "\xff\xfe", "",
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 160 {
			ops = ops[:160]
		}
		c := newClock()
		s, at1, _, ping := triage(t, c)
		for i := 0; i+1 < len(ops); i += 2 {
			arg := int(ops[i+1])
			switch op := ops[i] % 16; op {
			case 0:
				s.w, s.h = arg*3/4, int(ops[i]/16)*5
			case 1:
				s.w, s.h = 20+arg, 5+arg/4
			case 2:
				ping.Line(ms(9000+i), feed.Level(arg%6), lines[arg%len(lines)])
			case 3:
				at1.Packet(packets.Packet{Time: ms(9000 + i), Length: uint32(arg), Data: ops[:i]})
			case 4:
				s.run(s.Update(tea.MouseClickMsg{X: arg, Y: int(ops[i] / 4), Button: tea.MouseLeft}))
			case 5:
				s.run(s.Update(tea.MouseMotionMsg{X: arg, Y: int(ops[i] / 4), Button: tea.MouseLeft}))
			case 6:
				s.run(s.Update(tea.MouseWheelMsg{X: arg, Y: int(ops[i] / 4), Button: tea.MouseWheelUp + tea.MouseButton(arg%2)}))
			case 7:
				s.Update(tea.PasteMsg{Content: lines[arg%len(lines)]})
			default:
				s.press(names[arg%len(names)])
			}
			if s.w > 0 && s.h > 0 {
				s.show()
			} else if s.View(s.w, s.h) != "" {
				t.Fatal("something is drawn where there is no room")
			}
			s.Dirty()
			s.Typing()
		}
	})
}

// Keys are answered and frames drawn while a feed is written; in the end the
// newest row is seen.
func TestDrawsWhileFeedsAreWritten(t *testing.T) {
	c := newClock()
	lines := newFeed(t, c, feed.About{Title: "log"}, feed.Options{Memory: 64 << 10})
	taps := newFeed(t, c, feed.About{Title: "capture", Device: "tap1", Shape: feed.Packets}, feed.Options{Memory: 64 << 10})
	s := newScreen(t, c, 120, 40)
	s.AddFeed(lines)
	s.AddFeed(taps)
	var writers sync.WaitGroup
	writers.Go(func() {
		for i := range 20_000 {
			lines.Line(ms(i), feed.Plain, "line "+strconv.Itoa(i)+".")
		}
	})
	writers.Go(func() {
		for i := range 20_000 {
			taps.Packet(echo(ms(i), web, db, 8, i, 64))
			taps.Sample(feed.Sample{Time: ms(i), Value: 1})
		}
	})
	for _, key := range []string{"1", "k", "&", "4", "enter", "g", "j", "2", "pgup", "/", "9", "enter", "n", "w", "k", "w", "T", "T", "|", "k"} {
		s.press(key)
		s.show()
	}
	writers.Wait()
	s.press("X") // the view that was split off
	for range s.panes {
		s.press("G", "tab")
	}
	for s.Dirty() { // the filter takes a frame or two to catch up
		s.show()
	}
	s.has("line 19999.", "request 19999")
}
