//go:build integration

package e2e

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestListsAreTheClouds compares the lists with what the lab's API serves.
func TestListsAreTheClouds(t *testing.T) {
	if n := list(t, "nodes"); len(n) != 3 {
		t.Errorf("%d nodes, want net0, cmp1 and cmp2: %v", len(n), n)
	}
	for verb, least := range map[string]int{"networks": 3, "subnets": 3, "ports": 10, "servers": 6, "routers": 1, "floatingips": 1, "securitygroups": 1, "agents": 3} {
		all := list(t, verb)
		if len(all) < least {
			t.Errorf("%s lists %d, want at least %d", verb, len(all), least)
		}
		for _, o := range all {
			if o["id"] == "" {
				t.Errorf("%s lists one without id: %v", verb, o)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	want := len(list(t, "servers"))
	value := output(t, steth(t.Context(), "servers", "list", "-f", "value", "-c", "id"))
	if n := strings.Count(value, "\n"); n != want {
		t.Errorf("-f value printed %d lines, want %d:\n%s", n, want, value)
	}
	csv := output(t, steth(t.Context(), "servers", "-f", "csv", "-c", "name", "-c", "host"))
	if !strings.HasPrefix(csv, "name,host\n") || strings.Count(csv, "\n") != want+1 {
		t.Errorf("-f csv printed %q", csv)
	}
	if y := output(t, steth(t.Context(), "servers", "-f", "yaml", "-c", "name")); strings.Count(y, "- name:") != want {
		t.Errorf("-f yaml printed %q", y)
	}
}

func TestFindByFloatingIP(t *testing.T) {
	fip := list(t, "floatingips")[0]
	var hits []object
	if err := json.Unmarshal([]byte(output(t, steth(t.Context(), "find", fip["ip"], "-f", "json"))), &hits); err != nil {
		t.Fatal(err)
	}
	if len(hits) == 0 || hits[0]["id"] != fip["id"] {
		t.Fatalf("find %s found %v, want %v first", fip["ip"], hits, fip)
	}
	// The trail ends at the node that carries the server or the router.
	if !strings.Contains(hits[0]["trail"], "cmp") && !strings.Contains(hits[0]["trail"], "net0") {
		t.Errorf("the trail is %q, want a node in it", hits[0]["trail"])
	}
}

// TestWrongUsage checks the exit status and the one sentence on standard error.
func TestWrongUsage(t *testing.T) {
	a, _ := pair(t)
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"unknown command":       {[]string{"prots"}, 2, `no command is called "prots"`},
		"unknown format":        {[]string{"ports", "-f", "xml"}, 2, `format "xml"`},
		"unknown column":        {[]string{"ports", "-c", "colour"}, 2, `no column is called "colour"`},
		"unknown probe":         {[]string{"probe", "run", "l3.pong", "--port", a["id"]}, 2, "no probe is called"},
		"unknown port":          {[]string{"probe", "run", "l3.ping", "--port", "nobody"}, 2, "nobody"},
		"address with mask":     {[]string{"probe", "run", "l3.ping", "--port", a["id"], "--set", "to=10.0.0.1/24"}, 2, "with its mask"},
		"vlan of 4095":          {[]string{"capture", "--port", a["id"], "--vlan", "4095", "--seconds", "1"}, 2, "4095"},
		"device of 16 letters":  {[]string{"capture", "--node", "cmp1", "--device", "sixteen-letters-", "--seconds", "1"}, 2, "15"},
		"unknown device":        {[]string{"capture", "--node", "cmp1", "--device", "nosuch0", "--seconds", "1"}, 2, "nosuch0"},
		"filter that is no":     {[]string{"capture", "--port", a["id"], "--filter", "tpc port 80", "--seconds", "1"}, 2, "filter"},
		"loads without consent": {[]string{"probe", "run", "bw.tcp", "--node", "cmp1"}, 2, "--rw"},
		"unknown injection":     {[]string{"path", "--port", a["id"], "--inject", "gre"}, 2, `--inject "gre"`},
		"too many packets":      {[]string{"path", "--port", a["id"], "--inject", "icmp", "--count", "1001"}, 2, "1 to 1000"},
		"ARP out of the cloud":  {[]string{"path", "--port", a["id"], "--inject", "arp"}, 2, "does not pass a router"},
		"DHCP to the outside":   {[]string{"path", "--port", a["id"], "--inject", "dhcp"}, 2, "follow the path to it"},
		"two things to follow":  {[]string{"path", "--port", a["id"], "--inject", "icmp", "--follow", "arp"}, 2, "leave --follow"},
		"two targets":           {[]string{"probe", "run", "l3.ping", "--port", "a", "--node", "b"}, 2, "one target"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			cmd := steth(t.Context(), c.args...)
			cmd.Stderr = &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.status {
				t.Errorf("ended with %v, want exit status %d; it said %q", err, c.status, stderr.String())
			}
			if !strings.Contains(stderr.String(), c.says) {
				t.Errorf("said %q, want %q in it", stderr.String(), c.says)
			}
		})
	}
}
