package packets

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func echo4(kind uint8, id, seq uint16, size int) []byte {
	return build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(kind, 0), Id: id, Seq: seq}, payload(size))
}

func echo6(kind uint8, seq uint16) []byte {
	return summed6("fd00::11", "fd00::22", []byte{kind, 0, 0, 0}, uint16(7), seq, 56)
}

func icmpVariants() []variant {
	s := set{proto: "ICMP"}
	message := func(parts ...any) []byte { return frame4(layers.IPProtocolICMPv4, parts...) }
	s.add("echo request", echo4(8, 7, 50, 56))
	s.add("echo reply", echo4(0, 7, 50, 56))
	s.add("echo request of 0 bytes", echo4(8, 65535, 65535, 0))
	s.add("echo request with a wrong checksum", changed(echo4(8, 7, 1, 56), 36, 0xde, 0xad))
	s.cut("echo request, headers only", echo4(8, 7, 1, 1400), 42)
	s.cut("echo request, half a header", echo4(8, 7, 1, 56), 38)
	s.add("echo request, too short", message("0800f7ff"))
	s.add("empty", message())
	s.add("router advertisement", message("0900000001020708", "0a140001", "00000000"))
	s.add("router solicitation", message("0a00f5ff00000000"))
	s.add("timestamp request", message("0d000000"+"0007"+"0003", "036ee800", 8))
	s.add("timestamp reply", message("0e000000"+"0007"+"0003", "036ee800", "036ee801", "036ee802"))
	s.add("mask request", message("11000000"+"0007"+"0003", 4))
	s.add("mask reply", message("12000000"+"0007"+"0003", "ffffff00"))
	s.add("unknown type", message("2a05000000000000", 12))
	return s.all
}

// errorVariants are messages about packets; they quote what they are about.
func errorVariants() []variant {
	s := set{proto: "ICMP"}
	quoted := [][]byte{
		inner(udp4(5000, 9, payload(8))), inner(tcp4(&layers.TCP{SYN: true}, 0)), inner(ping4(1)),
		inner(frame4(layers.IPProtocolGRE, 8)),
	}
	about := func(kind, code byte, rest string, quote int) []byte {
		return build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4), raw([]byte{kind, code, 0, 0}, rest, quoted[quote]))
	}
	for code, name := range []string{
		"net", "host", "protocol", "port", "need to frag, no MTU", "source route failed", "net unknown", "host unknown",
		"source host isolated", "net prohibited", "host prohibited", "net for this service", "host for this service", "prohibited by filter",
		"precedence violation", "precedence cutoff", "unknown code",
	} {
		s.add("unreachable "+name, about(3, byte(code), "00000000", code%4))
	}
	s.add("need to frag", about(3, 4, "00000578", 0))
	for code, name := range []string{"net", "host", "net for this service", "host for this service"} {
		s.add("redirect "+name, about(5, byte(code), "0a1400fe", 1))
	}
	s.add("time exceeded", about(11, 0, "00000000", 0))
	s.add("reassembly time exceeded", about(11, 1, "00000000", 2))
	s.add("parameter problem", about(12, 0, "06000000", 0))
	s.add("required option is missing", about(12, 1, "00000000", 0))
	s.add("source quench", about(4, 0, "00000000", 0))
	s.cut("quotes too little", about(3, 3, "00000000", 0), 55)
	return s.all
}

func icmp6Variants() []variant {
	s := set{proto: "ICMPv6"}
	message := func(parts ...any) []byte { return summed6("fd00::11", "fd00::22", parts...) }
	quote := inner(frame6(layers.IPProtocolUDP, "1388"+"0035"+"0010"+"0000", 8))
	s.add("echo request", echo6(128, 3))
	s.add("echo reply", echo6(129, 3))
	s.cut("echo request, headers only", echo6(128, 3), 62)
	s.cut("echo request, half a header", echo6(128, 3), 58)
	s.add("echo request with a wrong checksum", changed(echo6(128, 3), 56, 0xde, 0xad))
	for code, name := range []string{"no route", "prohibited", "beyond scope", "address", "port", "source failed policy", "rejected", "unknown code 7"} {
		s.add("unreachable "+name, message([]byte{1, byte(code), 0, 0}, 4, quote))
	}
	s.add("too big", message("02000000"+"000005dc", quote))
	s.add("hop limit", message("03000000"+"00000000", quote))
	s.add("reassembly time", message("03010000"+"00000000", quote))
	s.add("parameter problem, header", message("04000000"+"00000028", quote))
	s.add("parameter problem, next header", message("04010000"+"00000006", quote))
	s.add("parameter problem, option", message("04020000"+"0000002a", quote))
	s.add("unknown type", message("c8030000"+"00000000", 8))
	s.add("behind a destination option", build(ether(layers.EthernetTypeIPv6), ip6(60), raw("3a00010400000000", inner(echo6(128, 9))[40:])))
	return s.all
}

func ndVariants() []variant {
	s := set{proto: "ND"}
	option := func(kind byte) []byte { return append([]byte{kind, 1}, macA...) }
	s.add("neighbour solicitation", summed6("fe80::1", "ff02::1:ff00:22", "87000000"+"00000000", ip("fd00::22"), option(1)))
	s.add("duplicate address detection", summed6("::", "ff02::1:ff00:22", "87000000"+"00000000", ip("fd00::22")))
	s.add("neighbour advertisement", summed6("fd00::22", "fe80::1", "88000000"+"60000000", ip("fd00::22"), option(2)))
	s.add("advertisement of a router", summed6("fd00::22", "fe80::1", "88000000"+"e0000000", ip("fd00::22"), option(2)))
	s.add("advertisement without an address", summed6("fd00::22", "fe80::1", "88000000"+"40000000", ip("fd00::22")))
	s.add("router solicitation", summed6("fe80::1", "ff02::2", "85000000"+"00000000", option(1)))
	s.add("router solicitation without an address", summed6("::", "ff02::2", "85000000"+"00000000"))
	prefix := raw("030440c0"+"00015180"+"00003840"+"00000000", ip("fd00::"))
	s.add("router advertisement", summed6("fe80::2", "ff02::1", "86000000"+"40c00708"+"00000000"+"00000000", option(1), "0501"+"0000"+"000005aa", prefix))
	s.add("router advertisement, no default router", summed6("fe80::2", "ff02::1", "86000000"+"40000000"+"00000000"+"00000000", prefix))
	s.add("redirect", summed6("fe80::2", "fe80::1", "89000000"+"00000000", ip("fe80::3"), ip("fd00::99"), option(2)))
	s.cut("cut before the target", summed6("fe80::1", "ff02::1:ff00:22", "87000000"+"00000000", ip("fd00::22"), option(1)), 70)
	s.add("option of length 0", summed6("fe80::1", "ff02::1:ff00:22", "87000000"+"00000000", ip("fd00::22"), "0100", 6))
	return s.all
}

func mldVariants() []variant {
	s := set{proto: "MLD"}
	const router, group = "fe80::1", "ff02::1:3"
	// RFC 2710 wants a router alert before it.
	alert := func(dst string, parts ...any) []byte {
		f := summed6(router, dst, parts...)
		head := ip6(0)
		head.HopLimit, head.SrcIP, head.DstIP = 1, ip(router), ip(dst)
		return build(ether(layers.EthernetTypeIPv6), head, raw("3a00050200000100", inner(f)[40:]))
	}
	s.add("general query", alert("ff02::1", "82000000"+"27100000", 16))
	s.add("query for a group", alert(group, "82000000"+"03e80000", ip(group)))
	s.add("report", alert(group, "83000000"+"00000000", ip(group)))
	s.add("done", alert("ff02::2", "84000000"+"00000000", ip(group)))
	s.add("query of version 2", alert("ff02::1", "82000000"+"27100000", 16, "027d0000"))
	s.add("query of version 2 for a source", alert(group, "82000000"+"27100000", ip(group), "027d0001", ip("fd00::5")))
	s.add("report of version 2", alert("ff02::16", "8f000000"+"00000001"+"04000000", ip(group)))
	s.add("report of two groups", alert("ff02::16", "8f000000"+"00000002"+"04000000", ip(group), "03000000", ip("ff02::fb")))
	s.add("report with sources", alert("ff02::16", "8f000000"+"00000001"+"06000001", ip(group), ip("fd00::5")))
	s.add("report of no group", alert("ff02::16", "8f000000"+"00000000"))
	s.cut("report of version 2, cut", alert("ff02::16", "8f000000"+"00000001"+"04000000", ip(group)), 74)
	return s.all
}

func igmpVariants() []variant {
	s := set{proto: "IGMP"}
	send := func(parts ...any) []byte {
		h := ip4(layers.IPProtocolIGMP)
		h.TTL = 1
		h.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}} // router alert
		return build(ether(layers.EthernetTypeIPv4), h, raw(parts...))
	}
	s.add("query of version 1", send("1100eeff00000000"))
	s.add("general query of version 2", send("1164ee9b00000000"))
	s.add("query of version 2 for a group", send("110a0000e00000fb"))
	s.add("report of version 1", send("12000000e00000fb"))
	s.add("report of version 2", send("16000000e00000fb"))
	s.add("leave", send("17000000e00000fb"))
	s.add("query of version 3", send("11640000"+"00000000"+"027d0000"))
	s.add("query of version 3 for sources", send("11640000"+"e00000fb"+"027d0002"+"0a140001"+"0a140002"))
	s.add("report of version 3", send("22000000"+"00000001"+"04000000"+"e00000fb"))
	s.add("report of two groups", send("22000000"+"00000002"+"04000000"+"e00000fb"+"03000000"+"e00000fc"))
	s.add("report with a source", send("22000000"+"00000001"+"06000001"+"e00000fb"+"0a140001"))
	s.add("report of no group", send("22000000"+"00000000"))
	s.add("report to leave", send("22000000"+"00000001"+"03000000"+"e00000fb"))
	s.add("without options", frame4(layers.IPProtocolIGMP, "16000000e00000fb"))
	s.add("padded", append(send("16000000e00000fb"), make([]byte, 14)...))
	s.add("unknown type", send("77000000e00000fb"))
	s.cut("report of version 3, cut", send("22000000"+"00000001"+"04000000"+"e00000fb"), 47)
	return s.all
}

func vrrpVariants() []variant {
	s := set{proto: "VRRP"}
	send := func(parts ...any) []byte {
		h := ip4(layers.IPProtocolVRRP)
		h.TTL, h.DstIP = 255, ip("224.0.0.18")
		return build(ether(layers.EthernetTypeIPv4), h, raw(parts...))
	}
	six := func(parts ...any) []byte {
		h := ip6(layers.IPProtocolVRRP)
		h.HopLimit, h.SrcIP, h.DstIP = 255, ip("fe80::1"), ip("ff02::12")
		return build(ether(layers.EthernetTypeIPv6), h, raw(parts...))
	}
	s.add("version 2", send("21013201"+"00010000"+"0a140001"+"0000000000000000"))
	s.add("version 2, two addresses", send("21016402"+"00010000"+"0a140001"+"0a140002"+"0000000000000000"))
	s.add("version 2, password", send("21013201"+"01010000"+"0a140001", []byte("secret\x1b[")))
	s.add("version 2, header authenticated", send("21013201"+"02010000"+"0a140001"+"0000000000000000"))
	s.add("version 2, unknown authentication", send("21013201"+"09010000"+"0a140001"+"0000000000000000"))
	s.add("version 2, five addresses", send("21016405"+"00010000"+"0a140001"+"0a140002"+"0a140003"+"0a140004"+"0a140005"+"0000000000000000"))
	s.add("version 2, giving up", send("21010001"+"00010000"+"0a140001"+"0000000000000000"))
	s.add("version 2, owner", send("2101ff01"+"00030000"+"0a140001"+"0000000000000000"))
	s.add("version 2, not an advertisement", send("22013201"+"00010000"+"0a140001"+"0000000000000000"))
	s.add("version 3", send("31013201"+"00640000"+"0a140001"))
	s.add("version 3, fast", send("31333201"+"000a0000"+"0a140001"))
	s.add("version 3 of IPv6", six("31013201"+"00640000", ip("fe80::99")))
	s.add("version 3 of IPv6, two addresses", six("31013202"+"00640000", ip("fe80::99"), ip("fd00::1")))
	s.add("no address", send("31013200"+"00640000"))
	s.cut("cut", send("21013201"+"00010000"+"0a140001"+"0000000000000000"), 38)
	return s.all
}

func fragmentVariants() []variant {
	s := set{proto: "fragments"}
	datagram := inner(udp4(5000, 6000, payload(3000)))[20:]
	echo := inner(echo4(8, 7, 9, 3000))[20:]
	piece := func(proto layers.IPProtocol, b []byte, from, to int, more bool) []byte {
		h := ip4(proto)
		h.Id, h.FragOffset = 4660, uint16(from/8)
		if more {
			h.Flags = layers.IPv4MoreFragments
		}
		return build(ether(layers.EthernetTypeIPv4), h, gopacket.Payload(b[from:to]))
	}
	s.add("first of UDP", piece(layers.IPProtocolUDP, datagram, 0, 1480, true))
	s.add("middle of UDP", piece(layers.IPProtocolUDP, datagram, 1480, 2960, true))
	s.add("last of UDP", piece(layers.IPProtocolUDP, datagram, 2960, 3008, false))
	s.add("first of an echo", piece(layers.IPProtocolICMPv4, echo, 0, 1480, true))
	s.add("last of an echo", piece(layers.IPProtocolICMPv4, echo, 2960, 3008, false))
	s.add("tiny first of TCP", piece(layers.IPProtocolTCP, inner(tcp4(&layers.TCP{SYN: true}, 0))[20:], 0, 8, true))
	s.add("second of TCP", piece(layers.IPProtocolTCP, inner(tcp4(&layers.TCP{SYN: true}, 0))[20:], 8, 20, false))
	s.add("first of TCP", piece(layers.IPProtocolTCP, inner(tcp4(&layers.TCP{ACK: true}, 2000))[20:], 0, 1480, true))
	s.add("middle of GRE", piece(layers.IPProtocolGRE, datagram, 1480, 2960, true))
	s.add("of a protocol without a name", piece(253, datagram, 1480, 2960, true))
	s.cut("middle of UDP, headers only", piece(layers.IPProtocolUDP, datagram, 1480, 2960, true), 34)
	df := ip4(layers.IPProtocolUDP)
	df.Flags, df.FragOffset = layers.IPv4DontFragment, 185
	s.add("must not be fragmented and is", build(ether(layers.EthernetTypeIPv4), df, gopacket.Payload(datagram[1480:1600])))
	piece6 := func(next string, offset uint16, b []byte) []byte {
		return frame6(layers.IPProtocolIPv6Fragment, next+"00", offset, "0000002a", b)
	}
	datagram6 := inner(frame6(layers.IPProtocolUDP, "1388"+"1770"+"0bc0"+"0000", 3000))[40:]
	s.add("first of IPv6", piece6("11", 0|1, datagram6[:1448]))
	s.add("middle of IPv6", piece6("11", 1448|1, datagram6[1448:2896]))
	s.add("last of IPv6", piece6("11", 2896, datagram6[2896:]))
	s.add("atomic of IPv6", piece6("3a", 0, inner(echo6(128, 3))[40:]))
	s.add("first of an IPv6 echo", piece6("3a", 1, inner(echo6(128, 3))[40:]))
	carrying := func(proto layers.IPProtocol, b []byte) []byte { return piece(proto, b, 0, 800, true) }
	s.add("first of VXLAN", carrying(layers.IPProtocolUDP, inner(tunnel(tcp4(&layers.TCP{PSH: true, ACK: true}, 1400)))[20:]))
	s.add("first of GRE", carrying(layers.IPProtocolGRE, inner(frame4(layers.IPProtocolGRE, "20006558"+"0000004d", udp4(5000, 6000, payload(1400))))[20:]))
	s.add("first of DNS", piece(layers.IPProtocolUDP, inner(dnsQuery("db-2.example.com", 1))[20:], 0, 24, true))
	s.add("first of TCP with half its options", piece(layers.IPProtocolTCP, inner(tcp4(&layers.TCP{SYN: true, Options: []layers.TCPOption{tcpOption(2, 5, 180), tcpOption(4), tcpOption(8, 0, 0, 0, 9, 0, 0, 0, 4)}}, 0))[20:], 0, 24, true))
	s.add("in VXLAN", tunnel(piece(layers.IPProtocolUDP, datagram, 1480, 2960, true)))
	return s.all
}

// ipVariants are of what the list of protocols doesn't name: tunnels without
// a header, security, routing.
func ipVariants() []variant {
	s := set{proto: "IP"}
	s.add("IP in IP", frame4(layers.IPProtocolIPv4, inner(ping4(2))))
	s.add("IPv6 in IP", frame4(layers.IPProtocolIPv6, inner(echo6(128, 1))))
	s.add("IP in IPv6", frame6(layers.IPProtocolIPv4, inner(ping4(2))))
	s.add("SCTP", frame4(layers.IPProtocolSCTP, "1388"+"1771"+"00000001"+"00000000", "01000014"+"0000000100010000000a000a00000001"))
	s.add("ESP", frame4(layers.IPProtocolESP, "00000101"+"00000002", 64))
	s.add("AH", frame4(layers.IPProtocolAH, "0104000000000101"+"00000002", 12, inner(ping4(1))[20:]))
	s.add("OSPF", frame4(layers.IPProtocolOSPF, "0201002c0a14000100000000", 32))
	s.add("unknown protocol", frame4(253, 20))
	s.add("routing header", build(ether(layers.EthernetTypeIPv6), ip6(43), raw("3a000000"+"00000000", inner(echo6(128, 9))[40:])))
	s.add("no next header", frame6(59))
	s.add("unknown next header", frame6(253, 20))
	s.add("total length 0", changed(udp4(5000, 6000, payload(20)), 16, 0, 0))
	s.add("longer than its frame", changed(udp4(5000, 6000, payload(20)), 16, 4, 0))
	s.add("header of 4 bytes", changed(udp4(5000, 6000, payload(20)), 14, 0x41))
	s.add("version 5", changed(udp4(5000, 6000, payload(20)), 14, 0x55))
	s.cut("half a header", ping4(1), 24)
	s.cut("half a header of IPv6", echo6(128, 1), 40)
	s.cut("Ethernet header only", ping4(1), 14)
	s.cut("half an Ethernet header", ping4(1), 9)
	s.add("STP", llc(stp()))
	s.add("LLC", llc(unhex("aaaa030000000800")))
	s.add("unknown type", framed(0x88b5, 46))
	s.add("LACP", framed(0x8809, "0101", 108))
	s.add("MPLS", framed(0x8847, "00064140", inner(ping4(1))))
	s.add("PPPoE", framed(0x8864, "11000001005e0021", inner(ping4(1))))
	return s.all
}
