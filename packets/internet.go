package packets

// IP protocol numbers, from IANA's list.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIGMP     = 2
	protoIPIP     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMPv6   = 58
	protoNone     = 59
	protoOptions  = 60
	protoOSPF     = 89
	protoVRRP     = 112
	protoSCTP     = 132
)

// datagram is what a transport protocol must know of the IP header before it.
type datagram struct {
	src, dst []byte // 4 or 16 bytes
	proto    uint8
	id       uint32 // of a fragment
	offset   int    // of a fragment, in bytes
	more     bool   // fragments follow
}

func (r *row) ipv4(b []byte, wire int) {
	if len(b) < 20 {
		r.between()
		r.cut("IP")
		return
	}
	size, total := int(b[0]&15)*4, int(be.Uint16(b[2:]))
	if total == 0 {
		total = wire // segmentation is left to the device
	}
	d := datagram{src: b[12:16], dst: b[16:20], proto: b[9], id: uint32(be.Uint16(b[4:]))}
	fragment := be.Uint16(b[6:])
	d.more, d.offset = fragment&0x2000 != 0, int(fragment&0x1fff)*8
	if b[0]>>4 != 4 || size < 20 || total < size || total > wire {
		r.who(&d)
		r.bad("IP header that can't be right")
		return
	}
	b = b[:min(len(b), total)]
	if len(b) < size {
		r.who(&d)
		r.cut("IP options")
		return
	}
	r.transport(&d, b[size:], total-size)
}

func (r *row) ipv6(b []byte, wire int) {
	if len(b) < 40 {
		r.between()
		r.cut("IP6")
		return
	}
	total := int(be.Uint16(b[4:]))
	d := datagram{src: b[8:24], dst: b[24:40], proto: b[6]}
	version := b[0] >> 4
	if b, wire = b[40:], wire-40; total == 0 {
		total = wire // a jumbogram, or segmentation is left to the device
	}
	if version != 6 || total > wire {
		r.who(&d)
		r.bad("IP6 header that can't be right")
		return
	}
	b = b[:min(len(b), total)]
	for range maxChain {
		size := 0
		switch d.proto {
		case protoHopByHop, protoRouting, protoOptions:
			if len(b) >= 2 {
				size = (int(b[1]) + 1) * 8
			}
		case protoAH:
			if len(b) >= 2 {
				size = (int(b[1]) + 2) * 4
			}
		case protoFragment:
			size = 8
		default:
			r.transport(&d, b, total)
			return
		}
		if size == 0 || len(b) < size {
			r.who(&d)
			r.cut("IP6 extension header")
			return
		}
		if d.proto == protoFragment {
			d.offset, d.more = int(be.Uint16(b[2:])&^7), b[3]&1 != 0
			d.id = be.Uint32(b[4:])
		}
		d.proto = b[0]
		b, total = b[size:], total-size
	}
	r.who(&d)
	r.bad("IP6 with too many extension headers")
}

// who appends the addresses of a datagram.
func (r *row) who(d *datagram) {
	r.ip(d.src)
	r.text(" > ")
	r.ip(d.dst)
	r.between()
}

// ends appends the addresses with their ports, as tcpdump -n does.
func (r *row) ends(d *datagram, src, dst uint16) {
	r.ip(d.src)
	r.port(src)
	r.text(" > ")
	r.ip(d.dst)
	r.port(dst)
	r.between()
}

func (r *row) transport(d *datagram, b []byte, wire int) {
	if d.offset > 0 {
		r.who(d)
		r.protocol(d.proto)
		r.text(" fragment ")
		r.uint(uint64(d.id))
		r.text(" from ")
		r.int(d.offset)
		r.len(wire)
		return
	}
	switch d.proto {
	case protoTCP:
		r.tcp(d, b, wire)
	case protoUDP:
		r.udp(d, b, wire)
	case protoSCTP:
		if len(b) < 4 {
			r.who(d)
			r.cut("SCTP")
			return
		}
		r.ends(d, be.Uint16(b), be.Uint16(b[2:]))
		r.text("SCTP")
		r.len(wire)
	case protoICMP:
		r.who(d)
		r.icmp(b, wire)
	case protoICMPv6:
		r.who(d)
		r.icmp6(b, wire)
	case protoIGMP:
		r.who(d)
		r.igmp(b, wire)
	case protoGRE:
		r.who(d)
		r.gre(b, wire)
	case protoIPIP:
		r.who(d)
		r.inside(typeIPv4, "IPIP", b, wire)
	case protoIPv6:
		r.who(d)
		r.inside(typeIPv6, "IP6 in IP", b, wire)
	case protoVRRP:
		r.who(d)
		r.vrrp(d, b, wire)
	default:
		r.who(d)
		r.protocol(d.proto)
		r.len(wire)
	}
	if d.more {
		r.text(" first fragment of ")
		r.uint(uint64(d.id))
	}
}

// protocol appends the name of an IP protocol.
func (r *row) protocol(n uint8) {
	switch n {
	case protoICMP:
		r.text("ICMP")
	case protoIGMP:
		r.text("IGMP")
	case protoTCP:
		r.text("TCP")
	case protoUDP:
		r.text("UDP")
	case protoGRE:
		r.text("GRE")
	case protoESP:
		r.text("ESP")
	case protoICMPv6:
		r.text("ICMP6")
	case protoNone:
		r.text("no next header")
	case protoOSPF:
		r.text("OSPF")
	case protoVRRP:
		r.text("VRRP")
	case protoSCTP:
		r.text("SCTP")
	default:
		r.text("IP protocol ")
		r.uint(uint64(n))
	}
}

// igmp reads versions 1 to 3 (RFC 1112, 2236, 3376).
func (r *row) igmp(b []byte, wire int) {
	r.proto = IGMP
	if len(b) < 8 {
		r.cut("IGMP")
		return
	}
	switch b[0] {
	case 0x11:
		r.text("IGMP query for ")
		r.ip4(b[4:])
	case 0x12, 0x16:
		r.text("IGMP report for ")
		r.ip4(b[4:])
	case 0x17:
		r.text("IGMP leave ")
		r.ip4(b[4:])
	case 0x22:
		r.text("IGMP v3 report, ")
		r.uint(uint64(be.Uint16(b[6:])))
		r.text(" groups")
		if len(b) >= 16 {
			r.text(", the first ")
			r.ip4(b[12:])
		}
	default:
		r.text("IGMP type ")
		r.hex(uint64(b[0]))
	}
	r.len(wire)
}

// vrrp reads versions 2 and 3 (RFC 3768, 9568).
func (r *row) vrrp(d *datagram, b []byte, wire int) {
	r.proto = VRRP
	if len(b) < 8 {
		r.cut("VRRP")
		return
	}
	r.text("VRRPv")
	r.uint(uint64(b[0] >> 4))
	r.text(" router ")
	r.uint(uint64(b[1]))
	r.text(" priority ")
	r.uint(uint64(b[2]))
	if size := len(d.src); len(b) >= 8+size && b[3] > 0 {
		r.byte(' ')
		r.ip(b[8 : 8+size])
	}
	r.len(wire)
}
