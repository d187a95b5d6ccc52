package cloudapi

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
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
