package openstack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wiredHost is a host with Open vSwitch that is as Neutron's agent leaves it: a
// server's tap, an underlay NIC in br-phy and tunnels to the others.
func wiredHost(tap, port, own string, peers ...string) HostFacts {
	f := HostFacts{
		Devices: []DeviceFacts{
			{Name: tap, Kind: "tun", MTU: 1450, Up: true},
			{Name: "br-phy", Kind: "tun", MTU: 1500, Up: true, Addresses: prefixes(own + "/24")},
			{Name: "eth1", Kind: "veth", MTU: 1500, Up: true},
			{Name: "eth2", Kind: "veth", MTU: 1500, Up: true},
			{Netns: "pid:77", Name: "eth1", Kind: "veth", MTU: 1500, Up: true},
		},
		Switch: &SwitchFacts{
			Bridges: []string{"br-ex", "br-int", "br-phy", "br-tun"},
			Ports: []SwitchPort{
				{Bridge: "br-int", Name: tap, IfaceID: port, OFPort: 2, Tag: 3, Noted: 3},
				{Bridge: "br-int", Name: "patch-tun", Type: "patch", OFPort: 1, Peer: "patch-int"},
				{Bridge: "br-int", Name: "int-br-ex", Type: "patch", OFPort: 4, Peer: "phy-br-ex"},
				{Bridge: "br-tun", Name: "patch-int", Type: "patch", OFPort: 1, Peer: "patch-tun"},
				{Bridge: "br-ex", Name: "phy-br-ex", Type: "patch", OFPort: 1, Peer: "int-br-ex"},
				{Bridge: "br-ex", Name: "eth2", OFPort: 2},
				{Bridge: "br-ex", Name: "br-ex", Type: "internal", OFPort: 65534},
				{Bridge: "br-phy", Name: "eth1", OFPort: 1},
				{Bridge: "br-phy", Name: "br-phy", Type: "internal", OFPort: 65534},
			},
		},
	}
	for i, peer := range peers {
		f.Switch.Ports = append(f.Switch.Ports, SwitchPort{Bridge: "br-tun", Name: tunnelPort("vxlan", prefixes(peer + "/32")[0].Addr()), Type: "vxlan", OFPort: 2 + i, LocalIP: own, RemoteIP: peer})
	}
	return f
}

// on is the port called so of a host, to be changed.
func (f HostFacts) on(name string) *SwitchPort {
	i := slices.IndexFunc(f.Switch.Ports, func(p SwitchPort) bool { return p.Name == name })
	return &f.Switch.Ports[i]
}

func (f HostFacts) without(name string) {
	f.Switch.Ports = slices.DeleteFunc(f.Switch.Ports, func(p SwitchPort) bool { return p.Name == name })
}

// TestConfirmSwitch holds a path through Open vSwitch against hosts that are as
// they should be, then against one fault at a time.
func TestConfirmSwitch(t *testing.T) {
	path, err := openVSwitch().snapshot().PathBetween(idOf("a0000000"), idOf("b0000000"))
	if err != nil {
		t.Fatal(err)
	}
	const tap = "tapa0000000-01"
	good := func() map[string]HostFacts {
		return map[string]HostFacts{
			"cmp1": wiredHost(tap, idOf("a0000000"), "10.99.0.11", "10.99.0.12", "10.99.0.10"),
			"cmp2": wiredHost("tapb0000000-01", idOf("b0000000"), "10.99.0.12", "10.99.0.11"),
		}
	}
	said := func(found map[string]HostFacts) string {
		var out []string
		for _, c := range Confirm(path.Hops, found) {
			for _, d := range c.Faults {
				out = append(out, fmt.Sprintf("%d %s: %s", c.Index, d.Kind, d.Text))
			}
		}
		return strings.Join(out, "; ")
	}
	equal(t, "nothing wrong", said(good()), "")
	for i, c := range Confirm(path.Hops, good()) {
		h := path.Hops[i]
		if asked := h.Seen != SeenBlind; c.Asked != asked || asked && c.Device == "" {
			t.Errorf("hop %d: %+v", c.Index, c)
		}
		if h.Device == "br-int" && c.Tag != 3 {
			t.Errorf("hop %d: tag %d", c.Index, c.Tag)
		}
	}
	equal(t, "the NIC", Confirm(path.Hops, good())[3].Device, "eth1")

	for want, fault := range map[string]func(HostFacts){ // of cmp1
		"1 tag: the VLAN tag of " + tap + " in br-int is 99, Neutron's agent had given it 3":       func(f HostFacts) { f.on(tap).Tag = 99 },
		"1 tag: " + tap + " is in the dead VLAN 4095, Neutron's agent had given it tag 3":          func(f HostFacts) { f.on(tap).Tag = 4095 },
		"1 tag: " + tap + " is in the dead VLAN 4095: Neutron's agent has not wired it":            func(f HostFacts) { f.on(tap).Tag, f.on(tap).Noted = 4095, 0 },
		"1 tag: " + tap + " has no VLAN tag, Neutron's agent had given it 3":                       func(f HostFacts) { f.on(tap).Tag = 0 },
		"1 tag: " + tap + " has no VLAN tag: Neutron's agent has not wired it":                     func(f HostFacts) { f.on(tap).Tag, f.on(tap).Noted = 0, 0 },
		"1 port: " + tap + " is plugged for port b0000000, not for a0000000":                       func(f HostFacts) { f.on(tap).IfaceID = idOf("b0000000") },
		"1 port: " + tap + " is plugged for no port (its iface-id is empty), not for a0000000":     func(f HostFacts) { f.on(tap).IfaceID = "" },
		"1 bridge: " + tap + " is in no bridge of Open vSwitch, not in br-int":                     func(f HostFacts) { f.without(tap) },
		"1 bridge: " + tap + " is in br-ex, not in br-int":                                         func(f HostFacts) { f.on(tap).Bridge = "br-ex" },
		"1 error: Open vSwitch could not add " + tap + " to br-int: could not open network device": func(f HostFacts) { f.on(tap).Error, f.on(tap).OFPort = "could not open network device", -1 },
		"1 error: Open vSwitch could not add " + tap + " to br-int (ofport -1)":                    func(f HostFacts) { f.on(tap).OFPort = -1 },
		"2 down: ovs-vswitchd of cmp1 does not answer: refused":                                    func(f HostFacts) { f.Switch.Down = "refused" },
		"3 missing: br-tun of cmp1 has no vxlan port to 10.99.0.12":                                func(f HostFacts) { f.without("vxlan-0a63000c") },
		"3 tunnel: vxlan-0a63000c in br-tun of cmp1 leads to 10.9.9.9, not to 10.99.0.12":          func(f HostFacts) { f.on("vxlan-0a63000c").RemoteIP = "10.9.9.9" },
		"3 tunnel: vxlan-0a63000c in br-tun of cmp1 sends from 10.9.9.9, not from 10.99.0.11":      func(f HostFacts) { f.on("vxlan-0a63000c").LocalIP = "10.9.9.9" },
		"3 error: Open vSwitch could not add vxlan-0a63000c to br-tun: address already in use":     func(f HostFacts) { f.on("vxlan-0a63000c").Error = "address already in use" },
		"3 missing: no pair of patch ports joins br-int and br-tun of cmp1":                        func(f HostFacts) { f.without("patch-tun") },
		"1 missing: " + tap + " is not on cmp1; 1 error: Open vSwitch could not add " + tap + " to br-int: could not open network device " + tap + " (No such device)": func(f HostFacts) {
			f.Devices[0].Name, f.on(tap).OFPort, f.on(tap).Error = "other", -1, "could not open network device "+tap+" (No such device)"
		},
	} {
		found := good()
		fault(found["cmp1"])
		equal(t, "said", said(found), want)
	}

	found := good()
	f := found["cmp1"]
	f.Switch.Bridges = []string{"br-tun"}
	equal(t, "without br-int", said(found), "2 missing: Open vSwitch of cmp1 has no bridge br-int")

	found = good()
	for i := range found["cmp1"].Switch.Ports { // ovs_agent.ini, tunnel_bridge
		if p := &found["cmp1"].Switch.Ports[i]; p.Bridge == "br-tun" {
			p.Bridge = "br-vx"
		}
	}
	found["cmp1"].Switch.Bridges[3] = "br-vx"
	equal(t, "a tunnel bridge of another name", said(found), "")
	equal(t, "it is found", Confirm(path.Hops, found)[2].Device, "br-vx")

	found = good()
	found["cmp1"].on("patch-tun").Bridge = "br-ex"
	equal(t, "a patch port in another bridge", said(found), "3 missing: no pair of patch ports joins br-int and br-tun of cmp1")

	found = good()
	found["cmp1"].on(tap).Tag = 4095
	equal(t, "the dead VLAN is no network's", Confirm(path.Hops, found)[1].Tag, 0)

	for _, d := range good()["cmp1"].devices() {
		if want := map[string]string{tap: "br-int", "eth1": "br-phy", "eth2": "br-ex", "br-phy": "br-phy"}[d.Name]; d.Netns == "" && d.Bridge != want || d.Netns != "" && d.Bridge != "" {
			t.Errorf("%s/%s is in %q", d.Netns, d.Name, d.Bridge)
		}
	}

	found = good()
	found["cmp1"].on("patch-tun").Peer = "phy-br-ex"
	equal(t, "a patch port that leads elsewhere", said(found), "3 missing: no pair of patch ports joins br-int and br-tun of cmp1")

	found = good()
	found["cmp1"].on("vxlan-0a63000c").RemoteIP, found["cmp1"].on("vxlan-0a63000c").LocalIP = "flow", ""
	equal(t, "a tunnel whose addresses flows give", said(found), "")
}

// TestConfirmNIC tells the NIC of a bridge where OVSDB leaves one, and what it
// can be where it leaves more.
func TestConfirmNIC(t *testing.T) {
	path, err := openVSwitch().snapshot().PathBetween(idOf("a0000000"), idOf("b0000000"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(change func(*HostFacts)) Confirmation {
		f := wiredHost("tapa0000000-01", idOf("a0000000"), "10.99.0.11", "10.99.0.12")
		change(&f)
		return Confirm(path.Hops, map[string]HostFacts{"cmp1": f})[3]
	}
	second := func(f *HostFacts) {
		f.Switch.Ports = append(f.Switch.Ports, SwitchPort{Bridge: "br-phy", Name: "eth2", OFPort: 5})
	}
	for name, c := range map[string]struct {
		change              func(*HostFacts)
		device, among, none string
	}{
		"one": {func(*HostFacts) {}, "eth1", "", ""},
		"beside a plugged device": {func(f *HostFacts) {
			second(f)
			f.Switch.Ports[len(f.Switch.Ports)-1].IfaceID = "x"
			f.unplug("eth2", "br-ex")
		}, "eth1", "", ""},
		"two":    {func(f *HostFacts) { f.unplug("eth2", "br-ex"); second(f) }, "", "eth1 eth2", ""},
		"none":   {func(f *HostFacts) { f.without("eth1") }, "", "", "br-phy holds no NIC"},
		"DPDK's": {func(f *HostFacts) { f.on("eth1").Type, f.on("eth1").Name = "dpdk", "dpdk0" }, "", "", "dpdk0 in br-phy is DPDK's: the kernel does not see its packets"},
	} {
		got := at(c.change)
		equal(t, name+": device", got.Device, c.device)
		equal(t, name+": among", strings.Join(got.Among, " "), c.among)
		equal(t, name+": none", got.None, c.none)
		if len(got.Faults) > 0 {
			t.Errorf("%s: %v", name, got.Faults)
		}
	}
	got := at(func(f *HostFacts) {
		f.on("eth1").OFPort, f.on("eth1").Error = -1, "could not open network device eth1"
		f.Devices = slices.DeleteFunc(f.Devices, func(d DeviceFacts) bool { return d.Name == "eth1" && d.Netns == "" })
	})
	if len(got.Faults) != 1 || got.Faults[0].Text != "Open vSwitch could not add eth1 to br-phy: could not open network device eth1" {
		t.Errorf("a NIC that went away: %+v", got)
	}
}

func (f HostFacts) unplug(name, bridge string) {
	f.Switch.Ports = slices.DeleteFunc(f.Switch.Ports, func(p SwitchPort) bool { return p.Name == name && p.Bridge == bridge })
}

// TestConfirmVhost finds the port of a guest whose packets the kernel never sees.
func TestConfirmVhost(t *testing.T) {
	s := openVSwitch().snapshot()
	p, _ := s.Port(idOf("a0000000"))
	p.VIFType = "vhostuser"
	path, err := s.With(p).PathBetween(idOf("a0000000"), idOf("b0000000"))
	if err != nil {
		t.Fatal(err)
	}
	f := wiredHost("vhua0000000-01", idOf("a0000000"), "10.99.0.11", "10.99.0.12")
	f.Devices = f.Devices[1:]
	f.on("vhua0000000-01").Type = "dpdkvhostuserclient"
	first := func() Confirmation { return Confirm(path.Hops, map[string]HostFacts{"cmp1": f})[0] }
	if c := first(); c.Device != "vhua0000000-01" || len(c.Faults) > 0 {
		t.Errorf("%+v", c)
	}
	f.on("vhua0000000-01").Tag = 4095
	if c := first(); len(c.Faults) != 1 || c.Faults[0].Kind != DifferTag {
		t.Errorf("dead: %+v", c)
	}
	f.without("vhua0000000-01")
	if c := first(); len(c.Faults) != 1 || c.Faults[0].Text != "no port of Open vSwitch on cmp1 is plugged for a0000000" {
		t.Errorf("missing: %+v", c)
	}
}

// TestConfirmTrunk: the tap of a trunk's parent is in the trunk's bridge and has
// no tag; the tag stands on the patch port of br-int.
func TestConfirmTrunk(t *testing.T) {
	site := openVSwitch()
	site.details = map[string]any{"bridge_name": "tbr-11111111-1", "bound_drivers": map[string]any{"0": "openvswitch"}}
	path, err := site.snapshot().PathBetween(idOf("a0000000"), idOf("c0000000"))
	if err != nil {
		t.Fatal(err)
	}
	f := wiredHost("tapa0000000-01", idOf("a0000000"), "10.99.0.11", "10.99.0.12")
	f.Switch.Bridges = append(f.Switch.Bridges, "tbr-11111111-1")
	tap := f.on("tapa0000000-01")
	tap.Bridge, tap.Tag, tap.Noted = "tbr-11111111-1", 0, 0
	f.Switch.Ports = append(f.Switch.Ports,
		SwitchPort{Bridge: "tbr-11111111-1", Name: "tpt-1", Type: "patch", OFPort: 2, Peer: "tpi-1"},
		SwitchPort{Bridge: "br-int", Name: "tpi-1", Type: "patch", OFPort: 9, Peer: "tpt-1", IfaceID: idOf("a0000000"), Tag: 5, Noted: 5})
	got := Confirm(path.Hops[:3], map[string]HostFacts{"cmp1": f})
	for _, c := range got {
		if !c.Asked || len(c.Faults) > 0 {
			t.Errorf("hop %d: %+v", c.Index, c)
		}
	}
	equal(t, "tap", got[0].Device, "tapa0000000-01")
	equal(t, "tag", got[2].Tag, 5)
}
