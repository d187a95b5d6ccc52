package openstack

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// DeviceFacts is a device as the agent of its host found it.
type DeviceFacts struct {
	Netns     string // "" for the node's own
	Name      string
	Kind      string // IFLA_INFO_KIND, "device" where the kernel gives none
	MTU       int
	Up        bool           // IFF_UP
	Master    string         // the bridge that the kernel knows
	Bridge    string         // the Open vSwitch bridge; "" where HostFacts.Switch tells
	IfaceID   string         // external_ids:iface-id; likewise
	Addresses []netip.Prefix // with the length of their network
}

// HostFacts is what is known of a host.
type HostFacts struct {
	Devices []DeviceFacts
	Dead    map[string]string // namespaces that can't be entered, and why
	Switch  *SwitchFacts      // nil where OVSDB was not asked
}

// Confirmation is a hop held against what is on its host.
type Confirmation struct {
	Index  int          `json:"index"`            // of the hop
	Asked  bool         `json:"asked"`            // false where the host did not answer or there is nothing to ask about
	Device string       `json:"device,omitempty"` // as found; "" where it is missing or OVSDB alone can tell
	Faults []Difference `json:"faults,omitempty"`
	// Among are the devices of which one is the hop's, where OVSDB tells no more;
	// None says why it tells that there is no such device.
	Among []string `json:"among,omitempty"`
	None  string   `json:"none,omitempty"`
	// Tag is the VLAN tag that stands for the network inside of this host's Open
	// vSwitch, 0 where it's not known.
	Tag int `json:"tag,omitempty"`
}

// DifferenceKind is how a device differs from what is expected.
type DifferenceKind string

// The differences.
const (
	DifferMissing   DifferenceKind = "missing"   // the device is not there
	DifferNamespace DifferenceKind = "namespace" // its namespace is not there, or is dead
	DifferDown      DifferenceKind = "down"
	DifferMTU       DifferenceKind = "mtu"
	DifferBridge    DifferenceKind = "bridge"  // in another bridge, or in none
	DifferAddress   DifferenceKind = "address" // an address is not on it
	DifferKind      DifferenceKind = "kind"
	DifferPort      DifferenceKind = "port"   // plugged for another Neutron port
	DifferTag       DifferenceKind = "tag"    // the VLAN tag is not what Neutron's agent gave
	DifferError     DifferenceKind = "error"  // Open vSwitch could not add it
	DifferTunnel    DifferenceKind = "tunnel" // from or to another address
)

// Difference is one thing that is not as it should be, and a clause about it.
type Difference struct {
	Kind DifferenceKind `json:"kind"`
	Text string         `json:"text"`
}

// Plug tells whether it is about how a device is plugged into a switch, so that
// packets stop right beside it.
func (d Difference) Plug() bool {
	switch d.Kind {
	case DifferBridge, DifferPort, DifferTag, DifferError:
		return true
	}
	return false
}

func differ(kind DifferenceKind, format string, args ...any) Difference {
	return Difference{kind, fmt.Sprintf(format, args...)}
}

// Confirm holds hops against what was found on the hosts, by the hosts' names.
// Of a host that found lacks nothing is said.
func Confirm(hops []Hop, found map[string]HostFacts) []Confirmation {
	out := make([]Confirmation, len(hops))
	for i, h := range hops {
		out[i] = Confirmation{Index: h.Index}
		switch facts, ok := found[h.Host]; {
		case ok && h.Seen == SeenPackets:
			out[i] = h.confirm(facts)
		case ok && h.Seen == SeenCounters && facts.Switch != nil:
			out[i] = h.switched(*facts.Switch)
		}
	}
	return out
}

func (h Hop) confirm(facts HostFacts) Confirmation {
	c := Confirmation{Index: h.Index, Asked: true}
	if why, dead := facts.Dead[h.Netns]; dead {
		c.Faults = []Difference{differ(DifferNamespace, "namespace %s can't be entered: %s", h.Netns, why)}
		return c
	}
	here := slices.DeleteFunc(facts.devices(), func(d DeviceFacts) bool { return d.Netns != h.Netns })
	if len(here) == 0 && h.Netns != "" {
		c.Faults = []Difference{differ(DifferNamespace, "namespace %s is not on %s", h.Netns, h.Host)}
		return c
	}
	i, sure := h.Locate.find(here, h.Device)
	switch {
	case i >= 0:
		c.Device, c.Faults = here[i].Name, h.Expect.Differences(here[i])
	case sure:
		c.Faults = []Difference{differ(DifferMissing, "%s is not on %s", h.Locate.told(h.Device), h.Host)}
	}
	switch {
	case facts.Switch == nil:
	case h.Locate.IfaceID != "":
		c.Faults = append(c.Faults, h.plugged(*facts.Switch, c.Device)...)
	case i < 0 && !sure:
		h.narrow(&c, *facts.Switch, here)
	}
	return c
}

// narrow tells which devices the NIC in a bridge can be, by OVSDB.
func (h Hop) narrow(c *Confirmation, f SwitchFacts, here []DeviceFacts) {
	bridge := h.Locate.Uplink
	if a := h.Locate.Address; a.IsValid() {
		for _, d := range here {
			if d.carries(a) {
				bridge = first(d.Bridge, d.Name)
			}
		}
	}
	if !slices.Contains(f.Bridges, bridge) {
		return
	}
	c.None = bridge + " holds no NIC"
	var among []DeviceFacts
	for _, p := range f.members(bridge) {
		at := slices.IndexFunc(here, func(d DeviceFacts) bool { return d.Name == p.Name })
		switch {
		case p.Type != "":
			c.None = p.Name + " in " + bridge + " is DPDK's: the kernel does not see its packets"
		case p.Error != "" || p.OFPort < 0:
			c.Faults = append(c.Faults, p.failed()...)
		case at >= 0:
			among = append(among, here[at])
			c.Among = append(c.Among, p.Name)
		}
	}
	if len(among) > 0 {
		c.None = ""
	}
	if len(among) == 1 {
		c.Device, c.Among, c.Faults = among[0].Name, nil, append(c.Faults, h.Expect.Differences(among[0])...)
	}
}

// find is the device's position. Not sure: that it was not found doesn't mean
// that it isn't there, OVSDB was not asked.
func (l Locate) find(list []DeviceFacts, name string) (at int, sure bool) {
	by := func(ok func(DeviceFacts) bool) int { return slices.IndexFunc(list, ok) }
	if l.IfaceID != "" {
		if i := by(func(d DeviceFacts) bool { return d.IfaceID == l.IfaceID && d.Name == first(l.Name, name) }); i >= 0 {
			return i, true
		}
		if i := by(func(d DeviceFacts) bool { return d.IfaceID == l.IfaceID }); i >= 0 {
			return i, true
		}
	}
	switch {
	case l.Address.IsValid():
		i := by(func(d DeviceFacts) bool { return d.carries(l.Address) })
		if i < 0 || list[i].Kind != kindOVS && list[i].Kind != kindTun {
			return i, true
		}
		// An internal port carries it: the NIC is what is with it in its bridge.
		return uplink(list, first(list[i].Bridge, list[i].Name)), false
	case l.Uplink != "":
		return uplink(list, l.Uplink), false
	}
	return by(func(d DeviceFacts) bool { return d.Name == first(l.Name, name) }), true
}

// uplink is the NIC in a bridge, -1 where none or more than one could be it.
func uplink(list []DeviceFacts, bridge string) int {
	found := -1
	for i, d := range list {
		if d.Bridge != bridge && d.Master != bridge || d.Name == bridge || strings.HasPrefix(d.Name, "tap") || d.Kind == kindOVS || d.Kind == kindTun {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

func (l Locate) told(device string) string {
	if l.Address.IsValid() {
		return "a device with " + l.Address.String()
	}
	return first(l.Name, device)
}

func (d DeviceFacts) carries(a netip.Addr) bool {
	return slices.ContainsFunc(d.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

// Differences lists in what a device is not as it should be, the worst first.
func (e Expect) Differences(d DeviceFacts) []Difference {
	var out []Difference
	if !d.Up {
		out = append(out, differ(DifferDown, "%s is down", d.Name))
	}
	switch {
	case e.Master != "" && d.Master != e.Master:
		out = append(out, differ(DifferBridge, "%s is in %s, not in %s", d.Name, first(d.Master, "no bridge"), e.Master))
	case e.Bridge != "" && d.Bridge != "" && d.Bridge != e.Bridge && !e.Renamed:
		out = append(out, differ(DifferBridge, "%s is in %s, not in %s", d.Name, d.Bridge, e.Bridge))
	case e.Kernel && d.Master == "":
		out = append(out, differ(DifferBridge, "%s is in no bridge, not in %s", d.Name, e.Bridge))
	}
	var lacking []string
	for _, a := range e.Addresses {
		if !d.carries(a) {
			lacking = append(lacking, a.String())
		}
	}
	if len(lacking) > 0 {
		out = append(out, differ(DifferAddress, "%s does not have %s", d.Name, strings.Join(lacking, " and ")))
	}
	switch {
	case e.MTU == 0 || d.MTU == e.MTU || e.AtLeast && d.MTU > e.MTU:
	case d.MTU < e.MTU:
		out = append(out, differ(DifferMTU, "the MTU of %s is %d, less than %d", d.Name, d.MTU, e.MTU))
	default:
		out = append(out, differ(DifferMTU, "the MTU of %s is %d, more than the network's %d", d.Name, d.MTU, e.MTU))
	}
	if len(e.Kinds) > 0 && !slices.Contains(e.Kinds, d.Kind) {
		out = append(out, differ(DifferKind, "%s is a device of kind %s, not %s", d.Name, d.Kind, strings.Join(e.Kinds, " or ")))
	}
	return out
}
