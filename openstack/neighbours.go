package openstack

import (
	"slices"
	"strings"
)

// want is a neighbour to read: the objects of kind whose key has value.
type want struct {
	kind       Kind
	key, value string
}

// wants lists what the best hits need and is neither known nor asked yet.
func (f *find) wants(hits []Object) []want {
	var list []want
	add := func(kind Kind, key, value string) {
		w := want{kind, key, value}
		if value == "" || f.asked[w] {
			return
		}
		if key == "id" {
			if _, known := f.snapshot.Get(kind, value); known {
				return
			}
		}
		f.asked[w] = true
		list = append(list, w)
	}
	for _, hit := range hits {
		if newer, ok := f.snapshot.Get(hit.ObjectKind(), hit.ObjectID()); ok {
			hit = newer
		}
		for i, o := range f.snapshot.focus(hit) {
			f.wantsOf(o, i == 0, add)
		}
	}
	return list
}

// best are the hits that are as good as the first, at most mostFocus of them.
func (f *find) best(hits []Object) []Object {
	if len(hits) == 0 {
		return nil
	}
	ranks := map[identity]int{}
	for _, m := range f.query.matches(f.snapshot) {
		ranks[identity{m.object.ObjectKind(), m.object.ObjectID()}] = m.rank
	}
	rank := func(o Object) int { return ranks[identity{o.ObjectKind(), o.ObjectID()}] }
	n := 1
	for n < min(len(hits), mostFocus) && rank(hits[n]) == rank(hits[0]) {
		n++
	}
	return hits[:n]
}

// wantsOf adds what o needs; isHit where o itself was looked for, not only
// passed on the way.
func (f *find) wantsOf(o Object, isHit bool, add func(kind Kind, key, value string)) {
	switch o := o.(type) {
	case FloatingIP:
		add(KindPort, "id", o.PortID)
		add(KindRouter, "id", o.RouterID)
		add(KindNetwork, "id", o.NetworkID)
	case Port:
		f.wantsOfPort(o, isHit, add)
	case Server:
		add(KindPort, "device_id", o.ID)
		f.wantsHost(o.Host, add)
	case Router:
		add(KindPort, "device_id", o.ID)
		add(KindNetwork, "id", o.ExternalNetwork)
		for _, p := range f.snapshot.PortsOf(o.ID) {
			if isHit {
				add(KindNetwork, "id", p.NetworkID)
			}
			if isHit || p.DeviceOwner == ownerGateway {
				f.wantsHost(p.Host, add)
			}
		}
	case Network:
		add(KindSubnet, "network_id", o.ID)
	case Subnet:
		add(KindNetwork, "id", o.NetworkID)
	case Agent:
		f.wantsHost(o.Host, add)
	case Node:
		f.wantsHost(o.Host, add)
	}
}

func (f *find) wantsOfPort(p Port, isHit bool, add func(kind Kind, key, value string)) {
	add(KindNetwork, "id", p.NetworkID)
	for _, a := range p.Fixed {
		add(KindSubnet, "id", a.SubnetID)
	}
	switch {
	case strings.HasPrefix(p.DeviceOwner, ownerCompute):
		add(KindServer, "id", p.DeviceID)
	case ownedByRouter(p.DeviceOwner):
		add(KindRouter, "id", p.DeviceID)
	}
	f.wantsHost(p.Host, add)
	if !isHit {
		return
	}
	if !strings.HasPrefix(p.DeviceOwner, "network:") {
		add(KindFloatingIP, "port_id", p.ID)
	}
	for _, g := range p.SecurityGroups {
		add(KindSecurityGroup, "id", g)
	}
}

// wantsHost asks for a node until it is known with its agents or hypervisor.
func (f *find) wantsHost(host string, add func(kind Kind, key, value string)) {
	n, known := f.snapshot.Node(host)
	if known && (len(n.Agents) > 0 || n.Hypervisor != "") {
		return
	}
	add(KindAgent, "host", host)
	if f.cloud.about.Admin {
		add(KindNode, "host", host)
	}
}

// fetch makes queries of wants, with many ids in one where the API takes them.
func (f *find) fetch(wants []want) []question {
	var list []question
	filters := map[want][]string{} // by kind and key
	for _, w := range wants {
		switch w.kind {
		case KindServer:
			list = append(list, f.server("", w.value))
		case KindNode:
			list = append(list, f.hypervisors("", hostPattern(w.value)))
		default:
			group := want{kind: w.kind, key: w.key}
			filters[group] = append(filters[group], w.value)
		}
	}
	for group, values := range filters {
		for some := range slices.Chunk(values, mostInOne) {
			var filter []string
			for _, v := range some {
				filter = append(filter, group.key, v)
			}
			list = append(list, f.where("", group.kind, filter...))
		}
	}
	return list
}
