package packets

// icmp6 reads RFC 4443, neighbour discovery (RFC 4861) and MLD (RFC 3810).
func (r *row) icmp6(b []byte, wire int) {
	if len(b) < 8 {
		r.cut("ICMP6")
		return
	}
	r.text("ICMP6 ")
	kind, code := b[0], b[1]
	switch kind {
	case 1, 2, 3, 4:
		r.proto = ICMPError
		r.error6(kind, code, be.Uint32(b[4:]))
		r.quoted(b[8:])
	case 128:
		r.echo(ICMPRequest, "echo request ", b, wire)
		return
	case 129:
		r.echo(ICMPReply, "echo reply ", b, wire)
		return
	case 130, 131, 132, 143:
		r.mld(b, wire)
	case 133:
		r.proto = ND
		r.text("router solicitation")
		r.option(b[8:], 1, " from ")
	case 134:
		r.proto = ND
		r.advertisement(b)
	case 135:
		r.proto = ND
		r.neighbour("neighbour solicitation, who has ", b, 1, " tell ")
	case 136:
		r.proto = ND
		r.neighbour("neighbour advertisement, ", b, 2, " is at ")
	case 137:
		r.proto = ND
		r.redirect6(b)
	default:
		r.text("type ")
		r.uint(uint64(kind))
		r.text(" code ")
		r.uint(uint64(code))
	}
	r.len(wire)
}

func (r *row) error6(kind, code byte, n uint32) {
	switch kind {
	case 1:
		r.unreachable6(code)
	case 2:
		r.text("packet too big, mtu ")
		r.uint(uint64(n))
	case 3:
		switch code {
		case 0:
			r.text("time exceeded")
		case 1:
			r.text("reassembly time exceeded")
		default:
			r.text("time exceeded, code ")
			r.uint(uint64(code))
		}
	case 4:
		r.text("parameter problem")
		switch code {
		case 0:
			r.text(", header field")
		case 1:
			r.text(", next header")
		case 2:
			r.text(", option")
		default:
			r.text(", code ")
			r.uint(uint64(code))
		}
		r.text(" at byte ")
		r.uint(uint64(n))
	}
}

func (r *row) unreachable6(code byte) {
	switch code {
	case 0:
		r.text("no route")
	case 1:
		r.text("unreachable, admin prohibited")
	case 2:
		r.text("beyond scope")
	case 3:
		r.text("address unreachable")
	case 4:
		r.text("port unreachable")
	case 5:
		r.text("unreachable, source failed policy")
	case 6:
		r.text("unreachable, route rejected")
	default:
		r.text("unreachable, code ")
		r.uint(uint64(code))
	}
}

// Options of neighbour discovery (RFC 4861, 4.6).
const (
	ndPrefix = 3
	ndMTU    = 5
)

// advertisement appends what a host learns from its router.
func (r *row) advertisement(b []byte) {
	r.text("router advertisement")
	if lifetime := be.Uint16(b[6:]); lifetime == 0 {
		r.text(", not a default router")
	} else {
		r.text(" lifetime ")
		r.uint(uint64(lifetime))
	}
	if b[5]&0x80 != 0 { // addresses by DHCP
		r.text(" managed")
	}
	if b[5]&0x40 != 0 { // the rest by DHCP
		r.text(" other")
	}
	if len(b) < 16 {
		r.cut("")
		return
	}
	options := b[16:]
	r.option(options, 1, " from ")
	for len(options) >= 8 {
		size := int(options[1]) * 8
		if size == 0 || size > len(options) || r.full() {
			return
		}
		switch {
		case options[0] == ndMTU && size == 8:
			r.text(" mtu ")
			r.uint(uint64(be.Uint32(options[4:])))
		case options[0] == ndPrefix && size == 32:
			r.text(" prefix ")
			r.ip6(options[16:32])
			r.byte('/')
			r.uint(uint64(options[2]))
		}
		options = options[size:]
	}
}

func (r *row) neighbour(words string, b []byte, option byte, then string) {
	r.text(words)
	if len(b) < 24 {
		r.cut("")
		return
	}
	r.ip6(b[8:24])
	r.option(b[24:], option, then)
	if b[0] == 136 && b[4]&0x80 != 0 {
		r.text(" router")
	}
}

func (r *row) redirect6(b []byte) {
	r.text("redirect")
	if len(b) < 40 {
		r.cut("")
		return
	}
	r.text(" of ")
	r.ip6(b[24:40])
	r.text(" to ")
	r.ip6(b[8:24])
	r.option(b[40:], 2, " at ")
}

// option appends the link-layer address among the options of a discovery
// message.
func (r *row) option(b []byte, want byte, words string) {
	for len(b) >= 8 {
		size := int(b[1]) * 8
		if size == 0 || size > len(b) {
			return
		}
		if b[0] == want {
			r.text(words)
			r.mac(b[2:8])
			return
		}
		b = b[size:]
	}
}
