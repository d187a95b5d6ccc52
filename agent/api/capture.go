package api

import (
	"errors"
	"fmt"
	"strings"
)

// Snap lengths of a capture, in bytes of each packet.
const (
	SnapHeaders  = 128    // keeps headers, not what users send
	SnapUnderlay = 192    // keeps the headers inside a tunnel as well
	SnapMax      = 65_535 // whole packets
)

// CaptureRequest asks for the packets of one device.
type CaptureRequest struct {
	Netns   string `cbor:"1,keyasint,omitempty"`
	Device  string `cbor:"2,keyasint"`
	Filter  string `cbor:"3,keyasint,omitempty"` // tcpdump's words, about the untagged packet; "" for all
	VLAN    int    `cbor:"4,keyasint,omitempty"` // follow this VLAN id, 1 to 4094; 0: tagged and untagged
	Snap    int    `cbor:"5,keyasint,omitempty"` // 0: SnapHeaders
	Packets int64  `cbor:"6,keyasint,omitempty"` // ends after so many; 0: no bound of its own
	Seconds int    `cbor:"7,keyasint,omitempty"` // ends after so long; 0: the agent's limit
}

// Validate checks every field's range. The filter is compiled by the agent, not here.
func (r CaptureRequest) Validate() error {
	if len(r.Filter) > 4096 {
		return fmt.Errorf("filter: %d bytes are more than 4096", len(r.Filter))
	}
	if strings.ContainsRune(r.Filter, 0) {
		return errors.New("filter: a zero byte is no part of any filter")
	}
	return firstErr(checkNetns(r.Netns), checkDevice(r.Device),
		inRange("vlan", r.VLAN, 0, 4094), inRange("snap", r.Snap, 0, SnapMax),
		inRange("packets", r.Packets, 0, 1<<40), inRange("seconds", r.Seconds, 0, 86_400))
}

// The kinds of a [CaptureEvent].
const (
	CaptureStarted = "started" // the ring is open; packets come from now on
	CaptureStats   = "stats"   // counters so far, once a second and after a drop
)

// CaptureEvent is one event of the capture tool; the packets themselves travel
// in data frames as records, see [AppendPacket].
type CaptureEvent struct {
	Kind      string `cbor:"1,keyasint"`
	Time      int64  `cbor:"2,keyasint"`
	Index     int    `cbor:"3,keyasint,omitempty"` // ifindex
	MAC       string `cbor:"4,keyasint,omitempty"`
	LinkType  int    `cbor:"5,keyasint,omitempty"` // DLT of pcap; 1 is Ethernet
	Snap      int    `cbor:"6,keyasint,omitempty"`
	Offset    int64  `cbor:"7,keyasint,omitempty"`  // the node's clock against its true one, nanoseconds; tests only
	Seen      uint64 `cbor:"8,keyasint,omitempty"`  // packets that passed the filter
	Sent      uint64 `cbor:"9,keyasint,omitempty"`  // packets given to the console
	Kernel    uint64 `cbor:"10,keyasint,omitempty"` // dropped by the kernel because the ring was full
	Queue     uint64 `cbor:"11,keyasint,omitempty"` // dropped by the agent because the console was slow
	Freezes   uint64 `cbor:"12,keyasint,omitempty"` // times the ring was full (tpacket_stats_v3.tp_freeze_q_cnt)
	BytesSent uint64 `cbor:"13,keyasint,omitempty"`
}
