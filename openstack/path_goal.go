package openstack

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// PathBetween is the path from a port to another one, by their ids: within
// their network, or through the router that is the gateway of the sender's
// subnet. What can't be told stands in it as a hop that is not resolved; the
// error is for a port that the snapshot doesn't hold.
func (s *Snapshot) PathBetween(from, to string) (Path, error) {
	a, err := s.endpoint(from)
	if err != nil {
		return Path{}, err
	}
	z, err := s.endpoint(to)
	if err != nil {
		return Path{}, err
	}
	if a.ID == z.ID {
		return Path{}, problemf(nil, "a path needs two ports; both are %s", s.DisplayName(a))
	}
	path := Path{Goal: GoalPort, From: s.end(a), To: s.end(z)}
	out, back := s.between(a, z), s.between(z, a)
	path.Hops = number(out.hops)
	path.Notes = out.notes
	if !mirrored(out.hops, back.hops) {
		path.Back = number(answers(back.hops))
	}
	return path, nil
}

// PathToDHCP is the path from a port to a DHCP server of its network: to the one
// on its own host where there is one, else to the first.
func (s *Snapshot) PathToDHCP(from string) (Path, error) {
	a, err := s.endpoint(from)
	if err != nil {
		return Path{}, err
	}
	path := Path{Goal: GoalDHCP, From: s.end(a), To: End{Name: "dhcp"}}
	w := s.walk(a, GoalDHCP)
	servers := slices.DeleteFunc(s.PortsIn(a.NetworkID), func(p Port) bool { return p.DeviceOwner != ownerDHCP || p.ID == a.ID })
	switch {
	case s.ovn(a):
		w.leave(a)
		w.notef("OVN answers DHCP on the port's own host; no server is passed.")
		path.To.Host = a.Host
	case len(servers) == 0:
		w.leave(a)
		w.gap("", "the DHCP server", "Neutron tells of no DHCP port in network %s", s.networkName(a.NetworkID))
	default:
		z := servers[0]
		if i := slices.IndexFunc(servers, func(p Port) bool { return p.Host == a.Host }); i >= 0 {
			z = servers[i]
		}
		path.To = s.end(z)
		w.view.Far, w.view.FarMAC, w.view.direct = addressesOf(z), z.MAC, true
		w.leg(plug{port: a, host: a.Host}, plug{port: z, host: z.Host})
		if len(servers) > 1 {
			w.notef("The network has %d DHCP servers; this is the way to the one on %s.", len(servers), z.Host)
		}
	}
	path.Hops, path.Notes = number(w.hops), w.notes
	return path, nil
}

// PathToGateway is the path from a port to the gateway of its subnet: a router's
// leg, or the provider's own router.
func (s *Snapshot) PathToGateway(from string) (Path, error) {
	a, err := s.endpoint(from)
	if err != nil {
		return Path{}, err
	}
	path := Path{Goal: GoalGateway, From: s.end(a), To: End{Name: "gateway"}}
	w := s.walk(a, GoalGateway)
	g := s.gatewayOf(a)
	switch {
	case g.lacking != "":
		w.leave(a)
		w.gap("", "the gateway", "%s", g.lacking)
	case g.outside:
		w.view.Far = []netip.Addr{g.address}
		path.To.Addresses = w.view.Far
		w.leaveTo(plug{port: a, host: a.Host})
	default:
		path.To = s.end(g.leg)
		w.view.Far, w.view.FarMAC, w.view.direct = addressesOf(g.leg), g.leg.MAC, true
		z := s.routerPlug(g.leg, a)
		path.To.Host = z.host
		w.leg(plug{port: a, host: a.Host}, z)
		w.noteHA(g.router)
	}
	path.Hops, path.Notes = number(w.hops), w.notes
	return path, nil
}

// PathOut is the path from a port out of the cloud: by its floating IP, by the
// router's SNAT, or straight into the provider's network.
func (s *Snapshot) PathOut(from string) (Path, error) {
	a, err := s.endpoint(from)
	if err != nil {
		return Path{}, err
	}
	path := Path{Goal: GoalOutside, From: s.end(a), To: End{Name: "outside"}}
	w := s.walk(a, GoalOutside)
	g := s.gatewayOf(a)
	switch {
	case g.lacking != "":
		w.leave(a)
		w.gap("", "the way out", "%s", g.lacking)
	case g.outside:
		w.view.never = s.localNets(a.NetworkID)
		path.Beyond = g.address
		w.leaveTo(plug{port: a, host: a.Host})
	default:
		w.noteHA(g.router)
		path.Back = number(w.out(a, g))
		path.Beyond = s.outerGateway(g.router)
	}
	path.Hops, path.Notes = number(w.hops), w.notes
	return path, nil
}

// PathOf is the path that says most about a port alone: out of the cloud where
// a router leads there, else to its gateway, its DHCP server or just to its
// host's switch.
func (s *Snapshot) PathOf(port string) (Path, error) {
	a, err := s.endpoint(port)
	if err != nil {
		return Path{}, err
	}
	g := s.gatewayOf(a)
	switch {
	case g.outside || g.lacking == "" && g.router.ExternalNetwork != "":
		return s.PathOut(port)
	case g.lacking == "":
		return s.PathToGateway(port)
	}
	return s.PathToDHCP(port)
}

// endpoint is the port that a path begins or ends at. For the port that Neutron
// keeps for a floating IP, which is plugged nowhere, it is the one that has the
// address.
func (s *Snapshot) endpoint(id string) (Port, error) {
	p, ok := s.Port(id)
	if !ok {
		return Port{}, problemf(ErrNotFound, "there is no port %s among the %d that were read", id, len(s.Ports))
	}
	if p.DeviceOwner != ownerFloating {
		return p, nil
	}
	for _, f := range s.FloatingIPs {
		if f.ID != p.DeviceID {
			continue
		}
		if served, ok := s.Port(f.PortID); ok {
			return served, nil
		}
		return Port{}, problemf(ErrNotFound, "floating IP %s belongs to no port, so no path leads there", f.IP)
	}
	return p, nil
}

func (s *Snapshot) end(p Port) End {
	return End{Name: s.DisplayName(p), Port: p.ID, Host: p.Host, Addresses: addressesOf(p), MAC: p.MAC}
}

func addressesOf(p Port) []netip.Addr {
	var out []netip.Addr
	for _, f := range p.Fixed {
		if a, ok := parseAddr(f.IP); ok {
			out = append(out, a)
		}
	}
	return out
}

func (s *Snapshot) networkName(id string) string {
	n, ok := s.Network(id)
	if !ok {
		return short(id)
	}
	return s.DisplayName(n)
}

func number(hops []Hop) []Hop {
	for i := range hops {
		hops[i].Index = i + 1
	}
	return hops
}

// mirrored tells whether two ways pass the same places in opposite order.
func mirrored(out, back []Hop) bool {
	place := func(h Hop) string {
		return strings.Join([]string{h.Host, h.Netns, h.Device, fmt.Sprint(h.Locate), h.View.Network}, "\x00")
	}
	back = slices.Clone(back)
	slices.Reverse(back)
	return slices.EqualFunc(out, back, func(a, b Hop) bool { return place(a) == place(b) })
}
