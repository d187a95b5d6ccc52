package openstack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Every attribute may have any type; what fits is kept.
func TestDecodeOddTypes(t *testing.T) {
	p := decodePort(json.RawMessage(`{"id": "p", "name": 7, "fixed_ips": [{"ip_address": "10.0.0.1"}, 3, {"ip_address": ["x"]}, null],
		"mac_address": "FA-16-3E-00-00-01", "status": "ACTIVE", "admin_state_up": "yes", "binding:vif_details": "none",
		"binding:host_id": null, "security_groups": {"a": 1}, "revision_number": 1e400, "created_at": 5, "trunk_details": []}`))
	equal(t, "port", fmt.Sprintf("%+v", p), fmt.Sprintf("%+v", Port{
		ID: "p", Fixed: []Address{{IP: "10.0.0.1"}}, MAC: "fa:16:3e:00:00:01", Status: "ACTIVE", PortSecurity: true,
	}))
	n := decodeNetwork(json.RawMessage(`{"id": "n", "mtu": "1500", "provider:segmentation_id": 3.5, "subnets": null, "name": "after",
		"segments": [{"provider:network_type": "vlan", "provider:segmentation_id": 7, "provider:physical_network": "p1"}, "x"]}`))
	equal(t, "network", fmt.Sprintf("%s %d %s %d %v", n.Name, n.MTU, segment(n), len(n.Segments), n.AdminUp), "after 0 vlan 7 on p1 2 true")
	g := decodeSecurityGroup(json.RawMessage(`{"id": "g", "security_group_rules": [{"protocol": 6, "port_range_min": null}, {"protocol": "tcp"}, {"protocol": {}}]}`))
	equal(t, "protocols", g.Rules[0].Protocol+g.Rules[1].Protocol+g.Rules[2].Protocol, "6tcp")
	r := decodeRouter(json.RawMessage(`{"id": "r", "external_gateway_info": null, "routes": [{"destination": "0.0.0.0/0", "nexthop": "10.0.0.1"}]}`))
	equal(t, "router", fmt.Sprint(r.SNAT, r.Routes), "false [0.0.0.0/0 via 10.0.0.1]")
	h := decodeHypervisor(json.RawMessage(`{"id": 1, "hypervisor_hostname": "a.example", "service": {"host": null}, "state": "UP"}`))
	equal(t, "hypervisor", h.Host+" "+h.State, "a.example up")
	v := decodeServer(json.RawMessage(`{"id": "v", "OS-EXT-STS:power_state": 4, "addresses": {"b": [{"addr": "10.0.0.2"}], "a": [{"addr": "10.0.0.1"}], "c": 5}, "created": "2026-01-02T03:04:05Z"}`))
	equal(t, "server", fmt.Sprintf("%s %v %d", v.Power, v.Addresses, v.CreatedAt.Unix()), "shut down [{a 10.0.0.1  } {b 10.0.0.2  }] 1767323045")
	a := decodeAgent(json.RawMessage(`{"id": "a", "heartbeat_timestamp": "2026-01-02 03:04:05", "configurations": [1]}`))
	equal(t, "agent", fmt.Sprint(a.Heartbeat.Unix(), a.Configurations == nil), "1767323045 true")
}

func TestMoment(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-02T03:04:05Z":             "2026-01-02 03:04:05 UTC", // Neutron, Nova
		"2026-01-02T03:04:05.123456":       "2026-01-02 03:04:05 UTC",
		"2026-01-02 03:04:05":              "2026-01-02 03:04:05 UTC", // Neutron's agents
		"2026-01-02 05:04:05.678000+02:00": "2026-01-02 03:04:05 UTC", // OVN's agents
		"1970-01-01 00:00:00+00:00":        "",
		"yesterday":                        "",
	} {
		equal(t, in, stamp(moment(in)), want)
	}
}

func decoders() map[string]func(json.RawMessage) Object {
	all := map[string]func(json.RawMessage) Object{"server": as(decodeServer), "node": as(decodeHypervisor)}
	for _, src := range neutron() {
		all[string(src.kind)] = src.decode
	}
	return all
}

// FuzzDecode feeds any bytes to every decoder, and the outcome to everything
// that looks at objects. Nothing may panic, and an object with an id must be
// found again.
func FuzzDecode(f *testing.F) {
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		var body map[string][]json.RawMessage
		text, _ := testdata.ReadFile("testdata/" + e.Name())
		if json.Unmarshal(text, &body) != nil {
			continue
		}
		for _, items := range body {
			f.Add([]byte(items[0]))
		}
	}
	f.Add([]byte(`{"id":"x","fixed_ips":{},"binding:vif_type":"ovs","device_owner":"network:dhcp","configurations":{"a":[null,{"b":1}]}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var all []Object
		for _, decode := range decoders() {
			all = append(all, decode(raw))
		}
		s := NewSnapshot().withNodes(all)
		for _, o := range all {
			kind, id := o.ObjectKind(), o.ObjectID()
			if _, ok := s.Get(kind, id); !ok && id != "" && kind != KindNode {
				t.Errorf("%s %q is lost", kind, id)
			}
			if id != "" {
				_, _ = s.Resolve(kind, id[:len(id)/2+1])
			}
			s.Describe(o)
			s.Related(o)
			s.trail(o)
			s.focus(o)
			for _, c := range Columns(kind) {
				c.Value(s, o)
			}
			if p, ok := o.(Port); ok {
				Devices(s, p)
			}
		}
		for _, text := range []string{"10.0.0.1", "fa163e000001", "x", string(raw[:min(len(raw), 40)])} {
			parseQuery(text).matches(s)
		}
	})
}

// FuzzPages feeds any bytes to what reads an answer's list and links.
func FuzzPages(f *testing.F) {
	f.Add([]byte(`[{"rel":"next","href":"http://x/?marker=a"}]`), []byte(`[{"id":"a"}]`))
	f.Add([]byte(`{}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, links, items []byte) {
		var list []json.RawMessage
		fill(items, &list)
		nextMarker(links, list)
		for _, kind := range Kinds() {
			hides(kind, list)
		}
		if text := message(items); len(text) > 300 || strings.Contains(text, "\n") {
			t.Errorf("a message of %d bytes: %q", len(text), text)
		}
	})
}
