//go:build integration

package tools

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"steth/agent/api"
	"steth/internal/pktgen"
)

// captured is a running capture of a test.
type captured struct {
	*memory
	done chan error
	stop context.CancelFunc
}

func startCapture(t *testing.T, node *Node, req api.CaptureRequest, sink *memory) captured {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := captured{sink, make(chan error, 1), cancel}
	go func() { c.done <- run(ctx, t, node, capture(), req, sink); sink.notify() }()
	t.Cleanup(cancel)
	var failed error
	sink.until(t, "started capture", func() bool {
		select {
		case failed = <-c.done:
			return true
		default:
			return len(sink.events) > 0
		}
	})
	if failed != nil {
		t.Fatal(failed)
	}
	return c
}

// startTcpdump runs tcpdump beside the capture and returns a function that waits
// until it has enough, ends it and gives its packets.
func startTcpdump(t *testing.T, ns, dev, words string) func(enough func([][]byte) bool) [][]byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tcpdump.pcap")
	args := append([]string{"netns", "exec", ns, "tcpdump", "-Z", "root", "-i", dev, "-n", "-U", "--immediate-mode", "-B", "32768", "-w", file}, strings.Fields(words)...)
	cmd := exec.Command("ip", args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The pcap header is written once it listens.
	waitFor(t, "tcpdump", func() bool { st, err := os.Stat(file); return err == nil && st.Size() >= 24 })
	return func(enough func([][]byte) bool) [][]byte {
		waitFor(t, "enough packets at tcpdump", func() bool { return enough(readPcap(t, file)) })
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Fatalf("tcpdump: %v\n%s", err, complaint.String())
		}
		if !strings.Contains(complaint.String(), "\n0 packets dropped by kernel") {
			t.Fatalf("tcpdump lost packets, so it can't be compared with:\n%s", complaint.String())
		}
		return readPcap(t, file)
	}
}

// waitFor looks again and again until ok says so.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no %s", what)
		}
	}
}

// readPcap reads a classic pcap file, see pcap-savefile(5).
func readPcap(t *testing.T, file string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 {
		t.Fatalf("%s is no pcap file", file)
	}
	var out [][]byte
	for b = b[24:]; len(b) >= 16; {
		n := int(binary.LittleEndian.Uint32(b[8:]))
		if len(b) < 16+n { // still being written
			break
		}
		out = append(out, b[16:16+n])
		b = b[16+n:]
	}
	return out
}

// whole puts the tag that the kernel took off back, as the console does.
func whole(p api.Packet) []byte {
	if p.TPID == 0 {
		return p.Data
	}
	tag := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, p.TPID), p.VLAN)
	return slices.Concat(p.Data[:12], tag, p.Data[12:])
}

// counts makes a multiset.
func counts(packets [][]byte) map[string]int {
	set := map[string]int{}
	for _, p := range packets {
		set[hex.EncodeToString(p)]++
	}
	return set
}

func wholes(m *memory) [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out [][]byte
	for _, p := range m.packets {
		out = append(out, whole(p))
	}
	return out
}

func sameSet(t *testing.T, got, want [][]byte) {
	t.Helper()
	g, w := counts(got), counts(want)
	if maps.Equal(g, w) {
		return
	}
	t.Errorf("%d packets captured, tcpdump has %d", len(got), len(want))
	for p, n := range w {
		if g[p] != n {
			t.Errorf("%d of %d of %.120s", g[p], n, p)
			break
		}
	}
	for p, n := range g {
		if w[p] != n {
			t.Errorf("%d instead of %d of %.120s", n, w[p], p)
			break
		}
	}
}

func TestCaptureEqualsTcpdump(t *testing.T) {
	r := newRig(t)
	r.awaitIPv6(t)
	dump := startTcpdump(t, r.right, "r0", "-s 65512")
	c := startCapture(t, testNode(), api.CaptureRequest{Netns: r.right, Device: "r0", Snap: api.SnapMax}, newMemory())
	// Two frames bound what is compared: the kernel sends packets of IPv6 by
	// itself, also when only one of the two has started.
	first, last := udpFrame(0, 76), udpFrame(0, 77)
	between := func(packets [][]byte) [][]byte {
		i := slices.IndexFunc(packets, func(p []byte) bool { return slices.Equal(p, first) })
		j := slices.IndexFunc(packets, func(p []byte) bool { return slices.Equal(p, last) })
		if i < 0 || j < 0 {
			return nil
		}
		return packets[i : j+1]
	}
	sendOnce(t, r.left, "l0", first)
	for _, line := range []string{
		"ping -q -i 0.002 -c 300 -s 300 10.77.0.2",
		"ping -q -6 -i 0.002 -c 200 fd77::2",
		"ping -q -i 0.01 -c 50 -s 4000 10.77.0.2", // fragments
	} {
		sh(t, "ip netns exec "+r.left+" "+line)
	}
	if _, err := pktgen.Send(t.Context(), pktgen.Load{
		Netns: "/run/netns/" + r.left, Device: "l0", Frame: udpFrame(0, 200), Stamp: 100, Rate: 5000, Count: 1000,
	}); err != nil {
		t.Fatal(err)
	}
	sendOnce(t, r.left, "l0", last)
	want := between(dump(func(p [][]byte) bool { return between(p) != nil }))
	c.until(t, "last frame", func() bool {
		return slices.ContainsFunc(c.packets, func(p api.Packet) bool { return slices.Equal(p.Data, last) })
	})
	if len(want) < 2100 {
		t.Fatalf("only %d packets to compare", len(want))
	}
	sameSet(t, between(wholes(c.memory)), want)
	c.stop()
	if err := <-c.done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for _, e := range eventsOf[api.CaptureEvent](c.memory) {
		if e.Kernel+e.Queue != 0 {
			t.Errorf("drops: %+v", e)
		}
	}
}

// udpFrame is an Ethernet frame to the rig's right side with a UDP datagram of
// size bytes in all; with a VLAN id not 0 it has the tag inside.
func udpFrame(vlan uint16, size int) []byte {
	b := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}
	if vlan != 0 {
		b = append(b, 0x81, 0, byte(vlan>>8), byte(vlan))
	}
	return append(b, ipv4(17, size-len(b)-2)...)
}

// ipv4 is an EtherType and an IPv4 packet of size bytes between the rig's
// sides, port 4000 to 5000.
func ipv4(proto byte, size int) []byte {
	b := make([]byte, 2+size)
	ip := b[2:]
	b[0] = 0x08
	ip[0], ip[8], ip[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(ip[2:], uint16(size))
	copy(ip[12:], []byte{10, 77, 0, 1, 10, 77, 0, 2})
	binary.BigEndian.PutUint16(ip[20:], 4000)
	binary.BigEndian.PutUint16(ip[22:], 5000)
	binary.BigEndian.PutUint16(ip[24:], uint16(size-20))
	return b
}

// TestFilters sends one frame of each kind and compares what each filter keeps,
// at both ends: the kernel takes the tags off what right receives, and they are
// still inside what left sends.
func TestFilters(t *testing.T) {
	r := newRig(t)
	mac := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}
	frame := func(parts ...[]byte) []byte {
		b := slices.Concat(append([][]byte{mac}, parts...)...)
		return append(b, make([]byte, max(0, 60-len(b)))...)
	}
	tag := func(tpid, tci uint16) []byte {
		return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, tpid), tci)
	}
	arp := append([]byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)...)
	frames := map[string][]byte{
		"udp":         frame(ipv4(17, 60)),
		"tcp":         frame(ipv4(6, 60)),
		"arp":         frame(arp),
		"udp 100":     frame(tag(0x8100, 100), ipv4(17, 60)),
		"udp 100 p5":  frame(tag(0x8100, 5<<13|100), ipv4(17, 61)),
		"tcp 100":     frame(tag(0x8100, 100), ipv4(6, 60)),
		"arp 100":     frame(tag(0x8100, 100), arp),
		"udp 200":     frame(tag(0x8100, 200), ipv4(17, 60)),
		"udp ad7.100": frame(tag(0x88a8, 7), tag(0x8100, 100), ipv4(17, 60)),
	}
	name := map[string]string{}
	for n, f := range frames {
		name[hex.EncodeToString(f)] = n
	}
	tests := []struct {
		text string
		vlan int
		want []string
		// loose: with a tag taken off tcpdump reads the packet without it and
		// so differs from itself with the tag inside. We don't.
		loose bool
	}{
		{text: "", want: slices.Collect(maps.Keys(frames))},
		{text: "udp", want: []string{"udp", "udp 100", "udp 100 p5", "udp 200", "udp ad7.100"}},
		{text: "not udp", want: []string{"tcp", "arp", "tcp 100", "arp 100"}},
		{text: "udp port 5000 and host 10.77.0.2", want: []string{"udp", "udp 100", "udp 100 p5", "udp 200", "udp ad7.100"}},
		{text: "arp", want: []string{"arp", "arp 100"}},
		{text: "vlan", want: []string{"udp 100", "udp 100 p5", "tcp 100", "arp 100", "udp 200", "udp ad7.100"}},
		{text: "vlan 100", want: []string{"udp 100", "udp 100 p5", "tcp 100", "arp 100"}},
		{text: "vlan 100 and udp", want: []string{"udp 100", "udp 100 p5"}},
		{text: "udp or vlan 200", want: []string{"udp", "udp 200"}, loose: true},
		{text: "not vlan", want: []string{"udp", "tcp", "arp"}},
		{text: "vlan 7 and vlan 100 and udp", want: []string{"udp ad7.100"}},
		{text: "vlan and ether[14] >> 5 = 5", want: []string{"udp 100 p5"}, loose: true},
		{text: "greater 78 and vlan", want: []string{"udp 100", "udp 100 p5", "tcp 100", "udp 200", "udp ad7.100"}, loose: true},
		{vlan: 100, want: []string{"udp 100", "udp 100 p5", "tcp 100", "arp 100"}},
		{text: "tcp", vlan: 100, want: []string{"tcp 100"}},
		{text: "not tcp", vlan: 100, want: []string{"udp 100", "udp 100 p5", "arp 100"}},
		{text: "vlan 100", vlan: 7, want: []string{"udp ad7.100"}},
		{text: "udp", vlan: 7, want: []string{"udp ad7.100"}},
	}
	ends := map[string]struct{ netns, device string }{
		"tag inside":    {r.left, "l0"},
		"tag taken off": {r.right, "r0"},
	}
	node := testNode()
	node.Ring = Ring{Bytes: 1 << 20, Block: 128 << 10}
	for end, at := range ends {
		t.Run(end, func(t *testing.T) {
			captures := make([]captured, len(tests))
			dumps := make([]func(func([][]byte) bool) [][]byte, len(tests))
			for i, tt := range tests {
				captures[i] = startCapture(t, node, api.CaptureRequest{Netns: at.netns, Device: at.device, Filter: tt.text, VLAN: tt.vlan, Snap: 1500}, newMemory())
				// Words that name no VLAN mean another thing to tcpdump.
				if namesVLAN(tt.text) && tt.vlan == 0 && (!tt.loose || end == "tag inside") {
					dumps[i] = startTcpdump(t, at.netns, at.device, tt.text)
				}
			}
			for _, n := range slices.Sorted(maps.Keys(frames)) {
				sendOnce(t, r.left, "l0", frames[n])
			}
			for i, tt := range tests {
				what := fmt.Sprintf("%q, vlan %d", tt.text, tt.vlan)
				want := slices.Sorted(slices.Values(tt.want))
				c := captures[i]
				// The counters of one event agree with what came: nothing is on its way.
				c.until(t, what+": "+strings.Join(want, ", "), func() bool {
					last := c.events[len(c.events)-1].(api.CaptureEvent)
					return len(c.packets) >= len(want) && last.Sent == last.Seen && last.Sent == uint64(len(c.packets))
				})
				c.stop()
				<-c.done
				if got := names(name, wholes(c.memory)); !slices.Equal(got, want) {
					t.Errorf("%s: kept %q, want %q", what, got, want)
				}
				if dumps[i] == nil {
					continue
				}
				theirs := dumps[i](func(p [][]byte) bool { return len(names(name, p)) >= len(want) })
				if got := names(name, theirs); !slices.Equal(got, want) {
					t.Errorf("%s: tcpdump keeps %q, want %q", what, got, want)
				}
			}
		})
	}
}

// names gives the sorted names of those frames that the test sent.
func names(name map[string]string, packets [][]byte) []string {
	var out []string
	for _, p := range packets {
		if n, ok := name[hex.EncodeToString(p)]; ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func sendOnce(t *testing.T, ns, dev string, frame []byte) {
	t.Helper()
	sink := newMemory()
	err := run(t.Context(), t, testNode(), inject(), api.InjectRequest{Netns: ns, Device: dev, Frames: [][]byte{frame}, Count: 1, Interval: time.Millisecond}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if e := eventsOf[api.InjectEvent](sink); len(e) != 2 || e[1].Sent != 1 || e[1].Time == 0 {
		t.Fatalf("inject's events: %+v", e)
	}
}

func TestCaptureBadFilter(t *testing.T) {
	r := newRig(t)
	for _, text := range []string{"icmp or", "host no-such-name", "-i lo", "tcp and udp"} {
		err := run(t.Context(), t, testNode(), capture(), api.CaptureRequest{Netns: r.left, Device: "l0", Filter: text}, newMemory())
		if !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", text, err)
		}
	}
	err := run(t.Context(), t, testNode(), capture(), api.CaptureRequest{Netns: r.left, Device: "nope"}, newMemory())
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// TestCaptureWithoutNobody compiles a filter the other way: in a user namespace
// that has no user but 0, as a rootless lab is.
func TestCompileWithoutNobody(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("STETH_TEST_INSIDE") == "" {
		cmd := exec.Command("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--mount-proc",
			self, "-test.run", "^TestCompileWithoutNobody$", "-test.v")
		cmd.Env = append(os.Environ(), "STETH_TEST_INSIDE=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "compiled without nobody") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if (command{confined: true}).credential() != nil {
		t.Fatal("there is a nobody here")
	}
	prog, err := filter{text: "icmp", dlt: dltEthernet, snap: 128}.compile(t.Context())
	if err != nil || len(prog) < 5 {
		t.Fatalf("%v\n%v", prog, err)
	}
	out := ""
	if _, err := (command{program: "grep", args: []string{"CapEff", "/proc/self/status"}, confined: true, isolated: true}).run(t.Context(), func(l line) error {
		out += l.text
		return nil
	}); err != nil || !strings.HasSuffix(out, "0000000000000000") {
		t.Fatalf("capabilities of a confined program: %q, %v", out, err)
	}
	t.Log("compiled without nobody")
}

func TestCaptureCountsDrops(t *testing.T) {
	r := newRig(t)
	sink := newMemory()
	sink.slow = make(chan struct{})
	node := testNode()
	c := startCapture(t, node, api.CaptureRequest{Netns: r.right, Device: "r0", Filter: "udp port 5000", Snap: 1500}, sink)
	const packets = 20_000 // of 1,000 bytes: more than the queue holds
	if _, err := pktgen.Send(t.Context(), pktgen.Load{
		Netns: "/run/netns/" + r.left, Device: "l0", Frame: udpFrame(0, 1000), Stamp: 100, Rate: 20_000, Count: packets,
	}); err != nil {
		t.Fatal(err)
	}
	close(sink.slow)
	last := func() (e api.CaptureEvent) {
		for _, v := range sink.events {
			e = v.(api.CaptureEvent)
		}
		return e
	}
	c.until(t, "account of every packet", func() bool { return last().Seen == packets && last().Sent+last().Queue == packets })
	c.stop()
	<-c.done
	end := last()
	if end.Queue == 0 || end.Kernel != 0 || int(end.Sent) != len(sink.packets) || sink.dropped != end.Queue {
		t.Errorf("%+v, %d packets came, %d dropped", end, len(sink.packets), sink.dropped)
	}
}

func TestCaptureCountsKernelDrops(t *testing.T) {
	r := newRig(t)
	node := testNode()
	node.Ring = Ring{Bytes: 256 << 10, Block: 128 << 10}
	sink := newMemory()
	c := startCapture(t, node, api.CaptureRequest{Netns: r.right, Device: "r0", Snap: 1500, Filter: "udp port 5000"}, sink)
	sent, err := pktgen.Send(t.Context(), pktgen.Load{
		Netns: "/run/netns/" + r.left, Device: "l0", Frame: udpFrame(0, 1500), Stamp: 100, Count: 100_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.until(t, "account of every packet", func() bool {
		e, ok := sink.events[len(sink.events)-1].(api.CaptureEvent)
		return ok && e.Seen == sent && e.Sent+e.Queue+e.Kernel == sent && e.Kernel > 0 && e.Freezes > 0
	})
	c.stop()
	<-c.done
}

// TestCaptureIsNoNews captures frames for another MAC address on a device that
// hands on all, and on one that must be asked: only that one is changed.
func TestCaptureIsNoNews(t *testing.T) {
	rig := newRig(t)
	sh(t, "ip -n "+rig.left+" link add br0 type bridge")
	sh(t, "ip -n "+rig.left+" link set br0 up")
	sh(t, "ip -n "+rig.right+" neigh replace 10.77.0.9 lladdr 02:00:00:00:00:09 dev r0")
	promisc := func(dev string) bool {
		return !strings.Contains(sh(t, "ip -n "+rig.left+" -d link show dev "+dev), "promiscuity 0")
	}
	for dev, asked := range map[string]bool{"l0": false, "br0": true} {
		sink := newMemory()
		c := startCapture(t, testNode(), api.CaptureRequest{Netns: rig.left, Device: dev, Filter: "host 10.77.0.9"}, sink)
		if promisc(dev) != asked {
			t.Errorf("%s is promiscuous: %v, want %v", dev, !asked, asked)
		}
		if dev == "l0" {
			_ = exec.Command("ip", "netns", "exec", rig.right, "ping", "-c", "1", "-W", "1", "10.77.0.9").Run() // nobody answers
			sink.until(t, "a frame for another", func() bool { return len(sink.packets) > 0 })
		}
		c.stop()
		<-c.done
		if promisc(dev) {
			t.Errorf("%s stays promiscuous", dev)
		}
	}
}

func TestCaptureBounds(t *testing.T) {
	r := newRig(t)
	flood := func(t *testing.T) {
		t.Helper()
		if _, err := pktgen.Send(t.Context(), pktgen.Load{
			Netns: "/run/netns/" + r.left, Device: "l0", Frame: udpFrame(0, 1000), Rate: 5000, Count: 500,
		}); err != nil {
			t.Fatal(err)
		}
	}
	req := api.CaptureRequest{Netns: r.right, Device: "r0", Filter: "udp port 5000"}
	t.Run("packets", func(t *testing.T) {
		req := req
		req.Packets = 100
		c := startCapture(t, testNode(), req, newMemory())
		flood(t)
		if err := <-c.done; err != nil || len(c.packets) != 100 || len(c.packets[0].Data) != api.SnapHeaders || c.packets[0].Length != 1000 {
			t.Errorf("%v, %d packets", err, len(c.packets))
		}
	})
	t.Run("seconds", func(t *testing.T) {
		req := req
		req.Seconds = 1
		c := startCapture(t, testNode(), req, newMemory())
		if err := <-c.done; err != nil {
			t.Errorf("%v", err)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		node := testNode()
		node.Limits.CaptureBytes = 10_000
		c := startCapture(t, node, req, newMemory())
		flood(t)
		if err := <-c.done; !errors.Is(err, ErrLimit) || len(c.packets) != 79 {
			t.Errorf("%v, %d packets", err, len(c.packets))
		}
	})
	t.Run("one packet shows at once", func(t *testing.T) {
		c := startCapture(t, testNode(), req, newMemory())
		begin := time.Now()
		sendOnce(t, r.left, "l0", udpFrame(0, 100))
		c.until(t, "packet", func() bool { return len(c.packets) == 1 })
		if d := time.Since(begin); d > 300*time.Millisecond {
			t.Errorf("it took %v", d)
		}
		c.stop()
		<-c.done
	})
	t.Run("device disappears", func(t *testing.T) {
		c := startCapture(t, testNode(), req, newMemory())
		sh(t, "ip -n "+r.right+" link delete r0")
		if err := <-c.done; !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "disappeared") {
			t.Errorf("%v", err)
		}
	})
}

// TestCaptureLeavesSessionsOut runs in a thread's own namespace, since the
// exclusion is about the agent's namespace only.
func TestCaptureLeavesSessionsOut(t *testing.T) {
	r := newRig(t)
	f := filter{
		dlt: dltEthernet, snap: 128, port: 9698,
		own: []netip.Addr{netip.MustParseAddr("10.77.0.2"), netip.MustParseAddr("fd77::2")},
	}
	frame := func(src, dst byte, sport, dport uint16, vlan uint16) []byte {
		b := udpFrame(vlan, 100)
		ip := b[len(b)-100+14:]
		if vlan != 0 {
			ip = b[18:]
		}
		ip[9], ip[15], ip[19] = 6, src, dst
		binary.BigEndian.PutUint16(ip[20:], sport)
		binary.BigEndian.PutUint16(ip[22:], dport)
		return b
	}
	ours := [][]byte{frame(1, 2, 4000, 9698, 0), frame(2, 1, 9698, 4000, 0), frame(1, 2, 4000, 9698, 30)}
	others := [][]byte{frame(1, 2, 4000, 80, 0), frame(1, 3, 4000, 9698, 0), frame(1, 2, 4000, 81, 30)}
	for _, text := range []string{"", "tcp", "vlan 30 or tcp"} {
		f.text = text
		prog, err := f.compile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []struct{ netns, device string }{{r.left, "l0"}, {r.right, "r0"}} {
			got := matched(t, at.netns, at.device, prog, func() {
				for _, b := range slices.Concat(ours, others) {
					sendOnce(t, r.left, "l0", b)
				}
			})
			for _, b := range ours {
				if got[hex.EncodeToString(b)] != 0 {
					t.Errorf("%q on %s: a session's packet was captured", text, at.device)
				}
			}
			if text == "tcp" && (got[hex.EncodeToString(others[0])] != 1 || got[hex.EncodeToString(others[1])] != 1 || got[hex.EncodeToString(others[2])] != 1) {
				t.Errorf("%q on %s: other packets are missing: %v", text, at.device, got)
			}
		}
	}
}

// matched returns the multiset of what a program keeps while send runs.
func matched(t *testing.T, ns, name string, prog program, send func()) map[string]int {
	t.Helper()
	f, err := os.Open("/run/netns/" + ns)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rg *ring
	if err := onThread(func() error {
		if err := enter(f); err != nil {
			return err
		}
		dev, err := findDevice(ns, name)
		if err != nil {
			return err
		}
		rg, err = openRing(dev, prog, Ring{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer rg.close()
	send()
	got := map[string]int{}
	quiet := 0
	for quiet < 3 {
		before := len(got)
		if err := rg.take(func(p api.Packet) bool { got[hex.EncodeToString(whole(p))]++; return true }, func() bool { return true }); err != nil {
			t.Fatal(err)
		}
		if len(got) == before {
			quiet++
		}
	}
	return got
}
