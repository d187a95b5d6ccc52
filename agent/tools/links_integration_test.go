//go:build integration

package tools

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"steth/agent/api"
)

func readAll(t *testing.T, node *Node, req api.LinksRequest) map[string]api.Namespace {
	t.Helper()
	sink := newMemory()
	if err := run(t.Context(), t, node, links(), req, sink); err != nil {
		t.Fatal(err)
	}
	out := map[string]api.Namespace{}
	for _, ns := range eventsOf[api.Namespace](sink) {
		if _, twice := out[ns.Name]; twice {
			t.Errorf("namespace %q came twice", ns.Name)
		}
		out[ns.Name] = ns
	}
	return out
}

func linkNamed(t *testing.T, ns api.Namespace, name string) api.Link {
	t.Helper()
	i := slices.IndexFunc(ns.Links, func(l api.Link) bool { return l.Name == name })
	if i < 0 {
		t.Fatalf("no link %s in %+v", name, ns)
	}
	return ns.Links[i]
}

func TestLinks(t *testing.T) {
	r := newRig(t)
	r.awaitIPv6(t) // so that there is something to count
	for _, line := range []string{
		"ip -n " + r.left + " link add br0 type bridge stp_state 1",
		"ip -n " + r.left + " link set l0 master br0",
		"ip -n " + r.left + " link set l0 mtu 1450 alias uplink",
		"ip -n " + r.left + " link add vx0 type vxlan id 77 local 10.77.0.1 dstport 4789 dev l0",
		"ip -n " + r.left + " tuntap add tap0 mode tap",
	} {
		sh(t, line)
	}
	dead := t.TempDir()
	if err := os.WriteFile(filepath.Join(dead, "qdhcp-dead"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	holder := exec.Command("unshare", "--net", "sleep", "100")
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }()
	held := fmt.Sprintf("pid:%d", holder.Process.Pid)
	own := inspect("", ownNetns)
	waitFor(t, "namespace of a process", func() bool {
		ns := inspect(held, fmt.Sprintf("/proc/%d/ns/net", holder.Process.Pid))
		return ns.dead == "" && ns.inode != own.inode
	})
	node := testNode()
	node.Namespaces = append(node.Namespaces, dead)
	all := readAll(t, node, api.LinksRequest{})

	l0 := linkNamed(t, all[r.left], "l0")
	r0 := linkNamed(t, all[r.right], "r0")
	if l0.Kind != "veth" || !l0.Up || l0.Oper != "up" || l0.MTU != 1450 || l0.Alias != "uplink" || l0.Master != "br0" ||
		l0.Peer != r0.Index || l0.PeerNetns != r.right || !slices.Contains(l0.Addresses, "10.77.0.1/24") || !slices.Contains(l0.Addresses, "fd77::1/64") {
		t.Errorf("l0: %+v", l0)
	}
	if r0.Peer != l0.Index || r0.PeerNetns != r.left || r0.Stats.RxPackets == 0 || r0.Stats.TxBytes == 0 || r0.CarrierChanges == 0 {
		t.Errorf("r0: %+v", r0)
	}
	if l := linkNamed(t, all[r.left], "br0"); l.Kind != "bridge" || l.Up || l.Oper != "down" || l.BridgeVLAN || !l.BridgeSTP {
		t.Errorf("br0: %+v", l)
	}
	if l := linkNamed(t, all[r.left], "vx0"); l.Kind != "vxlan" || l.VNI != 77 || l.VXLANLocal != "10.77.0.1" || l.VXLANPort != 4789 {
		t.Errorf("vx0: %+v", l)
	}
	if l := linkNamed(t, all[r.left], "tap0"); l.Kind != "tun" {
		t.Errorf("tap0: %+v", l)
	}
	if !strings.Contains(all["qdhcp-dead"].Dead, "without a namespace") {
		t.Errorf("dead file: %+v", all["qdhcp-dead"])
	}
	if ns, ok := all[held]; !ok || ns.PID != holder.Process.Pid || len(ns.Links) != 1 {
		t.Errorf("held by a process: %+v", ns)
	}
	if _, ok := all[""]; !ok {
		t.Error("the node's own namespace is missing")
	}

	one := readAll(t, node, api.LinksRequest{Netns: &r.right})
	if len(one) != 1 || linkNamed(t, one[r.right], "r0").PeerNetns != r.left {
		t.Errorf("one namespace: %+v", one)
	}
	none := "no-such"
	if err := run(t.Context(), t, node, links(), api.LinksRequest{Netns: &none}, newMemory()); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// TestLinksOfHostileNames: who has a namespace of his own, which takes no right
// of the node's, names its devices as he likes. The answer is text in any case;
// the wire refuses what is not, and with it all of the node's other links.
func TestLinksOfHostileNames(t *testing.T) {
	r := newRig(t)
	const name, alias = "\xff\x1b[31m", "\xfe\nalias"
	for _, args := range [][]string{
		{"-n", r.left, "link", "add", "name", name, "type", "bridge"},
		{"-n", r.left, "link", "set", "dev", name, "alias", alias},
		{"-n", r.left, "link", "set", "l0", "master", name},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %q: %v: %s", args, err, out)
		}
	}
	ns := readAll(t, testNode(), api.LinksRequest{Netns: &r.left})[r.left]
	want := strings.ToValidUTF8(name, "\uFFFD")
	if l := linkNamed(t, ns, want); l.Alias != strings.ToValidUTF8(alias, "\uFFFD") {
		t.Errorf("alias %q", l.Alias)
	}
	if l := linkNamed(t, ns, "l0"); l.Master != want {
		t.Errorf("master %q, want %q", l.Master, want)
	}
}

// watched is a sink that looks at the process at each event.
type watched struct {
	*memory
	look func()
}

func (w watched) Event(v any) error {
	w.look()
	return w.memory.Event(v)
}

// TestLinksHoldsFewFiles: a node may have a thousand namespaces, and many calls
// at once must not take a file each for each of them.
func TestLinksHoldsFewFiles(t *testing.T) {
	r := newRig(t)
	for i := range 12 {
		name := fmt.Sprintf("steth-%d-files%d", os.Getpid(), i)
		sh(t, "ip netns add "+name)
		t.Cleanup(func() { sh(t, "ip netns delete "+name) })
	}
	files := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(open)
	}
	before, most := files(), 0
	sink := watched{newMemory(), func() { most = max(most, files()-before) }}
	if err := run(t.Context(), t, testNode(), links(), api.LinksRequest{}, sink); err != nil {
		t.Fatal(err)
	}
	if most > 4 {
		t.Errorf("%d files are open while an event is sent", most)
	}
	for _, ns := range eventsOf[api.Namespace](sink.memory) {
		if ns.Name == r.left {
			if got := linkNamed(t, ns, "l0").PeerNetns; got != r.right {
				t.Errorf("the peer's namespace is %q, want %q", got, r.right)
			}
		}
	}
}
