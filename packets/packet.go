// Package packets reads captured packets: one row for a list, all layers for
// one packet, and pcapng files.
//
// A capture brings more packets than anybody reads, so the row of a packet is
// made by a parser of our own, without an allocation, and only for rows that
// are on the screen ([Describe]). Whoever opens a packet gets every header,
// decoded by gopacket ([Layers]). Both take bytes that strangers sent: neither
// can panic, nor does anything but printable ASCII come out of them.
//
// Files are written with one interface for each device ([Writer]), so that
// Wireshark and tcpdump open them as they are, and read back for a replay
// ([Reader]).
package packets

// Packet is one captured packet as the console holds it. Data is what stood on
// the device without the VLAN tag that the kernel took off; VLAN and TPID hold
// that tag.
type Packet struct {
	Time   int64  // Unix nanoseconds
	Length uint32 // on the wire, without the tag
	VLAN   uint16 // tag control information; valid where TPID is not 0
	TPID   uint16 // 0x8100, 0x88a8, or 0: no tag was taken off
	Type   uint8  // sll_pkttype: 0 host, 1 broadcast, 2 multicast, 3 other host, 4 outgoing
	Data   []byte
}
