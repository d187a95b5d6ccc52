package openstack

import "slices"

// Excerpt is the part of the inventory that a path touches: its ends with their
// servers, networks, subnets, groups, floating IPs and gateways, the networks in
// between, and the hosts. It is enough to describe these without the cloud; what
// else there is stands in Missing as left out.
func (s *Snapshot) Excerpt(p Path) *Snapshot {
	x := excerpt{from: s}
	networks := []string{}
	for _, e := range []End{p.From, p.To} {
		port, ok := s.Port(e.Port)
		if !ok {
			continue
		}
		x.port(port)
		networks = append(networks, port.NetworkID)
		for _, r := range s.Related(port) {
			switch r.Object.ObjectKind() {
			case KindSecurityGroup, KindFloatingIP:
				x.list = append(x.list, r.Object)
			}
		}
		if g := s.gatewayOf(port); g.lacking == "" && !g.outside {
			x.list = append(x.list, g.router)
			for _, leg := range s.PortsOf(g.router.ID) {
				x.port(leg)
			}
		}
	}
	for _, h := range slices.Concat(p.Hops, p.Back) {
		networks = append(networks, h.View.Network)
	}
	for _, id := range networks {
		for _, port := range s.PortsIn(id) {
			if port.DeviceOwner == ownerDHCP {
				x.port(port)
			}
		}
		x.add(KindNetwork, id)
	}
	for _, host := range p.Hosts() {
		x.add(KindNode, host)
		if n, ok := s.Node(host); ok {
			for _, id := range n.Agents {
				x.add(KindAgent, id)
			}
		}
	}
	out := NewSnapshot().With(x.list...)
	for _, k := range Kinds() {
		out.Taken[k] = s.Taken[k]
		out.Missing[k] = "only the " + Plural(k) + " on the path were recorded"
	}
	return out
}

// excerpt gathers objects; what is gathered twice is there once in the end.
type excerpt struct {
	from *Snapshot
	list []Object
}

func (x *excerpt) add(kind Kind, id string) {
	if o, ok := x.from.Get(kind, id); ok {
		x.list = append(x.list, o)
	}
}

// port adds a port with what it is plugged into.
func (x *excerpt) port(p Port) {
	x.list = append(x.list, p)
	x.add(KindServer, p.DeviceID)
	x.add(KindNetwork, p.NetworkID)
	for _, f := range p.Fixed {
		x.add(KindSubnet, f.SubnetID)
	}
	x.add(KindNode, p.Host)
}
