package tools

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// openflow is as much of the OpenFlow Switch Specification as it takes to hand a
// packet to a bridge: hello, packet-out, barrier.
type openflow struct {
	version byte // on the wire: 1 is OpenFlow 1.0, 4 is 1.3, 5 is 1.4
	xid     uint32
}

// The types of messages, the same in all versions that are spoken here but for
// the barrier.
const (
	ofHello       = 0
	ofError       = 1
	ofEchoRequest = 2
	ofEchoReply   = 3
	ofPacketOut   = 13

	ofHeader  = 8
	ofVersion = 5                  // the highest that is offered
	ofOffered = 1<<1 | 1<<4 | 1<<5 // by bits; 1.0, 1.3 and 1.4
	ofWait    = 64                 // messages that may come before the one that is waited for
)

// openOpenFlow agrees on a version with the switch.
func openOpenFlow(conn io.ReadWriter) (openflow, error) {
	o := openflow{version: ofVersion}
	// A hello with the element OFPHET_VERSIONBITMAP (1.3, section 7.5.1).
	hello := []byte{0, 1, 0, 8, 0, 0, 0, ofOffered}
	if err := o.write(conn, ofHello, hello); err != nil {
		return o, err
	}
	version, kind, body, err := readOpenFlow(conn)
	switch {
	case err != nil:
		return o, err
	case kind != ofHello:
		return o, fmt.Errorf("it began with message %d, not with a hello", kind)
	}
	spoken := uint32(ofOffered) & theirVersions(version, body)
	if spoken == 0 {
		return o, fmt.Errorf("it speaks none of OpenFlow 1.0, 1.3 and 1.4 (its hello is of version %d)", version)
	}
	o.version = byte(bits.Len32(spoken) - 1)
	return o, nil
}

// theirVersions are the versions that a hello offers: those of its bitmap, or
// all up to its own.
func theirVersions(version byte, body []byte) uint32 {
	for len(body) >= 4 {
		size := int(binary.BigEndian.Uint16(body[2:]))
		if size < 4 || size > len(body) {
			break
		}
		if binary.BigEndian.Uint16(body) == 1 && size >= 8 {
			return binary.BigEndian.Uint32(body[4:])
		}
		body = body[min(len(body), (size+7)&^7):]
	}
	return 1<<(min(version, 31)+1) - 1
}

// packetOut has frame processed from table 0 on as if it had come in by port,
// and waits until that is done.
func (o *openflow) packetOut(conn io.ReadWriter, port uint16, frame []byte) error {
	// NXAST_RESUBMIT_TABLE of Open vSwitch (include/openflow/nicira-ext.h): the
	// packet's own port (OFPP_IN_PORT), table 0.
	resubmit := []byte{0xff, 0xff, 0, 16, 0, 0, 0x23, 0x20, 0, 14, 0xff, 0xf8, 0, 0, 0, 0}
	b := binary.BigEndian.AppendUint32(nil, 0xffffffff) // no buffer: the packet is in the message
	if o.version == 1 {
		b = binary.BigEndian.AppendUint16(b, port)
		b = binary.BigEndian.AppendUint16(b, uint16(len(resubmit)))
	} else {
		b = binary.BigEndian.AppendUint32(b, uint32(port))
		b = binary.BigEndian.AppendUint16(b, uint16(len(resubmit)))
		b = append(b, make([]byte, 6)...)
	}
	b = append(append(b, resubmit...), frame...)
	if err := o.write(conn, ofPacketOut, b); err != nil {
		return err
	}
	request, reply := byte(20), byte(21) // OFPT_BARRIER_*
	if o.version == 1 {
		request, reply = 18, 19
	}
	if err := o.write(conn, request, nil); err != nil {
		return err
	}
	for range ofWait {
		_, kind, body, err := readOpenFlow(conn)
		switch {
		case err != nil:
			return err
		case kind == reply:
			return nil
		case kind == ofError && len(body) >= 4:
			return fmt.Errorf("it refused: OpenFlow error type %d code %d", binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:]))
		case kind == ofEchoRequest:
			if err := o.write(conn, ofEchoReply, body); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("it did not say that it is done, but %d other things", ofWait)
}

func (o *openflow) write(conn io.Writer, kind byte, body []byte) error {
	o.xid++
	b := []byte{o.version, kind}
	b = binary.BigEndian.AppendUint16(b, uint16(ofHeader+len(body)))
	b = binary.BigEndian.AppendUint32(b, o.xid)
	_, err := conn.Write(append(b, body...))
	return err
}

func readOpenFlow(conn io.Reader) (version, kind byte, body []byte, err error) {
	var head [ofHeader]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, 0, nil, err
	}
	size := int(binary.BigEndian.Uint16(head[2:]))
	if size < ofHeader {
		return 0, 0, nil, fmt.Errorf("a message of %d bytes", size)
	}
	body = make([]byte, size-ofHeader)
	_, err = io.ReadFull(conn, body)
	return head[0], head[1], body, err
}
