package match

import (
	"bytes"
	"hash/maphash"
	"net/netip"
)

// key is what makes two sightings one packet. Both words are needed: the hash
// covers everything that no hop changes, with a seed that nobody knows; plain
// repeats the numbers that differ most between packets of one flow.
type key struct{ hash, plain uint64 }

// role is a packet's part in a question and its answer.
type role uint8

const (
	noRole role = iota
	asks
	answers
)

// identity is what is known of a packet, wherever it's seen.
type identity struct {
	key    key
	again  uint64 // equal for a packet that its sender sends again; 0 where that isn't told
	pair   uint64 // equal for a question and its answer; 0 for others
	role   role
	length uint32 // of its Ethernet frame on the wire, without tag
	whole  uint32 // of its IP packet
	origin int    // +1 from the near end or to the far one, -1 the other way, 0 not known
	strong bool   // no second packet has this key by chance or habit
	form   form
	parts  uint64 // names a datagram of IPv4 and its fragments; 0: has none
}

// form says how a packet may be cut or joined on its way.
type form uint8

const (
	formFragment form = 1 << iota
	formStream        // bytes of TCP's stream
)

// identifier turns frames into identities. It's not safe for concurrent use.
type identifier struct {
	seed    maphash.Seed
	options *Options
	scratch []byte
}

func (i *identifier) put(b ...byte)  { i.scratch = append(i.scratch, b...) }
func (i *identifier) put16(n uint16) { i.scratch = be.AppendUint16(i.scratch, n) }
func (i *identifier) put32(n uint32) { i.scratch = be.AppendUint32(i.scratch, n) }

// sum hashes what was put so far. It's never 0.
func (i *identifier) sum() uint64 { return maphash.Bytes(i.seed, i.scratch) | 1 }

// address puts an address as hop 0 sees it, and says whose it is.
func (i *identifier) address(h *Hop, b []byte) (mine, theirs bool) {
	a, _ := netip.AddrFromSlice(b)
	for t := range h.Translate {
		if h.Translate[t].Here == a {
			a = h.Translate[t].Origin
			break
		}
	}
	if !i.options.AnyAddress {
		all := a.As16()
		i.put(all[:]...)
	}
	return contains(i.options.Near, a), contains(i.options.Far, a)
}

// ends puts both addresses and says which way they point. Pair is the same for
// the two directions.
func (i *identifier) ends(h *Hop, src, dst []byte, id *identity) (pair uint64) {
	start := len(i.scratch)
	srcNear, srcFar := i.address(h, src)
	middle := len(i.scratch)
	dstNear, dstFar := i.address(h, dst)
	if middle > start {
		pair = maphash.Bytes(i.seed, i.scratch[start:middle]) + maphash.Bytes(i.seed, i.scratch[middle:])
	}
	switch out, back := srcNear || dstFar, srcFar || dstNear; {
	case out && !back:
		id.origin = 1
	case back && !out:
		id.origin = -1
	}
	return pair
}

// identify works out who the frame's packet is, as h sees it.
func (i *identifier) identify(h *Hop, f *frame, id *identity) problem {
	*id = identity{}
	i.scratch = i.scratch[:0]
	switch f.kind {
	case typeIPv4, typeIPv6:
		return i.internet(h, f, id)
	case typeARP:
		return i.arp(h, f, id)
	}
	return foreign
}

func (i *identifier) arp(h *Hop, f *frame, id *identity) problem {
	b := f.body
	if len(b) < 28 {
		return cutOr(malformed, len(b), f.wire)
	}
	if be.Uint16(b) != 1 || be.Uint16(b[2:]) != typeIPv4 || b[4] != 6 || b[5] != 4 {
		return foreign
	}
	op := be.Uint16(b[6:])
	i.put16(typeARP)
	i.put16(op)
	pair := i.ends(h, b[14:18], b[24:28], id)
	i.put(b[8:14]...)
	if op != 1 {
		i.put(b[18:24]...) // in a question it means nothing, and some fill it
	}
	id.key = key{i.sum(), uint64(op)}
	id.again = id.key.hash
	id.length, id.whole = ethernet+28, 28
	if !bytes.Equal(b[14:18], b[24:28]) { // an announcement expects no answer
		switch op {
		case 1:
			id.role, id.pair = asks, pair^typeARP|1
		case 2:
			id.role, id.pair = answers, pair^typeARP|1
		}
	}
	return none
}

func (i *identifier) internet(h *Hop, f *frame, id *identity) problem {
	var d datagram
	if bad := d.parse(f.kind, f.body, f.wire); bad != none {
		return bad
	}
	if need := min(i.options.Prefix, d.total); d.head+len(d.body) < need {
		return short
	}
	d.body = d.body[:max(0, min(len(d.body), i.options.Prefix-d.head))]
	id.length, id.whole = uint32(ethernet+d.total), uint32(d.total)

	i.put16(f.kind)
	i.put(d.proto)
	t := transport{identifier: i, id: id, d: &d, size: d.total - d.head}
	t.pair = i.ends(h, d.src, d.dst, id)
	if bad := t.read(); bad != none {
		return bad
	}
	i.put32(d.id) // after all that stays when the sender repeats itself
	i.put32(d.label)
	i.put32(uint32(d.total))
	i.put16(uint16(d.offset))
	if d.more {
		i.put(1)
	}
	id.key = key{i.sum(), t.plain ^ uint64(d.id)<<32 ^ uint64(d.total)}
	id.strong = d.proto == protoTCP || d.id != 0 || id.pair != 0
	if !d.v6 {
		id.parts = uint64(d.id)<<8 | uint64(d.proto) | 1<<63
		if d.fragment() {
			id.form |= formFragment
		}
	}
	return none
}
