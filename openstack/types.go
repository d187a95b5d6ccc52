package openstack

import (
	"net/netip"
	"time"
)

// Kind names a kind of object in the inventory.
type Kind string

// The kinds, in the order in which the explorer lists them.
const (
	KindNode          Kind = "node"
	KindNetwork       Kind = "network"
	KindSubnet        Kind = "subnet"
	KindPort          Kind = "port"
	KindServer        Kind = "server"
	KindRouter        Kind = "router"
	KindFloatingIP    Kind = "floatingip"
	KindSecurityGroup Kind = "securitygroup"
	KindAgent         Kind = "agent"
)

// Kinds lists every kind, in the explorer's order.
func Kinds() []Kind {
	return []Kind{KindNode, KindNetwork, KindSubnet, KindPort, KindServer, KindRouter, KindFloatingIP, KindSecurityGroup, KindAgent}
}

// Plural is the kind as a heading says it: "floating IPs".
func Plural(k Kind) string {
	switch k {
	case KindFloatingIP:
		return "floating IPs"
	case KindSecurityGroup:
		return "security groups"
	}
	return string(k) + "s"
}

// Object is anything the inventory holds.
type Object interface {
	ObjectKind() Kind
	ObjectID() string   // unique within its kind
	ObjectName() string // "" where the cloud gives none
}

// Node is a host that carries servers or network services. Nova's hypervisors
// and Neutron's agents are joined on the host name that binding:host_id uses.
type Node struct {
	Host       string   `json:"host"`       // as in binding:host_id
	Hypervisor string   `json:"hypervisor"` // Nova's hypervisor_hostname, "" on a network node
	Type       string   `json:"type"`       // hypervisor_type: QEMU, fake...
	HostIP     string   `json:"host_ip"`    // Nova's host_ip
	TunnelIP   string   `json:"tunnel_ip"`  // tunneling_ip of its Neutron agent
	State      string   `json:"state"`      // up, down or unknown: Nova's word for a hypervisor, else whether all agents are alive
	Status     string   `json:"status"`     // Nova's enabled or disabled
	Agents     []string `json:"agents"`     // ids of its Neutron agents
	VCPUs      int      `json:"vcpus"`
	Servers    int      `json:"servers"` // running_vms
}

func (n Node) ObjectKind() Kind   { return KindNode }
func (n Node) ObjectID() string   { return n.Host }
func (n Node) ObjectName() string { return n.Host }

// Agent is a Neutron agent.
type Agent struct {
	ID             string         `json:"id"`
	Binary         string         `json:"binary"` // neutron-openvswitch-agent...
	Type           string         `json:"type"`   // Open vSwitch agent...
	Host           string         `json:"host"`
	Zone           string         `json:"zone"`
	Alive          bool           `json:"alive"`
	AdminUp        bool           `json:"admin_up"`
	Heartbeat      time.Time      `json:"heartbeat"`
	Started        time.Time      `json:"started"`
	Configurations map[string]any `json:"configurations"`
}

func (a Agent) ObjectKind() Kind   { return KindAgent }
func (a Agent) ObjectID() string   { return a.ID }
func (a Agent) ObjectName() string { return a.Binary }

// Network is a Neutron network.
type Network struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	ProjectID       string    `json:"project_id"`
	Status          string    `json:"status"`
	AdminUp         bool      `json:"admin_up"`
	Shared          bool      `json:"shared"`
	External        bool      `json:"external"`
	MTU             int       `json:"mtu"`
	Type            string    `json:"type"`     // provider:network_type: vxlan, vlan, flat, geneve, gre, local; "" where hidden
	Physical        string    `json:"physical"` // provider:physical_network
	Segment         int       `json:"segment"`  // provider:segmentation_id: VLAN id or VNI
	Segments        []Segment `json:"segments,omitempty"`
	Subnets         []string  `json:"subnets"`
	PortSecurity    bool      `json:"port_security"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	Description     string    `json:"description,omitempty"`
	QoSPolicyID     string    `json:"qos_policy_id,omitempty"`
	DNSDomain       string    `json:"dns_domain,omitempty"`
	VLANTransparent bool      `json:"vlan_transparent,omitempty"`
}

// Segment is one segment of a multi-segment network.
type Segment struct {
	Type     string `json:"type"`
	Physical string `json:"physical"`
	Segment  int    `json:"segment"`
}

func (n Network) ObjectKind() Kind   { return KindNetwork }
func (n Network) ObjectID() string   { return n.ID }
func (n Network) ObjectName() string { return n.Name }

// Subnet is a Neutron subnet.
type Subnet struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	NetworkID   string       `json:"network_id"`
	ProjectID   string       `json:"project_id"`
	CIDR        netip.Prefix `json:"cidr"`
	Gateway     string       `json:"gateway"` // "" without one
	Version     int          `json:"version"` // 4 or 6
	DHCP        bool         `json:"dhcp"`
	Nameservers []string     `json:"nameservers"`
	Pools       []string     `json:"pools"`       // start-end
	HostRoutes  []string     `json:"host_routes"` // destination via nexthop
	IPv6Mode    string       `json:"ipv6_mode,omitempty"`
	IPv6RAMode  string       `json:"ipv6_ra_mode,omitempty"`
}

func (s Subnet) ObjectKind() Kind   { return KindSubnet }
func (s Subnet) ObjectID() string   { return s.ID }
func (s Subnet) ObjectName() string { return s.Name }

// Address is one fixed IP of a port.
type Address struct {
	IP       string `json:"ip"`
	SubnetID string `json:"subnet_id"`
}

// AddressPair is an allowed address pair.
type AddressPair struct {
	IP  string `json:"ip"`
	MAC string `json:"mac"`
}

// Port is a Neutron port.
type Port struct {
	ID             string         `json:"id"`
	Name           string         `json:"name"`
	NetworkID      string         `json:"network_id"`
	ProjectID      string         `json:"project_id"`
	MAC            string         `json:"mac"` // lower case, colons
	Fixed          []Address      `json:"fixed"`
	Status         string         `json:"status"` // ACTIVE, DOWN, BUILD, ERROR
	AdminUp        bool           `json:"admin_up"`
	DeviceID       string         `json:"device_id"`
	DeviceOwner    string         `json:"device_owner"`
	Host           string         `json:"host"`     // binding:host_id, "" where unbound or hidden
	VIFType        string         `json:"vif_type"` // binding:vif_type
	VNICType       string         `json:"vnic_type"`
	VIFDetails     map[string]any `json:"vif_details,omitempty"`
	PortSecurity   bool           `json:"port_security"`
	SecurityGroups []string       `json:"security_groups"`
	AllowedPairs   []AddressPair  `json:"allowed_pairs"`
	QoSPolicyID    string         `json:"qos_policy_id,omitempty"`
	TrunkID        string         `json:"trunk_id,omitempty"`
	CreatedAt      time.Time      `json:"created_at"`
	UpdatedAt      time.Time      `json:"updated_at"`
	Revision       int            `json:"revision"`
}

func (p Port) ObjectKind() Kind   { return KindPort }
func (p Port) ObjectID() string   { return p.ID }
func (p Port) ObjectName() string { return p.Name }

// IP is the first fixed address, "" without one.
func (p Port) IP() string {
	if len(p.Fixed) == 0 {
		return ""
	}
	return p.Fixed[0].IP
}

// Server is a Nova server.
type Server struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	ProjectID string          `json:"project_id"`
	Status    string          `json:"status"`
	TaskState string          `json:"task_state,omitempty"`
	Power     string          `json:"power,omitempty"`
	Host      string          `json:"host"` // OS-EXT-SRV-ATTR:host, "" where hidden
	Addresses []ServerAddress `json:"addresses"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
	Fault     string          `json:"fault,omitempty"`
}

// ServerAddress is an address as Nova's info cache tells it.
type ServerAddress struct {
	Network string `json:"network"`
	IP      string `json:"ip"`
	MAC     string `json:"mac"`
	Type    string `json:"type"` // fixed or floating
}

func (s Server) ObjectKind() Kind   { return KindServer }
func (s Server) ObjectID() string   { return s.ID }
func (s Server) ObjectName() string { return s.Name }

// Router is a Neutron router.
type Router struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	ProjectID       string    `json:"project_id"`
	Status          string    `json:"status"`
	AdminUp         bool      `json:"admin_up"`
	HA              bool      `json:"ha"`
	Distributed     bool      `json:"distributed"`
	ExternalNetwork string    `json:"external_network"`
	ExternalIPs     []Address `json:"external_ips"`
	SNAT            bool      `json:"snat"`
	Routes          []string  `json:"routes"` // destination via nexthop
}

func (r Router) ObjectKind() Kind   { return KindRouter }
func (r Router) ObjectID() string   { return r.ID }
func (r Router) ObjectName() string { return r.Name }

// FloatingIP is a Neutron floating IP.
type FloatingIP struct {
	ID        string `json:"id"`
	IP        string `json:"ip"`
	FixedIP   string `json:"fixed_ip"`
	PortID    string `json:"port_id"`
	RouterID  string `json:"router_id"`
	NetworkID string `json:"network_id"`
	ProjectID string `json:"project_id"`
	Status    string `json:"status"`
}

func (f FloatingIP) ObjectKind() Kind   { return KindFloatingIP }
func (f FloatingIP) ObjectID() string   { return f.ID }
func (f FloatingIP) ObjectName() string { return f.IP }

// SecurityGroup is a Neutron security group with its rules.
type SecurityGroup struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	ProjectID string `json:"project_id"`
	Stateful  bool   `json:"stateful"`
	Rules     []Rule `json:"rules"`
}

// Rule is one rule of a security group.
type Rule struct {
	ID            string `json:"id"`
	Direction     string `json:"direction"` // ingress or egress
	EtherType     string `json:"ethertype"` // IPv4 or IPv6
	Protocol      string `json:"protocol"`  // "" for any
	PortMin       int    `json:"port_min"`  // ICMP type for icmp; 0 with PortMax 0: any
	PortMax       int    `json:"port_max"`
	RemotePrefix  string `json:"remote_prefix"`
	RemoteGroupID string `json:"remote_group_id"`
}

func (g SecurityGroup) ObjectKind() Kind   { return KindSecurityGroup }
func (g SecurityGroup) ObjectID() string   { return g.ID }
func (g SecurityGroup) ObjectName() string { return g.Name }
