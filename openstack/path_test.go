package openstack

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// site is a small cloud of two computes and a network node: networks n (tunnel),
// m (tunnel), v (VLAN 150) and ext, a router between them, a server on each
// compute and one more beside the first.
type site struct {
	vif     string // binding:vif_type
	details map[string]any
	agent   string // binary of the L2 agent
	kind    string // agent_type
	conf    map[string]any
	dvr, ha bool
	fip     bool // the first server has a floating IP
}

const (
	idN, idM, idV, idExt = "aaaaaaaa-0001-4000-8000-000000000000", "aaaaaaaa-0002-4000-8000-000000000000", "aaaaaaaa-0003-4000-8000-000000000000", "aaaaaaaa-0004-4000-8000-000000000000"
	idR                  = "bbbbbbbb-0001-4000-8000-000000000000"
)

func idOf(name string) string { return name + "-0123-4567-89ab-000000000000" }

func (c site) snapshot() *Snapshot {
	var objects []Object
	for i, host := range []string{"net0", "cmp1", "cmp2"} {
		conf := map[string]any{"tunneling_ip": fmt.Sprintf("10.99.0.1%d", i)}
		for k, v := range c.conf {
			conf[k] = v
		}
		mode := "legacy"
		if c.dvr {
			mode = []string{"dvr_snat", "dvr", "dvr"}[i]
		}
		objects = append(objects,
			Agent{ID: "l2" + host, Binary: c.agent, Type: c.kind, Host: host, Alive: true, Configurations: conf},
			Agent{ID: "l3" + host, Binary: "neutron-l3-agent", Type: "L3 agent", Host: host, Configurations: map[string]any{"agent_mode": mode}},
			Node{Host: host, Agents: []string{"l2" + host, "l3" + host}},
		)
	}
	network := func(id, name, kind, physical string, segment, mtu int, cidr string) {
		objects = append(objects,
			Network{ID: id, Name: name, Type: kind, Physical: physical, Segment: segment, MTU: mtu, Subnets: []string{"s" + id}},
			Subnet{ID: "s" + id, NetworkID: id, CIDR: netip.MustParsePrefix(cidr), Gateway: netip.MustParsePrefix(cidr).Addr().Next().String(), Version: 4})
	}
	network(idN, "n", "vxlan", "", 101, 1450, "10.1.0.0/24")
	network(idM, "m", "vxlan", "", 102, 1450, "10.2.0.0/24")
	network(idV, "v", "vlan", "phys", 150, 1500, "10.3.0.0/24")
	network(idExt, "ext", "flat", "phys", 0, 1500, "203.0.113.0/24")
	port := func(name, network, ip, owner, device, host string) {
		p := Port{
			ID: idOf(name), Name: strings.TrimRight(name, "0"), NetworkID: network, MAC: fmt.Sprintf("fa:16:3e:00:00:%02x", len(objects)),
			Fixed: []Address{{ip, "s" + network}}, DeviceOwner: owner, DeviceID: device, Host: host, VIFType: c.vif, VNICType: "normal",
		}
		if owner == ownerDVR {
			p.Host, p.VIFType = "", "distributed"
		}
		if strings.HasPrefix(owner, ownerCompute) {
			p.VIFDetails = c.details
		}
		objects = append(objects, p)
	}
	leg := ownerInterface
	switch {
	case c.dvr:
		leg = ownerDVR
		port("sg000000", idN, "10.1.0.5", ownerSNAT, idR, "net0")
		port("fg100000", idExt, "203.0.113.5", ownerAgentGW, "l3cmp1", "cmp1")
	case c.ha:
		leg = ownerHAReplica
	}
	port("a0000000", idN, "10.1.0.11", "compute:nova", "", "cmp1")
	port("b0000000", idN, "10.1.0.22", "compute:nova", "", "cmp2")
	port("c0000000", idN, "10.1.0.33", "compute:nova", "", "cmp1")
	port("d0000000", idM, "10.2.0.44", "compute:nova", "", "cmp2")
	port("e0000000", idV, "10.3.0.55", "compute:nova", "", "cmp1")
	port("f0000000", idV, "10.3.0.66", "compute:nova", "", "cmp2")
	port("dd000000", idN, "10.1.0.2", ownerDHCP, "dhcp", "net0")
	port("11000000", idN, "10.1.0.1", leg, idR, "net0")
	port("22000000", idM, "10.2.0.1", leg, idR, "net0")
	port("99000000", idExt, "203.0.113.9", ownerGateway, idR, "net0")
	objects = append(objects, Router{ID: idR, Name: "r", Distributed: c.dvr, HA: c.ha, SNAT: true, ExternalNetwork: idExt, ExternalIPs: []Address{{"203.0.113.9", "s" + idExt}}})
	if c.fip {
		objects = append(objects, FloatingIP{ID: "fip", IP: "203.0.113.77", FixedIP: "10.1.0.11", PortID: idOf("a0000000"), RouterID: idR, NetworkID: idExt})
	}
	return NewSnapshot().With(objects...)
}

func linuxBridge() site {
	return site{vif: "bridge", agent: "neutron-linuxbridge-agent", kind: "Linux bridge agent", conf: map[string]any{"interface_mappings": map[string]any{"phys": "eth2"}}}
}

func openVSwitch() site {
	return site{
		vif: "ovs", agent: "neutron-openvswitch-agent", kind: "Open vSwitch agent",
		details: map[string]any{"bridge_name": "br-int", "bound_drivers": map[string]any{"0": "openvswitch"}},
		conf:    map[string]any{"bridge_mappings": map[string]any{"phys": "br-ex"}, "datapath_type": "netdev", "integration_bridge": "br-int"},
	}
}

func (c site) with(change func(*site)) site { change(&c); return c }

// TestPaths holds the paths of every layout against recorded ones, with what is
// captured at each hop.
func TestPaths(t *testing.T) {
	between := func(from, to string) func(*Snapshot) (Path, error) {
		return func(s *Snapshot) (Path, error) { return s.PathBetween(idOf(from), idOf(to)) }
	}
	one := func(way func(*Snapshot, string) (Path, error), from string) func(*Snapshot) (Path, error) {
		return func(s *Snapshot) (Path, error) { return way(s, idOf(from)) }
	}
	const a, b, c, d, e, f = "a0000000", "b0000000", "c0000000", "d0000000", "e0000000", "f0000000"
	lb, ovs := linuxBridge(), openVSwitch()
	hybrid := ovs.with(func(s *site) {
		s.details = map[string]any{"ovs_hybrid_plug": true, "datapath_type": "system", "bound_drivers": map[string]any{"0": "openvswitch"}}
		s.conf = map[string]any{"bridge_mappings": map[string]any{"phys": "br-ex"}, "datapath_type": "system"}
	})
	dvr := ovs.with(func(s *site) { s.dvr = true })
	ovn := ovs.with(func(s *site) {
		s.agent, s.kind = "ovn-controller", "OVN Controller agent"
		s.details = map[string]any{"bound_drivers": map[string]any{"0": "ovn"}}
		s.conf = map[string]any{"bridge-mappings": "phys:br-ex"}
	})
	floating := func(s *site) { s.fip = true }
	tests := []struct {
		name string
		site site
		way  func(*Snapshot) (Path, error)
	}{
		{"bridge-same-host", lb, between(a, c)},
		{"bridge-two-hosts", lb, between(a, b)},
		{"bridge-routed", lb, between(a, d)},
		{"bridge-vlan", lb, between(e, f)},
		{"bridge-dhcp", lb, one((*Snapshot).PathToDHCP, a)},
		{"bridge-floating", lb.with(floating), one((*Snapshot).PathOut, a)},
		{"ovs-same-host", ovs, between(a, c)},
		{"ovs-two-hosts", ovs, between(a, b)},
		{"ovs-routed", ovs, between(a, d)},
		{"ovs-vlan", ovs, between(e, f)},
		{"ovs-dhcp", ovs, one((*Snapshot).PathToDHCP, a)},
		{"ovs-gateway", ovs, one((*Snapshot).PathToGateway, a)},
		{"ovs-snat", ovs, one((*Snapshot).PathOut, b)},
		{"ovs-floating", ovs.with(floating), one((*Snapshot).PathOut, a)},
		{"ovs-provider-out", ovs, one((*Snapshot).PathOut, e)},
		{"hybrid-two-hosts", hybrid, between(a, b)},
		{"ha-snat", ovs.with(func(s *site) { s.ha = true }), one((*Snapshot).PathOut, b)},
		{"dvr-routed", dvr, between(a, d)},
		{"dvr-snat", dvr, one((*Snapshot).PathOut, b)},
		{"dvr-floating", dvr.with(floating), one((*Snapshot).PathOut, a)},
		{"ovn-two-hosts", ovn, between(a, b)},
		{"ovn-dhcp", ovn, one((*Snapshot).PathToDHCP, a)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := test.way(test.site.snapshot())
			if err != nil {
				t.Fatal(err)
			}
			golden(t, test.name, told(p))
		})
	}
}

// TestPathOfRecorded works on what a real Neutron said.
func TestPathOfRecorded(t *testing.T) {
	s := whole(t)
	p, err := s.PathOf(idWebPort)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "recorded-out", told(p))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "path", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// told is a path as text, a line a hop.
func told(p Path) string {
	var b strings.Builder
	line := func(h Hop) {
		f := h.Filter(Follow{What: FollowICMP})
		place := strings.TrimPrefix(h.Netns+"/"+first(h.Device, locate(h.Locate)), "/")
		fmt.Fprintf(&b, "%2d %-5s %-40s %s\n", h.Index, h.Host, place, h.What)
		fmt.Fprintf(&b, "   %s", h.Seen)
		if h.Why != "" {
			fmt.Fprintf(&b, " (%s)", h.Why)
		}
		if e := h.Encap; e.Kind != "" {
			fmt.Fprintf(&b, "; %s %d", e.Kind, e.ID)
			if e.Tunnel() {
				fmt.Fprintf(&b, " %v > %v", e.Local, e.Remote)
			}
		}
		if x := h.Expect; x.MTU > 0 || len(x.Kinds) > 0 {
			fmt.Fprintf(&b, "; expect %s mtu %d", strings.Join(x.Kinds, "|"), x.MTU)
			if x.AtLeast {
				b.WriteString("+")
			}
			fmt.Fprintf(&b, " in %q %v", x.Master+x.Bridge, x.Addresses)
		}
		fmt.Fprintf(&b, "\n   near %v %s far %v %s %s\n", h.View.Near, h.View.NearMAC, h.View.Far, h.View.FarMAC, h.View.NAT)
		switch {
		case f.Skip != "":
		case f.VLAN != 0:
			fmt.Fprintf(&b, "   icmp: vlan %d and %s\n", f.VLAN, f.Text)
		default:
			fmt.Fprintf(&b, "   icmp: %s\n", f.Text)
		}
		if f.Wide != "" {
			fmt.Fprintf(&b, "   wide: %s\n", f.Wide)
		}
	}
	fmt.Fprintf(&b, "%s: %s > %s\n", p.Goal, p.From.Name, p.To.Name)
	for _, h := range p.Hops {
		line(h)
	}
	if len(p.Back) > 0 {
		b.WriteString("back\n")
	}
	for _, h := range p.Back {
		line(h)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}

func locate(l Locate) string {
	switch {
	case l.Address.IsValid():
		return "the device with " + l.Address.String()
	case l.Uplink != "":
		return "the NIC in " + l.Uplink
	}
	return l.Name
}

// TestPathOfAFloatingIP: who names the port that Neutron keeps for a floating IP
// means the one that has it.
func TestPathOfAFloatingIP(t *testing.T) {
	s := openVSwitch().snapshot()
	reserved := Port{ID: idOf("f1000000"), DeviceOwner: ownerFloating, DeviceID: "fip", VIFType: "unbound", NetworkID: idN}
	for want, to := range map[string]string{"": idOf("a0000000"), "belongs to no port": "", "there": "gone"} {
		p, err := s.With(reserved).With(FloatingIP{ID: "fip", IP: "192.0.2.7", PortID: to}).PathOf(reserved.ID)
		switch {
		case want == "" && (err != nil || p.From.Port != idOf("a0000000")):
			t.Errorf("the path begins at %+v: %v", p.From, err)
		case want == "belongs to no port" && (!errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), want)):
			t.Errorf("a floating IP that is free: %v", err)
		case want == "there" && err == nil:
			t.Errorf("a port that was not read: %+v", p)
		}
	}
	if p, err := s.With(reserved).PathOf(reserved.ID); err != nil || !strings.Contains(p.Hops[0].Why, "bound to no host") {
		t.Errorf("a floating IP that was not read: %+v, %v", p.Hops, err)
	}
}

func TestPathBadInput(t *testing.T) {
	s := openVSwitch().snapshot()
	if _, err := s.PathOf("nowhere"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown port: %v", err)
	}
	if _, err := s.PathBetween(idOf("a0000000"), idOf("a0000000")); err == nil {
		t.Error("a path from a port to itself")
	}
	change := func(edit func(*Port)) *Snapshot {
		p, _ := s.Port(idOf("b0000000"))
		edit(&p)
		return s.With(p)
	}
	for want, s := range map[string]*Snapshot{
		"is bound to no host":        change(func(p *Port) { p.Host, p.VIFType = "", "unbound" }),
		"could not bind":             change(func(p *Port) { p.VIFType = "binding_failed" }),
		"may not see":                change(func(p *Port) { p.Host, p.VIFType = "", "" }),
		"trunk's subport":            change(func(p *Port) { p.DeviceOwner = ownerSubport }),
		"macvtap":                    change(func(p *Port) { p.VIFType = "macvtap" }),
		"no agent of cmp9 tells":     change(func(p *Port) { p.Host = "cmp9" }),
		"has no leg in network v":    s,
		"is local to each host":      s.With(Network{ID: idN, Name: "n", Type: "local", MTU: 1450}),
		"has 2 segments":             s.With(Network{ID: idN, Name: "n", Type: "vxlan", Segments: make([]Segment, 2)}),
		"the account may not see it": s.With(Network{ID: idN, Name: "n"}),
	} {
		to := idOf("b0000000")
		if strings.HasPrefix(want, "has no leg") {
			to = idOf("e0000000")
		}
		p, err := s.PathBetween(idOf("a0000000"), to)
		if err != nil {
			t.Fatal(err)
		}
		var why []string
		for _, h := range p.Unresolved() {
			why = append(why, h.Why)
		}
		if !strings.Contains(strings.Join(why, "; "), want) {
			t.Errorf("%q is not among the reasons %q", want, why)
		}
		if p.Hops[0].Device != "tapa0000000-01" {
			t.Errorf("%s: the path begins at %+v", want, p.Hops[0])
		}
	}
}
