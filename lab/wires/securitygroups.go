package wires

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"steth/lab/scenario"
)

// Names and numbers of the iptables firewall: chains are wrapped in the first
// sixteen characters of the agent's name and cut (iptables_manager.py),
// zones of conntrack begin above the VLAN ids (ip_conntrack.py).
const (
	wrap      = "neutron-openvswi-"
	firstZone = 4097
)

// guard puts the security groups of the ports with a hybrid plug into iptables.
// The packets of a bridge pass iptables only where br_netfilter is at work.
func (o openVSwitch) guard(ctx context.Context) error {
	var ports []*scenario.Port
	for _, p := range o.servers() {
		if p.Plug() == scenario.PlugHybrid {
			ports = append(ports, p)
		}
	}
	if len(ports) == 0 {
		return nil
	}
	if err := o.opt.Run(ctx, "", []byte(portRules(o.cloud, ports)), "iptables-restore"); err != nil {
		return fmt.Errorf("set up the security groups: %w", err)
	}
	return sysctl("net/bridge/bridge-nf-call-iptables", "1")
}

// portRules are the tables of OVSHybridIptablesFirewallDriver without ipset
// (neutron/agent/linux/iptables_firewall.py), in the form of iptables-save.
func portRules(c *scenario.Cloud, ports []*scenario.Port) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("*raw")
	wrapChains(line, "PREROUTING", "OUTPUT")
	for i, p := range ports {
		qvb := hybridName("qvb", p)
		for _, match := range []string{"-m physdev --physdev-in " + qvb, "-i " + qvb, "-m physdev --physdev-in " + p.Tap()} {
			line(`-A %sPREROUTING %s -m comment --comment "Set zone for %s" -j CT --zone %d`, wrap, match, p.ID, firstZone+i)
		}
	}
	line("COMMIT")

	line("*filter")
	line(":neutron-filter-top - [0:0]")
	for _, own := range []string{"local", "sg-chain", "sg-fallback"} {
		line(":%s%s - [0:0]", wrap, own)
	}
	for _, p := range ports {
		for _, kind := range []string{"i", "o", "s"} {
			line(":%s - [0:0]", portChain(kind, p))
		}
	}
	line("-A FORWARD -j neutron-filter-top")
	line("-A OUTPUT -j neutron-filter-top")
	line("-A neutron-filter-top -j %slocal", wrap)
	wrapChains(line, "INPUT", "FORWARD", "OUTPUT")
	line(`-A %ssg-fallback -m comment --comment "Default drop rule for unmatched traffic." -j DROP`, wrap)
	for _, p := range ports {
		for _, way := range []struct{ kind, physdev string }{{"i", "physdev-out"}, {"o", "physdev-in"}} {
			device := fmt.Sprintf("-m physdev --%s %s --physdev-is-bridged", way.physdev, p.Tap())
			line(`-A %sFORWARD %s -m comment --comment "Direct traffic from the VM interface to the security group chain." -j %ssg-chain`, wrap, device, wrap)
			line(`-A %ssg-chain %s -m comment --comment "Jump to the VM specific chain." -j %s`, wrap, device, portChain(way.kind, p))
			if way.kind == "o" {
				line(`-A %sINPUT %s -m comment --comment "Direct incoming traffic from VM to the security group chain." -j %s`, wrap, device, portChain(way.kind, p))
			}
		}
		ingressRules(line, c, p)
		egressRules(line, c, p)
	}
	line("-A %ssg-chain -j ACCEPT", wrap)
	line("COMMIT")
	return b.String()
}

// wrapChains makes the agent's own chain for each of the kernel's.
func wrapChains(line func(string, ...any), builtin ...string) {
	for _, name := range builtin {
		line(":%s ACCEPT [0:0]", name)
		line(":%s%s - [0:0]", wrap, name)
	}
	for _, name := range builtin {
		line("-A %s -j %s%s", name, wrap, name)
	}
}

// portChain is the chain of a port for what comes in (i) or goes out (o), or of
// its own addresses (s).
func portChain(kind string, p *scenario.Port) string { return wrap + kind + p.ID[:10] }

const (
	allowKnown = `-A %s -m state --state RELATED,ESTABLISHED -m comment --comment "Direct packets associated with a known session to the RETURN chain." -j RETURN`
	dropWrong  = `-A %s -m state --state INVALID -m comment --comment "Drop packets that appear related to an existing connection (e.g. TCP ACK/FIN) but do not have an entry in conntrack." -j DROP`
	dropRest   = `-A %s -m comment --comment "Send unmatched traffic to the fallback chain." -j %ssg-fallback`
)

func ingressRules(line func(string, ...any), c *scenario.Cloud, p *scenario.Port) {
	chain := portChain("i", p)
	line(allowKnown, chain)
	for _, to := range []string{p.Address.String(), "255.255.255.255"} { // answers of DHCP
		line("-A %s -d %s/32 -p udp -m udp --sport 67 --dport 68 -j RETURN", chain, to)
	}
	for _, rule := range groupRules(c, p, "ingress") {
		line("-A %s %s", chain, rule)
	}
	line(dropWrong, chain)
	line(dropRest, chain, wrap)
}

func egressRules(line func(string, ...any), c *scenario.Cloud, p *scenario.Port) {
	chain, own := portChain("o", p), portChain("s", p)
	const client = `-p udp -m udp --sport 68 --dport 67 -m comment --comment "Allow DHCP client traffic." -j RETURN`
	line("-A %s -s 0.0.0.0/32 -d 255.255.255.255/32 %s", chain, client)
	line("-A %s -j %s", chain, own)
	line("-A %s %s", chain, client)
	line(`-A %s -p udp -m udp --sport 67 --dport 68 -m comment --comment "Prevent DHCP Spoofing by VM." -j DROP`, chain)
	line(allowKnown, chain)
	for _, rule := range groupRules(c, p, "egress") {
		line("-A %s %s", chain, rule)
	}
	line(dropWrong, chain)
	line(dropRest, chain, wrap)
	line(`-A %s -s %v/32 -m mac --mac-source %s -m comment --comment "Allow traffic from defined IP/MAC pairs." -j RETURN`, own, p.Address, strings.ToUpper(p.MAC))
	line(`-A %s -m comment --comment "Drop traffic without an IP/MAC allow rule." -j DROP`, own)
}

// groupRules are the rules of a port's security groups in one direction, each
// once: one for each other member where a rule names a remote group.
func groupRules(c *scenario.Cloud, p *scenario.Port, direction string) []string {
	var out []string
	seen := map[string]bool{}
	flag := "-s"
	if direction == "egress" {
		flag = "-d"
	}
	for _, g := range p.SecurityGroups {
		for _, r := range g.Rules {
			if r.Direction != direction {
				continue
			}
			for _, remote := range remotes(c, p, r) {
				var rule string
				if remote.Bits() > 0 {
					rule = fmt.Sprintf("%s %v ", flag, remote)
				}
				rule += service(r) + "-j RETURN"
				if !seen[rule] {
					seen[rule] = true
					out = append(out, rule)
				}
			}
		}
	}
	return out
}

// remotes are the addresses that a rule is about; one of length 0 is any.
func remotes(c *scenario.Cloud, p *scenario.Port, r scenario.Rule) []netip.Prefix {
	if r.RemoteGroup == nil {
		if !r.RemotePrefix.IsValid() {
			return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0)}
		}
		return []netip.Prefix{r.RemotePrefix}
	}
	var out []netip.Prefix
	for _, other := range c.Ports {
		for _, g := range other.SecurityGroups {
			if g == r.RemoteGroup && other != p {
				out = append(out, netip.PrefixFrom(other.Address, 32))
			}
		}
	}
	return out
}

// service is the match of a rule's protocol and ports, with a space behind.
func service(r scenario.Rule) string {
	switch {
	case r.Protocol == "":
		return ""
	case r.PortMin == 0:
		return "-p " + r.Protocol + " "
	case r.PortMin == r.PortMax:
		return fmt.Sprintf("-p %s -m %s --dport %d ", r.Protocol, r.Protocol, r.PortMin)
	}
	return fmt.Sprintf("-p %s -m %s -m multiport --dports %d:%d ", r.Protocol, r.Protocol, r.PortMin, r.PortMax)
}
