package cloudapi

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"steth/lab/scenario"
)

// neutronTime is the format of an agent's times.
const neutronTime = "2006-01-02 15:04:05"

// resource is one collection of Neutron.
type resource struct {
	path     string // in URLs: security-groups
	key      string // in bodies: security_groups
	singular string
	missing  [2]string // what a wrong id gets: error type, and a message with %s for the id
	all      func() []object
	secret   []string                        // attributes for administrators alone
	visible  func(who caller, o object) bool // to those who aren't administrators
}

func (a *API) resources() []resource {
	own := func(who caller, o object) bool { return o["project_id"] == who.projectID() }
	return []resource{
		{
			"networks", "networks", "network",
			[2]string{"NetworkNotFound", "Network %s could not be found."},
			func() []object { return each(a.cloud.Networks, a.networkBody) },
			[]string{"provider:network_type", "provider:physical_network", "provider:segmentation_id"},
			func(who caller, o object) bool {
				return own(who, o) || o["shared"] == true || o["router:external"] == true
			},
		},
		{
			"subnets", "subnets", "subnet",
			[2]string{"SubnetNotFound", "Subnet %s could not be found."},
			func() []object { return each(a.cloud.Networks, a.subnetBody) },
			nil, own,
		},
		{
			"ports", "ports", "port",
			[2]string{"PortNotFound", "Port %s could not be found."},
			func() []object { return each(a.cloud.Ports, a.portBody) },
			[]string{"binding:host_id", "binding:profile", "binding:vif_details", "binding:vif_type"},
			own,
		},
		{
			"routers", "routers", "router",
			[2]string{"RouterNotFound", "Router %s could not be found"},
			func() []object { return each(a.cloud.Routers, a.routerBody) },
			[]string{"distributed", "ha"},
			own,
		},
		{
			"floatingips", "floatingips", "floatingip",
			[2]string{"FloatingIPNotFound", "Floating IP %s could not be found"},
			func() []object { return each(a.cloud.FloatingIPs, a.floatingIPBody) },
			nil, own,
		},
		{
			"security-groups", "security_groups", "security_group",
			[2]string{"SecurityGroupNotFound", "Security group %s does not exist"},
			func() []object { return each(a.cloud.SecurityGroups, a.securityGroupBody) },
			nil, own,
		},
		{
			"security-group-rules", "security_group_rules", "security_group_rule",
			[2]string{"SecurityGroupRuleNotFound", "Security group rule %s does not exist"},
			func() []object {
				var out []object
				for _, g := range a.cloud.SecurityGroups {
					out = append(out, a.ruleBodies(g)...)
				}
				return out
			},
			nil, own,
		},
		{
			"agents", "agents", "agent",
			[2]string{"AgentNotFound", "Agent %s could not be found."},
			func() []object { return each(a.cloud.Agents, a.agentBody) },
			nil, func(caller, object) bool { return false },
		},
	}
}

func (a *API) routeNetwork() {
	a.mux.HandleFunc("GET /networking", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, object{"versions": []object{{"id": "v2.0", "status": "CURRENT", "links": links(a.url + "/networking/v2.0/")}}})
	})
	all := a.resources()
	a.mux.HandleFunc("GET /networking/v2.0", func(w http.ResponseWriter, _ *http.Request) {
		var list []object
		for _, res := range all {
			list = append(list, object{"collection": res.key, "name": res.singular, "links": links(a.url + "/networking/v2.0/" + res.path)})
		}
		respond(w, http.StatusOK, object{"resources": list})
	})
	for _, res := range all {
		a.mux.HandleFunc("GET /networking/v2.0/"+res.path, a.authenticated(func(w http.ResponseWriter, r *http.Request, who caller) {
			a.list(w, r, who, res)
		}))
		a.mux.HandleFunc("GET /networking/v2.0/"+res.path+"/{id}", a.authenticated(func(w http.ResponseWriter, r *http.Request, who caller) {
			a.show(w, r, who, res)
		}))
	}
	a.routeAgents()
	for path, key := range map[string]string{"address-groups": "address_groups", "availability_zones": "availability_zones", "quotas": "quotas", "subnetpools": "subnetpools"} {
		a.mux.HandleFunc("GET /networking/v2.0/"+path, a.authenticated(func(w http.ResponseWriter, _ *http.Request, _ caller) {
			respond(w, http.StatusOK, object{key: []object{}})
		}))
	}
	a.mux.HandleFunc("GET /networking/v2.0/extensions", a.authenticated(func(w http.ResponseWriter, _ *http.Request, _ caller) {
		respond(w, http.StatusOK, object{"extensions": extensions()})
	}))
	a.mux.HandleFunc("GET /networking/v2.0/extensions/{alias}", a.authenticated(func(w http.ResponseWriter, r *http.Request, _ caller) {
		alias := r.PathValue("alias")
		for _, e := range extensions() {
			if e["alias"] == alias {
				respond(w, http.StatusOK, object{"extension": e})
				return
			}
		}
		neutronError(w, http.StatusNotFound, "HTTPNotFound", "Extension with alias "+alias+" does not exist")
	}))
	a.mux.HandleFunc("/networking/", a.authenticated(func(w http.ResponseWriter, r *http.Request, _ caller) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			neutronError(w, http.StatusForbidden, "PolicyNotAuthorized", "The lab's cloud can't be changed through its API.")
			return
		}
		neutronError(w, http.StatusNotFound, "HTTPNotFound", "The resource could not be found.")
	}))
}

// seen is an object as a caller may see it, nil for not at all.
func (res resource) seen(who caller, o object) object {
	if who.admin {
		return o
	}
	if !res.visible(who, o) {
		return nil
	}
	maps.DeleteFunc(o, func(key string, _ any) bool { return slices.Contains(res.secret, key) })
	return o
}

func (a *API) list(w http.ResponseWriter, r *http.Request, who caller, res resource) {
	var list []object
	var attributes []string
	for _, o := range res.all() {
		if attributes == nil {
			attributes = slices.Collect(maps.Keys(o))
		}
		if o := res.seen(who, o); o != nil {
			list = append(list, o)
		}
	}
	q, err := parseQuery(r.URL.Query(), attributes)
	if err != nil {
		var c complaint
		errors.As(err, &c)
		neutronError(w, http.StatusBadRequest, c.kind, c.message)
		return
	}
	page, err := q.page(list)
	if errors.Is(err, errNoMarker) {
		res.notFound(w, q.marker)
		return
	}
	body := object{res.key: each(page, q.selected)}
	if links := q.links(r.URL, a.url, page); links != nil {
		body[res.key+"_links"] = links
	}
	respond(w, http.StatusOK, body)
}

func (a *API) show(w http.ResponseWriter, r *http.Request, who caller, res resource) {
	id := r.PathValue("id")
	for _, o := range res.all() {
		if o["id"] != id {
			continue
		}
		if o = res.seen(who, o); o != nil {
			respond(w, http.StatusOK, object{res.singular: query{fields: r.URL.Query()["fields"]}.selected(o)})
			return
		}
	}
	res.notFound(w, id)
}

func (res resource) notFound(w http.ResponseWriter, id string) {
	neutronError(w, http.StatusNotFound, res.missing[0], strings.Replace(res.missing[1], "%s", id, 1))
}

// common are the attributes that every object with a life of its own has.
func (a *API) common(o object, project *scenario.Project) object {
	id := ""
	if project != nil {
		id = project.ID
	}
	maps.Copy(o, object{
		"project_id": id, "tenant_id": id, "description": "", "tags": []string{}, "revision_number": 1,
		"created_at": stamp(a.started), "updated_at": stamp(a.started),
	})
	return o
}

func (a *API) networkBody(n *scenario.Network) object {
	o := a.common(object{
		"id": n.ID, "name": n.Name, "admin_state_up": true, "status": "ACTIVE", "shared": false, "mtu": n.MTU,
		"subnets": []string{n.Subnet.ID}, "router:external": n.External, "is_default": n.External,
		"availability_zone_hints": []string{}, "availability_zones": []string{"nova"}, "port_security_enabled": true,
		"ipv4_address_scope": nil, "ipv6_address_scope": nil,
		"provider:network_type": "vxlan", "provider:physical_network": nil, "provider:segmentation_id": n.VNI,
	}, n.Project)
	if n.External {
		o["provider:network_type"], o["provider:physical_network"], o["provider:segmentation_id"] = "flat", n.Physical, nil
	}
	return o
}

func (a *API) subnetBody(n *scenario.Network) object {
	s := n.Subnet
	return a.common(object{
		"id": s.ID, "name": s.Name, "network_id": n.ID, "ip_version": 4, "cidr": s.CIDR.String(), "gateway_ip": s.Gateway.String(),
		"enable_dhcp": s.DHCP.IsValid(), "allocation_pools": []object{{"start": s.PoolFirst.String(), "end": s.PoolEnd.String()}},
		"dns_nameservers": []string{}, "host_routes": []object{}, "ipv6_address_mode": nil, "ipv6_ra_mode": nil,
		"service_types": []string{}, "subnetpool_id": nil,
	}, n.Project)
}

func (a *API) portBody(p *scenario.Port) object {
	o := a.common(object{
		"id": p.ID, "name": p.Name, "network_id": p.Network.ID, "mac_address": p.MAC, "admin_state_up": true, "status": "ACTIVE",
		"device_id": p.DeviceID, "device_owner": p.Owner, "fixed_ips": fixedIPs(p), "allowed_address_pairs": []object{},
		"extra_dhcp_opts": []object{}, "security_groups": []string{}, "port_security_enabled": p.Owner == scenario.OwnerServer,
		"binding:vnic_type": "normal", "binding:host_id": "", "binding:profile": object{}, "binding:vif_type": "unbound", "binding:vif_details": object{},
	}, p.Project)
	for _, g := range p.SecurityGroups {
		o["security_groups"] = append(o["security_groups"].([]string), g.ID)
	}
	if p.Host == nil {
		o["status"] = "N/A"
		return o
	}
	o["binding:host_id"], o["binding:vif_type"] = p.Host.Name, "bridge"
	o["binding:vif_details"] = object{"connectivity": "l2", "port_filter": true, "bound_drivers": object{"0": "linuxbridge"}}
	return o
}

func fixedIPs(p *scenario.Port) []object {
	return []object{{"subnet_id": p.Network.Subnet.ID, "ip_address": p.Address.String()}}
}

func (a *API) routerBody(r *scenario.Router) object {
	return a.common(object{
		"id": r.ID, "name": r.Name, "admin_state_up": true, "status": "ACTIVE", "routes": []object{}, "distributed": false, "ha": false,
		"external_gateway_info": object{"network_id": r.Gateway.Network.ID, "enable_snat": true, "external_fixed_ips": fixedIPs(r.Gateway)},
		"flavor_id":             nil, "availability_zone_hints": []string{}, "availability_zones": []string{"nova"},
	}, r.Project)
}

func (a *API) floatingIPBody(f *scenario.FloatingIP) object {
	o := a.common(object{
		"id": f.ID, "floating_ip_address": f.Address.String(), "floating_network_id": f.Network.ID, "status": "DOWN",
		"port_id": nil, "fixed_ip_address": nil, "router_id": nil, "port_details": nil,
	}, f.Project)
	if p := f.Port; p != nil {
		o["status"], o["port_id"], o["fixed_ip_address"], o["router_id"] = "ACTIVE", p.ID, p.Address.String(), f.Router.ID
		o["port_details"] = object{
			"name": p.Name, "network_id": p.Network.ID, "mac_address": p.MAC, "admin_state_up": true, "status": "ACTIVE",
			"device_id": p.DeviceID, "device_owner": p.Owner,
		}
	}
	return o
}

func (a *API) securityGroupBody(g *scenario.SecurityGroup) object {
	return a.common(object{
		"id": g.ID, "name": g.Name, "stateful": true, "shared": false, "security_group_rules": a.ruleBodies(g),
	}, g.Project)
}

func (a *API) ruleBodies(g *scenario.SecurityGroup) []object {
	return each(g.Rules, func(r scenario.Rule) object {
		o := a.common(object{
			"id": r.ID, "security_group_id": g.ID, "direction": r.Direction, "ethertype": "IPv4", "protocol": nil,
			"port_range_min": nil, "port_range_max": nil, "remote_ip_prefix": nil, "remote_group_id": nil,
			"remote_address_group_id": nil, "normalized_cidr": nil,
		}, g.Project)
		delete(o, "tags") // rules have none
		if r.Protocol != "" {
			o["protocol"] = r.Protocol
		}
		if r.PortMin != 0 {
			o["port_range_min"], o["port_range_max"] = r.PortMin, r.PortMax
		}
		if r.RemotePrefix.IsValid() {
			o["remote_ip_prefix"], o["normalized_cidr"] = r.RemotePrefix.String(), r.RemotePrefix.Masked().String()
		}
		if r.RemoteGroup != nil {
			o["remote_group_id"] = r.RemoteGroup.ID
		}
		return o
	})
}

// reportInterval is how often Neutron's agents report (report_interval).
const reportInterval = 30 * time.Second

// lastReport is when every agent reported last.
func (a *API) lastReport() time.Time {
	return a.started.Add(a.now().Sub(a.started).Truncate(reportInterval)).UTC()
}

func (a *API) agentBody(g *scenario.Agent) object {
	conf := object{}
	switch g.Binary {
	case "neutron-linuxbridge-agent":
		conf = object{
			"bridge_mappings": object{}, "interface_mappings": object{}, "tunneling_ip": g.Host.Underlay.String(), "tunnel_types": []string{"vxlan"},
			"l2_population": true, "devices": len(a.cloud.HostPorts(g.Host)), "extensions": []string{},
		}
	case "neutron-dhcp-agent":
		conf = object{"dhcp_driver": "neutron.agent.linux.dhcp.Dnsmasq", "dhcp_lease_duration": 86400, "networks": len(a.served())}
	case "neutron-l3-agent":
		conf = object{"agent_mode": "legacy", "handle_internal_only_routers": true, "routers": len(a.cloud.Routers), "floating_ips": len(a.cloud.FloatingIPs)}
	}
	zone := any("nova")
	if g.Topic == "N/A" {
		zone = nil
	}
	return object{
		"id": g.ID, "binary": g.Binary, "agent_type": g.Type, "topic": g.Topic, "host": g.Host.Name, "availability_zone": zone,
		"admin_state_up": true, "alive": true, "description": nil, "resources_synced": nil, "resource_versions": object{},
		"created_at": a.started.Format(neutronTime), "started_at": a.started.Format(neutronTime),
		"heartbeat_timestamp": a.lastReport().Format(neutronTime), "configurations": conf,
	}
}

// served are the networks that dnsmasq serves.
func (a *API) served() []*scenario.Network {
	var out []*scenario.Network
	for _, n := range a.cloud.Networks {
		if n.Subnet.DHCP.IsValid() {
			out = append(out, n)
		}
	}
	return out
}

// extensions are those of Neutron that the lab's answers follow.
func extensions() []object {
	var out []object
	for _, e := range [...][2]string{
		{"agent", "agent"},
		{"allowed-address-pairs", "Allowed Address Pairs"},
		{"availability_zone", "Availability Zone"},
		{"binding", "Port Binding"},
		{"dhcp_agent_scheduler", "DHCP Agent Scheduler"},
		{"ext-gw-mode", "Neutron L3 Configurable external gateway mode"},
		{"external-net", "Neutron external network"},
		{"extra_dhcp_opt", "Neutron Extra DHCP options"},
		{"extraroute", "Neutron Extra Route"},
		{"filter-validation", "Filter parameters validation"},
		{"fip-port-details", "Floating IP Port Details Extension"},
		{"ip-substring-filtering", "IP address substring filtering"},
		{"l3_agent_scheduler", "L3 Agent Scheduler"},
		{"net-mtu", "Network MTU"},
		{"pagination", "Pagination support"},
		{"port-security", "Port Security"},
		{"project-id", "project_id field enabled"},
		{"provider", "Provider Network"},
		{"router", "Neutron L3 Router"},
		{"security-group", "security-group"},
		{"sorting", "Sorting support"},
		{"standard-attr-description", "standard-attr-description"},
		{"standard-attr-revisions", "Resource revision numbers"},
		{"standard-attr-timestamp", "Resource timestamps"},
		{"standard-attr-tag", "Tag support for resources with standard attribute"},
		{"stateful-security-group", "Stateful security group"},
	} {
		out = append(out, object{"alias": e[0], "name": e[1], "description": "", "updated": "2017-01-01T00:00:00-00:00", "links": []object{}})
	}
	return out
}
