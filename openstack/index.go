package openstack

import (
	"net/netip"
	"strings"
)

// ref points at an object of a snapshot.
type ref struct {
	kind Kind
	at   int32 // position in the kind's list
}

// index finds objects without walking the lists.
type index struct {
	byID     map[Kind]map[string]int32
	byName   map[Kind]map[string][]int32
	byIP     map[netip.Addr][]ref
	byMAC    map[string][]ref
	byDevice map[string][]int32 // ports by device_id
	byNet    map[string][]int32 // ports by network
	byHost   map[string][]int32 // ports by binding:host_id
}

func newIndex(s *Snapshot) index {
	x := index{
		byID:     make(map[Kind]map[string]int32, len(Kinds())),
		byName:   make(map[Kind]map[string][]int32, len(Kinds())),
		byIP:     make(map[netip.Addr][]ref, len(s.Ports)+len(s.FloatingIPs)),
		byMAC:    make(map[string][]ref, len(s.Ports)),
		byDevice: make(map[string][]int32, len(s.Ports)),
		byNet:    make(map[string][]int32, len(s.Networks)),
		byHost:   make(map[string][]int32, len(s.Nodes)),
	}
	enter(&x, KindNode, s.Nodes)
	enter(&x, KindNetwork, s.Networks)
	enter(&x, KindSubnet, s.Subnets)
	enter(&x, KindPort, s.Ports)
	enter(&x, KindServer, s.Servers)
	enter(&x, KindRouter, s.Routers)
	enter(&x, KindFloatingIP, s.FloatingIPs)
	enter(&x, KindSecurityGroup, s.SecurityGroups)
	enter(&x, KindAgent, s.Agents)
	for i := range s.Ports {
		x.port(int32(i), &s.Ports[i])
	}
	for i, f := range s.FloatingIPs {
		x.ip(f.IP, ref{KindFloatingIP, int32(i)})
	}
	for i, n := range s.Nodes {
		x.ip(n.HostIP, ref{KindNode, int32(i)})
		if n.TunnelIP != n.HostIP {
			x.ip(n.TunnelIP, ref{KindNode, int32(i)})
		}
	}
	return x
}

// enter notes the ids and names of a list. It is generic so that no object is
// copied to the heap.
func enter[T Object](x *index, kind Kind, list []T) {
	ids, names := make(map[string]int32, len(list)), map[string][]int32{}
	for i := range list {
		ids[list[i].ObjectID()] = int32(i)
		if name := list[i].ObjectName(); name != "" {
			names[name] = append(names[name], int32(i))
		}
	}
	x.byID[kind], x.byName[kind] = ids, names
}

func (x *index) port(i int32, p *Port) {
	r := ref{KindPort, i}
	for _, a := range p.Fixed {
		x.ip(a.IP, r)
	}
	for _, a := range p.AllowedPairs {
		x.ip(a.IP, r) // a prefix is not an address and stays out
		if mac := NormalMAC(a.MAC); mac != "" && mac != p.MAC {
			x.byMAC[mac] = append(x.byMAC[mac], r)
		}
	}
	if mac := NormalMAC(p.MAC); mac != "" {
		x.byMAC[mac] = append(x.byMAC[mac], r)
	}
	if p.DeviceID != "" {
		x.byDevice[p.DeviceID] = append(x.byDevice[p.DeviceID], i)
	}
	if p.Host != "" {
		x.byHost[p.Host] = append(x.byHost[p.Host], i)
	}
	x.byNet[p.NetworkID] = append(x.byNet[p.NetworkID], i)
}

func (x *index) ip(text string, r ref) {
	a, ok := parseAddr(text)
	if !ok {
		return
	}
	if refs := x.byIP[a]; len(refs) > 0 && refs[len(refs)-1] == r {
		return
	}
	x.byIP[a] = append(x.byIP[a], r)
}

// parseAddr reads an address in any of its notations; IPv4 in IPv6 is IPv4,
// and a zone is dropped.
func parseAddr(text string) (netip.Addr, bool) {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

// NormalMAC brings a MAC of any notation (fa:16:3e:0a:11:01, FA-16-3E-0A-11-01,
// fa16.3e0a.1101, fa163e0a1101) to lower case with colons; "" when text is none.
func NormalMAC(text string) string {
	digits := make([]byte, 0, 12)
	for i := range len(text) {
		c := text[i]
		switch {
		case c == ':' || c == '-' || c == '.':
			continue
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			c += 'a' - 'A'
		default:
			return ""
		}
		if len(digits) == 12 {
			return ""
		}
		digits = append(digits, c)
	}
	if len(digits) != 12 {
		return ""
	}
	out := make([]byte, 0, 17)
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, digits[i], digits[i+1])
	}
	return string(out)
}

// Get is the object of a kind with this id.
func (s *Snapshot) Get(kind Kind, id string) (Object, bool) {
	i, ok := s.index.byID[kind][id]
	if !ok {
		return nil, false
	}
	return s.at(kind, int(i)), true
}

// ByName lists the objects of a kind with exactly this name.
func (s *Snapshot) ByName(kind Kind, name string) []Object {
	return pick(s, kind, s.index.byName[kind][name])
}

// ByIP lists what has this address: ports, also by an allowed address pair,
// floating IPs, nodes. Any notation of the address will do.
func (s *Snapshot) ByIP(ip string) []Object {
	a, ok := parseAddr(ip)
	if !ok {
		return nil
	}
	return s.follow(s.index.byIP[a])
}

// ByMAC lists the ports with this MAC, also by an allowed address pair. Any
// notation will do.
func (s *Snapshot) ByMAC(mac string) []Object {
	return s.follow(s.index.byMAC[NormalMAC(mac)])
}

func (s *Snapshot) follow(refs []ref) []Object {
	out := make([]Object, len(refs))
	for i, r := range refs {
		out[i] = s.at(r.kind, int(r.at))
	}
	return out
}

func pick(s *Snapshot, kind Kind, at []int32) []Object {
	out := make([]Object, len(at))
	for i, n := range at {
		out[i] = s.at(kind, int(n))
	}
	return out
}

func lookup[T any](s *Snapshot, kind Kind, list []T, id string) (T, bool) {
	i, ok := s.index.byID[kind][id]
	if !ok {
		var none T
		return none, false
	}
	return list[i], true
}

// Port is the port with this id.
func (s *Snapshot) Port(id string) (Port, bool) { return lookup(s, KindPort, s.Ports, id) }

// Network is the network with this id.
func (s *Snapshot) Network(id string) (Network, bool) {
	return lookup(s, KindNetwork, s.Networks, id)
}

// Subnet is the subnet with this id.
func (s *Snapshot) Subnet(id string) (Subnet, bool) { return lookup(s, KindSubnet, s.Subnets, id) }

// Server is the server with this id.
func (s *Snapshot) Server(id string) (Server, bool) { return lookup(s, KindServer, s.Servers, id) }

// Router is the router with this id.
func (s *Snapshot) Router(id string) (Router, bool) { return lookup(s, KindRouter, s.Routers, id) }

// Node is the node with this host name, as binding:host_id spells it.
func (s *Snapshot) Node(host string) (Node, bool) { return lookup(s, KindNode, s.Nodes, host) }

// PortsOf lists the ports of a server, a router or a DHCP service by the
// device_id that they carry.
func (s *Snapshot) PortsOf(device string) []Port { return s.ports(s.index.byDevice[device]) }

// PortsOn lists the ports that are bound to a host.
func (s *Snapshot) PortsOn(host string) []Port { return s.ports(s.index.byHost[host]) }

// PortsIn lists the ports of a network.
func (s *Snapshot) PortsIn(network string) []Port { return s.ports(s.index.byNet[network]) }

func (s *Snapshot) ports(at []int32) []Port {
	out := make([]Port, len(at))
	for i, n := range at {
		out[i] = s.Ports[n]
	}
	return out
}
