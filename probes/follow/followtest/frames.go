package followtest

import (
	"encoding/binary"
	"net/netip"
)

// Echo is an ICMP echo of IPv4 in an Ethernet frame, with so many bytes of data;
// reply says that it is an answer.
func Echo(from, to string, seq uint16, reply bool, data int) []byte {
	icmp := make([]byte, 8+data)
	if icmp[0] = 8; reply {
		icmp[0] = 0
	}
	binary.BigEndian.PutUint16(icmp[4:], 0x1f03)
	binary.BigEndian.PutUint16(icmp[6:], seq)
	id := seq
	if reply {
		id += 0x8000
	}
	return ethernet(ipv4(from, to, 1, id, icmp))
}

// VXLAN puts a frame into a tunnel.
func VXLAN(from, to string, vni uint32, frame []byte) []byte {
	udp := make([]byte, 16, 16+len(frame))
	binary.BigEndian.PutUint16(udp, 50000)
	binary.BigEndian.PutUint16(udp[2:], 4789)
	binary.BigEndian.PutUint16(udp[4:], uint16(16+len(frame)))
	udp[8] = 8
	binary.BigEndian.PutUint32(udp[12:], vni<<8)
	return ethernet(ipv4(from, to, 17, 0, append(udp, frame...)))
}

func ethernet(body []byte) []byte {
	return append([]byte{0xfa, 0x16, 0x3e, 0, 0, 2, 0xfa, 0x16, 0x3e, 0, 0, 1, 8, 0}, body...)
}

func ipv4(from, to string, proto byte, id uint16, body []byte) []byte {
	h := make([]byte, 20, 20+len(body))
	h[0], h[8], h[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(body)))
	binary.BigEndian.PutUint16(h[4:], id)
	a, z := netip.MustParseAddr(from).As4(), netip.MustParseAddr(to).As4()
	copy(h[12:], a[:])
	copy(h[16:], z[:])
	return append(h, body...)
}
