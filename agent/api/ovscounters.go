package api

import (
	"fmt"
	"time"
)

// OVSCountersRequest asks for the counters of ports of Open vSwitch, again and
// again.
type OVSCountersRequest struct {
	Ports []OVSPortName `cbor:"1,keyasint"`           // 1 to 64
	Every time.Duration `cbor:"2,keyasint"`           // 0.2 s to 1 min
	Count int           `cbor:"3,keyasint,omitempty"` // ends after so many readings, at most 100,000; 0: no bound of its own
}

// OVSPortName is a port of a bridge.
type OVSPortName struct {
	Bridge string `cbor:"1,keyasint"`
	Port   string `cbor:"2,keyasint"`
}

// Validate checks every field's range.
func (r OVSCountersRequest) Validate() error {
	const most = 64
	if n := len(r.Ports); n < 1 || n > most {
		return fmt.Errorf("ports: %d are not within 1 to %d", n, most)
	}
	for _, p := range r.Ports {
		if err := firstErr(checkSwitchName("bridge", p.Bridge), checkSwitchName("port", p.Port)); err != nil {
			return err
		}
	}
	return firstErr(durationIn("every", r.Every, 200*time.Millisecond, time.Minute), inRange("count", r.Count, 0, 100_000))
}

// OVSCounters is one event of the ovs.counters tool: the first comes at once.
// Open vSwitch adds what passed a patch port or a tunnel when it looks through
// its flows, which is up to half a second later (ovs-vswitchd.conf.db(5),
// other_config:max-revalidator).
type OVSCounters struct {
	Time  int64             `cbor:"1,keyasint"`
	Ports []OVSPortCounters `cbor:"2,keyasint"` // in the order of the request
}

// OVSPortCounters are OpenFlow's counters of one port since it was added. Rx is
// what came into the bridge there. Where the switch keeps no count the value is
// 2^64-1, as OpenFlow has it.
type OVSPortCounters struct {
	Missing   string `cbor:"1,keyasint,omitempty"` // why there are none, for example the port is gone
	RxPackets uint64 `cbor:"2,keyasint,omitempty"`
	TxPackets uint64 `cbor:"3,keyasint,omitempty"`
	RxBytes   uint64 `cbor:"4,keyasint,omitempty"`
	TxBytes   uint64 `cbor:"5,keyasint,omitempty"`
	RxDropped uint64 `cbor:"6,keyasint,omitempty"`
	TxDropped uint64 `cbor:"7,keyasint,omitempty"`
	RxErrors  uint64 `cbor:"8,keyasint,omitempty"`
	TxErrors  uint64 `cbor:"9,keyasint,omitempty"`
}
