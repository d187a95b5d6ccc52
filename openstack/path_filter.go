package openstack

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Follow is what an engineer wants to see of a path's packets.
type Follow struct {
	What  FollowWhat     `json:"what"`
	Proto string         `json:"proto,omitempty"` // of a tuple: tcp or udp
	Near  netip.AddrPort `json:"near,omitzero"`   // of a tuple, as the path's first port sees it; what is zero is any
	Far   netip.AddrPort `json:"far,omitzero"`
	Text  string         `json:"text,omitempty"` // tcpdump's words, as they would stand at the path's first hop
	// Errors has ICMP between the two ends followed as well as a tuple: what an
	// end says about it.
	Errors bool `json:"errors,omitempty"`
}

// FollowWhat is one way of choosing packets.
type FollowWhat string

// What can be followed. FollowAll are all packets between the path's ends.
const (
	FollowAll   FollowWhat = "all"
	FollowICMP  FollowWhat = "icmp"
	FollowARP   FollowWhat = "arp"
	FollowND    FollowWhat = "nd" // neighbour discovery of the far end's IPv6 addresses
	FollowDHCP  FollowWhat = "dhcp"
	FollowTuple FollowWhat = "tuple"
	FollowText  FollowWhat = "text"
)

// ParseFollow reads what a person types: nothing or "all", "icmp", "arp",
// "dhcp", a tuple such as "tcp 10.1.0.74:* 10.1.0.148:443" (near end first, * for
// any address or port), or words of tcpdump's.
func ParseFollow(text string) (Follow, error) {
	text = strings.TrimSpace(text)
	switch w := FollowWhat(strings.ToLower(text)); w {
	case "", FollowAll:
		return Follow{What: FollowAll}, nil
	case FollowICMP, FollowARP, FollowND, FollowDHCP:
		return Follow{What: w}, nil
	}
	word := strings.Fields(text)
	if len(word) != 3 || word[0] != "tcp" && word[0] != "udp" || !strings.Contains(word[1], ":") {
		return Follow{What: FollowText, Text: text}, nil
	}
	near, err := parseSocket(word[1])
	if err != nil {
		return Follow{}, err
	}
	far, err := parseSocket(word[2])
	if err != nil {
		return Follow{}, err
	}
	return Follow{What: FollowTuple, Proto: word[0], Near: near, Far: far}, nil
}

func parseSocket(text string) (netip.AddrPort, error) {
	i := strings.LastIndexByte(text, ':')
	bad := problemf(nil, "%q is no address and port: write them as 10.1.0.74:443, with * for any", text)
	if i < 0 {
		return netip.AddrPort{}, bad
	}
	host, port := text[:i], text[i+1:]
	var a netip.Addr
	if host != "*" {
		var ok bool
		if a, ok = parseAddr(host); !ok {
			return netip.AddrPort{}, bad
		}
	}
	var n uint16
	if port != "*" {
		if _, err := fmt.Sscanf(port, "%d", &n); err != nil || fmt.Sprint(n) != port {
			return netip.AddrPort{}, bad
		}
	}
	return netip.AddrPortFrom(a, n), nil
}

// Filter is what to capture at a hop.
type Filter struct {
	// Text is in tcpdump's words, about the packet without VLAN tags; "" is all.
	Text string `json:"text"`
	VLAN int    `json:"vlan,omitempty"` // only of this VLAN; 0: tagged or not
	// Wide says why the filter lets more through than what is followed, "" where
	// it doesn't. A packet that only such hops have seen is not a packet of the
	// path.
	Wide string `json:"wide,omitempty"`
	// Skip says why nothing is captured here, "" where something is. Such a hop
	// is blind for what is followed: it accuses nobody.
	Skip string `json:"skip,omitempty"`
}

// longestFilter is how many bytes of filter an agent takes.
const longestFilter = 4096

// Filter derives the filter of a hop from what is followed: the inner addresses
// before a NAT, the translated ones behind it, and in a tunnel the tunnel's own
// with those of the packet inside.
func (h Hop) Filter(f Follow) Filter {
	if h.Seen != SeenPackets {
		return Filter{Skip: first(h.Why, string(h.Seen))}
	}
	v := h.View
	away := v.Network != v.origin
	switch {
	case f.What == FollowARP && away:
		return Filter{Skip: "ARP does not pass a router"}
	case f.What == FollowND && away:
		return Filter{Skip: "neighbour discovery does not pass a router"}
	case f.What == FollowDHCP && away:
		return Filter{Skip: "DHCP does not pass a router"}
	}
	var filter Filter
	if h.Encap.Kind == EncapVLAN {
		filter.VLAN = h.Encap.ID
	}
	if v.Shared {
		filter.Wide = "SNAT gives other ports the same address"
	}
	w := wordsAt(h.Encap)
	if f.What == FollowText {
		switch text, ok := v.translated(f.Text); {
		case h.Encap.Tunnel():
			filter.Wide = "tcpdump's words can't be asked of the packet inside a tunnel"
			filter.Text = v.all(w)
		case !ok:
			filter.Wide = "NAT may have given the packet another port number"
			filter.Text = v.all(w)
		default:
			filter.Text = allOf(v.all(w), "("+text+")")
		}
	} else {
		filter.Text = v.match(f, w)
	}
	if f.What == FollowTuple && f.Near.Port() != 0 && v.Rewritten && !v.Shared {
		filter.Wide = "NAT may have given the packet another port number"
	}
	if h.Encap.Tunnel() {
		filter.Text = allOf(outer(h.Encap), filter.Text)
	}
	if len(filter.Text) > longestFilter {
		filter.Text, filter.Wide = "", "the filter would be too long: the port has too many addresses or the router too many networks"
		if h.Encap.Tunnel() {
			filter.Text = outer(h.Encap)
		}
	}
	return filter
}

// match is what is followed, in the words of a hop.
func (v View) match(f Follow, w words) string {
	switch f.What {
	case FollowICMP:
		return allOf(v.pair(w), w.icmp())
	case FollowARP:
		return v.arp(w)
	case FollowND:
		return v.discovery(w)
	case FollowDHCP:
		return w.dhcp(v.NearMAC)
	case FollowTuple:
		return v.tuple(f, w)
	}
	return v.all(w)
}

// all are all packets between the two ends.
func (v View) all(w words) string {
	if !v.byMAC() {
		return v.pair(w)
	}
	list := []string{v.pair(w), v.arp(w)}
	if v.goal == GoalDHCP {
		list = append(list, w.dhcp(v.NearMAC))
	}
	return anyOf(list...)
}

// byMAC tells whether the Ethernet addresses alone tell the ends: not behind or
// towards a router.
func (v View) byMAC() bool {
	return v.direct && v.NearMAC != "" && v.FarMAC != ""
}

// pair is unicast between the two ends.
func (v View) pair(w words) string {
	if v.byMAC() {
		return allOf(w.ether(v.NearMAC), w.ether(v.FarMAC))
	}
	list := []string{hosts(w, v.Near)}
	if len(v.Far) > 0 {
		list = append(list, hosts(w, v.Far))
	}
	if len(v.never) > 0 && !v.Shared {
		var nets []string
		for _, p := range v.never {
			if slices.ContainsFunc(v.Near, func(a netip.Addr) bool { return p.Contains(a) }) {
				nets = append(nets, w.between(p))
				continue
			}
			nets = append(nets, w.net(p))
		}
		list = append(list, "not "+anyOf(nets...))
	}
	return allOf(list...)
}

// arp is ARP between the ends; of a router's leg outside only the near end is
// known.
func (v View) arp(w words) string {
	near, far := v4(v.Near), v4(v.Far)
	if len(far) == 0 {
		return allOf(w.arp(), w.ether(v.NearMAC))
	}
	return allOf(w.arp(), hosts(w, near), hosts(w, far))
}

// discovery is neighbour discovery of the far end by the near one: its questions
// go to a group, so the Ethernet addresses don't tell.
func (v View) discovery(w words) string {
	six := func(list []netip.Addr) []netip.Addr {
		return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return a.Is4() })
	}
	var targets []string
	for _, a := range six(v.Far) {
		targets = append(targets, w.neighbour(a))
	}
	return allOf(hosts(w, six(v.Near)), anyOf(targets...))
}

func v4(list []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return !a.Is4() })
}

// tuple is one flow. Its near address is told as the first port has it and is
// translated; its near port need not survive a NAT.
func (v View) tuple(f Follow, w words) string {
	near, far := v.at(f.Near.Addr()), f.Far.Addr()
	list := []string{}
	if near.IsValid() {
		list = append(list, w.host(near))
	}
	if far.IsValid() {
		list = append(list, w.host(far))
	}
	if len(list) < 2 {
		list = append(list, v.pair(w))
	}
	of := []string{w.proto(f.Proto)}
	if n := f.Near.Port(); n != 0 && !v.Rewritten {
		of = append(of, w.port(f.Proto, n))
	}
	if n := f.Far.Port(); n != 0 {
		of = append(of, w.port(f.Proto, n))
	}
	if f.Errors {
		return allOf(append(list, anyOf(allOf(of...), w.icmp()))...)
	}
	return allOf(append(list, of...)...)
}

// at is an address of the near end as it is seen here; any other stays.
func (v View) at(a netip.Addr) netip.Addr {
	if i := slices.Index(v.own, a); i >= 0 && i < len(v.Near) {
		return v.Near[i]
	}
	return a
}

// portWord finds words that may be about ports, or bytes at an offset.
var portWord = regexp.MustCompile(`(?i)\bport(range)?\b|\[`)

var addressWord = regexp.MustCompile(`[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]*[0-9A-Fa-f]`)

// translated is text with the near end's addresses as they are seen here; false
// where a NAT changed more than addresses and text may be about that.
func (v View) translated(text string) (string, bool) {
	if v.Rewritten && portWord.MatchString(text) {
		return "", false
	}
	return addressWord.ReplaceAllStringFunc(text, func(word string) string {
		a, err := netip.ParseAddr(word)
		if err != nil || v.at(a) == a {
			return word
		}
		return v.at(a).String()
	}), true
}

// outer is the tunnel itself: its ends, its port, its network.
func outer(e Encap) string {
	list := []string{}
	if e.Kind == EncapGRE {
		list = append(list, "proto 47")
	} else {
		ports := make([]string, len(e.Ports))
		for i, p := range e.Ports {
			ports[i] = fmt.Sprintf("udp dst port %d", p)
		}
		list = append(list, anyOf(ports...))
	}
	for _, a := range []netip.Addr{e.Local, e.Remote} {
		if a.IsValid() {
			list = append(list, "host "+a.String())
		}
	}
	if e.ID != 0 {
		list = append(list, networkOf(e))
	}
	return allOf(list...)
}

// hosts is any of an end's addresses.
func hosts(w words, list []netip.Addr) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = w.host(a)
	}
	return anyOf(out...)
}

// allOf joins with and; what is empty is left out.
func allOf(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), " and ")
}

// anyOf joins with or, in brackets where there is more than one.
func anyOf(list ...string) string {
	list = slices.DeleteFunc(list, func(s string) bool { return s == "" })
	for i := range list {
		if len(list) > 1 && strings.Contains(list[i], " and ") {
			list[i] = "(" + list[i] + ")"
		}
	}
	if text := strings.Join(list, " or "); len(list) > 1 {
		return "(" + text + ")"
	}
	return strings.Join(list, "")
}
