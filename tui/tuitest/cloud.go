// Package tuitest drives the console's screens without a terminal and without
// a cloud: a small sample cloud behind a [Backend], and a [Driver] that presses
// keys, waits for what should come, and reads the screen.
package tuitest

import (
	"fmt"
	"net/netip"
	"time"

	"steth/openstack"
)

// Noon is when everything in the sample cloud happens.
var Noon = time.Date(2026, 11, 22, 12, 4, 31, 0, time.UTC)

// Cloud is the sample: three hosts, four networks, five servers, a router with
// a floating IP, and one port that is not well.
func Cloud() *openstack.Snapshot {
	const (
		blue, green, public, lab = "b1ae0000-0000-4000-8000-000000001042", "64ee0000-0000-4000-8000-000000001050", "9b1c0000-0000-4000-8000-0000000000ff", "1ab00000-0000-4000-8000-000000000150"
		router, acme             = "77d0b1aa-3c1e-4e0e-9a51-5d3c5a0f7c11", "acme0000000040008000000000000001"
		group                    = "d0fa0170-0000-4000-8000-000000000001"
	)
	var all []openstack.Object
	add := func(o ...openstack.Object) { all = append(all, o...) }
	for i, h := range []string{"cmp1", "cmp2", "net0"} {
		agent := fmt.Sprintf("a6e00000-0000-4000-8000-00000000000%d", i)
		n := openstack.Node{
			Host: h, Hypervisor: h, Type: "QEMU", HostIP: fmt.Sprintf("10.98.0.1%d", (i+1)%3),
			TunnelIP: fmt.Sprintf("10.99.0.1%d", (i+1)%3), State: "up", Status: "enabled", Agents: []string{agent}, VCPUs: 64, Servers: 3 - i,
		}
		if h == "net0" {
			n.Hypervisor, n.Type, n.Status, n.VCPUs, n.Servers = "", "", "", 0, 0
		}
		add(n, openstack.Agent{
			ID: agent, Binary: "neutron-openvswitch-agent", Type: "Open vSwitch agent", Host: h, Alive: true, AdminUp: true,
			Heartbeat: Noon.Add(-12 * time.Second), Started: Noon.Add(-6 * time.Minute),
		})
	}
	network := func(id, name, typ string, segment, mtu int, cidr string, external bool) {
		sub := "5b" + id[2:]
		add(
			openstack.Network{ID: id, Name: name, ProjectID: acme, Status: "ACTIVE", AdminUp: true, External: external, MTU: mtu, Type: typ, Segment: segment, Subnets: []string{sub}, PortSecurity: true},
			openstack.Subnet{ID: sub, Name: name + "-v4", NetworkID: id, CIDR: netip.MustParsePrefix(cidr), Gateway: netip.MustParsePrefix(cidr).Addr().Next().String(), Version: 4, DHCP: !external},
		)
	}
	network(blue, "blue", "vxlan", 1042, 1450, "10.20.0.0/24", false)
	network(green, "green", "vxlan", 1050, 1450, "10.30.0.0/24", false)
	network(public, "public", "flat", 0, 1500, "203.0.113.0/24", true)
	network(lab, "vlan-150", "vlan", 150, 1500, "10.40.0.0/24", false)
	port := func(n int, id, name, net, ip, host, owner, device, status string) {
		p := openstack.Port{
			ID: id, Name: name, NetworkID: net, ProjectID: acme, MAC: fmt.Sprintf("fa:16:3e:0a:11:%02x", n), Status: status, AdminUp: true,
			Fixed:    []openstack.Address{{IP: ip, SubnetID: "5b" + net[2:]}},
			DeviceID: device, DeviceOwner: owner, Host: host, VIFType: "ovs", VNICType: "normal", PortSecurity: owner == "compute:nova", SecurityGroups: []string{group},
			VIFDetails: map[string]any{"ovs_hybrid_plug": true}, UpdatedAt: Noon.Add(-40 * time.Minute), CreatedAt: Noon.Add(-48 * time.Hour),
		}
		if host == "" {
			p.VIFType = "unbound"
		}
		add(p)
	}
	server := func(n int, name, host, net, ip, status string) {
		id := fmt.Sprintf("5e77e700-0000-4000-8000-0000000000%02d", n)
		add(openstack.Server{ID: id, Name: name, ProjectID: acme, Status: "ACTIVE", Power: "Running", Host: host, Addresses: []openstack.ServerAddress{{Network: net, IP: ip, Type: "fixed"}}})
		pid := fmt.Sprintf("%08x-0c1d-4b67-9d00-0000000000%02d", 0x8f2c1f6e+n-1, n)
		port(n, pid, "", net, ip, host, "compute:nova", id, status)
	}
	server(1, "web-1", "cmp1", blue, "10.20.0.11", "ACTIVE")
	server(2, "web-2", "cmp2", blue, "10.20.0.12", "ACTIVE")
	server(3, "db-1", "cmp2", blue, "10.20.0.21", "DOWN")
	server(4, "db-2", "cmp1", blue, "10.20.0.22", "ACTIVE")
	server(5, "cache-1", "cmp1", green, "10.30.0.7", "ACTIVE")
	server(6, "worker-a", "cmp2", green, "10.30.0.31", "BUILD")
	server(7, "lab-iot", "cmp2", lab, "10.40.0.9", "ACTIVE")
	port(20, "d4c90000-0000-4000-8000-000000000020", "", blue, "10.20.0.2", "net0", "network:dhcp", "dhcp-blue", "ACTIVE")
	port(21, "d4c90000-0000-4000-8000-000000000021", "", green, "10.30.0.2", "net0", "network:dhcp", "dhcp-green", "ACTIVE")
	port(22, "6a7e0000-0000-4000-8000-000000000022", "", blue, "10.20.0.1", "net0", "network:router_interface", router, "ACTIVE")
	port(23, "6a7e0000-0000-4000-8000-000000000023", "", green, "10.30.0.1", "net0", "network:router_interface", router, "ACTIVE")
	port(24, "6a7e0000-0000-4000-8000-000000000024", "", public, "203.0.113.20", "net0", "network:router_gateway", router, "ACTIVE")
	port(25, "f10a0000-0000-4000-8000-000000000025", "", public, "203.0.113.24", "", "network:floatingip", "f1000000-0000-4000-8000-000000000001", "N/A")
	port(26, "1bf10000-0000-4000-8000-000000000026", "lb-vip", blue, "10.20.0.50", "", "", "", "DOWN")
	add(
		openstack.Router{ID: router, Name: "r-blue", ProjectID: acme, Status: "ACTIVE", AdminUp: true, SNAT: true, ExternalNetwork: public, ExternalIPs: []openstack.Address{{IP: "203.0.113.20"}}},
		openstack.FloatingIP{ID: "f1000000-0000-4000-8000-000000000001", IP: "203.0.113.24", FixedIP: "10.20.0.11", PortID: "8f2c1f6e-0c1d-4b67-9d00-000000000001", RouterID: router, NetworkID: public, ProjectID: acme, Status: "ACTIVE"},
		openstack.SecurityGroup{ID: group, Name: "default", ProjectID: acme, Stateful: true, Rules: []openstack.Rule{{ID: "r1", Direction: "egress", EtherType: "IPv4"}, {ID: "r2", Direction: "ingress", EtherType: "IPv4", Protocol: "icmp"}}},
	)
	s := openstack.NewSnapshot().With(all...)
	for _, k := range openstack.Kinds() {
		s.Taken[k] = Noon
	}
	return s
}

// Hostile are objects whose names try to take over the terminal.
func Hostile() []openstack.Object {
	names := []string{
		"\x1b[2J\x1b[31mred", "a\u202Etxt.exe", "wide 漢字漢字漢字 name", "bell\a\bback", "zero\u200bwidth\ufeff", "bad\xff\xfe utf8",
		"tab\tand\nnewline\r", "\x1b]0;title\x07", "é́́́́́ combining", "👩‍👩‍👧‍👦 family", "\u009b31m c1",
	}
	var out []openstack.Object
	for i, n := range names {
		id := fmt.Sprintf("bad00000-0000-4000-8000-0000000000%02d", i)
		out = append(
			out, openstack.Network{ID: id, Name: n, Status: "ACTIVE", AdminUp: true, Type: n, MTU: 1450},
			openstack.Server{ID: id, Name: n, Status: "ACTIVE", Host: n},
			openstack.Port{ID: id, Name: n, NetworkID: id, MAC: "fa:16:3e:00:00:99", Status: "ACTIVE", AdminUp: true, Host: n, DeviceID: id, DeviceOwner: "compute:" + n, Fixed: []openstack.Address{{IP: fmt.Sprintf("10.66.0.%d", i)}}},
		)
	}
	return out
}

// Large is a cloud with n ports on one network.
func Large(n int) *openstack.Snapshot {
	const net = "b1ae0000-0000-4000-8000-000000001042"
	all := []openstack.Object{openstack.Network{ID: net, Name: "big", Status: "ACTIVE", AdminUp: true, Type: "vxlan", Segment: 7, MTU: 1450}}
	for i := range n {
		all = append(all, openstack.Port{
			ID: fmt.Sprintf("%08x-0c1d-4b67-9d00-%012d", i, i), Name: fmt.Sprintf("port-%d", i), NetworkID: net,
			MAC:    fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", i>>16&255, i>>8&255, i&255),
			Fixed:  []openstack.Address{{IP: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()}},
			Status: "ACTIVE", AdminUp: true, Host: fmt.Sprintf("cmp%d", i%500), VIFType: "ovs",
		})
	}
	s := openstack.NewSnapshot().With(all...)
	for _, k := range openstack.Kinds() {
		s.Taken[k] = Noon
	}
	return s
}
