package wires

import (
	"flag"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"steth/lab/scenario"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T, flavour scenario.Flavour) *scenario.Cloud {
	t.Helper()
	c, err := scenario.Load("", flavour)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// golden holds text against a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func TestRouterRules(t *testing.T) {
	c := load(t, scenario.LinuxBridge)
	golden(t, "router.rules", rules(c.Routers[0], floatingIPs(c, c.Routers[0])))
}

func TestDHCPFiles(t *testing.T) {
	c := load(t, scenario.LinuxBridge)
	n := c.Networks[0]
	ports := c.NetworkPorts(n)
	server := ports[slices.IndexFunc(ports, func(p *scenario.Port) bool { return p.Owner == scenario.OwnerDHCP })]
	files := dhcpFiles(n, server, ports)
	for _, name := range []string{"host", "addn_hosts", "opts", "leases", "interface"} {
		golden(t, "dhcp."+name, files[name])
	}
	golden(t, "dnsmasq.argv", strings.Join(dnsmasq(n, "/var/lib/neutron/dhcp/"+n.ID, false), "\n")+"\n")
	plain, rootless := dnsmasq(n, "/d", false), dnsmasq(n, "/d", true)
	if !slices.Equal(rootless[len(plain):], []string{"--user=root", "--group="}) {
		t.Errorf("without root: %v", rootless[len(plain):])
	}
}

// TestEntries checks the forwarding of a network with ports on three hosts.
func TestEntries(t *testing.T) {
	c := load(t, scenario.LinuxBridge)
	front := c.Networks[0]
	cmp1, _ := c.Host("cmp1")
	remotes := map[string]int{}
	for _, e := range entries(c, cmp1, front) {
		if e.mac == flood {
			remotes[e.remote.String()]++
			continue
		}
		i := slices.IndexFunc(c.Ports, func(p *scenario.Port) bool { return p.MAC == e.mac })
		if p := c.Ports[i]; p.Network != front || p.Host == cmp1 || p.Host.Underlay != e.remote {
			t.Errorf("%s of port %s goes to %v", e.mac, p.ID, e.remote)
		}
	}
	if len(remotes) != 2 || remotes["10.99.0.10"] != 1 || remotes["10.99.0.12"] != 1 {
		t.Errorf("floods to %v", remotes)
	}
	if n := len(entries(c, cmp1, front)); n != 2+4 { // DHCP, gateway, web2, cache1
		t.Errorf("%d entries", n)
	}
}

func TestTapMAC(t *testing.T) {
	mac := net.HardwareAddr{0xfa, 0x16, 0x3e, 1, 2, 3}
	if got := tapMAC(mac).String(); got != "fe:16:3e:01:02:03" || mac[0] != 0xfa {
		t.Errorf("tapMAC() = %s, and the port's became %v", got, mac)
	}
}
