package tui_test

import (
	"sync/atomic"
	"testing"
	"time"

	"steth/tui"
	"steth/tui/tuitest"
)

func TestAgesMoveOn(t *testing.T) {
	b := tuitest.New(0)
	var later atomic.Int64
	b.Now = func() time.Time { return tuitest.Noon.Add(time.Duration(later.Load())) }
	d := loaded(t, b, 160, 45, tui.Options{})
	onPort(d)
	d.Press("p")
	d.Type("mtu")
	d.Press("enter")
	d.UntilText("1 finding")
	d.Press("[")
	d.UntilText("mtu.path, 0 s ago")
	later.Store(int64(30 * time.Second))
	d.UntilText("mtu.path, 30 s ago")
}

func TestJumpThereAndBack(t *testing.T) {
	for _, back := range []string{"esc", "-"} {
		t.Run(back, func(t *testing.T) {
			d := loaded(t, tuitest.New(0), 160, 45, tui.Options{})
			d.Press("esc", ":")
			d.Type("networks green")
			d.Press("enter", "enter")
			d.UntilText("of network green")
			d.Press("j")
			d.UntilText("▌dhcp")
			for _, hop := range []string{"subnet", "network"} {
				d.Press("J")
				d.UntilText("related to")
				d.Type(hop)
				d.Press("enter")
			}
			d.UntilText("▌green ")
			d.UntilText("from green-v4  esc")
			d.Press(back)
			d.UntilText("▌green-v4")
			d.Press(back)
			d.UntilText("of network green")
			d.UntilText("▌dhcp")
		})
	}
}

func TestADescribedObjectTakesTheKeysOfOne(t *testing.T) {
	d := loaded(t, tuitest.New(0), 160, 45, tui.Options{})
	onPort(d)
	describe := func() {
		d.Press("enter")
		d.UntilText("port web-1")
		d.UntilText("p probe   c capture   t path   J related")
	}
	describe()
	d.Press("J")
	d.UntilText("related to web-1")
	d.Press("esc", "y")
	d.UntilText("web-1 JSON")
	d.Press("esc", "p")
	d.UntilText("probe  web-1")
	d.Press("esc", "c")
	d.UntilText("tap8f2c1f6e-0c")
	d.Press("enter")
	d.UntilText("ICMP echo request")
	d.Press("ctrl+c", "[")
	describe()
	d.Press(".")
	d.UntilText("ICMP echo request")
}

func TestAgesOfADescriptionMoveOn(t *testing.T) {
	b := tuitest.New(0)
	var later atomic.Int64
	b.Now = func() time.Time { return tuitest.Noon.Add(time.Duration(later.Load())) }
	d := loaded(t, b, 160, 45, tui.Options{})
	onPort(d)
	d.Press("p")
	d.Type("mtu")
	d.Press("enter")
	d.UntilText("1 finding")
	d.Press("[", "enter")
	d.UntilText("mtu.path, 0 s ago")
	later.Store(int64(30 * time.Second))
	d.UntilText("mtu.path, 30 s ago")
}
