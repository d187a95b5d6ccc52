package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// ids of what stands in testdata.
const (
	idWeb     = "7ea6dc0d-d3fe-4986-9d7b-3d8b1f4a1ad3" // server s1 on cmp1
	idWebPort = "15f89254-e613-4bee-af7c-5570072de5d4" // its port, 10.1.0.13
	idNet     = "1ea01d89-73c9-4fa3-aeaa-1cf9331711a1" // n1
	idRouter  = "815ff4c1-f940-4a89-8d2b-7dce986e5f70" // r1 on net0
	idFIP     = "bc72d99a-253c-4f0c-af56-55a0aa368f7e" // 203.0.113.124 of s1
	idGhost   = "361f1f5f-9de6-4dfc-98cf-124b86541198" // port bound to a host that is none
)

func TestLoad(t *testing.T) {
	f := newFakeCloud(t)
	s, err := f.connect(t).Load(t.Context(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Missing) != 0 || len(s.Taken) != len(Kinds()) {
		t.Errorf("missing %v, taken %v", s.Missing, s.Taken)
	}
	want := map[Kind]int{
		KindNode: 4, KindNetwork: 4, KindSubnet: 4, KindPort: 10, KindServer: 2, KindRouter: 1,
		KindFloatingIP: 1, KindSecurityGroup: 3, KindAgent: 6,
	}
	for kind, n := range want {
		equal(t, string(kind), len(s.List(kind)), n)
	}
	p, _ := s.Port(idWebPort)
	equal(t, "port's ip", p.IP(), "10.1.0.13")
	equal(t, "port's mac", p.MAC, "fa:16:3e:12:7d:2e")
	equal(t, "port's host", p.Host, "cmp1")
	equal(t, "port's status", p.Status, "ACTIVE")
	equal(t, "allowed pair", p.AllowedPairs[0].IP, "10.1.0.200")
	equal(t, "created", p.CreatedAt.IsZero(), false)
	n, _ := s.Network(idNet)
	equal(t, "segment", segment(n), "vxlan 1716")
	equal(t, "mtu", n.MTU, 1450)
	v, _ := s.Server(idWeb)
	equal(t, "server's host", v.Host, "cmp1")
	equal(t, "power", v.Power, "running")
	r, _ := s.Router(idRouter)
	equal(t, "external address", r.ExternalIPs[0].IP, "203.0.113.145")
	equal(t, "SNAT", r.SNAT, true)
	for host, want := range map[string]Node{
		"cmp1":  {Host: "cmp1", Hypervisor: "cmp1", Type: "fake", HostIP: "10.98.0.11", TunnelIP: "10.99.0.11", State: "up", Status: "enabled", VCPUs: 10, Servers: 1},
		"net0":  {Host: "net0", TunnelIP: "10.99.0.10", State: "up"},
		"ghost": {Host: "ghost", State: "unknown"},
	} {
		got, ok := s.Node(host)
		got.Agents = nil
		if !ok || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("node %s: got %+v, want %+v", host, got, want)
		}
	}
}

// Nodes are half made of agents, so asking for nodes reads both.
func TestLoadNodes(t *testing.T) {
	f := newFakeCloud(t)
	s, err := f.connect(t).Load(t.Context(), nil, []Kind{KindNode}, nil)
	if n, _ := s.Node("cmp1"); err != nil || n.TunnelIP != "10.99.0.11" || n.HostIP != "10.98.0.11" {
		t.Errorf("%+v, %v", n, err)
	}
	// agents read alone leave what Nova said
	f.lists["agents"] = f.lists["agents"][:0:0]
	s, err = f.connect(t).Load(t.Context(), s, []Kind{KindAgent}, nil)
	if n, _ := s.Node("cmp1"); err != nil || n.TunnelIP != "" || n.HostIP != "10.98.0.11" || n.State != "up" {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestLoadServersOfAllProjects(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	f.requests()
	if _, err := c.Load(t.Context(), nil, []Kind{KindServer}, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "all_tenants", f.requests()[0].URL.Query().Get("all_tenants"), "1")
}

// What is asked for must be what is read: an attribute that the decoder knows
// and the query leaves out would be empty on a real Neutron.
func TestLoadAsksForFields(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	f.requests()
	if _, err := c.Load(t.Context(), nil, []Kind{KindPort}, nil); err != nil {
		t.Fatal(err)
	}
	got := f.requests()
	if len(got) != 1 {
		t.Fatalf("%d requests, want one page", len(got))
	}
	q := got[0].URL.Query()
	equal(t, "limit", q.Get("limit"), "1000")
	if !slices.Contains(q["fields"], "binding:host_id") || slices.Contains(q["fields"], "extra_dhcp_opts") {
		t.Errorf("fields are %v", q["fields"])
	}
}

func TestLoadPages(t *testing.T) {
	for name, links := range map[string]bool{"links, to a host behind a proxy": true, "no links": false} {
		t.Run(name, func(t *testing.T) {
			f := newFakeCloud(t)
			f.links, f.page = links, 3
			if !links {
				f.page = 0
				f.lists["ports"] = manyPorts(2*pageSize + 1)
			}
			want := len(f.lists["ports"])
			s, err := f.connect(t).Load(t.Context(), nil, []Kind{KindPort}, nil)
			if err != nil || len(s.Ports) != want {
				t.Fatalf("%d of %d ports, %v", len(s.Ports), want, err)
			}
		})
	}
}

func manyPorts(n int) []map[string]any {
	list := make([]map[string]any, n)
	for i := range list {
		list[i] = map[string]any{"id": fmt.Sprintf("port-%06d", i), "binding:host_id": "h"}
	}
	return list
}

func TestLoadPagesThatRepeat(t *testing.T) {
	f := newFakeCloud(t)
	asked := 0
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/ports") {
			return false
		}
		asked++
		_, _ = w.Write([]byte(`{"ports": [{"id": "a", "binding:host_id": ""}], "ports_links": [{"rel": "next", "href": "http://x/?marker=a"}]}`))
		return true
	}
	s, err := f.connect(t).Load(t.Context(), nil, []Kind{KindPort}, nil)
	if err != nil || len(s.Ports) != 1 || asked != 2 {
		t.Errorf("%d ports after %d questions, %v", len(s.Ports), asked, err)
	}
}

func TestLoadPartial(t *testing.T) {
	f := newFakeCloud(t)
	f.page = 1
	second := make(chan struct{})
	pages := 0
	f.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/ports") {
			if pages++; pages == 2 {
				<-second
			}
		}
		return false
	}
	base := NewSnapshot().With(Port{ID: "old", Name: "old"})
	var seen []int
	s, err := f.connect(t).Load(t.Context(), base, []Kind{KindPort}, func(p *Snapshot) {
		if seen = append(seen, len(p.Ports)); len(seen) == 1 {
			close(second)
		}
		if _, ok := p.Port("old"); !ok {
			t.Error("what base had is gone before the list is whole")
		}
	})
	if err != nil || len(s.Ports) != 10 {
		t.Fatalf("%d ports, %v", len(s.Ports), err)
	}
	if len(seen) == 0 || seen[0] != 2 {
		t.Errorf("partial snapshots had %v ports, the first should have the first page and what base had", seen)
	}
	if _, ok := s.Port("old"); ok {
		t.Error("a port that the cloud no longer has is still there")
	}
	if len(base.Ports) != 1 {
		t.Error("base changed")
	}
}

func TestLoadAsMember(t *testing.T) {
	f := newFakeCloud(t)
	f.roles = []string{"member"}
	f.hide = []string{"binding:host_id", "binding:vif_type", "provider:network_type", "OS-EXT-SRV-ATTR:host"}
	f.lists["agents"] = []map[string]any{} // Neutron filters them out one by one
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "os-hypervisors") {
			return false
		}
		refuse(w, http.StatusForbidden, "forbidden", "Policy doesn't allow os_compute_api:os-hypervisors:list-detail to be performed.")
		return true
	}
	c := f.connect(t)
	f.requests()
	s, err := c.Load(t.Context(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, part := range map[Kind]string{
		KindPort: "binding:host_id", KindNetwork: "provider:network_type", KindServer: "OS-EXT-SRV-ATTR:host",
		KindAgent: "administrators only", KindNode: "does not allow this account",
	} {
		sentence(t, errors.New(s.Missing[kind]), part, "admin role")
	}
	equal(t, "kinds that lack something", len(s.Missing), 5)
	equal(t, "kinds that were answered", len(s.Taken), len(Kinds()))
	for _, r := range f.requests() {
		if r.URL.Query().Has("all_tenants") {
			t.Error("a member asked for the servers of all projects")
		}
	}
}

func TestLoadAdminWithoutAllTenants(t *testing.T) {
	f := newFakeCloud(t)
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("all_tenants") {
			return false
		}
		refuse(w, http.StatusForbidden, "forbidden", "no")
		return true
	}
	s, err := f.connect(t).Load(t.Context(), nil, []Kind{KindServer}, nil)
	if err != nil || len(s.Servers) != 2 || len(s.Missing) != 0 {
		t.Errorf("%d servers, missing %v, %v", len(s.Servers), s.Missing, err)
	}
}

func TestLoadWithoutNova(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	c.nova = service{name: "Nova", absent: problemf(errAbsent, "the catalog has no public endpoint of Nova")}
	s, err := c.Load(t.Context(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	sentence(t, errors.New(s.Missing[KindServer]), "no public endpoint of Nova")
	sentence(t, errors.New(s.Missing[KindNode]), "agents and bindings alone")
	equal(t, "nodes", len(s.Nodes), 4)
	s, err = c.Load(t.Context(), nil, []Kind{KindServer}, nil)
	if err != nil || s.Missing[KindServer] == "" {
		t.Errorf("no Nova is an error (%v), missing %v", err, s.Missing)
	}
}

// Nova before Pike knows no microversion 2.53 and says 406.
func TestLoadOldNova(t *testing.T) {
	f := newFakeCloud(t)
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "os-hypervisors") {
			return false
		}
		if r.Header.Get("X-OpenStack-Nova-API-Version") != "" {
			refuse(w, http.StatusNotAcceptable, "computeFault", "Version 2.53 is not supported by the API.")
			return true
		}
		if r.URL.Query().Has("limit") {
			refuse(w, http.StatusBadRequest, "badRequest", "no pages")
			return true
		}
		_, _ = w.Write([]byte(`{"hypervisors": [{"id": 1, "hypervisor_hostname": "cmp1.example", "service": {"host": "cmp1", "id": 3}, "state": "up", "status": "enabled"}]}`))
		return true
	}
	s, err := f.connect(t).Load(t.Context(), nil, []Kind{KindNode}, nil)
	if n, _ := s.Node("cmp1"); err != nil || n.Hypervisor != "cmp1.example" {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestLoadExtensionOff(t *testing.T) {
	f := newFakeCloud(t)
	delete(f.lists, "routers")
	s, err := f.connect(t).Load(t.Context(), nil, []Kind{KindRouter, KindNetwork}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sentence(t, errors.New(s.Missing[KindRouter]), "this cloud has no routers", "extension")
}

func TestLoadPartFails(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	base, err := c.Load(t.Context(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/ports") {
			return false
		}
		refuse(w, http.StatusInternalServerError, "NeutronError", "Request Failed: internal server error")
		return true
	}
	s, err := c.Load(t.Context(), base, nil, nil)
	if err != nil || len(s.Ports) != len(base.Ports) || s.Taken[KindPort] != base.Taken[KindPort] {
		t.Fatalf("%d ports of %v, %v; want those of before", len(s.Ports), s.Taken[KindPort], err)
	}
	sentence(t, errors.New(s.Missing[KindPort]), "Neutron", "HTTP 500")

	same, err := c.Load(t.Context(), s, []Kind{KindPort}, nil)
	sentence(t, err, "HTTP 500")
	if same != s {
		t.Error("an error must leave base")
	}
	f.intercept = nil
	s, err = c.Load(t.Context(), s, []Kind{KindPort}, nil)
	if err != nil || s.Missing[KindPort] != "" {
		t.Errorf("the reason stays after it is gone: %v, %v", s.Missing, err)
	}
}

func TestLoadCancelled(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.intercept = func(http.ResponseWriter, *http.Request) bool { cancel(); return false }
	base := NewSnapshot()
	s, err := c.Load(ctx, base, nil, nil)
	sentence(t, err, "stopped")
	if s != base || !errors.Is(err, context.Canceled) {
		t.Errorf("got %p for %p, %v", s, base, err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name    string
		answers []int // before the good one
		header  string
		waits   []time.Duration
		fails   bool
	}{
		{"429 with seconds", []int{429}, "2", []time.Duration{2 * time.Second}, false},
		{"503 with a date", []int{503}, now.Add(3 * time.Second).Format(http.TimeFormat), []time.Duration{3 * time.Second}, false},
		{"503 twice without", []int{503, 503}, "", []time.Duration{500 * time.Millisecond, time.Second}, false},
		{"429 for too long", []int{429}, "3600", nil, true},
		{"503 for ever", []int{503, 503, 503, 503, 503, 503}, "0", []time.Duration{0, 0, 0, 0}, true},
		{"500 is not asked again", []int{500}, "1", nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFakeCloud(t)
			c := f.connect(t)
			var waits []time.Duration
			p := patience{now: func() time.Time { return now }, wait: func(_ context.Context, d time.Duration) error {
				waits = append(waits, d)
				return nil
			}}
			c.neutron.client.RetryBackoffFunc, c.neutron.client.RetryFunc = p.limited, p.failed
			left := test.answers
			f.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
				if len(left) == 0 {
					return false
				}
				if test.header != "" {
					w.Header().Set("Retry-After", test.header)
				}
				refuse(w, left[0], "error", "not now")
				left = left[1:]
				return true
			}
			_, err := c.Load(t.Context(), nil, []Kind{KindNetwork}, nil)
			if (err != nil) != test.fails || !slices.Equal(waits, test.waits) {
				t.Errorf("waited %v, want %v; error %v", waits, test.waits, err)
			}
		})
	}
}

func TestRaw(t *testing.T) {
	c := newFakeCloud(t).connect(t)
	for kind, id := range map[Kind]string{
		KindPort: idWebPort, KindServer: idWeb, KindNode: "cmp1", KindSecurityGroup: "2497190d-176e-44b2-aea0-279ff6d24d8f",
	} {
		text, err := c.Raw(t.Context(), kind, id)
		if err != nil || !strings.Contains(text, fmt.Sprintf("%q", id)) || !strings.Contains(text, "\n  ") {
			t.Errorf("%s: %v %s", kind, err, text)
		}
	}
	for _, id := range []string{"gone", "..", ""} {
		if _, err := c.Raw(t.Context(), KindPort, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v is not ErrNotFound", id, err)
		}
	}
}
