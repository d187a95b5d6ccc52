package packets

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// variant is a packet of one protocol in one of its shapes, the odd ones
// included. Our rows of all of them are compared with tcpdump's, field by
// field, and they are what fuzzing starts from.
type variant struct {
	proto, name string
	packet      Packet
}

// variants returns all of them, each with a time of its own: its place in the
// list, in seconds.
func variants(t testing.TB) []variant {
	t.Helper()
	var all []variant
	for _, some := range []func() []variant{
		arpVariants, icmpVariants, errorVariants, icmp6Variants, ndVariants, mldVariants, igmpVariants, vrrpVariants, lldpVariants,
		tcpVariants, udpVariants, fragmentVariants, vlanVariants, ipVariants,
		dhcpVariants, dhcp6Variants, dnsVariants,
		vxlanVariants, greVariants, geneveVariants,
	} {
		all = append(all, some()...)
	}
	for i := range all {
		all[i].packet.Time = int64(i) * 1e9
	}
	return all
}

// protocols are those of which rows are compared with tcpdump's.
var protocols = []string{
	"ARP", "ICMP", "ICMPv6", "ND", "TCP", "UDP", "DHCP", "DHCPv6", "DNS", "VXLAN", "GRE", "Geneve", "VRRP", "LLDP",
	"IGMP", "MLD", "fragments", "802.1Q", "QinQ",
}

func TestEveryProtocolHasItsVariants(t *testing.T) {
	seen, names := map[string]int{}, map[string]bool{}
	for _, v := range variants(t) {
		seen[v.proto]++
		if id := v.proto + " " + v.name; names[id] {
			t.Errorf("two are called %q", id)
		} else {
			names[id] = true
		}
	}
	for _, p := range protocols {
		if seen[p] < 6 {
			t.Errorf("%d variants of %s, want at least 6", seen[p], p)
		}
	}
}

// set collects the variants of one protocol.
type set struct {
	proto string
	all   []variant
}

func (s *set) add(name string, frame []byte) { s.packet(name, whole(frame)) }

// cut adds what a capture that keeps n bytes has of a frame.
func (s *set) cut(name string, frame []byte, n int) { s.packet(name, cutTo(frame, n)) }

func (s *set) packet(name string, p Packet) {
	s.all = append(s.all, variant{s.proto, name, p})
}

func raw(parts ...any) gopacket.Payload {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, unhex(p)...)
		case []byte:
			b = append(b, p...)
		case gopacket.Payload:
			b = append(b, p...)
		case net.HardwareAddr:
			b = append(b, p...)
		case net.IP:
			b = append(b, p...)
		case int:
			b = append(b, make([]byte, p)...)
		case uint16:
			b = binary.BigEndian.AppendUint16(b, p)
		case uint32:
			b = binary.BigEndian.AppendUint32(b, p)
		default:
			panic(fmt.Sprintf("raw: %T", p))
		}
	}
	return b
}

// frame4 and frame6 are whole frames of an IP protocol.
func frame4(proto layers.IPProtocol, parts ...any) []byte {
	return build(ether(layers.EthernetTypeIPv4), ip4(proto), raw(parts...))
}

func frame6(proto layers.IPProtocol, parts ...any) []byte {
	return build(ether(layers.EthernetTypeIPv6), ip6(proto), raw(parts...))
}

func framed(kind layers.EthernetType, parts ...any) []byte {
	return build(ether(kind), raw(parts...))
}

// inner is the frame without its Ethernet header.
func inner(frame []byte) []byte { return frame[14:] }

// changed is a copy of a frame with other bytes from at on.
func changed(frame []byte, at int, b ...byte) []byte {
	frame = append([]byte(nil), frame...)
	copy(frame[at:], b)
	return frame
}

// summed6 is a frame of IPv6 with an ICMPv6 message and its right checksum.
func summed6(src, dst string, message ...any) []byte {
	body := raw(message...)
	src6, dst6 := ip(src), ip(dst)
	body[2], body[3] = 0, 0
	sum := uint32(len(body)) + 58
	for _, b := range [][]byte{src6, dst6, body} {
		for i, c := range b {
			if i%2 == 0 {
				sum += uint32(c) << 8
			} else {
				sum += uint32(c)
			}
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(body[2:], ^uint16(sum))
	head := ip6(layers.IPProtocolICMPv6)
	head.SrcIP, head.DstIP = src6, dst6
	return build(ether(layers.EthernetTypeIPv6), head, body)
}
