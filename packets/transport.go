package packets

// Well-known ports whose payload is read.
const (
	portDNS       = 53
	portDHCP      = 67 // the server's; 68 is the client's
	portDHCP6     = 546
	portVXLAN     = 4789
	portMDNS      = 5353
	portGeneve    = 6081
	portVXLANOld  = 8472 // Linux's default where no port is given
	udpHead       = 8
	vxlanHead     = 8
	vxlanHasVNI   = 0x08
	tcpHead       = 20
	optionEnd     = 0
	optionNothing = 1
	optionMSS     = 2
	optionScale   = 3
	optionSACKOK  = 4
	optionSACK    = 5
)

func (r *row) tcp(d *datagram, b []byte, wire int) {
	r.proto = TCP
	if len(b) < 4 {
		r.who(d)
		r.cut("TCP")
		return
	}
	r.ends(d, be.Uint16(b), be.Uint16(b[2:]))
	if len(b) < tcpHead {
		r.cut("TCP")
		return
	}
	size, flags := int(b[12]>>4)*4, b[13]
	if size < tcpHead || size > wire && !r.open {
		r.text("TCP [")
		r.flags(flags, b[12]&1 != 0)
		r.bad("] header of ")
		r.int(size)
		r.text(" bytes that can't be right")
		return
	}
	length := max(wire-size, 0)
	r.text("TCP [")
	r.flags(flags, b[12]&1 != 0)
	r.byte(']')
	r.len(length) // before the long numbers: a narrow pane cuts what comes last
	const fin, syn, rst, ack, urg = 1, 2, 4, 16, 32
	if seq := be.Uint32(b[4:]); length > 0 || flags&(syn|fin|rst) != 0 {
		r.text(" seq ")
		r.uint(uint64(seq))
		if length > 0 {
			r.byte(':')
			r.uint(uint64(seq + uint32(length)))
		}
	}
	if flags&ack != 0 {
		r.text(" ack ")
		r.uint(uint64(be.Uint32(b[8:])))
	}
	r.text(" win ")
	r.uint(uint64(be.Uint16(b[14:])))
	if flags&urg != 0 {
		r.text(" urg ")
		r.uint(uint64(be.Uint16(b[18:])))
	}
	if size > tcpHead {
		r.options(b[tcpHead:min(size, len(b))], size > len(b))
	}
	if flags&rst != 0 {
		r.proto = TCPReset
	}
}

// flags appends tcpdump's letters, in its order.
func (r *row) flags(flags byte, accurate bool) {
	if flags == 0 && !accurate {
		r.text("none")
		return
	}
	const letters = "FSRP.UEW"
	for i := range len(letters) {
		if flags&(1<<i) != 0 {
			r.byte(letters[i])
		}
	}
	if accurate {
		r.byte('e')
	}
}

// options appends what a connection agreed on when it opened, and what was
// received beyond a hole. Times are left out: they are long, and say little on
// a row. Cut says that the capture has only some of the options.
func (r *row) options(b []byte, cut bool) {
	for len(b) > 0 {
		switch b[0] {
		case optionEnd:
			return
		case optionNothing:
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			if cut && (len(b) < 2 || b[1] >= 2) {
				r.cut("")
			} else {
				r.text(" [bad option]")
			}
			return
		}
		value := b[2:b[1]]
		switch {
		case b[0] == optionMSS && len(value) == 2:
			r.text(" mss ")
			r.uint(uint64(be.Uint16(value)))
		case b[0] == optionScale && len(value) == 1:
			r.text(" wscale ")
			r.uint(uint64(value[0]))
		case b[0] == optionSACKOK && len(value) == 0:
			r.text(" sackOK")
		case b[0] == optionSACK:
			r.sack(value)
		}
		b = b[2+len(value):]
	}
	if cut {
		r.cut("")
	}
}

// sack appends the blocks that were received (RFC 2018, 3).
func (r *row) sack(b []byte) {
	if len(b) < 8 {
		return
	}
	r.text(" sack")
	for ; len(b) >= 8; b = b[8:] {
		r.byte(' ')
		r.uint(uint64(be.Uint32(b)))
		r.byte(':')
		r.uint(uint64(be.Uint32(b[4:])))
	}
}

func (r *row) udp(d *datagram, b []byte, wire int) {
	r.proto = UDP
	if len(b) < 4 {
		r.who(d)
		r.cut("UDP")
		return
	}
	src, dst := be.Uint16(b), be.Uint16(b[2:])
	if len(b) < udpHead {
		r.ends(d, src, dst)
		r.cut("UDP")
		return
	}
	said := int(be.Uint16(b[4:]))
	if said == 0 && wire > 0xffff { // a jumbogram (RFC 2675, 4)
		said = wire
	}
	if said < udpHead {
		r.ends(d, src, dst)
		r.bad("UDP length ")
		r.int(said)
		r.text(" is less than its header")
		return
	}
	body, length := b[udpHead:min(said, len(b))], said-udpHead
	if !r.open {
		length = min(length, wire-udpHead)
	}
	if r.depth < maxDepth && r.overlay(d, dst, body, length) {
		return
	}
	r.ends(d, src, dst)
	switch {
	case is(portDNS, src, dst), is(portMDNS, src, dst):
		r.dns(body, length)
	case is(portDHCP, src, dst), is(portDHCP+1, src, dst):
		r.dhcp(body, length)
	case is(portDHCP6, src, dst), is(portDHCP6+1, src, dst):
		r.dhcp6(body, length)
	case said > wire && !r.open:
		r.bad("UDP length ")
		r.int(said - udpHead)
		r.text(" of ")
		r.int(max(wire-udpHead, 0))
	default:
		r.text("UDP")
		r.len(length)
	}
}

// overlay appends the tunnel that a datagram is, if it is one. Linux's old port
// of VXLAN was never assigned: there only what has a VNI is taken for VXLAN.
func (r *row) overlay(d *datagram, port uint16, b []byte, wire int) bool {
	switch {
	case port == portVXLAN:
		r.who(d)
		r.vxlan(b, wire)
	case port == portVXLANOld && len(b) >= vxlanHead && b[0]&vxlanHasVNI != 0:
		r.who(d)
		r.vxlan(b, wire)
	case port == portGeneve:
		r.who(d)
		r.geneve(b, wire)
	default:
		return false
	}
	return true
}

func is(port, src, dst uint16) bool { return src == port || dst == port }
