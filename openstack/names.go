package openstack

import (
	"fmt"
	"strings"
)

// DisplayName is what a person would call an object: a port by the server
// behind it or by what it does ("dhcp", "gateway", "floating"), all else by its
// name, and by the start of its id where it has none.
func (s *Snapshot) DisplayName(o Object) string {
	switch o := o.(type) {
	case Port:
		return s.portName(o)
	case Agent:
		return first(o.Type, o.Binary, short(o.ID))
	case Subnet:
		if o.Name == "" && o.CIDR.IsValid() {
			return o.CIDR.String()
		}
	case FloatingIP:
		return first(o.IP, short(o.ID))
	case nil:
		return ""
	}
	return first(o.ObjectName(), short(o.ObjectID()))
}

func (s *Snapshot) portName(p Port) string {
	own := first(p.Name, p.IP(), short(p.ID))
	switch owner := p.DeviceOwner; {
	case strings.HasPrefix(owner, ownerCompute):
		if v, ok := s.Server(p.DeviceID); ok {
			return first(v.Name, own)
		}
		return own
	case owner == ownerDHCP:
		return "dhcp"
	case owner == ownerFloating:
		return "floating"
	case owner == ownerAgentGW:
		return "fip gateway"
	case owner == ownerDistributed:
		return "metadata" // OVN's metadata port, one on every chassis
	case isGateway(owner):
		if s.isSubnetGateway(p) {
			return "gateway"
		}
		return s.leg(p, "")
	case owner == ownerGateway:
		return s.leg(p, " ext")
	case owner == ownerSNAT:
		return s.leg(p, " snat")
	case owner == ownerHA:
		return s.leg(p, " ha")
	}
	return own
}

// leg names a router's port by its router.
func (s *Snapshot) leg(p Port, what string) string {
	r, ok := s.Router(p.DeviceID)
	if !ok {
		return "router" + what
	}
	return s.DisplayName(r) + what
}

// isSubnetGateway tells whether p has the address that its subnet's DHCP hands
// out as the gateway. Where the subnet is not known it is taken to.
func (s *Snapshot) isSubnetGateway(p Port) bool {
	for _, a := range p.Fixed {
		sub, ok := s.Subnet(a.SubnetID)
		if !ok || sub.Gateway == a.IP {
			return true
		}
	}
	return len(p.Fixed) == 0
}

// short is as much of an id as people compare.
func short(id string) string {
	const enough = 8
	if len(id) <= enough {
		return id
	}
	return id[:enough]
}

// Resolve finds an object of a kind by its id, its name, what a person would
// call it ([Snapshot.DisplayName]), an address or MAC that it has, or the unique
// start of its id. The error names the candidates and has [ErrNotFound] in its
// chain when there are none.
func (s *Snapshot) Resolve(kind Kind, nameOrID string) (Object, error) {
	if o, ok := s.Get(kind, nameOrID); ok {
		return o, nil
	}
	for _, way := range []func(Kind, string) []Object{s.ByName, s.byAddress, s.byDisplayName, s.byStart} {
		switch list := way(kind, nameOrID); len(list) {
		case 0:
		case 1:
			return list[0], nil
		default:
			return nil, s.ambiguous(kind, nameOrID, list)
		}
	}
	return nil, problemf(ErrNotFound, "there is no %s %q among the %d that were read: give its name, its id or the start of its id", kind, nameOrID, s.count(kind))
}

func (s *Snapshot) byAddress(kind Kind, text string) []Object {
	var out []Object
	for _, o := range append(s.ByIP(text), s.ByMAC(text)...) {
		if o.ObjectKind() == kind {
			out = append(out, o)
		}
	}
	return out
}

func (s *Snapshot) byDisplayName(kind Kind, name string) []Object {
	var out []Object
	for i := range s.count(kind) {
		if o := s.at(kind, i); name != "" && s.DisplayName(o) == name {
			out = append(out, o)
		}
	}
	return out
}

func (s *Snapshot) byStart(kind Kind, start string) []Object {
	var out []Object
	for i := range s.count(kind) {
		if o := s.at(kind, i); start != "" && strings.HasPrefix(o.ObjectID(), start) {
			out = append(out, o)
		}
	}
	return out
}

func (s *Snapshot) ambiguous(kind Kind, text string, list []Object) error {
	const most = 6
	names := make([]string, 0, most)
	for _, o := range list[:min(len(list), most)] {
		name := o.ObjectID()
		if p, ok := o.(Port); ok && p.IP() != "" {
			name += " (" + p.IP() + ")"
		} else if called := s.DisplayName(o); called != text {
			name += " (" + called + ")"
		}
		names = append(names, name)
	}
	more := ""
	if len(list) > most {
		more = fmt.Sprintf(" and %d more", len(list)-most)
	}
	return problemf(nil, "%q could be %d %s: give the id of one of %s%s", text, len(list), Plural(kind), strings.Join(names, ", "), more)
}
