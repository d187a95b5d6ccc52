package api

import (
	"encoding/binary"
	"errors"
)

// Packet is one captured packet. Data does not hold the VLAN tag that the
// kernel took off; VLAN and TPID do, and the console puts it back before it
// writes pcapng.
type Packet struct {
	Time   int64  // the node's clock, Unix nanoseconds
	Length uint32 // on the wire, without the tag
	VLAN   uint16 // tag control information (id, DEI, PCP); valid where TPID is not 0
	TPID   uint16 // 0x8100, 0x88a8 or 0: the kernel took no tag off
	Type   uint8  // sll_pkttype: 0 host, 1 broadcast, 2 multicast, 3 other host, 4 outgoing
	Data   []byte
}

// A record is, big endian: time 8 bytes, length on the wire 4, length here 4,
// VLAN 2, TPID 2, type 1, zero 3; then the bytes.
const (
	// PacketHeader is the size of a record without its bytes.
	PacketHeader = 24
	// MaxData is the largest payload of a data frame, in bytes. Records never span frames.
	MaxData = 64 << 10
)

// ErrBadPacket is what reading a data frame ends with when a record is cut
// short or says more than the frame holds.
var ErrBadPacket = errors.New("malformed packet record")

// AppendPacket appends the record of p to buf.
func AppendPacket(buf []byte, p Packet) []byte {
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.Time))
	buf = binary.BigEndian.AppendUint32(buf, p.Length)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(p.Data)))
	buf = binary.BigEndian.AppendUint16(buf, p.VLAN)
	buf = binary.BigEndian.AppendUint16(buf, p.TPID)
	buf = append(buf, p.Type, 0, 0, 0)
	return append(buf, p.Data...)
}

// NextPacket reads the first record of frame and returns what is left. The
// packet's Data points into frame. It never panics, whatever frame holds.
func NextPacket(frame []byte) (p Packet, rest []byte, err error) {
	if len(frame) < PacketHeader {
		return Packet{}, nil, ErrBadPacket
	}
	n := binary.BigEndian.Uint32(frame[12:])
	if uint64(n) > uint64(len(frame)-PacketHeader) {
		return Packet{}, nil, ErrBadPacket
	}
	p = Packet{
		Time:   int64(binary.BigEndian.Uint64(frame)),
		Length: binary.BigEndian.Uint32(frame[8:]),
		VLAN:   binary.BigEndian.Uint16(frame[16:]),
		TPID:   binary.BigEndian.Uint16(frame[18:]),
		Type:   frame[20],
		Data:   frame[PacketHeader : PacketHeader+int(n) : PacketHeader+int(n)],
	}
	return p, frame[PacketHeader+int(n):], nil
}
