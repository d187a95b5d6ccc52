package packets

// vrrp reads versions 2 and 3 (RFC 3768, 9568).
func (r *row) vrrp(d *datagram, b []byte, wire int) {
	r.proto = VRRP
	if len(b) < 3 {
		r.cut("VRRP")
		return
	}
	version, kind := b[0]>>4, b[0]&15
	r.text("VRRPv")
	r.uint(uint64(version))
	if kind != 1 { // the only one is an advertisement
		r.text(" type ")
		r.uint(uint64(kind))
		r.len(wire)
		return
	}
	r.text(" router ")
	r.uint(uint64(b[1]))
	r.text(" priority ")
	r.uint(uint64(b[2]))
	if len(b) < 8 {
		r.cut("")
		r.len(wire)
		return
	}
	r.text(" every ")
	if version == 2 {
		r.uint(uint64(b[5]))
		r.text("s")
		switch b[4] {
		case 0:
		case 1:
			r.text(" auth simple")
		case 2:
			r.text(" auth ah")
		default:
			r.text(" auth ")
			r.uint(uint64(b[4]))
		}
	} else {
		r.uint(uint64(be.Uint16(b[4:]) & 0xfff))
		r.text("cs")
	}
	r.virtual(len(d.src), int(b[3]), b[8:])
	r.len(wire)
}

// virtual appends the first of the router's addresses.
func (r *row) virtual(size, count int, b []byte) {
	for i := range count {
		switch {
		case i == maxAnswer:
			r.more(count - i)
			return
		case len(b) < size:
			r.cut("")
			return
		}
		r.byte(' ')
		r.ip(b[:size])
		b = b[size:]
	}
}
