package packets

import "bytes"

// The fixed part of a DHCP message (RFC 2131, figure 1).
const (
	dhcpClient  = 12 // ciaddr
	dhcpYours   = 16 // yiaddr
	dhcpMAC     = 28 // chaddr
	dhcpCookie  = 236
	dhcpOptions = dhcpCookie + 4
)

// Options of DHCP (RFC 2132).
const (
	dhcpPad       = 0
	dhcpRequested = 50
	dhcpType      = 53
	dhcpServer    = 54
	dhcpMessage   = 56
	dhcpEnd       = 255
)

func dhcpName(n byte) string {
	switch n {
	case 1:
		return "Discover"
	case 2:
		return "Offer"
	case 3:
		return "Request"
	case 4:
		return "Decline"
	case 5:
		return "ACK"
	case 6:
		return "NAK"
	case 7:
		return "Release"
	case 8:
		return "Inform"
	}
	return ""
}

func (r *row) dhcp(b []byte, wire int) {
	r.proto = DHCP
	if len(b) < dhcpMAC+6 {
		r.cut("DHCP")
		return
	}
	r.text("DHCP ")
	kind, requested, server, message := dhcpFind(b)
	switch name := dhcpName(kind); {
	case name != "":
		r.text(name)
	case kind != 0:
		r.text("type ")
		r.uint(uint64(kind))
	case b[0] == 1:
		r.text("request")
	default:
		r.text("reply")
	}
	r.text(" xid ")
	r.hex(uint64(be.Uint32(b[4:])))
	r.text(" client ")
	r.mac(b[dhcpMAC : dhcpMAC+6])
	r.given(" has ", b[dhcpClient:dhcpClient+4])
	r.given(" wants ", requested)
	r.given(" gets ", b[dhcpYours:dhcpYours+4])
	r.given(" server ", server)
	if len(message) > 0 {
		r.text(" says ")
		r.name(message)
	}
	if len(b) < dhcpOptions {
		r.cut("")
	}
	r.len(wire)
}

// given appends an IPv4 address that is not empty.
func (r *row) given(words string, b []byte) {
	if len(b) == 4 && be.Uint32(b) != 0 {
		r.text(words)
		r.ip4(b)
	}
}

// dhcpFind looks up the options that a row shows.
func dhcpFind(b []byte) (kind byte, requested, server, message []byte) {
	if len(b) < dhcpOptions || !bytes.Equal(b[dhcpCookie:dhcpOptions], []byte{99, 130, 83, 99}) {
		return 0, nil, nil, nil
	}
	b = b[dhcpOptions:]
	for len(b) > 0 && b[0] != dhcpEnd {
		if b[0] == dhcpPad {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			break
		}
		value := b[2 : 2+int(b[1])]
		switch b[0] {
		case dhcpType:
			if len(value) == 1 {
				kind = value[0]
			}
		case dhcpRequested:
			requested = value
		case dhcpServer:
			server = value
		case dhcpMessage:
			message = value
		}
		b = b[2+len(value):]
	}
	return kind, requested, server, message
}

// dhcp6 reads RFC 8415.
func (r *row) dhcp6(b []byte, wire int) {
	r.proto = DHCP
	if len(b) < 4 {
		r.cut("DHCP6")
		return
	}
	names := [...]string{
		"", "Solicit", "Advertise", "Request", "Confirm", "Renew", "Rebind", "Reply", "Release",
		"Decline", "Reconfigure", "Information-request", "Relay-forward", "Relay-reply",
	}
	r.text("DHCP6 ")
	kind := int(b[0])
	if kind > 0 && kind < len(names) {
		r.text(names[kind])
	} else {
		r.text("type ")
		r.int(kind)
	}
	if kind != 12 && kind != 13 { // a relay's message has a hop count there
		r.text(" xid ")
		r.hex(uint64(be.Uint32(b) & 0xffffff))
	}
	r.len(wire)
}
