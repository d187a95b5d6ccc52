package packets

import "bytes"

// The fixed part of a DHCP message (RFC 2131, figure 1).
const (
	dhcpXID     = 4
	dhcpClient  = 12 // ciaddr
	dhcpYours   = 16 // yiaddr
	dhcpRelay   = 24 // giaddr
	dhcpMAC     = 28 // chaddr
	dhcpName    = 44 // sname
	dhcpFile    = 108
	dhcpCookie  = 236
	dhcpOptions = dhcpCookie + 4
)

// Options of DHCP (RFC 2132).
const (
	dhcpPad       = 0
	dhcpRequested = 50
	dhcpLease     = 51
	dhcpOverload  = 52
	dhcpType      = 53
	dhcpServer    = 54
	dhcpMessage   = 56
	dhcpEnd       = 255
)

func dhcpKind(n byte) string {
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

// dhcp reads RFC 2131.
func (r *row) dhcp(b []byte, wire int) {
	r.proto = DHCP
	if len(b) < 1 {
		r.cut("DHCP")
		return
	}
	r.text("DHCP ")
	var o dhcpFound
	o.all(b)
	switch name := dhcpKind(o.kind); {
	case name != "":
		r.text(name)
	case o.kind != 0:
		r.text("type ")
		r.uint(uint64(o.kind))
	case b[0] == 1:
		r.text("request")
	case b[0] == 2:
		r.text("reply")
	default:
		r.text("operation ")
		r.uint(uint64(b[0]))
	}
	if len(b) >= dhcpXID+4 {
		r.text(" xid ")
		r.hex(uint64(be.Uint32(b[dhcpXID:])))
	}
	if len(b) < dhcpMAC+6 {
		r.cut("")
		r.len(wire)
		return
	}
	if b[1] == 1 && b[2] == 6 { // of Ethernet
		r.text(" client ")
		r.mac(b[dhcpMAC : dhcpMAC+6])
	}
	r.given(" has ", b[dhcpClient:dhcpClient+4])
	r.given(" wants ", o.requested)
	r.given(" gets ", b[dhcpYours:dhcpYours+4])
	r.given(" server ", o.server)
	r.given(" relay ", b[dhcpRelay:dhcpRelay+4])
	if len(o.lease) == 4 {
		r.text(" lease ")
		r.uint(uint64(be.Uint32(o.lease)))
	}
	if len(o.message) > 0 {
		r.text(" says ")
		r.name(o.message)
	}
	if o.broken || len(b) < dhcpCookie {
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

// dhcpFound is the options that a row shows.
type dhcpFound struct {
	kind, overload                    byte
	requested, server, message, lease []byte
	broken                            bool // an option is longer than the message
}

// all looks through a message's options, and through the fields that may hold
// more of them (RFC 2131, 4.1).
func (o *dhcpFound) all(b []byte) {
	if len(b) < dhcpOptions || !bytes.Equal(b[dhcpCookie:dhcpOptions], []byte{99, 130, 83, 99}) {
		return
	}
	o.find(b[dhcpOptions:])
	more := o.overload
	if more&1 != 0 {
		o.find(b[dhcpFile:dhcpCookie])
	}
	if more&2 != 0 {
		o.find(b[dhcpName:dhcpFile])
	}
}

func (o *dhcpFound) find(b []byte) {
	for len(b) > 0 && b[0] != dhcpEnd {
		if b[0] == dhcpPad {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			o.broken = true
			return
		}
		value := b[2 : 2+int(b[1])]
		switch b[0] {
		case dhcpType:
			if len(value) == 1 {
				o.kind = value[0]
			}
		case dhcpOverload:
			if len(value) == 1 {
				o.overload = value[0]
			}
		case dhcpRequested:
			o.requested = value
		case dhcpServer:
			o.server = value
		case dhcpMessage:
			o.message = value
		case dhcpLease:
			o.lease = value
		}
		b = b[2+len(value):]
	}
}
