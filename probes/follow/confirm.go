package follow

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"steth/agent/api"
	"steth/openstack"
	"steth/probes"
)

// factsOf are a host's devices as paths are held against them.
func factsOf(found []api.Namespace) openstack.HostFacts {
	facts := openstack.HostFacts{Dead: map[string]string{}}
	for _, ns := range found {
		if ns.Dead != "" {
			facts.Dead[ns.Name] = ns.Dead
			continue
		}
		for _, l := range ns.Links {
			d := openstack.DeviceFacts{Netns: ns.Name, Name: l.Name, Kind: l.Kind, MTU: l.MTU, Up: l.Up, Master: l.Master}
			for _, text := range l.Addresses {
				if p, err := netip.ParsePrefix(text); err == nil {
					d.Addresses = append(d.Addresses, p)
				}
			}
			facts.Devices = append(facts.Devices, d)
		}
	}
	return facts
}

// confirm holds a hop against what its host has.
func (h *Hop) confirm(found []api.Namespace, facts openstack.HostFacts) {
	h.Check = openstack.Confirm([]openstack.Hop{h.Hop}, map[string]openstack.HostFacts{h.Host: facts})[0]
	switch {
	case h.Check.Device != "":
		h.State, h.Device = Opening, h.Check.Device
		for _, d := range facts.Devices {
			if d.Netns == h.Netns && d.Name == h.Device {
				h.found = max(d.MTU, 0)
			}
		}
	case len(h.Check.Faults) > 0 && len(h.Check.Among) == 0:
		h.State, h.Why = Unseen, h.Check.Faults[0].Text
	case len(h.Check.Among) > 0:
		h.oneOf(h.Check.Among)
	case h.Check.None != "":
		h.State, h.Why = Unseen, h.Check.None
	default:
		h.guess(found)
	}
}

// look holds a hop that can't be captured against what OVSDB tells.
func (h *Hop) look(facts openstack.HostFacts) {
	h.Check = openstack.Confirm([]openstack.Hop{h.Hop}, map[string]openstack.HostFacts{h.Host: facts})[0]
	if h.Check.Device != "" {
		h.Device = h.Check.Device
	}
	h.tell()
}

// tell puts the tag into words, which the path alone can't.
func (h *Hop) tell() {
	if h.Check.Tag > 0 {
		h.What = fmt.Sprintf("Open vSwitch, VLAN tag %d on this host", h.Check.Tag)
	}
}

// guess takes every NIC that may be the one in an Open vSwitch bridge. Which it
// is stands in OVSDB alone; so all are watched, and the packets tell.
func (h *Hop) guess(found []api.Namespace) {
	var may []string
	for _, ns := range found {
		for _, l := range ns.Links {
			if ns.Name == h.Netns && l.Up && mayBeUplink(l) {
				may = append(may, l.Name)
			}
		}
	}
	if len(may) == 0 {
		h.State, h.Why = Unseen, "no NIC was found that Open vSwitch could hold; OVSDB was not asked"
		return
	}
	h.oneOf(may)
}

// mostGuesses is how many devices are watched for one hop: a host has a few NICs.
const mostGuesses = 16

// oneOf has all of them watched, for the hop is one.
func (h *Hop) oneOf(devices []string) {
	if n := len(devices); n > mostGuesses {
		h.State, h.Why = Unseen, fmt.Sprintf("it may be any of %d devices, and %d at most are watched for one hop", n, mostGuesses)
		return
	}
	h.guesses = devices
	h.State, h.Device = Opening, strings.Join(devices, " or ")
}

// mayBeUplink tells whether Open vSwitch may hold a link as a NIC: it listens to
// all, carries no address of its own and is not one of the devices of a port.
func mayBeUplink(l api.Link) bool {
	if !slices.Contains([]string{"device", "veth", "bond", "team", "vlan"}, l.Kind) {
		return false
	}
	if !l.Promisc || l.Master != "" && l.Master != "ovs-system" {
		return false
	}
	ofPorts := []string{"tap", "qvo", "qvb", "qr-", "qg-", "ha-", "sg-", "fg-", "rfp-", "fpr-", "int-", "phy-"}
	if slices.ContainsFunc(ofPorts, func(prefix string) bool { return strings.HasPrefix(l.Name, prefix) }) {
		return false
	}
	return !slices.ContainsFunc(l.Addresses, func(s string) bool {
		p, err := netip.ParsePrefix(s)
		return err == nil && !p.Addr().IsLinkLocalUnicast()
	})
}

// MTU is the device's, or the expected one where it's not known.
func (h Hop) MTU() int {
	if h.found > 0 {
		return h.found
	}
	return h.Expect.MTU
}

// Missing tells whether the device, or its namespace, is not on its host.
func (h Hop) Missing() bool {
	return slices.ContainsFunc(h.Check.Faults, func(d openstack.Difference) bool {
		return d.Kind == openstack.DifferMissing || d.Kind == openstack.DifferNamespace
	})
}

// Differs says in what the device is not as it should be, "" where it is.
func (h Hop) Differs() string {
	texts := make([]string, len(h.Check.Faults))
	for i, d := range h.Check.Faults {
		texts[i] = d.Text
	}
	return strings.Join(texts, ", ")
}

// Compared is Confirmed with a sign before it.
func (h Hop) Compared() string {
	switch v, text := h.Confirmed(); v {
	case probes.OK:
		return "✓ " + text
	case probes.Warn:
		return "▲ " + text
	case probes.Fail:
		return "✗ " + text
	default:
		return "? " + text
	}
}
