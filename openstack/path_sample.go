package openstack

import (
	"fmt"
	"strconv"
)

// MaxSample is the largest shift of [Hop.Sample]: 1 packet in 1024.
const MaxSample = 10

// Sample narrows a filter of the hop to about one packet in 1<<shift, the same
// packets at every hop of the path: what decides is a hash of numbers that no
// hop changes, so not addresses, ports, TTL or checksums. Those are IPv4's
// identification (RFC 791), and where that is 0, as with IPv6 and datagrams that
// must not be fragmented (RFC 6864), TCP's sequence and acknowledgement numbers,
// ICMP's sequence number, or the first 8 bytes that a UDP datagram carries.
// Other packets, ARP among them, all stay: they are few.
//
// The answer's Skip is set where the hop's filter is too long to be narrowed.
func (h Hop) Sample(f Filter, shift int) Filter {
	if shift <= 0 || f.Skip != "" {
		return f
	}
	text := allOf(bracketed(f.Text), "("+sampler{wordsAt(h.Encap), min(shift, MaxSample)}.text()+")")
	if len(text) > longestFilter {
		f.Skip = "the filter would be too long to pick the same packets as at the other hops"
		return f
	}
	f.Text = text
	return f
}

func bracketed(text string) string {
	if text == "" {
		return ""
	}
	return "(" + text + ")"
}

// sampler says which packets are picked, in the words of a place.
type sampler struct {
	words words
	shift int
}

// field is size bytes of a layer at an offset.
type field func(offset, size int) string

// text is true for what is picked. Offsets are those of RFC 791 (IPv4), 8200
// (IPv6), 9293 (TCP), 792 and 4443 (ICMP), and 768 (UDP).
func (s sampler) text() string {
	l := s.words.layers()
	id := l.four(4, 2)
	number := s.byProtocol(l.four(9, 1), protoICMP, l.overFour)
	return anyOf(
		allOf(l.isFour, anyOf(
			allOf(id+" != 0", s.picks(id)),
			allOf(id+" = 0", number),
		)),
		allOf(l.isSix, s.byProtocol(l.six(6, 1), protoICMPv6, l.overSix)),
		allOf("not "+l.isFour, "not "+l.isSix),
	)
}

// byProtocol picks by the numbers of the layer above IP.
func (s sampler) byProtocol(proto string, icmp int, over field) string {
	is := func(n int) string { return proto + " = " + strconv.Itoa(n) }
	return anyOf(
		allOf(is(protoTCP), s.picks(over(4, 4)+" + "+over(8, 4))),
		allOf(is(icmp), s.picks(over(6, 2))),
		allOf(is(protoUDP), anyOf(over(4, 2)+" < 16", s.picks(over(8, 4)+" + "+over(12, 4)))),
		allOf(fmt.Sprintf("%[1]s != %[2]d and %[1]s != %[3]d and %[1]s != %[4]d", proto, protoTCP, icmp, protoUDP)),
	)
}

// picks hashes numbers to one of 1<<shift: Knuth's multiplicative hash, whose
// upper bits depend on all bits (The Art of Computer Programming 3, 6.4).
func (s sampler) picks(number string) string {
	return fmt.Sprintf("((%s) * 2654435761) >> %d = 0", number, 32-s.shift)
}

// layers is how the layers of a packet are read at a place.
type layers struct {
	isFour, isSix     string // it is IPv4, IPv6
	four, six         field  // of the IP header
	overFour, overSix field  // of the layer above; of a later fragment it's false
}

func (bare) layers() layers {
	at := func(layer string, start int) field {
		return func(offset, size int) string { return fmt.Sprintf("%s[%d:%d]", layer, start+offset, size) }
	}
	return layers{
		isFour: "ip", isSix: "ip6", four: at("ip", 0), six: at("ip6", 0), overSix: at("ip6", headerIPv6),
		overFour: func(offset, size int) string {
			return fmt.Sprintf("ip[((ip[0] & 0xf) << 2) + %d:%d]", offset, size)
		},
	}
}

func (in inside) layers() layers {
	at := func(start int) field {
		return func(offset, size int) string { return in.at(strconv.Itoa(start+offset), size) }
	}
	length := "((" + in.at(strconv.Itoa(etherHeader), 1) + " & 0xf) << 2)"
	return layers{
		isFour: in.kind(etherIPv4), isSix: in.kind(etherIPv6),
		four: at(etherHeader), six: at(etherHeader), overSix: at(etherHeader + headerIPv6),
		overFour: func(offset, size int) string {
			return in.at(fmt.Sprintf("%d + %s", etherHeader+offset, length), size)
		},
	}
}
