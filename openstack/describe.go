package openstack

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Section is one part of a description.
type Section struct {
	Title string `json:"title"` // "" for what stands on top
	Rows  []Row  `json:"rows"`
}

// Row is one line of a description. Its Health is None where there is nothing
// to judge.
type Row struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Health Health `json:"-"`
}

// rows collects lines and leaves out those without a value.
type rows []Row

func (r *rows) add(label, value string) {
	if value != "" {
		*r = append(*r, Row{Label: label, Value: value})
	}
}

func (r *rows) judge(label, value string, h Health) {
	if value != "" {
		*r = append(*r, Row{Label: label, Value: value, Health: h})
	}
}

// Describe is all there is to say about an object: what matters first without
// a title, the rest in titled sections. Empty values are left out.
func (s *Snapshot) Describe(o Object) []Section {
	var top, more rows
	title := ""
	switch o := o.(type) {
	case Node:
		top, more, title = s.describeNode(o)
	case Agent:
		top, more, title = s.describeAgent(o)
	case Network:
		top, more, title = s.describeNetwork(o)
	case Subnet:
		top, more, title = s.describeSubnet(o)
	case Port:
		top, more, title = s.describePort(o)
	case Server:
		top, more, title = s.describeServer(o)
	case Router:
		top, more, title = s.describeRouter(o)
	case FloatingIP:
		top = s.describeFloatingIP(o)
	case SecurityGroup:
		top, more, title = s.describeGroup(o)
	default:
		return nil
	}
	top.add("id", o.ObjectID())
	sections := []Section{{Rows: top}}
	if len(more) > 0 {
		sections = append(sections, Section{Title: title, Rows: more})
	}
	return sections
}

func (s *Snapshot) describePort(p Port) (top, more rows, title string) {
	h := s.State(p)
	top.judge("state", h.Word, h)
	if v, ok := s.Server(p.DeviceID); ok {
		top.judge("server", s.DisplayName(v)+dot(v.Status), State(v))
	} else if strings.HasPrefix(p.DeviceOwner, ownerCompute) {
		top.add("server", p.DeviceID)
	} else if ownedByRouter(p.DeviceOwner) {
		top.add("router", s.call(KindRouter, p.DeviceID))
	}
	if n, ok := s.Node(p.Host); ok {
		top.judge("host", p.Host, State(n))
	} else {
		top.add("host", p.Host)
	}
	for _, a := range p.Fixed {
		top.add("address", a.IP+s.mask(a.SubnetID))
	}
	top.add("mac", p.MAC)
	for _, f := range s.FloatingIPs {
		if f.PortID == p.ID && p.ID != "" {
			top.judge("floating IP", f.IP+dot(f.FixedIP), State(f))
		}
	}
	if n, ok := s.Network(p.NetworkID); ok {
		top.add("network", s.DisplayName(n)+dot(segment(n))+dot(mtu(n)))
	} else {
		top.add("network", p.NetworkID)
	}
	top.add("groups", s.groupNames(p))
	more.add("name", p.Name)
	more.add("owner", p.DeviceOwner)
	more.add("vif type", p.VIFType)
	more.add("vnic type", p.VNICType)
	more.add("vif details", pairs(p.VIFDetails))
	for _, a := range p.AllowedPairs {
		more.add("allowed pair", strings.TrimSpace(a.IP+" "+a.MAC))
	}
	for _, d := range Devices(s, p) {
		more.add("device", strings.TrimPrefix(d.Netns+" "+d.Name, " ")+", "+d.What)
	}
	more.add("QoS policy", p.QoSPolicyID)
	more.add("trunk", p.TrunkID)
	more.add("project", p.ProjectID)
	more.add("created", stamp(p.CreatedAt))
	more.add("updated", stamp(p.UpdatedAt))
	return top, more, "Binding"
}

func (s *Snapshot) groupNames(p Port) string {
	names := make([]string, 0, len(p.SecurityGroups))
	for _, id := range p.SecurityGroups {
		names = append(names, s.call(KindSecurityGroup, id))
	}
	slices.Sort(names)
	text := strings.Join(names, ", ")
	if p.PortSecurity {
		return cmp.Or(text, "none") + " · port security on"
	}
	return cmp.Or(text, "none") + " · port security off"
}

func (s *Snapshot) describeServer(v Server) (top, more rows, title string) {
	h := State(v)
	top.judge("state", h.Word+dot(v.Power), h)
	top.judge("fault", v.Fault, Health{Broken, ""})
	if n, ok := s.Node(v.Host); ok {
		top.judge("host", v.Host, State(n))
	} else {
		top.add("host", v.Host)
	}
	for _, p := range s.PortsOf(v.ID) {
		top.judge("port", strings.TrimSpace(p.IP()+" "+s.call(KindNetwork, p.NetworkID))+dot(p.MAC), s.State(p))
	}
	for _, a := range v.Addresses {
		if len(s.PortsOf(v.ID)) == 0 || a.Type == "floating" {
			top.add(cmp.Or(a.Type, "address"), a.IP+dot(a.Network)+dot(a.MAC))
		}
	}
	more.add("task", v.TaskState)
	more.add("project", v.ProjectID)
	more.add("created", stamp(v.CreatedAt))
	more.add("updated", stamp(v.UpdatedAt))
	return top, more, "Server"
}

func (s *Snapshot) describeNode(n Node) (top, more rows, title string) {
	h := State(n)
	top.judge("state", h.Word, h)
	top.add("hypervisor", strings.TrimPrefix(n.Hypervisor+dot(n.Type), " · "))
	top.add("host IP", n.HostIP)
	top.add("tunnel IP", n.TunnelIP)
	if n.Hypervisor != "" {
		top.add("servers", strconv.Itoa(n.Servers))
	}
	top.add("ports", strconv.Itoa(len(s.index.byHost[n.Host])))
	if n.VCPUs > 0 {
		top.add("VCPUs", strconv.Itoa(n.VCPUs))
	}
	for _, id := range n.Agents {
		if o, ok := s.Get(KindAgent, id); ok {
			h := State(o)
			more.judge(s.DisplayName(o), h.Word, h)
		}
	}
	return top, more, "Agents"
}

func (s *Snapshot) describeAgent(a Agent) (top, more rows, title string) {
	h := State(a)
	top.judge("state", h.Word, h)
	top.add("binary", a.Binary)
	top.add("host", a.Host)
	top.add("zone", a.Zone)
	top.add("heartbeat", stamp(a.Heartbeat))
	top.add("started", stamp(a.Started))
	for _, key := range sortedKeys(a.Configurations) {
		more.add(key, value(a.Configurations[key]))
	}
	return top, more, "Configuration"
}

func (s *Snapshot) describeNetwork(n Network) (top, more rows, title string) {
	h := State(n)
	top.judge("state", h.Word, h)
	top.add("segment", segment(n))
	top.add("mtu", strconv.Itoa(n.MTU))
	for _, id := range n.Subnets {
		if sub, ok := s.Subnet(id); ok {
			top.add("subnet", s.DisplayName(sub)+dot(sub.CIDR.String()))
		}
	}
	top.add("ports", strconv.Itoa(len(s.index.byNet[n.ID])))
	top.add("kind", networkKind(n))
	for _, g := range n.Segments {
		more.add("segment", segment(Network{Type: g.Type, Physical: g.Physical, Segment: g.Segment}))
	}
	more.add("port security", yes(n.PortSecurity))
	more.add("QoS policy", n.QoSPolicyID)
	more.add("DNS domain", n.DNSDomain)
	if n.VLANTransparent {
		more.add("VLAN transparent", "yes")
	}
	more.add("project", n.ProjectID)
	more.add("description", n.Description)
	more.add("created", stamp(n.CreatedAt))
	more.add("updated", stamp(n.UpdatedAt))
	return top, more, "Network"
}

func networkKind(n Network) string {
	var words []string
	if n.External {
		words = append(words, "external")
	}
	if n.Shared {
		words = append(words, "shared")
	}
	return strings.Join(words, ", ")
}

func (s *Snapshot) describeSubnet(sub Subnet) (top, more rows, title string) {
	top.add("cidr", cidr(sub))
	top.add("network", s.call(KindNetwork, sub.NetworkID))
	top.add("gateway", cmp.Or(sub.Gateway, "none"))
	top.add("dhcp", yes(sub.DHCP))
	top.add("nameservers", strings.Join(sub.Nameservers, ", "))
	for _, p := range sub.Pools {
		more.add("pool", p)
	}
	for _, r := range sub.HostRoutes {
		more.add("route", r)
	}
	more.add("IPv6 address mode", sub.IPv6Mode)
	more.add("IPv6 RA mode", sub.IPv6RAMode)
	more.add("project", sub.ProjectID)
	return top, more, "Subnet"
}

func (s *Snapshot) describeRouter(r Router) (top, more rows, title string) {
	h := State(r)
	top.judge("state", h.Word, h)
	if r.ExternalNetwork != "" {
		top.add("external", s.call(KindNetwork, r.ExternalNetwork))
		for _, a := range r.ExternalIPs {
			top.add("address", a.IP+s.mask(a.SubnetID))
		}
		top.add("SNAT", yes(r.SNAT))
	}
	top.add("kind", routerKind(r))
	for _, p := range s.PortsOf(r.ID) {
		more.judge(s.DisplayName(p), strings.TrimSpace(p.IP()+" "+s.call(KindNetwork, p.NetworkID))+dot(p.Host), s.State(p))
	}
	for _, route := range r.Routes {
		more.add("route", route)
	}
	more.add("project", r.ProjectID)
	return top, more, "Legs"
}

func routerKind(r Router) string {
	switch {
	case r.HA && r.Distributed:
		return "distributed, highly available"
	case r.HA:
		return "highly available"
	case r.Distributed:
		return "distributed"
	}
	return "central"
}

func (s *Snapshot) describeFloatingIP(f FloatingIP) (top rows) {
	h := State(f)
	top.judge("state", h.Word, h)
	if p, ok := s.Port(f.PortID); ok {
		top.judge("port", s.DisplayName(p)+dot(f.FixedIP)+dot(p.Host), s.State(p))
	} else {
		top.add("port", strings.TrimSpace(f.PortID+" "+f.FixedIP))
	}
	top.add("router", s.call(KindRouter, f.RouterID))
	top.add("network", s.call(KindNetwork, f.NetworkID))
	top.add("project", f.ProjectID)
	return top
}

func (s *Snapshot) describeGroup(g SecurityGroup) (top, more rows, title string) {
	top.add("rules", strconv.Itoa(len(g.Rules)))
	if !g.Stateful {
		top.add("kind", "stateless")
	}
	top.add("project", g.ProjectID)
	for _, r := range g.Rules {
		more.add(r.Direction, s.rule(r))
	}
	slices.SortStableFunc(more, func(a, b Row) int { return cmp.Compare(b.Label, a.Label) }) // ingress first
	return top, more, "Rules"
}

// rule writes a rule as a person says it: "IPv4 tcp 22 from 0.0.0.0/0".
func (s *Snapshot) rule(r Rule) string {
	words := []string{r.EtherType, cmp.Or(r.Protocol, "any")}
	switch {
	case r.PortMin == r.PortMax && r.PortMin != 0:
		words = append(words, strconv.Itoa(r.PortMin))
	case r.PortMax != 0 || r.PortMin != 0:
		words = append(words, fmt.Sprintf("%d-%d", r.PortMin, r.PortMax))
	}
	way := "from"
	if r.Direction == "egress" {
		way = "to"
	}
	switch {
	case r.RemoteGroupID != "":
		words = append(words, way, "group", s.call(KindSecurityGroup, r.RemoteGroupID))
	case r.RemotePrefix != "":
		words = append(words, way, r.RemotePrefix)
	default:
		words = append(words, way, "anywhere")
	}
	return strings.Join(words, " ")
}

// call is what a person would call the object with this id, or the id itself.
func (s *Snapshot) call(kind Kind, id string) string {
	if o, ok := s.Get(kind, id); ok {
		return s.DisplayName(o)
	}
	return id
}

// mask is the length of a subnet's prefix, as it stands behind an address.
func (s *Snapshot) mask(subnet string) string {
	if sub, ok := s.Subnet(subnet); ok && sub.CIDR.IsValid() {
		return "/" + strconv.Itoa(sub.CIDR.Bits())
	}
	return ""
}

// segment is how a network is carried: "vxlan 1042", "vlan 150 on physnet1".
func segment(n Network) string {
	text := n.Type
	if n.Segment != 0 {
		text += " " + strconv.Itoa(n.Segment)
	}
	if n.Physical != "" {
		text += " on " + n.Physical
	}
	return text
}

func mtu(n Network) string {
	if n.MTU == 0 {
		return ""
	}
	return "mtu " + strconv.Itoa(n.MTU)
}

// dot puts a point between what stands before and text, if there is text.
func dot(text string) string {
	if text == "" {
		return ""
	}
	return " · " + text
}

func cidr(s Subnet) string {
	if !s.CIDR.IsValid() {
		return ""
	}
	return s.CIDR.String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// value writes any JSON value in one line.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any:
		return pairs(v)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = value(item)
		}
		return strings.Join(parts, ", ")
	case bool:
		return yes(v)
	case string:
		return v
	}
	return cmp.Or(scalar(v), fmt.Sprint(v))
}

func pairs(m map[string]any) string {
	parts := make([]string, 0, len(m))
	for _, k := range sortedKeys(m) {
		parts = append(parts, k+"="+value(m[k]))
	}
	return strings.Join(parts, ", ")
}
