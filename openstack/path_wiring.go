package openstack

import (
	"fmt"
	"net/netip"
	"strings"
)

// The types of networks (provider:network_type).
const (
	typeVXLAN  = "vxlan"
	typeGRE    = "gre"
	typeGeneve = "geneve"
	typeVLAN   = "vlan"
	typeFlat   = "flat"
	typeLocal  = "local"
)

// mechanism is what connects the ports of a host.
type mechanism int

const (
	mechUnknown mechanism = iota
	mechBridge            // ML2/Linux bridge
	mechOVS               // ML2/Open vSwitch
	mechOVN
)

// wiring is how a port hangs on its host's switch.
type wiring struct {
	mech     mechanism
	host     string
	agent    Agent // the L2 agent of the host, zero where it was not read
	network  Network
	bridge   string // the integration bridge where Open vSwitch is the switch and its patch ports are known
	devices  []Hop  // from the port outwards
	exchange []Hop  // the switch itself
}

const (
	kindTun    = "tun"
	kindVeth   = "veth"
	kindBridge = "bridge"
	kindOVS    = "openvswitch" // an internal port of the kernel's datapath
	kindVXLAN  = "vxlan"
	kindVLAN   = "vlan"
)

// datapathUser is the datapath_type of Open vSwitch's userspace datapath, whose
// internal ports are tap devices and whose ports have no master.
const datapathUser = "netdev"

// wiring works out how a port is plugged (os_vif, nova/network/os_vif_util.py,
// neutron/agent/linux/interface.py).
func (s *Snapshot) wiring(at plug) wiring {
	p := at.port
	n, _ := s.Network(p.NetworkID)
	x := wiring{host: at.host, network: n}
	var why string
	x.mech, why = s.mechanism(at)
	if why != "" {
		x.devices = []Hop{gap(at.host, s.endName(p), why)}
		return x
	}
	x.agent = s.switchAgent(at.host)
	if x.mech == mechOVS {
		x.bridge = x.integration(p)
	}
	x.devices = s.deviceHops(x, at)
	switch x.mech {
	case mechBridge:
		x.exchange = []Hop{{
			Host: x.host, Device: named("brq", p.NetworkID), What: "the bridge of network " + s.networkName(p.NetworkID), Seen: SeenPackets,
			Expect: Expect{Kinds: []string{kindBridge}, MTU: n.MTU, AtLeast: true},
		}}
	default:
		if trunk, ok := p.VIFDetails["bridge_name"].(string); ok && strings.HasPrefix(trunk, "tbr-") {
			x.exchange = append(x.exchange, Hop{
				Host: x.host, Device: trunk, What: "the trunk's bridge", Seen: SeenCounters, Why: patchWhy,
				Expect: Expect{Patch: x.integration(p)},
			})
		}
		what := "Open vSwitch, VLAN tag known on the host alone"
		if x.mech == mechOVN {
			what = "Open vSwitch, with OVN's flows"
		}
		x.exchange = append(x.exchange, Hop{
			Host: x.host, Device: x.integration(p), What: what, Seen: SeenCounters, Why: patchWhy,
			Expect: Expect{Port: p.ID, Renamed: x.mech == mechOVN},
		})
	}
	return x
}

const patchWhy = "patch ports can't be captured"

func (s *Snapshot) endName(p Port) string { return "port of " + s.DisplayName(p) }

// mechanism tells what plugs a port, or why that can't be told.
func (s *Snapshot) mechanism(at plug) (mechanism, string) {
	p := at.port
	switch {
	case p.VIFType == "":
		return mechUnknown, fmt.Sprintf("the account may not see where port %s is bound (binding:vif_type)", short(p.ID))
	case p.VIFType == vifFailed:
		return mechUnknown, fmt.Sprintf("Neutron could not bind port %s to %s: no L2 agent alive there has the network", short(p.ID), first(at.host, "any host"))
	case p.DeviceOwner == ownerSubport:
		return mechUnknown, fmt.Sprintf("port %s is a trunk's subport: its VLAN inside the trunk was not read", short(p.ID))
	case at.host == "":
		return mechUnknown, fmt.Sprintf("port %s is bound to no host", short(p.ID))
	case p.VIFType == vifBridge:
		return mechBridge, ""
	case s.ovn(p):
		if ownedByRouter(p.DeviceOwner) {
			return mechUnknown, "OVN's routers are flows on the hosts, without devices"
		}
		return mechOVN, ""
	case p.VIFType == vifOVS, p.VIFType == "distributed", strings.HasPrefix(p.VIFType, "vhostuser"):
		return mechOVS, ""
	case p.VIFType == vifUnbound:
		return mechUnknown, fmt.Sprintf("port %s is bound to no host", short(p.ID))
	}
	return mechUnknown, fmt.Sprintf("what binding:vif_type %s of port %s makes on a host is not known here", p.VIFType, short(p.ID))
}

// switchAgent is the agent that wires the ports of a host.
func (s *Snapshot) switchAgent(host string) Agent {
	n, _ := s.Node(host)
	for _, id := range n.Agents {
		if a, ok := lookup(s, KindAgent, s.Agents, id); ok && isSwitchAgent(a) {
			return a
		}
	}
	for _, a := range s.Agents { // a snapshot whose nodes were not joined
		if a.Host == host && isSwitchAgent(a) {
			return a
		}
	}
	return Agent{}
}

func isSwitchAgent(a Agent) bool {
	return a.Binary == "neutron-openvswitch-agent" || a.Binary == "neutron-linuxbridge-agent" || isOVN(a)
}

// integration is the name of the switch that a port is on.
func (x wiring) integration(p Port) string {
	bridge, _ := p.VIFDetails["bridge_name"].(string)
	if strings.HasPrefix(bridge, "tbr-") {
		bridge = ""
	}
	configured, _ := x.agent.Configurations["integration_bridge"].(string)
	return first(bridge, configured, "br-int") // the default of OVS.integration_bridge
}

// datapath is Open vSwitch's datapath_type, "" where nothing tells it.
func (x wiring) datapath(p Port) string {
	bound, _ := p.VIFDetails["datapath_type"].(string)
	configured, _ := x.agent.Configurations["datapath_type"].(string)
	return first(bound, configured)
}

// deviceHops are the devices of a port as hops, from the port outwards.
func (s *Snapshot) deviceHops(x wiring, at plug) []Hop {
	p := at.port
	var hops []Hop
	for _, d := range Devices(s, p) {
		if strings.HasPrefix(d.Name, "brq") {
			continue // the switch is a hop of its own
		}
		hops = append(hops, s.deviceHop(x, p, d))
	}
	if len(hops) > 0 {
		return hops
	}
	h := Hop{Host: x.host, What: s.endName(p), Seen: SeenBlind, Why: "it has no device that could be captured (vnic_type " + first(p.VNICType, "normal") + ", vif_type " + p.VIFType + ")"}
	if strings.HasPrefix(p.VIFType, "vhostuser") {
		h.Locate, h.Seen, h.Why = Locate{IfaceID: p.ID, Name: named("vhu", p.ID)}, SeenCounters, "a vhost-user socket carries no packets that the kernel sees"
		h.Expect = Expect{Bridge: x.integration(p), Tagged: x.mech == mechOVS}
	}
	return []Hop{h}
}

func (s *Snapshot) deviceHop(x wiring, p Port, d Device) Hop {
	h := Hop{
		Host: x.host, Netns: d.Netns, Device: d.Name, What: s.deviceWhat(p, d), Seen: SeenPackets,
		Locate: Locate{Name: d.Name},
		Expect: Expect{Kinds: []string{kindVeth}, MTU: x.network.MTU},
	}
	qbr := named("qbr", p.ID)
	hybrid, _ := p.VIFDetails["ovs_hybrid_plug"].(bool)
	switch prefix := d.Name[:min(3, len(d.Name))]; {
	case prefix == "qbr":
		h.Expect.Kinds, h.Expect.AtLeast = []string{kindBridge}, true
	case prefix == "qvb", prefix == "tap" && hybrid && d.Netns == "":
		h.Expect.Master = qbr
		if prefix == "tap" {
			h.Expect.Kinds = []string{kindTun, kindVeth}
		}
	case x.mech == mechBridge && d.Netns == "":
		h.Expect.Master = named("brq", p.NetworkID)
		if p.DeviceOwner == "" || strings.HasPrefix(p.DeviceOwner, ownerCompute) {
			h.Expect.Kinds = []string{kindTun, kindVeth}
		}
	case x.mech == mechBridge, p.DeviceOwner == ownerDistributed && d.Netns != "":
		// the inner end of a pair
	default: // a port of Open vSwitch
		h.Locate.IfaceID = p.ID
		h.Expect.Bridge = x.integration(p)
		h.Expect.Kernel = x.mech == mechOVS && x.datapath(p) != "" && x.datapath(p) != datapathUser && d.Netns == ""
		switch {
		case d.Netns != "":
			h.Expect.Kinds = []string{kindOVS, kindTun, kindVeth}
		case prefix == "tap":
			h.Expect.Kinds = []string{kindTun, kindVeth}
		}
		h.Expect.Tagged, h.Expect.Renamed = x.mech == mechOVS, x.mech == mechOVN
		if trunk, ok := p.VIFDetails["bridge_name"].(string); ok && strings.HasPrefix(trunk, "tbr-") {
			h.Expect.Bridge, h.Expect.Tagged = trunk, false
		}
	}
	if d.Netns != "" && p.DeviceOwner != ownerDistributed {
		h.Expect.Addresses = addressesOf(p)
	}
	return h
}

func (s *Snapshot) deviceWhat(p Port, d Device) string {
	if d.What == "the guest's tap" && s.DisplayName(p) != p.IP() {
		return s.DisplayName(p) + "'s tap"
	}
	return d.What
}

// tunnelIP is the address of a host's tunnels.
func (s *Snapshot) tunnelIP(x wiring) (netip.Addr, string) {
	if x.mech == mechOVN {
		return netip.Addr{}, "OVN keeps the tunnel's address in the host's OVSDB (external_ids:ovn-encap-ip), not in the API"
	}
	text, _ := x.agent.Configurations["tunneling_ip"].(string)
	if n, ok := s.Node(x.host); ok && text == "" {
		text = n.TunnelIP
	}
	if a, ok := parseAddr(text); ok {
		return a, ""
	}
	return netip.Addr{}, fmt.Sprintf("no agent of %s tells its tunneling_ip; agents can be read by an administrator", x.host)
}

// The bytes that a tunnel adds to a packet of the network: outer IP header,
// headers of the tunnel, inner Ethernet (ml2 type drivers: p_const.VXLAN_ENCAP_OVERHEAD
// 30, GENEVE_ENCAP_MIN_OVERHEAD 30, GRE_ENCAP_OVERHEAD 22, each and the IP header).
// OVN's Geneve has an option of 8 bytes.
const (
	overheadVXLAN  = 30
	overheadGRE    = 22
	overheadGeneve = 30
	overheadOption = 8
	headerIPv4     = 20
	headerIPv6     = 40
)

func overhead(kind EncapKind, outer netip.Addr, mech mechanism) int {
	n := headerIPv4
	if outer.Is6() {
		n = headerIPv6
	}
	switch kind {
	case EncapVXLAN:
		n += overheadVXLAN
	case EncapGRE:
		n += overheadGRE
	case EncapGeneve:
		n += overheadGeneve
		if mech == mechOVN {
			n += overheadOption
		}
	}
	return n
}

// Destination ports of tunnels: IANA's for VXLAN and Geneve, and the one that
// Linux takes for VXLAN where the Linux bridge agent names none (udp_dstport).
const (
	portVXLAN      = 4789
	portVXLANLinux = 8472
	portGeneve     = 6081
)

// tunnel is the way between two hosts through a tunnel: the hops of the first,
// what the wire carries, the hops of the second.
func (s *Snapshot) tunnel(n Network, x, z wiring) (out []Hop, wire Encap, in []Hop) {
	near, whyNear := s.tunnelIP(x)
	far, whyFar := s.tunnelIP(z)
	e := Encap{Kind: EncapKind(n.Type), ID: n.Segment, Local: near, Remote: far}
	switch {
	case e.Kind == EncapVXLAN && x.mech == mechBridge:
		e.Ports = []int{portVXLAN, portVXLANLinux}
	case e.Kind == EncapVXLAN:
		e.Ports = []int{portVXLAN}
	case e.Kind == EncapGeneve:
		e.Ports = []int{portGeneve}
	}
	if x.mech == mechOVN {
		e.ID = 0 // OVN's own key (Datapath_Binding.tunnel_key), which the API doesn't tell
	}
	out = append(s.inner(n, x, near, far), nic(n, x, e, near, whyNear))
	in = append([]Hop{nic(n, z, e, far, whyFar)}, s.inner(n, z, far, near)...)
	return out, e, in
}

// inner is what stands between a host's switch and its underlay NIC: own is the
// host's address there, peer the other's.
func (s *Snapshot) inner(n Network, x wiring, own, peer netip.Addr) []Hop {
	switch x.mech {
	case mechBridge:
		if n.Type != typeVXLAN {
			return []Hop{gap(x.host, "the tunnel", "the Linux bridge agent has no tunnels of type "+n.Type)}
		}
		return []Hop{{
			Host: x.host, Device: fmt.Sprintf("vxlan-%d", n.Segment), What: "into the tunnel of network " + s.DisplayName(n), Seen: SeenPackets,
			Locate: Locate{Name: fmt.Sprintf("vxlan-%d", n.Segment)},
			Expect: Expect{Kinds: []string{kindVXLAN}, MTU: n.MTU, AtLeast: true, Master: named("brq", n.ID)},
		}}
	case mechOVS:
		h := Hop{
			Host: x.host, Device: "br-tun", What: "to tunnel port " + tunnelPort(n.Type, peer), Seen: SeenCounters, Why: patchWhy,
			Expect: Expect{Patch: x.bridge},
		}
		if own.IsValid() && peer.IsValid() {
			h.Expect.Tunnel = Encap{Kind: EncapKind(n.Type), Local: own, Remote: peer}
		}
		return []Hop{h}
	}
	return nil
}

// tunnelPort is the name that Neutron's agent gives the port of br-tun to a peer
// (OVSNeutronAgent.get_tunnel_name: the type and the peer's IPv4 address in hex).
func tunnelPort(kind string, peer netip.Addr) string {
	if !peer.Is4() {
		return kind + "-…"
	}
	b := peer.As4()
	return fmt.Sprintf("%s-%02x%02x%02x%02x", kind, b[0], b[1], b[2], b[3])
}

func nic(n Network, x wiring, e Encap, ip netip.Addr, why string) Hop {
	if why != "" {
		h := gap(x.host, "the underlay NIC", why)
		h.Encap = e
		return h
	}
	h := Hop{
		Host: x.host, What: fmt.Sprintf("the underlay NIC, for %v", ip), Seen: SeenPackets, Locate: Locate{Address: ip}, Encap: e,
	}
	if n.MTU > 0 {
		h.Expect = Expect{MTU: n.MTU + overhead(e.Kind, ip, x.mech), AtLeast: true}
	}
	return h
}

func vlanOf(n Network) Encap {
	if n.Type != typeVLAN {
		return Encap{}
	}
	return Encap{Kind: EncapVLAN, ID: n.Segment}
}

// provider is the way from a host's switch to its NIC in a physical network.
func (s *Snapshot) provider(n Network, x wiring) []Hop {
	wire := Hop{
		Host: x.host, What: "the NIC in physical network " + n.Physical, Seen: SeenPackets, Encap: vlanOf(n),
		Expect: Expect{MTU: n.MTU, AtLeast: true},
	}
	if x.mech == mechBridge {
		return s.providerBridge(n, x, wire)
	}
	bridge := mapping(x.agent, n.Physical, "bridge_mappings", "bridge-mappings")
	if bridge == "" {
		why := fmt.Sprintf("no L2 agent of %s maps physical network %s to a bridge (bridge_mappings)", x.host, first(n.Physical, "?"))
		return []Hop{gap(x.host, "the provider bridge and its NIC", why)}
	}
	wire.Locate = Locate{Uplink: bridge}
	wire.Expect.Bridge = bridge
	return []Hop{
		{Host: x.host, Device: bridge, What: "the provider bridge", Seen: SeenCounters, Why: patchWhy, Expect: Expect{Patch: x.bridge}},
		wire,
	}
}

// providerBridge is provider where a Linux bridge is the switch: a flat
// network's bridge holds the NIC itself, a VLAN's a device of its own on the NIC
// (linuxbridge_neutron_agent.py, ensure_vlan_bridge and ensure_flat_bridge).
func (s *Snapshot) providerBridge(n Network, x wiring, wire Hop) []Hop {
	const longest = 15 // IFNAMSIZ less the final 0
	phys := mapping(x.agent, n.Physical, "interface_mappings")
	brq := named("brq", n.ID)
	if n.Type == typeFlat {
		wire.Device, wire.Locate = phys, Locate{Name: phys}
		if phys == "" {
			wire.Locate = Locate{Uplink: brq}
		}
		wire.Expect.Master = brq
		return []Hop{wire}
	}
	sub := fmt.Sprintf("%s.%d", phys, n.Segment)
	if phys == "" || len(sub) > longest {
		why := fmt.Sprintf("no Linux bridge agent of %s maps physical network %s to a NIC (interface_mappings)", x.host, first(n.Physical, "?"))
		return []Hop{gap(x.host, "the VLAN device and its NIC", why)}
	}
	wire.Device, wire.Locate = phys, Locate{Name: phys}
	return []Hop{
		{
			Host: x.host, Device: sub, What: fmt.Sprintf("VLAN %d of %s", n.Segment, phys), Seen: SeenPackets, Locate: Locate{Name: sub},
			Expect: Expect{Kinds: []string{kindVLAN}, MTU: n.MTU, AtLeast: true, Master: brq},
		},
		wire,
	}
}

// mapping looks a physical network up in an agent's configuration: a map, or in
// OVN's case a text such as "public:br-ex,other:br-o".
func mapping(a Agent, physical string, keys ...string) string {
	for _, key := range keys {
		switch m := a.Configurations[key].(type) {
		case map[string]any:
			if to, ok := m[physical].(string); ok && physical != "" {
				return to
			}
		case string:
			for _, pair := range strings.Split(m, ",") {
				if from, to, ok := strings.Cut(strings.TrimSpace(pair), ":"); ok && from == physical && physical != "" {
					return to
				}
			}
		}
	}
	return ""
}
