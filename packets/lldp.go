package packets

// Kinds of TLV in LLDP (IEEE 802.1AB, 8.4) and the subtypes of identifiers
// that are addresses.
const (
	lldpEnd        = 0
	lldpChassis    = 1
	lldpPort       = 2
	lldpTTL        = 3
	lldpSystem     = 5
	lldpManagement = 8
	lldpOwn        = 127 // an organisation's own

	chassisMAC, chassisIP = 4, 5
	portMAC, portIP       = 3, 4
)

// lldp appends the names of the neighbour and of its port, its management
// address and the VLAN of untagged frames (IEEE 802.1AB, and 802.1Q, D.2.1).
func (r *row) lldp(b []byte) {
	r.proto = LLDP
	r.text("LLDP")
	for len(b) >= 2 {
		kind, size := b[0]>>1, int(be.Uint16(b)&0x1ff)
		if kind == lldpEnd || r.full() {
			return
		}
		if b = b[2:]; len(b) < size {
			break
		}
		value := b[:size]
		b = b[size:]
		switch {
		case kind == lldpChassis && size > 1:
			r.text(" chassis ")
			r.identifier(value, chassisMAC, chassisIP)
		case kind == lldpPort && size > 1:
			r.text(" port ")
			r.identifier(value, portMAC, portIP)
		case kind == lldpTTL && size >= 2:
			r.text(" ttl ")
			r.uint(uint64(be.Uint16(value)))
		case kind == lldpSystem:
			r.text(" system ")
			r.name(value)
		case kind == lldpManagement && size > 1 && int(value[0]) < size:
			r.family(" management ", value[1:1+value[0]])
		case kind == lldpOwn && size >= 6 && [4]byte(value) == [4]byte{0, 0x80, 0xc2, 1}:
			r.text(" untagged ")
			r.uint(uint64(be.Uint16(value[4:])))
		}
	}
	r.cut("")
}

// identifier appends a chassis or port id; the subtypes say which of them are
// addresses.
func (r *row) identifier(b []byte, mac, network byte) {
	switch {
	case b[0] == mac && len(b) == 7:
		r.mac(b[1:])
	case b[0] == network && r.family("", b[1:]):
	default:
		r.name(b[1:])
	}
}

// family appends an IP address behind its family, 1 for IPv4 and 2 for IPv6 in
// IANA's list of address families.
func (r *row) family(words string, b []byte) bool {
	switch {
	case len(b) == 5 && b[0] == 1:
		r.text(words)
		r.ip4(b[1:])
	case len(b) == 17 && b[0] == 2:
		r.text(words)
		r.ip6(b[1:])
	default:
		return false
	}
	return true
}
