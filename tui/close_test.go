package tui_test

import (
	"testing"

	"steth/tui"
	"steth/tui/tuitest"
)

// captured is a workspace whose only capture has ended with 20 packets.
func captured(t *testing.T) *tuitest.Driver {
	t.Helper()
	d := loaded(t, tuitest.New(0), 120, 35, tui.Options{})
	onPort(d)
	d.Press("c")
	d.UntilText("enter runs")
	d.UntilText("tap8f2c1f6e-0c")
	d.Press("enter")
	d.UntilText("ICMP echo request")
	d.Press("ctrl+c")
	d.UntilText("20 packets passed tap8f2c1f6e-0c")
	return d
}

func TestUnsavedPacketsAreNotThrownAwayUnasked(t *testing.T) {
	d := captured(t)
	d.Press("q")
	d.UntilText("Close this workspace?")
	d.UntilText("20 packets were not saved")
	d.Press("n", ":")
	d.Type("q")
	d.Press("enter")
	d.UntilText("Leave Steth?")
	d.UntilText("20 packets were not saved")
	d.Press("n")
	if d.Quit() {
		t.Fatal("n left the console")
	}
	d.Press("W")
	d.UntilText("saved steth-1.pcapng")
	d.Press("q") // nothing is lost any more
	d.UntilGone("tap8f2c1f6e-0c on cmp1")
	d.UntilText("Ports 14")
}
