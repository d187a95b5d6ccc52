package packets

const dnsHead = 12

// dnsTypes are the names of record types (RFC 1035, 3596, 2782, 9460 ...).
func dnsType(n uint16) string {
	switch n {
	case 1:
		return "A"
	case 2:
		return "NS"
	case 5:
		return "CNAME"
	case 6:
		return "SOA"
	case 12:
		return "PTR"
	case 15:
		return "MX"
	case 16:
		return "TXT"
	case 28:
		return "AAAA"
	case 33:
		return "SRV"
	case 41:
		return "OPT"
	case 65:
		return "HTTPS"
	case 255:
		return "ANY"
	}
	return ""
}

func dnsStatus(n byte) string {
	switch n {
	case 1:
		return "FormErr"
	case 2:
		return "ServFail"
	case 3:
		return "NXDomain"
	case 4:
		return "NotImp"
	case 5:
		return "Refused"
	}
	return ""
}

// dns reads the first question and the first answers (RFC 1035, 4).
func (r *row) dns(b []byte, wire int) {
	r.proto = DNS
	if len(b) < dnsHead {
		r.cut("DNS")
		r.len(wire)
		return
	}
	id, flags := be.Uint16(b), be.Uint16(b[2:])
	questions, answers := be.Uint16(b[4:]), be.Uint16(b[6:])
	reply := flags&0x8000 != 0
	if reply {
		r.text("DNS answer ")
	} else {
		r.text("DNS query ")
	}
	r.uint(uint64(id))
	if opcode := flags >> 11 & 15; opcode != 0 {
		r.text(" opcode ")
		r.uint(uint64(opcode))
	}
	at := dnsHead
	if questions > 0 {
		end, ok := skipName(b, at)
		if !ok || end+4 > len(b) {
			r.cut("")
			r.len(wire)
			return
		}
		r.byte(' ')
		r.recordType(be.Uint16(b[end:]))
		r.byte(' ')
		r.domain(b, at)
		at = end + 4
	}
	for i := uint16(1); i < questions && i < maxAnswer; i++ {
		end, ok := skipName(b, at)
		if !ok || end+4 > len(b) {
			answers = 0
			break
		}
		at = end + 4
	}
	if reply {
		r.status(byte(flags & 15))
		r.answers(b, at, int(answers))
	}
	if flags&0x0200 != 0 {
		r.text(" truncated")
	}
	r.len(wire)
}

func (r *row) status(code byte) {
	if code == 0 {
		return
	}
	r.byte(' ')
	if s := dnsStatus(code); s != "" {
		r.text(s)
		return
	}
	r.text("rcode ")
	r.uint(uint64(code))
}

func (r *row) recordType(n uint16) {
	if s := dnsType(n); s != "" {
		r.text(s)
		return
	}
	r.text("TYPE")
	r.uint(uint64(n))
}

// answers appends the values of the first records from at on.
func (r *row) answers(b []byte, at, count int) {
	for i := range count {
		if i == maxAnswer {
			r.text(" and ")
			r.int(count - i)
			r.text(" more")
			return
		}
		end, ok := skipName(b, at)
		if !ok || end+10 > len(b) {
			r.cut("")
			return
		}
		kind, size := be.Uint16(b[end:]), int(be.Uint16(b[end+8:]))
		value := end + 10
		if value+size > len(b) {
			r.cut("")
			return
		}
		if i > 0 {
			r.byte(',')
		}
		r.byte(' ')
		switch {
		case kind == 1 && size == 4:
			r.ip4(b[value:])
		case kind == 28 && size == 16:
			r.ip6(b[value : value+16])
		case kind == 2 || kind == 5 || kind == 12:
			r.recordType(kind)
			r.byte(' ')
			r.domain(b, value)
		default:
			r.recordType(kind)
		}
		at = value + size
	}
}

// skipName returns where the name at at ends.
func skipName(b []byte, at int) (end int, ok bool) {
	for at < len(b) {
		switch n := int(b[at]); {
		case n == 0:
			return at + 1, true
		case n&0xc0 == 0xc0:
			return at + 2, at+2 <= len(b)
		case n&0xc0 != 0:
			return 0, false
		default:
			at += 1 + n
		}
	}
	return 0, false
}

// domain appends the name at at, following a bounded number of pointers.
func (r *row) domain(b []byte, at int) {
	start := len(r.buf)
	for jumps := 0; at < len(b); {
		n := int(b[at])
		switch {
		case n == 0:
			if len(r.buf) == start {
				r.byte('.')
			}
			return
		case n&0xc0 == 0xc0:
			if jumps++; jumps > maxJumps || at+1 >= len(b) {
				r.text("[bad name]")
				return
			}
			at = int(be.Uint16(b[at:]) & 0x3fff)
			continue
		case n&0xc0 != 0 || at+1+n > len(b):
			r.text("[bad name]")
			return
		}
		if len(r.buf) > start {
			r.byte('.')
		}
		for _, c := range b[at+1 : at+1+n] {
			if len(r.buf)-start >= maxName {
				r.text("...")
				return
			}
			if c == '.' { // a dot within a label is no separator
				r.text(`\.`)
			} else {
				r.char(c)
			}
		}
		at += 1 + n
	}
	r.text("[bad name]")
}
