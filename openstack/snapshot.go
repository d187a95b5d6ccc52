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

	// Taken says when each kind was last read, as far as the account may. A
	// kind that is not in it was never read; its list holds what searches brought.
	Taken map[Kind]time.Time
	// Missing says why a kind, or a part of it, could not be read: what failed
	// and what to do, in one sentence.
	Missing map[Kind]string

	index index
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
		next.put(kind, list, false)
	}
	next.index = newIndex(next)
	return next
}

// put replaces the list of a kind where objects is all of it, else adds objects
// to the list. The index is left to the caller.
func (s *Snapshot) put(kind Kind, objects []Object, all bool) {
	switch kind {
	case KindNode:
		s.Nodes = merge(s.Nodes, objects, all)
	case KindNetwork:
		s.Networks = merge(s.Networks, objects, all)
	case KindSubnet:
		s.Subnets = merge(s.Subnets, objects, all)
	case KindPort:
		s.Ports = merge(s.Ports, objects, all)
	case KindServer:
		s.Servers = merge(s.Servers, objects, all)
	case KindRouter:
		s.Routers = merge(s.Routers, objects, all)
	case KindFloatingIP:
		s.FloatingIPs = merge(s.FloatingIPs, objects, all)
	case KindSecurityGroup:
		s.SecurityGroups = merge(s.SecurityGroups, objects, all)
	case KindAgent:
		s.Agents = merge(s.Agents, objects, all)
	}
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

// merge is more alone where that is all there is, else list with more in it,
// replacing what has the same id. list itself stays as it is.
func merge[T Object](list []T, more []Object, all bool) []T {
	if all {
		return ordered(typed[T](more))
	}
	if len(more) == 0 {
		return list
	}
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
