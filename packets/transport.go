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
	vxlanHasVNI   = 0x08
	tcpHead       = 20
	optionEnd     = 0
	optionNothing = 1
	optionMSS     = 2
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
	if size < tcpHead || size > wire {
		r.bad("TCP header that can't be right")
		return
	}
	length := wire - size
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
	if flags&syn != 0 {
		r.mss(b[tcpHead:min(size, len(b))])
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

// mss appends the maximum segment size, the one option that explains a
// connection that opens and then hangs.
func (r *row) mss(options []byte) {
	for len(options) > 0 {
		switch options[0] {
		case optionEnd:
			return
		case optionNothing:
			options = options[1:]
			continue
		}
		if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
			return
		}
		if options[0] == optionMSS && options[1] == 4 {
			r.text(" mss ")
			r.uint(uint64(be.Uint16(options[2:])))
			return
		}
		options = options[options[1]:]
	}
}

func (r *row) udp(d *datagram, b []byte, wire int) {
	r.proto = UDP
	if len(b) < 8 {
		r.who(d)
		r.cut("UDP")
		return
	}
	src, dst := be.Uint16(b), be.Uint16(b[2:])
	body, length := b[8:], wire-8
	tunnel := (dst == portVXLAN || dst == portVXLANOld || dst == portGeneve) && r.depth < maxDepth && len(body) >= 8
	switch {
	case tunnel && dst == portGeneve && body[0]>>6 == 0:
		r.who(d)
		r.geneve(body, length)
		return
	case tunnel && dst != portGeneve && body[0]&vxlanHasVNI != 0:
		r.who(d)
		r.vxlan(body, length)
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
	default:
		r.text("UDP")
		r.len(length)
	}
}

func is(port, src, dst uint16) bool { return src == port || dst == port }
