package openstack

import (
	"cmp"
	"slices"
	"strings"
)

// Relation is an object that has to do with another, and how.
type Relation struct {
	Label  string // server, router, same host...
	Object Object
}

// mostSame bounds relations that are many and far: ports of the same network.
const mostSame = 20

// Related lists what has to do with an object, closest first.
func (s *Snapshot) Related(o Object) []Relation {
	r := related{snapshot: s, self: identity{o.ObjectKind(), o.ObjectID()}, seen: map[identity]bool{}}
	switch o := o.(type) {
	case Port:
		r.ofPort(o)
	case Server:
		r.add("node", KindNode, o.Host)
		for _, p := range s.PortsOf(o.ID) {
			r.put("port", p)
		}
		for _, p := range s.PortsOf(o.ID) {
			r.floating(p.ID)
			r.add("network", KindNetwork, p.NetworkID)
		}
		r.same("same host", s.serversOn(o.Host))
	case Network:
		for _, id := range o.Subnets {
			r.add("subnet", KindSubnet, id)
		}
		r.gateways(o.ID)
		r.same("port", objects(s.PortsIn(o.ID)))
	case Subnet:
		r.add("network", KindNetwork, o.NetworkID)
		r.same("port", objects(s.portsInSubnet(o)))
	case Router:
		r.add("external network", KindNetwork, o.ExternalNetwork)
		for _, p := range s.PortsOf(o.ID) {
			r.put("leg", p)
		}
		for _, p := range s.PortsOf(o.ID) {
			r.add("network", KindNetwork, p.NetworkID)
			r.add("node", KindNode, p.Host)
		}
		for _, f := range s.FloatingIPs {
			if f.RouterID == o.ID {
				r.put("floating IP", f)
			}
		}
	case FloatingIP:
		r.add("port", KindPort, o.PortID)
		if p, ok := s.Port(o.PortID); ok {
			r.add("server", KindServer, p.DeviceID)
			r.add("node", KindNode, p.Host)
		}
		r.add("router", KindRouter, o.RouterID)
		r.add("network", KindNetwork, o.NetworkID)
	case Node:
		for _, id := range o.Agents {
			r.add("agent", KindAgent, id)
		}
		r.same("server", s.serversOn(o.Host))
		r.same("port", objects(s.PortsOn(o.Host)))
	case Agent:
		r.add("node", KindNode, o.Host)
		if n, ok := s.Node(o.Host); ok {
			for _, id := range n.Agents {
				r.add("same host", KindAgent, id)
			}
		}
	case SecurityGroup:
		for _, rule := range o.Rules {
			r.add("remote group", KindSecurityGroup, rule.RemoteGroupID)
		}
		r.same("port", objects(s.portsInGroup(o.ID)))
	}
	return r.list
}

// related collects relations, each object once and never the object itself.
type related struct {
	snapshot *Snapshot
	self     identity
	seen     map[identity]bool
	list     []Relation
}

func (r *related) put(label string, o Object) {
	id := identity{o.ObjectKind(), o.ObjectID()}
	if id != r.self && !r.seen[id] {
		r.seen[id] = true
		r.list = append(r.list, Relation{label, o})
	}
}

func (r *related) add(label string, kind Kind, id string) {
	if o, ok := r.snapshot.Get(kind, id); ok {
		r.put(label, o)
	}
}

func (r *related) same(label string, list []Object) {
	for _, o := range list[:min(len(list), mostSame)] {
		r.put(label, o)
	}
}

func (r *related) floating(port string) {
	for _, f := range r.snapshot.FloatingIPs {
		if f.PortID == port && port != "" {
			r.put("floating IP", f)
		}
	}
}

// gateways adds the routers that have a leg in a network.
func (r *related) gateways(network string) {
	for _, p := range r.snapshot.PortsIn(network) {
		if ownedByRouter(p.DeviceOwner) {
			r.add("router", KindRouter, p.DeviceID)
		}
	}
}

func (r *related) ofPort(p Port) {
	s := r.snapshot
	r.add("server", KindServer, p.DeviceID)
	r.add("router", KindRouter, p.DeviceID)
	r.floating(p.ID)
	r.add("floating IP", KindFloatingIP, p.DeviceID) // of the port that holds its address
	r.add("network", KindNetwork, p.NetworkID)
	for _, a := range p.Fixed {
		r.add("subnet", KindSubnet, a.SubnetID)
	}
	r.add("node", KindNode, p.Host)
	r.gateways(p.NetworkID)
	for _, id := range p.SecurityGroups {
		r.add("group", KindSecurityGroup, id)
	}
	var here, there []Object
	if p.Host != "" {
		for _, other := range s.PortsOn(p.Host) {
			if other.ID != p.ID && other.DeviceID != p.DeviceID && strings.HasPrefix(other.DeviceOwner, "compute:") {
				here = append(here, other)
			}
		}
	}
	for _, other := range s.PortsIn(p.NetworkID) {
		switch {
		case other.DeviceOwner == ownerDHCP:
			r.put("dhcp", other)
		case other.DeviceID == p.DeviceID && p.DeviceID != "":
			r.put("same device", other)
		case other.ID != p.ID && other.Host != p.Host:
			there = append(there, other)
		}
	}
	r.same("same host", here)
	r.same("same network", there)
}

func (s *Snapshot) serversOn(host string) []Object {
	var out []Object
	for _, v := range s.Servers {
		if v.Host == host && host != "" {
			out = append(out, v)
		}
	}
	return out
}

func (s *Snapshot) portsInSubnet(sub Subnet) []Port {
	return slices.DeleteFunc(s.PortsIn(sub.NetworkID), func(p Port) bool {
		return !slices.ContainsFunc(p.Fixed, func(a Address) bool { return a.SubnetID == sub.ID })
	})
}

func (s *Snapshot) portsInGroup(group string) []Port {
	var out []Port
	for _, p := range s.Ports {
		if slices.Contains(p.SecurityGroups, group) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Port) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return out
}
