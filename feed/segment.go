package feed

import (
	"encoding/binary"
	"os"
	"unsafe"

	"steth/packets"
)

// A record is one entry as it stands in memory and on disk, little endian:
//
//	kind    1 byte   the level of a line, or isPacket
//	time    8 bytes  Unix nanoseconds
//	size    4 bytes  of the body
//	meta    9 bytes  packets only: length 4, VLAN 2, TPID 2, type 1
//	body    the text of a line, the data of a packet
//
// The spool is private to this process and its file has no name, so records
// carry no version and no checksum.
const (
	isPacket   = 0x80
	headSize   = 1 + 8 + 4
	metaSize   = 4 + 2 + 2 + 1
	packetHead = headSize + metaSize
)

// block is a run of whole records and where each begins. Bytes that were once
// written never change, so a reader may hold a block while its segment grows.
type block struct {
	data    []byte
	offsets []uint32
}

// segment is a block's place in the feed: in memory, or at off in the spool.
// All fields are guarded by Feed.mu.
type segment struct {
	block
	first  uint64 // sequence number of its first entry
	count  int
	newest int64    // the largest time in it
	size   int      // of its data, also when that is on disk
	file   *os.File // where it is on disk, at off; nil in memory
	off    int64
}

func (s *segment) end() uint64 { return s.first + uint64(s.count) }

func appendLine(b []byte, t int64, level Level, text string) []byte {
	b = append(b, byte(level)&^isPacket)
	b = binary.LittleEndian.AppendUint64(b, uint64(t))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

func appendPacket(b []byte, p *packets.Packet) []byte {
	b = append(b, isPacket)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Time))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Data)))
	b = binary.LittleEndian.AppendUint32(b, p.Length)
	b = binary.LittleEndian.AppendUint16(b, p.VLAN)
	b = binary.LittleEndian.AppendUint16(b, p.TPID)
	b = append(b, p.Type)
	return append(b, p.Data...)
}

// decode reads record i. Text and data point into the block, which the entry
// thereby keeps alive; nobody writes there any more.
func (b block) decode(i int, seq uint64, e *Entry) {
	r := b.data[b.offsets[i]:]
	*e = Entry{Seq: seq, Time: int64(binary.LittleEndian.Uint64(r[1:]))}
	size := int(binary.LittleEndian.Uint32(r[9:]))
	if r[0] != isPacket {
		e.Level = Level(r[0])
		if size > 0 {
			e.Text = unsafe.String(&r[headSize], size)
		}
		return
	}
	e.Packet = packets.Packet{
		Time:   e.Time,
		Length: binary.LittleEndian.Uint32(r[13:]),
		VLAN:   binary.LittleEndian.Uint16(r[17:]),
		TPID:   binary.LittleEndian.Uint16(r[19:]),
		Type:   r[21],
		Data:   r[packetHead : packetHead+size : packetHead+size],
	}
}

// time reads only the time of record i.
func (b block) time(i int) int64 {
	return int64(binary.LittleEndian.Uint64(b.data[b.offsets[i]+1:]))
}

// index finds the records of data, which is count whole ones.
func index(data []byte, count int) block {
	offsets := make([]uint32, 0, count)
	for at := 0; at+headSize <= len(data); {
		offsets = append(offsets, uint32(at))
		size := headSize + int(binary.LittleEndian.Uint32(data[at+9:]))
		if data[at] == isPacket {
			size += metaSize
		}
		at += size
	}
	return block{data: data, offsets: offsets}
}
