package packets

// Options of DHCPv6 that a row shows (RFC 8415, 21).
const (
	dhcp6Client    = 1
	dhcp6Addresses = 3 // IA_NA
	dhcp6Temporary = 4 // IA_TA
	dhcp6Address   = 5
	dhcp6Relayed   = 9
	dhcp6Status    = 13
	dhcp6Prefixes  = 25 // IA_PD
	dhcp6Prefix    = 26

	dhcp6Nested = 3 // options in options, and messages in messages
)

var dhcp6Kinds = [...]string{
	"", "Solicit", "Advertise", "Request", "Confirm", "Renew", "Rebind", "Reply", "Release",
	"Decline", "Reconfigure", "Information-request", "Relay-forward", "Relay-reply",
}

var dhcp6Statuses = [...]string{
	"Success", "UnspecFail", "NoAddrsAvail", "NoBinding", "NotOnLink", "UseMulticast", "NoPrefixAvail",
}

// dhcp6 reads RFC 8415.
func (r *row) dhcp6(b []byte, wire int) {
	r.proto = DHCP
	r.text("DHCP6")
	r.message6(b, 0)
	r.len(wire)
}

func (r *row) message6(b []byte, depth int) {
	if len(b) < 1 {
		r.cut("")
		return
	}
	r.byte(' ')
	kind := int(b[0])
	if kind > 0 && kind < len(dhcp6Kinds) {
		r.text(dhcp6Kinds[kind])
	} else {
		r.text("type ")
		r.int(kind)
	}
	head := 4
	if relay := kind == 12 || kind == 13; relay {
		head = 34
	}
	if len(b) < head {
		r.cut("")
		return
	}
	if head == 4 {
		r.text(" xid ")
		r.hex(uint64(be.Uint32(b) & 0xffffff))
	} else {
		r.text(" link ")
		r.ip6(b[2:18])
		r.text(" peer ")
		r.ip6(b[18:34])
	}
	shown := 0
	r.options6(b[head:], depth, &shown)
}

// options6 appends what options tell; shown counts the addresses.
func (r *row) options6(b []byte, depth int, shown *int) {
	for len(b) > 0 {
		if r.full() {
			return
		}
		if len(b) < 4 || len(b) < 4+int(be.Uint16(b[2:])) {
			r.cut("")
			return
		}
		kind, value := be.Uint16(b), b[4:4+be.Uint16(b[2:])]
		switch kind {
		case dhcp6Client:
			r.duid(value)
		case dhcp6Addresses, dhcp6Prefixes, dhcp6Temporary:
			head := 12
			if kind == dhcp6Temporary {
				head = 4
			}
			if len(value) >= head && depth < dhcp6Nested {
				r.options6(value[head:], depth+1, shown)
			}
		case dhcp6Address:
			if *shown++; len(value) >= 24 && *shown <= maxAnswer {
				r.text(" address ")
				r.ip6(value[:16])
				r.inside6(value[24:], depth, shown)
			}
		case dhcp6Prefix:
			if *shown++; len(value) >= 25 && *shown <= maxAnswer {
				r.text(" prefix ")
				r.ip6(value[9:25])
				r.byte('/')
				r.uint(uint64(value[8]))
				r.inside6(value[25:], depth, shown)
			}
		case dhcp6Status:
			r.status6(value)
		case dhcp6Relayed:
			if depth < dhcp6Nested {
				r.text(" with")
				r.message6(value, depth+1)
			}
		}
		b = b[4+len(value):]
	}
}

// inside6 goes on with the options within an address: why it was refused.
func (r *row) inside6(b []byte, depth int, shown *int) {
	if depth < dhcp6Nested {
		r.options6(b, depth+1, shown)
	}
}

// duid appends the Ethernet address in a client's id (RFC 8415, 11).
func (r *row) duid(b []byte) {
	switch {
	case len(b) == 14 && be.Uint32(b) == 1<<16|1: // address and time
		b = b[8:]
	case len(b) == 10 && be.Uint32(b) == 3<<16|1: // address
		b = b[4:]
	default:
		return
	}
	r.text(" client ")
	r.mac(b)
}

func (r *row) status6(b []byte) {
	if len(b) < 2 {
		return
	}
	r.text(" status ")
	if n := int(be.Uint16(b)); n < len(dhcp6Statuses) {
		r.text(dhcp6Statuses[n])
	} else {
		r.int(n)
	}
	if len(b) > 2 {
		r.text(" says ")
		r.name(b[2:])
	}
}
