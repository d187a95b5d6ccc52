package follow

import (
	"net/netip"
	"slices"

	"steth/openstack"
	"steth/packets/match"
)

// matching tells the matcher what the path is like. Hops before the first that
// can be seen and after the last are beside its path: where packets come from
// and go to beyond those, nobody knows.
func matching(hops []Hop, what openstack.Follow) ([]match.Hop, match.Options) {
	origin := hops[0].View
	options := match.Options{Near: origin.Near, Far: origin.Far, Skew: skew, Settle: settling, Window: Window}
	if what.What == openstack.FollowDHCP {
		options.Keep, options.Rows = keepDHCP, 1<<12 // clients ask a few times a second at most
	}
	first, last := ends(hops)
	var clocks []string
	out := make([]match.Hop, len(hops))
	for i, h := range hops {
		if !slices.Contains(clocks, h.Host) {
			clocks = append(clocks, h.Host)
		}
		out[i] = match.Hop{
			Blind: !h.maySee(), Aside: i < first || i > last,
			Wide: h.Filter.Wide != "", Capture: h.Capture + 1, Clock: slices.Index(clocks, h.Host),
			Passing: passing(hops, i), Encap: encap(h.Encap),
			Translate: append(translate(h.View.Near, origin.Near), translate(h.View.Far, origin.Far)...),
			MTU:       h.MTU(),
		}
		if h.View.Rewritten {
			options.AnyPort = true
		}
	}
	return out, options
}

// ends are the first and the last hop that have a capture, or may have one yet.
func ends(hops []Hop) (first, last int) {
	first, last = len(hops), -1
	for i, h := range hops {
		if h.maySee() {
			first, last = min(first, i), i
		}
	}
	return first, last
}

// translate pairs addresses at a hop with those at the first one, where NAT has
// changed them.
func translate(here, origin []netip.Addr) []match.Translation {
	var out []match.Translation
	for i := range min(len(here), len(origin)) {
		if here[i] != origin[i] {
			out = append(out, match.Translation{Here: here[i], Origin: origin[i]})
		}
	}
	return out
}

func encap(e openstack.Encap) match.Encap {
	out := match.Encap{Tunnel: match.NoTunnel}
	switch e.Kind {
	case openstack.EncapVLAN:
		out.VLAN = uint16(e.ID)
		return out
	case openstack.EncapVXLAN:
		out.Tunnel = match.VXLAN
	case openstack.EncapGRE:
		out.Tunnel = match.GRE
	case openstack.EncapGeneve:
		out.Tunnel = match.Geneve
	default:
		return out
	}
	out.VNI = uint32(e.ID)
	if e.Local.IsValid() && e.Remote.IsValid() {
		out.Ends = []netip.Addr{e.Local, e.Remote}
	}
	return out
}

// passing says how packets on the way out pass a device, where that is certain:
// at the two ends of the path, and at the NIC of a tunnel. A packet that a
// server sends comes in on its tap; one that a namespace of the host sends goes
// out there.
func passing(hops []Hop, i int) match.Passing {
	h := hops[i]
	switch inside := h.Netns != ""; {
	case h.Locate.Address.IsValid() && h.Encap.Tunnel():
		if h.Locate.Address == h.Encap.Local {
			return match.Leaving
		}
		return match.Entering
	case i == 0 && inside, i == len(hops)-1 && !inside:
		return match.Leaving
	case i == 0, i == len(hops)-1:
		return match.Entering
	}
	return match.EitherWay
}
