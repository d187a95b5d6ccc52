package packets

// Ethernet types, from the IEEE's public list.
const (
	typeIPv4     = 0x0800
	typeARP      = 0x0806
	typeBridging = 0x6558 // transparent Ethernet bridging, in GRE and Geneve
	typeRARP     = 0x8035
	typeVLAN     = 0x8100
	typeIPv6     = 0x86dd
	typeSlow     = 0x8809 // LACP and its kin
	typeMPLS     = 0x8847
	typePPPoED   = 0x8863
	typePPPoE    = 0x8864
	typeQinQ     = 0x88a8
	typeLLDP     = 0x88cc
	typeQinQOld  = 0x9100
	maxLength    = 1500 // a larger value is a type (IEEE 802.3, 3.2.6)
	snapHead     = 8    // LLC and SNAP before an Ethernet type (RFC 1042)
)

func (r *row) ethernet(b []byte, wire int) {
	switch {
	case len(b) < 14 && (wire >= 14 || r.partial || r.open):
		r.nobody()
		r.cut("Ethernet")
		return
	case len(b) < 14:
		r.bad("Ethernet frame of ")
		r.int(wire)
		r.text(" bytes")
		return
	}
	head, kind := b[:12], be.Uint16(b[12:])
	b, wire = b[14:], wire-14
	for kind == typeVLAN || kind == typeQinQ || kind == typeQinQOld {
		switch {
		case r.tagsN == maxTags:
			r.hosts(head)
			r.text("too many vlan tags")
			return
		case len(b) < 4:
			r.hosts(head)
			r.cut("vlan tag")
			return
		}
		r.tags[r.tagsN] = be.Uint16(b)
		r.tagsN++
		kind = be.Uint16(b[2:])
		b, wire = b[4:], wire-4
	}
	r.network(kind, head, b, wire)
}

// network appends what an Ethernet type holds. Head is the two addresses of
// the frame, or empty in a tunnel without them.
func (r *row) network(kind uint16, head, b []byte, wire int) {
	switch kind {
	case typeIPv4:
		r.ipv4(b, wire)
		return
	case typeIPv6:
		r.ipv6(b, wire)
		return
	}
	if kind <= maxLength && len(b) >= snapHead && [6]byte(b) == [6]byte{0xaa, 0xaa, 3} {
		if inside := be.Uint16(b[6:]); inside > maxLength {
			r.network(inside, head, b[snapHead:], min(int(kind), wire)-snapHead)
			return
		}
	}
	r.hosts(head)
	switch {
	case kind == typeARP || kind == typeRARP:
		r.arp(kind, b)
	case kind == typeLLDP:
		r.lldp(b)
	case kind == typeSlow:
		r.text("LACP")
		r.len(wire)
	case kind == typeMPLS && len(b) >= 4:
		r.text("MPLS label ")
		r.uint(uint64(be.Uint32(b) >> 12))
		r.len(wire)
	case kind == typePPPoED || kind == typePPPoE:
		r.text("PPPoE")
		r.len(wire)
	case kind <= maxLength:
		r.llc(int(kind), b[:min(int(kind), len(b))])
	default:
		r.text("ethertype ")
		r.hex(uint64(kind))
		r.len(wire)
	}
}

// hosts appends the addresses of a frame.
func (r *row) hosts(head []byte) {
	if len(head) == 12 {
		r.mac(head[6:])
		r.text(" > ")
		r.mac(head[:6])
	}
	r.between()
}

// llc reads IEEE 802.2; of its users only spanning tree is told apart.
func (r *row) llc(length int, b []byte) {
	if len(b) < 3 || b[0] != 0x42 || b[1] != 0x42 {
		r.text("LLC")
		if len(b) >= 2 {
			r.text(" dsap ")
			r.hex(uint64(b[0]))
			r.text(" ssap ")
			r.hex(uint64(b[1]))
		}
		r.len(length)
		return
	}
	r.proto = STP
	if b = b[3:]; len(b) < 4 {
		r.cut("STP")
		return
	}
	switch b[2] {
	case 2:
		r.text("RSTP")
	case 3:
		r.text("MSTP")
	default:
		r.text("STP")
	}
	if b[3] == 0x80 {
		r.text(" topology change")
		return
	}
	if len(b) < 27 {
		r.cut("")
		return
	}
	if b[4]&1 != 0 {
		r.text(" topology change,")
	}
	r.text(" root ")
	r.bridge(b[5:])
	r.text(" cost ")
	r.uint(uint64(be.Uint32(b[13:])))
	r.text(" bridge ")
	r.bridge(b[17:])
	r.text(" port ")
	r.hex(uint64(be.Uint16(b[25:])))
}

func (r *row) bridge(b []byte) {
	r.uint(uint64(be.Uint16(b)))
	r.byte('.')
	r.mac(b[2:8])
}
