package follow

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"steth/agent/api"
)

// Found is what is really there of a hop's device.
type Found struct {
	Missing bool     `json:"missing,omitempty"`
	Differs []string `json:"differs,omitempty"` // a clause each
	MTU     int      `json:"mtu,omitempty"`
	Up      bool     `json:"up"`
}

// MTU is the device's, or the expected one where it's not known.
func (h Hop) MTU() int {
	if h.Found.MTU > 0 {
		return h.Found.MTU
	}
	return h.Expect.MTU
}

func (h *Hop) confirm(found []api.Namespace) {
	i := slices.IndexFunc(found, func(n api.Namespace) bool { return n.Name == h.Netns })
	if i < 0 {
		h.State, h.Why, h.Found.Missing = Unseen, fmt.Sprintf("namespace %s is not on %s", h.Netns, h.Host), true
		return
	}
	links := found[i].Links
	at := -1
	switch {
	case h.Locate.Address.IsValid():
		at = carrier(links, h.Locate.Address)
	case h.Locate.Uplink != "":
		h.guess(links, h.Locate.Uplink)
		return
	default:
		at = slices.IndexFunc(links, func(l api.Link) bool { return l.Name == h.Locate.Name || l.Name == h.Device })
	}
	if at < 0 {
		h.State, h.Why, h.Found.Missing = Unseen, "the device is not there", true
		return
	}
	l := links[at]
	if h.Locate.Address.IsValid() && (l.Kind == kindTun || l.Kind == kindInternal) {
		h.guess(links, l.Name)
		return
	}
	h.Device, h.State = l.Name, Opening
	h.Found = Found{MTU: l.MTU, Up: l.Up}
	if !l.Up {
		h.Found.Differs = append(h.Found.Differs, "it is down")
	}
}

// The kinds of Open vSwitch's internal ports: in the userspace datapath and in
// the kernel's.
const (
	kindTun      = "tun"
	kindInternal = "openvswitch"
)

// guess takes every NIC that may be the one in an Open vSwitch bridge. Which it
// is stands in OVSDB alone; so all are watched, and the packets tell.
func (h *Hop) guess(links []api.Link, bridge string) {
	for _, l := range links {
		if l.Up && mayBeUplink(l) {
			h.guesses = append(h.guesses, l.Name)
		}
	}
	if len(h.guesses) == 0 {
		h.State, h.Why = Unseen, fmt.Sprintf("no NIC was found that could be in Open vSwitch's bridge %s", bridge)
		return
	}
	h.State, h.Device = Opening, strings.Join(h.guesses, " or ")
	h.Found = Found{Up: true}
}

// mayBeUplink tells whether Open vSwitch may hold a link as a NIC: it listens to
// all, carries no address of its own and is not one of the devices of a port.
func mayBeUplink(l api.Link) bool {
	switch l.Kind {
	case "device", "veth", "bond", "team", "vlan":
	default:
		return false
	}
	if !l.Promisc || l.Master != "" && l.Master != "ovs-system" {
		return false
	}
	if slices.ContainsFunc([]string{"tap", "qvo", "qvb", "qr-", "qg-", "ha-", "sg-", "fg-", "rfp", "fpr", "int-", "phy-"}, func(prefix string) bool {
		return strings.HasPrefix(l.Name, prefix)
	}) {
		return false
	}
	return !slices.ContainsFunc(l.Addresses, func(s string) bool {
		p, err := netip.ParsePrefix(s)
		return err == nil && !p.Addr().IsLinkLocalUnicast()
	})
}

func carrier(links []api.Link, a netip.Addr) int {
	return slices.IndexFunc(links, func(l api.Link) bool {
		return slices.ContainsFunc(l.Addresses, func(s string) bool { return strings.HasPrefix(s, a.String()+"/") })
	})
}

// Check says in a few words how what was found compares with what was expected.
func (h Hop) Check() string {
	switch {
	case h.Found.Missing:
		return "✗ " + h.Why
	case len(h.Found.Differs) > 0:
		return "▲ " + strings.Join(h.Found.Differs, ", ")
	case h.State == Asking || h.Why != "":
		return "? " + h.Why
	}
	return "✓ as expected"
}
