// Package scenario is the one description of the lab's cloud. The wires are
// built from it and the OpenStack API answers from it, so that the two can't
// disagree by accident.
//
// A [File] is what an author writes, with names as references. [Build] checks
// it and makes a [Cloud]: every object, every port (of servers, DHCP, routers
// and floating IPs) with its id, MAC address, host and the names of its devices
// as Neutron's layer 2 agent of the [Flavour], its DHCP and its L3 agent give
// them. A Cloud never changes, so any number of readers may share it.
package scenario

import (
	"net/netip"
	"slices"
)

// Role says what a host is for.
type Role string

// The roles of hosts.
const (
	RoleNetwork Role = "network" // dnsmasq and routers
	RoleCompute Role = "compute" // servers
)

// MTUs of the lab: what VXLAN over IPv4 leaves of the underlay's 1500 bytes is
// what Neutron gives a tenant network (ml2 type_vxlan: 50 bytes of overhead).
const (
	UnderlayMTU = 1500
	TenantMTU   = 1450
)

// Cloud is a scenario with every reference resolved.
type Cloud struct {
	Flavour        Flavour
	Region         string
	API            netip.Prefix // the API's address in the management network
	Underlay       netip.Prefix
	Projects       []*Project
	Users          []*User
	Hosts          []*Host
	SecurityGroups []*SecurityGroup
	Networks       []*Network
	Routers        []*Router
	Servers        []*Server
	FloatingIPs    []*FloatingIP
	Ports          []*Port
	Agents         []*Agent
	Traffic        Traffic
}

// Project is a Keystone project.
type Project struct{ ID, Name string }

// User is a Keystone user; its first project is the default one.
type User struct {
	ID, Name, Password string
	Roles              []string
	Projects           []*Project
	Credential         *Credential // nil without one
}

// Credential is an application credential for the user's first project.
type Credential struct{ ID, Name, Secret string }

// Host is one of the lab's hosts.
type Host struct {
	Name       string
	Role       Role
	Management netip.Addr
	Underlay   netip.Addr
}

// Network is a network with its subnet.
type Network struct {
	ID, Name string
	Project  *Project
	VNI      int // 0 on a flat network
	External bool
	Physical string // physical network of a flat one
	Plug     Plug   // how servers are joined to it
	MTU      int
	Subnet   *Subnet
}

// Subnet is the one subnet of a network.
type Subnet struct {
	ID, Name           string
	CIDR               netip.Prefix
	Gateway            netip.Addr
	DHCP               netip.Addr // the DHCP port's address; invalid without DHCP
	PoolFirst, PoolEnd netip.Addr
}

// Router is a router on one host.
type Router struct {
	ID, Name   string
	Project    *Project
	Host       *Host
	Gateway    *Port
	Interfaces []*Port
}

// Server is a server with its one port.
type Server struct {
	ID, Name string
	Project  *Project
	Host     *Host
	Port     *Port
}

// FloatingIP is a floating IP. Port and Router are nil while it is free.
type FloatingIP struct {
	ID      string
	Address netip.Addr
	Project *Project
	Network *Network
	Port    *Port // the server's
	Router  *Router
	Own     *Port // the unbound port that holds the address
}

// SecurityGroup is a security group with its rules.
type SecurityGroup struct {
	ID, Name string
	Project  *Project
	Rules    []Rule
}

// Rule is one IPv4 rule. PortMin and PortMax are 0 for any.
type Rule struct {
	ID               string
	Direction        string
	Protocol         string
	PortMin, PortMax int
	RemotePrefix     netip.Prefix
	RemoteGroup      *SecurityGroup
}

// The programs of Neutron's layer 2 agents.
const (
	BinaryOpenVSwitch = "neutron-openvswitch-agent"
	BinaryLinuxBridge = "neutron-linuxbridge-agent"
)

// Agent is a Neutron agent as the API tells it.
type Agent struct {
	ID, Binary, Type, Topic string
	Host                    *Host
}

// The device_owner values of Neutron's ports (neutron_lib/constants.py).
const (
	OwnerServer     = "compute:nova"
	OwnerDHCP       = "network:dhcp"
	OwnerInterface  = "network:router_interface"
	OwnerGateway    = "network:router_gateway"
	OwnerFloatingIP = "network:floatingip"
)

// Port is a Neutron port. The port of a floating IP has no host and no device.
type Port struct {
	ID, Name, MAC  string
	Network        *Network
	Address        netip.Addr
	Project        *Project // nil: Neutron's own (router gateways, floating IPs)
	Owner          string
	DeviceID       string
	Host           *Host
	SecurityGroups []*SecurityGroup
}

// Tap is the device on the host that a hypervisor makes, and that the Linux
// bridge agent plugs for every port: tap and eleven characters of the port's id.
func (p *Port) Tap() string { return "tap" + p.ID[:11] }

// Plug is how the port is joined to its network.
func (p *Port) Plug() Plug {
	if p.Network.Plug == PlugHybrid && p.Owner != OwnerServer {
		return PlugNative // without a security group there is no bridge for it
	}
	return p.Network.Plug
}

// Device is where the port's packets end: eth0 in a server, the other end of its
// [Port.Tap]; qr- or qg- in the namespace of a router; in that of DHCP ns-, or
// tap with Open vSwitch.
func (p *Port) Device() string {
	switch p.Owner {
	case OwnerServer:
		return "eth0"
	case OwnerDHCP:
		if p.Plug() == PlugNative {
			return p.Tap()
		}
		return "ns-" + p.ID[:11]
	case OwnerInterface:
		return "qr-" + p.ID[:11]
	case OwnerGateway:
		return "qg-" + p.ID[:11]
	}
	return ""
}

// Prefix is the port's address with the length of its subnet.
func (p *Port) Prefix() netip.Prefix {
	return netip.PrefixFrom(p.Address, p.Network.Subnet.CIDR.Bits())
}

// Bridge is the network's bridge on every host that has a port in it.
func (n *Network) Bridge() string { return "brq" + n.ID[:11] }

// DHCPNamespace is where the network's dnsmasq runs.
func (n *Network) DHCPNamespace() string { return "qdhcp-" + n.ID }

// Namespace is where the router lives on its host.
func (r *Router) Namespace() string { return "qrouter-" + r.ID }

// Host finds a host by name.
func (c *Cloud) Host(name string) (*Host, bool) {
	return find(c.Hosts, func(h *Host) bool { return h.Name == name })
}

// Server finds a server by name.
func (c *Cloud) Server(name string) (*Server, bool) {
	return find(c.Servers, func(s *Server) bool { return s.Name == name })
}

// ExternalBridge is what a flat network's physical network is mapped to on a
// host with Open vSwitch (bridge_mappings).
const ExternalBridge = "br-ex"

// BridgeMappings are those of a host's Open vSwitch agent: physical network to
// bridge.
func (c *Cloud) BridgeMappings(h *Host) map[string]string {
	out := map[string]string{}
	for _, n := range c.HostNetworks(h) {
		if n.External {
			out[n.Physical] = ExternalBridge
		}
	}
	return out
}

// HostPorts are the ports that are plugged on a host.
func (c *Cloud) HostPorts(h *Host) []*Port {
	var out []*Port
	for _, p := range c.Ports {
		if p.Host == h {
			out = append(out, p)
		}
	}
	return out
}

// HostNetworks are the networks with a port on a host, in the cloud's order.
func (c *Cloud) HostNetworks(h *Host) []*Network {
	var out []*Network
	for _, n := range c.Networks {
		if slices.ContainsFunc(c.Ports, func(p *Port) bool { return p.Host == h && p.Network == n }) {
			out = append(out, n)
		}
	}
	return out
}

// NetworkPorts are the ports of a network.
func (c *Cloud) NetworkPorts(n *Network) []*Port {
	var out []*Port
	for _, p := range c.Ports {
		if p.Network == n {
			out = append(out, p)
		}
	}
	return out
}

// External is the external network; Build makes sure that there is exactly one.
func (c *Cloud) External() *Network {
	n, _ := find(c.Networks, func(n *Network) bool { return n.External })
	return n
}

func find[T any](list []T, ok func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, ok); i >= 0 {
		return list[i], true
	}
	var none T
	return none, false
}
