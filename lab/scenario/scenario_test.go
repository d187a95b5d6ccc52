package scenario

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDefaultIsWhole(t *testing.T) {
	for _, flavour := range Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			c, err := Load("", flavour)
			if err != nil {
				t.Fatal(err)
			}
			whole(t, c)
		})
	}
}

func TestFlavours(t *testing.T) {
	if _, err := Load("", "ovn"); err == nil || !strings.Contains(err.Error(), `flavour is ovs or linuxbridge, not "ovn"`) {
		t.Errorf("an unknown flavour: %v", err)
	}
	tests := map[Flavour]struct {
		front, back, dhcp Plug
		device, agent     string
	}{
		OpenVSwitch: {PlugHybrid, PlugNative, PlugNative, "tap", "Open vSwitch agent"},
		LinuxBridge: {PlugBridge, PlugBridge, PlugBridge, "ns-", "Linux bridge agent"},
	}
	for flavour, want := range tests {
		c, err := Load("", flavour)
		if err != nil {
			t.Fatal(err)
		}
		web1, _ := c.Server("web1")
		db1, _ := c.Server("db1")
		if got := web1.Port.Plug(); got != want.front {
			t.Errorf("%s: web1 is plugged %s", flavour, got)
		}
		if got := db1.Port.Plug(); got != want.back {
			t.Errorf("%s: db1 is plugged %s", flavour, got)
		}
		for _, p := range c.NetworkPorts(web1.Port.Network) {
			if p.Owner == OwnerDHCP && (p.Plug() != want.dhcp || p.Device() != want.device+p.ID[:11]) {
				t.Errorf("%s: DHCP is plugged %s as %s", flavour, p.Plug(), p.Device())
			}
		}
		if got := c.Agents[0].Type; got != want.agent {
			t.Errorf("%s: the agent is a %s", flavour, got)
		}
	}
}

func whole(t *testing.T, c *Cloud) {
	t.Helper()
	owners := map[string]int{}
	for _, p := range c.Ports {
		owners[p.Owner]++
		if p.Owner == OwnerFloatingIP {
			continue
		}
		if p.Host == nil || p.Device() == "" {
			t.Errorf("port %s of %s has no host or no device", p.ID, p.Owner)
		}
		for _, name := range []string{p.Tap(), p.Device(), p.Network.Bridge()} {
			if len(name) > 15 { // IFNAMSIZ with its zero byte is 16
				t.Errorf("device name %q is too long", name)
			}
		}
	}
	want := map[string]int{OwnerServer: 6, OwnerDHCP: 2, OwnerInterface: 2, OwnerGateway: 1, OwnerFloatingIP: 1}
	for owner, n := range want {
		if owners[owner] != n {
			t.Errorf("%d ports of %s, want %d", owners[owner], owner, n)
		}
	}
	if len(c.Hosts) != 3 || len(c.FloatingIPs) != 1 || c.FloatingIPs[0].Router != c.Routers[0] {
		t.Errorf("hosts %d, floating IPs %d", len(c.Hosts), len(c.FloatingIPs))
	}
}

func TestIDsAreTheSameEverywhere(t *testing.T) {
	// Recorded sessions and other machines know these.
	if got := ID("network", "front"); got != "4fe9140a-55d9-54b1-a1b2-87f5a47e7668" {
		t.Errorf("ID = %s", got)
	}
	if got := hexID("project", "shop"); got != "dfb3ec51e41f57b887e2a06d33906353" {
		t.Errorf("hexID = %s", got)
	}
	if got := MAC("b2bcb4c3-222a-5fdb-a540-8f822a1606e8"); got != "fa:16:3e:04:97:92" {
		t.Errorf("MAC = %s", got)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"unknown key":               {"region: RegionOne", "region: RegionOne\nregoin: two", `unknown key "regoin"; did you mean "region"?`},
		"server on a network host":  {"{name: web1, project: shop, host: cmp1", "{name: web1, project: shop, host: net0", "server web1: host net0 is no compute host"},
		"server on no host":         {"{name: web1, project: shop, host: cmp1", "{name: web1, project: shop, host: cmp9", `server web1: unknown host "cmp9"`},
		"address twice":             {"address: 10.20.0.12", "address: 10.20.0.11", "server web2: address 10.20.0.11 belongs to server web1"},
		"address elsewhere":         {"address: 10.20.0.12", "address: 10.30.0.99", "server web2: address 10.30.0.99 is not in 10.20.0.0/24"},
		"VNI twice":                 {"vni: 102", "vni: 101", "network back: VNI 101 belongs to network front"},
		"name twice":                {"name: web2,", "name: web1,", "server web1: stands there twice"},
		"name that is a path":       {"name: web2,", "name: ../web2,", `server "../web2": a name is`},
		"overlapping subnets":       {"cidr: 10.30.0.0/24, gateway: 10.30.0.1, dhcp: 10.30.0.2", "cidr: 10.20.0.0/16, gateway: 10.20.9.1, dhcp: 10.20.9.2", "subnet back-v4: overlaps subnet front-v4"},
		"host bits":                 {"cidr: 10.30.0.0/24", "cidr: 10.30.0.5/24", "without host bits"},
		"no external network":       {"external: true\n    physical: physnet1", "vni: 103", "networks: one of them is external, not 0"},
		"unknown group":             {"security_groups: [default, web]}", "security_groups: [default, wbe]}", `unknown security group "wbe"`},
		"ports":                     {`ports: "80"`, `ports: "80-22"`, `not "80-22"`},
		"floating IP of no server":  {"server: web1}", "server: web9}", `floating IP 203.0.113.50: unknown server "web9"`},
		"floating IP without route": {"networks: [front, back]", "networks: [back]", "no router joins network front with public"},
		"no such plug":              {"plug: hybrid", "plug: bridge", `network front: plug is native or hybrid, not "bridge"`},
		"long host name":            {"{name: net0, role", "{name: network-node-0, role", "longer than 9 characters"},
		"user without password":     {"password: secret\n    roles: [admin", "password: \"\"\n    roles: [admin", "user admin: has no password"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(Default()), tt.old, tt.new, 1)
			if text == string(Default()) {
				t.Fatalf("%q is not in the default scenario", tt.old)
			}
			_, err := Parse([]byte(text), OpenVSwitch)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse() = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	text := strings.NewReplacer("address: 10.20.0.12", "address: 10.20.0.11", "vni: 102", "vni: 101").Replace(string(Default()))
	_, err := Parse([]byte(text), OpenVSwitch)
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("Parse() = %v, want two lines", err)
	}
}

func TestEmptyFile(t *testing.T) {
	if _, err := Parse(nil, OpenVSwitch); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("Parse(nil) = %v", err)
	}
}

func TestHolesAreErrorsNotPanics(t *testing.T) {
	for _, text := range []string{
		"hosts: [{name: a}]\nnetworks: [{name: n, subnet: {cidr: 10.0.0.0/8}}]\nservers: [{name: s, network: n}]",
		"floating_ips: [{network: x}]\nrouters: [{name: r, networks: [y]}]",
		"networks: [{name: n}]\nrouters: [{name: r, networks: [n], gateway: {network: n}}]\nfloating_ips: [{network: n, server: s}]\nservers: [{name: s, network: n}]",
		"security_groups: [{name: g, rules: [{}]}]\nusers: [{name: u, projects: [p], application_credential: {}}]",
	} {
		if _, err := Parse([]byte(text), OpenVSwitch); err == nil {
			t.Errorf("Parse(%q) found nothing wrong", text)
		}
	}
}
