package packets

import (
	"encoding/hex"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func arpVariants() []variant {
	s := set{proto: "ARP"}
	s.add("request", arp(1, "10.20.0.11", "10.20.0.1", every))
	s.add("request to one, with its address", changed(arp(1, "10.20.0.11", "10.20.0.1", macB), 32, macB...))
	s.add("reply", arp(2, "10.20.0.1", "10.20.0.11", macB))
	s.add("announcement", arp(1, "10.20.0.1", "10.20.0.1", every))
	s.add("announcement to all", changed(arp(1, "10.20.0.1", "10.20.0.1", every), 32, every...))
	s.add("request with everybody's address", changed(arp(1, "10.20.0.11", "10.20.0.1", every), 32, every...))
	s.add("over IEEE 802", changed(arp(2, "10.20.0.1", "10.20.0.11", macB), 15, 6))
	s.add("gratuitous reply", arp(2, "10.20.0.1", "10.20.0.1", every))
	s.add("probe", arp(1, "0.0.0.0", "10.20.0.1", every))
	s.add("padded", append(arp(2, "10.20.0.1", "10.20.0.11", macB), make([]byte, 18)...))
	s.add("reverse request", framed(0x8035, inner(changed(arp(3, "0.0.0.0", "0.0.0.0", every), 32, macA...))))
	s.add("reverse reply", framed(0x8035, inner(changed(arp(4, "10.20.0.1", "10.20.0.11", macB), 32, macA...))))
	s.add("inverse request", arp(8, "10.20.0.1", "0.0.0.0", macB))
	s.add("inverse reply", arp(9, "10.20.0.1", "10.20.0.11", macB))
	s.add("unknown operation", arp(77, "10.20.0.1", "10.20.0.11", macB))
	s.cut("cut", arp(1, "10.20.0.11", "10.20.0.1", every), 30)
	s.packet("in a VLAN", tagged(arp(1, "10.20.0.11", "10.20.0.1", every), 0x8100, 100))
	s.add("of IPv6", framed(layers.EthernetTypeARP, "000186dd06100001", macA, ip("fd00::1"), macB, ip("fd00::2")))
	return s.all
}

func vlanVariants() []variant {
	s := set{proto: "802.1Q"}
	tag := func(kind layers.EthernetType, parts ...any) []byte {
		return build(ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 100, Type: kind}, raw(parts...))
	}
	s.add("inline", tag(layers.EthernetTypeIPv4, inner(ping4(1))))
	s.packet("taken off by the kernel", tagged(ping4(1), 0x8100, 100))
	s.packet("with a priority", tagged(ping4(1), 0x8100, 0xb064))
	s.packet("may be dropped", tagged(ping4(1), 0x8100, 0x1064))
	s.packet("of priority only", tagged(ping4(1), 0x8100, 0x6000))
	s.packet("4095", tagged(ping4(1), 0x8100, 0x0fff))
	s.add("with IPv6", tag(layers.EthernetTypeIPv6, inner(echo6(128, 1))))
	s.add("with ARP", tag(layers.EthernetTypeARP, inner(arp(2, "10.20.0.1", "10.20.0.11", macB))))
	s.add("with an unknown type", tag(0x88b5, 46))
	s.add("with LLC", tag(38, stp()))
	s.cut("cut", tag(layers.EthernetTypeIPv4, inner(ping4(1))), 16)

	q := set{proto: "QinQ", all: s.all}
	outer := func(tpid layers.EthernetType, id uint16, frame []byte) []byte {
		return framed(tpid, id, frame[12:])
	}
	q.add("two tags inline", outer(0x88a8, 30, tag(layers.EthernetTypeIPv4, inner(ping4(1)))))
	q.packet("the outer taken off", tagged(tag(layers.EthernetTypeIPv4, inner(ping4(1))), 0x88a8, 30))
	q.add("8100 in 8100", outer(0x8100, 30, tag(layers.EthernetTypeIPv4, inner(ping4(1)))))
	q.add("9100", outer(0x9100, 30, tag(layers.EthernetTypeIPv4, inner(ping4(1)))))
	q.packet("three tags", tagged(outer(0x88a8, 0x2000|40, tag(layers.EthernetTypeIPv4, inner(ping4(1)))), 0x88a8, 30))
	q.add("with ARP", outer(0x88a8, 30, tag(layers.EthernetTypeARP, inner(arp(1, "10.20.0.11", "10.20.0.1", every)))))
	q.add("in VXLAN", tunnel(outer(0x88a8, 30, tag(layers.EthernetTypeIPv4, inner(ping4(1))))))
	q.packet("in VXLAN in QinQ", tagged(outer(0x8100, 31, tunnel(outer(0x88a8, 30, tag(layers.EthernetTypeIPv4, inner(ping4(1)))))), 0x88a8, 32))
	return q.all
}

// stp is a configuration message of spanning tree, with its LLC header.
func stp() []byte {
	return unhex("424203" + "0000" + "00" + "00" + "01" + "8000fa163e0a1101" + "00000004" + "8000fa163e9e0001" + "8002" + "0000" + "1400" + "0200" + "0f00")
}

func lldpVariants() []variant {
	s := set{proto: "LLDP"}
	text := func(t string) string { return hex.EncodeToString([]byte(t)) }
	send := func(tlvs ...string) []byte {
		var all string
		for _, t := range tlvs {
			all += t
		}
		e := ether(layers.EthernetTypeLinkLayerDiscovery)
		e.DstMAC = mac("01:80:c2:00:00:0e")
		return build(e, raw(all))
	}
	const (
		chassis = "0207" + "04" + "525400123456"
		port    = "0405" + "05" + "65746831"
		ttl     = "0602" + "0078"
		end     = "0000"
	)
	s.add("least", send(chassis, port, ttl, end))
	s.add("with names", send(chassis, port, ttl, "0806"+text("uplink"), "0a05"+text("leaf1"), "0c0b"+text("Cumulus 5.9"), end))
	s.add("port by address", send(chassis, "0407"+"03"+"525400123457", ttl, end))
	s.add("chassis by name", send("0206"+"07"+text("leaf1"), "0403"+"07"+text("12"), ttl, end))
	s.add("chassis by IP address", send("0206"+"05"+"01"+"0a140001", port, ttl, end))
	s.add("going away", send(chassis, port, "0602"+"0000", end))
	s.add("management address and VLAN", send(chassis, port, ttl, "0a05"+text("leaf1"), "0e04"+"00140014",
		"100c"+"0501"+"0a140001"+"02"+"00000001"+"00", "fe06"+"0080c2"+"01"+"0064", end))
	s.add("hostile name", send(chassis, port, ttl, "0a08"+text("\x1b[31m\x07\n\\"), end))
	s.cut("cut in a name", send(chassis, port, ttl, "0a05"+text("leaf1"), end), 41)
	s.packet("in a VLAN", tagged(send(chassis, port, ttl, end), 0x8100, 7))
	return s.all
}

// frameOf LLC: the type field holds a length.
func llc(b []byte) []byte {
	e := ether(layers.EthernetTypeLLC)
	e.Length = uint16(len(b))
	return build(e, gopacket.Payload(b))
}
