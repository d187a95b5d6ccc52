package packets

import (
	"github.com/google/gopacket/layers"
)

func tcpOption(kind layers.TCPOptionKind, data ...byte) layers.TCPOption {
	if kind < 2 {
		return layers.TCPOption{OptionType: kind}
	}
	return layers.TCPOption{OptionType: kind, OptionLength: uint8(2 + len(data)), OptionData: data}
}

func tcpVariants() []variant {
	s := set{proto: "TCP"}
	nop := tcpOption(1)
	stamps := tcpOption(8, 0, 0, 0, 9, 0, 0, 0, 4)
	s.add("SYN", tcp4(&layers.TCP{SYN: true, Options: []layers.TCPOption{
		tcpOption(2, 5, 180), tcpOption(4), stamps, nop, tcpOption(3, 7),
	}}, 0))
	s.add("SYN ACK", tcp4(&layers.TCP{SYN: true, ACK: true, Options: []layers.TCPOption{tcpOption(2, 5, 120), nop, tcpOption(3, 7)}}, 0))
	s.add("SYN with congestion notification", tcp4(&layers.TCP{SYN: true, ECE: true, CWR: true}, 0))
	s.add("SYN with data", tcp4(&layers.TCP{SYN: true, Options: []layers.TCPOption{nop, nop, tcpOption(34, 1, 2, 3, 4, 5, 6, 7, 8)}}, 20))
	s.add("ACK", tcp4(&layers.TCP{ACK: true}, 0))
	s.add("data", tcp4(&layers.TCP{PSH: true, ACK: true}, 100))
	s.add("data with timestamps", tcp4(&layers.TCP{PSH: true, ACK: true, Options: []layers.TCPOption{nop, nop, stamps}}, 100))
	s.add("selective ACK", tcp4(&layers.TCP{ACK: true, Options: []layers.TCPOption{
		nop, nop, stamps, nop, nop, tcpOption(5, 0, 0, 11, 184, 0, 0, 15, 160, 0, 0, 19, 136, 0, 0, 23, 112),
	}}, 0))
	s.add("FIN", tcp4(&layers.TCP{FIN: true, ACK: true}, 0))
	s.add("FIN with data", tcp4(&layers.TCP{FIN: true, PSH: true, ACK: true}, 10))
	s.add("reset", tcp4(&layers.TCP{RST: true}, 0))
	s.add("reset with ACK", tcp4(&layers.TCP{RST: true, ACK: true}, 0))
	s.add("reset with data", tcp4(&layers.TCP{RST: true, ACK: true}, 30))
	s.add("urgent", tcp4(&layers.TCP{ACK: true, URG: true, Urgent: 5}, 10))
	s.add("congestion", tcp4(&layers.TCP{ACK: true, ECE: true}, 10))
	s.add("nonce", tcp4(&layers.TCP{ACK: true, NS: true}, 10))
	s.add("all flags", tcp4(&layers.TCP{FIN: true, SYN: true, RST: true, PSH: true, ACK: true, URG: true, ECE: true, CWR: true, NS: true}, 0))
	s.add("no flags", tcp4(&layers.TCP{}, 0))
	s.add("sequence numbers that wrap", changed(tcp4(&layers.TCP{ACK: true}, 100), 38, 0xff, 0xff, 0xff, 0xf0))
	s.add("wrong checksum", changed(tcp4(&layers.TCP{ACK: true}, 10), 50, 0xde, 0xad))
	s.add("header of 16 bytes", changed(tcp4(&layers.TCP{ACK: true}, 10), 46, 0x40))
	s.add("header longer than the segment", changed(tcp4(&layers.TCP{ACK: true}, 10), 46, 0xf0))
	s.add("option that is too long", changed(tcp4(&layers.TCP{SYN: true, Options: []layers.TCPOption{nop, nop, stamps}}, 0), 57, 99))
	s.add("keep-alive padding", append(tcp4(&layers.TCP{ACK: true}, 0), make([]byte, 6)...))
	s.cut("headers only", tcp4(&layers.TCP{PSH: true, ACK: true, Options: []layers.TCPOption{nop, nop, stamps}}, 1000), 66)
	s.cut("half the options", tcp4(&layers.TCP{SYN: true, Options: []layers.TCPOption{tcpOption(2, 5, 180), tcpOption(4), stamps}}, 0), 60)
	s.cut("ports only", tcp4(&layers.TCP{ACK: true}, 0), 40)
	s.cut("not even ports", tcp4(&layers.TCP{ACK: true}, 0), 36)
	seg := &layers.TCP{SrcPort: 51000, DstPort: 443, Seq: 1000, Window: 502, SYN: true, Options: []layers.TCPOption{tcpOption(2, 5, 160)}}
	s.add("over IPv6", build(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolTCP), seg))
	return s.all
}

func udpVariants() []variant {
	s := set{proto: "UDP"}
	s.add("plain", udp4(5000, 6000, payload(20)))
	s.add("empty", udp4(5000, 6000, payload(0)))
	s.add("without a checksum", changed(udp4(5000, 6000, payload(20)), 40, 0, 0))
	s.add("wrong checksum", changed(udp4(5000, 6000, payload(20)), 40, 0xde, 0xad))
	s.add("length shorter than its datagram", changed(udp4(5000, 6000, payload(20)), 38, 0, 18))
	s.add("length longer than its datagram", changed(udp4(5000, 6000, payload(20)), 38, 0, 99))
	s.add("length less than its header", changed(udp4(5000, 6000, payload(20)), 38, 0, 7))
	s.add("padded", append(udp4(5000, 6000, payload(2)), make([]byte, 16)...))
	s.add("ports 0", udp4(0, 0, payload(4)))
	s.cut("headers only", udp4(5000, 6000, payload(1400)), 42)
	s.cut("ports only", udp4(5000, 6000, payload(20)), 38)
	s.cut("not even ports", udp4(5000, 6000, payload(20)), 36)
	s.add("over IPv6", frame6(layers.IPProtocolUDP, "1388"+"1770"+"001c"+"0000", 20))
	s.add("over IPv6 behind options", build(ether(layers.EthernetTypeIPv6), ip6(0), raw("3c00010400000000"+"1100010400000000"+"1388"+"1770"+"001c"+"0000", 20)))
	withOptions := ip4(layers.IPProtocolUDP)
	withOptions.Options = []layers.IPv4Option{{OptionType: 7, OptionLength: 7, OptionData: []byte{4, 0, 0, 0, 0}}, {OptionType: 0}}
	s.add("behind IP options", build(ether(layers.EthernetTypeIPv4), withOptions, &layers.UDP{SrcPort: 5000, DstPort: 6000}, payload(20)))
	return s.all
}

func vxlanVariants() []variant {
	s := set{proto: "VXLAN"}
	wrap := func(port uint16, parts ...any) []byte { return udp4(40000, port, raw(parts...)) }
	const head = "0800000000006500"
	s.add("echo", tunnel(ping4(50)))
	s.add("ARP", tunnel(arp(1, "10.20.0.11", "10.20.0.1", every)))
	s.add("TCP", tunnel(tcp4(&layers.TCP{PSH: true, ACK: true}, 100)))
	s.add("IPv6", tunnel(echo6(128, 3)))
	s.add("DNS", tunnel(dnsQuery("db-2.example.com", 1)))
	s.add("tag inside", tunnel(inTag(100, ping4(1))))
	s.packet("tag outside", tagged(tunnel(ping4(1)), 0x8100, 5))
	s.add("highest VNI", wrap(4789, "08000000ffffff00", ping4(1)))
	s.add("VNI 0", wrap(4789, "0800000000000000", ping4(1)))
	s.add("no VNI flag", wrap(4789, "0000000000006500", ping4(1)))
	s.add("policy bits", wrap(4789, "8848000700006500", ping4(1)))
	s.add("VXLAN in VXLAN", tunnel(tunnel(ping4(1))))
	s.add("over IPv6", frame6(layers.IPProtocolUDP, "9c40"+"12b5", uint16(16+len(ping4(1))), "0000", head, ping4(1)))
	s.add("nothing inside", wrap(4789, head))
	s.add("half a header", wrap(4789, "08000000"))
	s.cut("cut inside", tunnel(tcp4(&layers.TCP{ACK: true}, 1000)), 50+14+20+20)
	s.cut("cut in the inner Ethernet header", tunnel(ping4(1)), 58)
	s.add("answer from the port", udp4(4789, 40000, raw(head, ping4(1))))
	return s.all
}

// inTag is a frame with an inline tag.
func inTag(id uint16, frame []byte) []byte { return framed(0x8100, id, frame[12:]) }

func greVariants() []variant {
	s := set{proto: "GRE"}
	wrap := func(parts ...any) []byte { return frame4(layers.IPProtocolGRE, parts...) }
	s.add("with IP", wrap("00000800", inner(ping4(2))))
	s.add("with IPv6", wrap("000086dd", inner(echo6(128, 1))))
	s.add("with Ethernet", wrap("00006558", ping4(2)))
	s.add("with a key", wrap("20006558"+"0000004d", arp(1, "10.20.0.11", "10.20.0.1", every)))
	s.add("with a checksum", wrap("80000800"+"12340000", inner(ping4(2))))
	s.add("with a sequence number", wrap("10000800"+"00000009", inner(ping4(2))))
	s.add("with a route", wrap("40000800"+"00000000"+"08000004"+"0a140001"+"00000000", inner(ping4(2))))
	s.add("with all three", wrap("b0006558"+"12340000"+"ffffffff"+"00000009", ping4(2)))
	s.add("with a tag inside", wrap("20006558"+"0000004d", inTag(7, ping4(2))))
	s.add("of unknown content", wrap("000088b5", 20))
	s.add("version 1", wrap("3081880b"+"00040007"+"00000001"+"00000002", "c0210101"))
	s.add("in GRE", wrap("00000800", inner(wrap("00000800", inner(ping4(2))))))
	s.add("over IPv6", frame6(layers.IPProtocolGRE, "20006558"+"0000004d", ping4(2)))
	s.add("nothing inside", wrap("00000800"))
	s.cut("cut before the key", wrap("20006558"+"0000004d", ping4(2)), 40)
	s.cut("cut inside", wrap("20006558"+"0000004d", ping4(2)), 70)
	s.add("ERSPAN", wrap("100088be"+"00000001", "1001000100000000", ping4(2)))
	return s.all
}

func geneveVariants() []variant {
	s := set{proto: "Geneve"}
	wrap := func(parts ...any) []byte { return udp4(40000, 6081, raw(parts...)) }
	s.add("echo", wrap("0000655800006500", ping4(50)))
	s.add("option of OVN", wrap("0240655800006500"+"0102800100010002", ping4(50)))
	s.add("two options", wrap("0500655800006500"+"0102800100010002"+"0103010200000000ffffffff", ping4(50)))
	s.add("control packet", wrap("0080655800006500", ping4(50)))
	s.add("IP without Ethernet", wrap("0000080000006500", inner(ping4(50))))
	s.add("IPv6 without Ethernet", wrap("000086dd00006500", inner(echo6(128, 1))))
	s.add("unknown content", wrap("000088b500006500", 20))
	s.add("highest VNI", wrap("00006558ffffff00", ping4(1)))
	s.add("tag inside", wrap("0000655800006500", inTag(7, ping4(1))))
	s.add("ARP", wrap("0000655800006500", arp(2, "10.20.0.1", "10.20.0.11", macB)))
	s.add("version 1", wrap("4000655800006500", ping4(50)))
	s.add("options longer than the packet", wrap("3f00655800006500", 20))
	s.add("over IPv6", frame6(layers.IPProtocolUDP, "9c40"+"17c1", uint16(16+len(ping4(1))), "0000", "0000655800006500", ping4(1)))
	s.cut("cut in the options", wrap("0240655800006500"+"0102800100010002", ping4(50)), 54)
	s.cut("cut inside", wrap("0000655800006500", ping4(50)), 70)
	s.add("half a header", wrap("00006558"))
	return s.all
}
