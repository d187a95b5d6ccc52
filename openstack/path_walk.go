package openstack

import (
	"fmt"
	"slices"
)

// walk puts a path together, hop after hop, as a packet of the first port would
// go. What the packet looks like from here on stands in view.
type walk struct {
	s     *Snapshot
	hops  []Hop
	view  View
	notes []string
}

// plug is a port where it is plugged: a distributed router's leg is on many
// hosts.
type plug struct {
	port Port
	host string
}

// walk starts a path at a port.
func (s *Snapshot) walk(from Port, goal Goal) *walk {
	near := addressesOf(from)
	return &walk{s: s, view: View{
		Near: near, NearMAC: from.MAC, Network: from.NetworkID,
		goal: goal, origin: from.NetworkID, own: near,
	}}
}

func (w *walk) add(hops ...Hop) {
	for _, h := range hops {
		h.View = w.view
		w.hops = append(w.hops, h)
	}
}

// gap adds a place of which the API doesn't tell what is there.
func (w *walk) gap(host, what, why string, args ...any) {
	w.add(gap(host, what, fmt.Sprintf(why, args...)))
}

func gap(host, what, why string) Hop {
	return Hop{Host: host, What: what, Seen: SeenUnresolved, Why: why}
}

func (w *walk) notef(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(w.notes, note) {
		w.notes = append(w.notes, note)
	}
}

// leave goes from a port to its host's switch and no further.
func (w *walk) leave(p Port) {
	x := w.s.wiring(plug{p, p.Host})
	w.add(x.devices...)
	w.add(x.exchange...)
}

// leg goes through one network, from a port to a port.
func (w *walk) leg(from, to plug) {
	w.add(w.s.wiring(from).devices...)
	w.cross(from, to)
}

// cross is a leg from behind the first port's devices on.
func (w *walk) cross(from, to plug) {
	x, z := w.s.wiring(from), w.s.wiring(to)
	n, known := w.s.Network(from.port.NetworkID)
	w.add(x.exchange...)
	switch {
	case from.host != "" && from.host == to.host:
	case !known:
		w.gap("", "between the hosts", "network %s was not read", short(from.port.NetworkID))
		w.add(z.exchange...)
	default:
		w.between(n, x, z)
		w.add(z.exchange...)
	}
	inwards := slices.Clone(z.devices)
	slices.Reverse(inwards)
	w.add(inwards...)
}

// leaveTo goes from a port into the provider's network.
func (w *walk) leaveTo(from plug) {
	w.add(w.s.wiring(from).devices...)
	w.exit(from)
}

// exit is leaveTo from behind the port's devices on.
func (w *walk) exit(from plug) {
	x := w.s.wiring(from)
	w.add(x.exchange...)
	n, ok := w.s.Network(from.port.NetworkID)
	switch {
	case x.host == "":
		return // the port's own hop says so
	case !ok:
		w.gap(from.host, "the way out", "network %s was not read", short(from.port.NetworkID))
		return
	case n.Type != typeVLAN && n.Type != typeFlat:
		w.gap(from.host, "the way out", "network %s is of type %q, which leads to no provider network", w.s.DisplayName(n), first(n.Type, "unknown"))
		return
	}
	w.add(w.s.provider(n, x)...)
	w.add(Hop{What: "physical network " + n.Physical + " and what is beyond", Seen: SeenBlind, Why: "it is not the cloud's", Encap: vlanOf(n)})
}

// between is the way from one host's switch to another's.
func (w *walk) between(n Network, x, z wiring) {
	if x.host == "" || z.host == "" {
		return // the missing end says so itself
	}
	switch {
	case len(n.Segments) > 1:
		w.gap("", "between "+x.host+" and "+z.host, "network %s has %d segments and the API does not tell which of them a host uses", w.s.DisplayName(n), len(n.Segments))
	case n.Type == typeVLAN || n.Type == typeFlat:
		there := w.s.provider(n, z)
		slices.Reverse(there)
		w.add(w.s.provider(n, x)...)
		w.add(Hop{What: "the switches of physical network " + n.Physical, Seen: SeenBlind, Why: "no agent runs on a switch", Encap: vlanOf(n)})
		w.add(there...)
	case n.Type == typeVXLAN || n.Type == typeGRE || n.Type == typeGeneve:
		out, wire, in := w.s.tunnel(n, x, z)
		w.add(out...)
		w.add(Hop{What: fmt.Sprintf("the underlay between %s and %s", x.host, z.host), Seen: SeenBlind, Why: "no agent runs on a switch", Encap: wire})
		w.add(in...)
	case n.Type == typeLocal:
		w.gap("", "between "+x.host+" and "+z.host, "network %s is local to each host", w.s.DisplayName(n))
	default:
		w.gap("", "between "+x.host+" and "+z.host, "the type of network %s is %q: the account may not see it, or it is not known here", w.s.DisplayName(n), n.Type)
	}
}
