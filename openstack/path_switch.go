package openstack

import (
	"net/netip"
	"slices"
	"strings"
)

// SwitchFacts is the Open vSwitch of a host as its database (OVSDB) tells.
type SwitchFacts struct {
	Bridges []string
	Ports   []SwitchPort
	Down    string // why ovs-vswitchd does not answer, "" where it does
}

// SwitchPort is an interface of Open vSwitch with what stands about its port.
type SwitchPort struct {
	Bridge  string
	Name    string
	Type    string // "" is a device of the host; internal, patch, vxlan, gre, geneve, dpdk...
	IfaceID string // external_ids:iface-id, the Neutron port that it's plugged for
	OFPort  int    // -1: it could not be added
	Error   string // why not
	Tag     int    // 0: none
	// Noted is the tag that Neutron's agent keeps in other_config:tag beside the
	// one that counts (OVSNeutronAgent.port_bound), 0 where it keeps none.
	Noted             int
	Peer              string // of a patch port
	LocalIP, RemoteIP string // of a tunnel: an address or "flow"
}

// deadVLAN is the tag of ports that Neutron's agent has not wired, or no longer
// (ovs_constants.DEAD_VLAN_TAG). No packet passes there.
const deadVLAN = 4095

// The types of interfaces.
const (
	typeInternal = "internal"
	typePatch    = "patch"
	byFlow       = "flow" // remote_ip=flow: flows give the address
)

// Plug finds the port that a Neutron port is plugged with, at best in a bridge.
func (f SwitchFacts) Plug(iface, bridge string) (SwitchPort, bool) {
	found := -1
	for i, p := range f.Ports {
		if p.IfaceID != iface || iface == "" {
			continue
		}
		if p.Bridge == bridge {
			return p, true
		}
		if found < 0 {
			found = i
		}
	}
	if found < 0 {
		return SwitchPort{}, false
	}
	return f.Ports[found], true
}

// Tunnel finds the port of a tunnel to its far end.
func (f SwitchFacts) Tunnel(e Encap) (SwitchPort, bool) {
	i := slices.IndexFunc(f.Ports, func(p SwitchPort) bool {
		return p.Type == string(e.Kind) && (p.RemoteIP == byFlow || sameAddress(p.RemoteIP, e.Remote))
	})
	if i < 0 {
		return SwitchPort{}, false
	}
	return f.Ports[i], true
}

// Patch finds the patch port of a bridge that is joined to one of another bridge.
func (f SwitchFacts) Patch(bridge, to string) (SwitchPort, bool) {
	i := slices.IndexFunc(f.Ports, func(p SwitchPort) bool {
		if p.Bridge != bridge || p.Type != typePatch {
			return false
		}
		peer, ok := f.Named(p.Peer)
		return ok && peer.Type == typePatch && peer.Bridge == to && peer.Peer == p.Name
	})
	if i < 0 {
		return SwitchPort{}, false
	}
	return f.Ports[i], true
}

// Named finds a port by its name.
func (f SwitchFacts) Named(name string) (SwitchPort, bool) {
	i := slices.IndexFunc(f.Ports, func(p SwitchPort) bool { return p.Name == name })
	if i < 0 {
		return SwitchPort{}, false
	}
	return f.Ports[i], true
}

// devices are the host's devices with what OVSDB knows of them. A device in a
// namespace can only be an internal port: the same name there may be another's.
func (f HostFacts) devices() []DeviceFacts {
	out := slices.Clone(f.Devices)
	if f.Switch == nil {
		return out
	}
	for i := range out {
		d := &out[i]
		p, ok := f.Switch.Named(d.Name)
		if !ok || d.Netns != "" && p.Type != typeInternal {
			continue
		}
		d.Bridge, d.IfaceID = first(d.Bridge, p.Bridge), first(d.IfaceID, p.IfaceID)
	}
	return out
}

// members are the NICs in a bridge: devices of the host that are no Neutron
// port's.
func (f SwitchFacts) members(bridge string) []SwitchPort {
	return slices.DeleteFunc(slices.Clone(f.Ports), func(p SwitchPort) bool {
		return p.Bridge != bridge || p.Type != "" && !strings.HasPrefix(p.Type, "dpdk") || p.IfaceID != ""
	})
}

// plugged holds a port of Open vSwitch against what a hop expects of it; device
// is the one that was found, "" for none.
func (h Hop) plugged(f SwitchFacts, device string) []Difference {
	p, ok := f.Plug(h.Locate.IfaceID, h.Expect.Bridge)
	if !ok {
		if p, ok = f.Named(first(device, h.Device)); !ok {
			if device == "" {
				return nil // that it's missing was said
			}
			return []Difference{differ(DifferBridge, "%s is in no bridge of Open vSwitch, not in %s", device, first(h.Expect.Bridge, "br-int"))}
		}
	}
	var out []Difference
	if p.IfaceID != h.Locate.IfaceID {
		other := "no port (its iface-id is empty)"
		if p.IfaceID != "" {
			other = "port " + short(p.IfaceID)
		}
		out = append(out, differ(DifferPort, "%s is plugged for %s, not for %s", p.Name, other, short(h.Locate.IfaceID)))
	}
	out = append(out, p.failed()...)
	if h.Expect.Tagged {
		out = append(out, p.tagged()...)
	}
	return out
}

// failed tells why Open vSwitch could not add a port.
func (p SwitchPort) failed() []Difference {
	switch {
	case p.Error != "":
		return []Difference{differ(DifferError, "Open vSwitch could not add %s to %s: %s", p.Name, p.Bridge, p.Error)}
	case p.OFPort < 0:
		return []Difference{differ(DifferError, "Open vSwitch could not add %s to %s (ofport %d)", p.Name, p.Bridge, p.OFPort)}
	}
	return nil
}

// tagged holds the tag of a port of the integration bridge against what
// Neutron's agent noted beside it.
func (p SwitchPort) tagged() []Difference {
	switch {
	case p.Tag == deadVLAN && p.Noted > 0:
		return []Difference{differ(DifferTag, "%s is in the dead VLAN %d, Neutron's agent had given it tag %d", p.Name, p.Tag, p.Noted)}
	case p.Tag == deadVLAN:
		return []Difference{differ(DifferTag, "%s is in the dead VLAN %d: Neutron's agent has not wired it", p.Name, p.Tag)}
	case p.Tag == 0 && p.Noted > 0:
		return []Difference{differ(DifferTag, "%s has no VLAN tag, Neutron's agent had given it %d", p.Name, p.Noted)}
	case p.Tag == 0:
		return []Difference{differ(DifferTag, "%s has no VLAN tag: Neutron's agent has not wired it", p.Name)}
	case p.Noted > 0 && p.Tag != p.Noted:
		return []Difference{differ(DifferTag, "the VLAN tag of %s in %s is %d, Neutron's agent had given it %d", p.Name, p.Bridge, p.Tag, p.Noted)}
	}
	return nil
}

// switched holds a bridge of Open vSwitch, which can't be captured, against
// what its host's database tells.
func (h Hop) switched(f SwitchFacts) Confirmation {
	c := Confirmation{Index: h.Index, Asked: true, Device: h.Device}
	if p, ok := f.Plug(h.Expect.Port, h.Device); ok && p.Tag != deadVLAN {
		c.Tag = p.Tag
	}
	switch {
	case h.Locate.IfaceID != "": // a port that is no device: vhost-user
		c.Device = ""
		if p, ok := f.Plug(h.Locate.IfaceID, h.Expect.Bridge); ok {
			c.Device = p.Name
		} else {
			c.Faults = append(c.Faults, differ(DifferMissing, "no port of Open vSwitch on %s is plugged for %s", h.Host, short(h.Locate.IfaceID)))
		}
		c.Faults = append(c.Faults, h.plugged(f, c.Device)...)
		return c
	case h.Expect.Tunnel.Kind != "":
		return h.tunnelled(f, c)
	case !slices.Contains(f.Bridges, h.Device) && !h.Expect.Renamed:
		c.Device = ""
		c.Faults = append(c.Faults, differ(DifferMissing, "Open vSwitch of %s has no bridge %s", h.Host, h.Device))
		return c
	}
	if f.Down != "" {
		c.Faults = append(c.Faults, differ(DifferDown, "ovs-vswitchd of %s does not answer: %s", h.Host, f.Down))
	}
	return h.patched(f, c)
}

// tunnelled looks for the tunnel's port. The bridge's name is no part of what
// the API tells (ovs_agent.ini, tunnel_bridge), so where another has the port it
// is that one.
func (h Hop) tunnelled(f SwitchFacts, c Confirmation) Confirmation {
	want := h.Expect.Tunnel
	p, ok := f.Tunnel(want)
	if !ok {
		name := tunnelPort(string(want.Kind), want.Remote)
		if p, ok := f.Named(name); ok && p.Type == string(want.Kind) {
			c.Faults = append(c.Faults, differ(DifferTunnel, "%s in %s of %s leads to %s, not to %v", name, p.Bridge, h.Host, first(p.RemoteIP, "nowhere"), want.Remote))
			return c
		}
		c.Faults = append(c.Faults, differ(DifferMissing, "%s of %s has no %s port to %v", h.Device, h.Host, want.Kind, want.Remote))
		return c
	}
	c.Device = p.Bridge
	if p.LocalIP != "" && p.LocalIP != byFlow && !sameAddress(p.LocalIP, want.Local) {
		c.Faults = append(c.Faults, differ(DifferTunnel, "%s in %s of %s sends from %s, not from %v", p.Name, p.Bridge, h.Host, p.LocalIP, want.Local))
	}
	c.Faults = append(c.Faults, p.failed()...)
	return h.patched(f, c)
}

// patched looks for the pair of patch ports to the next bridge.
func (h Hop) patched(f SwitchFacts, c Confirmation) Confirmation {
	to := h.Expect.Patch
	if to == "" || !slices.Contains(f.Bridges, to) {
		return c // that it's missing is said at its own hop
	}
	if _, joined := f.Patch(c.Device, to); !joined {
		c.Faults = append(c.Faults, differ(DifferMissing, "no pair of patch ports joins %s and %s of %s", to, c.Device, h.Host))
	}
	return c
}

func sameAddress(text string, a netip.Addr) bool {
	b, err := netip.ParseAddr(text)
	return err == nil && b.Unmap() == a.Unmap()
}
