package openstack

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Column is one column of a kind's list, the same for the screen and the
// command line. Value gives text as the cloud wrote it.
type Column struct {
	Key      string // lower case: the command line's name and the JSON key
	Title    string
	Width    int  // cells that it would like
	Priority int  // 0 is kept longest when the screen is narrow
	Wide     bool // only in the wide view
	Value    func(*Snapshot, Object) string
}

// of makes a column's Value from a function of its kind.
func of[T Object](f func(*Snapshot, T) string) func(*Snapshot, Object) string {
	return func(s *Snapshot, o Object) string {
		t, ok := o.(T)
		if !ok {
			return ""
		}
		return f(s, t)
	}
}

// plain is of for what needs no snapshot.
func plain[T Object](f func(T) string) func(*Snapshot, Object) string {
	return of(func(_ *Snapshot, t T) string { return f(t) })
}

// portCount is how many ports there are of something, and nothing as long as
// ports were not read whole: a number that only a search brought is no count.
func (s *Snapshot) portCount(n int) string {
	if s.Taken[KindPort].IsZero() {
		return ""
	}
	return strconv.Itoa(n)
}

// Columns lists the columns of a kind, in their order on the screen.
func Columns(kind Kind) []Column {
	name := Column{"name", "NAME", 22, 0, false, (*Snapshot).DisplayName}
	state := Column{"state", "STATE", 10, 1, false, func(s *Snapshot, o Object) string { return s.State(o).Word }}
	id := Column{"id", "ID", 36, 9, true, func(_ *Snapshot, o Object) string { return o.ObjectID() }}
	switch kind {
	case KindNode:
		return []Column{
			{"name", "NAME", 22, 0, false, plain(func(n Node) string { return n.Host })},
			state,
			{"ip", "HOST IP", 16, 1, false, plain(func(n Node) string { return n.HostIP })},
			{"tunnel_ip", "TUNNEL IP", 16, 3, false, plain(func(n Node) string { return n.TunnelIP })},
			{"type", "TYPE", 8, 4, false, plain(func(n Node) string { return n.Type })},
			{"servers", "SERVERS", 7, 5, false, plain(nodeServers)},
			{"ports", "PORTS", 6, 5, false, of(func(s *Snapshot, n Node) string { return s.portCount(len(s.index.byHost[n.Host])) })},
			{"agents", "AGENTS", 8, 3, false, of(agentsUp)},
			{"vcpus", "VCPUS", 6, 7, true, plain(func(n Node) string { return positive(n.VCPUs) })},
			{"status", "STATUS", 9, 7, true, plain(func(n Node) string { return n.Status })},
			{"hypervisor", "HYPERVISOR", 28, 8, true, plain(func(n Node) string { return n.Hypervisor })},
			id,
		}
	case KindNetwork:
		return []Column{
			name, state,
			{"type", "TYPE", 7, 2, false, plain(func(n Network) string { return n.Type })},
			{"segment", "SEGMENT", 8, 2, false, plain(func(n Network) string { return positive(n.Segment) })},
			{"physical", "PHYSICAL", 12, 4, false, plain(func(n Network) string { return n.Physical })},
			{"mtu", "MTU", 5, 3, false, plain(func(n Network) string { return positive(n.MTU) })},
			{"subnets", "SUBNETS", 24, 3, false, of(networkSubnets)},
			{"ports", "PORTS", 6, 5, false, of(func(s *Snapshot, n Network) string { return s.portCount(len(s.index.byNet[n.ID])) })},
			{"kind", "KIND", 16, 6, false, plain(networkKind)},
			{"project", "PROJECT", 32, 8, true, plain(func(n Network) string { return n.ProjectID })},
			id,
		}
	case KindSubnet:
		return []Column{
			name,
			{"cidr", "CIDR", 20, 0, false, plain(cidr)},
			{"network", "NETWORK", 20, 1, false, of(func(s *Snapshot, n Subnet) string { return s.call(KindNetwork, n.NetworkID) })},
			{"gateway", "GATEWAY", 16, 2, false, plain(func(n Subnet) string { return n.Gateway })},
			{"dhcp", "DHCP", 5, 3, false, plain(func(n Subnet) string { return yes(n.DHCP) })},
			{"nameservers", "NAMESERVERS", 24, 5, false, plain(func(n Subnet) string { return strings.Join(n.Nameservers, " ") })},
			{"pools", "POOLS", 32, 7, true, plain(func(n Subnet) string { return strings.Join(n.Pools, " ") })},
			id,
		}
	case KindPort:
		return []Column{
			name,
			{"ip", "ADDRESS", 16, 0, false, plain(portIPs)},
			{"network", "NETWORK", 14, 2, false, of(func(s *Snapshot, p Port) string { return s.call(KindNetwork, p.NetworkID) })},
			{"host", "HOST", 12, 1, false, plain(func(p Port) string { return p.Host })},
			{"state", "STATE", 10, 3, false, state.Value},
			{"mac", "MAC", 17, 4, true, plain(func(p Port) string { return p.MAC })},
			{"owner", "OWNER", 26, 6, true, plain(func(p Port) string { return p.DeviceOwner })},
			{"vif_type", "VIF", 10, 6, true, plain(func(p Port) string { return p.VIFType })},
			{"port_name", "PORT NAME", 20, 7, true, plain(func(p Port) string { return p.Name })},
			{"device_id", "DEVICE ID", 36, 8, true, plain(func(p Port) string { return p.DeviceID })},
			id,
		}
	case KindServer:
		return []Column{
			name, state,
			{"ip", "ADDRESS", 24, 1, false, of(serverIPs)},
			{"host", "HOST", 12, 1, false, plain(func(v Server) string { return v.Host })},
			{"power", "POWER", 10, 4, false, plain(func(v Server) string { return v.Power })},
			{"task", "TASK", 12, 5, true, plain(func(v Server) string { return v.TaskState })},
			{"project", "PROJECT", 32, 8, true, plain(func(v Server) string { return v.ProjectID })},
			id,
		}
	case KindRouter:
		return []Column{
			name, state,
			{"external", "EXTERNAL", 16, 2, false, of(func(s *Snapshot, r Router) string { return s.call(KindNetwork, r.ExternalNetwork) })},
			{"ip", "ADDRESS", 16, 1, false, plain(routerIPs)},
			{"host", "HOST", 16, 2, false, of(routerHosts)},
			{"snat", "SNAT", 5, 4, false, plain(func(r Router) string { return yes(r.SNAT) })},
			{"kind", "KIND", 14, 5, false, plain(routerKind)},
			{"project", "PROJECT", 32, 8, true, plain(func(r Router) string { return r.ProjectID })},
			id,
		}
	case KindFloatingIP:
		return []Column{
			{"name", "ADDRESS", 16, 0, false, (*Snapshot).DisplayName},
			{"ip", "IP", 16, 9, true, plain(func(f FloatingIP) string { return f.IP })},
			state,
			{"port", "PORT", 20, 1, false, of(floatingPort)},
			{"fixed_ip", "FIXED", 16, 2, false, plain(func(f FloatingIP) string { return f.FixedIP })},
			{"router", "ROUTER", 16, 3, false, of(func(s *Snapshot, f FloatingIP) string { return s.call(KindRouter, f.RouterID) })},
			{"network", "NETWORK", 16, 4, false, of(func(s *Snapshot, f FloatingIP) string { return s.call(KindNetwork, f.NetworkID) })},
			{"host", "HOST", 12, 3, false, of(floatingHost)},
			id,
		}
	case KindSecurityGroup:
		return []Column{
			name,
			{"rules", "RULES", 6, 1, false, plain(func(g SecurityGroup) string { return strconv.Itoa(len(g.Rules)) })},
			{"stateful", "STATEFUL", 8, 3, false, plain(func(g SecurityGroup) string { return yes(g.Stateful) })},
			{"project", "PROJECT", 32, 2, false, plain(func(g SecurityGroup) string { return g.ProjectID })},
			id,
		}
	case KindAgent:
		return []Column{
			{"name", "NAME", 24, 0, false, (*Snapshot).DisplayName},
			{"host", "HOST", 16, 0, false, plain(func(a Agent) string { return a.Host })},
			state,
			{"heartbeat", "HEARTBEAT", 23, 3, false, plain(func(a Agent) string { return stamp(a.Heartbeat) })},
			{"started", "STARTED", 23, 5, false, plain(func(a Agent) string { return stamp(a.Started) })},
			{"binary", "BINARY", 26, 4, true, plain(func(a Agent) string { return a.Binary })},
			{"zone", "ZONE", 10, 6, true, plain(func(a Agent) string { return a.Zone })},
			id,
		}
	}
	return nil
}

// positive is a number, or nothing where it is not known.
func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func nodeServers(n Node) string {
	if n.Hypervisor == "" {
		return ""
	}
	return strconv.Itoa(n.Servers)
}

// agentsUp is "3 of 3": agents that are alive, of all on the node.
func agentsUp(s *Snapshot, n Node) string {
	if len(n.Agents) == 0 {
		return ""
	}
	up := 0
	for _, id := range n.Agents {
		if o, ok := s.Get(KindAgent, id); ok && State(o).Word != "dead" {
			up++
		}
	}
	return strconv.Itoa(up) + " of " + strconv.Itoa(len(n.Agents))
}

func networkSubnets(s *Snapshot, n Network) string {
	var list []string
	for _, id := range n.Subnets {
		if sub, ok := s.Subnet(id); ok && sub.CIDR.IsValid() {
			list = append(list, sub.CIDR.String())
		}
	}
	if list == nil && len(n.Subnets) > 0 {
		return strconv.Itoa(len(n.Subnets))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func portIPs(p Port) string {
	list := make([]string, 0, len(p.Fixed))
	for _, a := range p.Fixed {
		list = append(list, a.IP)
	}
	return strings.Join(list, " ")
}

// serverIPs takes Neutron's word over Nova's cache where there is one.
func serverIPs(s *Snapshot, v Server) string {
	var list []string
	for _, p := range s.PortsOf(v.ID) {
		for _, a := range p.Fixed {
			list = append(list, a.IP)
		}
	}
	if list == nil {
		for _, a := range v.Addresses {
			list = append(list, a.IP)
		}
	}
	slices.SortFunc(list, compareIPs)
	return strings.Join(slices.Compact(list), " ")
}

// compareIPs orders addresses by value, what is none after them.
func compareIPs(a, b string) int {
	x, xOK := netip.ParseAddr(a)
	y, yOK := netip.ParseAddr(b)
	if xOK != nil || yOK != nil {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}

func routerIPs(r Router) string {
	list := make([]string, 0, len(r.ExternalIPs))
	for _, a := range r.ExternalIPs {
		list = append(list, a.IP)
	}
	return strings.Join(list, " ")
}

// routerHosts is where the router's legs are bound: where it lives, unless it
// is distributed or in OVN.
func routerHosts(s *Snapshot, r Router) string {
	var hosts []string
	for _, p := range s.PortsOf(r.ID) {
		if p.Host != "" && !slices.Contains(hosts, p.Host) {
			hosts = append(hosts, p.Host)
		}
	}
	slices.Sort(hosts)
	return strings.Join(hosts, " ")
}

func floatingPort(s *Snapshot, f FloatingIP) string { return s.call(KindPort, f.PortID) }

func floatingHost(s *Snapshot, f FloatingIP) string {
	p, _ := s.Port(f.PortID)
	return p.Host
}
