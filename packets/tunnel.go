package packets

// vxlan reads RFC 7348.
func (r *row) vxlan(b []byte, wire int) {
	r.proto = VXLAN
	if len(b) < vxlanHead {
		r.cut("VXLAN")
		r.len(wire)
		return
	}
	r.text("VXLAN ")
	r.uint(uint64(be.Uint32(b[4:]) >> 8))
	if b[0]&vxlanHasVNI == 0 {
		r.text(" invalid flags ")
		r.hex(uint64(b[0]))
	}
	r.text("  ")
	r.depth++
	r.ethernet(b[vxlanHead:], wire-vxlanHead)
}

// geneve reads RFC 8926.
func (r *row) geneve(b []byte, wire int) {
	r.proto = Geneve
	switch {
	case len(b) < 8:
		r.cut("Geneve")
		r.len(wire)
		return
	case b[0]>>6 != 0:
		r.text("Geneve version ")
		r.uint(uint64(b[0] >> 6))
		r.len(wire)
		return
	}
	r.text("Geneve ")
	r.uint(uint64(be.Uint32(b[4:]) >> 8))
	if b[1]&0x80 != 0 { // for the tunnel's end itself
		r.text(" control")
	}
	size := 8 + int(b[0]&0x3f)*4
	if len(b) < size {
		r.cut(" options")
		return
	}
	r.carried(be.Uint16(b[2:]), b[size:], wire-size)
}

// gre reads RFC 2784 and 2890, and the head of version 1 (RFC 2637).
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
		if flags&7 == 1 && len(b) >= 8 {
			r.text(" call ")
			r.uint(uint64(be.Uint16(b[6:])))
		}
		r.len(wire)
		return
	}
	size := 4
	if flags&0xc000 != 0 { // checksum, and the offset of a route (RFC 1701)
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
	if flags&0x1000 != 0 {
		r.text(" seq ")
		r.uint(uint64(be.Uint32(b[size-4:])))
	}
	for flags&0x4000 != 0 { // the route's entries, the last of which is empty
		if len(b) < size+4 {
			r.cut("")
			return
		}
		family, entry := be.Uint16(b[size:]), int(b[size+3])
		if size += 4 + entry; family == 0 && entry == 0 {
			break
		}
	}
	if len(b) < size {
		r.cut("")
		return
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
