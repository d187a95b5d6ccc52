package openstack

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// gateway is what a port sends to when it leaves its subnet.
type gateway struct {
	leg     Port // the router's
	router  Router
	address netip.Addr
	outside bool   // it is the provider's own, Neutron has no port for it
	lacking string // why there is none, else ""
}

// gatewayOf finds the gateway of the first of a port's subnets that has one.
func (s *Snapshot) gatewayOf(p Port) gateway {
	if ownedByRouter(p.DeviceOwner) {
		return gateway{lacking: "the port is a router's own and routes for itself"}
	}
	var lacking string
	for _, f := range p.Fixed {
		sub, ok := s.Subnet(f.SubnetID)
		if !ok {
			lacking = first(lacking, fmt.Sprintf("subnet %s was not read", short(f.SubnetID)))
			continue
		}
		address, ok := parseAddr(sub.Gateway)
		if !ok {
			lacking = first(lacking, fmt.Sprintf("subnet %s has no gateway", s.DisplayName(sub)))
			continue
		}
		g := s.gatewayAt(p.NetworkID, address)
		if g.lacking == "" {
			return g
		}
		lacking = first(lacking, g.lacking)
	}
	return gateway{lacking: first(lacking, fmt.Sprintf("port %s has no address", short(p.ID)))}
}

func (s *Snapshot) gatewayAt(network string, address netip.Addr) gateway {
	for _, leg := range s.PortsIn(network) {
		if !ownedByRouter(leg.DeviceOwner) || !slices.Contains(addressesOf(leg), address) {
			continue
		}
		r, ok := s.Router(leg.DeviceID)
		if !ok {
			return gateway{lacking: fmt.Sprintf("the router of gateway %v was not read", address)}
		}
		return gateway{leg: leg, router: r, address: address}
	}
	n, _ := s.Network(network)
	if n.Type == typeVLAN || n.Type == typeFlat {
		return gateway{address: address, outside: true}
	}
	return gateway{lacking: fmt.Sprintf("no router has the gateway's address %v in network %s", address, s.networkName(network))}
}

// routerPlug is a router's leg where a packet of sender meets it: a distributed
// router works on the sender's own host.
func (s *Snapshot) routerPlug(leg, sender Port) plug {
	if leg.DeviceOwner == ownerDVR {
		return plug{leg, sender.Host}
	}
	return plug{leg, leg.Host}
}

func (w *walk) noteHA(r Router) {
	if r.HA {
		w.notef("Router %s has several instances; the path goes by the host that Neutron holds for the active one.", w.s.DisplayName(r))
	}
}

// between is the way from one port to another.
func (s *Snapshot) between(a, z Port) *walk {
	w := s.walk(a, GoalPort)
	w.view.Far = addressesOf(z)
	from, to := plug{a, a.Host}, plug{z, z.Host}
	if a.NetworkID == z.NetworkID {
		w.view.FarMAC, w.view.direct = z.MAC, true
		w.leg(from, to)
		return w
	}
	g := s.gatewayOf(a)
	lacking := g.lacking
	if lacking == "" && g.outside {
		lacking = fmt.Sprintf("gateway %v is the provider's own, the API does not tell where it leads", g.address)
	}
	egress, ok := Port{}, false
	if lacking == "" {
		egress, ok = s.legIn(g.router, z.NetworkID)
		if !ok {
			lacking = fmt.Sprintf("router %s, the gateway of the sender, has no leg in network %s", s.DisplayName(g.router), s.networkName(z.NetworkID))
		}
	}
	if lacking != "" {
		w.leave(a)
		w.gap("", "between the networks", "%s", lacking)
		w.enter(z)
		return w
	}
	w.noteHA(g.router)
	w.view.FarMAC = g.leg.MAC
	w.leg(from, s.routerPlug(g.leg, a))
	if egress.DeviceOwner == ownerGateway {
		w.translate(a, g.router)
	}
	w.view.NearMAC, w.view.FarMAC, w.view.Network = egress.MAC, z.MAC, z.NetworkID
	w.leg(s.routerPlug(egress, a), to)
	return w
}

// enter is the far end of a way whose middle is not known.
func (w *walk) enter(z Port) {
	x := w.s.wiring(plug{z, z.Host})
	w.view.NearMAC, w.view.FarMAC, w.view.Network = "", z.MAC, z.NetworkID
	w.add(x.exchange...)
	slices.Reverse(x.devices)
	w.add(x.devices...)
}

// legIn is a router's leg in a network.
func (s *Snapshot) legIn(r Router, network string) (Port, bool) {
	for _, p := range s.PortsOf(r.ID) {
		if p.NetworkID == network && (isGateway(p.DeviceOwner) || p.DeviceOwner == ownerGateway) {
			return p, true
		}
	}
	return Port{}, false
}

// out goes from a port through its router out of the cloud. It returns how the
// answers come back where that is another way.
func (w *walk) out(a Port, g gateway) []Hop {
	w.view.FarMAC, w.view.never = g.leg.MAC, w.s.insideNets(g.router)
	at := w.s.routerPlug(g.leg, a)
	w.leg(plug{a, a.Host}, at)
	if g.router.ExternalNetwork == "" {
		w.gap(at.host, "the way out", "router %s has no external gateway", w.s.DisplayName(g.router))
		return nil
	}
	switch fip := w.s.floatingOf(a, g.router); {
	case !g.router.Distributed:
		w.outLegacy(a, g.router)
	case len(fip) > 0:
		w.outFloating(a, g.router)
	default:
		return w.outSNAT(a, g)
	}
	return nil
}

// outLegacy goes on from a router's namespace by the router's leg outside.
func (w *walk) outLegacy(a Port, r Router) {
	gw, ok := w.s.outerLeg(r)
	if !ok {
		w.gap("", "the way out", "the gateway port of router %s was not read; only an administrator sees it", w.s.DisplayName(r))
		return
	}
	from := len(w.hops)
	w.translate(a, r)
	w.view.NearMAC, w.view.FarMAC, w.view.Network = gw.MAC, "", gw.NetworkID
	w.leaveTo(plug{gw, gw.Host})
	if r.Distributed {
		return // floating IPs are held elsewhere
	}
	for i := range w.hops[from:] {
		if h := &w.hops[from+i]; strings.HasPrefix(h.Device, "qg-") {
			h.Expect.Addresses = append(h.Expect.Addresses, slices.SortedFunc(maps.Values(w.s.floatingOf(a, r)), netip.Addr.Compare)...)
		}
	}
}

// outFloating goes on from a distributed router by the floating IP namespace of
// the sender's host (neutron/agent/l3/dvr_fip_ns.py).
func (w *walk) outFloating(a Port, r Router) {
	mode := w.s.routerMode(a.Host)
	var gw Port
	ok := false
	for _, p := range w.s.PortsIn(r.ExternalNetwork) {
		if p.DeviceOwner == ownerAgentGW && p.Host == a.Host {
			gw, ok = p, true
		}
	}
	switch {
	case mode != "dvr" && mode != "dvr_snat":
		w.gap(a.Host, "the way out", "the L3 agent of %s is in mode %q: where it hands floating IPs on is not worked out here", a.Host, first(mode, "unknown"))
		return
	case !ok:
		w.gap(a.Host, "the way out", "network %s has no floating IP gateway port on %s", w.s.networkName(r.ExternalNetwork), a.Host)
		return
	}
	w.translate(a, r)
	w.view.NearMAC, w.view.FarMAC, w.view.Network = "", "", r.ExternalNetwork
	veth := Expect{Kinds: []string{kindVeth}}
	w.add(
		pairHop(a.Host, "qrouter-"+r.ID, pairName("rfp-", r.ID), "to the namespace of floating IPs", veth),
		pairHop(a.Host, "fip-"+r.ExternalNetwork, pairName("fpr-", r.ID), "from the router", veth),
	)
	w.view.NearMAC = gw.MAC
	w.leaveTo(plug{gw, gw.Host})
}

func pairHop(host, netns, name, what string, e Expect) Hop {
	return Hop{Host: host, Netns: netns, Device: name, What: what, Seen: SeenPackets, Locate: Locate{Name: name}, Expect: e}
}

// pairName cuts at 14 characters (LinuxInterfaceDriver.DEV_NAME_LEN).
func pairName(prefix, id string) string {
	const longest = 14
	name := prefix + id
	return name[:min(len(name), longest)]
}

// outSNAT goes on from a distributed router by its central SNAT, and returns the
// way back, which doesn't pass the router's instance on the sender's host.
func (w *walk) outSNAT(a Port, g gateway) []Hop {
	var sg Port
	ok := false
	for _, p := range w.s.PortsIn(a.NetworkID) {
		if p.DeviceOwner == ownerSNAT && p.DeviceID == g.router.ID {
			sg, ok = p, true
		}
	}
	if !ok {
		w.gap("", "the way out", "router %s has no port for central SNAT in network %s", w.s.DisplayName(g.router), w.s.networkName(a.NetworkID))
		return nil
	}
	inside := w.view
	w.view.NearMAC, w.view.FarMAC = g.leg.MAC, sg.MAC
	w.cross(plug{g.leg, a.Host}, plug{sg, sg.Host})
	from := len(w.hops)
	w.outLegacy(a, g.router)
	back := &walk{s: w.s, hops: slices.Clone(w.hops[from:]), view: inside}
	slices.Reverse(back.hops)
	back.view.FarMAC = sg.MAC
	back.leg(plug{sg, sg.Host}, plug{a, a.Host})
	return turned(back.hops[:len(w.hops)-from], back.hops[len(w.hops)-from:])
}

// turned is a way back that was put together as a way of its own: what is Local
// and what is Remote of a tunnel are told from the way out.
func turned(same, turn []Hop) []Hop {
	for i := range turn {
		e := &turn[i].Encap
		e.Local, e.Remote = e.Remote, e.Local
	}
	return append(same, turn...)
}

// answers turns a way that was worked out from the other end around: the near
// end is the path's first again.
func answers(hops []Hop) []Hop {
	for i := range hops {
		v := &hops[i].View
		v.Near, v.Far, v.NearMAC, v.FarMAC = v.Far, v.Near, v.FarMAC, v.NearMAC
		v.own = v.Near
	}
	return turned(nil, hops)
}

func (s *Snapshot) outerLeg(r Router) (Port, bool) {
	for _, p := range s.PortsOf(r.ID) {
		if p.DeviceOwner == ownerGateway {
			return p, true
		}
	}
	return Port{}, false
}

// outerGateway is the gateway of a router's external network, of the family of
// IPv4; zero where there is none.
func (s *Snapshot) outerGateway(r Router) netip.Addr {
	n, _ := s.Network(r.ExternalNetwork)
	for _, id := range n.Subnets {
		sub, _ := s.Subnet(id)
		if a, ok := parseAddr(sub.Gateway); ok && a.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// routerMode is the agent_mode of a host's L3 agent.
func (s *Snapshot) routerMode(host string) string {
	for _, a := range s.Agents {
		if a.Host == host && a.Binary == "neutron-l3-agent" {
			mode, _ := a.Configurations["agent_mode"].(string)
			return mode
		}
	}
	return ""
}

// floatingOf are the floating IPs of a port at a router, by the fixed address.
func (s *Snapshot) floatingOf(p Port, r Router) map[netip.Addr]netip.Addr {
	out := map[netip.Addr]netip.Addr{}
	for _, f := range s.FloatingIPs {
		if f.PortID != p.ID || f.RouterID != "" && f.RouterID != r.ID {
			continue
		}
		fixed, ok1 := parseAddr(f.FixedIP)
		public, ok2 := parseAddr(f.IP)
		if ok1 && ok2 {
			out[fixed] = public
		}
	}
	return out
}

// translate is what the NAT of a router does to the near end's addresses:
// floating IPs first, else the router's own address; IPv6 stays as it is
// (neutron/agent/l3/router_info.py).
func (w *walk) translate(p Port, r Router) {
	floating := w.s.floatingOf(p, r)
	var public netip.Addr
	for _, e := range r.ExternalIPs {
		if a, ok := parseAddr(e.IP); ok && a.Is4() && !public.IsValid() {
			public = a
		}
	}
	near := slices.Clone(w.view.Near)
	var said []string
	for i, a := range near {
		switch f, ok := floating[a]; {
		case ok:
			near[i] = f
			said = append(said, fmt.Sprintf("floating IP %v", f))
		case a.Is4() && r.SNAT && public.IsValid():
			near[i], w.view.Shared = public, true
			said = append(said, fmt.Sprintf("SNAT to %v", public))
		}
	}
	w.view.Near, w.view.NAT, w.view.Rewritten = near, strings.Join(said, ", "), len(said) > 0
	if len(said) == 0 {
		w.notef("Router %s translates nothing of this port: it has SNAT off or no IPv4 address outside.", w.s.DisplayName(r))
	}
}

// insideNets are the addresses that a packet to the gateway does not leave the
// cloud for: the router's networks, itself, the metadata service.
func (s *Snapshot) insideNets(r Router) []netip.Prefix {
	out := []netip.Prefix{metadataNet()}
	for _, p := range s.PortsOf(r.ID) {
		if isGateway(p.DeviceOwner) {
			out = append(out, s.localNets(p.NetworkID)...)
		}
	}
	for _, e := range r.ExternalIPs {
		if a, ok := parseAddr(e.IP); ok {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}

// metadataNet is the address of the metadata service (neutron_lib METADATA_V4_CIDR).
func metadataNet() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254, 169, 254}), 32)
}

// localNets are the prefixes of a network's subnets.
func (s *Snapshot) localNets(network string) []netip.Prefix {
	var out []netip.Prefix
	n, _ := s.Network(network)
	for _, id := range n.Subnets {
		if sub, ok := s.Subnet(id); ok && sub.CIDR.IsValid() {
			out = append(out, sub.CIDR)
		}
	}
	return out
}
