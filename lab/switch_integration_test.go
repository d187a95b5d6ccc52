//go:build integration

package lab

import (
	"fmt"
	"strings"
	"testing"

	"steth/lab/scenario"
)

// testSwitch looks at each host's Open vSwitch as an operator does.
func testSwitch(t *testing.T, l *Lab, cloud *scenario.Cloud) {
	t.Run("its programs work with their default paths", func(t *testing.T) {
		out := in(t, l, Place{Host: "cmp1"}, "ovs-vsctl", "show")
		for _, want := range []string{
			"Bridge br-int", "Bridge br-tun", "Bridge br-phy", "Port patch-tun", "Port patch-int", "datapath_type: netdev",
			"Port vxlan-0a63000a", "Port vxlan-0a63000c", `local_ip="10.99.0.11"`, "Port eth1",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s is not in\n%s", want, out)
			}
		}
		if strings.Contains(out, "error:") || strings.Contains(out, "br-ex") {
			t.Errorf("cmp1 has\n%s", out)
		}
		if out := in(t, l, Place{Host: "net0"}, "ovs-vsctl", "list-ports", "br-ex"); out != "eth2\nphy-br-ex\n" {
			t.Errorf("br-ex of net0 has %q", out)
		}
		in(t, l, Place{Host: "cmp2"}, "ovs-appctl", "dpif/show")
	})
	t.Run("tags are local", func(t *testing.T) {
		for _, h := range cloud.Hosts {
			tags := map[any]any{} // network: tag
			for _, row := range rows(t, l, h.Name, "Port", "name", "tag", "other_config") {
				network := row["other_config"].(map[string]any)["net_uuid"]
				if network == nil {
					continue
				}
				if tag, ok := tags[network]; row["tag"] == nil || ok && tag != row["tag"] {
					t.Errorf("%s: port %v has tag %v, others of its network %v", h.Name, row["name"], row["tag"], tag)
				}
				tags[network] = row["tag"]
			}
			seen := map[any]bool{}
			for _, tag := range tags {
				seen[tag] = true
			}
			if len(seen) != len(cloud.HostNetworks(h)) {
				t.Errorf("%s: %d networks have the tags %v", h.Name, len(cloud.HostNetworks(h)), tags)
			}
		}
	})
	t.Run("packets take the agent's tables", func(t *testing.T) {
		in(t, l, Place{Server: "db1"}, "ping", "-c3", "-i0.1", "-W2", "10.30.0.12")
		db2, _ := cloud.Server("db2")
		trace := in(t, l, Place{Host: "cmp1"}, "ovs-appctl", "ofproto/trace", "br-int", fmt.Sprintf(
			"in_port=%s,dl_src=%s,dl_dst=%s,icmp,nw_src=10.30.0.11,nw_dst=10.30.0.12,nw_ttl=64,icmp_type=8", tapOf(cloud, "db1"), macOf(cloud, "db1"), db2.Port.MAC))
		at := 0
		for _, want := range []string{
			`bridge("br-int")`, " 0. in_port=", "25. in_port=", "30. priority 0", "59. priority 0", "60. priority 3", "NORMAL",
			`bridge("br-tun")`, " 2. dl_dst=00:00:00:00:00:00/01:00:00:00:00:00", "20. dl_vlan=2", "set_field:0x66->tun_id", "tunneling to 10.99.0.12 via br-phy", `bridge("br-phy")`,
		} {
			i := strings.Index(trace[at:], want)
			if i < 0 {
				t.Errorf("after %d characters no %q in\n%s", at, want, trace)
				return
			}
			at += i
		}
	})
	t.Run("the underlay carries VXLAN", func(t *testing.T) {
		out := in(t, l, Place{Host: "cmp2"}, "sh", "-c",
			"timeout 10 tcpdump -lnc1 -i eth1 'udp dst port 4789 and dst host 10.99.0.12' 2>/dev/null")
		if !strings.Contains(out, "> 10.99.0.12.4789: VXLAN, flags [I] (0x08), vni 10") {
			t.Errorf("eth1 of cmp2 shows %q", out)
		}
	})
	t.Run("checksums are right on the taps", func(t *testing.T) {
		// What the floating IP's client sends goes through a veth, the router and a tunnel.
		out := in(t, l, Place{Host: "cmp1"}, "sh", "-c", fmt.Sprintf(
			"timeout 15 tcpdump -lnvvc6 -i %s 'tcp port 80' 2>/dev/null", tapOf(cloud, "web1")))
		if strings.Contains(out, "incorrect") || !strings.Contains(out, "cksum") {
			t.Errorf("the tap of web1 shows\n%s", out)
		}
	})
}

// testGuards has servers send what they may not.
func testGuards(t *testing.T, l *Lab, cloud *scenario.Cloud) {
	t.Run("own addresses only", func(t *testing.T) {
		for _, server := range []string{"web1", "db1"} {
			at := Place{Server: server}
			foreign := strings.Replace(addressOf(cloud, server), ".11", ".99", 1)
			in(t, l, at, "ip", "address", "add", foreign+"/32", "dev", "eth0")
			gateway := strings.Replace(addressOf(cloud, server), ".11", ".1", 1)
			if out := in(t, l, at, "sh", "-c", "ping -c2 -i0.2 -W1 -I "+foreign+" "+gateway+" || true"); !strings.Contains(out, " 0 received") {
				t.Errorf("%s reaches its gateway from a foreign address: %s", server, out)
			}
			in(t, l, at, "ip", "address", "del", foreign+"/32", "dev", "eth0")
		}
	})
	t.Run("closed port", func(t *testing.T) {
		// cache1 is in the group default alone: from outside of it nothing comes in.
		count := func() string {
			return in(t, l, Place{Host: "cmp2"}, "iptables-save", "-c", "-t", "filter")
		}
		chain := "neutron-openvswi-i" + portOf(cloud, "cache1").ID[:10]
		if rules := count(); !strings.Contains(rules, "--physdev-out "+tapOf(cloud, "cache1")) || !strings.Contains(rules, "-A "+chain+" -s 10.20.0.11/32 -j RETURN") {
			t.Errorf("cmp2 has\n%s", rules)
		}
		router := "qrouter-" + cloud.Routers[0].ID
		ping := func(to string) string {
			return in(t, l, Place{Host: "net0"}, "sh", "-c", "ip netns exec "+router+" ping -c2 -i0.2 -W1 "+to+" || true")
		}
		if out := ping(addressOf(cloud, "web2")); !strings.Contains(out, " 2 received") {
			t.Errorf("the router doesn't reach web2, which lets ICMP in: %s", out)
		}
		if out := ping(addressOf(cloud, "cache1")); !strings.Contains(out, " 0 received") {
			t.Errorf("the router reaches cache1, which lets nothing in: %s", out)
		}
	})
}

func portOf(c *scenario.Cloud, server string) *scenario.Port {
	s, _ := c.Server(server)
	return s.Port
}

func tapOf(c *scenario.Cloud, server string) string     { return portOf(c, server).Tap() }
func macOf(c *scenario.Cloud, server string) string     { return portOf(c, server).MAC }
func addressOf(c *scenario.Cloud, server string) string { return portOf(c, server).Address.String() }
