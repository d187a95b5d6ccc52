package api

import "time"

// HelloRequest asks an agent who it is. It is the first call of every session.
type HelloRequest struct {
	Sent int64 `cbor:"1,keyasint"` // the console's clock, Unix nanoseconds; only echoed
}

// Validate accepts every HelloRequest.
func (HelloRequest) Validate() error { return nil }

// Hello is the single event that answers a [HelloRequest].
type Hello struct {
	Sent    int64         `cbor:"1,keyasint"` // copied from the request
	Clock   int64         `cbor:"2,keyasint"` // the node's clock when it answered, Unix nanoseconds
	Node    string        `cbor:"3,keyasint"` // name in the agent's certificate
	Version string        `cbor:"4,keyasint"`
	Commit  string        `cbor:"5,keyasint"`
	Kernel  string        `cbor:"6,keyasint"` // uname -r
	Arch    string        `cbor:"7,keyasint"`
	Uptime  time.Duration `cbor:"8,keyasint"` // of the agent
	Load    [3]float64    `cbor:"9,keyasint"` // /proc/loadavg
	Tools   []ToolState   `cbor:"10,keyasint"`
	Limits  Limits        `cbor:"11,keyasint"`
	Jobs    int           `cbor:"12,keyasint"` // running now
}

// ToolState says whether a tool can run on this node and, if not, why and what
// to install.
type ToolState struct {
	Name   string `cbor:"1,keyasint"`
	Ready  bool   `cbor:"2,keyasint"`
	Reason string `cbor:"3,keyasint,omitempty"`
	// Absent says that what the tool asks is not on this node, which is no fault:
	// Open vSwitch where a Linux bridge does its work. Ready is then false.
	Absent bool `cbor:"4,keyasint,omitempty"`
}

// Limits is what an agent grants. Zero means no limit.
type Limits struct {
	Jobs           int           `cbor:"1,keyasint"` // at once, the whole agent
	JobsPerConsole int           `cbor:"2,keyasint"` // at once, one console
	Duration       time.Duration `cbor:"3,keyasint"` // of one job
	InjectRate     int           `cbor:"4,keyasint"` // frames a second of one job
	IperfBits      int64         `cbor:"5,keyasint"` // bits a second of one job
	CaptureBytes   int64         `cbor:"6,keyasint"` // captured bytes of one job
}
