package tui_test

import (
	"strings"
	"testing"

	"steth/tui"
	"steth/tui/tuitest"
)

// capture begins a capture on what is selected.
func capture(d *tuitest.Driver) {
	d.Press("c")
	d.UntilText("enter runs")
	d.UntilText("filter")
	d.Press("enter")
	d.UntilGone("enter runs")
}

func TestPasteInAWorkspaceIsLookedFor(t *testing.T) {
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	onPort(d)
	capture(d)
	d.UntilText("ICMP echo request")
	d.Paste("10.20.0.22\n")
	d.UntilText("▌db-2")
	d.Press("d")
	d.UntilText("port db-2")
	d.Paste("10.20.0.12")
	d.UntilText("find ▸ 10.20.0.12")
	d.Press("ctrl+u", "esc", "-", "/")
	d.Paste("seq 50") // a prompt of the pane keeps what is pasted into it
	d.UntilText("/ seq 50")
}

func TestATabIsNamedByWhatWasProbedInIt(t *testing.T) {
	d := loaded(t, tuitest.New(0), 160, 35, tui.Options{})
	tab := func() string { return strings.Split(d.Screen(), "\n")[1] }
	for _, c := range []struct{ find, want string }{
		{"10.20.0.11", "explorer    web-1 ▶"},
		{"10.20.0.11", "explorer    web-1 ▶"},
		{"10.20.0.22", "explorer    web-1 ↔ db-2 ▶"},
		{"10.20.0.12", "explorer    web-1 +2 ▶"},
	} {
		d.Press(":")
		d.Type("find " + c.find)
		d.Press("enter")
		d.UntilText("▌")
		capture(d)
		d.Until(c.want, func() bool { return strings.Contains(tab(), c.want) })
	}
}

func TestTheBarTellsTheTimeLock(t *testing.T) {
	d := loaded(t, tuitest.New(0), 160, 35, tui.Options{})
	onPort(d)
	capture(d)
	d.UntilText("ICMP echo request")
	d.UntilText("T time-lock o")
	was, now := "time-lock on", "time-lock off"
	if strings.Contains(d.Screen(), now) {
		was, now = now, was
	}
	d.Press("T")
	d.UntilText(now)
	d.Press("T")
	d.UntilText(was)
}
