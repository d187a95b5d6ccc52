package openstack

import (
	"net/netip"
	"slices"
)

// Path is the way that the packets of a port take, hop by hop, as it should be
// by what the APIs say. It is worked out from a [Snapshot] alone; what is really
// on the hosts is for their agents to tell.
type Path struct {
	Goal Goal `json:"goal"`
	From End  `json:"from"`
	To   End  `json:"to"`
	// Hops stand in the order in which a packet of From passes them. One device
	// may stand there twice, with other packets each time: a network node's NIC
	// carries what comes in to a router in one tunnel and what goes out in another.
	Hops []Hop `json:"hops"`
	// Back are the hops of the answers, from To to From, where they are not Hops
	// in reverse: a distributed router works on the sender's host.
	Back []Hop `json:"back,omitempty"`
	// Beyond is an address behind the path's end that should answer, where the
	// end is outside the cloud: the gateway of the external network.
	Beyond netip.Addr `json:"beyond,omitzero"`
	// Notes are what the hops don't tell: a sentence each.
	Notes []string `json:"notes,omitempty"`
}

// Goal says what a path leads to.
type Goal string

// The goals.
const (
	GoalPort    Goal = "port"
	GoalDHCP    Goal = "dhcp"    // the network's DHCP server
	GoalGateway Goal = "gateway" // the gateway of the port's subnet
	GoalOutside Goal = "outside" // beyond the cloud, by floating IP, SNAT or a provider network
)

// Follow is what one wants to see of such a path's packets where nothing else is
// said. Towards a DHCP server that is DHCP: its messages are captured whole then.
func (g Goal) Follow() Follow {
	if g == GoalDHCP {
		return Follow{What: FollowDHCP}
	}
	return Follow{What: FollowAll}
}

// End is one of the two ends of a path.
type End struct {
	Name      string       `json:"name"`           // as a person calls it
	Port      string       `json:"port,omitempty"` // id; "" outside the cloud
	Host      string       `json:"host,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"`
	MAC       string       `json:"mac,omitempty"`
}

// Hop is one place on a path: a device, or a place between devices that nobody
// can look into.
type Hop struct {
	Index  int    `json:"index"`            // from 1, as on the screen
	Host   string `json:"host,omitempty"`   // "" between the hosts and outside
	Netns  string `json:"netns,omitempty"`  // "" for the node's own
	Device string `json:"device,omitempty"` // "" where only Locate tells, and where there is none
	Locate Locate `json:"locate,omitzero"`
	What   string `json:"what"`          // one clause
	Seen   Seen   `json:"seen"`          // how packets can be seen there
	Why    string `json:"why,omitempty"` // why they can't be, where they can't
	Encap  Encap  `json:"encap,omitzero"`
	View   View   `json:"view"`
	Expect Expect `json:"expect,omitzero"`
}

// Seen says how a hop can be seen.
type Seen string

// The ways of seeing.
const (
	SeenPackets    Seen = "packets"      // a capture shows every packet
	SeenCounters   Seen = "counters"     // only the counters of Open vSwitch's flows and ports
	SeenBlind      Seen = "blind"        // there is nothing to look at
	SeenUnresolved Seen = "not resolved" // the API does not tell what is there; Why says what is lacking
)

// Locate says by what a device is found on its host. Where several are set, the
// first that is known there decides.
type Locate struct {
	IfaceID string     `json:"iface_id,omitempty"` // OVSDB Interface external_ids:iface-id
	Name    string     `json:"name,omitempty"`
	Address netip.Addr `json:"address,omitzero"` // which carries this address, or is in one bridge with what does
	Uplink  string     `json:"uplink,omitempty"` // the physical NIC in this bridge
}

// EncapKind is how packets are wrapped.
type EncapKind string

// The encapsulations. The zero value is none.
const (
	EncapVLAN   EncapKind = "vlan"
	EncapVXLAN  EncapKind = "vxlan"
	EncapGRE    EncapKind = "gre"
	EncapGeneve EncapKind = "geneve"
)

// Encap is the encapsulation of the followed packets at a hop.
type Encap struct {
	Kind   EncapKind  `json:"kind,omitempty"`
	ID     int        `json:"id,omitempty"`    // VLAN id, VNI or GRE key
	Local  netip.Addr `json:"local,omitzero"`  // outer address of the host nearer to From
	Remote netip.Addr `json:"remote,omitzero"` // outer address of the host nearer to To
	Ports  []int      `json:"ports,omitempty"` // UDP destination ports that the tunnel may use
}

// Tunnel tells whether the packets are inside other packets.
func (e Encap) Tunnel() bool { return e.Kind != "" && e.Kind != EncapVLAN }

// View is how the followed packets look at a hop. Near[i] is the same end
// everywhere on a path, so that the views before and after a NAT translate each
// other.
type View struct {
	Near    []netip.Addr `json:"near"`          // From's addresses as seen here
	Far     []netip.Addr `json:"far,omitempty"` // To's; empty for anything outside
	NearMAC string       `json:"near_mac,omitempty"`
	FarMAC  string       `json:"far_mac,omitempty"`
	// NAT says what changed Near, "" where nothing did.
	NAT string `json:"nat,omitempty"`
	// Rewritten says that the near end's port or ICMP id may be another here:
	// Neutron has both SNAT and floating IPs choose it anew (--random-fully,
	// neutron/agent/l3/router_info.py) for what the port began.
	Rewritten bool `json:"rewritten,omitempty"`
	// Shared says that others have the same address here: SNAT.
	Shared bool `json:"shared,omitempty"`
	// Network is the id of the network whose Ethernet this is. What doesn't pass
	// a router (ARP, DHCP) is seen only where it is the same as at the first hop.
	Network string `json:"network,omitempty"`

	goal   Goal
	origin string         // the first hop's network
	direct bool           // FarMAC is To's own: no router between
	own    []netip.Addr   // Near at the first hop
	never  []netip.Prefix // where Far is anything: but not these
}

// Expect is what a device must be like.
type Expect struct {
	Kinds     []string     `json:"kinds,omitempty"` // IFLA_INFO_KIND, one of these; "device" for hardware
	MTU       int          `json:"mtu,omitempty"`
	AtLeast   bool         `json:"at_least,omitempty"`  // a larger MTU is as good
	Master    string       `json:"master,omitempty"`    // the Linux bridge that holds it
	Bridge    string       `json:"bridge,omitempty"`    // the Open vSwitch bridge that holds it
	Kernel    bool         `json:"kernel,omitempty"`    // that bridge is the kernel's: its ports have a master
	Addresses []netip.Addr `json:"addresses,omitempty"` // that it must carry
	Tagged    bool         `json:"tagged,omitempty"`    // Neutron's agent gives it a VLAN tag
	// Of a bridge of Open vSwitch: a Neutron port on it whose tag is the network's
	// here, the other bridge that patch ports join it to, and the tunnel that a
	// port of it leads into, with Local on this host.
	Port   string `json:"port,omitempty"`
	Patch  string `json:"patch,omitempty"`
	Tunnel Encap  `json:"tunnel,omitzero"`
	// Renamed says that the bridge may have another name: OVN's is chosen on the
	// host (external_ids:ovn-bridge), which the API does not tell.
	Renamed bool `json:"may_be_renamed,omitempty"`
}

// Hosts lists the hosts of a path, both ways, in its order.
func (p Path) Hosts() []string {
	var out []string
	for _, h := range slices.Concat(p.Hops, p.Back) {
		if h.Host != "" && !slices.Contains(out, h.Host) {
			out = append(out, h.Host)
		}
	}
	return out
}

// Unresolved lists the hops that the API alone can't tell.
func (p Path) Unresolved() []Hop {
	return slices.DeleteFunc(slices.Concat(p.Hops, p.Back), func(h Hop) bool { return h.Seen != SeenUnresolved })
}
