package craft

import "net/netip"

// Ethernet types and IP protocol numbers, from IANA's lists.
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd

	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

const (
	etherHead = 14
	// minFrame is the shortest frame of IEEE 802.3, without its checksum.
	minFrame = 60

	ttl = 64 // as Linux sends

	dhcpClient = 68
	dhcpServer = 67
)

var broadcast = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func (p *Probe) frame(n int) []byte {
	switch {
	case p.Kind == ARP && p.Near.Is4():
		return p.arp(n)
	case p.Kind == ARP:
		return p.solicitation()
	case p.Kind == DHCP:
		return p.discover(n)
	case p.Near.Is4():
		proto, body := p.transport(n)
		return pad(p.ether(p.To, etherIPv4, p.ipv4(n, proto, p.Near, p.Far, body)))
	}
	proto, body := p.transport(n)
	return pad(p.ether(p.To, etherIPv6, ipv6(proto, ttl, p.Near, p.Far, body)))
}

func (p *Probe) ether(to []byte, kind uint16, body []byte) []byte {
	b := append(make([]byte, 0, etherHead+len(body)), to...)
	b = append(b, p.MAC...)
	return append(be.AppendUint16(b, kind), body...)
}

func pad(frame []byte) []byte {
	for len(frame) < minFrame {
		frame = append(frame, 0)
	}
	return frame
}

// arp asks for the far address (RFC 826). The token is in the padding.
func (p *Probe) arp(n int) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	b = append(append(b, p.MAC...), p.Near.AsSlice()...)
	b = append(append(b, 0, 0, 0, 0, 0, 0), p.Far.AsSlice()...)
	return pad(p.ether(broadcast, etherARP, append(b, p.mark(n)...)))
}

// solicitation asks for the far address (RFC 4861, 4.3).
func (p *Probe) solicitation() []byte {
	far := p.Far.As16()
	group := netip.AddrFrom16([16]byte{0xff, 2, 11: 1, 12: 0xff, 13: far[13], 14: far[14], 15: far[15]})
	b := []byte{135, 0, 0, 0, 0, 0, 0, 0}
	b = append(append(b, far[:]...), 1, 1) // source link-layer address
	b = append(b, p.MAC...)
	seal(b, 2, protoICMPv6, p.Near, group)
	return pad(p.ether([]byte{0x33, 0x33, 0xff, far[13], far[14], far[15]}, etherIPv6, ipv6(protoICMPv6, 255, p.Near, group, b)))
}

// transport is what is inside of the IP packet.
func (p *Probe) transport(n int) (proto byte, body []byte) {
	payload := p.mark(n)
	for i := tokenSize; i < p.Size; i++ {
		payload = append(payload, byte(i))
	}
	at := 0 // of the checksum
	switch p.Kind {
	case TCP:
		// No options but the largest segment, 1,400 bytes (RFC 9293).
		body = be.AppendUint16(be.AppendUint16(nil, p.Source+uint16(n)), p.Port)
		body = be.AppendUint32(body, p.number(n))
		body = append(body, 0, 0, 0, 0, 6<<4, 2, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 0x05, 0x78)
		proto, at = protoTCP, 16
	case UDP:
		body = be.AppendUint16(be.AppendUint16(nil, p.Source), p.Port)
		body = append(be.AppendUint16(body, uint16(8+len(payload))), 0, 0)
		body = append(body, payload...)
		proto, at = protoUDP, 6
	default:
		kind := byte(8)
		if proto = protoICMP; p.Near.Is6() {
			kind, proto = 128, protoICMPv6
		}
		body = be.AppendUint16([]byte{kind, 0, 0, 0}, p.ID)
		body = append(be.AppendUint16(body, uint16(n+1)), payload...)
		at = 2
	}
	if proto == protoICMP {
		be.PutUint16(body[at:], fold(sum(0, body)))
	} else {
		seal(body, at, proto, p.Near, p.Far)
	}
	return proto, body
}

// ipv4 puts a header before body (RFC 791). It is not to be fragmented.
func (p *Probe) ipv4(n int, proto byte, from, to netip.Addr, body []byte) []byte {
	b := be.AppendUint16([]byte{0x45, 0}, uint16(20+len(body)))
	b = be.AppendUint16(b, p.ID+uint16(n))
	b = append(b, 0x40, 0, ttl, proto, 0, 0)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	be.PutUint16(b[10:], fold(sum(0, b)))
	return append(b, body...)
}

// ipv6 puts a header before body (RFC 8200).
func ipv6(proto, hops byte, from, to netip.Addr, body []byte) []byte {
	b := be.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(body)))
	b = append(b, proto, hops)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	return append(b, body...)
}

// discover is a DHCPDISCOVER as clients broadcast it that have no address (RFC
// 2131, 4.4.1). It has no client identifier: the server then knows the client by
// its MAC, and holds it for the same one whatever identifier it uses itself.
func (p *Probe) discover(n int) []byte {
	const cookie = 0x63825363
	b := be.AppendUint32([]byte{1, 1, 6, 0}, p.number(n))
	b = append(b, 0, 0, 0x80, 0)           // secs; the answer is to be broadcast
	b = append(b, make([]byte, 16)...)     // addresses
	b = append(b, p.MAC...)                // chaddr
	b = append(b, make([]byte, 10+192)...) // the rest of it, sname, file
	b = be.AppendUint32(b, cookie)
	b = append(b, 53, 1, 1)                        // DHCPDISCOVER
	b = append(b, 55, 7, 1, 3, 6, 15, 26, 28, 121) // what a Linux client wants to know
	b = append(b, 255)
	for len(b) < 300 { // RFC 1542, 2.1
		b = append(b, 0)
	}
	from, to := netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{255, 255, 255, 255})
	body := be.AppendUint16(be.AppendUint16(nil, dhcpClient), dhcpServer)
	body = append(be.AppendUint16(body, uint16(8+len(b))), 0, 0)
	body = append(body, b...)
	seal(body, 6, protoUDP, from, to)
	return p.ether(broadcast, etherIPv4, p.ipv4(n, protoUDP, from, to, body))
}

// sum adds 16-bit words up (RFC 1071).
func sum(start uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		start += uint32(be.Uint16(b))
	}
	if len(b) > 0 {
		start += uint32(b[0]) << 8
	}
	return start
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

// seal puts the checksum of body at its place, with the pseudo-header of IPv4 or
// IPv6: the two add up alike.
func seal(body []byte, at int, proto byte, from, to netip.Addr) {
	pseudo := sum(uint32(proto)+uint32(len(body)), append(from.AsSlice(), to.AsSlice()...))
	check := fold(sum(pseudo, body))
	if check == 0 && proto == protoUDP { // 0 would say that there is none (RFC 768)
		check = 0xffff
	}
	be.PutUint16(body[at:], check)
}
