package api

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// The ways of an [InjectRequest].
const (
	// InjectOut sends the frames out of the device. On a server's tap they go to
	// the server.
	InjectOut = ""
	// InjectIn has the frames come in by the device, as if what is behind it had
	// sent them. Which of the next two ways that is the agent finds out. It is for
	// ports of servers: no NIC, tunnel or patch port.
	InjectIn = "in"
	// InjectRedirect is InjectIn by a device of the agent's own, which the kernel
	// redirects into Device. Device must be in a bridge.
	InjectRedirect = "redirect"
	// InjectSwitch is InjectIn by handing the frames to Open vSwitch as having
	// come in by its port Device (OpenFlow's packet-out). A capture on Device
	// does not see them.
	InjectSwitch = "switch"
)

// Bounds of an [InjectRequest].
const (
	InjectFrames   = 256                   // different frames
	InjectBytes    = 48 << 10              // of them together: a request has 64 KiB at most
	InjectCount    = 10_000                // frames sent
	InjectInCount  = 1000                  // the same where frames come in by a device
	InjectInterval = time.Millisecond      // between two frames, at least
	InjectInPause  = 10 * time.Millisecond // the same where frames come in by a device
)

// InjectRequest asks to send frames at a device: Frames in turn, from the first
// again after the last, until Count are sent.
type InjectRequest struct {
	Netns    string        `cbor:"1,keyasint,omitempty"`
	Device   string        `cbor:"2,keyasint"`
	Count    int           `cbor:"4,keyasint"` // 1 to InjectCount
	Interval time.Duration `cbor:"5,keyasint"` // between two frames
	// Frames are from the destination MAC on, 14 to 9,216 bytes each. Where they
	// come in by the device all have one source MAC: nothing else gets through.
	Frames [][]byte `cbor:"6,keyasint"`
	Way    string   `cbor:"7,keyasint,omitempty"` // InjectOut, InjectIn...
}

// In tells whether the frames come in by the device rather than go out.
func (r InjectRequest) In() bool { return r.Way != InjectOut }

// Validate checks every field's range.
func (r InjectRequest) Validate() error {
	if len(r.Frames) == 0 || len(r.Frames) > InjectFrames {
		return fmt.Errorf("frames: %d are not within 1 to %d", len(r.Frames), InjectFrames)
	}
	total := 0
	for i, f := range r.Frames {
		if len(f) < 14 || len(f) > 9216 {
			return fmt.Errorf("frames: %d bytes of frame %d are not within 14 to 9216", len(f), i+1)
		}
		total += len(f)
	}
	if total > InjectBytes {
		return fmt.Errorf("frames: %d bytes are more than %d", total, InjectBytes)
	}
	count, interval := InjectCount, InjectInterval
	if r.In() {
		count, interval = InjectInCount, InjectInPause
		if err := r.oneSource(); err != nil {
			return err
		}
	}
	return firstErr(checkNetns(r.Netns), checkDevice(r.Device), inRange("count", r.Count, 1, count),
		durationIn("interval", r.Interval, interval, time.Minute),
		oneOf("way", r.Way, InjectOut, InjectIn, InjectRedirect, InjectSwitch))
}

// oneSource checks that the frames can all be one device's.
func (r InjectRequest) oneSource() error {
	mac := r.Frames[0][6:12]
	if mac[0]&1 != 0 || bytes.Equal(mac, make([]byte, 6)) {
		return errors.New("frames: the source MAC is not one device's")
	}
	for _, f := range r.Frames {
		if !bytes.Equal(f[6:12], mac) {
			return errors.New("frames: their source MACs differ")
		}
	}
	return nil
}

// The kinds of an [InjectEvent].
const (
	InjectReady = "ready" // the first: how the frames go
	InjectSent  = "sent"  // the last
)

// InjectEvent is one event of the inject tool.
type InjectEvent struct {
	Time   int64  `cbor:"1,keyasint"` // InjectSent: when the first frame was sent
	Sent   int    `cbor:"2,keyasint"`
	Kind   string `cbor:"3,keyasint"`
	Way    string `cbor:"4,keyasint,omitempty"` // InjectReady: what was done of InjectIn
	Bridge string `cbor:"5,keyasint,omitempty"` // InjectReady: which holds the device
}
