package tui_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"steth/tui"
	"steth/tui/tuitest"
)

// TestARefusalDoesNotOutliveWhatItSays: a warning about read-only mode is wrong
// as soon as :rw has ended it.
func TestARefusalDoesNotOutliveWhatItSays(t *testing.T) {
	b := tuitest.New(0)
	var later atomic.Int64
	b.Now = func() time.Time { return tuitest.Noon.Add(time.Duration(later.Load())) }
	d := loaded(t, b, 120, 35, tui.Options{})
	d.Press("esc", "p")
	d.Type("bw")
	d.Press("enter")
	d.UntilText("console is read-only")
	d.Press(":")
	d.Type("rw")
	d.Press("enter")
	d.UntilText("read-write: probes may now")
	later.Store(int64(time.Minute))
	d.UntilGone("read-write: probes may now")
	if s := d.Screen(); strings.Contains(s, "console is read-only") {
		t.Errorf("what no longer holds came back:\n%s", s)
	}
}

// TestNoHintOfWhatWasRefused: a viewer is not told to press :rw again.
func TestNoHintOfWhatWasRefused(t *testing.T) {
	b := tuitest.New(0)
	b.Refuse(errors.New("the role viewer changes nothing"))
	d := loaded(t, b, 160, 35, tui.Options{})
	d.Press("esc", ":")
	d.Type("rw")
	d.Press("enter")
	d.UntilText("the role viewer changes nothing")
	d.Press("p")
	d.Type("bw")
	d.Press("enter")
	d.UntilText("console is read-only: the role viewer changes nothing")
	if s := d.Screen(); strings.Contains(s, "unlocks it") {
		t.Errorf("the hint does not help:\n%s", s)
	}
}

func TestATypoIsSaidBriefly(t *testing.T) {
	b := tuitest.New(0)
	var later atomic.Int64
	b.Now = func() time.Time { return tuitest.Noon.Add(time.Duration(later.Load())) }
	d := loaded(t, b, 120, 35, tui.Options{})
	for _, c := range []struct{ line, answer string }{
		{"nonsense", `there is no command "nonsense"`},
		{"probe nosuch", `no probe called "nosuch"`},
		{"theme purple", "purple"},
	} {
		d.Press("esc", ":")
		d.Type(c.line)
		d.Press("enter")
		d.UntilText(c.answer)
		later.Add(int64(time.Minute))
		d.UntilGone(c.answer)
	}
}

func TestAKeyThatDoesNothingSaysSo(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	d.Press("esc", "z")
	d.UntilText("z does nothing here  → ? shows what does")
	d.Press("d", "z")
	d.UntilText("z does nothing here")
	d.Press("esc", ":")
	d.Type("log")
	d.Press("enter")
	d.UntilText("nothing was said yet") // such words are not kept
}

// TestHintsOfAFailureAreTrueInFind: the console begins with the cursor in find,
// where letters are text.
func TestHintsOfAFailureAreTrueInFind(t *testing.T) {
	b := tuitest.New(0)
	b.Fail(refused{errors.New("Keystone refused the password of ops")})
	d := tuitest.Start(t, b, 120, 35, tui.Options{})
	d.UntilText("→ esc R asks again")
	d.UntilText("backspace when read")
	d.Type("10.2")
	d.UntilText("esc backspace when read")
	d.Press("ctrl+u", "backspace")
	d.UntilGone("→ esc R asks again")
	b.Fail(nil)
	d.Press("esc", "R")
	d.UntilText("Ports 14")
}
