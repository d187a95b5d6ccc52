package scenario

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Build checks a scenario and resolves it for a flavour. It reports everything
// that is wrong at once, each thing in a line that names the object.
func Build(f File, flavour Flavour) (*Cloud, error) {
	if err := flavour.check(); err != nil {
		return nil, err
	}
	b := builder{
		cloud:    &Cloud{Flavour: flavour, Region: f.Region, API: f.Management, Underlay: f.Underlay, Traffic: f.Traffic},
		names:    map[string]bool{},
		address:  map[netip.Addr]string{},
		projects: map[string]*Project{},
		hosts:    map[string]*Host{},
		groups:   map[string]*SecurityGroup{},
		networks: map[string]*Network{},
		servers:  map[string]*Server{},
	}
	b.check(f.Region != "", "region: has no name")
	b.buildIdentity(f)
	b.buildHosts(f)
	b.buildGroups(f)
	b.buildNetworks(f)
	b.buildRouters(f)
	b.buildServers(f)
	b.buildFloatingIPs(f)
	b.buildDHCP()
	b.buildAgents()
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return b.cloud, nil
}

type builder struct {
	cloud    *Cloud
	errs     []error
	names    map[string]bool // "kind/name" seen
	address  map[netip.Addr]string
	projects map[string]*Project
	hosts    map[string]*Host
	groups   map[string]*SecurityGroup
	networks map[string]*Network
	servers  map[string]*Server
}

func (b *builder) check(ok bool, format string, args ...any) bool {
	if !ok {
		b.errs = append(b.errs, fmt.Errorf(format, args...))
	}
	return ok
}

// name notes that a kind has an object of that name and makes its id.
func (b *builder) name(kind, name string) string {
	key := kind + "/" + name
	b.check(validName(name), "%s %q: a name is letters, digits, dots and dashes, at most 32", kind, name)
	b.check(!b.names[key], "%s %s: stands there twice", kind, name)
	b.names[key] = true
	return ID(kind, name)
}

// validName keeps names usable as host names and file names.
func validName(s string) bool {
	if s == "" || len(s) > 32 || strings.HasPrefix(s, "-") || strings.HasPrefix(s, ".") {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == ""
}

// take notes who has an address, which must lie in the prefix.
func (b *builder) take(who string, a netip.Addr, in netip.Prefix) {
	if !b.check(a.Is4() && in.Contains(a), "%s: address %v is not in %v", who, a, in) {
		return
	}
	other := b.address[a]
	b.check(other == "", "%s: address %v belongs to %s", who, a, other)
	b.address[a] = who
}

func (b *builder) project(who, name string) *Project {
	p := b.projects[name]
	b.check(p != nil, "%s: unknown project %q", who, name)
	return p
}

func (b *builder) network(who, name string) *Network {
	n := b.networks[name]
	b.check(n != nil, "%s: unknown network %q", who, name)
	return n
}

func (b *builder) host(who, name string, role Role) *Host {
	h := b.hosts[name]
	if b.check(h != nil, "%s: unknown host %q", who, name) {
		b.check(h.Role == role, "%s: host %s is no %s host", who, name, role)
	}
	return h
}

func (b *builder) buildIdentity(f File) {
	for _, name := range f.Projects {
		b.name("project", name)
		p := &Project{ID: hexID("project", name), Name: name}
		b.projects[name] = p
		b.cloud.Projects = append(b.cloud.Projects, p)
	}
	for _, fu := range f.Users {
		b.name("user", fu.Name)
		who := "user " + fu.Name
		u := &User{ID: hexID("user", fu.Name), Name: fu.Name, Password: fu.Password, Roles: fu.Roles}
		b.check(fu.Password != "", "%s: has no password", who)
		b.check(len(fu.Roles) > 0 && len(fu.Projects) > 0, "%s: needs a role and a project", who)
		for _, name := range fu.Projects {
			u.Projects = append(u.Projects, b.project(who, name))
		}
		if fc := fu.Credential; fc != nil {
			b.check(fc.Secret != "", "%s: its application credential has no secret", who)
			u.Credential = &Credential{ID: hexID("credential", fu.Name+"/"+fc.Name), Name: fc.Name, Secret: fc.Secret}
		}
		b.cloud.Users = append(b.cloud.Users, u)
	}
	b.check(len(f.Users) > 0, "users: there are none")
}

func (b *builder) buildHosts(f File) {
	b.check(f.Management.IsValid() && f.Management.Addr().Is4(), "management: needs an IPv4 address with a prefix length")
	b.check(f.Underlay.IsValid() && f.Underlay.Addr().Is4(), "underlay: needs an IPv4 prefix")
	b.take("the API", f.Management.Addr(), f.Management)
	roles := map[Role]int{}
	for _, fh := range f.Hosts {
		b.name("host", fh.Name)
		who := "host " + fh.Name
		b.check(fh.Role == RoleNetwork || fh.Role == RoleCompute, "%s: role is network or compute, not %q", who, fh.Role)
		b.check(len(fh.Name) <= 9, "%s: the name is longer than 9 characters, which device names have no room for", who)
		roles[fh.Role]++
		b.take(who, fh.Management, f.Management)
		b.take(who, fh.Underlay, f.Underlay)
		h := &Host{Name: fh.Name, Role: fh.Role, Management: fh.Management, Underlay: fh.Underlay}
		b.hosts[fh.Name] = h
		b.cloud.Hosts = append(b.cloud.Hosts, h)
	}
	b.check(roles[RoleNetwork] == 1, "hosts: one of them has the role network, not %d", roles[RoleNetwork])
}

func (b *builder) buildGroups(f File) {
	for _, fg := range f.SecurityGroups {
		id := b.name("security group", fg.Name)
		g := &SecurityGroup{ID: id, Name: fg.Name, Project: b.project("security group "+fg.Name, fg.Project)}
		b.groups[fg.Name] = g
		b.cloud.SecurityGroups = append(b.cloud.SecurityGroups, g)
	}
	for _, fg := range f.SecurityGroups { // again: rules may name a later group
		g := b.groups[fg.Name]
		for i, fr := range fg.Rules {
			who := fmt.Sprintf("security group %s, rule %d", fg.Name, i+1)
			r := Rule{ID: ID("rule", fmt.Sprintf("%s/%d", fg.Name, i)), Direction: fr.Direction, Protocol: fr.Protocol, RemotePrefix: fr.RemotePrefix}
			b.check(fr.Direction == "ingress" || fr.Direction == "egress", "%s: direction is ingress or egress, not %q", who, fr.Direction)
			if fr.Ports != "" {
				var err error
				r.PortMin, r.PortMax, err = portRange(fr.Ports)
				b.check(err == nil, "%s: ports are 80 or 8000-8099, not %q", who, fr.Ports)
			}
			if fr.RemoteGroup != "" {
				r.RemoteGroup = b.groups[fr.RemoteGroup]
				b.check(r.RemoteGroup != nil, "%s: unknown security group %q", who, fr.RemoteGroup)
			}
			g.Rules = append(g.Rules, r)
		}
	}
}

func portRange(s string) (low, high int, err error) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	if low, err = strconv.Atoi(from); err == nil {
		high, err = strconv.Atoi(to)
	}
	if err == nil && (low < 1 || high < low || high > 65535) {
		err = errors.New("out of range")
	}
	return low, high, err
}

func (b *builder) buildNetworks(f File) {
	vnis := map[int]string{}
	external := 0
	for _, fn := range f.Networks {
		id := b.name("network", fn.Name)
		who := "network " + fn.Name
		n := &Network{
			ID: id, Name: fn.Name, Project: b.project(who, fn.Project),
			VNI: fn.VNI, External: fn.External, Physical: fn.Physical, Plug: b.plug(who, fn), MTU: TenantMTU,
		}
		if fn.External {
			external++
			n.MTU = UnderlayMTU
			b.check(fn.VNI == 0 && fn.Physical != "", "%s: an external network has a physical network and no VNI", who)
			b.check(!fn.Subnet.DHCP.IsValid(), "%s: an external network has no DHCP", who)
		} else {
			b.check(fn.VNI > 0 && fn.VNI < 1<<24 && fn.Physical == "", "%s: needs a VNI from 1 to 16777215 and no physical network", who)
			b.check(vnis[fn.VNI] == "", "%s: VNI %d belongs to network %s", who, fn.VNI, vnis[fn.VNI])
			vnis[fn.VNI] = fn.Name
		}
		n.Subnet = b.subnet(fn.Subnet)
		b.networks[fn.Name] = n
		b.cloud.Networks = append(b.cloud.Networks, n)
	}
	b.check(external == 1, "networks: one of them is external, not %d", external)
}

// plug is how servers are joined to a network; what the scenario says of it is
// for Open vSwitch, where there is a choice.
func (b *builder) plug(who string, fn FileNetwork) Plug {
	b.check(fn.Plug == "" || fn.Plug == PlugNative || fn.Plug == PlugHybrid, "%s: plug is %s or %s, not %q", who, PlugNative, PlugHybrid, fn.Plug)
	switch {
	case b.cloud.Flavour == LinuxBridge:
		return PlugBridge
	case fn.Plug == PlugHybrid:
		return PlugHybrid
	}
	return PlugNative
}

func (b *builder) subnet(fs FileSubnet) *Subnet {
	s := &Subnet{ID: b.name("subnet", fs.Name), Name: fs.Name, CIDR: fs.CIDR, Gateway: fs.Gateway, DHCP: fs.DHCP}
	who := "subnet " + fs.Name
	if !b.check(fs.CIDR.IsValid() && fs.CIDR.Addr().Is4() && fs.CIDR == fs.CIDR.Masked(), "%s: cidr is an IPv4 prefix without host bits, not %v", who, fs.CIDR) {
		return s
	}
	b.take("the gateway of "+who, fs.Gateway, fs.CIDR)
	for _, n := range b.cloud.Networks {
		b.check(!n.Subnet.CIDR.Overlaps(fs.CIDR), "%s: overlaps subnet %s", who, n.Subnet.Name)
	}
	first, last, _ := strings.Cut(fs.Pool, "-")
	var err1, err2 error
	s.PoolFirst, err1 = netip.ParseAddr(first)
	s.PoolEnd, err2 = netip.ParseAddr(last)
	b.check(err1 == nil && err2 == nil && fs.CIDR.Contains(s.PoolFirst) && fs.CIDR.Contains(s.PoolEnd) && !s.PoolEnd.Less(s.PoolFirst),
		"%s: pool is first-last inside of %v, not %q", who, fs.CIDR, fs.Pool)
	return s
}

// port adds a port whose id comes from its name among those of its owner.
func (b *builder) port(who string, p Port) *Port {
	p.ID = ID("port", p.Owner+"/"+p.DeviceID+"/"+p.Network.Name+"/"+p.Address.String())
	p.MAC = MAC(p.ID)
	for _, other := range b.cloud.Ports {
		b.check(other.MAC != p.MAC && other.ID[:11] != p.ID[:11], "%s: its id is too like that of another port; use another name", who)
	}
	if p.Owner != OwnerInterface || p.Address != p.Network.Subnet.Gateway {
		b.take(who, p.Address, p.Network.Subnet.CIDR)
	}
	b.cloud.Ports = append(b.cloud.Ports, &p)
	return &p
}

func (b *builder) buildRouters(f File) {
	inside := map[*Network]string{}
	for _, fr := range f.Routers {
		who := "router " + fr.Name
		r := &Router{ID: b.name("router", fr.Name), Name: fr.Name, Project: b.project(who, fr.Project), Host: b.host(who, fr.Host, RoleNetwork)}
		if n := b.network(who, fr.Gateway.Network); n != nil {
			b.check(n.External, "%s: its gateway's network %s is not external", who, n.Name)
			r.Gateway = b.port("the gateway of "+who, Port{Network: n, Address: fr.Gateway.Address, Owner: OwnerGateway, DeviceID: r.ID, Host: r.Host})
		}
		for _, name := range fr.Networks {
			n := b.network(who, name)
			if n == nil {
				continue
			}
			b.check(!n.External, "%s: %s is external, which only a gateway can be in", who, name)
			b.check(inside[n] == "", "%s: network %s has router %s at its gateway's address", who, name, inside[n])
			inside[n] = fr.Name
			r.Interfaces = append(r.Interfaces, b.port("an interface of "+who,
				Port{Network: n, Address: n.Subnet.Gateway, Project: r.Project, Owner: OwnerInterface, DeviceID: r.ID, Host: r.Host}))
		}
		b.cloud.Routers = append(b.cloud.Routers, r)
	}
}

func (b *builder) buildServers(f File) {
	for _, fs := range f.Servers {
		who := "server " + fs.Name
		s := &Server{ID: b.name("server", fs.Name), Name: fs.Name, Project: b.project(who, fs.Project), Host: b.host(who, fs.Host, RoleCompute)}
		p := Port{Name: fs.Name, Project: s.Project, Owner: OwnerServer, DeviceID: s.ID, Host: s.Host, Address: fs.Address}
		for _, name := range fs.SecurityGroups {
			g := b.groups[name]
			if b.check(g != nil, "%s: unknown security group %q", who, name) {
				p.SecurityGroups = append(p.SecurityGroups, g)
			}
		}
		if p.Network = b.network(who, fs.Network); p.Network != nil {
			b.check(p.Network.Subnet.DHCP.IsValid(), "%s: network %s has no DHCP, which the lab's servers need", who, fs.Network)
			s.Port = b.port(who, p)
		}
		b.servers[fs.Name] = s
		b.cloud.Servers = append(b.cloud.Servers, s)
	}
}

func (b *builder) buildFloatingIPs(f File) {
	for _, ff := range f.FloatingIPs {
		who := "floating IP " + ff.Address.String()
		n := b.network(who, ff.Network)
		if n == nil || !b.check(n.External, "%s: network %s is not external", who, ff.Network) {
			continue
		}
		fip := &FloatingIP{ID: ID("floating ip", ff.Address.String()), Address: ff.Address, Project: b.project(who, ff.Project), Network: n}
		fip.Own = b.port(who, Port{Network: n, Address: ff.Address, Owner: OwnerFloatingIP, DeviceID: fip.ID})
		if ff.Server != "" {
			if s := b.servers[ff.Server]; b.check(s != nil, "%s: unknown server %q", who, ff.Server) && s.Port != nil {
				fip.Port = s.Port
				fip.Router = b.routerBetween(s.Port.Network, n)
				b.check(fip.Router != nil, "%s: no router joins network %s with %s", who, s.Port.Network.Name, n.Name)
			}
		}
		b.cloud.FloatingIPs = append(b.cloud.FloatingIPs, fip)
	}
}

func (b *builder) routerBetween(inner, outer *Network) *Router {
	for _, r := range b.cloud.Routers {
		if r.Gateway == nil || r.Gateway.Network != outer {
			continue
		}
		for _, p := range r.Interfaces {
			if p.Network == inner {
				return r
			}
		}
	}
	return nil
}

// buildDHCP adds the DHCP ports. Neutron's device_id of one is "dhcp", a
// version 5 UUID of the host, and the network's id.
func (b *builder) buildDHCP() {
	for _, n := range b.cloud.Networks {
		if !n.Subnet.DHCP.IsValid() {
			continue
		}
		for _, h := range b.cloud.Hosts {
			if h.Role == RoleNetwork {
				b.port("the DHCP port of network "+n.Name, Port{
					Network: n, Address: n.Subnet.DHCP, Project: n.Project, Owner: OwnerDHCP,
					DeviceID: "dhcp" + ID("host", h.Name) + "-" + n.ID, Host: h,
				})
			}
		}
	}
}

func (b *builder) buildAgents() {
	add := func(h *Host, binary, kind, topic string) {
		b.cloud.Agents = append(b.cloud.Agents, &Agent{ID: ID("agent", binary+"/"+h.Name), Binary: binary, Type: kind, Topic: topic, Host: h})
	}
	for _, h := range b.cloud.Hosts {
		switch b.cloud.Flavour {
		case OpenVSwitch:
			add(h, BinaryOpenVSwitch, "Open vSwitch agent", "N/A")
		case LinuxBridge:
			add(h, BinaryLinuxBridge, "Linux bridge agent", "N/A")
		}
		if h.Role == RoleNetwork {
			add(h, "neutron-dhcp-agent", "DHCP agent", "dhcp_agent")
			add(h, "neutron-l3-agent", "L3 agent", "l3_agent")
		}
	}
}
