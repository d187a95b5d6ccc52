package packets

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// sample is a packet made by gopacket, so that our parser is checked against
// somebody else's idea of the formats.
type sample struct {
	name   string
	packet Packet
	row    string
	proto  Proto
}

func mac(s string) net.HardwareAddr {
	m, err := net.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func ip(s string) net.IP {
	a := netip.MustParseAddr(s)
	return net.IP(a.AsSlice())
}

var (
	macA  = mac("fa:16:3e:0a:11:01")
	macB  = mac("fa:16:3e:9e:00:01")
	every = mac("ff:ff:ff:ff:ff:ff")
)

func ether(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: kind}
}

func ip4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, Id: 7, SrcIP: ip("10.20.0.11"), DstIP: ip("10.20.0.22")}
}

func ip6(proto layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: ip("fd00::11"), DstIP: ip("fd00::22")}
}

// ip4Head is a header that claims whatever follows: total length 0.
func ip4Head(proto layers.IPProtocol) gopacket.Payload {
	head := build(ip4(proto))
	head[2], head[3] = 0, 0
	return head
}

// build serialises layers with right lengths and checksums.
func build(ls ...gopacket.SerializableLayer) []byte {
	var network gopacket.NetworkLayer
	for _, l := range ls {
		switch l := l.(type) {
		case *layers.IPv4:
			network = l
		case *layers.IPv6:
			network = l
		case *layers.TCP:
			must(l.SetNetworkLayerForChecksum(network))
		case *layers.UDP:
			must(l.SetNetworkLayerForChecksum(network))
		case *layers.ICMPv6:
			must(l.SetNetworkLayerForChecksum(network))
		}
	}
	b := gopacket.NewSerializeBuffer()
	must(gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...))
	return b.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	must(err)
	return b
}

func payload(n int) gopacket.Payload { return make([]byte, n) }

func whole(data []byte) Packet {
	return Packet{Time: 1_700_000_000_123_456_789, Length: uint32(len(data)), Data: data}
}

func tagged(data []byte, tpid, tci uint16) Packet {
	p := whole(data)
	p.TPID, p.VLAN = tpid, tci
	return p
}

func cutTo(data []byte, n int) Packet {
	p := whole(data)
	p.Data = data[:n]
	return p
}

func ping4(seq uint16) []byte {
	return build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 7, Seq: seq}, payload(56))
}

func arp(op uint16, senderIP, targetIP string, target net.HardwareAddr) []byte {
	e := ether(layers.EthernetTypeARP)
	e.DstMAC = target
	return build(e, &layers.ARP{
		AddrType: 1, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: op,
		SourceHwAddress: macA, SourceProtAddress: ip(senderIP), DstHwAddress: make([]byte, 6), DstProtAddress: ip(targetIP),
	})
}

func tcp4(t *layers.TCP, size int) []byte {
	t.SrcPort, t.DstPort, t.Seq, t.Ack, t.Window = 51000, 443, 1000, 2000, 502
	return build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolTCP), t, payload(size))
}

func udp4(src, dst uint16, body gopacket.SerializableLayer) []byte {
	return build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolUDP),
		&layers.UDP{SrcPort: layers.UDPPort(src), DstPort: layers.UDPPort(dst)}, body)
}

func tunnel(inner []byte) []byte {
	return build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolUDP), &layers.UDP{SrcPort: 40000, DstPort: 4789},
		&layers.VXLAN{ValidIDFlag: true, VNI: 101}, gopacket.Payload(inner))
}

func dhcp(t layers.DHCPMsgType, yours string, more ...layers.DHCPOption) []byte {
	options := append(layers.DHCPOptions{layers.NewDHCPOption(layers.DHCPOptMessageType, []byte{byte(t)})}, more...)
	return udp4(68, 67, &layers.DHCPv4{
		Operation: layers.DHCPOpRequest, HardwareType: 1, HardwareLen: 6, Xid: 0xdeadbeef,
		ClientIP: ip("0.0.0.0"), YourClientIP: ip(yours), NextServerIP: ip("0.0.0.0"), RelayAgentIP: ip("0.0.0.0"),
		ClientHWAddr: macA, Options: options,
	})
}

func samples(t testing.TB) []sample {
	t.Helper()
	question := []layers.DNSQuestion{{Name: []byte("db-2.example.com"), Type: layers.DNSTypeA, Class: 1}}
	fragment := func(offset uint16, more bool) *layers.IPv4 {
		h := ip4(layers.IPProtocolUDP)
		h.FragOffset = offset
		if more {
			h.Flags = layers.IPv4MoreFragments
		}
		return h
	}
	withOptions := ip4(layers.IPProtocolICMPv4)
	withOptions.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 0}}
	const who = "10.20.0.11 > 10.20.0.22  "
	const who6 = "fd00::11 > fd00::22  "
	const macs = "fa:16:3e:0a:11:01 > fa:16:3e:9e:00:01  "

	return []sample{
		{"echo request", whole(ping4(50)), who + "ICMP echo request 50 len 64 id 7", ICMPRequest},
		{"echo request, headers only", cutTo(ping4(50), 42), who + "ICMP echo request 50 len 64 id 7", ICMPRequest},
		{
			"echo reply", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
				&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(0, 0), Id: 7, Seq: 50}, payload(56))),
			who + "ICMP echo reply 50 len 64 id 7", ICMPReply,
		},
		{
			"IP options", whole(build(ether(layers.EthernetTypeIPv4), withOptions,
				&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 7, Seq: 1}, payload(56))),
			who + "ICMP echo request 1 len 64 id 7", ICMPRequest,
		},
		{
			"need to frag", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
				&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 4), Seq: 1400}, gopacket.Payload(udp4(5000, 9, payload(8))[14:]))),
			who + "ICMP need to frag, mtu 1400 for UDP 10.20.0.11.5000 > 10.20.0.22.9 len 54", ICMPError,
		},
		{
			"DHCP, options go on in file and sname", whole(bootp(2, "0.0.0.0", "10.20.0.11", "0.0.0.0", "0.0.0.0", raw("3304"+"00015180"+"ff"), raw("350105"+"3604"+"0a140002"+"ff"), raw("63825363"+"340103"+"ff"))),
			"10.20.0.11.67 > 10.20.0.22.68  DHCP ACK xid 0xdeadbeef client fa:16:3e:0a:11:01 gets 10.20.0.11 server 10.20.0.2 lease 86400 len 244", DHCP,
		},
		{
			"DHCP, options go on in file, not in sname", whole(bootp(2, "0.0.0.0", "10.20.0.11", "0.0.0.0", "0.0.0.0", raw("3304"+"00015180"+"ff"), raw("350105"+"ff"), raw("63825363"+"340101"+"ff"))),
			"10.20.0.11.67 > 10.20.0.22.68  DHCP ACK xid 0xdeadbeef client fa:16:3e:0a:11:01 gets 10.20.0.11 len 244", DHCP,
		},
		{
			"DHCPv6 with a byte too many", whole(frame6(layers.IPProtocolUDP, "0222"+"0223"+"000d"+"0000"+"01010203"+"00")),
			who6[:len("fd00::11")] + ".546 > fd00::22.547  DHCP6 Solicit xid 0x10203 [short] len 5", DHCP,
		},
		{
			"too big for IPv6", whole(summed6("fd00::1", "fd00::11", "02000000"+"00000578", inner(frame6(layers.IPProtocolUDP, "1388"+"0035"+"0010"+"0000", 8)))),
			"fd00::1 > fd00::11  ICMP6 packet too big, mtu 1400 for UDP fd00::11.5000 > fd00::22.53 len 64", ICMPError,
		},
		{
			"port unreachable", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
				&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(ping4(1)[14:]))),
			who + "ICMP port unreachable for ICMP 10.20.0.11 > 10.20.0.22 len 92", ICMPError,
		},
		{
			"time exceeded", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
				&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(11, 0)})),
			who + "ICMP time exceeded [short] len 8", ICMPError,
		},
		{"tag taken off", tagged(ping4(1), 0x8100, 0x2064), who + "vlan 100 p 1 ICMP echo request 1 len 64 id 7", ICMPRequest},
		{
			"tag inline", whole(build(ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 100, Type: layers.EthernetTypeARP},
				gopacket.Payload(arp(1, "10.20.0.11", "10.20.0.1", every)[14:]))),
			macs + "vlan 100 ARP who has 10.20.0.1 tell 10.20.0.11", ARP,
		},
		{
			"QinQ", tagged(build(ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 100, Type: layers.EthernetTypeIPv4},
				gopacket.Payload(ping4(1)[14:])), 0x88a8, 30),
			who + "vlan 30 vlan 100 ICMP echo request 1 len 64 id 7", ICMPRequest,
		},
		{
			"too many tags", tagged(append(ping4(1)[:12], unhex(strings.Repeat("81000001", 6)+"0800")...), 0x88a8, 30),
			macs + "vlan 30 vlan 1 vlan 1 vlan 1 too many vlan tags", Other,
		},
		{"ARP request", whole(arp(1, "10.20.0.11", "10.20.0.1", every)), "fa:16:3e:0a:11:01 > broadcast  ARP who has 10.20.0.1 tell 10.20.0.11", ARP},
		{"ARP reply", whole(arp(2, "10.20.0.1", "10.20.0.11", macB)), macs + "ARP 10.20.0.1 is at fa:16:3e:0a:11:01", ARP},
		{"ARP announcement", whole(arp(1, "10.20.0.1", "10.20.0.1", every)), "fa:16:3e:0a:11:01 > broadcast  ARP announcement of 10.20.0.1", ARP},
		{"TCP SYN", whole(tcp4(&layers.TCP{SYN: true, Options: []layers.TCPOption{
			{OptionType: layers.TCPOptionKindNop},
			{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 180}},
		}}, 0)), "10.20.0.11.51000 > 10.20.0.22.443  TCP [S] len 0 seq 1000 win 502 mss 1460", TCP},
		{
			"TCP data", whole(tcp4(&layers.TCP{PSH: true, ACK: true}, 100)),
			"10.20.0.11.51000 > 10.20.0.22.443  TCP [P.] len 100 seq 1000:1100 ack 2000 win 502", TCP,
		},
		{
			"TCP data, headers only", cutTo(tcp4(&layers.TCP{PSH: true, ACK: true}, 1000), 64),
			"10.20.0.11.51000 > 10.20.0.22.443  TCP [P.] len 1000 seq 1000:2000 ack 2000 win 502", TCP,
		},
		{
			"TCP reset", whole(tcp4(&layers.TCP{RST: true, ACK: true}, 0)),
			"10.20.0.11.51000 > 10.20.0.22.443  TCP [R.] len 0 seq 1000 ack 2000 win 502", TCPReset,
		},
		{"TCP cut", cutTo(tcp4(&layers.TCP{ACK: true}, 0), 44), "10.20.0.11.51000 > 10.20.0.22.443  TCP [cut]", TCP},
		{"UDP", whole(udp4(5000, 6000, payload(20))), "10.20.0.11.5000 > 10.20.0.22.6000  UDP len 20", UDP},
		{
			"first fragment", whole(build(ether(layers.EthernetTypeIPv4), fragment(0, true), &layers.UDP{SrcPort: 5000, DstPort: 6000}, payload(1472))),
			"10.20.0.11.5000 > 10.20.0.22.6000  UDP len 1472 first fragment of 7", UDP,
		},
		{
			"last fragment", whole(build(ether(layers.EthernetTypeIPv4), fragment(185, false), payload(520))),
			who + "UDP last fragment of 7 from 1480 len 520", Other,
		},
		{
			"echo request 6", whole(build(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolICMPv6),
				&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}, &layers.ICMPv6Echo{Identifier: 7, SeqNumber: 3}, payload(56))),
			who6 + "ICMP6 echo request 3 len 64 id 7", ICMPRequest,
		},
		{"neighbour solicitation", whole(build(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolICMPv6),
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(135, 0)}, &layers.ICMPv6NeighborSolicitation{
				TargetAddress: ip("fd00::1"), Options: layers.ICMPv6Options{{Type: 1, Data: macA}},
			})), who6 + "ICMP6 neighbour solicitation, who has fd00::1 tell fa:16:3e:0a:11:01 len 32", ND},
		{"neighbour advertisement", whole(build(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolICMPv6),
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(136, 0)}, &layers.ICMPv6NeighborAdvertisement{
				TargetAddress: ip("fd00::1"), Options: layers.ICMPv6Options{{Type: 2, Data: macB}},
			})), who6 + "ICMP6 neighbour advertisement, fd00::1 is at fa:16:3e:9e:00:01 len 32", ND},
		{
			"IPv6 fragment", whole(build(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolIPv6Fragment),
				gopacket.Payload(unhex("110005a90000002a")), payload(100))),
			who6 + "UDP fragment of 42 from 1448 len 100", Other,
		},
		{
			"IPv6 hop by hop, MLD", whole(build(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolIPv6HopByHop),
				gopacket.Payload(unhex("3a00050200000100"+"8f000000"+"00000001"+"04000000ff020000000000000000000000000016")))),
			who6 + "ICMP6 MLD v2 report, 1 group ff02::16 to exclude len 28", IGMP,
		},
		{
			"DNS query", whole(udp4(40000, 53, &layers.DNS{ID: 4660, RD: true, Questions: question})),
			"10.20.0.11.40000 > 10.20.0.22.53  DNS query 4660+ A db-2.example.com len 34", DNS,
		},
		{"DNS answer", whole(udp4(53, 40000, &layers.DNS{ID: 4660, QR: true, Questions: question, Answers: []layers.DNSResourceRecord{
			{Name: []byte("db-2.example.com"), Type: layers.DNSTypeCNAME, Class: 1, CNAME: []byte("x.example.com")},
			{Name: []byte("x.example.com"), Type: layers.DNSTypeA, Class: 1, IP: ip("10.20.0.99")},
		}})), "10.20.0.11.53 > 10.20.0.22.40000  DNS answer 4660- A db-2.example.com 2/0/0 CNAME x.example.com, 10.20.0.99 len 106", DNS},
		{
			"DNS no such name", whole(udp4(53, 40000, &layers.DNS{ID: 1, QR: true, ResponseCode: 3, Questions: question})),
			"10.20.0.11.53 > 10.20.0.22.40000  DNS answer 1- A db-2.example.com NXDomain 0/0/0 len 34", DNS,
		},
		{"DNS hostile name", whole(udp4(40000, 53, &layers.DNS{ID: 1, Questions: []layers.DNSQuestion{
			{Name: []byte("a\x1b[31m\x07\\é"), Type: 255, Class: 1},
		}})), `10.20.0.11.40000 > 10.20.0.22.53  DNS query 1 ANY a\027[31m\007\092\195\169 len 28`, DNS},
		{
			"DNS name that points at itself", whole(udp4(40000, 53, gopacket.Payload(unhex("000100000001000000000000"+"c00c"+"00010001")))),
			"10.20.0.11.40000 > 10.20.0.22.53  DNS query 1 A [bad name] len 18", DNS,
		},
		{
			"DNS label with a dot", whole(udp4(40000, 53, gopacket.Payload(unhex("000100000001000000000000"+"03612e62"+"0163"+"00"+"001c0001")))),
			`10.20.0.11.40000 > 10.20.0.22.53  DNS query 1 AAAA a\.b.c len 23`, DNS,
		},
		{
			"DHCP discover", whole(dhcp(layers.DHCPMsgTypeDiscover, "0.0.0.0", layers.NewDHCPOption(layers.DHCPOptRequestIP, ip("10.20.0.11")))),
			"10.20.0.11.68 > 10.20.0.22.67  DHCP Discover xid 0xdeadbeef client fa:16:3e:0a:11:01 wants 10.20.0.11 len 250", DHCP,
		},
		{
			"DHCP offer", whole(dhcp(layers.DHCPMsgTypeOffer, "10.20.0.11", layers.NewDHCPOption(layers.DHCPOptServerID, ip("10.20.0.2")))),
			"10.20.0.11.68 > 10.20.0.22.67  DHCP Offer xid 0xdeadbeef client fa:16:3e:0a:11:01 gets 10.20.0.11 server 10.20.0.2 len 250", DHCP,
		},
		{
			"DHCP cut before its options", cutTo(dhcp(layers.DHCPMsgTypeDiscover, "0.0.0.0"), 128),
			"10.20.0.11.68 > 10.20.0.22.67  DHCP request xid 0xdeadbeef client fa:16:3e:0a:11:01 [cut] len 244", DHCP,
		},
		{
			"DHCPv6", whole(build(ether(layers.EthernetTypeIPv6), ip6(layers.IPProtocolUDP), &layers.UDP{SrcPort: 546, DstPort: 547},
				&layers.DHCPv6{MsgType: layers.DHCPv6MsgTypeSolicit, TransactionID: []byte{1, 2, 3}})),
			"fd00::11.546 > fd00::22.547  DHCP6 Solicit xid 0x10203 len 4", DHCP,
		},
		{"VXLAN", whole(tunnel(ping4(50))), who + "VXLAN 101  " + who + "ICMP echo request 50 len 64 id 7", ICMPRequest},
		{
			"VXLAN with a tag inside and outside", tagged(tunnel(build(ether(layers.EthernetTypeDot1Q),
				&layers.Dot1Q{VLANIdentifier: 9, Type: layers.EthernetTypeIPv4}, gopacket.Payload(ping4(1)[14:]))), 0x8100, 5),
			who + "vlan 5 VXLAN 101  " + who + "vlan 9 ICMP echo request 1 len 64 id 7", ICMPRequest,
		},
		{
			"Geneve", whole(udp4(40000, 6081, gopacket.Payload(append(unhex("0200655800006500"+"0103010100000000"), ping4(50)...)))),
			who + "Geneve 101  " + who + "ICMP echo request 50 len 64 id 7", ICMPRequest,
		},
		{
			"GRE with a key", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolGRE),
				&layers.GRE{Protocol: layers.EthernetTypeTransparentEthernetBridging, KeyPresent: true, Key: 77}, gopacket.Payload(arp(1, "10.20.0.11", "10.20.0.1", every)))),
			who + "GRE key 77  fa:16:3e:0a:11:01 > broadcast  ARP who has 10.20.0.1 tell 10.20.0.11", ARP,
		},
		{
			"GRE with IP", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolGRE),
				&layers.GRE{Protocol: layers.EthernetTypeIPv4}, gopacket.Payload(ping4(2)[14:]))),
			who + "GRE  " + who + "ICMP echo request 2 len 64 id 7", ICMPRequest,
		},
		{
			"GRE in GRE in GRE ...", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolGRE), gopacket.Payload(bytes.Repeat(
				build(&layers.GRE{Protocol: layers.EthernetTypeIPv4}, ip4Head(layers.IPProtocolGRE)), 6)))),
			who + strings.Repeat("GRE  "+who, 4) + "GRE too deep to follow len 44", GRE,
		},
		{
			"IP in IP", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolIPv4), gopacket.Payload(ping4(2)[14:]))),
			who + "IPIP  " + who + "ICMP echo request 2 len 64 id 7", ICMPRequest,
		},
		{
			"VRRP", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolVRRP), gopacket.Payload(unhex("21013201000100000a14000100000000")))),
			who + "VRRPv2 router 1 priority 50 every 1s 10.20.0.1 len 16", VRRP,
		},
		{
			"IGMP", whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolIGMP), gopacket.Payload(unhex("1600fa04e00000fb")))),
			who + "IGMP v2 report for 224.0.0.251 len 8", IGMP,
		},
		{
			"LLDP", whole(build(ether(layers.EthernetTypeLinkLayerDiscovery), gopacket.Payload(unhex(
				"0207"+"04"+"525400123456"+"0405"+"05"+hex.EncodeToString([]byte("eth1"))+"0602"+"0078"+"0a05"+hex.EncodeToString([]byte("leaf1"))+"0000")))),
			macs + "LLDP chassis 52:54:00:12:34:56 port eth1 ttl 120 system leaf1", LLDP,
		},
		{
			"STP", whole(append(append(append([]byte{}, 1, 0x80, 0xc2, 0, 0, 0), macA...), unhex(
				"0026"+"424203"+"0000"+"00"+"00"+"01"+"8000fa163e0a1101"+"00000004"+"8000fa163e9e0001"+"8002"+"0000"+"1400"+"0200"+"0f00")...)),
			"fa:16:3e:0a:11:01 > 01:80:c2:00:00:00  STP topology change, root 32768.fa:16:3e:0a:11:01 cost 4 bridge 32768.fa:16:3e:9e:00:01 port 0x8002", STP,
		},
		{"OSPF", whole(build(ether(layers.EthernetTypeIPv4), ip4(89), payload(44))), who + "OSPF len 44", Other},
		{"unknown ethertype", whole(build(ether(0x88b5), payload(46))), macs + "ethertype 0x88b5 len 46", Other},
		{"short frame", whole([]byte{1, 2, 3}), "Ethernet frame of 3 bytes", Malformed},
		{
			"IP header too short", whole(build(ether(layers.EthernetTypeIPv4), gopacket.Payload(unhex("41000014000000004001000001020304050607080000")))),
			"1.2.3.4 > 5.6.7.8  IP header that can't be right", Malformed,
		},
		{
			"IP longer than its frame", whole(build(ether(layers.EthernetTypeIPv4), gopacket.Payload(unhex("45000514000000004001000001020304050607080000")))),
			"1.2.3.4 > 5.6.7.8  ICMP echo reply 0 len 1280 id 0 [1254 bytes missing]", Malformed,
		},
	}
}

// deep is tunnels within tunnels, more than are followed.
func deep(n int) []byte {
	data := ping4(1)
	for range n {
		data = tunnel(data)
	}
	return data
}

func describe(p *Packet) string { return fmt.Sprintf("% x", p.Data) }
