package packets

// icmp reads RFC 792 and what came after it.
func (r *row) icmp(b []byte, wire int) {
	if len(b) < 8 {
		r.cut("ICMP")
		return
	}
	r.text("ICMP ")
	kind, code := b[0], b[1]
	switch kind {
	case 0:
		r.echo(ICMPReply, "echo reply ", b, wire)
		return
	case 8:
		r.echo(ICMPRequest, "echo request ", b, wire)
		return
	case 3:
		r.unreachable(code, b)
	case 5:
		r.text("redirect to ")
		r.ip4(b[4:])
	case 11:
		if code == 1 {
			r.text("reassembly time exceeded")
		} else {
			r.text("time exceeded")
		}
	case 12:
		r.text("parameter problem at byte ")
		r.uint(uint64(b[4]))
	case 9:
		r.text("router advertisement")
		r.len(wire)
		return
	case 10:
		r.text("router solicitation")
		r.len(wire)
		return
	case 13, 14:
		r.text("timestamp")
		r.len(wire)
		return
	default:
		r.text("type ")
		r.uint(uint64(kind))
		r.text(" code ")
		r.uint(uint64(code))
		r.len(wire)
		return
	}
	r.proto = ICMPError
	r.quoted(b[8:])
	r.len(wire)
}

func (r *row) echo(proto Proto, words string, b []byte, wire int) {
	r.proto = proto
	r.text(words)
	r.uint(uint64(be.Uint16(b[6:])))
	r.len(wire)
	r.text(" id ")
	r.uint(uint64(be.Uint16(b[4:])))
}

func (r *row) unreachable(code byte, b []byte) {
	switch code {
	case 0:
		r.text("net unreachable")
	case 1:
		r.text("host unreachable")
	case 2:
		r.text("protocol unreachable")
	case 3:
		r.text("port unreachable")
	case 4:
		r.text("need to frag, mtu ")
		r.uint(uint64(be.Uint16(b[6:])))
	case 9, 10, 13:
		r.text("unreachable, admin prohibited")
	default:
		r.text("unreachable, code ")
		r.uint(uint64(code))
	}
}

// quoted appends who sent the packet that an error is about, and to whom.
func (r *row) quoted(b []byte) {
	var src, dst []byte
	var proto byte
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		src, dst, proto = b[12:16], b[16:20], b[9]
		b = b[min(max(int(b[0]&15)*4, 20), len(b)):]
	case len(b) >= 40 && b[0]>>4 == 6:
		src, dst, proto = b[8:24], b[24:40], b[6]
		b = b[40:]
	default:
		return
	}
	ports := len(b) >= 4 && (proto == protoTCP || proto == protoUDP || proto == protoSCTP)
	r.text(" for ")
	r.protocol(proto)
	r.byte(' ')
	r.ip(src)
	if ports {
		r.port(be.Uint16(b))
	}
	r.text(" > ")
	r.ip(dst)
	if ports {
		r.port(be.Uint16(b[2:]))
	}
}

// icmp6 reads RFC 4443, neighbour discovery (RFC 4861) and MLD (RFC 3810).
func (r *row) icmp6(b []byte, wire int) {
	if len(b) < 8 {
		r.cut("ICMP6")
		return
	}
	r.text("ICMP6 ")
	switch kind, code := b[0], b[1]; kind {
	case 1:
		switch code {
		case 0:
			r.text("no route")
		case 1:
			r.text("unreachable, admin prohibited")
		case 4:
			r.text("port unreachable")
		default:
			r.text("unreachable, code ")
			r.uint(uint64(code))
		}
		r.proto = ICMPError
		r.quoted(b[8:])
	case 2:
		r.text("packet too big, mtu ")
		r.uint(uint64(be.Uint32(b[4:])))
		r.proto = ICMPError
		r.quoted(b[8:])
	case 3:
		r.text("time exceeded")
		r.proto = ICMPError
		r.quoted(b[8:])
	case 4:
		r.text("parameter problem at byte ")
		r.uint(uint64(be.Uint32(b[4:])))
		r.proto = ICMPError
		r.quoted(b[8:])
	case 128:
		r.echo(ICMPRequest, "echo request ", b, wire)
		return
	case 129:
		r.echo(ICMPReply, "echo reply ", b, wire)
		return
	case 130, 131, 132, 143:
		r.mld(b)
	case 133:
		r.proto = ND
		r.text("router solicitation")
	case 134:
		r.proto = ND
		r.text("router advertisement")
		if lifetime := be.Uint16(b[6:]); lifetime == 0 {
			r.text(", not a default router")
		}
		r.option(b[min(16, len(b)):], 1, " from ")
	case 135:
		r.proto = ND
		r.neighbour("neighbour solicitation, who has ", b, 1, " tell ")
	case 136:
		r.proto = ND
		r.neighbour("neighbour advertisement, ", b, 2, " is at ")
	case 137:
		r.proto = ND
		r.text("redirect")
	default:
		r.text("type ")
		r.uint(uint64(kind))
		r.text(" code ")
		r.uint(uint64(code))
	}
	r.len(wire)
}

func (r *row) neighbour(words string, b []byte, option byte, then string) {
	r.text(words)
	if len(b) < 24 {
		r.cut("")
		return
	}
	r.ip6(b[8:24])
	r.option(b[24:], option, then)
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

func (r *row) mld(b []byte) {
	r.proto = IGMP
	switch b[0] {
	case 130:
		r.text("MLD query for ")
	case 131:
		r.text("MLD report for ")
	case 132:
		r.text("MLD done ")
	case 143:
		r.text("MLD v2 report, ")
		r.uint(uint64(be.Uint16(b[6:])))
		r.text(" groups")
		if len(b) < 28 {
			return
		}
		r.text(", the first ")
		b = b[4:] // the address stands four bytes further back than in version 1
	}
	if len(b) < 24 {
		r.cut("")
		return
	}
	r.ip6(b[8:24])
}
