package openstack

import (
	"net/netip"
	"regexp"
	"strings"
)

// query is what a person typed, understood. One of addr, mac, id, device and
// name leads; name is always there.
type query struct {
	name   string     // as typed, without blanks around it
	addr   netip.Addr // an address
	mac    string     // lower case with colons
	id     string     // a whole UUID
	device string     // the first 11 characters of a port's id, from a device's name
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	// device names of a port, see [Devices]
	deviceForm = regexp.MustCompile(`^(?:tap|qbr|qvb|qvo|qr-|qg-|ha-|sg-|fg-|ns-|vhu)([0-9a-f]{8}-[0-9a-f]{0,2})$`)
	// namespaces that carry the id of a network or router
	netnsForm = regexp.MustCompile(`^(?:qdhcp|qrouter|snat|fip|ovnmeta)-`)
)

// parseQuery understands an address with or without brackets, mask or port
// number, a MAC in any notation, a UUID with or without dashes, a device's or
// namespace's name. Everything else is a name.
func parseQuery(text string) query {
	text = strings.TrimSpace(text)
	q := query{name: text}
	if a, ok := parseAddr(text); ok {
		q.addr = a
		return q
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		q.addr = p.Addr().Unmap()
		return q
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		q.addr = ap.Addr().Unmap().WithZone("")
		return q
	}
	if mac := NormalMAC(text); mac != "" {
		q.mac = mac
		return q
	}
	lower := strings.ToLower(text)
	if id := dashed(netnsForm.ReplaceAllString(lower, "")); uuidForm.MatchString(id) {
		q.id = id
		return q
	}
	if m := deviceForm.FindStringSubmatch(lower); m != nil {
		q.device = m[1]
	}
	return q
}

// dashed puts the dashes into a UUID written without.
func dashed(id string) string {
	if len(id) != 32 || strings.Contains(id, "-") {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// match is an object that answers a query, and how well.
type match struct {
	object Object
	rank   int  // 0 is best
	asked  bool // by a criterion that the API was asked for, so that it had to confirm it
}

// matches lists what a snapshot has for a query, best first within a rank in
// the order of kinds people mean.
func (q query) matches(s *Snapshot) []match {
	switch {
	case q.addr.IsValid():
		return q.byAddress(s)
	case q.mac != "":
		return q.byMAC(s)
	case q.id != "":
		return q.byID(s)
	case q.device != "":
		return q.byStart(s, KindPort, q.device, 0)
	}
	return q.byName(s)
}

func (q query) byAddress(s *Snapshot) []match {
	var out []match
	for _, o := range s.ByIP(q.addr.String()) {
		switch o := o.(type) {
		case FloatingIP:
			out = append(out, match{o, 0, true})
		case Port:
			out = append(out, q.portByAddress(o))
		default:
			out = append(out, match{o, 3, false})
		}
	}
	return out
}

func (q query) portByAddress(p Port) match {
	for _, a := range p.Fixed {
		if addr, ok := parseAddr(a.IP); !ok || addr != q.addr {
			continue
		}
		switch {
		case p.DeviceOwner == ownerFloating:
			return match{p, 5, true} // only holds the address for the floating IP
		case strings.HasPrefix(p.DeviceOwner, ownerCompute):
			return match{p, 1, true}
		}
		return match{p, 2, true}
	}
	return match{p, 4, false} // an allowed address pair
}

func (q query) byMAC(s *Snapshot) []match {
	var out []match
	for _, o := range s.ByMAC(q.mac) {
		if p, ok := o.(Port); ok && NormalMAC(p.MAC) == q.mac {
			out = append(out, match{o, 0, true})
			continue
		}
		out = append(out, match{o, 1, false})
	}
	return out
}

func (q query) byID(s *Snapshot) []match {
	var out []match
	for _, kind := range byMeaning() {
		if o, ok := s.Get(kind, q.id); ok {
			out = append(out, match{o, 0, true})
		}
	}
	return out
}

// byStart lists the objects of a kind whose id starts with start.
func (q query) byStart(s *Snapshot, kind Kind, start string, rank int) []match {
	var out []match
	for i := range s.count(kind) {
		if o := s.at(kind, i); strings.HasPrefix(o.ObjectID(), start) {
			out = append(out, match{o, rank, false})
		}
	}
	return out
}

// byName compares without regard to case: the exact name, its start, the start
// of an id.
func (q query) byName(s *Snapshot) []match {
	const shortest = 4 // characters of an id that are worth comparing
	var out []match
	folded := strings.ToLower(q.name)
	for order, kind := range byMeaning() {
		for i := range s.count(kind) {
			o := s.at(kind, i)
			switch name := o.ObjectName(); {
			case name == q.name:
				out = append(out, match{o, order, kind != KindNode})
			case strings.EqualFold(name, q.name):
				out = append(out, match{o, 10 + order, false})
			case strings.HasPrefix(strings.ToLower(name), folded):
				out = append(out, match{o, 20 + order, false})
			case len(folded) >= shortest && strings.HasPrefix(o.ObjectID(), folded):
				out = append(out, match{o, 30 + order, false})
			}
		}
	}
	return out
}

// byMeaning is the order in which a name is more likely meant.
func byMeaning() []Kind {
	return []Kind{KindServer, KindNode, KindPort, KindRouter, KindNetwork, KindFloatingIP, KindSubnet, KindSecurityGroup, KindAgent}
}
