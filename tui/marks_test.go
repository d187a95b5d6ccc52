package tui_test

import (
	"slices"
	"testing"

	"steth/tui"
	"steth/tui/tuitest"
)

// TestACaptureOnEachThatIsMarked: each run gets the device of its own port, and
// what was typed for all.
func TestACaptureOnEachThatIsMarked(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 160, 45, tui.Options{})
	onPort(d)
	d.Press("space", "space") // web-1, web-2
	d.UntilText("* 2 marked")
	d.Press("g", "c")
	d.UntilText("web-1 +1")
	d.UntilText("tap8f2c1f6e-0c")
	d.Press("tab", "tab")
	d.Type("icmp")
	d.Press("enter")
	d.Until("two runs", func() bool { return len(b.Runs()) == 2 })
	var got []string
	for _, r := range b.Runs() {
		got = append(got, r.Target().Name+" "+r.Args()["host"]+" "+r.Args()["device"]+" "+r.Args()["filter"])
	}
	slices.Sort(got)
	if want := []string{"web-1 cmp1 tap8f2c1f6e-0c icmp", "web-2 cmp2 tap8f2c1f6f-0c icmp"}; !slices.Equal(got, want) {
		t.Errorf("the runs are %q, want %q", got, want)
	}
	d.UntilText("web-1 ↔ web-2")
	d.Press("[", "esc")
	d.UntilGone("marked")
}

func TestTooManyMarksBeginNothing(t *testing.T) {
	b := tuitest.New(0)
	d := loaded(t, b, 120, 35, tui.Options{})
	d.Press("esc", "space", "space", "space", "space", "space", "space", "space")
	d.UntilText("7 marked")
	d.Press("p")
	d.UntilText("7 are marked, and at most 6 probes begin at once")
	d.Press("esc", "p")
	d.UntilText("type to filter")
}
