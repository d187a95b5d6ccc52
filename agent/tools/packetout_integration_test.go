//go:build integration

package tools

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

// realSwitch is an Open vSwitch of the test's own, without the kernel: a bridge
// br0 with the ports p1 and p2, where p2 writes what it sends to a file. What
// p1 receives goes out by p2; all else goes nowhere.
func realSwitch(t *testing.T) (dir, sent string) {
	t.Helper()
	dir = t.TempDir()
	sent = filepath.Join(dir, "sent.pcap")
	tool := func(args ...string) {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir, "OVS_LOGDIR="+dir, "OVS_DBDIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	daemon := func(args ...string) {
		t.Helper()
		// It ends when the test closes its end of the pipe or dies: a parent-death
		// signal would follow a thread, and tools throw threads away.
		cmd := exec.Command("sh", append([]string{"-c", `"$@" & read gone; kill -9 $!; wait`, "sh"}, args...)...)
		cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir, "OVS_LOGDIR="+dir, "OVS_DBDIR="+dir)
		leash, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { leash.Close(); _ = cmd.Wait() }) // killed
	}
	tool("ovsdb-tool", "create", filepath.Join(dir, "conf.db"), "/usr/share/openvswitch/vswitch.ovsschema")
	socket := filepath.Join(dir, ovsdbSocket)
	daemon("ovsdb-server", "--remote=punix:"+socket, "--no-chdir", filepath.Join(dir, "conf.db"))
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("ovsdb-server does not listen")
		}
	}
	daemon("ovs-vswitchd", "--enable-dummy=override", "--disable-system", "unix:"+socket)
	tool("ovs-vsctl", "--db=unix:"+socket, "--timeout=10", "--retry",
		"add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy", "fail_mode=secure",
		"--", "add-port", "br0", "p1", "--", "set", "Interface", "p1", "type=dummy", "ofport_request=1", "external_ids:iface-id=1",
		"--", "add-port", "br0", "p2", "--", "set", "Interface", "p2", "type=dummy", "ofport_request=2", "options:tx_pcap="+sent)
	tool("ovs-ofctl", "add-flow", "unix:"+filepath.Join(dir, "br0.mgmt"), "in_port=1,actions=output:2")
	return dir, sent
}

// TestInjectSwitch has frames come in by a port of a real Open vSwitch.
func TestInjectSwitch(t *testing.T) {
	dir, sent := realSwitch(t)
	node := testNode()
	node.OpenVSwitch = []string{dir}
	sink := newMemory()
	err := run(t.Context(), t, node, inject(), api.InjectRequest{ // p1 is no device of the node, as a vhost-user port isn't
		Device: "p1", Way: api.InjectIn, Frames: [][]byte{probe(0), probe(1), probe(2)}, Count: 3, Interval: 10 * time.Millisecond,
	}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if ev := eventsOf[api.InjectEvent](sink); len(ev) != 2 || ev[0].Way != api.InjectSwitch || ev[0].Bridge != "br0" || ev[1].Sent != 3 {
		t.Errorf("%+v", ev)
	}
	var got []byte
	for deadline := time.Now().Add(5 * time.Second); !bytes.Contains(got, probe(2)); time.Sleep(10 * time.Millisecond) {
		if got, err = os.ReadFile(sent); err != nil || time.Now().After(deadline) {
			t.Fatalf("p2 sent %d bytes: %v", len(got), err)
		}
	}
	for n := range byte(3) {
		if bytes.Count(got, probe(n)) != 1 {
			t.Errorf("frame %d came out %d times", n, bytes.Count(got, probe(n)))
		}
	}
	err = run(t.Context(), t, node, inject(), api.InjectRequest{Device: "p9", Way: api.InjectIn, Frames: [][]byte{probe(0)}, Count: 1, Interval: time.Second}, newMemory())
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "p9 does not exist") || !strings.Contains(err.Error(), "in no bridge") {
		t.Errorf("a port that is not there: %v", err)
	}
	if _, err := node.openSwitch(t.Context(), "", "p2"); !errors.Is(err, ErrArgument) || !strings.Contains(err.Error(), "no server's port") {
		t.Errorf("a port that is no server's: %v", err)
	}
	if _, err := node.openSwitch(t.Context(), "qdhcp-1", "p1"); !errors.Is(err, ErrArgument) {
		t.Errorf("in a namespace: %v", err)
	}
}
