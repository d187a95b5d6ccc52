package wires

import (
	"net/netip"

	"steth/lab/scenario"
)

// entry sends frames to a MAC address through the tunnel to a host.
type entry struct {
	mac    string
	ip     netip.Addr // who answers ARP with mac; invalid of a flooding entry
	remote netip.Addr
}

// flood is the entry for frames to unknown and group addresses
// (neutron_lib/constants.py FLOODING_ENTRY).
const flood = "00:00:00:00:00:00"

// entries is what l2population tells a host about a network: one flooding entry
// for each other host with a port in it, and one for each port there.
func entries(c *scenario.Cloud, host *scenario.Host, n *scenario.Network) []entry {
	var out []entry
	seen := map[*scenario.Host]bool{host: true, nil: true}
	for _, p := range c.NetworkPorts(n) {
		if !seen[p.Host] {
			seen[p.Host] = true
			out = append(out, entry{mac: flood, remote: p.Host.Underlay})
		}
		if p.Host != nil && p.Host != host {
			out = append(out, entry{p.MAC, p.Address, p.Host.Underlay})
		}
	}
	return out
}
