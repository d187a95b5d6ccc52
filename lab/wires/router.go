package wires

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"

	"steth/lab/scenario"
)

// route makes a router's namespace: its interfaces, forwarding, the floating
// IPs' addresses on the external one, and NAT.
func (s site) route(ctx context.Context, r *scenario.Router) error {
	h, err := makeNamespace(r.Namespace())
	if err != nil {
		return err
	}
	defer h.Close()
	err = In(r.Namespace(), func() error {
		// As the L3 agent's RouterNamespace.create sets them.
		for name, value := range map[string]string{"ip_forward": "1", "conf/all/arp_ignore": "1", "conf/all/arp_announce": "2"} {
			if err := sysctl("net/ipv4/"+name, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range append([]*scenario.Port{r.Gateway}, r.Interfaces...) {
		if err := s.join(p, r.Namespace(), h); err != nil {
			return err
		}
	}
	if err := defaultRoute(h, r.Gateway.Network.Subnet.Gateway); err != nil {
		return err
	}
	fips := floatingIPs(s.cloud, r)
	if err := holdFloatingIPs(h, r, fips); err != nil {
		return err
	}
	return s.opt.Run(ctx, r.Namespace(), []byte(rules(r, fips)), "iptables-restore")
}

func floatingIPs(c *scenario.Cloud, r *scenario.Router) []*scenario.FloatingIP {
	var out []*scenario.FloatingIP
	for _, f := range c.FloatingIPs {
		if f.Router == r {
			out = append(out, f)
		}
	}
	return out
}

// holdFloatingIPs puts each floating IP as a /32 on the external interface, so
// that the router answers ARP for it.
func holdFloatingIPs(h *netlink.Handle, r *scenario.Router, fips []*scenario.FloatingIP) error {
	for _, f := range fips {
		if err := address(h, r.Gateway.Device(), netip.PrefixFrom(f.Address, 32)); err != nil {
			return err
		}
	}
	return nil
}

// rules is what iptables-save shows in the namespace of a legacy router
// (neutron/agent/l3/router_info.py, neutron/agent/linux/iptables_manager.py),
// less the rules for a metadata proxy and address scopes, which the lab doesn't
// have.
func rules(r *scenario.Router, fips []*scenario.FloatingIP) string {
	const agent = "neutron-l3-agent-"
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	gw, addr := r.Gateway.Device(), r.Gateway.Address

	line("*mangle")
	for _, builtin := range []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"} {
		line(":%s ACCEPT [0:0]", builtin)
	}
	for _, own := range []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "mark"} {
		line(":%s%s - [0:0]", agent, own)
	}
	for _, builtin := range []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"} {
		line("-A %s -j %s%s", builtin, agent, builtin)
	}
	line("-A %sPREROUTING -j %smark", agent, agent)
	line("-A %smark -i %s -j MARK --set-xmark 0x2/0xffff", agent, gw)
	line("COMMIT")

	line("*nat")
	for _, builtin := range []string{"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"} {
		line(":%s ACCEPT [0:0]", builtin)
	}
	for _, own := range []string{"PREROUTING", "OUTPUT", "POSTROUTING", "float-snat", "snat"} {
		line(":%s%s - [0:0]", agent, own)
	}
	line(":neutron-postrouting-bottom - [0:0]")
	for _, builtin := range []string{"PREROUTING", "OUTPUT", "POSTROUTING"} {
		line("-A %s -j %s%s", builtin, agent, builtin)
	}
	line("-A POSTROUTING -j neutron-postrouting-bottom")
	for _, f := range fips {
		line("-A %sOUTPUT -d %v/32 -j DNAT --to-destination %v", agent, f.Address, f.Port.Address)
	}
	line("-A %sPOSTROUTING ! -o %s -m conntrack ! --ctstate DNAT -j ACCEPT", agent, gw)
	for _, f := range fips {
		line("-A %sPREROUTING -d %v/32 -j DNAT --to-destination %v", agent, f.Address, f.Port.Address)
	}
	for _, f := range fips {
		line("-A %sfloat-snat -s %v/32 -j SNAT --to-source %v --random-fully", agent, f.Port.Address, f.Address)
	}
	line("-A %ssnat -j %sfloat-snat", agent, agent)
	line("-A %ssnat -o %s -j SNAT --to-source %v --random-fully", agent, gw, addr)
	line("-A %ssnat -m mark ! --mark 0x2/0xffff -m conntrack --ctstate DNAT -j SNAT --to-source %v --random-fully", agent, addr)
	line(`-A neutron-postrouting-bottom -m comment --comment "Perform source NAT on outgoing traffic." -j %ssnat`, agent)
	line("COMMIT")
	return b.String()
}
