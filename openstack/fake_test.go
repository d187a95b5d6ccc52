package openstack

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testdata holds answers of a real Keystone, Neutron and Nova (2023.1 as Debian
// 12 has it), with ML2/Open vSwitch, cut to what the tests need.
//
//go:embed testdata/*.json
var testdata embed.FS

// fakeCloud serves recorded answers with the filters, pages and refusals of the
// real services. Change its fields before the first request only.
type fakeCloud struct {
	*httptest.Server
	lists map[string][]map[string]any // by path: "ports", "servers/detail"
	page  int                         // most objects of a page; 0 is as many as asked for
	links bool                        // pages have links
	roles []string
	hide  []string // attributes that policy takes out
	// intercept answers in place of the cloud where it returns true
	intercept func(w http.ResponseWriter, r *http.Request) bool
	region    string

	mu     sync.Mutex
	seen   []*http.Request
	tokens int
	valid  string // the only token that is good
}

func newFakeCloud(t testing.TB) *fakeCloud {
	f := unstartedCloud(t)
	f.Start()
	return f
}

func unstartedCloud(t testing.TB) *fakeCloud {
	t.Helper()
	f := &fakeCloud{lists: map[string][]map[string]any{}, roles: []string{"admin", "member"}, links: true, region: "RegionOne"}
	for file, at := range map[string]string{
		"networks": "networks", "subnets": "subnets", "ports": "ports", "routers": "routers", "floatingips": "floatingips",
		"security_groups": "security-groups", "agents": "agents", "servers": "servers/detail", "hypervisors": "os-hypervisors/detail",
	} {
		var body map[string][]map[string]any
		read(t, file+".json", &body)
		f.lists[at] = body[file]
	}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func read(t testing.TB, file string, v any) {
	t.Helper()
	text, err := testdata.ReadFile("testdata/" + file)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
}

// env is the environment of a user who may sign in; more overrides it.
func (f *fakeCloud) env(more ...string) func(string) string {
	vars := map[string]string{
		"OS_AUTH_URL": f.URL + "/identity/v3", "OS_USERNAME": "admin", "OS_PASSWORD": "secret", "OS_PROJECT_NAME": "admin",
		"OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default", "OS_REGION_NAME": "RegionOne",
	}
	for i := 0; i+1 < len(more); i += 2 {
		vars[more[i]] = more[i+1]
	}
	return func(name string) string { return vars[name] }
}

// connect signs in and closes the cloud with the test.
func (f *fakeCloud) connect(t testing.TB) *Cloud {
	t.Helper()
	c, err := Connect(t.Context(), Options{Getenv: f.env(), ConfigFiles: []string{}})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// requests lists what was asked since the last call, "GET /network/v2.0/ports?..." each.
func (f *fakeCloud) requests() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.seen
	f.seen = nil
	return seen
}

func (f *fakeCloud) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.seen = append(f.seen, r)
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if f.intercept != nil && f.intercept(w, r) {
		return
	}
	if r.URL.Path == "/identity/v3/auth/tokens" {
		f.token(w, r)
		return
	}
	at, ok := strings.CutPrefix(r.URL.Path, "/network/v2.0/")
	if !ok {
		at, ok = strings.CutPrefix(r.URL.Path, "/compute/v2.1/")
	}
	f.mu.Lock()
	good := r.Header.Get("X-Auth-Token") == f.valid
	f.mu.Unlock()
	if ok && !good {
		refuse(w, http.StatusUnauthorized, "error", "The request you have made requires authentication.")
		return
	}
	switch {
	case !ok:
		http.NotFound(w, r)
	case f.lists[at] != nil:
		f.list(w, r, at)
	default:
		f.one(w, at)
	}
}

func refuse(w http.ResponseWriter, code int, key, message string) {
	w.WriteHeader(code)
	fmt.Fprintf(w, `{%q: {"message": %q, "code": %d}}`, key, message, code)
}

func (f *fakeCloud) token(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Auth struct {
			Identity struct {
				Methods  []string
				Password struct{ User struct{ Password string } }
				Token    struct{ ID string }
			}
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	if id := body.Auth.Identity; r.Method == http.MethodPost && id.Password.User.Password == "wrong" {
		refuse(w, http.StatusUnauthorized, "error", "The request you have made requires authentication.")
		return
	}
	text, _ := testdata.ReadFile("testdata/token.json")
	answer := strings.ReplaceAll(string(text), "http://cloud", f.URL)
	answer = strings.ReplaceAll(answer, `"RegionOne"`, strconv.Quote(f.region))
	roles := make([]map[string]string, len(f.roles))
	for i, name := range f.roles {
		roles[i] = map[string]string{"id": name, "name": name}
	}
	list, _ := json.Marshal(roles)
	answer = strings.ReplaceAll(answer, `"ROLES"`, string(list))
	f.mu.Lock()
	f.tokens++
	f.valid = "token-" + strconv.Itoa(f.tokens)
	if r.Method == http.MethodGet {
		f.valid = r.Header.Get("X-Subject-Token")
	}
	w.Header().Set("X-Subject-Token", f.valid)
	f.mu.Unlock()
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	fmt.Fprint(w, answer)
}

// expire makes the token that is in use worthless.
func (f *fakeCloud) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.valid = "none"
}

func (f *fakeCloud) list(w http.ResponseWriter, r *http.Request, at string) {
	query := r.URL.Query()
	var found []map[string]any
	for _, o := range f.lists[at] {
		if matchesQuery(o, query) {
			found = append(found, f.shown(o, query["fields"]))
		}
	}
	if query.Has("hypervisor_hostname_pattern") && found == nil {
		refuse(w, http.StatusNotFound, "itemNotFound", "No hypervisor matching could be found.")
		return
	}
	key := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSuffix(at, "/detail"), "os-"), "-", "_")
	if marker := query.Get("marker"); marker != "" {
		i := slices.IndexFunc(found, func(o map[string]any) bool { return o["id"] == marker })
		found = found[i+1:]
	}
	limit, _ := strconv.Atoi(query.Get("limit"))
	if f.page > 0 {
		limit = min(limit, f.page)
	}
	body := map[string]any{}
	if limit > 0 && len(found) > limit {
		found = found[:limit]
		if f.links {
			next := clone(query)
			next.Set("marker", found[limit-1]["id"].(string))
			// as behind a proxy that ends TLS: the host is not the one that was asked
			body[key+"_links"] = []map[string]string{{"rel": "next", "href": "http://inside.example:9696" + r.URL.Path + "?" + next.Encode()}}
		}
	}
	body[key] = append([]map[string]any{}, found...)
	_ = json.NewEncoder(w).Encode(body)
}

func (f *fakeCloud) shown(o map[string]any, fields []string) map[string]any {
	out := map[string]any{}
	for k, v := range o {
		if !slices.Contains(f.hide, k) && (fields == nil || slices.Contains(fields, k)) {
			out[k] = v
		}
	}
	return out
}

func matchesQuery(o map[string]any, query url.Values) bool {
	for key, values := range query {
		switch key {
		case "limit", "marker", "fields", "all_tenants":
			continue
		case "fixed_ips":
			text, _ := json.Marshal(o["fixed_ips"])
			if !strings.Contains(string(text), fmt.Sprintf("%q:%q", "ip_address", strings.TrimPrefix(values[0], "ip_address="))) {
				return false
			}
			continue
		case "hypervisor_hostname_pattern":
			if !strings.Contains(o["hypervisor_hostname"].(string), values[0]) {
				return false
			}
			continue
		}
		text, _ := o[key].(string)
		if expr, ok := strings.CutPrefix(values[0], "^"); ok {
			if !strings.HasPrefix(text, strings.ReplaceAll(expr, `\`, "")) {
				return false
			}
		} else if !slices.Contains(values, text) {
			return false
		}
	}
	return true
}

func (f *fakeCloud) one(w http.ResponseWriter, at string) {
	dir, id := path.Split(at)
	dir = strings.TrimSuffix(dir, "/")
	list := f.lists[dir]
	if dir == "servers" {
		list = f.lists["servers/detail"]
	}
	for _, o := range list {
		if o["id"] == id {
			key := strings.TrimSuffix(strings.ReplaceAll(dir, "-", "_"), "s")
			_ = json.NewEncoder(w).Encode(map[string]any{key: f.shown(o, nil)})
			return
		}
	}
	refuse(w, http.StatusNotFound, "NeutronError", "it could not be found.")
}
