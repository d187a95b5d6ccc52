package api

import (
	"fmt"
	"time"
)

// PingRequest asks for ICMP echo requests from the node or a namespace of it.
type PingRequest struct {
	Netns    string        `cbor:"1,keyasint,omitempty"`
	To       string        `cbor:"2,keyasint"`           // an IPv4 or IPv6 address; names are the console's to look up
	From     string        `cbor:"3,keyasint,omitempty"` // source address or device
	Count    int           `cbor:"4,keyasint"`           // 1 to 100,000
	Interval time.Duration `cbor:"5,keyasint"`           // 10 ms to 1 minute
	Timeout  time.Duration `cbor:"6,keyasint"`           // to wait for each answer, 100 ms to 1 minute
	Size     int           `cbor:"7,keyasint,omitempty"` // bytes of ICMP payload, 0 to 65,507; the header's 8 come on top
	TTL      int           `cbor:"8,keyasint,omitempty"` // 1 to 255; 0 for the system's default
	DF       bool          `cbor:"9,keyasint,omitempty"` // never fragment, path MTU probing
}

// Validate checks every field's range.
func (r PingRequest) Validate() error {
	if err := checkNetns(r.Netns); err != nil {
		return err
	}
	if err := checkAddress("to", r.To); err != nil {
		return err
	}
	if r.From != "" {
		if checkAddress("from", r.From) != nil && checkDevice(r.From) != nil {
			return fmt.Errorf("from: %q is neither an address nor a device name", r.From)
		}
	}
	return firstErr(
		inRange("count", r.Count, 1, 100_000),
		durationIn("interval", r.Interval, 10*time.Millisecond, time.Minute),
		durationIn("timeout", r.Timeout, 100*time.Millisecond, time.Minute),
		inRange("size", r.Size, 0, 65_507),
		inRange("ttl", r.TTL, 0, 255),
	)
}

// The kinds of a [PingEvent].
const (
	PingReply   = "reply"   // an answer to Seq
	PingNoReply = "noreply" // no answer to Seq so far
	PingError   = "error"   // an ICMP error about Seq, From its sender
	PingSummary = "summary" // the last event
)

// PingEvent is one event of the ping tool.
type PingEvent struct {
	Kind      string        `cbor:"1,keyasint"`
	Time      int64         `cbor:"2,keyasint"` // when the line was printed, Unix nanoseconds
	Seq       int           `cbor:"3,keyasint,omitempty"`
	From      string        `cbor:"4,keyasint,omitempty"`
	Bytes     int           `cbor:"5,keyasint,omitempty"`
	TTL       int           `cbor:"6,keyasint,omitempty"`
	RTT       time.Duration `cbor:"7,keyasint,omitempty"`
	Text      string        `cbor:"8,keyasint,omitempty"` // what ping said, for errors
	Duplicate bool          `cbor:"9,keyasint,omitempty"`

	Sent     int           `cbor:"10,keyasint,omitempty"` // of the summary
	Received int           `cbor:"11,keyasint,omitempty"`
	Min      time.Duration `cbor:"12,keyasint,omitempty"`
	Avg      time.Duration `cbor:"13,keyasint,omitempty"`
	Max      time.Duration `cbor:"14,keyasint,omitempty"`
	Mdev     time.Duration `cbor:"15,keyasint,omitempty"`
}
