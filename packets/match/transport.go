package match

// transport puts what a transport protocol says into an identity: first what
// stays when the sender repeats itself, then ([transport.repeats]) the rest.
type transport struct {
	*identifier
	id    *identity
	d     *datagram
	pair  uint64 // of the two addresses, whichever way
	size  int    // of the body on the wire
	plain uint64 // numbers for the key
}

// repeats says that a packet with all that was put so far is the same one,
// sent again.
func (t *transport) repeats() { t.id.again = t.sum() }

// question and answer name the pair that this packet belongs to.
func (t *transport) question(parts ...uint64) { t.pairUp(asks, parts) }
func (t *transport) answer(parts ...uint64)   { t.pairUp(answers, parts) }

func (t *transport) pairUp(r role, parts []uint64) {
	h := t.pair ^ uint64(t.d.proto)
	for _, p := range parts {
		h = (h ^ p) * 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: spreads the bits
		h ^= h >> 29
	}
	t.id.role, t.id.pair = r, h|1
}

func (t *transport) read() problem {
	if t.d.offset > 0 {
		t.put(t.d.body...)
		return none
	}
	switch t.d.proto {
	case protoTCP:
		return t.tcp()
	case protoUDP:
		return t.udp()
	case protoICMP:
		return t.icmp()
	case protoICMPv6:
		return t.icmp6()
	}
	t.put(t.d.body...)
	return none
}

// needs says what to make of a body of less than n bytes. Where the prefix is
// at fault more of it would not help, so it's short.
func (t *transport) needs(n int) problem {
	if len(t.d.body) >= n {
		return none
	}
	return cutOr(malformed, len(t.d.body), t.size)
}

// ports puts two ports, and gives a number that is the same both ways.
func (t *transport) ports(b []byte) uint64 {
	if t.options.AnyPort {
		return 0
	}
	t.put(b[:4]...)
	src, dst := be.Uint16(b), be.Uint16(b[2:])
	return uint64(min(src, dst))<<16 | uint64(max(src, dst))
}

func (t *transport) tcp() problem {
	if bad := t.needs(20); bad != none {
		return bad
	}
	const fin, syn, rst, ack = 1, 2, 4, 16
	b := t.d.body
	seq, acked, flags, size := be.Uint32(b[4:]), be.Uint32(b[8:]), b[13], int(b[12]>>4)*4
	if size < 20 || size > t.size {
		return malformed
	}
	data := t.size - size
	t.plain = uint64(seq)<<32 | uint64(acked)
	both := t.ports(b)
	t.put32(seq)
	t.put(flags & (fin | syn | rst))
	t.put32(uint32(data))
	t.put(b[min(size, len(b)):]...)
	if data > 0 || flags&(syn|fin) != 0 {
		t.repeats()
	}
	t.put(b[8:16]...) // acknowledged, sizes, flags, window
	if flags&syn == 0 {
		t.put(b[20:min(size, len(b))]...)
	}
	if data > 0 {
		t.id.form |= formStream
	}
	switch {
	case flags&(syn|ack) == syn:
		t.question(both, uint64(seq+1))
	case flags&(syn|ack) == syn|ack, flags&(rst|ack) == rst|ack:
		t.answer(both, uint64(acked))
	}
	return none
}

func (t *transport) udp() problem {
	if bad := t.needs(8); bad != none {
		return bad
	}
	b := t.d.body
	src, dst, body := be.Uint16(b), be.Uint16(b[2:]), b[8:]
	both := t.ports(b)
	t.put(b[4:6]...) // length
	t.put(body...)
	switch {
	case (src == portDNS || dst == portDNS) && len(body) >= 4:
		t.repeats()
		if body[2]&0x80 == 0 {
			t.question(both, uint64(be.Uint16(body)))
		} else {
			t.answer(both, uint64(be.Uint16(body)))
		}
	case (src == portDHCP || dst == portDHCP) && len(body) >= 8:
		// A client asks from 0.0.0.0, so the addresses say nothing.
		t.pair = 0
		if xid := uint64(be.Uint32(body[4:])); body[0] == 1 {
			t.question(portDHCP, xid)
		} else {
			t.answer(portDHCP, xid)
		}
	}
	return none
}

func (t *transport) icmp() problem {
	if bad := t.needs(8); bad != none {
		return bad
	}
	b := t.d.body
	t.put(b[:2]...)
	switch b[0] {
	case 0, 8:
		t.echo(b, b[0] == 8)
	case 3, 4, 5, 11, 12:
		t.put(b[4:8]...)
		t.quoted(typeIPv4, b[8:])
	default:
		t.put(b[4:]...)
	}
	return none
}

func (t *transport) icmp6() problem {
	if bad := t.needs(8); bad != none {
		return bad
	}
	b := t.d.body
	t.put(b[:2]...)
	switch kind := b[0]; {
	case kind == 128 || kind == 129:
		t.echo(b, kind == 128)
	case kind < 128:
		t.put(b[4:8]...)
		t.quoted(typeIPv6, b[8:])
	default:
		t.put(b[4:]...)
		if (kind == 135 || kind == 136) && len(b) >= 24 { // neighbour discovery, RFC 4861
			t.repeats()
			t.pair = 0 // a question goes to a multicast address
			if hi, lo := be.Uint64(b[8:]), be.Uint64(b[16:]); kind == 135 {
				t.question(hi, lo)
			} else {
				t.answer(hi, lo)
			}
		}
	}
	return none
}

func (t *transport) echo(b []byte, request bool) {
	id, seq := be.Uint16(b[4:]), be.Uint16(b[6:])
	if t.options.AnyPort {
		id = 0 // NAT gives echoes a new id as it gives others a new port
	}
	t.put16(id)
	t.put16(seq)
	t.put(b[8:]...)
	t.repeats()
	t.plain = uint64(id)<<16 | uint64(seq)
	if request {
		t.question(uint64(id), uint64(seq))
	} else {
		t.answer(uint64(id), uint64(seq))
	}
}

// quoted puts what an error says of the packet that it is about: what NAT and
// routers leave as it was.
func (t *transport) quoted(kind uint16, b []byte) {
	var d datagram
	if d.parse(kind, b, len(b)) != none {
		return
	}
	t.put32(d.id)
	t.put32(uint32(d.total))
	t.put(d.proto)
	if len(d.body) < 8 {
		return
	}
	switch d.proto {
	case protoTCP:
		t.put(d.body[4:8]...)
	case protoICMP, protoICMPv6:
		t.put(d.body[0], d.body[6], d.body[7])
	case protoUDP:
		t.put(d.body[4:6]...)
	}
}
