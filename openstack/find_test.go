package openstack

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// short names of objects: kind and what a person calls it.
func called(s *Snapshot, objects []Object) string {
	var out []string
	for _, o := range objects {
		out = append(out, string(o.ObjectKind())+" "+s.DisplayName(o))
	}
	return strings.Join(out, ", ")
}

func TestFind(t *testing.T) {
	tests := []struct{ name, text, hits, trail string }{
		{"floating IP", " 203.0.113.124 ", "floatingip 203.0.113.124, port floating", "floatingip 203.0.113.124, port s1, server s1, router r1, node cmp1, node net0"},
		{"fixed IP", "10.1.0.13", "port s1", "port s1, server s1, node cmp1"},
		{"with a mask", "10.1.0.13/24", "port s1", "port s1, server s1, node cmp1"},
		{"with a port number", "10.1.0.13:22", "port s1", "port s1, server s1, node cmp1"},
		{"mapped into IPv6", "::ffff:10.1.0.13", "port s1", "port s1, server s1, node cmp1"},
		{"IPv6, not canonical", "[FD00:6:0::f816:3eff:fe2a:b330]", "port dhcp", "port dhcp, node net0"},
		{"router's address", "203.0.113.145", "port r1 ext", "port r1 ext, router r1, node net0"},
		{"host IP of a node", "10.98.0.12", "node cmp2", "node cmp2"},
		{"tunnel IP of a node", "10.99.0.10", "node net0", "node net0"},
		{"MAC with dashes", "FA-16-3E-12-7D-2E", "port s1", "port s1, server s1, node cmp1"},
		{"MAC of a switch", "fa16.3e12.7d2e", "port s1", "port s1, server s1, node cmp1"},
		{"port's id", idWebPort, "port s1", "port s1, server s1, node cmp1"},
		{"server's id", strings.ToUpper(idWeb), "server s1", "server s1, port s1, node cmp1"},
		{"id without dashes", strings.ReplaceAll(idRouter, "-", ""), "router r1", "router r1, node net0"},
		{"namespace", "qrouter-" + idRouter, "router r1", "router r1, node net0"},
		{"floating IP's id", idFIP, "floatingip 203.0.113.124", "floatingip 203.0.113.124, port s1, server s1, router r1, node cmp1, node net0"},
		{"group's id", "2497190d-176e-44b2-aea0-279ff6d24d8f", "securitygroup sg1", "securitygroup sg1"},
		{"server's name", "s1", "server s1", "server s1, port s1, node cmp1"},
		{"start of servers' names", "s", "server s1, server s2", "server s1, port s1, node cmp1"},
		{"network's name", "n1", "network n1", "network n1"},
		{"subnet's name", "exts", "subnet exts", "subnet exts, network ext"},
		{"host", "net0", "node net0", "node net0"},
		{"start of a host", "cmp", "node cmp1, node cmp2", "node cmp1"},
		{"port's name", "lb-vip", "port lb-vip", "port lb-vip"},
	}
	f := newFakeCloud(t)
	c := f.connect(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f.requests()
			found, err := c.Find(t.Context(), nil, test.text)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "hits", called(found.Snapshot, found.Hits), test.hits)
			equal(t, "trail", called(found.Snapshot, found.Trail), test.trail)
			wholeLists := 0
			for _, r := range f.requests() {
				q := r.URL.Query()
				for _, own := range []string{"limit", "fields", "all_tenants", "marker"} {
					q.Del(own)
				}
				if len(q) == 0 && strings.Contains(r.URL.RawQuery, "fields") {
					wholeLists++
				}
			}
			if wholeLists > 0 && !strings.Contains(test.name, "of a node") {
				t.Errorf("%d whole lists were read", wholeLists)
			}
		})
	}
}

func TestFindBringsNeighbours(t *testing.T) {
	c := newFakeCloud(t).connect(t)
	found, err := c.Find(t.Context(), nil, "10.1.0.13")
	if err != nil {
		t.Fatal(err)
	}
	s := found.Snapshot
	for kind, want := range map[Kind]string{
		KindNetwork: "network n1", KindSubnet: "subnet s1", KindServer: "server s1", KindFloatingIP: "floatingip 203.0.113.124",
		KindSecurityGroup: "securitygroup sg1", KindNode: "node cmp1", KindAgent: "agent Open vSwitch agent",
	} {
		equal(t, string(kind), called(s, s.List(kind)), want)
	}
	if len(s.Taken) != 0 {
		t.Errorf("a search took whole kinds: %v", s.Taken)
	}
	n, _ := s.Node("cmp1")
	equal(t, "node", n.HostIP+" "+n.TunnelIP, "10.98.0.11 10.99.0.11")
}

func TestFindKeepsBase(t *testing.T) {
	c := newFakeCloud(t).connect(t)
	base, err := c.Load(t.Context(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	base = base.With(
		Port{ID: "aaaabbbb-cc00-0000-0000-000000000000", Name: "vip-user", AllowedPairs: []AddressPair{{IP: "10.1.0.250"}}},
		Port{ID: "gone", Fixed: []Address{{IP: "10.1.0.99"}}},
	)
	for text, want := range map[string]string{
		"10.1.0.250":     "port vip-user", // Neutron can't filter by allowed pairs
		"tapaaaabbbb-cc": "port vip-user", // nor by a part of an id
		"aaaabbbb":       "port vip-user",
		"VIP-U":          "port vip-user",
		"10.99.0.10":     "node net0",
	} {
		found, err := c.Find(t.Context(), base, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		equal(t, text, called(found.Snapshot, found.Hits), want)
		equal(t, "ports kept", len(found.Snapshot.Ports), len(base.Ports))
	}
	// the cloud was asked for this very address and has no such port any more
	if found, err := c.Find(t.Context(), base, "10.1.0.99"); !errors.Is(err, ErrNotFound) {
		t.Errorf("found %s", called(found.Snapshot, found.Hits))
	}
}

func TestFindNothing(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	base, err := c.Load(t.Context(), nil, []Kind{KindSubnet, KindNode}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, parts := range map[string][]string{
		"10.1.0.77":                            {"address 10.1.0.77", "subnet s1 (10.1.0.0/24)"},
		"fa:16:3e:00:00:01":                    {"no port has the MAC fa:16:3e:00:00:01"},
		"00000000-0000-0000-0000-000000000001": {"has the id 00000000"},
		"nobody":                               {`called "nobody"`, "whole names"},
		"qvo12345678-9a":                       {"device qvo12345678-9a", "read the ports first"},
		"  ":                                   {"nothing to look for"},
	} {
		found, err := c.Find(t.Context(), base, text)
		sentence(t, err, parts...)
		if text != "  " && !errors.Is(err, ErrNotFound) {
			t.Errorf("%v is not ErrNotFound", err)
		}
		if found.Snapshot == nil || len(found.Hits) > 0 {
			t.Errorf("found %+v", found)
		}
	}
}

func TestFindFailures(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	f.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/ports") {
			return false
		}
		refuse(w, http.StatusInternalServerError, "NeutronError", "boom")
		return true
	}
	_, err := c.Find(t.Context(), nil, "10.1.0.13")
	sentence(t, err, "not all could be asked", "HTTP 500")
	f.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
		refuse(w, http.StatusInternalServerError, "NeutronError", "boom")
		return true
	}
	_, err = c.Find(t.Context(), nil, "10.1.0.13")
	sentence(t, err, "HTTP 500")
	if errors.Is(err, ErrNotFound) {
		t.Errorf("%v: a cloud that does not answer has not said no", err)
	}
}

func TestFindAsMember(t *testing.T) {
	f := newFakeCloud(t)
	f.roles, f.hide = []string{"member"}, []string{"binding:host_id"}
	f.lists["agents"] = f.lists["agents"][:0:0]
	found, err := f.connect(t).Find(t.Context(), nil, "10.1.0.13")
	if err != nil {
		t.Fatal(err)
	}
	sentence(t, errors.New(found.Snapshot.Missing[KindPort]), "binding:host_id", "user admin")
	_, err = f.connect(t).Find(t.Context(), nil, "10.1.0.78")
	sentence(t, err, "only project admin can be seen")
}

func TestFindManyOfAName(t *testing.T) {
	f := newFakeCloud(t)
	for _, id := range []string{"b", "a", "c"} {
		f.lists["networks"] = append(f.lists["networks"], map[string]any{"id": id, "name": "twin"})
	}
	found, err := f.connect(t).Find(t.Context(), nil, "twin")
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, o := range found.Hits {
		ids = append(ids, o.ObjectID())
	}
	if !slices.Equal(ids, []string{"a", "b", "c"}) {
		t.Errorf("hits %v, want all in the stable order", ids)
	}
}

// A cloud serves the screen's searches while it refreshes the lists.
func TestConcurrentUse(t *testing.T) {
	f := newFakeCloud(t)
	c := f.connect(t)
	f.expire() // so that the token is renewed under load as well
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			if _, err := c.Find(t.Context(), nil, "10.1.0.13"); err != nil {
				t.Error(err)
			}
		})
		users.Go(func() {
			if s, err := c.Load(t.Context(), nil, nil, func(*Snapshot) {}); err != nil || len(s.Missing) > 0 {
				t.Error(err, s.Missing)
			}
		})
	}
	users.Wait()
}
