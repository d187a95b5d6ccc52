package craft

import (
	"bytes"
	"net/netip"
)

// Part is what a packet is to a probe.
type Part uint8

const (
	None   Part = iota
	Sent        // one of its packets
	Answer      // an answer to one: a reply, or an error about it
)

// Know tells what a frame is to the probe, and to which of its packets, counted
// from 0, where that can be told. The frame is as the endpoints see it, without
// tags and tunnel, and may be cut off; addresses and ports count only where
// nothing else tells, for NAT changes them. Whatever the frame holds, Know never
// panics.
func (p *Probe) Know(frame []byte) (part Part, n int) {
	if len(frame) < etherHead {
		return None, 0
	}
	body := frame[etherHead:]
	switch be.Uint16(frame[12:]) {
	case etherARP:
		return p.knowARP(body)
	case etherIPv4, etherIPv6:
		d, ok := parse(be.Uint16(frame[12:]), body)
		if !ok {
			return None, 0
		}
		return p.knowIP(d)
	}
	return None, 0
}

// knowARP knows a question by the token in its padding, and an answer, which
// has none, by who tells whom.
func (p *Probe) knowARP(b []byte) (Part, int) {
	if p.Kind != ARP || !p.Near.Is4() || len(b) < 28 {
		return None, 0
	}
	from, to := b[14:18], b[24:28]
	near, far := p.Near.AsSlice(), p.Far.AsSlice()
	switch be.Uint16(b[6:]) {
	case 1:
		if n, ok := p.marked(b[28:]); ok && bytes.Equal(from, near) && bytes.Equal(to, far) {
			return Sent, n
		}
	case 2:
		if bytes.Equal(from, far) && bytes.Equal(to, near) {
			return Answer, 0
		}
	}
	return None, 0
}

// marked finds the probe's token at the beginning of b.
func (p *Probe) marked(b []byte) (int, bool) {
	if len(b) < tokenSize || !bytes.Equal(b[:len(p.Token)], p.Token[:]) {
		return 0, false
	}
	n := be.Uint32(b[len(p.Token):])
	return int(n), n < uint32(p.Count)
}

// datagram is an IP packet as far as it's needed here.
type datagram struct {
	proto    byte
	from, to netip.Addr
	body     []byte
}

// parse reads an IP header. Fragments but the first, and IPv6 with extension
// headers, are none of a probe's.
func parse(kind uint16, b []byte) (d datagram, ok bool) {
	if kind == etherIPv6 {
		if len(b) < 40 || b[0]>>4 != 6 {
			return d, false
		}
		d.from, d.to = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		d.proto, d.body = b[6], b[40:]
		return d, true
	}
	if len(b) < 20 || b[0]>>4 != 4 {
		return d, false
	}
	head := int(b[0]&15) * 4
	if head < 20 || len(b) < head || be.Uint16(b[6:])&0x1fff != 0 {
		return d, false
	}
	d.from, d.to = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	d.proto, d.body = b[9], b[head:]
	return d, true
}

func (p *Probe) knowIP(d datagram) (Part, int) {
	b := d.body
	switch {
	case p.Kind == DHCP:
		return p.knowDHCP(d)
	case d.proto == protoICMP || d.proto == protoICMPv6:
		return p.knowICMP(d)
	case p.Kind == TCP && d.proto == protoTCP && len(b) >= 14:
		const syn, rst, ack = 2, 4, 16
		switch flags := b[13] & (syn | rst | ack); {
		case flags == syn:
			if n, ok := p.numbered(be.Uint32(b[4:])); ok {
				return Sent, n
			}
		case flags == syn|ack, flags == rst|ack:
			if n, ok := p.numbered(be.Uint32(b[8:]) - 1); ok {
				return Answer, n
			}
		}
	case p.Kind == UDP && d.proto == protoUDP && len(b) >= 8:
		n, marked := p.marked(b[8:])
		switch {
		case marked && be.Uint16(b[2:]) == p.Port:
			return Sent, n
		case be.Uint16(b[2:]) == p.Source && be.Uint16(b) == p.Port && d.to == p.Near:
			return Answer, n // whatever the server says
		}
	}
	return None, 0
}

func (p *Probe) knowDHCP(d datagram) (Part, int) {
	b := d.body
	if d.proto != protoUDP || len(b) < 8+34 || !bytes.Equal(b[8+28:8+34], p.MAC) {
		return None, 0
	}
	n, ok := p.numbered(be.Uint32(b[8+4:]))
	switch {
	case !ok:
	case b[8] == 1:
		return Sent, n
	case b[8] == 2:
		return Answer, n
	}
	return None, 0
}

func (p *Probe) knowICMP(d datagram) (Part, int) {
	b := d.body
	if len(b) < 8 {
		return None, 0
	}
	six := d.proto == protoICMPv6
	switch kind := b[0]; {
	case kind == 135 && six && p.Kind == ARP && len(b) >= 24:
		if d.from == p.Near && netip.AddrFrom16([16]byte(b[8:24])) == p.Far {
			return Sent, 0
		}
	case kind == 136 && six && p.Kind == ARP && len(b) >= 24:
		if d.to == p.Near && netip.AddrFrom16([16]byte(b[8:24])) == p.Far {
			return Answer, 0
		}
	case p.Kind == ICMP && (kind == 8 && !six || kind == 128 && six):
		if n, ok := p.marked(b[8:]); ok {
			return Sent, n
		}
	case p.Kind == ICMP && (kind == 0 && !six || kind == 129 && six):
		if n, ok := p.marked(b[8:]); ok {
			return Answer, n
		}
	case !six && (kind == 3 || kind == 11 || kind == 12), six && kind >= 1 && kind <= 4:
		return p.knowError(b[8:], six)
	}
	return None, 0
}

// knowError looks at the packet that an error is about (RFC 792, RFC 4443). It
// may be cut to 8 bytes behind its IP header.
func (p *Probe) knowError(quoted []byte, six bool) (Part, int) {
	kind := uint16(etherIPv4)
	if six {
		kind = etherIPv6
	}
	d, ok := parse(kind, quoted)
	if !ok || len(d.body) < 8 {
		return None, 0
	}
	b := d.body
	switch {
	case p.Kind == ICMP && (d.proto == protoICMP || d.proto == protoICMPv6) && be.Uint16(b[4:]) == p.ID:
		if n := int(be.Uint16(b[6:])) - 1; n >= 0 && n < p.Count {
			return Answer, n
		}
	case p.Kind == TCP && d.proto == protoTCP:
		if n, ok := p.numbered(be.Uint32(b[4:])); ok {
			return Answer, n
		}
	case p.Kind == UDP && d.proto == protoUDP && be.Uint16(b) == p.Source && be.Uint16(b[2:]) == p.Port:
		n, _ := p.marked(b[8:])
		return Answer, n
	}
	return None, 0
}
