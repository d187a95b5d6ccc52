package tools

import (
	"encoding/binary"
	"fmt"
	"io"

	"steth/agent/api"
)

const (
	ofPortStats = 4 // OFPST_PORT, OFPMP_PORT_STATS
	ofMore      = 1 // flag of a reply that is not the last
)

// ports reads the counters of all ports of the bridge, by their numbers.
func (o *openflow) ports(conn io.ReadWriter) (map[uint32]api.OVSPortCounters, error) {
	kind, body := byte(18), make([]byte, 16) // OFPT_MULTIPART_REQUEST: type, flags, padding; port, padding
	binary.BigEndian.PutUint16(body, ofPortStats)
	if o.version == 1 {
		kind, body = 16, body[:12]                   // OFPT_STATS_REQUEST, without padding before the port
		binary.BigEndian.PutUint16(body[4:], 0xffff) // OFPP_NONE: all
	} else {
		binary.BigEndian.PutUint32(body[8:], 0xffffffff) // OFPP_ANY
	}
	if err := o.write(conn, kind, body); err != nil {
		return nil, err
	}
	out := map[uint32]api.OVSPortCounters{}
	for range ofWait {
		_, got, body, err := readOpenFlow(conn)
		switch {
		case err != nil:
			return nil, err
		case got == kind+1: // the reply
			more, err := o.portStats(body, out)
			if err != nil || !more {
				return out, err
			}
		case got == ofError && len(body) >= 4:
			return nil, fmt.Errorf("it refused: OpenFlow error type %d code %d", binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:]))
		case got == ofEchoRequest:
			if err := o.write(conn, ofEchoReply, body); err != nil {
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("it did not end within %d messages", ofWait)
}

// portStats adds the entries of one reply; more says that another follows.
func (o *openflow) portStats(body []byte, to map[uint32]api.OVSPortCounters) (more bool, err error) {
	// Where the entries begin, the size of one, and where its number and its
	// counters stand (struct ofp_port_stats of 1.0, 1.3 and 1.4; that of 1.4 has
	// its own length, and properties behind).
	head, size, number, counters := 8, 112, 0, 8
	switch o.version {
	case 1:
		head, size = 4, 104
	case 5:
		size, number, counters = 80, 4, 16
	}
	if len(body) < head || binary.BigEndian.Uint16(body) != ofPortStats {
		return false, fmt.Errorf("%d bytes are no counters of ports", len(body))
	}
	more = binary.BigEndian.Uint16(body[2:])&ofMore != 0
	for b := body[head:]; len(b) > 0; {
		length := size
		if o.version == 5 && len(b) >= 2 {
			length = int(binary.BigEndian.Uint16(b))
		}
		if length < size || length > len(b) {
			return false, fmt.Errorf("the counters of a port are cut short, %d bytes of %d", len(b), length)
		}
		n := binary.BigEndian.Uint32(b[number:])
		if o.version == 1 {
			if n >>= 16; n >= 0xff00 { // the reserved numbers, of 16 bits and of 32
				n |= 0xffff0000
			}
		}
		field := func(i int) uint64 { return binary.BigEndian.Uint64(b[counters+8*i:]) }
		to[n] = api.OVSPortCounters{
			RxPackets: field(0), TxPackets: field(1), RxBytes: field(2), TxBytes: field(3),
			RxDropped: field(4), TxDropped: field(5), RxErrors: field(6), TxErrors: field(7),
		}
		b = b[length:]
	}
	return more, nil
}
