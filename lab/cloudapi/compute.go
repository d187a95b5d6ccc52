package cloudapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"steth/lab/scenario"
)

// Nova's microversions: what the API serves, and those at which an answer
// changes that clients of the lab can see
// (nova/api/openstack/compute/rest_api_version_history.rst).
const (
	novaMax         = 96
	novaUUIDs       = 53 // ids of hypervisors and services are UUIDs
	novaFlavorInner = 47 // a server's flavour is told, not referred to
	novaLeanNodes   = 88 // hypervisors without capacity
	novaLocked      = 9
	novaDescription = 19
	novaTags        = 26
)

// flavor is the one flavour.
const flavor = "m1.namespace"

// versioned is a handler that knows the minor version the client speaks.
type versioned func(w http.ResponseWriter, r *http.Request, who caller, minor int)

func (a *API) routeCompute() {
	a.mux.HandleFunc("GET /compute", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, object{"versions": []object{a.computeVersion()}})
	})
	a.mux.HandleFunc("GET /compute/v2.1", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, object{"version": a.computeVersion()})
	})
	handle := func(path string, h versioned) {
		a.mux.HandleFunc("GET /compute/v2.1/"+path, a.authenticated(func(w http.ResponseWriter, r *http.Request, who caller) {
			minor, err := microversion(r)
			if err != nil {
				novaError(w, http.StatusNotAcceptable, err.Error())
				return
			}
			w.Header().Set("OpenStack-API-Version", fmt.Sprintf("compute 2.%d", minor))
			w.Header().Set("X-OpenStack-Nova-API-Version", fmt.Sprintf("2.%d", minor))
			w.Header().Set("Vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version")
			h(w, r, who, minor)
		}))
	}
	admins := func(path, rule string, h versioned) {
		handle(path, func(w http.ResponseWriter, r *http.Request, who caller, minor int) {
			if !who.admin {
				novaError(w, http.StatusForbidden, "Policy doesn't allow os_compute_api:"+rule+" to be performed.")
				return
			}
			h(w, r, who, minor)
		})
	}
	handle("servers", func(w http.ResponseWriter, r *http.Request, who caller, minor int) {
		a.servers(w, r, who, minor, false)
	})
	handle("servers/detail", func(w http.ResponseWriter, r *http.Request, who caller, minor int) { a.servers(w, r, who, minor, true) })
	handle("servers/{id}", a.server)
	admins("os-hypervisors", "os-hypervisors:list", func(w http.ResponseWriter, r *http.Request, _ caller, minor int) {
		a.hypervisors(w, r, minor, false)
	})
	admins("os-hypervisors/detail", "os-hypervisors:list-detail", func(w http.ResponseWriter, r *http.Request, _ caller, minor int) {
		a.hypervisors(w, r, minor, true)
	})
	admins("os-hypervisors/{id}", "os-hypervisors:show", a.hypervisor)
	admins("os-aggregates", "os-aggregates:index", func(w http.ResponseWriter, _ *http.Request, _ caller, _ int) {
		respond(w, http.StatusOK, object{"aggregates": []object{}})
	})
	admins("os-services", "os-services:list", a.services)
	handle("flavors", a.flavors)
	handle("flavors/detail", a.flavors)
	handle("flavors/{id}", func(w http.ResponseWriter, r *http.Request, _ caller, _ int) {
		if r.PathValue("id") != flavor {
			novaError(w, http.StatusNotFound, "Flavor "+r.PathValue("id")+" could not be found.")
			return
		}
		respond(w, http.StatusOK, object{"flavor": a.flavorBody()})
	})
	handle("extensions", func(w http.ResponseWriter, _ *http.Request, _ caller, _ int) {
		respond(w, http.StatusOK, object{"extensions": []object{}})
	})
	a.mux.HandleFunc("/compute/", a.authenticated(func(w http.ResponseWriter, r *http.Request, _ caller) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			novaError(w, http.StatusForbidden, "The lab's cloud can't be changed through its API.")
			return
		}
		novaError(w, http.StatusNotFound, "The resource could not be found.")
	}))
}

func (a *API) computeVersion() object {
	return object{
		"id": "v2.1", "status": "CURRENT", "version": fmt.Sprintf("2.%d", novaMax), "min_version": "2.1", "updated": "2013-07-23T11:33:21Z",
		"links":       links(a.url + "/compute/v2.1/"),
		"media-types": []object{{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}},
	}
}

// microversion reads the version that a client asks for, from either of the two
// headers; 2.1 without one.
func microversion(r *http.Request) (int, error) {
	text := r.Header.Get("X-OpenStack-Nova-API-Version")
	if service, version, ok := strings.Cut(r.Header.Get("OpenStack-API-Version"), " "); ok && service == "compute" {
		text = version
	}
	switch text {
	case "":
		return 1, nil
	case "latest":
		return novaMax, nil
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(text, "2."))
	if err != nil || !strings.HasPrefix(text, "2.") || minor < 1 || minor > novaMax {
		return 0, complaint{message: fmt.Sprintf("Version %s is not supported by the API. Minimum is 2.1 and maximum is 2.%d.", text, novaMax)}
	}
	return minor, nil
}

func (a *API) servers(w http.ResponseWriter, r *http.Request, who caller, minor int, detail bool) {
	v := r.URL.Query()
	everyone := truth(v.Get("all_tenants"))
	if everyone && !who.admin {
		novaError(w, http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.")
		return
	}
	var list []object
	for _, s := range a.cloud.Servers {
		if (everyone || s.Project.ID == who.projectID()) && a.wanted(s, v, who) {
			list = append(list, a.serverBody(s, who, minor))
		}
	}
	paging := url.Values{}
	for _, key := range []string{"limit", "marker"} {
		if v.Has(key) {
			paging.Set(key, v.Get(key))
		}
	}
	q, err := parseQuery(paging, nil)
	if err != nil {
		novaError(w, http.StatusBadRequest, err.Error())
		return
	}
	page, err := q.page(list)
	if err != nil {
		novaError(w, http.StatusBadRequest, "marker ["+q.marker+"] not found")
		return
	}
	if !detail {
		q.fields = []string{"id", "name", "links"}
	}
	body := object{"servers": each(page, q.selected)}
	if links := q.links(r.URL, a.url, page); links != nil && len(page) == q.limit {
		body["servers_links"] = links[:1]
	}
	respond(w, http.StatusOK, body)
}

// wanted says whether a server passes a list's filters. Names and addresses are
// regular expressions to Nova; filters for administrators are ignored for all
// others.
func (a *API) wanted(s *scenario.Server, v url.Values, who caller) bool {
	like := func(key, have string) bool {
		if !v.Has(key) {
			return true
		}
		expr, err := regexp.Compile(v.Get(key))
		return err == nil && expr.MatchString(have)
	}
	is := func(key, have string) bool { return !v.Has(key) || strings.EqualFold(v.Get(key), have) }
	if who.admin && !(is("host", s.Host.Name) && is("project_id", s.Project.ID) && is("tenant_id", s.Project.ID)) {
		return false
	}
	addresses := []string{s.Port.Address.String()}
	for _, f := range a.cloud.FloatingIPs {
		if f.Port == s.Port {
			addresses = append(addresses, f.Address.String())
		}
	}
	return like("name", s.Name) && is("status", "ACTIVE") && is("uuid", s.ID) &&
		slices.ContainsFunc(addresses, func(ip string) bool { return like("ip", ip) })
}

func (a *API) server(w http.ResponseWriter, r *http.Request, who caller, minor int) {
	for _, s := range a.cloud.Servers {
		if s.ID == r.PathValue("id") && (who.admin || s.Project.ID == who.projectID()) {
			respond(w, http.StatusOK, object{"server": a.serverBody(s, who, minor)})
			return
		}
	}
	novaError(w, http.StatusNotFound, "Instance "+r.PathValue("id")+" could not be found.")
}

func (a *API) serverBody(s *scenario.Server, who caller, minor int) object {
	self := a.url + "/compute/v2.1/servers/" + s.ID
	hostID := sha256.Sum224([]byte(s.Project.ID + s.Host.Name))
	o := object{
		"id": s.ID, "name": s.Name, "status": "ACTIVE", "tenant_id": s.Project.ID, "user_id": a.ownerOf(s.Project), "metadata": object{},
		"hostId": hex.EncodeToString(hostID[:]), "created": stamp(a.started), "updated": stamp(a.started), "progress": 0,
		"image":     object{"id": imageID, "links": []object{link("bookmark", a.url+"/compute/images/"+imageID)}},
		"flavor":    object{"id": flavor, "links": []object{link("bookmark", a.url+"/compute/flavors/"+flavor)}},
		"addresses": object{s.Port.Network.Name: a.serverAddresses(s)}, "accessIPv4": "", "accessIPv6": "",
		"links":             []object{link("self", self), link("bookmark", a.url+"/compute/servers/"+s.ID)},
		"OS-DCF:diskConfig": "MANUAL", "OS-EXT-AZ:availability_zone": "nova", "config_drive": "", "key_name": nil,
		"OS-EXT-STS:task_state": nil, "OS-EXT-STS:vm_state": "active", "OS-EXT-STS:power_state": 1,
		"OS-SRV-USG:launched_at": a.started.Format("2006-01-02T15:04:05.000000"), "OS-SRV-USG:terminated_at": nil,
		"os-extended-volumes:volumes_attached": []object{},
		"security_groups":                      each(s.Port.SecurityGroups, func(g *scenario.SecurityGroup) object { return object{"name": g.Name} }),
	}
	if minor >= novaFlavorInner {
		o["flavor"] = object{"original_name": flavor, "vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0, "extra_specs": object{}}
	}
	if minor >= novaLocked {
		o["locked"] = false
	}
	if minor >= novaDescription {
		o["description"] = nil
	}
	if minor >= novaTags {
		o["tags"] = []string{}
	}
	if who.admin {
		o["OS-EXT-SRV-ATTR:host"] = s.Host.Name
		o["OS-EXT-SRV-ATTR:hypervisor_hostname"] = s.Host.Name
		o["OS-EXT-SRV-ATTR:instance_name"] = fmt.Sprintf("instance-%08x", slices.Index(a.cloud.Servers, s)+1)
	}
	return o
}

// ownerOf is the user whose default project it is, as the one who made its
// servers.
func (a *API) ownerOf(p *scenario.Project) string {
	for _, u := range a.cloud.Users {
		if u.Projects[0] == p {
			return u.ID
		}
	}
	return a.cloud.Users[0].ID
}

func (a *API) serverAddresses(s *scenario.Server) []object {
	address := func(ip, kind string) object {
		return object{"addr": ip, "version": 4, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": s.Port.MAC}
	}
	out := []object{address(s.Port.Address.String(), "fixed")}
	for _, f := range a.cloud.FloatingIPs {
		if f.Port == s.Port {
			out = append(out, address(f.Address.String(), "floating"))
		}
	}
	return out
}

// computes are the hosts with nova-compute.
func (a *API) computes() []*scenario.Host {
	var out []*scenario.Host
	for _, h := range a.cloud.Hosts {
		if h.Role == scenario.RoleCompute {
			out = append(out, h)
		}
	}
	return out
}

// numbered is an id as the version tells it: a UUID, or a number before 2.53.
func numbered(minor, n int, kind, name string) any {
	if minor >= novaUUIDs {
		return scenario.ID(kind, name)
	}
	return n
}

func (a *API) hypervisorBody(n int, h *scenario.Host, minor int, detail, servers bool) object {
	o := object{"id": numbered(minor, n, "hypervisor", h.Name), "hypervisor_hostname": h.Name, "state": "up", "status": "enabled"}
	running := []object{}
	for _, s := range a.cloud.Servers {
		if s.Host == h {
			running = append(running, object{"uuid": s.ID, "name": s.Name})
		}
	}
	if servers && minor >= novaUUIDs && len(running) > 0 {
		o["servers"] = running
	}
	if !detail {
		return o
	}
	o["host_ip"] = h.Management.String()
	o["hypervisor_type"], o["hypervisor_version"] = "QEMU", 8002002
	o["service"] = object{"id": numbered(minor, n, "service", h.Name), "host": h.Name, "disabled_reason": nil}
	if minor >= novaLeanNodes {
		o["uptime"] = nil
		return o
	}
	for key, value := range map[string]int{
		"vcpus": 4, "vcpus_used": len(running), "memory_mb": 8192, "memory_mb_used": 512 + 64*len(running), "free_ram_mb": 7680 - 64*len(running),
		"local_gb": 100, "local_gb_used": len(running), "free_disk_gb": 100 - len(running), "disk_available_least": 90,
		"running_vms": len(running), "current_workload": 0,
	} {
		o[key] = value
	}
	o["cpu_info"] = any(object{})
	if minor < 28 { // a JSON text in a string
		o["cpu_info"] = "{}"
	}
	return o
}

func (a *API) hypervisors(w http.ResponseWriter, r *http.Request, minor int, detail bool) {
	v := r.URL.Query()
	list := []object{}
	for i, h := range a.computes() {
		if strings.Contains(h.Name, v.Get("hypervisor_hostname_pattern")) {
			list = append(list, a.hypervisorBody(i+1, h, minor, detail, truth(v.Get("with_servers"))))
		}
	}
	respond(w, http.StatusOK, object{"hypervisors": list})
}

func (a *API) hypervisor(w http.ResponseWriter, r *http.Request, _ caller, minor int) {
	for i, h := range a.computes() {
		o := a.hypervisorBody(i+1, h, minor, true, truth(r.URL.Query().Get("with_servers")))
		if fmt.Sprint(o["id"]) == r.PathValue("id") {
			respond(w, http.StatusOK, object{"hypervisor": o})
			return
		}
	}
	novaError(w, http.StatusNotFound, "Hypervisor with ID '"+r.PathValue("id")+"' could not be found.")
}

func (a *API) services(w http.ResponseWriter, r *http.Request, _ caller, minor int) {
	v := r.URL.Query()
	list := []object{}
	add := func(binary, host, zone string) {
		if v.Has("host") && v.Get("host") != host || v.Has("binary") && v.Get("binary") != binary {
			return
		}
		o := object{
			"id": numbered(minor, len(list)+1, "service", host), "binary": binary, "host": host, "zone": zone, "status": "enabled",
			"state": "up", "disabled_reason": nil, "updated_at": a.lastReport().Format("2006-01-02T15:04:05.000000"),
		}
		if minor >= 11 {
			o["forced_down"] = false
		}
		list = append(list, o)
	}
	for _, h := range a.computes() {
		add("nova-compute", h.Name, "nova")
	}
	respond(w, http.StatusOK, object{"services": list})
}

func (a *API) flavorBody() object {
	return object{
		"id": flavor, "name": flavor, "vcpus": 1, "ram": 64, "disk": 1, "swap": "", "rxtx_factor": 1.0, "OS-FLV-EXT-DATA:ephemeral": 0,
		"OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": true, "links": links(a.url + "/compute/v2.1/flavors/" + flavor),
	}
}

func (a *API) flavors(w http.ResponseWriter, r *http.Request, _ caller, _ int) {
	if r.URL.Query().Has("marker") {
		respond(w, http.StatusOK, object{"flavors": []object{}})
		return
	}
	respond(w, http.StatusOK, object{"flavors": []object{a.flavorBody()}})
}
