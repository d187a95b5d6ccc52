package packets

const dnsHead = 12

// dnsType names record types (RFC 1035, 3596, 2782, 4034, 9460 ...).
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
	case 13:
		return "HINFO"
	case 15:
		return "MX"
	case 16:
		return "TXT"
	case 28:
		return "AAAA"
	case 33:
		return "SRV"
	case 35:
		return "NAPTR"
	case 41:
		return "OPT"
	case 43:
		return "DS"
	case 46:
		return "RRSIG"
	case 47:
		return "NSEC"
	case 48:
		return "DNSKEY"
	case 52:
		return "TLSA"
	case 64:
		return "SVCB"
	case 65:
		return "HTTPS"
	case 251:
		return "IXFR"
	case 252:
		return "AXFR"
	case 255:
		return "ANY"
	case 257:
		return "CAA"
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
	case 6:
		return "YXDomain"
	case 7:
		return "YXRRSet"
	case 8:
		return "NXRRSet"
	case 9:
		return "NotAuth"
	case 10:
		return "NotZone"
	}
	return ""
}

// Flags of a message (RFC 1035, 4.1.1 and RFC 4035, 3.2.3).
const (
	dnsReply         = 0x8000
	dnsAuthoritative = 0x0400
	dnsTruncated     = 0x0200
	dnsWanted        = 0x0100 // recursion
	dnsAvailable     = 0x0080 // recursion
	dnsAuthentic     = 0x0020
	dnsUnchecked     = 0x0010
)

// dns reads the first question and the first answers (RFC 1035, 4).
func (r *row) dns(b []byte, wire int) {
	r.proto = DNS
	if len(b) < dnsHead {
		r.cut("DNS")
		r.len(wire)
		return
	}
	r.dnsMessage(b)
	if be.Uint16(b[2:])&dnsTruncated != 0 {
		r.text(" truncated")
	}
	r.len(wire)
}

func (r *row) dnsMessage(b []byte) {
	flags, questions, answers := be.Uint16(b[2:]), int(be.Uint16(b[4:])), int(be.Uint16(b[6:]))
	reply := flags&dnsReply != 0
	if reply {
		r.text("DNS answer ")
	} else {
		r.text("DNS query ")
	}
	r.uint(uint64(be.Uint16(b)))
	r.dnsFlags(flags)
	r.opcode(flags >> 11 & 15)
	at := dnsHead
	if questions > 0 {
		end, ok := skipName(b, at)
		if !ok || end+4 > len(b) {
			r.cut("")
			return
		}
		r.byte(' ')
		r.recordType(be.Uint16(b[end:]))
		r.class(be.Uint16(b[end+2:]))
		r.byte(' ')
		r.domain(b, at)
		at = end + 4
	}
	r.more(questions - 1)
	if !reply {
		return
	}
	for i := 1; i < questions; i++ {
		end, ok := skipName(b, at)
		if !ok || end+4 > len(b) {
			r.cut("")
			return
		}
		at = end + 4
	}
	r.status(byte(flags & 15))
	r.byte(' ')
	r.int(answers)
	r.byte('/')
	r.uint(uint64(be.Uint16(b[8:])))
	r.byte('/')
	r.uint(uint64(be.Uint16(b[10:])))
	r.answers(b, at, answers)
}

// dnsFlags appends tcpdump's signs: of a query, + recursion is wanted, % the
// answer need not be checked; of an answer, * it is authoritative, - recursion
// isn't available, $ it is authentic.
func (r *row) dnsFlags(flags uint16) {
	if flags&dnsReply == 0 {
		if flags&dnsWanted != 0 {
			r.byte('+')
		}
		if flags&dnsUnchecked != 0 {
			r.byte('%')
		}
		return
	}
	if flags&dnsAuthoritative != 0 {
		r.byte('*')
	}
	if flags&dnsAvailable == 0 {
		r.byte('-')
	}
	if flags&dnsAuthentic != 0 {
		r.byte('$')
	}
}

func (r *row) opcode(n uint16) {
	switch n {
	case 0:
	case 1:
		r.text(" inverse")
	case 2:
		r.text(" status")
	case 4:
		r.text(" notify")
	case 5:
		r.text(" update")
	default:
		r.text(" opcode ")
		r.uint(uint64(n))
	}
}

// class appends a class other than the Internet's. The highest bit is multicast
// DNS's own (RFC 6762, 5.4).
func (r *row) class(n uint16) {
	switch n &^ 0x8000 {
	case 1:
	case 3:
		r.text(" CHAOS")
	case 255:
		r.text(" ANY")
	default:
		r.text(" class ")
		r.uint(uint64(n &^ 0x8000))
	}
	if n&0x8000 != 0 {
		r.text(" (QU)")
	}
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
			r.more(count - i)
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
		r.value(kind, b, value, size)
		at = value + size
	}
}

// value appends what a record holds: size bytes of b from at on.
func (r *row) value(kind uint16, b []byte, at, size int) {
	switch {
	case kind == 1 && size == 4:
		r.ip4(b[at:])
		return
	case kind == 28 && size == 16:
		r.ip6(b[at : at+16])
		return
	}
	r.recordType(kind)
	switch {
	case kind == 2 || kind == 5 || kind == 12:
		r.byte(' ')
		r.domain(b, at)
	case kind == 15 && size > 2: // MX
		r.byte(' ')
		r.domain(b, at+2)
		r.byte(' ')
		r.uint(uint64(be.Uint16(b[at:])))
	case kind == 33 && size > 6: // SRV
		r.byte(' ')
		r.domain(b, at+6)
		r.byte(':')
		r.uint(uint64(be.Uint16(b[at+4:])))
		r.byte(' ')
		r.uint(uint64(be.Uint16(b[at:])))
		r.byte(' ')
		r.uint(uint64(be.Uint16(b[at+2:])))
	case kind == 16 && size > 0 && int(b[at]) < size: // TXT
		r.byte(' ')
		r.name(b[at+1 : at+1+int(b[at])])
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
