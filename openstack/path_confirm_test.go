package openstack

import (
	"net/netip"
	"strings"
	"testing"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// TestConfirm holds the path of two servers and that to DHCP against hosts that
// are as they should be, then against one fault at a time.
func TestConfirm(t *testing.T) {
	qdhcp := "qdhcp-" + idN
	good := func() map[string]HostFacts {
		return map[string]HostFacts{
			"cmp1": {Devices: []DeviceFacts{
				{Name: "tapa0000000-01", Kind: "tun", MTU: 1450, Up: true, Master: "brqaaaaaaaa-00"},
				{Name: "brqaaaaaaaa-00", Kind: "bridge", MTU: 1450, Up: true},
				{Name: "vxlan-101", Kind: "vxlan", MTU: 1450, Up: true, Master: "brqaaaaaaaa-00"},
				{Name: "eth1", Kind: "device", MTU: 1500, Up: true, Addresses: prefixes("10.99.0.11/24")},
			}},
			"net0": {Devices: []DeviceFacts{
				{Name: "tapdd000000-01", Kind: "veth", MTU: 1450, Up: true, Master: "brqaaaaaaaa-00"},
				{Name: "brqaaaaaaaa-00", Kind: "bridge", MTU: 1450, Up: true},
				{Name: "vxlan-101", Kind: "vxlan", MTU: 1450, Up: true, Master: "brqaaaaaaaa-00"},
				{Name: "eth1", Kind: "device", MTU: 1500, Up: true, Addresses: prefixes("10.99.0.10/24")},
				{Netns: qdhcp, Name: "ns-dd000000-01", Kind: "veth", MTU: 1450, Up: true, Addresses: prefixes("10.1.0.2/24")},
			}},
		}
	}
	path, err := linuxBridge().snapshot().PathToDHCP(idOf("a0000000"))
	if err != nil {
		t.Fatal(err)
	}
	said := func(found map[string]HostFacts) string {
		var out []string
		for _, c := range Confirm(path.Hops, found) {
			for _, d := range c.Faults {
				out = append(out, string(d.Kind)+": "+d.Text)
			}
		}
		return strings.Join(out, "; ")
	}
	equal(t, "nothing wrong", said(good()), "")
	for _, c := range Confirm(path.Hops, good()) {
		if h := path.Hops[c.Index-1]; c.Asked != (h.Seen == SeenPackets) || c.Asked && c.Device == "" {
			t.Errorf("hop %d: %+v", c.Index, c)
		}
	}
	for want, fault := range map[string]func(map[string]HostFacts){
		"down: tapa0000000-01 is down":                                         func(f map[string]HostFacts) { f["cmp1"].Devices[0].Up = false },
		"bridge: tapa0000000-01 is in no bridge, not in brqaaaaaaaa-00":        func(f map[string]HostFacts) { f["cmp1"].Devices[0].Master = "" },
		"bridge: vxlan-101 is in brqother, not in brqaaaaaaaa-00":              func(f map[string]HostFacts) { f["net0"].Devices[2].Master = "brqother" },
		"mtu: the MTU of eth1 is 1400, less than 1500":                         func(f map[string]HostFacts) { f["cmp1"].Devices[3].MTU = 1400 },
		"mtu: the MTU of tapa0000000-01 is 9000, more than the network's 1450": func(f map[string]HostFacts) { f["cmp1"].Devices[0].MTU = 9000 },
		"missing: vxlan-101 is not on cmp1":                                    func(f map[string]HostFacts) { f["cmp1"].Devices[2].Name = "vxlan-7" },
		"missing: a device with 10.99.0.11 is not on cmp1":                     func(f map[string]HostFacts) { f["cmp1"].Devices[3].Addresses = nil },
		"address: ns-dd000000-01 does not have 10.1.0.2":                       func(f map[string]HostFacts) { f["net0"].Devices[4].Addresses = nil },
		"namespace: namespace " + qdhcp + " is not on net0":                    func(f map[string]HostFacts) { f["net0"].Devices[4].Netns = "x" },
		"kind: vxlan-101 is a device of kind veth, not vxlan":                  func(f map[string]HostFacts) { f["net0"].Devices[2].Kind = "veth" },
		"": func(f map[string]HostFacts) { delete(f, "net0") },
	} {
		found := good()
		fault(found)
		equal(t, "said", said(found), want)
	}
	dead := good()
	dead["net0"] = HostFacts{Devices: dead["net0"].Devices, Dead: map[string]string{qdhcp: "it lost its mount"}}
	equal(t, "dead namespace", said(dead), "namespace: namespace "+qdhcp+" can't be entered: it lost its mount")
}

// TestConfirmUplink finds the NIC behind an internal port where OVSDB was asked,
// and does not guess where it wasn't.
func TestConfirmUplink(t *testing.T) {
	path, err := openVSwitch().snapshot().PathBetween(idOf("a0000000"), idOf("b0000000"))
	if err != nil {
		t.Fatal(err)
	}
	devices := []DeviceFacts{
		{Name: "br-phy", Kind: "tun", MTU: 1500, Up: true, Bridge: "br-phy", Addresses: prefixes("10.99.0.11/24")},
		{Name: "eth1", Kind: "veth", MTU: 1500, Up: true, Bridge: "br-phy"},
		{Name: "eth2", Kind: "veth", MTU: 1500, Up: true, Bridge: "br-ex"},
		{Name: "weird", Kind: "tun", MTU: 1450, Up: true, Bridge: "br-int", IfaceID: idOf("a0000000")},
	}
	got := Confirm(path.Hops, map[string]HostFacts{"cmp1": {Devices: devices}})
	equal(t, "tap, by its iface-id", got[0].Device, "weird")
	equal(t, "NIC", got[3].Device, "eth1")
	for i := range devices {
		devices[i].Bridge, devices[i].IfaceID = "", ""
	}
	got = Confirm(path.Hops, map[string]HostFacts{"cmp1": {Devices: devices}})
	if got[3].Device != "" || len(got[3].Faults) > 0 {
		t.Errorf("without OVSDB: %+v", got[3])
	}
	equal(t, "tap", got[0].Faults[0].Kind, DifferMissing)
}
