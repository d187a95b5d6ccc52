package api

import (
	"fmt"
	"net/netip"
	"time"
)

// IperfServerRequest asks for an iperf3 server that serves one test and ends.
type IperfServerRequest struct {
	Netns   string `cbor:"1,keyasint,omitempty"`
	Bind    string `cbor:"2,keyasint"`           // the address to listen on; never all addresses
	Port    int    `cbor:"3,keyasint,omitempty"` // one of the agent's range; 0: a free one
	Seconds int    `cbor:"4,keyasint"`           // ends after this even when nobody came, 1 to 3,600
}

// Validate checks every field's range.
func (r IperfServerRequest) Validate() error {
	if a, err := netip.ParseAddr(r.Bind); err == nil && (a.Unmap().IsUnspecified() || a.Unmap().IsMulticast()) {
		return fmt.Errorf("bind: %s is not one address of the node: name the one that the client connects to", r.Bind)
	}
	return firstErr(checkNetns(r.Netns), checkAddress("bind", r.Bind),
		inRange("port", r.Port, 0, 65_535), inRange("seconds", r.Seconds, 1, 3_600))
}

// The protocols of iperf.
const (
	IperfTCP = "tcp"
	IperfUDP = "udp"
)

// IperfClientRequest asks for an iperf3 test towards a server.
type IperfClientRequest struct {
	Netns    string `cbor:"1,keyasint,omitempty"`
	To       string `cbor:"2,keyasint"`
	Port     int    `cbor:"3,keyasint"`
	Bind     string `cbor:"4,keyasint,omitempty"` // source address
	Seconds  int    `cbor:"5,keyasint"`           // 1 to 3,600
	Protocol string `cbor:"6,keyasint"`           // tcp or udp
	Parallel int    `cbor:"7,keyasint"`           // streams, 1 to 32
	Bits     int64  `cbor:"8,keyasint,omitempty"` // bits a second of all streams together; 0: no bound for TCP, 1 Mbit/s for UDP as iperf3 does
	Reverse  bool   `cbor:"9,keyasint,omitempty"` // the server sends
}

// Validate checks every field's range.
func (r IperfClientRequest) Validate() error {
	if r.Bind != "" {
		if err := checkAddress("bind", r.Bind); err != nil {
			return err
		}
	}
	return firstErr(checkNetns(r.Netns), checkAddress("to", r.To),
		inRange("port", r.Port, 1, 65_535), inRange("seconds", r.Seconds, 1, 3_600),
		oneOf("protocol", r.Protocol, IperfTCP, IperfUDP),
		inRange("parallel", r.Parallel, 1, 32), inRange("bits", r.Bits, 0, 1_000_000_000_000))
}

// The kinds of an [IperfEvent].
const (
	IperfReady    = "ready"    // the server listens on Port
	IperfInterval = "interval" // one second of the test
	IperfEnd      = "end"      // the whole test; the last event
)

// IperfEvent is one event of either iperf tool. Rates are of all streams together.
type IperfEvent struct {
	Kind        string        `cbor:"1,keyasint"`
	Time        int64         `cbor:"2,keyasint"`
	Port        int           `cbor:"3,keyasint,omitempty"`
	Start       time.Duration `cbor:"4,keyasint,omitempty"` // of the interval, since the test's start
	End         time.Duration `cbor:"5,keyasint,omitempty"`
	Bits        float64       `cbor:"6,keyasint,omitempty"` // bits a second, the sender's side in IperfEnd
	Bytes       int64         `cbor:"7,keyasint,omitempty"`
	Retransmits int64         `cbor:"8,keyasint,omitempty"`  // TCP, sender only
	RTT         time.Duration `cbor:"9,keyasint,omitempty"`  // TCP, sender only
	Jitter      time.Duration `cbor:"10,keyasint,omitempty"` // UDP
	Lost        int64         `cbor:"11,keyasint,omitempty"` // UDP datagrams
	Datagrams   int64         `cbor:"12,keyasint,omitempty"` // UDP
	Received    float64       `cbor:"13,keyasint,omitempty"` // bits a second at the receiver, IperfEnd
	CPULocal    float64       `cbor:"14,keyasint,omitempty"` // percent, IperfEnd
	CPURemote   float64       `cbor:"15,keyasint,omitempty"`
}
