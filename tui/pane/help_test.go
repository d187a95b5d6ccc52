package pane

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"steth/feed"
	"steth/packets"
	"steth/probes"
	"steth/themes"
	"steth/tui/page"
)

// start is the instant at which tests begin.
var start = time.Date(2026, 3, 1, 3, 12, 33, 0, time.UTC)

// clock is a clock that stands until it is moved.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{start} }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

// ms is an instant as feeds know it.
func ms(n int) int64 { return start.UnixNano() + int64(n)*1e6 }

func theme(t testing.TB, name string) *themes.Theme {
	t.Helper()
	th, err := themes.Get(name, false)
	if err != nil {
		t.Fatal(err)
	}
	return &th
}

func newFeed(t testing.TB, c *clock, about feed.About, opt feed.Options) *feed.Feed {
	t.Helper()
	opt.Now, opt.Dir = c.now, t.TempDir()
	f, err := feed.New(about, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// fakeRun is a run that does what a test says.
type fakeRun struct {
	feeds   []*feed.Feed
	version uint64
	done    chan struct{}
	finding probes.Finding
	ended   bool
	stops   int
}

func newRun(feeds ...*feed.Feed) *fakeRun {
	return &fakeRun{feeds: feeds, version: uint64(len(feeds)), done: make(chan struct{})}
}

func (r *fakeRun) Target() probes.Target           { return probes.Target{Name: "web-1"} }
func (r *fakeRun) Feeds() []*feed.Feed             { return r.feeds }
func (r *fakeRun) Version() uint64                 { return r.version }
func (r *fakeRun) Done() <-chan struct{}           { return r.done }
func (r *fakeRun) Finding() (probes.Finding, bool) { return r.finding, r.ended }
func (r *fakeRun) Stop()                           { r.stops++ }
func (r *fakeRun) Shell() string                   { return "steth probe run test" }

func (r *fakeRun) open(f *feed.Feed) { r.feeds = append(r.feeds, f); r.version++ }

func (r *fakeRun) end(f probes.Finding) {
	r.finding, r.ended = f, true
	r.version++
	close(r.done)
}

// screen is a workspace with its size, driven as the shell does it.
type screen struct {
	*Workspace
	t    testing.TB
	w, h int
}

func newScreen(t testing.TB, c *clock, w, h int) *screen {
	t.Helper()
	s := &screen{New(Options{Theme: theme(t, "dark"), Now: c.now}), t, w, h}
	t.Cleanup(s.Close)
	return s
}

// show draws, checks the size, and returns the plain text.
func (s *screen) show() string {
	s.t.Helper()
	view := s.View(s.w, s.h)
	checkSize(s.t, view, s.w, s.h)
	return ansi.Strip(view)
}

// checkSize fails when a view has another height, or a line that some terminal
// shows wider than the screen.
func checkSize(t testing.TB, view string, w, h int) {
	t.Helper()
	rows := strings.Split(view, "\n")
	if len(rows) != h {
		t.Fatalf("%d rows on a screen of %d:\n%s", len(rows), h, ansi.Strip(view))
	}
	for i, row := range rows {
		if n := max(ansi.StringWidth(row), ansi.StringWidthWc(row)); n > w {
			t.Fatalf("row %d is %d wide on a screen of %d: %q", i, n, w, row)
		}
	}
}

// press gives keys as Bubble Tea names them, or as text, and runs the commands
// they lead to. It returns messages that are for the shell.
func (s *screen) press(keys ...string) (out []tea.Msg) {
	s.t.Helper()
	for _, k := range keys {
		out = append(out, s.run(s.Update(stroke(k)))...)
	}
	return out
}

// write types text letter by letter.
func (s *screen) write(text string) {
	s.t.Helper()
	for _, r := range text {
		s.press(string(r))
	}
}

func (s *screen) run(cmd tea.Cmd) (out []tea.Msg) {
	for cmd != nil {
		switch msg := cmd().(type) {
		case SaveMsg, CopyMsg, page.Ask:
			return append(out, msg)
		case tea.BatchMsg:
			for _, cmd := range msg {
				out = append(out, s.run(cmd)...)
			}
			return out
		default:
			cmd = s.Update(msg)
		}
	}
	return out
}

func stroke(name string) tea.KeyPressMsg {
	special := map[string]tea.Key{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab},
		"shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "space": {Code: tea.KeySpace, Text: " "}, " ": {Code: tea.KeySpace, Text: " "},
		"backspace": {Code: tea.KeyBackspace}, "pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown},
		"ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "ctrl+d": {Code: 'd', Mod: tea.ModCtrl}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl},
		"ctrl+w": {Code: 'w', Mod: tea.ModCtrl},
	}
	if k, ok := special[name]; ok {
		return tea.KeyPressMsg(k)
	}
	r := []rune(name)[0]
	return tea.KeyPressMsg{Code: r, Text: name}
}

// has fails unless every text is on the screen.
func (s *screen) has(texts ...string) {
	s.t.Helper()
	view := s.show()
	for _, text := range texts {
		if !strings.Contains(view, text) {
			s.t.Fatalf("%q is not on the screen:\n%s", text, view)
		}
	}
}

// lacks fails when a text is on the screen.
func (s *screen) lacks(texts ...string) {
	s.t.Helper()
	view := s.show()
	for _, text := range texts {
		if strings.Contains(view, text) {
			s.t.Fatalf("%q is on the screen:\n%s", text, view)
		}
	}
}

// row is the line of the screen with text.
func (s *screen) row(text string) string {
	s.t.Helper()
	for _, row := range strings.Split(s.show(), "\n") {
		if strings.Contains(row, text) {
			return row
		}
	}
	s.t.Fatalf("%q is not on the screen:\n%s", text, s.show())
	return ""
}

var (
	web = [4]byte{10, 20, 0, 11}
	db  = [4]byte{10, 20, 0, 22}
)

// echo is an ICMP echo request (kind 8) or reply (kind 0).
func echo(at int64, src, dst [4]byte, kind byte, seq int, ttl byte) packets.Packet {
	b := make([]byte, 98)
	copy(b, []byte{0xfa, 0x16, 0x3e, 0, 0, 1, 0xfa, 0x16, 0x3e, 0, 0, 2, 8, 0})
	ip := b[14:]
	ip[0] = 0x45
	binary.BigEndian.PutUint16(ip[2:], 84)
	binary.BigEndian.PutUint16(ip[4:], uint16(seq))
	ip[8], ip[9] = ttl, 1
	copy(ip[12:], src[:])
	copy(ip[16:], dst[:])
	ip[20] = kind
	binary.BigEndian.PutUint16(ip[24:], 7)
	binary.BigEndian.PutUint16(ip[26:], uint16(seq))
	return packets.Packet{Time: at, Length: 98, Data: b}
}

// who is an ARP request.
func who(at int64) packets.Packet {
	b := []byte{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x16, 0x3e, 0x0a, 0x11, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
		0xfa, 0x16, 0x3e, 0x0a, 0x11, 1, 10, 20, 0, 11, 0, 0, 0, 0, 0, 0, 10, 20, 0, 1,
	}
	return packets.Packet{Time: at, Length: uint32(len(b)), Data: b}
}

// triage is what the drawing of the workspace shows: two captures and a ping
// between the same two servers, with a few packets lost.
func triage(t testing.TB, c *clock) (s *screen, at1, at2, ping *feed.Feed) {
	t.Helper()
	c.t = start
	capture := feed.About{Title: "capture", Device: "tap8f2c1f6e-0c", Host: "cmp1", Filter: "icmp or arp", Shape: feed.Packets}
	at1 = newFeed(t, c, capture, feed.Options{})
	capture.Device, capture.Host = "tap31aa90c4-1e", "cmp2"
	at2 = newFeed(t, c, capture, feed.Options{})
	ping = newFeed(t, c, feed.About{
		Title: "ping", Target: "web-1 → db-2", Host: "net0", Netns: "qdhcp-4a1e91c2", Series: "rtt", Unit: "ms",
	}, feed.Options{})
	back := 0
	for i := range 40 {
		n := i * 200
		at1.Packet(echo(ms(n), web, db, 8, i, 64))
		if i%7 == 3 {
			ping.Line(ms(n), feed.Bad, fmt.Sprintf("no answer yet for icmp_seq %d", i))
			ping.Sample(feed.Sample{Time: ms(n), Lost: true})
		} else {
			back++
			at2.Packet(echo(ms(n+3), web, db, 8, i, 64))
			at2.Packet(echo(ms(n+4), db, web, 0, i, 64))
			at1.Packet(echo(ms(n+5), db, web, 0, i, 64))
			rtt := 0.6 + float64(i%5)/7
			ping.Line(ms(n), feed.Plain, fmt.Sprintf("64 bytes from 10.20.0.22: icmp_seq=%d ttl=64 time=%.2f ms", i, rtt))
			ping.Sample(feed.Sample{Time: ms(n), Value: rtt})
		}
		if i == 36 {
			at1.Packet(who(ms(n + 86)))
			at2.Packet(who(ms(n + 87)))
		}
		c.advance(200 * time.Millisecond)
	}
	ping.SetStatus(feed.Bad, fmt.Sprintf("40 sent, %d back, %d %% lost", back, 100*(40-back)/40))
	s = newScreen(t, c, 160, 41)
	s.Add(newRun(at1, at2))
	s.Add(newRun(ping))
	return s, at1, at2, ping
}
