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
	if h.Locate.Address.IsValid() {
		at = carrier(links, h.Locate.Address)
	} else {
		at = slices.IndexFunc(links, func(l api.Link) bool { return l.Name == h.Locate.Name || l.Name == h.Device })
	}
	if at < 0 {
		h.State, h.Why, h.Found.Missing = Unseen, "the device is not there", true
		return
	}
	l := links[at]
	h.Device, h.State = l.Name, Opening
	h.Found = Found{MTU: l.MTU, Up: l.Up}
	if !l.Up {
		h.Found.Differs = append(h.Found.Differs, "it is down")
	}
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
