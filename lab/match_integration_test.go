//go:build integration

package lab

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"

	"steth/lab/cloudapi"
	"steth/lab/scenario"
)

// toldPort is a port as the API tells it.
type toldPort struct {
	ID      string `json:"id"`
	MAC     string `json:"mac_address"`
	Network string `json:"network_id"`
	Owner   string `json:"device_owner"`
	Host    string `json:"binding:host_id"`
	VIF     string `json:"binding:vif_type"`
	Details struct {
		Hybrid bool   `json:"ovs_hybrid_plug"`
		Bridge string `json:"bridge_name"`
	} `json:"binding:vif_details"`
}

// ports asks the lab's API for all ports.
func ports(t *testing.T, l *Lab, cloud *scenario.Cloud) []toldPort {
	t.Helper()
	api := cloudapi.New(cloud, cloudapi.Options{URL: l.Status.API})
	login := httptest.NewRequest("POST", "/identity/v3/auth/tokens", strings.NewReader(
		`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":"secret"}}}}}`))
	answer := httptest.NewRecorder()
	api.ServeHTTP(answer, login)
	list := httptest.NewRequest("GET", "/networking/v2.0/ports", nil)
	list.Header.Set("X-Auth-Token", answer.Header().Get("X-Subject-Token"))
	answer = httptest.NewRecorder()
	api.ServeHTTP(answer, list)
	var told struct{ Ports []toldPort }
	if err := json.Unmarshal(answer.Body.Bytes(), &told); err != nil || len(told.Ports) != len(cloud.Ports) {
		t.Fatalf("%d ports, %v", len(told.Ports), err)
	}
	return told.Ports
}

// wiresMatch holds the devices of every host against the ports of the API: each
// bound port is plugged there as its binding says, and no host has another.
func wiresMatch(t *testing.T, l *Lab, cloud *scenario.Cloud) {
	told := ports(t, l, cloud)
	for _, h := range cloud.Hosts {
		want := map[string]string{} // device: what it is plugged into, and as what
		plugged := switched(t, l, h.Name)
		for _, p := range told {
			short := p.ID[:11]
			switch {
			case p.Host != h.Name:
			case p.VIF == "bridge":
				want["tap"+short] = "brq" + p.Network[:11]
			case strings.HasPrefix(p.Owner, "compute:") && p.Details.Hybrid:
				want["tap"+short], want["qvb"+short] = "qbr"+short, "qbr"+short
				want["qvo"+short] = p.Details.Bridge + " " + p.ID + " " + p.MAC
			case strings.HasPrefix(p.Owner, "compute:") || p.Owner == scenario.OwnerDHCP:
				want["tap"+short] = p.Details.Bridge + " " + p.ID + " " + p.MAC
			case p.Owner == scenario.OwnerInterface:
				want["qr-"+short] = p.Details.Bridge + " " + p.ID + " " + p.MAC
			case p.Owner == scenario.OwnerGateway:
				want["qg-"+short] = p.Details.Bridge + " " + p.ID + " " + p.MAC
			}
		}
		got := enslaved(t, l, h.Name)
		maps.Copy(got, plugged)
		if !maps.Equal(got, want) {
			t.Errorf("%s has %v,\nthe API tells %v", h.Name, got, want)
		}
	}
}

// enslaved are the taps and veths of a host that are in Linux bridges.
func enslaved(t *testing.T, l *Lab, host string) map[string]string {
	t.Helper()
	var devices []struct {
		Name   string `json:"ifname"`
		Master string `json:"master"`
	}
	if err := json.Unmarshal([]byte(in(t, l, Place{Host: host}, "ip", "-j", "link")), &devices); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, d := range devices {
		if strings.HasPrefix(d.Name, "tap") || strings.HasPrefix(d.Name, "qvb") {
			out[d.Name] = d.Master
		}
	}
	return out
}

// switched are the interfaces of a host's Open vSwitch that stand for Neutron
// ports: bridge, iface-id and attached-mac.
func switched(t *testing.T, l *Lab, host string) map[string]string {
	t.Helper()
	out := map[string]string{}
	if l.Status.Flavour != scenario.OpenVSwitch {
		return out
	}
	for _, row := range rows(t, l, host, "Interface", "name", "external_ids") {
		ids := row["external_ids"].(map[string]any)
		if id, ok := ids["iface-id"]; ok && ids["iface-status"] == "active" {
			name := row["name"].(string)
			bridge := strings.TrimSpace(in(t, l, Place{Host: host}, "ovs-vsctl", "port-to-br", name))
			out[name] = bridge + " " + id.(string) + " " + ids["attached-mac"].(string)
		}
	}
	return out
}

// rows are those of a table of a host's Open vSwitch database, maps as maps and
// an empty set as nil.
func rows(t *testing.T, l *Lab, host, table string, columns ...string) []map[string]any {
	t.Helper()
	var answer struct {
		Headings []string
		Data     [][]any
	}
	text := in(t, l, Place{Host: host}, "ovs-vsctl", "--format=json", "--columns="+strings.Join(columns, ","), "list", table)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var out []map[string]any
	for _, data := range answer.Data {
		row := map[string]any{}
		for i, value := range data {
			row[answer.Headings[i]] = plain(value)
		}
		out = append(out, row)
	}
	return out
}

// plain turns the values of RFC 7047, section 5.1, into Go's own.
func plain(value any) any {
	pair, ok := value.([]any)
	if !ok || len(pair) != 2 {
		return value
	}
	list, _ := pair[1].([]any)
	switch pair[0] {
	case "map":
		out := map[string]any{}
		for _, entry := range list {
			kv := entry.([]any)
			out[kv[0].(string)] = kv[1]
		}
		return out
	case "set":
		if len(list) == 0 {
			return nil
		}
		return list
	}
	return value
}
