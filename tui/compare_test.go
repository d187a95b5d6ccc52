package tui_test

import (
	"strings"
	"testing"

	"steth/tui"
)

// TestPacketAtTwoHops opens a lost packet of a path, goes to others and back.
func TestPacketAtTwoHops(t *testing.T) {
	d, _, _ := followed(t, 160, 45, tui.Options{}, lossy()...)
	d.UntilText("3 of 12 lost between 7 eth1 on cmp1 and 9 eth1 on cmp2")
	d.Press("E", "enter")
	d.UntilText("lost after 7, at or before 9")
	d.UntilText("put into VXLAN")
	first := d.Screen()
	if !strings.Contains(first, "seen at 5 of ") || !strings.Contains(first, "tab column") {
		t.Errorf("the screen:\n%s", first)
	}
	d.Fits(160, 45)
	d.Press("E")
	d.Until("another lost packet", func() bool { return d.Screen() != first })
	d.UntilText("lost after 7, at or before 9")
	d.Press("n")
	d.UntilText("✓ delivered")
	d.Press("?")
	d.UntilText("the other column, whose hop left and right change")
	d.Press("esc", "y")
	d.UntilText("copied the comparison")
	for _, size := range [][2]int{{80, 24}, {120, 35}, {200, 60}, {81, 25}} {
		d.Resize(size[0], size[1])
		d.UntilText("seen at")
		d.Fits(size[0], size[1])
	}
	d.Resize(160, 45)
	d.Press("esc")
	d.UntilText("lost here: 3")

	d.Press("|") // and from captures back to the path they are of
	d.UntilText("time-lock on")
	d.Press("esc")
	d.UntilText("lost here: 3")
}
