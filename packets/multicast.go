package packets

// igmp reads versions 1 to 3 (RFC 1112, 2236, 3376).
func (r *row) igmp(b []byte, wire int) {
	r.proto = IGMP
	if len(b) < 8 {
		r.cut("IGMP")
		return
	}
	r.text("IGMP ")
	switch b[0] {
	case 0x11:
		r.query(b, wire)
	case 0x12:
		r.text("v1 report for ")
		r.ip4(b[4:])
	case 0x16:
		r.text("v2 report for ")
		r.ip4(b[4:])
	case 0x17:
		r.text("leave ")
		r.ip4(b[4:])
	case 0x22:
		r.text("v3 report, ")
		r.groups(b, 4)
	default:
		r.text("type ")
		r.hex(uint64(b[0]))
	}
	r.len(wire)
}

// query appends a query of IGMP: its length and its time to answer tell the
// version (RFC 3376, 7.1).
func (r *row) query(b []byte, wire int) {
	switch {
	case wire >= 12:
		r.text("v3 query for ")
	case b[1] == 0:
		r.text("v1 query for ")
	default:
		r.text("v2 query for ")
	}
	r.ip4(b[4:])
	if wire >= 12 && len(b) >= 12 {
		r.sources(be.Uint16(b[10:]))
	}
}

func (r *row) sources(n uint16) {
	switch n {
	case 0:
		return
	case 1:
		r.text(" of 1 source")
	default:
		r.text(" of ")
		r.uint(uint64(n))
		r.text(" sources")
	}
}

// groups appends the number of records of a report, and the first of them.
// Records are built alike in IGMP (RFC 3376, 4.2) and MLD (RFC 3810, 5.2) but
// for the size of an address.
func (r *row) groups(b []byte, size int) {
	n := be.Uint16(b[6:])
	r.uint(uint64(n))
	r.text(" group")
	if n != 1 {
		r.byte('s')
	}
	if n == 0 {
		return
	}
	if len(b) < 12+size {
		r.cut("")
		return
	}
	if n > 1 {
		r.text(", the first")
	}
	r.byte(' ')
	r.ip(b[12 : 12+size])
	if kind := int(b[8]); kind < len(recordKinds) {
		r.text(recordKinds[kind])
	}
	r.sources(be.Uint16(b[10:]))
}

// recordKinds are what a record says about its group (RFC 3376, 4.2.12).
var recordKinds = [...]string{"", " include", " exclude", " to include", " to exclude", " allow", " block"}

// mld reads versions 1 and 2 (RFC 2710, 3810).
func (r *row) mld(b []byte, wire int) {
	r.proto = IGMP
	switch b[0] {
	case 130:
		if wire >= 28 { // RFC 3810, 8.1
			r.text("MLD v2 query for ")
		} else {
			r.text("MLD v1 query for ")
		}
	case 131:
		r.text("MLD v1 report for ")
	case 132:
		r.text("MLD done ")
	case 143:
		r.text("MLD v2 report, ")
		r.groups(b, 16)
		return
	}
	if len(b) < 24 {
		r.cut("")
		return
	}
	r.ip6(b[8:24])
	if b[0] == 130 && wire >= 28 && len(b) >= 28 {
		r.sources(be.Uint16(b[26:]))
	}
}
