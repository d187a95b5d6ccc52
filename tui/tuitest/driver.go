package tuitest

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"steth/tui"
)

// patience is how long Until waits for what must come.
const patience = 10 * time.Second

// Driver runs an App as Bubble Tea would: messages one after the other,
// commands beside them. It is used from the test's goroutine alone.
type Driver struct {
	App *tui.App

	t        testing.TB
	messages chan tea.Msg
	stop     chan struct{}
	work     sync.WaitGroup
	busy     atomic.Int64 // commands at work, those that only wait for a time not counted
	quit     bool
	raw      []string // what was written past the screen: the clipboard
}

// Start makes an App over b on a screen of width by height and runs it until
// the test ends.
func Start(t testing.TB, b *Backend, width, height int, opt tui.Options) *Driver {
	t.Helper()
	if opt.Now == nil {
		opt.Now = b.Now
	}
	if opt.Getenv == nil {
		opt.Getenv = func(string) string { return "" }
	}
	d := &Driver{t: t, messages: make(chan tea.Msg, 64), stop: make(chan struct{})}
	opt.Tick = d.tick
	d.App = tui.New(b.ctx, b, opt)
	t.Cleanup(func() {
		b.end()
		close(d.stop)
		d.work.Wait()
		b.Close()
	})
	d.do(d.App.Init())
	d.Send(tea.WindowSizeMsg{Width: width, Height: height})
	return d
}

// do runs a command beside the App.
func (d *Driver) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	d.work.Add(1)
	d.busy.Add(1)
	go func() {
		defer d.work.Done()
		defer d.busy.Add(-1)
		msg := cmd()
		if msg == nil {
			return
		}
		select {
		case d.messages <- msg:
		case <-d.stop:
		}
	}()
}

// tick is tea.Tick, except that it ends with the test.
func (d *Driver) tick(pause time.Duration, say func(time.Time) tea.Msg) tea.Cmd {
	return func() tea.Msg {
		d.busy.Add(-1)
		defer d.busy.Add(1)
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case t := <-timer.C:
			return say(t)
		case <-d.stop:
			return nil
		}
	}
}

// Send gives the App a message and waits for nothing.
func (d *Driver) Send(msg tea.Msg) {
	switch msg := msg.(type) {
	case tea.QuitMsg:
		d.quit = true
		return
	case tea.RawMsg:
		if s, ok := msg.Msg.(string); ok {
			d.raw = append(d.raw, s)
		}
		return
	case tea.BatchMsg:
		for _, c := range msg {
			d.do(c)
		}
		return
	}
	_, cmd := d.App.Update(msg)
	d.do(cmd)
}

// Quit tells whether the App asked to end.
func (d *Driver) Quit() bool { return d.quit }

// Raw is what was written to the terminal past the screen.
func (d *Driver) Raw() string { return strings.Join(d.raw, "") }

// Press presses keys, named as Bubble Tea names them: "enter", "ctrl+c", "j", "?".
func (d *Driver) Press(strokes ...string) {
	d.t.Helper()
	for _, s := range strokes {
		d.Send(key(s))
		d.settle()
	}
}

// Type types text, a key for each rune.
func (d *Driver) Type(text string) {
	d.t.Helper()
	for _, r := range text {
		d.Send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
	d.settle()
}

// Paste pastes text as a terminal with bracketed paste does.
func (d *Driver) Paste(text string) { d.Send(tea.PasteMsg{Content: text}) }

// Resize changes the size of the screen.
func (d *Driver) Resize(width, height int) {
	d.Send(tea.WindowSizeMsg{Width: width, Height: height})
}

// Click presses the left button of the mouse in a cell.
func (d *Driver) Click(x, y int) {
	d.Send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
	d.Send(tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft})
	d.settle()
}

// settle lets what a key set off come to its end, unless that takes long: a
// backend that does not answer.
func (d *Driver) settle() {
	const long = 100 * time.Millisecond
	late := time.NewTimer(long)
	defer late.Stop()
	for {
		idle := d.busy.Load() == 0
		select {
		case msg := <-d.messages:
			d.Send(msg)
			continue
		default:
		}
		if idle {
			return
		}
		select {
		case msg := <-d.messages:
			d.Send(msg)
		case <-time.After(time.Millisecond):
		case <-late.C:
			return
		}
	}
}

// Until takes messages until condition holds, and fails the test with the
// screen when it never does.
func (d *Driver) Until(what string, condition func() bool) {
	d.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !condition() {
		select {
		case msg := <-d.messages:
			d.Send(msg)
		case <-late.C:
			d.t.Fatalf("never came: %s; the screen:\n%s", what, d.Screen())
		}
	}
}

// UntilText waits for text on the screen.
func (d *Driver) UntilText(text string) {
	d.t.Helper()
	d.Until(text, func() bool { return strings.Contains(d.Screen(), text) })
}

// UntilGone waits until text is no longer on the screen.
func (d *Driver) UntilGone(text string) {
	d.t.Helper()
	d.Until("the end of "+text, func() bool { return !strings.Contains(d.Screen(), text) })
}

// View is the screen as it is written, colours and all.
func (d *Driver) View() tea.View { return d.App.View() }

// Screen is the text on the screen, without colours and trailing blanks.
func (d *Driver) Screen() string {
	lines := strings.Split(strings.ReplaceAll(ansi.Strip(d.View().Content), "\u00a0", " "), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// Fits fails the test where the screen has too many lines, or one that is too
// wide, or anything but text and colours.
func (d *Driver) Fits(width, height int) {
	d.t.Helper()
	lines := strings.Split(d.View().Content, "\n")
	if len(lines) > height {
		d.t.Errorf("%d lines on a screen of %d", len(lines), height)
	}
	for i, l := range lines {
		if w := max(ansi.StringWidth(l), ansi.StringWidthWc(l)); w > width {
			d.t.Errorf("line %d takes %d columns of %d: %q", i, w, width, l)
		}
		if bad := hostile(l); bad != "" {
			d.t.Errorf("line %d holds %q: %q", i, bad, l)
		}
	}
}

// hostile finds what a page must never write: control characters, and escape
// sequences other than colours.
func hostile(line string) string {
	for line != "" {
		i := strings.IndexFunc(line, func(r rune) bool {
			return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfffd
		})
		if i < 0 {
			return ""
		}
		rest := line[i:]
		if !strings.HasPrefix(rest, "\x1b[") {
			return rest[:1]
		}
		end := strings.IndexFunc(rest[2:], func(r rune) bool { return (r < '0' || r > '9') && r != ';' && r != ':' })
		if end < 0 || rest[2+end] != 'm' {
			return rest[:2]
		}
		line = rest[3+end:]
	}
	return ""
}

// key makes the message of a key from its name.
func key(name string) tea.KeyPressMsg {
	var k tea.Key
	for {
		switch {
		case strings.HasPrefix(name, "ctrl+"):
			k.Mod |= tea.ModCtrl
			name = name[5:]
			continue
		case strings.HasPrefix(name, "shift+"):
			k.Mod |= tea.ModShift
			name = name[6:]
			continue
		}
		break
	}
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "space": tea.KeySpace,
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "delete": tea.KeyDelete, "f2": tea.KeyF2,
	}
	if c, ok := codes[name]; ok {
		k.Code = c
		if name == "space" {
			k.Text = " "
		}
		return tea.KeyPressMsg(k)
	}
	r := []rune(name)[0]
	k.Code = r
	if k.Mod == 0 {
		k.Text = name
	}
	return tea.KeyPressMsg(k)
}
