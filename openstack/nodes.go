package openstack

import (
	"slices"
	"strings"
)

// join makes the nodes: Nova's hypervisors, Neutron's agents, and whatever
// other host a port or server is bound to, by the name that binding:host_id uses.
func join(hypervisors []Node, s *Snapshot) []Node {
	nodes := map[string]*Node{}
	at := func(host string) *Node {
		n := nodes[host]
		if n == nil {
			n = &Node{Host: host}
			nodes[host] = n
		}
		return n
	}
	for _, h := range hypervisors {
		if h.Host == "" {
			continue
		}
		n := at(h.Host)
		if n.Hypervisor == "" {
			h.Agents, h.TunnelIP = nil, "" // joined anew below
			*n = h
		} else if n.Hypervisor != h.Hypervisor { // Ironic: one service, many hypervisors
			n.VCPUs += h.VCPUs
			n.Servers += h.Servers
		}
	}
	alive := map[string]bool{}
	for _, a := range s.Agents {
		if a.Host == "" {
			continue
		}
		n := at(a.Host)
		n.Agents = append(n.Agents, a.ID)
		if ip, ok := a.Configurations["tunneling_ip"].(string); ok && ip != "" {
			n.TunnelIP = ip
		}
		before, seen := alive[a.Host]
		alive[a.Host] = a.Alive && (before || !seen)
	}
	for _, p := range s.Ports {
		if p.Host != "" {
			at(p.Host)
		}
	}
	for _, v := range s.Servers {
		if v.Host != "" {
			at(v.Host)
		}
	}
	out := make([]Node, 0, len(nodes))
	for host, n := range nodes {
		if n.State == "" {
			n.State = agentsState(alive, host)
		}
		slices.Sort(n.Agents)
		out = append(out, *n)
	}
	return ordered(out)
}

func agentsState(alive map[string]bool, host string) string {
	switch up, known := alive[host]; {
	case !known:
		return "unknown"
	case up:
		return "up"
	default:
		return "down"
	}
}

// isOVN tells whether an agent is OVN's on its chassis.
func isOVN(a Agent) bool { return strings.HasPrefix(a.Type, "OVN Controller") }
