package evidence

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"steth/feed"
	"steth/packets"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newFeed(t *testing.T, a feed.About) *feed.Feed {
	t.Helper()
	f, err := feed.New(a, feed.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestPacketsOfTwoFeedsAreMergedByTime(t *testing.T) {
	one := newFeed(t, feed.About{Host: "cmp1", Device: "tap1", Shape: feed.Packets})
	two := newFeed(t, feed.About{Host: "cmp2", Netns: "qdhcp-1", Device: "tap2", Shape: feed.Packets})
	const each = 1500 // more than two batches
	for i := range each {
		one.Packet(packets.Packet{Time: int64(2 * i), Length: 60, Data: make([]byte, 60)})
		two.Packet(packets.Packet{Time: int64(2*i + 1), Length: 60, VLAN: 5, TPID: 0x8100, Data: make([]byte, 60)})
	}
	path, err := Save(t.Context(), filepath.Join(t.TempDir(), "out"), []*feed.Feed{one, two})
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) != ".pcapng" {
		t.Errorf("path is %s", path)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := packets.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; ; n++ {
		var p packets.Packet
		i, err := r.Next(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if i != n%2 || p.Time != int64(n) {
			t.Fatalf("packet %d is of interface %d at %d", n, i, p.Time)
		}
	}
	if n != 2*each {
		t.Errorf("%d packets, want %d", n, 2*each)
	}
	if ifs := r.Interfaces(); len(ifs) != 2 || ifs[1].Device != "tap2" || ifs[1].Host != "cmp2" {
		t.Errorf("interfaces are %+v", ifs)
	}
}

func TestLinesAndExistingFiles(t *testing.T) {
	f := newFeed(t, feed.About{Title: "ping", Target: "10.0.0.5", Host: "cmp1"})
	f.Line(1, feed.Plain, "64 bytes from 10.0.0.5")
	base := filepath.Join(t.TempDir(), "out")
	var paths []string
	for range 2 {
		path, err := Save(t.Context(), base, []*feed.Feed{f})
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	if paths[0] != base+".txt" || paths[1] != base+"-2.txt" {
		t.Errorf("paths are %v", paths)
	}
	text, err := os.ReadFile(paths[1])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "64 bytes from 10.0.0.5") || !strings.Contains(string(text), "1970-01-01T00:00:00.000000Z") {
		t.Errorf("file holds %q", text)
	}
}

func TestNothingToSave(t *testing.T) {
	if path, err := Save(t.Context(), filepath.Join(t.TempDir(), "out"), nil); err == nil {
		t.Errorf("saved nothing to %s", path)
	}
}
