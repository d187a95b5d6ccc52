package openstack

import "strings"

// The owners that Neutron writes on its ports (neutron_lib/constants.py).
const (
	ownerCompute     = "compute:" // and the availability zone
	ownerDHCP        = "network:dhcp"
	ownerInterface   = "network:router_interface"
	ownerDVR         = "network:router_interface_distributed"
	ownerHAReplica   = "network:ha_router_replicated_interface"
	ownerHA          = "network:router_ha_interface"
	ownerGateway     = "network:router_gateway"
	ownerSNAT        = "network:router_centralized_snat"
	ownerFloating    = "network:floatingip"
	ownerAgentGW     = "network:floatingip_agent_gateway"
	ownerDistributed = "network:distributed"
	ownerSubport     = "trunk:subport"
)

// ownedByRouter tells whether device_id of such a port is a router's.
func ownedByRouter(owner string) bool {
	switch owner {
	case ownerInterface, ownerDVR, ownerHAReplica, ownerHA, ownerGateway, ownerSNAT:
		return true
	}
	return false
}

// isGateway tells whether such a port is a router's leg in a tenant's network.
func isGateway(owner string) bool {
	return owner == ownerInterface || owner == ownerDVR || owner == ownerHAReplica
}

// focus is an object and those on its trail whose neighbours are of interest.
func (s *Snapshot) focus(o Object) []Object {
	const mostPorts = 16
	list := []Object{o}
	switch o := o.(type) {
	case FloatingIP:
		if p, ok := s.Port(o.PortID); ok {
			list = append(list, p)
		}
		if r, ok := s.Router(o.RouterID); ok {
			list = append(list, r)
		}
	case Server:
		ports := s.PortsOf(o.ID)
		list = append(list, objects(ports[:min(len(ports), mostPorts)])...)
	}
	return list
}

// trail leads from an object to where it lives.
func (s *Snapshot) trail(o Object) []Object {
	t := trail{snapshot: s, seen: map[identity]bool{}}
	switch o := o.(type) {
	case FloatingIP:
		t.add(o)
		p, ok := s.Port(o.PortID)
		if ok {
			t.port(p)
		}
		t.router(o.RouterID)
		t.node(p.Host)
		for _, leg := range s.PortsOf(o.RouterID) {
			if leg.DeviceOwner == ownerGateway {
				t.node(leg.Host)
			}
		}
	case Port:
		t.port(o)
		t.node(o.Host)
	case Server:
		t.add(o)
		if ports := s.PortsOf(o.ID); len(ports) > 0 {
			t.add(ports[0])
		}
		t.node(o.Host)
		for _, p := range s.PortsOf(o.ID) {
			t.node(p.Host)
		}
	case Router:
		t.add(o)
		for _, leg := range s.PortsOf(o.ID) {
			t.node(leg.Host)
		}
	case Subnet:
		t.add(o)
		if n, ok := s.Network(o.NetworkID); ok {
			t.add(n)
		}
	case Agent:
		t.add(o)
		t.node(o.Host)
	default:
		t.add(o)
	}
	return t.list
}

// trail collects objects once each.
type trail struct {
	snapshot *Snapshot
	seen     map[identity]bool
	list     []Object
}

func (t *trail) add(o Object) {
	r := identity{o.ObjectKind(), o.ObjectID()}
	if r.id != "" && !t.seen[r] {
		t.seen[r] = true
		t.list = append(t.list, o)
	}
}

func (t *trail) port(p Port) {
	t.add(p)
	if v, ok := t.snapshot.Server(p.DeviceID); ok && strings.HasPrefix(p.DeviceOwner, ownerCompute) {
		t.add(v)
	}
	if ownedByRouter(p.DeviceOwner) {
		t.router(p.DeviceID)
	}
}

func (t *trail) router(id string) {
	if r, ok := t.snapshot.Router(id); ok {
		t.add(r)
	}
}

func (t *trail) node(host string) {
	if n, ok := t.snapshot.Node(host); ok {
		t.add(n)
	}
}
