package tui_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steth/evidence"
	"steth/feed"
	"steth/packets"
	"steth/probes"
	"steth/probes/follow"
	"steth/probes/follow/followtest"
	"steth/tui"
	"steth/tui/tuitest"
)

// recording is a session that was followed, saved and opened again.
func recording(t *testing.T) (*follow.Session, *evidence.Path) {
	t.Helper()
	cloud := tuitest.Cloud()
	const from, to = "8f2c1f6e-0c1d-4b67-9d00-000000000001", "8f2c1f6f-0c1d-4b67-9d00-000000000002"
	path, err := cloud.PathBetween(from, to)
	if err != nil {
		t.Fatal(err)
	}
	hosts := hosts()
	hosts.Script = lossy()
	for _, d := range onPath { // each is sure to have seen everything until now
		hosts.Script = append(hosts.Script, followtest.Event{Host: d.host, Device: d.device, At: tuitest.Noon})
	}
	env := probes.Env{Agents: hosts, Spool: feed.Options{Dir: t.TempDir()}, Now: func() time.Time { return tuitest.Noon }}
	live, err := follow.Start(t.Context(), env, follow.Plan{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for end := time.Now().Add(20 * time.Second); hosts.Open() < len(onPath) || !hosts.Told(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the script is not told")
		}
	}
	live.Stop()
	<-live.Done()
	file, err := evidence.SavePath(t.Context(), filepath.Join(t.TempDir(), "saved"), live, cloud)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := evidence.OpenPath(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { saved.Close() })
	s, err := follow.Replay(t.Context(), probes.Env{Spool: feed.Options{Dir: t.TempDir()}}, saved.Recording, saved)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, saved
}

// TestRecordedPath begins with a path that was saved: all of it shows, what
// needs the network says why it can't be done, and nothing of it is unsaved.
func TestRecordedPath(t *testing.T) {
	s, saved := recording(t)
	b := tuitest.New(0)
	b.Cloud, b.First = saved.Inventory, saved.Inventory
	b.Record(tuitest.Noon)
	d := tuitest.Start(t, b, 160, 45, tui.Options{Path: s, NoLoad: true, DialAll: -1})
	d.UntilText("RECORDED 2026-11-22 12:04")
	d.UntilText("■ recorded 2026-11-22 12:04")
	screen := d.Screen()
	for _, does := range []string{"i inject", "f follow", "t goal", "follow again"} {
		if strings.Contains(screen, does) {
			t.Errorf("the bar offers %q of a recording:\n%s", does, screen)
		}
	}
	d.UntilText("3 of 12 lost between 7 eth1 on cmp1 and 9 eth1 on cmp2, all longer than 98 bytes; replies 9 of 9")
	d.UntilText("lost 7 to 9")
	d.Fits(160, 45)

	d.Press("R")
	d.UntilText("this was recorded: there is nothing to follow again")
	d.Press("t")
	d.UntilText("this was recorded: its path is what it is")

	d.Press("|") // the captures around the loss
	d.UntilText("hops 7, 9")
	d.UntilText("1 eth1 on cmp1")
	d.Press("X") // a pane of what is in a file closes unasked
	d.UntilGone("1 eth1 on cmp1")
	d.Press("q")
	d.UntilText("lost 7 to 9")

	d.Press("q") // leaving the path shows what else was recorded, and it stays
	d.UntilText("some are missing: only the ports on the path were recorded")
	d.UntilText("path web-1")
	d.Press("down", "]")
	d.UntilText("lost 7 to 9")
	d.Press("ctrl+c")
	if d.UntilText("Leave Steth?"); strings.Contains(d.Screen(), "not saved") {
		t.Error("what is in a file is said not to be saved")
	}
}

// TestRecordedCaptures begins with captures that are no path.
func TestRecordedCaptures(t *testing.T) {
	var list []*feed.Feed
	for _, device := range []string{"eth0", "eth1"} {
		f, err := feed.New(feed.About{Title: "capture", Target: "x.pcapng", Device: device, Shape: feed.Packets}, feed.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.Packet(packets.Packet{Time: tuitest.Noon.UnixNano(), Length: 60, Data: make([]byte, 60)})
		f.End("")
		list = append(list, f)
	}
	b := tuitest.New(0)
	b.Record(tuitest.Noon)
	d := tuitest.Start(t, b, 120, 35, tui.Options{Captures: list, Notes: []string{"Half of it is not shown."}, NoLoad: true, DialAll: -1})
	d.UntilText("RECORDED 2026-11-22 12:04")
	d.UntilText("1 eth0")
	d.UntilText("2 eth1")
	d.UntilText("time-lock on")
	d.UntilText("Half of it is not shown.")
	d.Press("q")
	d.UntilGone("1 eth0") // unasked
}
