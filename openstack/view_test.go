package openstack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// whole is everything of testdata.
func whole(t testing.TB) *Snapshot {
	t.Helper()
	s, err := newFakeCloud(t).connect(t).Load(t.Context(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestColumns(t *testing.T) {
	s := whole(t)
	for _, kind := range Kinds() {
		columns := Columns(kind)
		keys := map[string]bool{}
		for _, c := range columns {
			if keys[c.Key] || c.Key != strings.ToLower(c.Key) || c.Title == "" || c.Width <= 0 {
				t.Errorf("%s: column %+v", kind, c)
			}
			keys[c.Key] = true
			if got := c.Value(s, stranger{}); got != "" && c.Key != "id" && c.Key != "name" {
				t.Errorf("%s.%s of a stranger is %q", kind, c.Key, got)
			}
		}
		if !keys["id"] || !keys["name"] {
			t.Errorf("%s has no id or name", kind)
		}
	}
	got := map[string]string{}
	p, _ := s.Port(idWebPort)
	for _, c := range Columns(KindPort) {
		got[c.Key] = c.Value(s, p)
	}
	for key, want := range map[string]string{
		"name": "s1", "ip": "10.1.0.13", "network": "n1", "host": "cmp1", "state": "ACTIVE", "mac": "fa:16:3e:12:7d:2e", "id": idWebPort,
	} {
		equal(t, key, got[key], want)
	}
}

// stranger is an object of no kind.
type stranger struct{}

func (stranger) ObjectKind() Kind   { return "stranger" }
func (stranger) ObjectID() string   { return "x" }
func (stranger) ObjectName() string { return "x" }

func TestLists(t *testing.T) {
	s := whole(t)
	for kind, want := range map[Kind][]string{
		KindNode:       {"cmp1 up 10.98.0.11 10.99.0.11 fake 1 1 1 of 1", "cmp2 up 10.98.0.12 10.99.0.12 fake 1 1 1 of 1", "ghost unknown     1 ", "net0 up  10.99.0.10   5 4 of 4"},
		KindNetwork:    {"ext ACTIVE flat  public 1500 203.0.113.0/24 2 external", "n1 ACTIVE vxlan 1716  1450 10.1.0.0/24 6 ", "n6 ACTIVE vxlan 1036  1450 fd00:6::/64 1 ", "vl ACTIVE vlan 150 public 1500 10.2.0.0/24 1 "},
		KindRouter:     {"r1 ACTIVE ext 203.0.113.145 net0 yes central"},
		KindFloatingIP: {"203.0.113.124 ACTIVE s1 10.1.0.13 r1 ext cmp1"},
		KindServer:     {"s1 ACTIVE 10.1.0.13 cmp1 running", "s2 ACTIVE 10.1.0.64 cmp2 running"},
	} {
		var got []string
		for _, o := range s.List(kind) {
			var row []string
			for _, c := range Columns(kind) {
				if !c.Wide {
					row = append(row, c.Value(s, o))
				}
			}
			got = append(got, strings.Join(row, " "))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", kind, got, want)
		}
	}
}

func TestDisplayName(t *testing.T) {
	s := NewSnapshot().With(
		Server{ID: "v", Name: "web-1"}, Router{ID: "r", Name: "r-blue"},
		Subnet{ID: "s", Gateway: "10.0.0.1"},
	)
	for want, p := range map[string]Port{
		"web-1":       {ID: "1", DeviceOwner: "compute:nova", DeviceID: "v"},
		"eth":         {ID: "2", DeviceOwner: "compute:nova", DeviceID: "unknown", Name: "eth"},
		"dhcp":        {ID: "3", DeviceOwner: "network:dhcp"},
		"gateway":     {ID: "4", DeviceOwner: "network:router_interface", DeviceID: "r", Fixed: []Address{{"10.0.0.1", "s"}}},
		"r-blue":      {ID: "5", DeviceOwner: "network:router_interface", DeviceID: "r", Fixed: []Address{{"10.0.0.9", "s"}}},
		"r-blue ext":  {ID: "6", DeviceOwner: "network:router_gateway", DeviceID: "r"},
		"router ext":  {ID: "7", DeviceOwner: "network:router_gateway", DeviceID: "unknown"},
		"r-blue snat": {ID: "8", DeviceOwner: "network:router_centralized_snat", DeviceID: "r"},
		"r-blue ha":   {ID: "9", DeviceOwner: "network:router_ha_interface", DeviceID: "r"},
		"floating":    {ID: "10", DeviceOwner: "network:floatingip"},
		"fip gateway": {ID: "11", DeviceOwner: "network:floatingip_agent_gateway"},
		"metadata":    {ID: "12", DeviceOwner: "network:distributed"},
		"lb-vip":      {ID: "13", Name: "lb-vip"},
		"10.0.0.7":    {ID: "14", Fixed: []Address{{"10.0.0.7", ""}}},
		"12345678":    {ID: "123456789"},
	} {
		equal(t, p.ID, s.DisplayName(p), want)
	}
	equal(t, "nil", s.DisplayName(nil), "")
	equal(t, "network without a name", s.DisplayName(Network{ID: "0123456789"}), "01234567")
}

func TestState(t *testing.T) {
	tests := []struct {
		name string
		o    Object
		want Health
	}{
		{"port", Port{Status: "ACTIVE", AdminUp: true, Host: "h", DeviceOwner: "compute:nova"}, Health{OK, "ACTIVE"}},
		{"port down while bound", Port{Status: "DOWN", AdminUp: true, Host: "h", DeviceOwner: "compute:nova"}, Health{Broken, "DOWN"}},
		{"port binding failed", Port{Status: "DOWN", AdminUp: true, Host: "h", VIFType: "binding_failed"}, Health{Broken, "binding_failed"}},
		{"OVN's gateway port", Port{Status: "ACTIVE", AdminUp: true, Host: "h", VIFType: "binding_failed", DeviceOwner: "network:router_gateway"}, Health{OK, "ACTIVE"}},
		{"OVN's router leg", Port{Status: "ACTIVE", AdminUp: true, VIFType: "unbound", DeviceOwner: "network:router_interface"}, Health{OK, "ACTIVE"}},
		{"port disabled", Port{Status: "DOWN", Host: "h"}, Health{Suspicious, "disabled"}},
		{"port in build", Port{Status: "BUILD", AdminUp: true, Host: "h"}, Health{Suspicious, "BUILD"}},
		{"virtual address", Port{Status: "DOWN", AdminUp: true, VIFType: "unbound"}, Health{OK, "unbound"}},
		{"server's port on no host", Port{Status: "DOWN", AdminUp: true, VIFType: "unbound", DeviceOwner: "compute:nova"}, Health{Suspicious, "unbound"}},
		{"floating IP's port", Port{Status: "N/A", AdminUp: true, DeviceOwner: "network:floatingip"}, Health{OK, "reserved"}},
		{"server", Server{Status: "ACTIVE"}, Health{OK, "ACTIVE"}},
		{"server that migrates", Server{Status: "ACTIVE", TaskState: "migrating"}, Health{Suspicious, "migrating"}},
		{"server off", Server{Status: "SHUTOFF"}, Health{None, "SHUTOFF"}},
		{"server in error", Server{Status: "ERROR"}, Health{Broken, "ERROR"}},
		{"node", Node{State: "up", Status: "enabled"}, Health{OK, "up"}},
		{"node disabled", Node{State: "up", Status: "disabled"}, Health{Suspicious, "disabled"}},
		{"node down", Node{State: "down", Status: "disabled"}, Health{Broken, "down"}},
		{"agent dead", Agent{AdminUp: true}, Health{Broken, "dead"}},
		{"floating IP of none", FloatingIP{Status: "DOWN"}, Health{None, "unused"}},
		{"floating IP down", FloatingIP{Status: "DOWN", PortID: "p"}, Health{Broken, "DOWN"}},
		{"subnet", Subnet{}, Health{}},
		{"hidden status", Network{AdminUp: true}, Health{Unknown, "?"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { equal(t, "state", State(test.o), test.want) })
	}
	s := NewSnapshot().With(Server{ID: "v", Status: "SHUTOFF"})
	p := Port{ID: "p", Status: "DOWN", AdminUp: true, Host: "h", DeviceOwner: "compute:nova", DeviceID: "v"}
	equal(t, "port of a server that is off", s.State(p), Health{None, "off"})
}

func TestDevices(t *testing.T) {
	const id, net = "8f2c1f6e-0c1d-4b67-9d11-000000000000", "4a1e91c2-aaaa-bbbb-cccc-dddddddddddd"
	r := "77d0b1aa-1111-2222-3333-444444444444"
	ovs := func(owner string) Port {
		return Port{ID: id, NetworkID: net, DeviceID: r, DeviceOwner: owner, VIFType: "ovs", VNICType: "normal", Host: "h"}
	}
	with := func(p Port, change func(*Port)) Port { change(&p); return p }
	tests := map[string]struct {
		s    *Snapshot
		p    Port
		want string
	}{
		"native":           {p: ovs("compute:nova"), want: "tap8f2c1f6e-0c"},
		"hybrid":           {p: with(ovs("compute:nova"), func(p *Port) { p.VIFDetails = map[string]any{"ovs_hybrid_plug": true} }), want: "tap8f2c1f6e-0c qbr8f2c1f6e-0c qvb8f2c1f6e-0c qvo8f2c1f6e-0c"},
		"linux bridge":     {p: with(ovs("compute:nova"), func(p *Port) { p.VIFType = "bridge" }), want: "tap8f2c1f6e-0c brq4a1e91c2-aa"},
		"dhcp":             {p: ovs("network:dhcp"), want: "qdhcp-" + net + "/tap8f2c1f6e-0c"},
		"dhcp, bridge":     {p: with(ovs("network:dhcp"), func(p *Port) { p.VIFType = "bridge" }), want: "qdhcp-" + net + "/ns-8f2c1f6e-0c tap8f2c1f6e-0c brq4a1e91c2-aa"},
		"router's leg":     {p: ovs("network:router_interface"), want: "qrouter-" + r + "/qr-8f2c1f6e-0c"},
		"leg, bridge":      {p: with(ovs("network:router_interface"), func(p *Port) { p.VIFType = "bridge" }), want: "qrouter-" + r + "/qr-8f2c1f6e-0c tap8f2c1f6e-0c brq4a1e91c2-aa"},
		"distributed leg":  {p: with(ovs("network:router_interface_distributed"), func(p *Port) { p.VIFType, p.Host = "distributed", "" }), want: "qrouter-" + r + "/qr-8f2c1f6e-0c"},
		"gateway":          {p: ovs("network:router_gateway"), want: "qrouter-" + r + "/qg-8f2c1f6e-0c"},
		"gateway of DVR":   {s: NewSnapshot().With(Router{ID: r, Distributed: true}), p: ovs("network:router_gateway"), want: "snat-" + r + "/qg-8f2c1f6e-0c"},
		"central SNAT":     {p: ovs("network:router_centralized_snat"), want: "snat-" + r + "/sg-8f2c1f6e-0c"},
		"HA":               {p: ovs("network:router_ha_interface"), want: "qrouter-" + r + "/ha-8f2c1f6e-0c"},
		"agent's gateway":  {p: ovs("network:floatingip_agent_gateway"), want: "fip-" + net + "/fg-8f2c1f6e-0c"},
		"floating IP":      {p: ovs("network:floatingip")},
		"SR-IOV":           {p: with(ovs("compute:nova"), func(p *Port) { p.VNICType = "direct" })},
		"vhost-user":       {p: with(ovs("compute:nova"), func(p *Port) { p.VIFType = "vhostuser" })},
		"unbound":          {p: with(ovs("compute:nova"), func(p *Port) { p.VIFType, p.Host = "unbound", "" })},
		"binding failed":   {p: with(ovs("compute:nova"), func(p *Port) { p.VIFType = "binding_failed" })},
		"subport":          {p: ovs("trunk:subport")},
		"OVN guest":        {p: with(ovs("compute:nova"), func(p *Port) { p.VIFDetails = map[string]any{"bound_drivers": map[string]any{"0": "ovn"}} }), want: "tap8f2c1f6e-0c"},
		"OVN router":       {s: NewSnapshot().With(Agent{ID: "a", Type: "OVN Controller Gateway agent", Host: "h"}), p: ovs("network:router_gateway")},
		"OVN metadata":     {p: with(ovs("network:distributed"), func(p *Port) { p.VIFDetails = map[string]any{"bound_drivers": map[string]any{"0": "ovn"}} }), want: "ovnmeta-" + net + "/tap4a1e91c2-a1 tap4a1e91c2-a0"},
		"id that is short": {p: Port{ID: "x", VIFType: "ovs", Host: "h"}, want: "tapx"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.s == nil {
				test.s = NewSnapshot()
			}
			var got []string
			for _, d := range Devices(test.s, test.p) {
				if len(d.Name) > 15 || d.What == "" {
					t.Errorf("device %+v", d)
				}
				got = append(got, strings.TrimPrefix(d.Netns+"/"+d.Name, "/"))
			}
			equal(t, "devices", strings.Join(got, " "), test.want)
		})
	}
}

func TestDescribe(t *testing.T) {
	s := whole(t)
	p, _ := s.Port(idWebPort)
	text := fmt.Sprintf("%+v", s.Describe(p))
	for _, part := range []string{"s1 · ACTIVE", "cmp1", "10.1.0.13/24", "203.0.113.124", "n1 · vxlan 1716 · mtu 1450", "port security on", "tap15f89254-e6", "10.1.0.200"} {
		if !strings.Contains(text, part) {
			t.Errorf("the port's description lacks %q: %s", part, text)
		}
	}
	g, _ := s.Resolve(KindSecurityGroup, "sg1")
	text = fmt.Sprintf("%+v", s.Describe(g))
	for _, part := range []string{"IPv4 tcp 22 from 0.0.0.0/0", "IPv4 icmp from 0.0.0.0/0", "IPv6 any to anywhere"} {
		if !strings.Contains(text, part) {
			t.Errorf("the group's description lacks %q: %s", part, text)
		}
	}
	for _, kind := range Kinds() {
		for _, o := range s.List(kind) {
			for _, section := range s.Describe(o) {
				for _, row := range section.Rows {
					if row.Label == "" || row.Value == "" {
						t.Errorf("%s %s has an empty row %+v", kind, o.ObjectID(), row)
					}
				}
			}
		}
	}
}

func TestRelated(t *testing.T) {
	s := whole(t)
	tests := map[string]struct {
		kind Kind
		name string
		want string
	}{
		"port": {KindPort, idWebPort, "server server/s1, floating IP floatingip/203.0.113.124, network network/n1, subnet subnet/s1, node node/cmp1, router router/r1, group securitygroup/sg1, " +
			"dhcp port/dhcp, same network port/gateway, same network port/s2, same network port/ghost, same network port/lb-vip"},
		"server":   {KindServer, "s1", "node node/cmp1, port port/s1, floating IP floatingip/203.0.113.124, network network/n1"},
		"router":   {KindRouter, "r1", "external network network/ext, leg port/gateway, leg port/r1 ext, network network/n1, node node/net0, floating IP floatingip/203.0.113.124"},
		"floating": {KindFloatingIP, idFIP, "port port/s1, server server/s1, node node/cmp1, router router/r1, network network/ext"},
		"node":     {KindNode, "cmp2", "agent agent/Open vSwitch agent, server server/s2, port port/s2"},
		"subnet":   {KindSubnet, "s6", "network network/n6, port port/dhcp"},
		"network":  {KindNetwork, "vl", "subnet subnet/vls, port port/dhcp"},
		"agent":    {KindAgent, "L3 agent", "node node/net0, same host agent/Metadata agent, same host agent/DHCP agent, same host agent/Open vSwitch agent"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := s.Resolve(test.kind, test.name)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range s.Related(o) {
				got = append(got, fmt.Sprintf("%s %s/%s", r.Label, r.Object.ObjectKind(), s.DisplayName(r.Object)))
			}
			equal(t, "related", strings.Join(got, ", "), test.want)
		})
	}
}
