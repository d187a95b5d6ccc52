package openstack

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Snapshot is the inventory as the APIs told it at one time. It never changes
// once it is given out, so any number of readers may share it. Change it by
// making another: [Snapshot.With].
type Snapshot struct {
	Nodes          []Node
	Networks       []Network
	Subnets        []Subnet
	Ports          []Port
	Servers        []Server
	Routers        []Router
	FloatingIPs    []FloatingIP
	SecurityGroups []SecurityGroup
	Agents         []Agent

	// Taken says when each kind was last read whole. A kind that is not in it
	// was never read; its list holds what searches brought.
	Taken map[Kind]time.Time
	// Missing says why a kind, or a part of it, could not be read: what failed
	// and what to do, in one sentence.
	Missing map[Kind]string

	index index
}

// Found is what a search came to.
type Found struct {
	Text     string
	Hits     []Object  // best first
	Trail    []Object  // from what was typed to where it lives: floating IP, port, server, router, node
	Snapshot *Snapshot // the inventory with everything the search read merged in
	Took     time.Duration
}

// NewSnapshot is the empty inventory.
func NewSnapshot() *Snapshot {
	s := &Snapshot{Taken: map[Kind]time.Time{}, Missing: map[Kind]string{}}
	s.index = newIndex(s)
	return s
}

// With returns a snapshot that also holds objects; one that is there already,
// by kind and id, is replaced. Tests, the lab and searches build snapshots with it.
func (s *Snapshot) With(objects ...Object) *Snapshot {
	by := map[Kind][]Object{}
	for _, o := range objects {
		by[o.ObjectKind()] = append(by[o.ObjectKind()], o)
	}
	next := s.clone()
	for kind, list := range by {
		switch kind {
		case KindNode:
			next.Nodes = merge(next.Nodes, list)
		case KindNetwork:
			next.Networks = merge(next.Networks, list)
		case KindSubnet:
			next.Subnets = merge(next.Subnets, list)
		case KindPort:
			next.Ports = merge(next.Ports, list)
		case KindServer:
			next.Servers = merge(next.Servers, list)
		case KindRouter:
			next.Routers = merge(next.Routers, list)
		case KindFloatingIP:
			next.FloatingIPs = merge(next.FloatingIPs, list)
		case KindSecurityGroup:
			next.SecurityGroups = merge(next.SecurityGroups, list)
		case KindAgent:
			next.Agents = merge(next.Agents, list)
		}
	}
	next.index = newIndex(next)
	return next
}

// clone copies what may change; the lists are shared until they are replaced.
func (s *Snapshot) clone() *Snapshot {
	next := *s
	next.index = index{}
	next.Taken, next.Missing = maps.Clone(s.Taken), maps.Clone(s.Missing)
	if next.Taken == nil {
		next.Taken = map[Kind]time.Time{}
	}
	if next.Missing == nil {
		next.Missing = map[Kind]string{}
	}
	return &next
}

// merge puts more into list, replacing what has the same id, in the stable
// order: by name, then by id. list itself stays as it is.
func merge[T Object](list []T, more []Object) []T {
	return ordered(append(slices.Clone(list), typed[T](more)...))
}

func typed[T Object](objects []Object) []T {
	out := make([]T, 0, len(objects))
	for _, o := range objects {
		if t, ok := o.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// ordered sorts list in place by name, then id, and keeps the last of those
// with the same id. Objects without an id can't be referred to and are left out.
func ordered[T Object](list []T) []T {
	last := make(map[string]int, len(list))
	for i, o := range list {
		last[o.ObjectID()] = i
	}
	kept := list[:0]
	for i, o := range list {
		if id := o.ObjectID(); id != "" && last[id] == i {
			kept = append(kept, o)
		}
	}
	slices.SortFunc(kept, func(a, b T) int {
		return cmp.Or(cmp.Compare(a.ObjectName(), b.ObjectName()), cmp.Compare(a.ObjectID(), b.ObjectID()))
	})
	return kept
}

// List is every object of a kind, in the stable order.
func (s *Snapshot) List(kind Kind) []Object {
	switch kind {
	case KindNode:
		return objects(s.Nodes)
	case KindNetwork:
		return objects(s.Networks)
	case KindSubnet:
		return objects(s.Subnets)
	case KindPort:
		return objects(s.Ports)
	case KindServer:
		return objects(s.Servers)
	case KindRouter:
		return objects(s.Routers)
	case KindFloatingIP:
		return objects(s.FloatingIPs)
	case KindSecurityGroup:
		return objects(s.SecurityGroups)
	case KindAgent:
		return objects(s.Agents)
	}
	return nil
}

func objects[T Object](list []T) []Object {
	out := make([]Object, len(list))
	for i, o := range list {
		out[i] = o
	}
	return out
}

// at is the i-th object of a kind; i comes from the index.
func (s *Snapshot) at(kind Kind, i int) Object {
	switch kind {
	case KindNode:
		return s.Nodes[i]
	case KindNetwork:
		return s.Networks[i]
	case KindSubnet:
		return s.Subnets[i]
	case KindPort:
		return s.Ports[i]
	case KindServer:
		return s.Servers[i]
	case KindRouter:
		return s.Routers[i]
	case KindFloatingIP:
		return s.FloatingIPs[i]
	case KindSecurityGroup:
		return s.SecurityGroups[i]
	default:
		return s.Agents[i]
	}
}

// count is how many objects of a kind there are.
func (s *Snapshot) count(kind Kind) int {
	switch kind {
	case KindNode:
		return len(s.Nodes)
	case KindNetwork:
		return len(s.Networks)
	case KindSubnet:
		return len(s.Subnets)
	case KindPort:
		return len(s.Ports)
	case KindServer:
		return len(s.Servers)
	case KindRouter:
		return len(s.Routers)
	case KindFloatingIP:
		return len(s.FloatingIPs)
	case KindSecurityGroup:
		return len(s.SecurityGroups)
	case KindAgent:
		return len(s.Agents)
	}
	return 0
}
