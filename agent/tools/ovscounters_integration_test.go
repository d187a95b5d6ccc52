//go:build integration

package tools

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

// TestOVSCounters counts what passes a real Open vSwitch, in each version of
// OpenFlow that a bridge may be limited to.
func TestOVSCounters(t *testing.T) {
	dir, _ := realSwitch(t)
	vsctl := func(args ...string) {
		t.Helper()
		cmd := exec.Command("ovs-vsctl", append([]string{"--db=unix:" + dir + "/db.sock", "--timeout=10"}, args...)...)
		cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ovs-vsctl %v: %v\n%s", args, err, out)
		}
	}
	vsctl("add-br", "br1", "--", "set", "Bridge", "br1", "datapath_type=dummy", "fail_mode=secure",
		"--", "add-port", "br0", "to-br1", "--", "set", "Interface", "to-br1", "type=patch", "options:peer=to-br0", "ofport_request=7",
		"--", "add-port", "br1", "to-br0", "--", "set", "Interface", "to-br0", "type=patch", "options:peer=to-br1")
	if out, err := exec.Command("ovs-ofctl", "add-flow", "unix:"+filepath.Join(dir, "br0.mgmt"), "in_port=1,actions=output:2,output:7").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	node := testNode()
	node.OpenVSwitch = []string{dir}
	ports := []api.OVSPortName{{Bridge: "br0", Port: "p2"}, {Bridge: "br0", Port: "to-br1"}, {Bridge: "br1", Port: "to-br0"}, {Bridge: "br0", Port: "none"}, {Bridge: "br1", Port: "p2"}, {Bridge: "br9", Port: "p2"}}
	read := func() []api.OVSPortCounters {
		t.Helper()
		sink := newMemory()
		if err := run(t.Context(), t, node, ovsCounters(), api.OVSCountersRequest{Ports: ports, Every: time.Second, Count: 1}, sink); err != nil {
			t.Fatal(err)
		}
		all := eventsOf[api.OVSCounters](sink)
		if len(all) != 1 || len(all[0].Ports) != len(ports) || all[0].Time == 0 {
			t.Fatalf("%+v", all)
		}
		return all[0].Ports
	}
	for _, version := range []string{"OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15"} {
		t.Run(version, func(t *testing.T) {
			vsctl("set", "Bridge", "br0", "protocols="+version, "--", "set", "Bridge", "br1", "protocols="+version)
			before := read()
			w, err := node.openSwitch(t.Context(), "", "p1")
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			for n := range byte(5) {
				if err := w.send(t.Context(), probe(n)); err != nil {
					t.Fatal(err)
				}
			}
			rose := func() [3]uint64 {
				now := read()
				return [3]uint64{now[0].TxPackets - before[0].TxPackets, now[1].TxPackets - before[1].TxPackets, now[2].RxPackets - before[2].RxPackets}
			}
			for deadline := time.Now().Add(5 * time.Second); rose() != [3]uint64{5, 5, 5}; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("the counters rose by %v, want 5 each", rose())
				}
			}
			for i, want := range []string{"", "", "", "Open vSwitch has no port none", "p2 is not in br1", "connect to " + dir + "/br9.mgmt"} {
				if got := read()[i].Missing; !strings.HasPrefix(got, want) || want == "" && got != "" {
					t.Errorf("%+v: %q, want %q", ports[i], got, want)
				}
			}
		})
	}
	t.Run("again and again", func(t *testing.T) {
		sink := newMemory()
		if err := run(t.Context(), t, node, ovsCounters(), api.OVSCountersRequest{Ports: ports[:1], Every: 200 * time.Millisecond, Count: 3}, sink); err != nil {
			t.Fatal(err)
		}
		if n := len(eventsOf[api.OVSCounters](sink)); n != 3 {
			t.Errorf("%d readings, want 3", n)
		}
	})
	t.Run("no version in common", func(t *testing.T) {
		vsctl("set", "Bridge", "br0", "protocols=OpenFlow15")
		if got := read()[0].Missing; !strings.Contains(got, "speak OpenFlow with br0") {
			t.Errorf("%q", got)
		}
	})
	t.Run("not there", func(t *testing.T) {
		err := run(t.Context(), t, &Node{OpenVSwitch: []string{t.TempDir()}}, ovsCounters(), api.OVSCountersRequest{Ports: ports[:1], Every: time.Second}, newMemory())
		if !errors.Is(err, ErrNotReady) {
			t.Errorf("%v", err)
		}
	})
}
