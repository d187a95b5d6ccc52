package wires

import (
	"net/netip"
	"strings"
	"testing"

	"steth/lab/scenario"
)

func switchOf(t *testing.T, host string) openVSwitch {
	t.Helper()
	c := load(t, scenario.OpenVSwitch)
	h, ok := c.Host(host)
	if !ok {
		t.Fatalf("no host %s", host)
	}
	return openVSwitch{node{cloud: c, host: h}}
}

func TestFlows(t *testing.T) {
	for _, host := range []string{"net0", "cmp1"} {
		flows := switchOf(t, host).flows()
		for bridge, text := range flows {
			golden(t, host+"."+bridge+".flows", text)
		}
		if _, ok := flows[externalBridge]; ok != (host == "net0") {
			t.Errorf("%s has %d bridges with flows", host, len(flows))
		}
	}
}

func TestDatabase(t *testing.T) {
	for _, host := range []string{"net0", "cmp1"} {
		line := strings.Join(switchOf(t, host).configuration(), " ")
		golden(t, host+".ovsdb", strings.ReplaceAll(line, " -- ", "\n-- ")+"\n")
	}
}

func TestPortRules(t *testing.T) {
	o := switchOf(t, "cmp2")
	var hybrid []*scenario.Port
	for _, p := range o.servers() {
		if p.Plug() == scenario.PlugHybrid {
			hybrid = append(hybrid, p)
		}
	}
	if len(hybrid) != 2 {
		t.Fatalf("%d servers of cmp2 have a hybrid plug", len(hybrid))
	}
	golden(t, "cmp2.portrules", portRules(o.cloud, hybrid))
}

func TestGroupRules(t *testing.T) {
	group := &scenario.SecurityGroup{Rules: []scenario.Rule{
		{Direction: "ingress", Protocol: "tcp", PortMin: 22, PortMax: 22, RemotePrefix: netip.MustParsePrefix("10.0.0.0/8")},
		{Direction: "ingress", Protocol: "udp", PortMin: 8000, PortMax: 8099},
		{Direction: "ingress", Protocol: "icmp", RemotePrefix: netip.MustParsePrefix("0.0.0.0/0")},
		{Direction: "egress", RemotePrefix: netip.MustParsePrefix("192.0.2.0/24")},
	}}
	peers := &scenario.SecurityGroup{}
	peers.Rules = []scenario.Rule{{Direction: "ingress", RemoteGroup: peers}, {Direction: "egress", Protocol: "tcp", RemoteGroup: peers}}
	self := &scenario.Port{Address: netip.MustParseAddr("10.0.0.1"), SecurityGroups: []*scenario.SecurityGroup{group, group, peers}}
	other := &scenario.Port{Address: netip.MustParseAddr("10.0.0.2"), SecurityGroups: []*scenario.SecurityGroup{peers}}
	c := &scenario.Cloud{Ports: []*scenario.Port{self, other, {Address: netip.MustParseAddr("10.0.0.3")}}}
	for direction, want := range map[string]string{
		"ingress": "-s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j RETURN\n-p udp -m udp -m multiport --dports 8000:8099 -j RETURN\n-p icmp -j RETURN\n-s 10.0.0.2/32 -j RETURN",
		"egress":  "-d 192.0.2.0/24 -j RETURN\n-d 10.0.0.2/32 -p tcp -j RETURN",
	} {
		if got := strings.Join(groupRules(c, self, direction), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", direction, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	if got := tunnelPort(netip.MustParseAddr("10.99.0.11")); got != "vxlan-0a63000b" {
		t.Errorf("tunnelPort() = %s", got)
	}
	if got := linkLocal("fa:16:3e:04:97:92"); got != "fe80::f816:3eff:fe04:9792" {
		t.Errorf("linkLocal() = %s", got)
	}
	o := switchOf(t, "cmp1")
	for server, want := range map[string]string{"web1": "qvo", "db1": "tap"} {
		s, _ := o.cloud.Server(server)
		if got := switchPort(s.Port); got != want+s.Port.ID[:11] || len(got) > 14 {
			t.Errorf("%s is plugged as %s", server, got)
		}
	}
}

// TestTagsAreLocal: a tag that is the same everywhere would hide a mistake.
func TestTagsAreLocal(t *testing.T) {
	net0, cmp1 := switchOf(t, "net0"), switchOf(t, "cmp1")
	tag := func(o openVSwitch, name string) int {
		for n, tag := range o.localVLANs() {
			if n.Name == name {
				return tag
			}
		}
		return 0
	}
	if tag(net0, "front") == tag(cmp1, "front") || tag(net0, "front") == tag(net0, "back") || tag(cmp1, "public") != 0 {
		t.Errorf("front has the tags %d and %d", tag(net0, "front"), tag(cmp1, "front"))
	}
}
