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
