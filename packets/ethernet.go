package packets

import "bytes"

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
)

func (r *row) ethernet(b []byte, wire int) {
	switch {
	case len(b) < 14 && wire >= 14:
		r.between()
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
		if len(b) < 4 || r.tagsN == maxTags {
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
		r.llc(int(kind), b)
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

func (r *row) arp(kind uint16, b []byte) {
	r.proto = ARP
	name := "ARP"
	if kind == typeRARP {
		name = "RARP"
	}
	if len(b) < 28 {
		r.cut(name)
		return
	}
	r.text(name)
	if be.Uint16(b) != 1 || be.Uint16(b[2:]) != typeIPv4 || b[4] != 6 || b[5] != 4 {
		r.bad(" for other than IPv4 over Ethernet")
		return
	}
	sender, senderIP, target, targetIP := b[8:14], b[14:18], b[18:24], b[24:28]
	switch op := be.Uint16(b[6:]); op {
	case 1:
		if bytes.Equal(senderIP, targetIP) {
			r.text(" announcement of ")
			r.ip4(senderIP)
			return
		}
		r.text(" who has ")
		r.ip4(targetIP)
		r.text(" tell ")
		r.ip4(senderIP)
	case 2:
		r.byte(' ')
		r.ip4(senderIP)
		r.text(" is at ")
		r.mac(sender)
	case 3:
		r.text(" who is ")
		r.mac(target)
	case 4:
		r.byte(' ')
		r.mac(target)
		r.text(" is at ")
		r.ip4(targetIP)
	default:
		r.text(" operation ")
		r.uint(uint64(op))
	}
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

// lldp appends the names of the neighbour and of its port (IEEE 802.1AB).
func (r *row) lldp(b []byte) {
	r.proto = LLDP
	r.text("LLDP")
	for len(b) >= 2 {
		kind, size := b[0]>>1, int(be.Uint16(b)&0x1ff)
		if kind == 0 {
			return
		}
		if b = b[2:]; len(b) < size {
			break
		}
		value := b[:size]
		b = b[size:]
		switch {
		case kind == 1 && size > 1:
			r.text(" chassis ")
			r.identifier(value, 4)
		case kind == 2 && size > 1:
			r.text(" port ")
			r.identifier(value, 3)
		case kind == 3 && size == 2:
			r.text(" ttl ")
			r.uint(uint64(be.Uint16(value)))
		case kind == 5:
			r.text(" system ")
			r.name(value)
			return
		}
	}
	r.cut("")
}

// identifier appends a chassis or port id; subtype mac says which of the
// subtypes is an address.
func (r *row) identifier(b []byte, mac byte) {
	if b[0] == mac && len(b) == 7 {
		r.mac(b[1:])
		return
	}
	r.name(b[1:])
}
