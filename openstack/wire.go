package openstack

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The structs of this file are the APIs' JSON, as far as it is used. What comes
// in may be anything: [fill] takes what has the expected type and leaves the
// rest zero, so that one odd attribute costs that attribute only.

// fill decodes raw into v as far as it fits. encoding/json skips a value of the
// wrong type and goes on with the next one; only broken JSON is lost whole.
func fill(raw json.RawMessage, v any) { _ = json.Unmarshal(raw, v) }

type wireAddress struct {
	IP       string `json:"ip_address"`
	SubnetID string `json:"subnet_id"`
}

type wireRoute struct {
	Destination string `json:"destination"`
	NextHop     string `json:"nexthop"`
}

func addresses(in []wireAddress) []Address {
	out := make([]Address, 0, len(in))
	for _, a := range in {
		if a.IP != "" {
			out = append(out, Address(a))
		}
	}
	return out
}

func routes(in []wireRoute) []string {
	out := make([]string, 0, len(in))
	for _, r := range in {
		if r.Destination != "" {
			out = append(out, r.Destination+" via "+r.NextHop)
		}
	}
	return out
}

// moment reads the times that the services write: RFC 3339, with a blank for
// the T (Neutron's agents), without a zone (UTC), with fractions. The epoch is
// OVN's way to say never.
func moment(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil && t.Unix() != 0 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// project is the owner: project_id, and tenant_id in releases before Newton.
type project struct {
	ProjectID string `json:"project_id"`
	TenantID  string `json:"tenant_id"`
}

func (p project) id() string { return first(p.ProjectID, p.TenantID) }

// on is a switch that is on where the API does not say.
func on(b *bool) bool { return b == nil || *b }

// networkFields are asked of Neutron; each *Fields list goes with the decoder below it.
func networkFields() []string {
	return []string{
		"id", "name", "project_id", "tenant_id", "status", "admin_state_up", "shared", "router:external", "mtu",
		"provider:network_type", "provider:physical_network", "provider:segmentation_id", "segments", "subnets",
		"port_security_enabled", "created_at", "updated_at", "description", "qos_policy_id", "dns_domain", "vlan_transparent",
	}
}

func decodeNetwork(raw json.RawMessage) Network {
	type segment struct {
		Type     string `json:"provider:network_type"`
		Physical string `json:"provider:physical_network"`
		Segment  int    `json:"provider:segmentation_id"`
	}
	var w struct {
		project
		segment
		ID              string    `json:"id"`
		Name            string    `json:"name"`
		Status          string    `json:"status"`
		AdminUp         *bool     `json:"admin_state_up"`
		Shared          bool      `json:"shared"`
		External        bool      `json:"router:external"`
		MTU             int       `json:"mtu"`
		Segments        []segment `json:"segments"`
		Subnets         []string  `json:"subnets"`
		PortSecurity    *bool     `json:"port_security_enabled"`
		CreatedAt       string    `json:"created_at"`
		UpdatedAt       string    `json:"updated_at"`
		Description     string    `json:"description"`
		QoSPolicyID     string    `json:"qos_policy_id"`
		DNSDomain       string    `json:"dns_domain"`
		VLANTransparent bool      `json:"vlan_transparent"`
	}
	fill(raw, &w)
	n := Network{
		ID: w.ID, Name: w.Name, ProjectID: w.id(), Status: w.Status, AdminUp: on(w.AdminUp), Shared: w.Shared, External: w.External,
		MTU: w.MTU, Type: w.Type, Physical: w.Physical, Segment: w.Segment, Subnets: w.Subnets, PortSecurity: on(w.PortSecurity),
		CreatedAt: moment(w.CreatedAt), UpdatedAt: moment(w.UpdatedAt), Description: w.Description,
		QoSPolicyID: w.QoSPolicyID, DNSDomain: w.DNSDomain, VLANTransparent: w.VLANTransparent,
	}
	for _, s := range w.Segments {
		n.Segments = append(n.Segments, Segment(s))
	}
	if n.Type == "" && len(n.Segments) > 0 { // a multi-segment network has no type of its own
		n.Type, n.Physical, n.Segment = n.Segments[0].Type, n.Segments[0].Physical, n.Segments[0].Segment
	}
	return n
}

func subnetFields() []string {
	return []string{
		"id", "name", "network_id", "project_id", "tenant_id", "cidr", "gateway_ip", "ip_version", "enable_dhcp",
		"dns_nameservers", "allocation_pools", "host_routes", "ipv6_address_mode", "ipv6_ra_mode",
	}
}

func decodeSubnet(raw json.RawMessage) Subnet {
	var w struct {
		project
		ID          string   `json:"id"`
		Name        string   `json:"name"`
		NetworkID   string   `json:"network_id"`
		CIDR        string   `json:"cidr"`
		Gateway     string   `json:"gateway_ip"`
		Version     int      `json:"ip_version"`
		DHCP        bool     `json:"enable_dhcp"`
		Nameservers []string `json:"dns_nameservers"`
		Pools       []struct {
			Start string `json:"start"`
			End   string `json:"end"`
		} `json:"allocation_pools"`
		HostRoutes []wireRoute `json:"host_routes"`
		IPv6Mode   string      `json:"ipv6_address_mode"`
		IPv6RAMode string      `json:"ipv6_ra_mode"`
	}
	fill(raw, &w)
	s := Subnet{
		ID: w.ID, Name: w.Name, NetworkID: w.NetworkID, ProjectID: w.id(), Gateway: w.Gateway, Version: w.Version, DHCP: w.DHCP,
		Nameservers: w.Nameservers, HostRoutes: routes(w.HostRoutes), IPv6Mode: w.IPv6Mode, IPv6RAMode: w.IPv6RAMode,
	}
	s.CIDR, _ = netip.ParsePrefix(w.CIDR) // the zero prefix is not valid and shown as empty
	for _, p := range w.Pools {
		s.Pools = append(s.Pools, p.Start+"-"+p.End)
	}
	return s
}

func portFields() []string {
	return []string{
		"id", "name", "network_id", "project_id", "tenant_id", "mac_address", "fixed_ips", "status", "admin_state_up",
		"device_id", "device_owner", "binding:host_id", "binding:vif_type", "binding:vnic_type", "binding:vif_details",
		"port_security_enabled", "security_groups", "allowed_address_pairs", "qos_policy_id", "trunk_details",
		"created_at", "updated_at", "revision_number",
	}
}

func decodePort(raw json.RawMessage) Port {
	var w struct {
		project
		ID             string         `json:"id"`
		Name           string         `json:"name"`
		NetworkID      string         `json:"network_id"`
		MAC            string         `json:"mac_address"`
		Fixed          []wireAddress  `json:"fixed_ips"`
		Status         string         `json:"status"`
		AdminUp        *bool          `json:"admin_state_up"`
		DeviceID       string         `json:"device_id"`
		DeviceOwner    string         `json:"device_owner"`
		Host           string         `json:"binding:host_id"`
		VIFType        string         `json:"binding:vif_type"`
		VNICType       string         `json:"binding:vnic_type"`
		VIFDetails     map[string]any `json:"binding:vif_details"`
		PortSecurity   *bool          `json:"port_security_enabled"`
		SecurityGroups []string       `json:"security_groups"`
		Pairs          []struct {
			IP  string `json:"ip_address"`
			MAC string `json:"mac_address"`
		} `json:"allowed_address_pairs"`
		QoSPolicyID string `json:"qos_policy_id"`
		Trunk       struct {
			ID string `json:"trunk_id"`
		} `json:"trunk_details"`
		CreatedAt string `json:"created_at"`
		UpdatedAt string `json:"updated_at"`
		Revision  int    `json:"revision_number"`
	}
	fill(raw, &w)
	p := Port{
		ID: w.ID, Name: w.Name, NetworkID: w.NetworkID, ProjectID: w.id(), MAC: first(NormalMAC(w.MAC), w.MAC), Fixed: addresses(w.Fixed),
		Status: w.Status, AdminUp: on(w.AdminUp), DeviceID: w.DeviceID, DeviceOwner: w.DeviceOwner,
		Host: w.Host, VIFType: w.VIFType, VNICType: w.VNICType, VIFDetails: w.VIFDetails,
		PortSecurity: on(w.PortSecurity), SecurityGroups: w.SecurityGroups, QoSPolicyID: w.QoSPolicyID, TrunkID: w.Trunk.ID,
		CreatedAt: moment(w.CreatedAt), UpdatedAt: moment(w.UpdatedAt), Revision: w.Revision,
	}
	for _, a := range w.Pairs {
		p.AllowedPairs = append(p.AllowedPairs, AddressPair{IP: a.IP, MAC: first(NormalMAC(a.MAC), a.MAC)})
	}
	return p
}

func routerFields() []string {
	return []string{
		"id", "name", "project_id", "tenant_id", "status", "admin_state_up", "ha", "distributed", "external_gateway_info", "routes",
	}
}

func decodeRouter(raw json.RawMessage) Router {
	var w struct {
		project
		ID          string `json:"id"`
		Name        string `json:"name"`
		Status      string `json:"status"`
		AdminUp     *bool  `json:"admin_state_up"`
		HA          bool   `json:"ha"`
		Distributed bool   `json:"distributed"`
		Gateway     struct {
			NetworkID string        `json:"network_id"`
			IPs       []wireAddress `json:"external_fixed_ips"`
			SNAT      *bool         `json:"enable_snat"`
		} `json:"external_gateway_info"`
		Routes []wireRoute `json:"routes"`
	}
	fill(raw, &w)
	return Router{
		ID: w.ID, Name: w.Name, ProjectID: w.id(), Status: w.Status, AdminUp: on(w.AdminUp), HA: w.HA, Distributed: w.Distributed,
		ExternalNetwork: w.Gateway.NetworkID, ExternalIPs: addresses(w.Gateway.IPs),
		SNAT: w.Gateway.NetworkID != "" && on(w.Gateway.SNAT), Routes: routes(w.Routes),
	}
}

func floatingIPFields() []string {
	return []string{
		"id", "floating_ip_address", "fixed_ip_address", "port_id", "router_id", "floating_network_id", "project_id", "tenant_id", "status",
	}
}

func decodeFloatingIP(raw json.RawMessage) FloatingIP {
	var w struct {
		project
		ID        string `json:"id"`
		IP        string `json:"floating_ip_address"`
		FixedIP   string `json:"fixed_ip_address"`
		PortID    string `json:"port_id"`
		RouterID  string `json:"router_id"`
		NetworkID string `json:"floating_network_id"`
		Status    string `json:"status"`
	}
	fill(raw, &w)
	return FloatingIP{
		ID: w.ID, IP: w.IP, FixedIP: w.FixedIP, PortID: w.PortID, RouterID: w.RouterID,
		NetworkID: w.NetworkID, ProjectID: w.id(), Status: w.Status,
	}
}

func securityGroupFields() []string {
	return []string{"id", "name", "project_id", "tenant_id", "stateful", "security_group_rules"}
}

func decodeSecurityGroup(raw json.RawMessage) SecurityGroup {
	var w struct {
		project
		ID       string `json:"id"`
		Name     string `json:"name"`
		Stateful *bool  `json:"stateful"`
		Rules    []struct {
			ID            string `json:"id"`
			Direction     string `json:"direction"`
			EtherType     string `json:"ethertype"`
			Protocol      any    `json:"protocol"` // a name, or a number as text or as number
			PortMin       int    `json:"port_range_min"`
			PortMax       int    `json:"port_range_max"`
			RemotePrefix  string `json:"remote_ip_prefix"`
			RemoteGroupID string `json:"remote_group_id"`
		} `json:"security_group_rules"`
	}
	fill(raw, &w)
	g := SecurityGroup{ID: w.ID, Name: w.Name, ProjectID: w.id(), Stateful: on(w.Stateful)}
	for _, r := range w.Rules {
		g.Rules = append(g.Rules, Rule{
			ID: r.ID, Direction: r.Direction, EtherType: r.EtherType, Protocol: scalar(r.Protocol),
			PortMin: r.PortMin, PortMax: r.PortMax, RemotePrefix: r.RemotePrefix, RemoteGroupID: r.RemoteGroupID,
		})
	}
	return g
}

// scalar is a JSON string or number as text, "" for all else.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func agentFields() []string {
	return []string{
		"id", "binary", "agent_type", "host", "availability_zone", "alive", "admin_state_up",
		"heartbeat_timestamp", "started_at", "configurations",
	}
}

func decodeAgent(raw json.RawMessage) Agent {
	var w struct {
		ID             string         `json:"id"`
		Binary         string         `json:"binary"`
		Type           string         `json:"agent_type"`
		Host           string         `json:"host"`
		Zone           string         `json:"availability_zone"`
		Alive          bool           `json:"alive"`
		AdminUp        *bool          `json:"admin_state_up"`
		Heartbeat      string         `json:"heartbeat_timestamp"`
		Started        string         `json:"started_at"`
		Configurations map[string]any `json:"configurations"`
	}
	fill(raw, &w)
	return Agent{
		ID: w.ID, Binary: w.Binary, Type: w.Type, Host: w.Host, Zone: w.Zone, Alive: w.Alive, AdminUp: on(w.AdminUp),
		Heartbeat: moment(w.Heartbeat), Started: moment(w.Started), Configurations: w.Configurations,
	}
}

func decodeServer(raw json.RawMessage) Server {
	var w struct {
		project
		ID        string `json:"id"`
		Name      string `json:"name"`
		Status    string `json:"status"`
		TaskState string `json:"OS-EXT-STS:task_state"`
		Power     *int   `json:"OS-EXT-STS:power_state"`
		Host      string `json:"OS-EXT-SRV-ATTR:host"`
		Addresses map[string][]struct {
			IP   string `json:"addr"`
			MAC  string `json:"OS-EXT-IPS-MAC:mac_addr"`
			Type string `json:"OS-EXT-IPS:type"`
		} `json:"addresses"`
		Created string `json:"created"`
		Updated string `json:"updated"`
		Fault   struct {
			Message string `json:"message"`
		} `json:"fault"`
	}
	fill(raw, &w)
	s := Server{
		ID: w.ID, Name: w.Name, ProjectID: w.id(), Status: w.Status, TaskState: w.TaskState, Power: power(w.Power), Host: w.Host,
		CreatedAt: moment(w.Created), UpdatedAt: moment(w.Updated), Fault: w.Fault.Message,
	}
	networks := make([]string, 0, len(w.Addresses))
	for name := range w.Addresses {
		networks = append(networks, name)
	}
	slices.Sort(networks)
	for _, name := range networks {
		for _, a := range w.Addresses[name] {
			s.Addresses = append(s.Addresses, ServerAddress{Network: name, IP: a.IP, MAC: first(NormalMAC(a.MAC), a.MAC), Type: a.Type})
		}
	}
	return s
}

// power is Nova's power state as a word (nova/compute/power_state.py).
func power(n *int) string {
	if n == nil {
		return ""
	}
	switch *n {
	case 1:
		return "running"
	case 3:
		return "paused"
	case 4:
		return "shut down"
	case 6:
		return "crashed"
	case 7:
		return "suspended"
	default:
		return "" // 0: Nova does not know
	}
}

// decodeHypervisor makes the part of a node that Nova knows. Its id is a number
// before microversion 2.53.
func decodeHypervisor(raw json.RawMessage) Node {
	var w struct {
		Hypervisor string `json:"hypervisor_hostname"`
		Type       string `json:"hypervisor_type"`
		HostIP     string `json:"host_ip"`
		State      string `json:"state"`
		Status     string `json:"status"`
		VCPUs      int    `json:"vcpus"`
		Servers    int    `json:"running_vms"`
		Service    struct {
			Host string `json:"host"`
		} `json:"service"`
	}
	fill(raw, &w)
	return Node{
		Host: first(w.Service.Host, w.Hypervisor), Hypervisor: w.Hypervisor, Type: w.Type, HostIP: w.HostIP,
		State: strings.ToLower(w.State), Status: strings.ToLower(w.Status), VCPUs: w.VCPUs, Servers: w.Servers,
	}
}
