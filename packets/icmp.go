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
	case 4:
		r.text("source quench")
	case 5:
		r.redirect(code, b)
	case 11:
		switch code {
		case 0:
			r.text("time exceeded")
		case 1:
			r.text("reassembly time exceeded")
		default:
			r.text("time exceeded, code ")
			r.uint(uint64(code))
		}
	case 12:
		r.text("parameter problem")
		if code == 0 {
			r.text(" at byte ")
			r.uint(uint64(b[4]))
		} else {
			r.text(", code ")
			r.uint(uint64(code))
		}
	default:
		r.question(kind, code, b, wire)
		return
	}
	r.proto = ICMPError
	r.quoted(b[8:])
	r.len(wire)
}

// question reads the messages that are neither an echo nor an error.
func (r *row) question(kind, code byte, b []byte, wire int) {
	switch kind {
	case 9: // RFC 1256
		r.text("router advertisement lifetime ")
		r.uint(uint64(be.Uint16(b[6:])))
		if b[4] > 0 && len(b) >= 12 {
			r.text(" from ")
			r.ip4(b[8:])
			r.more(int(b[4]) - 1)
		}
	case 10:
		r.text("router solicitation")
	case 13:
		r.serial("timestamp request ", b)
	case 14:
		r.serial("timestamp reply ", b)
	case 17:
		r.serial("mask request ", b)
	case 18:
		r.serial("mask reply ", b)
		if len(b) >= 12 {
			r.text(" is ")
			r.ip4(b[8:])
		}
	default:
		r.text("type ")
		r.uint(uint64(kind))
		r.text(" code ")
		r.uint(uint64(code))
	}
	r.len(wire)
}

// serial appends a message's sequence number and id.
func (r *row) serial(words string, b []byte) {
	r.text(words)
	r.uint(uint64(be.Uint16(b[6:])))
	r.text(" id ")
	r.uint(uint64(be.Uint16(b[4:])))
}

// more appends how many of a kind are not shown.
func (r *row) more(n int) {
	if n > 0 {
		r.text(" and ")
		r.int(n)
		r.text(" more")
	}
}

func (r *row) echo(proto Proto, words string, b []byte, wire int) {
	r.proto = proto
	r.text(words)
	r.uint(uint64(be.Uint16(b[6:])))
	r.len(wire)
	r.text(" id ")
	r.uint(uint64(be.Uint16(b[4:])))
}

func (r *row) redirect(code byte, b []byte) {
	switch code {
	case 0:
		r.text("redirect of net to ")
	case 1:
		r.text("redirect to ")
	case 2:
		r.text("redirect of net for this service to ")
	case 3:
		r.text("redirect for this service to ")
	default:
		r.text("redirect, code ")
		r.uint(uint64(code))
		r.text(", to ")
	}
	r.ip4(b[4:])
}

// unreachable appends why (RFC 792, 1122 and 1812, 5.2.7.1).
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
	case 5:
		r.text("unreachable, source route failed")
	case 6:
		r.text("net unknown")
	case 7:
		r.text("host unknown")
	case 8:
		r.text("unreachable, source host isolated")
	case 9:
		r.text("net unreachable, admin prohibited")
	case 10:
		r.text("host unreachable, admin prohibited")
	case 11:
		r.text("net unreachable for this service")
	case 12:
		r.text("host unreachable for this service")
	case 13:
		r.text("unreachable, admin prohibited filter")
	case 14:
		r.text("unreachable, precedence violation")
	case 15:
		r.text("unreachable, precedence cutoff")
	default:
		r.text("unreachable, code ")
		r.uint(uint64(code))
	}
}

// quoted appends who sent the packet that an error is about, and to whom.
func (r *row) quoted(b []byte) {
	var src, dst []byte
	var proto byte
	first := true
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		src, dst, proto = b[12:16], b[16:20], b[9]
		first = be.Uint16(b[6:])&0x1fff == 0
		b = b[min(max(int(b[0]&15)*4, 20), len(b)):]
	case len(b) >= 40 && b[0]>>4 == 6:
		src, dst, proto = b[8:24], b[24:40], b[6]
		b = b[40:]
	default:
		r.cut("")
		return
	}
	ports := first && len(b) >= 4 && (proto == protoTCP || proto == protoUDP || proto == protoSCTP)
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
