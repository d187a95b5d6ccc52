package openstack

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// words says conditions on a packet in tcpdump's language (pcap-filter(7)). Each
// answer can be joined with and, or and not as it is.
type words interface {
	ether(mac string) string            // from or to
	host(a netip.Addr) string           // from or to, ARP as well
	net(p netip.Prefix) string          // from or to
	between(p netip.Prefix) string      // from and to
	arp() string                        //
	icmp() string                       // of IPv4 or IPv6
	proto(name string) string           // tcp or udp
	port(proto string, n uint16) string // from or to
	dhcp(mac string) string             // of the client with this address
	neighbour(target netip.Addr) string // solicitation or advertisement of an IPv6 address
	layers() layers                     // how its bytes are read
}

// wordsAt is how packets must be spoken of at a place with such an encapsulation.
func wordsAt(e Encap) words {
	if e.Tunnel() {
		return inside{innerOf(e)}
	}
	return bare{}
}

// bare speaks of the packet itself.
type bare struct{}

func (bare) ether(mac string) string            { return "ether host " + mac }
func (bare) host(a netip.Addr) string           { return "host " + a.String() }
func (bare) net(p netip.Prefix) string          { return "net " + p.Masked().String() }
func (bare) arp() string                        { return "arp" }
func (bare) icmp() string                       { return "(icmp or icmp6)" }
func (bare) proto(name string) string           { return name }
func (bare) port(proto string, n uint16) string { return fmt.Sprintf("%s port %d", proto, n) }

func (bare) between(p netip.Prefix) string {
	return fmt.Sprintf("(src net %[1]s and dst net %[1]s)", p.Masked())
}

// Of DHCP over IPv4 the client's address in the message (RFC 2131, chaddr: 28
// bytes behind the 8 of UDP) tells whose it is, also where the answer is a
// broadcast. DHCPv6 messages have no such field; they go to the client itself.
func (bare) dhcp(mac string) string {
	high, low := halves(mac)
	return fmt.Sprintf("((udp and (port 67 or port 68) and udp[36:4] = 0x%08x and udp[40:2] = 0x%04x) or (ip6 and udp and (port 546 or port 547) and ether host %s))", high, low, mac)
}

// The type and the target of a message of neighbour discovery stand at bytes 0 and
// 8 of ICMPv6 (RFC 4861, 4.3 and 4.4).
func (bare) neighbour(target netip.Addr) string {
	list := []string{"icmp6", "(ip6[40] = 135 or ip6[40] = 136)"}
	for i, b := 0, target.As16(); i < 16; i += 4 {
		list = append(list, fmt.Sprintf("ip6[%d:4] = 0x%08x", headerIPv6+8+i, binary.BigEndian.Uint32(b[i:])))
	}
	return "(" + allOf(list...) + ")"
}

// inside speaks of the Ethernet frame in a tunnel, byte by byte: libpcap knows
// few tunnels, and those by their usual ports alone. at gives the expression for
// size bytes (1, 2 or 4) at an offset in the frame, which may be an expression.
type inside struct {
	at func(offset string, size int) string
}

// Offsets in the frame (IEEE 802.3, RFC 791, RFC 826, RFC 8200).
const (
	etherHeader = 14
	etherIPv4   = 0x0800
	etherARP    = 0x0806
	etherIPv6   = 0x86dd
)

// Numbers of protocols (IANA).
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

func (in inside) is(offset, size int, value uint64) string {
	return fmt.Sprintf("%s = 0x%0*x", in.at(strconv.Itoa(offset), size), 2*size, value)
}

func (in inside) kind(ether uint64) string { return in.is(12, 2, ether) }

func (in inside) ether(mac string) string {
	high, low := halves(mac)
	to := allOf(in.is(0, 4, uint64(high)), in.is(4, 2, uint64(low)))
	from := allOf(in.is(6, 4, uint64(high)), in.is(10, 2, uint64(low)))
	return anyOf(to, from)
}

func (in inside) host(a netip.Addr) string { return in.net(netip.PrefixFrom(a, a.BitLen())) }

func (in inside) net(p netip.Prefix) string {
	return in.addresses(p, func(from, to string) string { return anyOf(from, to) })
}

func (in inside) between(p netip.Prefix) string {
	return in.addresses(p, func(from, to string) string { return allOf(from, to) })
}

// addresses joins the conditions that the source and the destination are in p,
// of IP and, as tcpdump's own words mean it, of ARP.
func (in inside) addresses(p netip.Prefix, join func(from, to string) string) string {
	layer := func(kind uint64, from, to int) string {
		return "(" + allOf(in.kind(kind), join(in.prefix(etherHeader+from, p), in.prefix(etherHeader+to, p))) + ")"
	}
	if p.Addr().Is4() {
		return anyOf(layer(etherIPv4, 12, 16), layer(etherARP, 14, 24))
	}
	return layer(etherIPv6, 8, 24)
}

// prefix is the condition that the address at an offset is in p.
func (in inside) prefix(offset int, p netip.Prefix) string {
	var list []string
	bytes, bits := p.Masked().Addr().AsSlice(), p.Bits()
	for i := 0; i < len(bytes) && bits > 0; i += 4 {
		word := binary.BigEndian.Uint32(bytes[i:])
		field := in.at(strconv.Itoa(offset+i), 4)
		if bits < 32 {
			field += fmt.Sprintf(" & 0x%08x", ^uint32(0)<<(32-bits))
		}
		list = append(list, fmt.Sprintf("%s = 0x%08x", field, word))
		bits -= 32
	}
	return allOf(list...)
}

func (in inside) arp() string { return in.kind(etherARP) }

func (in inside) icmp() string { return in.ip(protoICMP, protoICMPv6) }

// ip is a protocol over IPv4 or IPv6, the latter without extension headers.
func (in inside) ip(four, six uint64) string {
	return anyOf(
		allOf(in.kind(etherIPv4), in.is(etherHeader+9, 1, four)),
		allOf(in.kind(etherIPv6), in.is(etherHeader+6, 1, six)),
	)
}

func (in inside) proto(name string) string {
	n := uint64(protoUDP)
	if name == "tcp" {
		n = protoTCP
	}
	return in.ip(n, n)
}

func (in inside) port(_ string, n uint16) string {
	// Only a first fragment has ports; the header's length is in its first byte.
	length := "(" + in.at(strconv.Itoa(etherHeader), 1) + " & 0xf) * 4"
	four := func(at int) string {
		return fmt.Sprintf("%s = %d", in.at(fmt.Sprintf("%d + %s", etherHeader+at, length), 2), n)
	}
	first := in.at(strconv.Itoa(etherHeader+6), 2) + " & 0x1fff = 0"
	six := func(at int) string {
		return fmt.Sprintf("%s = %d", in.at(strconv.Itoa(etherHeader+headerIPv6+at), 2), n)
	}
	return anyOf(
		allOf(in.kind(etherIPv4), first, anyOf(four(0), four(2))),
		allOf(in.kind(etherIPv6), anyOf(six(0), six(2))),
	)
}

func (in inside) dhcp(mac string) string {
	high, low := halves(mac)
	const chaddr = etherHeader + headerIPv4 + 8 + 28 // DHCP's IP headers have no options
	four := allOf(in.kind(etherIPv4), in.is(etherHeader+9, 1, protoUDP), anyOf(in.port("", 67), in.port("", 68)),
		in.is(chaddr, 4, uint64(high)), in.is(chaddr+4, 2, uint64(low)))
	six := allOf(in.kind(etherIPv6), in.is(etherHeader+6, 1, protoUDP), anyOf(in.port("", 546), in.port("", 547)), in.ether(mac))
	return anyOf(four, six)
}

func (in inside) neighbour(target netip.Addr) string {
	const icmp = etherHeader + headerIPv6
	return "(" + allOf(in.kind(etherIPv6), in.is(etherHeader+6, 1, protoICMPv6), anyOf(in.is(icmp, 1, 135), in.is(icmp, 1, 136)),
		in.prefix(icmp+8, netip.PrefixFrom(target, 128))) + ")"
}

// halves are the first four and the last two bytes of a MAC.
func halves(mac string) (high uint32, low uint16) {
	n, _ := strconv.ParseUint(strings.ReplaceAll(NormalMAC(mac), ":", ""), 16, 64)
	return uint32(n >> 16), uint16(n)
}

// innerOf reads the frame in a tunnel: behind UDP (8) and VXLAN (8, RFC 7348), or
// UDP, Geneve (8, RFC 8926) and its options, or GRE with a key (8, RFC 2890).
// libpcap's udp[] is of IPv4 alone; IPv6 is read from its own start.
func innerOf(e Encap) func(string, int) string {
	layer, start := "udp", 8
	switch {
	case e.Kind == EncapGRE && e.v6():
		layer, start = "ip6", headerIPv6
	case e.Kind == EncapGRE:
		layer, start = "ip", headerIPv4
	case e.v6():
		layer, start = "ip6", headerIPv6+8
	}
	frame := strconv.Itoa(start + 8)
	if e.Kind == EncapGeneve {
		frame += fmt.Sprintf(" + (%s[%d] & 0x3f) * 4", layer, start)
	}
	return func(offset string, size int) string {
		n, err1 := strconv.Atoi(offset)
		base, err2 := strconv.Atoi(frame)
		at := frame + " + " + offset
		if err1 == nil && err2 == nil {
			at = strconv.Itoa(base + n)
		}
		if size == 1 {
			return fmt.Sprintf("%s[%s]", layer, at)
		}
		return fmt.Sprintf("%s[%s:%d]", layer, at, size)
	}
}

// networkOf is the condition that a tunnel's packet is of the network.
func networkOf(e Encap) string {
	switch {
	case e.Kind == EncapGRE && e.v6():
		return fmt.Sprintf("ip6[44:4] = %d", e.ID)
	case e.Kind == EncapGRE:
		return fmt.Sprintf("ip[24:4] = %d", e.ID)
	case e.v6():
		return fmt.Sprintf("ip6[52:4] & 0xffffff00 = 0x%x", e.ID<<8)
	}
	return fmt.Sprintf("udp[12:4] & 0xffffff00 = 0x%x", e.ID<<8)
}

func (e Encap) v6() bool { return e.Local.Is6() || e.Remote.Is6() }
