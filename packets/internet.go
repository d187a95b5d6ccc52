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
		r.nobody()
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
	if b[0]>>4 != 4 || size < 20 || total < size {
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
	missing := r.missing(total - wire)
	r.transport(&d, b[size:], total-size)
	r.missed(missing)
}

// missing says how many bytes of a datagram are not in its frame, and lets the
// headers within tell of more bytes than there are.
func (r *row) missing(n int) int {
	if n <= 0 || r.open {
		return 0
	}
	r.open = true
	return n
}

func (r *row) missed(n int) {
	if n > 0 {
		r.text(" [")
		r.int(n)
		r.bad(" bytes missing]")
	}
}

func (r *row) ipv6(b []byte, wire int) {
	if len(b) < 40 {
		r.nobody()
		r.cut("IP6")
		return
	}
	total := int(be.Uint16(b[4:]))
	d := datagram{src: b[8:24], dst: b[24:40], proto: b[6]}
	version := b[0] >> 4
	if b, wire = b[40:], wire-40; total == 0 && d.proto != protoNone {
		total = wire // a jumbogram, or segmentation is left to the device
	}
	if version != 6 {
		r.who(&d)
		r.bad("IP6 header that can't be right")
		return
	}
	missing := r.missing(total - wire)
	r.extended(&d, b[:min(len(b), total)], total)
	r.missed(missing)
}

// extended goes through the extension headers of IPv6 (RFC 8200, 4).
func (r *row) extended(d *datagram, b []byte, total int) {
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
			r.transport(d, b, total)
			return
		}
		if size == 0 || len(b) < size {
			r.who(d)
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
	r.who(d)
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
		if d.more {
			r.text(" fragment of ")
		} else {
			r.text(" last fragment of ")
		}
		r.uint(uint64(d.id))
		r.text(" from ")
		r.int(d.offset)
		r.len(wire)
		return
	}
	if d.more {
		r.open = true
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
	case protoESP:
		r.who(d)
		r.esp(b, wire)
	case protoAH:
		r.authenticated(d, b, wire)
		return
	case protoNone:
		r.who(d)
		r.protocol(d.proto)
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

// esp reads RFC 4303.
func (r *row) esp(b []byte, wire int) {
	r.text("ESP")
	if len(b) < 8 {
		r.cut("")
	} else {
		r.text(" spi ")
		r.hex(uint64(be.Uint32(b)))
		r.text(" seq ")
		r.uint(uint64(be.Uint32(b[4:])))
	}
	r.len(wire)
}

// authenticated goes on behind an authentication header of IPv4 (RFC 4302);
// those of IPv6 are among its extension headers.
func (r *row) authenticated(d *datagram, b []byte, wire int) {
	size := 0
	if len(b) >= 2 {
		size = (int(b[1]) + 2) * 4
	}
	if size < 12 || len(b) < size || b[0] == protoAH {
		r.who(d)
		r.cut("AH")
		return
	}
	d.proto = b[0]
	r.transport(d, b[size:], wire-size)
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
	case protoAH:
		r.text("AH")
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
