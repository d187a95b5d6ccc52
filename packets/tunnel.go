package packets

// vxlan reads RFC 7348. b has at least its eight bytes.
func (r *row) vxlan(b []byte, wire int) {
	r.proto = VXLAN
	r.text("VXLAN ")
	r.uint(uint64(be.Uint32(b[4:]) >> 8))
	r.text("  ")
	r.depth++
	r.ethernet(b[8:], wire-8)
}

// geneve reads RFC 8926. b has at least its eight fixed bytes.
func (r *row) geneve(b []byte, wire int) {
	r.proto = Geneve
	r.text("Geneve ")
	r.uint(uint64(be.Uint32(b[4:]) >> 8))
	size := 8 + int(b[0]&0x3f)*4
	if len(b) < size {
		r.cut(" options")
		return
	}
	r.carried(be.Uint16(b[2:]), b[size:], wire-size)
}

// gre reads RFC 2784 and 2890.
func (r *row) gre(b []byte, wire int) {
	r.proto = GRE
	if len(b) < 4 {
		r.cut("GRE")
		return
	}
	flags, kind := be.Uint16(b), be.Uint16(b[2:])
	r.text("GRE")
	if flags&7 != 0 {
		r.text(" version ")
		r.uint(uint64(flags & 7))
		r.len(wire)
		return
	}
	size := 4
	if flags&0x8000 != 0 { // checksum and reserved
		size += 4
	}
	key := size
	if flags&0x2000 != 0 {
		size += 4
	}
	if flags&0x1000 != 0 { // sequence number
		size += 4
	}
	if len(b) < size {
		r.cut("")
		return
	}
	if flags&0x2000 != 0 {
		r.text(" key ")
		r.uint(uint64(be.Uint32(b[key:])))
	}
	r.carried(kind, b[size:], wire-size)
}

// inside appends a tunnel that has no header of its own.
func (r *row) inside(kind uint16, name string, b []byte, wire int) {
	r.text(name)
	r.carried(kind, b, wire)
}

// carried appends the packet in a tunnel.
func (r *row) carried(kind uint16, b []byte, wire int) {
	if r.depth++; r.depth > maxDepth {
		r.text(" too deep to follow")
		r.len(wire)
		return
	}
	switch kind {
	case typeBridging:
		r.text("  ")
		r.ethernet(b, wire)
	case typeIPv4, typeIPv6:
		r.text("  ")
		r.network(kind, nil, b, wire)
	default:
		r.text(" ethertype ")
		r.hex(uint64(kind))
		r.len(wire)
	}
}
