package cloudapi

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"steth/lab/scenario"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { http.DefaultClient.CloseIdleConnections() }))
}

// site is an API with a clock that the test holds.
type site struct {
	t     *testing.T
	cloud *scenario.Cloud
	url   string
	late  atomic.Int64 // added to the time
}

func newSite(t *testing.T) *site { return newSiteOf(t, scenario.OpenVSwitch) }

func newSiteOf(t *testing.T, flavour scenario.Flavour) *site {
	t.Helper()
	cloud, err := scenario.Load("", flavour)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, cloud: cloud}
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	server.Config.Handler = New(cloud, Options{URL: s.url, Now: func() time.Time { return time.Now().Add(time.Duration(s.late.Load())) }})
	server.Start()
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); server.Close() })
	return s
}

// call makes a request and decodes the answer's body.
func (s *site) call(method, target, token, body string, headers ...string) (*http.Response, object) {
	s.t.Helper()
	if !strings.HasPrefix(target, "http") {
		target = s.url + target
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var out object
	if len(bytes.TrimSpace(text)) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			s.t.Fatalf("%s %s: %v in %q", method, target, err, text)
		}
	}
	return resp, out
}

func (s *site) get(token, target string, headers ...string) object {
	s.t.Helper()
	resp, body := s.call("GET", target, token, "", headers...)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s %v", target, resp.Status, body)
	}
	return body
}

func (s *site) login(user string) string {
	s.t.Helper()
	resp, body := s.call("POST", "/identity/v3/auth/tokens", "", password(user, "secret", ""))
	if resp.StatusCode != http.StatusCreated {
		s.t.Fatalf("login: %s %v", resp.Status, body)
	}
	return resp.Header.Get("X-Subject-Token")
}

func password(user, secret, scope string) string {
	if scope != "" {
		scope = `,"scope":` + scope
	}
	return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + user + `","domain":{"name":"Default"},"password":"` + secret + `"}}}` + scope + `}}`
}

// pick lists one attribute of a collection's objects.
func pick(body object, collection, attribute string) []string {
	var out []string
	for _, o := range body[collection].([]any) {
		v, _ := o.(object)[attribute].(string)
		out = append(out, v)
	}
	return out
}

func TestLogin(t *testing.T) {
	s := newSite(t)
	credential := s.cloud.Users[1].Credential
	project := s.cloud.Users[0].Projects[1]
	token := s.login("demo")
	tests := map[string]struct {
		body string
		want int
	}{
		"password":                    {password("demo", "secret", ""), 201},
		"project by name":             {password("admin", "secret", `{"project":{"name":"shop","domain":{"id":"default"}}}`), 201},
		"project by id":               {password("admin", "secret", `{"project":{"id":"`+project.ID+`"}}`), 201},
		"system":                      {password("admin", "secret", `{"system":{"all":true}}`), 201},
		"unscoped":                    {password("demo", "secret", `"unscoped"`), 201},
		"token":                       {`{"auth":{"identity":{"methods":["token"],"token":{"id":"` + token + `"}}}}`, 201},
		"credential by id":            {`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"` + credential.ID + `","secret":"secret"}}}}`, 201},
		"credential by name":          {`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"name":"console","secret":"secret","user":{"name":"demo","domain":{"id":"default"}}}}}}`, 201},
		"wrong password":              {password("demo", "guess", ""), 401},
		"unknown user":                {password("nobody", "secret", ""), 401},
		"somebody else's project":     {password("demo", "secret", `{"project":{"name":"admin","domain":{"id":"default"}}}`), 401},
		"system without being admin":  {password("demo", "secret", `{"system":{"all":true}}`), 401},
		"unknown token":               {`{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}}}}`, 401},
		"wrong credential":            {`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"` + credential.ID + `","secret":"guess"}}}}`, 401},
		"credential with a scope":     {`{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"` + credential.ID + `","secret":"secret"}},"scope":{"project":{"id":"` + project.ID + `"}}}}`, 401},
		"name without its own domain": {strings.Replace(password("demo", "secret", ""), "Default", "Other", 1), 401},
		"not JSON":                    {`{`, 400},
		"no auth":                     {`{}`, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			resp, body := s.call("POST", "/identity/v3/auth/tokens", "", tt.body)
			if resp.StatusCode != tt.want {
				t.Fatalf("status %d, want %d: %v", resp.StatusCode, tt.want, body)
			}
			if tt.want != 201 {
				fault, _ := body["error"].(object)
				if fault["code"] != float64(tt.want) || fault["title"] != http.StatusText(tt.want) || fault["message"] == "" {
					t.Errorf("error body %v", body)
				}
			}
		})
	}
}

func TestTokenBody(t *testing.T) {
	s := newSite(t)
	_, body := s.call("POST", "/identity/v3/auth/tokens", "", password("demo", "secret", ""))
	tok := body["token"].(object)
	var kinds []string
	for _, service := range tok["catalog"].([]any) {
		kinds = append(kinds, service.(object)["type"].(string))
	}
	if !slices.Equal(kinds, []string{"identity", "network", "compute", "image"}) {
		t.Errorf("catalogue of %v", kinds)
	}
	if got := tok["project"].(object)["name"]; got != "shop" {
		t.Errorf("default project %v", got)
	}
	_, body = s.call("POST", "/identity/v3/auth/tokens", "", password("demo", "secret", `"unscoped"`))
	if tok := body["token"].(object); tok["project"] != nil || tok["catalog"] != nil || tok["roles"] != nil {
		t.Errorf("an unscoped token has %v", tok)
	}
}

func TestTokensEnd(t *testing.T) {
	s := newSite(t)
	token := s.login("admin")
	s.get(token, "/networking/v2.0/networks")
	s.late.Store(int64(time.Hour + time.Second))
	resp, body := s.call("GET", "/networking/v2.0/networks", token, "")
	if resp.StatusCode != 401 || body["error"].(object)["code"] != float64(401) || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("an expired token gets %s %v", resp.Status, body)
	}
	token = s.login("admin")
	if resp, _ := s.call("DELETE", "/identity/v3/auth/tokens", token, "", "X-Subject-Token", token); resp.StatusCode != 204 {
		t.Errorf("revoking gets %s", resp.Status)
	}
	if resp, _ := s.call("GET", "/networking/v2.0/networks", token, ""); resp.StatusCode != 401 {
		t.Errorf("a revoked token gets %s", resp.Status)
	}
}

func TestFilters(t *testing.T) {
	s := newSite(t)
	token := s.login("admin")
	web1, _ := s.cloud.Server("web1")
	web2, _ := s.cloud.Server("web2")
	group := web1.Port.SecurityGroups[1].ID
	tests := map[string]struct {
		path, collection string
		want             []string // names, in any order
	}{
		"name":                    {"ports?name=web1", "ports", []string{"web1"}},
		"repeated key":            {"ports?name=web1&name=web2", "ports", []string{"web1", "web2"}},
		"two keys":                {"ports?name=web1&network_id=" + s.cloud.Networks[1].ID, "ports", nil},
		"id":                      {"ports?id=" + web2.Port.ID, "ports", []string{"web2"}},
		"fixed address":           {"ports?fixed_ips=ip_address%3D10.20.0.11", "ports", []string{"web1"}},
		"two fixed addresses":     {"ports?fixed_ips=ip_address%3D10.20.0.11&fixed_ips=ip_address%3D10.30.0.12", "ports", []string{"web1", "db2"}},
		"part of an address":      {"ports?fixed_ips=ip_address_substr%3D.20.0.1&device_owner=compute:nova", "ports", []string{"web1", "web2"}},
		"subnet":                  {"ports?device_owner=compute:nova&fixed_ips=subnet_id%3D" + s.cloud.Networks[1].Subnet.ID, "ports", []string{"db1", "db2", "jobs1"}},
		"MAC in capitals":         {"ports?mac_address=" + strings.ToUpper(web1.Port.MAC), "ports", []string{"web1"}},
		"device":                  {"ports?device_id=" + web1.ID, "ports", []string{"web1"}},
		"host":                    {"ports?binding:host_id=cmp2", "ports", []string{"web2", "cache1", "db2"}},
		"security group":          {"ports?security_groups=" + group, "ports", []string{"web1", "web2"}},
		"boolean":                 {"networks?router:external=True", "networks", []string{"public"}},
		"boolean, other spelling": {"networks?router:external=0", "networks", []string{"front", "back"}},
		"number":                  {"networks?provider:segmentation_id=102", "networks", []string{"back"}},
		"nothing":                 {"networks?name=none", "networks", nil},
		"tags":                    {"networks?tags=x", "networks", nil},
		"not tags":                {"networks?not-tags=x", "networks", []string{"front", "back", "public"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := pick(s.get(token, "/networking/v2.0/"+tt.path), tt.collection, "name")
			slices.Sort(got)
			want := slices.Sorted(slices.Values(tt.want))
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

func TestFields(t *testing.T) {
	s := newSite(t)
	body := s.get(s.login("admin"), "/networking/v2.0/ports?name=web1&fields=name&fields=mac_address&fields=nonsense")
	if got := body["ports"].([]any)[0].(object); len(got) != 2 || got["name"] != "web1" {
		t.Errorf("fields are %v", got)
	}
}

func TestSort(t *testing.T) {
	s := newSite(t)
	token := s.login("admin")
	got := pick(s.get(token, "/networking/v2.0/ports?device_owner=compute:nova&sort_key=name&sort_dir=desc"), "ports", "name")
	if want := []string{"web2", "web1", "jobs1", "db2", "db1", "cache1"}; !slices.Equal(got, want) {
		t.Errorf("by name, downwards: %v", got)
	}
	got = pick(s.get(token, "/networking/v2.0/networks?router:external=false&sort_key=provider:segmentation_id&sort_dir=asc"), "networks", "name")
	if want := []string{"front", "back"}; !slices.Equal(got, want) {
		t.Errorf("by VNI: %v", got)
	}
}

// TestPages walks through all ports forwards and backwards by the links alone.
func TestPages(t *testing.T) {
	s := newSite(t)
	token := s.login("admin")
	all := pick(s.get(token, "/networking/v2.0/ports"), "ports", "id")
	for _, limit := range []string{"1", "4", "5", "12", "100"} {
		var forward, back []string
		last := ""
		for next := "/networking/v2.0/ports?limit=" + limit; next != "" && len(forward) <= len(all); {
			body := s.get(token, next)
			forward = append(forward, pick(body, "ports", "id")...)
			next = linkOf(body, "ports_links", "next")
			if p := linkOf(body, "ports_links", "previous"); p != "" {
				last = p
			}
		}
		if !slices.Equal(forward, all) {
			t.Errorf("limit %s: %d ports forwards, want %d", limit, len(forward), len(all))
		}
		for last != "" && len(back) <= len(all) {
			body := s.get(token, last)
			back = append(pick(body, "ports", "id"), back...)
			last = linkOf(body, "ports_links", "previous")
		}
		if n := len(back); n >= len(all) || !slices.Equal(back, all[:n]) {
			t.Errorf("limit %s: backwards %v", limit, back)
		}
	}
}

func linkOf(body object, key, rel string) string {
	list, _ := body[key].([]any)
	for _, l := range list {
		if o := l.(object); o["rel"] == rel {
			return o["href"].(string)
		}
	}
	return ""
}

func TestNeutronErrors(t *testing.T) {
	s := newSite(t)
	admin, demo := s.login("admin"), s.login("demo")
	gateway := s.cloud.Routers[0].Gateway.ID
	tests := map[string]struct {
		method, path, token string
		status              int
		kind, message       string
	}{
		"unknown port":         {"GET", "ports/x", admin, 404, "PortNotFound", "Port x could not be found."},
		"unknown group":        {"GET", "security-groups/x", admin, 404, "SecurityGroupNotFound", "Security group x does not exist"},
		"unknown collection":   {"GET", "trunks", admin, 404, "HTTPNotFound", "The resource could not be found."},
		"unknown filter":       {"GET", "ports?colour=red", admin, 400, "HTTPBadRequest", "['colour'] is invalid attribute for filtering"},
		"unknown sort key":     {"GET", "ports?sort_key=colour&sort_dir=asc", admin, 400, "HTTPBadRequest", "['colour'] is invalid attribute for sort keys"},
		"sort key alone":       {"GET", "ports?sort_key=name", admin, 400, "HTTPBadRequest", "The number of sort_keys and sort_dirs must be same"},
		"limit":                {"GET", "ports?limit=many", admin, 400, "BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not 'many'."},
		"marker":               {"GET", "ports?limit=1&marker=x", admin, 404, "PortNotFound", "Port x could not be found."},
		"somebody else's port": {"GET", "ports/" + gateway, demo, 404, "PortNotFound", "Port " + gateway + " could not be found."},
		"change":               {"POST", "networks", admin, 403, "PolicyNotAuthorized", "The lab's cloud can't be changed through its API."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			resp, body := s.call(tt.method, "/networking/v2.0/"+tt.path, tt.token, "")
			fault, _ := body["NeutronError"].(object)
			if resp.StatusCode != tt.status || fault["type"] != tt.kind || fault["message"] != tt.message {
				t.Errorf("%s %v", resp.Status, body)
			}
		})
	}
}

func TestProjectSeesItsOwn(t *testing.T) {
	s := newSite(t)
	token := s.login("demo")
	networks := s.get(token, "/networking/v2.0/networks")
	if got := pick(networks, "networks", "name"); len(got) != 3 {
		t.Errorf("networks %v", got)
	}
	for _, n := range networks["networks"].([]any) {
		for key := range n.(object) {
			if strings.HasPrefix(key, "provider:") {
				t.Errorf("a network tells %s", key)
			}
		}
	}
	for _, p := range s.get(token, "/networking/v2.0/ports")["ports"].([]any) {
		for key := range p.(object) {
			if strings.HasPrefix(key, "binding:") && key != "binding:vnic_type" {
				t.Errorf("a port tells %s", key)
			}
		}
		if owner := p.(object)["device_owner"]; owner == scenario.OwnerGateway || owner == scenario.OwnerFloatingIP {
			t.Errorf("Neutron's own port of %v is shown", owner)
		}
	}
	if got := pick(s.get(token, "/networking/v2.0/agents"), "agents", "id"); len(got) != 0 {
		t.Errorf("agents %v", got)
	}
	if got := pick(s.get(token, "/networking/v2.0/ports?binding:host_id=cmp1"), "ports", "id"); len(got) != 0 {
		t.Errorf("a filter finds by what is hidden: %v", got)
	}
	server := s.get(token, "/compute/v2.1/servers/detail")["servers"].([]any)[0].(object)
	if server["OS-EXT-SRV-ATTR:host"] != nil {
		t.Error("a server tells its host")
	}
	for _, path := range []string{"os-hypervisors/detail", "os-services", "servers/detail?all_tenants=1"} {
		resp, body := s.call("GET", "/compute/v2.1/"+path, token, "")
		if fault, _ := body["forbidden"].(object); resp.StatusCode != 403 || fault["code"] != float64(403) {
			t.Errorf("%s: %s %v", path, resp.Status, body)
		}
	}
}

func TestServers(t *testing.T) {
	s := newSite(t)
	token := s.login("admin")
	tests := map[string]struct {
		query string
		want  []string
	}{
		"own project":   {"", nil},
		"everyone":      {"?all_tenants=1", []string{"cache1", "db1", "db2", "jobs1", "web1", "web2"}},
		"name pattern":  {"?all_tenants=1&name=^web", []string{"web1", "web2"}},
		"host":          {"?all_tenants=1&host=cmp1", []string{"db1", "jobs1", "web1"}},
		"fixed address": {"?all_tenants=1&ip=" + url.QueryEscape(`^10\.30\.0\.12$`), []string{"db2"}},
		"floating":      {"?all_tenants=1&ip=203.0.113.50", []string{"web1"}},
		"status":        {"?all_tenants=1&status=error", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := pick(s.get(token, "/compute/v2.1/servers/detail"+tt.query), "servers", "name")
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	var names []string
	for next := "/compute/v2.1/servers?all_tenants=1&limit=4"; next != ""; {
		body := s.get(token, next)
		names = append(names, pick(body, "servers", "name")...)
		next = linkOf(body, "servers_links", "next")
	}
	if len(names) != 6 {
		t.Errorf("pages hold %v", names)
	}
}

func TestMicroversions(t *testing.T) {
	s := newSite(t)
	token := s.login("admin")
	hypervisor := func(version string) object {
		return s.get(token, "/compute/v2.1/os-hypervisors/detail", "OpenStack-API-Version", "compute "+version)["hypervisors"].([]any)[0].(object)
	}
	if h := hypervisor("2.1"); h["id"] != float64(1) || h["vcpus"] == nil {
		t.Errorf("2.1: %v", h)
	}
	if h := hypervisor("2.53"); h["id"] == float64(1) || h["running_vms"] != float64(3) {
		t.Errorf("2.53: %v", h)
	}
	if h := hypervisor("latest"); h["vcpus"] != nil || h["host_ip"] != "10.98.0.11" {
		t.Errorf("latest: %v", h)
	}
	resp, body := s.call("GET", "/compute/v2.1/servers", token, "", "X-OpenStack-Nova-API-Version", "2.500")
	if resp.StatusCode != 406 || body["computeFault"] == nil {
		t.Errorf("2.500: %s %v", resp.Status, body)
	}
}

func TestAgentsReport(t *testing.T) {
	s := newSite(t)
	token := s.login("admin")
	s.late.Store(int64(50 * time.Minute))
	for _, a := range s.get(token, "/networking/v2.0/agents")["agents"].([]any) {
		beat, err := time.Parse(neutronTime, a.(object)["heartbeat_timestamp"].(string))
		if age := time.Until(beat) - 50*time.Minute; err != nil || age < -reportInterval-2*time.Second || age > 0 {
			t.Errorf("last report %v from now (%v)", age, err)
		}
	}
	n := s.cloud.Networks[0].ID
	if got := pick(s.get(token, "/networking/v2.0/networks/"+n+"/dhcp-agents"), "agents", "host"); !slices.Equal(got, []string{"net0"}) {
		t.Errorf("DHCP agents on %v", got)
	}
	if got := pick(s.get(token, "/networking/v2.0/routers/"+s.cloud.Routers[0].ID+"/l3-agents"), "agents", "host"); !slices.Equal(got, []string{"net0"}) {
		t.Errorf("L3 agents on %v", got)
	}
}

// TestAttributes holds every object against those of a real Neutron (21.0, as
// Debian 12 has it, with ML2 and no extension driver), recorded as an
// administrator.
func TestAttributes(t *testing.T) {
	text, err := os.ReadFile("testdata/neutron-21.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string][]string
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	token := s.login("admin")
	for path, want := range recorded {
		for _, o := range s.get(token, "/networking/v2.0/"+path)[strings.ReplaceAll(path, "-", "_")].([]any) {
			if got := slices.Sorted(maps.Keys(o.(object))); !slices.Equal(got, want) {
				t.Errorf("%s have %v,\nNeutron's %v", path, got, want)
				break
			}
		}
	}
}

// TestSameAsTheScenario holds every port against what the wires are built from.
func TestSameAsTheScenario(t *testing.T) {
	s := newSite(t)
	told := map[string]object{}
	for _, p := range s.get(s.login("admin"), "/networking/v2.0/ports")["ports"].([]any) {
		told[p.(object)["id"].(string)] = p.(object)
	}
	for _, p := range s.cloud.Ports {
		o := told[p.ID]
		delete(told, p.ID)
		host := ""
		if p.Host != nil {
			host = p.Host.Name
		}
		address := o["fixed_ips"].([]any)[0].(object)["ip_address"]
		if o["mac_address"] != p.MAC || address != p.Address.String() || o["binding:host_id"] != host || o["device_id"] != p.DeviceID {
			t.Errorf("port %s is told as %v", p.ID, o)
		}
	}
	if len(told) > 0 {
		t.Errorf("ports without wires: %v", told)
	}
}

// TestFlavours checks what a flavour changes of what is told.
func TestFlavours(t *testing.T) {
	tests := map[scenario.Flavour]struct {
		vif, agent string
		hybrid     map[string]any // by network
		mappings   map[string]object
	}{
		scenario.OpenVSwitch: {
			"ovs", "Open vSwitch agent",
			map[string]any{"front": true, "back": false, "public": false},
			map[string]object{"net0": {"physnet1": "br-ex"}, "cmp1": {}, "cmp2": {}},
		},
		scenario.LinuxBridge: {
			"bridge", "Linux bridge agent",
			map[string]any{"front": nil, "back": nil, "public": nil},
			map[string]object{"net0": {}, "cmp1": {}, "cmp2": {}},
		},
	}
	for flavour, want := range tests {
		t.Run(string(flavour), func(t *testing.T) {
			s := newSiteOf(t, flavour)
			token := s.login("admin")
			networks := map[string]string{}
			for _, n := range s.cloud.Networks {
				networks[n.ID] = n.Name
			}
			for _, o := range s.get(token, "/networking/v2.0/ports")["ports"].([]any) {
				p := o.(object)
				if p["binding:host_id"] == "" {
					continue
				}
				details := p["binding:vif_details"].(object)
				name := networks[p["network_id"].(string)]
				if p["binding:vif_type"] != want.vif || details["ovs_hybrid_plug"] != want.hybrid[name] {
					t.Errorf("a port in %s is bound as %v, %v", name, p["binding:vif_type"], details)
				}
			}
			seen := 0
			for _, o := range s.get(token, "/networking/v2.0/agents")["agents"].([]any) {
				g := o.(object)
				if g["agent_type"] != want.agent {
					continue
				}
				seen++
				conf, host := g["configurations"].(object), g["host"].(string)
				if h, _ := s.cloud.Host(host); conf["tunneling_ip"] != h.Underlay.String() {
					t.Errorf("%s tunnels from %v", host, conf["tunneling_ip"])
				}
				if got := conf["bridge_mappings"].(object); !maps.Equal(got, want.mappings[host]) {
					t.Errorf("%s maps %v", host, got)
				}
			}
			if seen != 3 {
				t.Errorf("%d agents are of type %s", seen, want.agent)
			}
		})
	}
}
