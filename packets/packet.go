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
