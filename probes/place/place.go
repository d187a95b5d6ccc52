// Package place finds where on the cloud a probe about a target should run:
// which port is meant, on which node, in which network namespace.
//
// It answers from the inventory alone. The names of namespaces are Neutron's:
// qdhcp-NETWORK (neutron/agent/linux/dhcp.py), qrouter-ROUTER
// (neutron/agent/l3/namespaces.py), ovnmeta-NETWORK
// (neutron/agent/ovn/metadata/agent.py).
package place

import (
	"cmp"
	"slices"
	"strings"

	"steth/openstack"
	"steth/probes"
)

// Place is a network namespace of a node.
type Place struct {
	Node  string
	Netns string // "" for the node's own
	What  string // "DHCP namespace of blue"
}

// Ports are the ports that a target stands for: itself, those of a server, of a
// router, of a network, or the one behind a floating IP. Those of servers come
// first, then by address.
func Ports(s *openstack.Snapshot, t probes.Target) []openstack.Port {
	var out []openstack.Port
	switch t.Kind {
	case openstack.KindPort:
		if p, ok := s.Port(t.ID); ok {
			out = append(out, p)
		}
	case openstack.KindServer, openstack.KindRouter:
		out = append(out, s.PortsOf(t.ID)...)
	case openstack.KindNetwork:
		out = append(out, s.PortsIn(t.ID)...)
	case openstack.KindNode:
		out = append(out, s.PortsOn(t.ID)...)
	case openstack.KindSubnet:
		for _, p := range s.Ports {
			if slices.ContainsFunc(p.Fixed, func(a openstack.Address) bool { return a.SubnetID == t.ID }) {
				out = append(out, p)
			}
		}
	case openstack.KindFloatingIP:
		for _, f := range s.FloatingIPs {
			if f.ID != t.ID {
				continue
			}
			if p, ok := s.Port(f.PortID); ok {
				out = append(out, p)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b openstack.Port) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.IP(), b.IP()))
	})
	return out
}

func rank(p openstack.Port) int {
	switch {
	case strings.HasPrefix(p.DeviceOwner, "compute:"):
		return 0
	case strings.HasPrefix(p.DeviceOwner, "network:"):
		return 2
	}
	return 1
}

// Namespaces are the service namespaces from which an address on a network can
// be reached, the best first: DHCP, then router, then OVN's metadata.
func Namespaces(s *openstack.Snapshot, networkID string) []Place {
	var dhcp, router, meta []Place
	name := networkName(s, networkID)
	for _, p := range s.PortsIn(networkID) {
		if p.Host == "" && p.DeviceOwner != "network:distributed" {
			continue
		}
		switch p.DeviceOwner {
		case "network:dhcp":
			dhcp = append(dhcp, Place{p.Host, "qdhcp-" + networkID, "DHCP namespace of " + name})
		case "network:router_interface", "network:ha_router_replicated_interface", "network:router_interface_distributed":
			router = append(router, Place{p.Host, "qrouter-" + p.DeviceID, "router namespace of " + routerName(s, p.DeviceID)})
		case "network:distributed": // ML2/OVN's metadata port is on every chassis; any will do
			for _, q := range s.PortsIn(networkID) {
				if q.Host != "" && strings.HasPrefix(q.DeviceOwner, "compute:") {
					meta = append(meta, Place{q.Host, "ovnmeta-" + networkID, "metadata namespace of " + name})
				}
			}
		}
	}
	out := slices.Concat(dhcp, router, meta)
	return slices.CompactFunc(out, func(a, b Place) bool { return a.Node == b.Node && a.Netns == b.Netns })
}

// Router is where a router's namespace stands, from the hosts of its ports.
// With high availability that is every host that has a replica.
func Router(s *openstack.Snapshot, routerID string) []Place {
	var out []Place
	for _, p := range s.PortsOf(routerID) {
		if p.Host != "" && strings.HasPrefix(p.DeviceOwner, "network:") {
			pl := Place{p.Host, "qrouter-" + routerID, "router namespace of " + routerName(s, routerID)}
			if !slices.Contains(out, pl) {
				out = append(out, pl)
			}
		}
	}
	return out
}

// Nodes are the names of all nodes.
func Nodes(s *openstack.Snapshot) []string {
	out := make([]string, 0, len(s.Nodes))
	for _, n := range s.Nodes {
		out = append(out, n.Host)
	}
	return out
}

func networkName(s *openstack.Snapshot, id string) string {
	if n, ok := s.Network(id); ok && n.Name != "" {
		return n.Name
	}
	return id
}

func routerName(s *openstack.Snapshot, id string) string {
	if r, ok := s.Router(id); ok && r.Name != "" {
		return r.Name
	}
	return id
}
