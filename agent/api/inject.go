package api

import (
	"fmt"
	"time"
)

// InjectRequest asks to send a frame out of a device. A frame sent on a
// server's tap goes to the server, not from it.
type InjectRequest struct {
	Netns    string        `cbor:"1,keyasint,omitempty"`
	Device   string        `cbor:"2,keyasint"`
	Frame    []byte        `cbor:"3,keyasint"` // from the destination MAC on, 14 to 9,216 bytes
	Count    int           `cbor:"4,keyasint"` // 1 to 10,000
	Interval time.Duration `cbor:"5,keyasint"` // between two frames, at least 1 ms
}

// Validate checks every field's range.
func (r InjectRequest) Validate() error {
	if len(r.Frame) < 14 || len(r.Frame) > 9216 {
		return fmt.Errorf("frame: %d bytes are not within 14 to 9216", len(r.Frame))
	}
	return firstErr(checkNetns(r.Netns), checkDevice(r.Device), inRange("count", r.Count, 1, 10_000),
		durationIn("interval", r.Interval, time.Millisecond, time.Minute))
}

// InjectEvent is the single event of the inject tool.
type InjectEvent struct {
	Time int64 `cbor:"1,keyasint"` // when the first frame was sent
	Sent int   `cbor:"2,keyasint"`
}
