package pane

import (
	"encoding/binary"

	"steth/packets"
)

const (
	keyed       = 96   // bytes of an IP packet that tell it from others
	offloadable = 1514 // larger frames are cut up by hardware on their way
)

// identity tells whether two panes saw the same packet.
type identity struct {
	key  uint64 // of what stays as it is from hop to hop; 0 when unknown
	pair uint64 // of the two addresses, whichever way the packet goes
	cut  bool   // may be cut up on its way, so that its absence proves nothing

	tracer Tracer // nil where no tracer knows the packet
	number uint64 // the tracer's
}

// identify makes a packet's identity from the bytes that a bridge, a switch or
// a tunnel leaves alone: the IP packet without its time to live and the
// checksums, which hardware fills in later; or the whole ARP message. What NAT
// or a tunnel header changes is another packet here.
func identify(p *packets.Packet) identity {
	d := p.Data
	if len(d) < 14 {
		return identity{}
	}
	kind, d := binary.BigEndian.Uint16(d[12:]), d[14:]
	for (kind == 0x8100 || kind == 0x88a8) && len(d) >= 4 {
		kind, d = binary.BigEndian.Uint16(d[2:]), d[4:]
	}
	switch kind {
	case 0x0800:
		return identify4(d, p.Length)
	case 0x86dd:
		return identify6(d, p.Length)
	case 0x0806:
		if len(d) < 28 {
			return identity{}
		}
		return identity{key: hash(d[:28]), pair: pair(d[14:18], d[24:28])}
	}
	return identity{}
}

func identify4(d []byte, length uint32) identity {
	if len(d) < 20 || d[0]>>4 != 4 {
		return identity{}
	}
	head := int(d[0]&15) * 4
	total := int(binary.BigEndian.Uint16(d[2:]))
	if head < 20 || total < head || len(d) < min(total, keyed) {
		return identity{} // cut shorter than what is compared
	}
	var buf [keyed]byte
	b := buf[:copy(buf[:], d[:min(total, keyed)])]
	b[8], b[10], b[11] = 0, 0, 0
	first := binary.BigEndian.Uint16(d[6:])&0x1fff == 0
	if first {
		clearSum(b, head, d[9])
	}
	return identity{key: hash(b), pair: pair(d[12:16], d[16:20]), cut: length > offloadable}
}

func identify6(d []byte, length uint32) identity {
	if len(d) < 40 || d[0]>>4 != 6 {
		return identity{}
	}
	total := 40 + int(binary.BigEndian.Uint16(d[4:]))
	if len(d) < min(total, keyed) {
		return identity{}
	}
	var buf [keyed]byte
	b := buf[:copy(buf[:], d[:min(total, keyed)])]
	b[7] = 0
	clearSum(b, 40, d[6])
	return identity{key: hash(b), pair: pair(d[8:24], d[24:40]), cut: length > offloadable}
}

// clearSum empties the checksum of a TCP or UDP header at head.
func clearSum(b []byte, head int, proto byte) {
	at := 0
	switch proto {
	case 6:
		at = head + 16
	case 17:
		at = head + 6
	default:
		return
	}
	if at+2 <= len(b) {
		b[at], b[at+1] = 0, 0
	}
}

// hash is FNV-1a, and never 0.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return max(h, 1)
}

func pair(a, b []byte) uint64 { return hash(a) + hash(b) }
