//go:build integration

package tools

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
	"steth/agent/journal"
)

// bridged makes a bridge in the rig's left namespace with a server's tap, whose
// other end is in the right one, and a port towards the world, u0 with u1.
func bridged(t *testing.T) (rig, *Node) {
	t.Helper()
	r := newRig(t)
	sh(t, "ip -n "+r.left+" link add br0 type bridge")
	sh(t, "ip -n "+r.left+" link add tap0 type veth peer name eth0 netns "+r.right)
	sh(t, "ip -n "+r.left+" link add u0 type veth peer name u1 netns "+r.right)
	for _, dev := range []string{"tap0", "u0"} {
		sh(t, "ip -n "+r.left+" link set "+dev+" master br0 up")
	}
	sh(t, "ip -n "+r.left+" link set br0 up")
	for _, dev := range []string{"u1", "eth0"} { // no frame comes in by a device without a carrier
		sh(t, "ip -n "+r.right+" link set "+dev+" up")
	}
	node := testNode()
	j, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	node.Journal = j
	return r, node
}

// probe is a frame of the server behind tap0.
func probe(mark byte) []byte {
	return append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 7, 0x88, 0xb5, mark}, make([]byte, 45)...)
}

// watch captures experimental frames (IEEE 802's local type 0x88b5) on a device
// until the test ends.
func watch(t *testing.T, netns, device string) *memory {
	t.Helper()
	m := newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, t, testNode(), capture(), api.CaptureRequest{Netns: netns, Device: device, Filter: "ether proto 0x88b5"}, m)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	m.until(t, "capture", func() bool { return len(m.events) > 0 })
	return m
}

func scratches(t *testing.T, ns string) (names []string) {
	t.Helper()
	for l := range strings.Lines(sh(t, "ip -n "+ns+" -o link")) {
		name, _, _ := strings.Cut(strings.Fields(l)[1], "@")
		if strings.HasPrefix(name, "sth") || strings.HasPrefix(name, "stp") {
			names = append(names, strings.TrimSuffix(name, ":"))
		}
	}
	return names
}

// TestInjectIn has frames come in by a tap as if its server had sent them: the
// tap receives them and the bridge takes them on. Nothing is left afterwards.
func TestInjectIn(t *testing.T) {
	r, node := bridged(t)
	tap, world := watch(t, r.left, "tap0"), watch(t, r.right, "u1")
	req := api.InjectRequest{
		Netns: r.left, Device: "tap0", Way: api.InjectIn, Count: 5, Interval: 100 * time.Millisecond,
		Frames: [][]byte{probe(1), probe(2)},
	}
	sink := newMemory()
	done := make(chan error, 1)
	go func() { done <- run(t.Context(), t, node, inject(), req, sink) }()
	sink.until(t, "beginning", func() bool { return len(sink.events) > 0 })
	made := scratches(t, r.left)
	if len(made) != 2 {
		t.Fatalf("while frames are sent there are the devices %v, want a pair", made)
	}
	for _, name := range made {
		if strings.HasPrefix(name, "sth") {
			// What other programs send on it is not the server's, and goes nowhere.
			other := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5, 66}, make([]byte, 45)...)
			err := run(t.Context(), t, node, inject(), api.InjectRequest{Netns: r.left, Device: name, Frames: [][]byte{other}, Count: 1, Interval: time.Second}, newMemory())
			if err != nil {
				t.Errorf("somebody else's frame: %v", err)
			}
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	events := eventsOf[api.InjectEvent](sink)
	if len(events) != 2 || events[0].Way != api.InjectRedirect || events[0].Bridge != "br0" || events[1].Sent != 5 {
		t.Errorf("events %+v", events)
	}
	for where, m := range map[string]*memory{"the tap": tap, "the world": world} {
		m.until(t, "5 frames at "+where, func() bool { return len(m.packets) >= 5 })
		for i, p := range m.packets {
			if !bytes.Equal(p.Data, req.Frames[i%2]) || p.Type == 4 {
				t.Errorf("at %s frame %d is % x, type %d", where, i, p.Data, p.Type)
			}
		}
	}
	if left := scratches(t, r.left); len(left) > 0 {
		t.Errorf("there are still the devices %v", left)
	}
	if left := reopen(t, node).Left(); len(left) > 0 {
		t.Errorf("the journal still knows %v", left)
	}
}

// reopen opens the node's journal as the next agent would.
func reopen(t *testing.T, node *Node) *journal.Journal {
	t.Helper()
	dir := node.Journal.Dir()
	if err := node.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	node.Journal = j
	return j
}

// TestInjectCancelled ends a call in the middle.
func TestInjectCancelled(t *testing.T) {
	r, node := bridged(t)
	ctx, cancel := context.WithCancel(t.Context())
	sink := newMemory()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, t, node, inject(), api.InjectRequest{
			Netns: r.left, Device: "tap0", Way: api.InjectRedirect, Count: 1000, Interval: time.Second, Frames: [][]byte{probe(1)},
		}, sink)
	}()
	sink.until(t, "beginning", func() bool { return len(sink.events) > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if left := scratches(t, r.left); len(left) > 0 {
		t.Errorf("there are still the devices %v", left)
	}
}

// TestInjectInRefused has devices that nothing can come in by.
func TestInjectInRefused(t *testing.T) {
	r, node := bridged(t)
	for name, c := range map[string]struct {
		device, way string
		change      func(*Node)
		kind        error
		says        string
	}{
		"without a carrier": {"tap0", api.InjectIn, func(*Node) { sh(t, "ip -n "+r.right+" link set eth0 down") }, ErrUnavailable, "no carrier"},
		"in no bridge":      {"l0", api.InjectRedirect, nil, ErrArgument, "in no bridge"},
		"in no switch":      {"l0", api.InjectIn, nil, ErrArgument, "Open vSwitch"},
		"not there":         {"tap9", api.InjectIn, nil, ErrNotFound, "tap9"},
		"a tunnel":          {"vxlan-5", api.InjectIn, func(*Node) { sh(t, "ip -n "+r.left+" link add vxlan-5 master br0 type vxlan id 5 dev l0 dstport 4789") }, ErrArgument, "no server is behind vxlan-5"},
		"a tap without VM": {"tap1", api.InjectIn, func(*Node) {
			sh(t, "ip -n "+r.left+" tuntap add tap1 mode tap")
			sh(t, "ip -n "+r.left+" link set tap1 up master br0")
		}, ErrUnavailable, "no carrier"},
		"without a journal": {"tap0", api.InjectIn, func(n *Node) { n.Journal = nil }, ErrNotReady, "state:"},
	} {
		t.Run(name, func(t *testing.T) {
			n := *node
			if c.change != nil {
				c.change(&n)
			}
			err := run(t.Context(), t, &n, inject(), api.InjectRequest{
				Netns: r.left, Device: c.device, Way: c.way, Count: 1, Interval: time.Second, Frames: [][]byte{probe(1)},
			}, newMemory())
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if left := scratches(t, r.left); len(left) > 0 {
				t.Errorf("there are the devices %v", left)
			}
		})
	}
}

// TestUndoLeft has an agent die with a scratch device made, with one that was
// noted and not made or removed and not struck out, and with one whose name
// somebody else's device has since.
func TestUndoLeft(t *testing.T) {
	for name, then := range map[string]struct{ gone, taken bool }{"ours": {}, "gone": {gone: true}, "somebody else's": {true, true}} {
		t.Run(name, func(t *testing.T) {
			r, node := bridged(t)
			ns, err := node.netnsByName(r.left)
			if err != nil {
				t.Fatal(err)
			}
			f, err := ns.open()
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			s, err := node.makeScratch(ns, f, 1500)
			if err != nil {
				t.Fatal(err)
			}
			s.netlink.Close()
			if then.gone {
				sh(t, "ip -n "+r.left+" link delete "+s.name)
			}
			if then.taken {
				sh(t, "ip -n "+r.left+" link add "+s.name+" type veth peer name stp9")
			}
			j := reopen(t, node)
			if n := len(j.Left()); n != 1 {
				t.Fatalf("the journal knows %d devices", n)
			}
			UndoLeft(node)
			if left := scratches(t, r.left); then.taken == (len(left) == 0) {
				t.Errorf("there are the devices %v", left)
			}
			if n := len(j.Left()); n != 0 {
				t.Errorf("the journal still knows %d devices", n)
			}
		})
	}
}

// TestUndoWithoutTheNamespace: a namespace that is gone took its devices along.
func TestUndoWithoutTheNamespace(t *testing.T) {
	_, node := bridged(t)
	_, err := node.Journal.Begin(journal.Change{Link: &journal.Link{Netns: "gone", Inode: 1, Name: "sth000000000000", MAC: "02:00:00:00:00:01"}})
	if err != nil {
		t.Fatal(err)
	}
	j := reopen(t, node)
	UndoLeft(node)
	if n := len(j.Left()); n != 0 {
		t.Errorf("the journal still knows %d devices", n)
	}
}
