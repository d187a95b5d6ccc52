package packets

import (
	"bytes"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// bootp is a DHCP message: op is 1 from a client and 2 from a server, the rest
// is options, from the cookie on.
func bootp(op byte, ciaddr, yiaddr, siaddr, giaddr string, sname, file, options []byte) []byte {
	src, dst := uint16(68), uint16(67)
	if op == 2 {
		src, dst = dst, src
	}
	b := raw([]byte{op, 1, 6, 0}, "deadbeef"+"0000"+"8000", ip(ciaddr), ip(yiaddr), ip(siaddr), ip(giaddr), macA, 10)
	b = append(b, append(append([]byte{}, sname...), make([]byte, 64-len(sname))...)...)
	b = append(b, append(append([]byte{}, file...), make([]byte, 128-len(file))...)...)
	return udp4(src, dst, append(b, options...))
}

func dhcpVariants() []variant {
	s := set{proto: "DHCP"}
	const none = "0.0.0.0"
	options := func(parts ...any) []byte { return raw(append(append([]any{"63825363"}, parts...), "ff")...) }
	client := func(parts ...any) []byte { return bootp(1, none, none, none, none, nil, nil, options(parts...)) }
	server := func(yours string, parts ...any) []byte {
		return bootp(2, none, yours, "10.20.0.2", none, nil, nil, options(parts...))
	}
	s.add("discover", client("350101"+"3204"+"0a14000b"+"3707"+"01031c0f060c1a", "0c04", []byte("db-1")))
	s.add("offer", server("10.20.0.11", "350102"+"3604"+"0a140002"+"3304"+"00015180"+"0104"+"ffffff00"+"0304"+"0a140001"+"1a02"+"0582"))
	s.add("request", client("350103"+"3204"+"0a14000b"+"3604"+"0a140002"))
	s.add("decline", client("350104"+"3204"+"0a14000b"+"3604"+"0a140002"))
	s.add("ACK", server("10.20.0.11", "350105"+"3604"+"0a140002"+"3304"+"00015180"))
	s.add("NAK", server(none, "350106"+"3604"+"0a140002"+"3810", []byte("wrong network\x1b[m")))
	s.add("release", bootp(1, "10.20.0.11", none, none, none, nil, nil, options("350107"+"3604"+"0a140002")))
	s.add("inform", bootp(1, "10.20.0.11", none, none, none, nil, nil, options("350108")))
	s.add("renewal", bootp(1, "10.20.0.11", none, none, none, nil, nil, options("350103")))
	s.add("relayed", bootp(1, none, none, none, "10.30.0.1", nil, nil, options("350101"+"5206"+"0104"+"65746831")))
	s.add("force renew", server(none, "350109"))
	s.add("padded options", client("0000"+"350101"+"000000"))
	s.add("options go on in sname and file", bootp(2, none, "10.20.0.11", none, none, raw("3304"+"00015180"+"ff"), raw("350105"+"3604"+"0a140002"+"ff"), options("340103")))
	s.add("no end", bootp(1, none, none, none, none, nil, nil, raw("63825363"+"350101")))
	s.add("option longer than the message", bootp(1, none, none, none, none, nil, nil, raw("63825363"+"350101"+"32f0"+"0a14000b")))
	s.add("BOOTP without a cookie", bootp(1, none, none, none, none, nil, nil, raw(64)))
	s.add("file to boot", bootp(2, none, "10.20.0.11", "10.20.0.3", none, []byte("tftp"), []byte("pxelinux.0"), options("350102"+"3604"+"0a140002")))
	s.cut("cut before the options", client("350101"), 128)
	s.cut("cut in the options", client("350101"+"3204"+"0a14000b"), 14+20+8+240+5)
	s.cut("cut in the addresses", client("350101"), 14+20+8+20)
	s.add("through a tunnel", tunnel(client("350101")))
	return s.all
}

func dhcp6Variants() []variant {
	s := set{proto: "DHCPv6"}
	send := func(server bool, parts ...any) []byte {
		body := raw(parts...)
		ports := "02220223"
		if server {
			ports = "02230222"
		}
		h := ip6(layers.IPProtocolUDP)
		h.SrcIP, h.DstIP = ip("fe80::1"), ip("ff02::1:2")
		return build(ether(layers.EthernetTypeIPv6), h, raw(ports, uint16(8+len(body)), "0000", body))
	}
	const (
		clientID = "0001000e" + "00010001" + "2a6f0c00" + "fa163e0a1101"
		serverID = "0002000e" + "00010001" + "2a6f0c01" + "fa163e9e0001"
	)
	address := raw("00050018", ip("fd00::11"), "00000e10"+"00001c20")
	association := raw("00030028"+"00000001"+"00000708"+"00000b40", address)
	s.add("solicit", send(false, "01010203"+clientID+"00060004"+"00170018"+"00080002"+"0000"+"0003000c"+"00000001"+"00000000"+"00000000"))
	s.add("advertise", send(true, "02010203"+clientID+serverID, association))
	s.add("request", send(false, "03010203"+clientID+serverID, association))
	s.add("confirm", send(false, "04010203"+clientID, association))
	s.add("renew", send(false, "05010203"+clientID+serverID, association))
	s.add("rebind", send(false, "06010203"+clientID, association))
	s.add("reply", send(true, "07010203"+clientID+serverID, association, "00170010", ip("fd00::53")))
	s.add("reply with five addresses", send(true, "07010203"+clientID, raw("0003"+"0098"+"00000001"+"00000708"+"00000b40", bytes.Repeat(address, 5))))
	s.add("client known by its address only", send(false, "01010203"+"0001000a"+"00030001"+"fa163e0a1101"))
	s.add("reply with a status", send(true, "07010203"+clientID+serverID+"000d000a"+"0002", []byte("none\x1b[m!")))
	s.add("release", send(false, "08010203"+clientID+serverID, association))
	s.add("decline", send(false, "09010203"+clientID+serverID, association))
	s.add("reconfigure", send(true, "0a000000"+clientID+serverID+"00130001"+"05"))
	s.add("information request", send(false, "0b010203"+clientID+"00060002"+"0017"))
	s.add("relayed", send(false, "0c00", ip("fd00::1"), ip("fe80::1"), "00090016"+"01010203"+clientID))
	s.add("relayed back", send(true, "0d00", ip("fd00::1"), ip("fe80::1"), "00090028"+"02010203"+clientID+serverID))
	s.add("prefix delegation", send(true, "02010203"+clientID+serverID+"00190029"+"00000001"+"00000708"+"00000b40"+"001a0019"+"00000e10"+"00001c20"+"38", ip("fd12:3400::")))
	s.add("unknown type", send(false, "63010203"+clientID))
	s.add("option longer than the message", send(false, "01010203"+"000100ff"+"00010001"))
	s.add("no options", send(false, "01010203"))
	s.cut("cut in the options", send(false, "03010203"+clientID+serverID, association), 90)
	s.cut("cut before the message", send(false, "03010203"+clientID+serverID, association), 62)
	return s.all
}

// label is a name as it stands in a message.
func label(name string) []byte {
	var b []byte
	for _, l := range strings.Split(name, ".") {
		if l != "" {
			b = append(append(b, byte(len(l))), l...)
		}
	}
	return append(b, 0)
}

func dnsQuery(name string, kind uint16) []byte {
	return udp4(40000, 53, raw("1234"+"0100"+"0001"+"0000"+"0000"+"0000", label(name), kind, "0001"))
}

func dnsVariants() []variant {
	s := set{proto: "DNS"}
	const name = "db-2.example.com"
	for _, q := range []struct {
		name string
		kind uint16
	}{{"A", 1}, {"NS", 2}, {"CNAME", 5}, {"SOA", 6}, {"PTR", 12}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28}, {"SRV", 33}, {"HTTPS", 65}, {"ANY", 255}, {"unknown type", 4242}} {
		s.add("query "+q.name, dnsQuery(name, q.kind))
	}
	s.add("query for the root", dnsQuery("", 2))
	s.add("query of chaos", udp4(40000, 53, raw("1234"+"0100"+"0001"+"0000"+"0000"+"0000", label("version.bind"), "0010"+"0003")))
	s.add("query with EDNS", udp4(40000, 53, raw("1234"+"0120"+"0001"+"0000"+"0000"+"0001", label(name), "0001"+"0001", "00"+"0029"+"04d0"+"00008000"+"0000")))
	s.add("query not to be checked", udp4(40000, 53, raw("1234"+"0110"+"0001"+"0000"+"0000"+"0000", label(name), "0001"+"0001")))
	s.add("query without recursion", udp4(40000, 53, raw("1234"+"0000"+"0001"+"0000"+"0000"+"0000", label(name), "0001"+"0001")))
	answer := func(flags string, counts string, parts ...any) []byte {
		return udp4(53, 40000, raw("1234"+flags+"0001"+counts, label(name), "0001"+"0001", raw(parts...)))
	}
	const here = "c00c" // the name of the question
	a := func(last byte) gopacket.Payload {
		return raw(here+"0001"+"0001"+"0000003c"+"0004"+"0a1400", []byte{last})
	}
	s.add("answer A", answer("8180", "000100000000", a(99)))
	s.add("answer of three", answer("8180", "000300000000", a(97), a(98), a(99)))
	s.add("answer of five", answer("8180", "000500000000", a(95), a(96), a(97), a(98), a(99)))
	s.add("answer AAAA", answer("8180", "000100000000", here+"001c"+"0001"+"0000003c"+"0010", ip("fd00::99")))
	s.add("answer CNAME with compression", answer("8180", "000200000000", here+"0005"+"0001"+"0000003c"+"0004"+"0178"+"c011", raw("c02e"+"0001"+"0001"+"0000003c"+"0004"+"0a140063")))
	s.add("answer MX", answer("8580", "000100000000", here+"000f"+"0001"+"0000003c"+"0009"+"000a"+"046d61696c"+"c011"))
	s.add("answer TXT", answer("8580", "000100000000", here+"0010"+"0001"+"0000003c"+"0006"+"05", []byte("hi\x1b[m")))
	s.add("answer SRV", answer("8580", "000100000000", here+"0021"+"0001"+"0000003c"+"000c"+"0001"+"0002"+"01bb"+"036c6470"+"c011"))
	s.add("answer SOA", answer("8580", "000100000000", here+"0006"+"0001"+"0000003c"+"001c"+"026e73"+"c011"+"0161"+"c011"+"00000001"+"00000002"+"00000003"+"00000004"+"00000005"))
	s.add("answer PTR", udp4(53, 40000, raw("1234"+"8580"+"0001"+"0001"+"0000"+"0000", label("99.0.20.10.in-addr.arpa"), "000c"+"0001", here+"000c"+"0001"+"0000003c"+"0012", label(name))))
	s.add("answer NS in authority", answer("8180", "000000010001", "c011"+"0002"+"0001"+"0000003c"+"0005"+"026e73"+"c011", "c02e"+"0001"+"0001"+"0000003c"+"0004"+"0a140035"))
	s.add("no answer", answer("8180", "000000000000"))
	s.add("no such name", answer("8183", "000000000000"))
	s.add("server failed", answer("8182", "000000000000"))
	s.add("refused", answer("8105", "000000000000"))
	s.add("not implemented", answer("8104", "000000000000"))
	s.add("format error", answer("8101", "000000000000"))
	s.add("not authoritative", answer("8109", "000000000000"))
	s.add("truncated", answer("8380", "000000000000"))
	s.add("authentic", answer("81a0", "000100000000", a(99)))
	s.add("update", udp4(40000, 53, raw("1234"+"2800"+"0001"+"0000"+"0001"+"0000", label("example.com"), "0006"+"0001", here+"0001"+"00ff"+"00000000"+"0000")))
	s.add("notify", udp4(40000, 53, raw("1234"+"2400"+"0001"+"0000"+"0000"+"0000", label("example.com"), "0006"+"0001")))
	s.add("status", udp4(40000, 53, raw("1234"+"1000"+"0000"+"0000"+"0000"+"0000")))
	s.add("inverse query", udp4(40000, 53, raw("1234"+"0900"+"0001"+"0000"+"0000"+"0000", label(name), "0001"+"0001")))
	s.add("query SVCB", dnsQuery(name, 64))
	s.add("two questions", udp4(40000, 53, raw("1234"+"0100"+"0002"+"0000"+"0000"+"0000", label(name), "0001"+"0001", label("x.example.com"), "001c"+"0001")))
	s.add("no question", udp4(40000, 53, raw("1234"+"0100"+"0000"+"0000"+"0000"+"0000")))
	s.add("hostile name", dnsQuery("a\x1b[31m\x07\\\xc3\xa9 b.c", 1))
	s.add("long name", dnsQuery(strings.Repeat(strings.Repeat("x", 60)+".", 4), 1))
	s.add("name that points at itself", udp4(40000, 53, raw("1234"+"0100"+"0001"+"0000"+"0000"+"0000", here+"0001"+"0001")))
	s.add("name that points behind the message", udp4(40000, 53, raw("1234"+"0100"+"0001"+"0000"+"0000"+"0000", "c0ff"+"0001"+"0001")))
	s.add("multicast query", udp4(5353, 5353, raw("0000"+"0000"+"0001"+"0000"+"0000"+"0000", label("printer.local"), "0001"+"8001")))
	s.add("multicast answer", udp4(5353, 5353, raw("0000"+"8400"+"0000"+"0001"+"0000"+"0000", label("printer.local"), "0001"+"8001"+"00000078"+"0004"+"0a140009")))
	s.add("over IPv6", frame6(layers.IPProtocolUDP, "9c40"+"0035"+"002a"+"0000", inner(dnsQuery(name, 28))[28:]))
	s.cut("cut in the name", dnsQuery(name, 1), 60)
	s.cut("cut in the answers", answer("8180", "000300000000", a(97), a(98), a(99)), 42+34+24)
	s.cut("cut in the header", dnsQuery(name, 1), 50)
	return s.all
}
