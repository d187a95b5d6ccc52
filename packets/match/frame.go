package match

import (
	"encoding/binary"
	"net/netip"

	"steth/packets"
)

// Ethernet types, from the IEEE's public list.
const (
	typeIPv4     = 0x0800
	typeARP      = 0x0806
	typeBridging = 0x6558 // Ethernet inside GRE or Geneve
	typeVLAN     = 0x8100
	typeIPv6     = 0x86dd
	typeQinQ     = 0x88a8
	typeQinQOld  = 0x9100
)

// IP protocol numbers, from IANA's list.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoAH       = 51
	protoICMPv6   = 58
	protoOptions  = 60
)

const (
	portDNS      = 53
	portDHCP     = 67
	portVXLAN    = 4789
	portGeneve   = 6081
	portVXLANOld = 8472 // Linux's default where no port is given
)

const (
	maxTags    = 4 // VLAN tags of one frame
	maxTunnels = 4 // one in another
	maxChain   = 8 // extension headers of IPv6
	ethernet   = 14
)

var be = binary.BigEndian

// problem is why a packet can't be matched.
type problem uint8

const (
	none      problem = iota
	short             // the capture kept too little of it
	malformed         // its headers can't be right
	foreign           // neither IP nor ARP, which is all that travels
)

// frame is a packet taken apart: the frame that the endpoints see, and what
// the network had put around it. Its slices are the packet's own bytes.
type frame struct {
	head []byte // the two Ethernet addresses; empty in a tunnel without them
	kind uint16 // Ethernet type of body
	body []byte // from the network header on, as far as it was captured
	wire int    // length of body on the wire
	vlan uint16 // the outermost tag's id; valid with tagged

	tagged   bool
	tunnel   Tunnel // the outermost
	vni      uint32
	src, dst netip.Addr // of the tunnel
}

// datagram is an IP header, and what follows it.
type datagram struct {
	v6       bool
	src, dst []byte
	proto    uint8
	id       uint32 // IPv4's, or that of an IPv6 fragment
	label    uint32 // IPv6's flow label
	offset   int    // of a fragment, in bytes
	more     bool   // fragments follow
	head     int    // bytes before body
	total    int    // bytes of header and body on the wire
	body     []byte // captured, and not beyond total
}

func (d *datagram) fragment() bool { return d.more || d.offset > 0 }

// strip takes apart what stands on a device, down to the frame that the
// endpoints exchange: all tunnels for [AnyTunnel], one of the given kind
// otherwise.
func (f *frame) strip(p *packets.Packet, want Tunnel) problem {
	*f = frame{}
	if p.TPID != 0 {
		f.vlan, f.tagged = p.VLAN&0xfff, true
	}
	if bad := f.ethernet(p.Data, max(int(p.Length), len(p.Data)), true); bad != none || want == NoTunnel {
		return bad
	}
	for range maxTunnels {
		entered, bad := f.enter(want)
		if bad != none || !entered || want != AnyTunnel {
			return bad
		}
	}
	return none
}

func (f *frame) ethernet(b []byte, wire int, outermost bool) problem {
	if len(b) < ethernet {
		return cutOr(malformed, len(b), wire)
	}
	f.head, f.kind = b[:12], be.Uint16(b[12:])
	b, wire = b[ethernet:], wire-ethernet
	for n := 0; f.kind == typeVLAN || f.kind == typeQinQ || f.kind == typeQinQOld; n++ {
		if len(b) < 4 || n == maxTags {
			return cutOr(malformed, len(b), wire)
		}
		if tag := be.Uint16(b) & 0xfff; outermost && !f.tagged {
			f.vlan, f.tagged = tag, true
		}
		f.kind = be.Uint16(b[2:])
		b, wire = b[4:], wire-4
	}
	f.body, f.wire = b, wire
	return none
}

// enter goes into the tunnel that the frame carries, if it does and if it's
// one of those wanted.
func (f *frame) enter(want Tunnel) (bool, problem) {
	if f.kind != typeIPv4 && f.kind != typeIPv6 {
		return false, none
	}
	var d datagram
	if bad := d.parse(f.kind, f.body, f.wire); bad != none {
		return false, none // whoever reads the frame itself will find it, too
	}
	if d.offset > 0 {
		return false, none // the rest of a tunnel's packet; its headers came before
	}
	b, wire := d.body, d.total-d.head
	tunnel, vni, kind, size := AnyTunnel, uint32(0), uint16(typeBridging), 8
	switch d.proto {
	case protoUDP:
		if len(b) < 16 {
			return false, none
		}
		port := be.Uint16(b[2:])
		b, wire = b[8:], wire-8
		switch {
		case (port == portVXLAN || port == portVXLANOld) && b[0]&8 != 0: // RFC 7348
			tunnel, vni = VXLAN, be.Uint32(b[4:])>>8
		case port == portGeneve && b[0]>>6 == 0: // RFC 8926
			tunnel, vni = Geneve, be.Uint32(b[4:])>>8
			kind, size = be.Uint16(b[2:]), 8+int(b[0]&0x3f)*4
		default:
			return false, none
		}
	case protoGRE: // RFC 2784, 2890
		if len(b) < 4 || b[1]&7 != 0 {
			return false, none
		}
		tunnel, kind, size = GRE, be.Uint16(b[2:]), 4
		if b[0]&0x80 != 0 { // checksum and reserved
			size += 4
		}
		if b[0]&0x20 != 0 {
			if len(b) >= size+4 {
				vni = be.Uint32(b[size:])
			}
			size += 4
		}
		if b[0]&0x10 != 0 { // sequence number
			size += 4
		}
	default:
		return false, none
	}
	if want != AnyTunnel && want != tunnel {
		return false, none
	}
	if len(b) < size {
		return false, short
	}
	if f.tunnel == NoTunnel || f.tunnel == AnyTunnel {
		f.tunnel, f.vni = tunnel, vni
		f.src, _ = netip.AddrFromSlice(d.src)
		f.dst, _ = netip.AddrFromSlice(d.dst)
	}
	b, wire = b[size:], wire-size
	if kind == typeBridging {
		return true, f.ethernet(b, wire, false)
	}
	f.head, f.kind, f.body, f.wire = nil, kind, b, wire
	return true, none
}

// parse reads an IP header. It does not mind a length beyond the frame's: the
// outer packet may be a first fragment.
func (d *datagram) parse(kind uint16, b []byte, wire int) problem {
	if kind == typeIPv6 {
		return d.parse6(b, wire)
	}
	if len(b) < 20 {
		return cutOr(malformed, len(b), wire)
	}
	fragment := be.Uint16(b[6:])
	*d = datagram{
		src: b[12:16], dst: b[16:20], proto: b[9], id: uint32(be.Uint16(b[4:])),
		more: fragment&0x2000 != 0, offset: int(fragment&0x1fff) * 8,
		head: int(b[0]&15) * 4, total: int(be.Uint16(b[2:])),
	}
	if d.total == 0 {
		d.total = wire // segmentation is left to the device
	}
	if b[0]>>4 != 4 || d.head < 20 || d.total < d.head {
		return malformed
	}
	if len(b) < d.head {
		return cutOr(malformed, len(b), wire)
	}
	d.body = b[d.head:min(len(b), d.total)]
	return none
}

func (d *datagram) parse6(b []byte, wire int) problem {
	if len(b) < 40 {
		return cutOr(malformed, len(b), wire)
	}
	*d = datagram{
		v6: true, src: b[8:24], dst: b[24:40], proto: b[6], label: be.Uint32(b) & 0xfffff,
		head: 40, total: 40 + int(be.Uint16(b[4:])),
	}
	if b[0]>>4 != 6 {
		return malformed
	}
	if d.total == 40 && wire > 40 && d.proto != 59 {
		d.total = wire // a jumbogram, or segmentation is left to the device
	}
	b = b[:min(len(b), d.total)]
	for range maxChain {
		rest := b[min(len(b), d.head):]
		size := 0
		switch d.proto {
		case protoHopByHop, protoRouting, protoOptions, protoAH, protoFragment:
			if len(rest) < 8 {
				return cutOr(malformed, len(b), d.total)
			}
			size = 8
			if d.proto == protoAH {
				size = (int(rest[1]) + 2) * 4
			} else if d.proto != protoFragment {
				size = (int(rest[1]) + 1) * 8
			}
		default:
			d.body = rest
			return none
		}
		if d.proto == protoFragment {
			d.offset, d.more, d.id = int(be.Uint16(rest[2:])&^7), rest[3]&1 != 0, be.Uint32(rest[4:])
			if d.offset > 0 {
				d.proto, d.head = rest[0], d.head+size
				d.body = b[min(len(b), d.head):]
				return none // what follows is no header
			}
		}
		d.proto, d.head = rest[0], d.head+size
		if d.head > d.total {
			return malformed
		}
		if len(b) < d.head {
			return cutOr(malformed, len(b), d.total)
		}
	}
	return malformed
}

// cutOr is short where more was on the wire than was captured, else otherwise.
func cutOr(otherwise problem, captured, wire int) problem {
	if captured < wire {
		return short
	}
	return otherwise
}
