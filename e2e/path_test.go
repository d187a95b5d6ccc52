//go:build integration

package e2e

import (
	"strings"
	"testing"
	"time"
)

// pathReport is as much of `steth path -f json` as the tests read.
type pathReport struct {
	Notes    []string
	Injected []struct {
		What, Way, At string
		Sent          int
	}
	Hops []struct {
		Index                     int
		Host, Netns, Device, What string
		Seen, State               string
		StateReason               string `json:"state_reason"`
		Out, Back, Dropped        uint64
		Found                     struct {
			Asked  bool
			Tag    int
			Faults []struct{ Kind, Text string }
		}
		Counter *struct {
			Out, Back uint64
			Why       string
		}
	}
	Rows    []row
	Finding struct {
		Started         time.Time
		Verdict, Reason string
		Code            string `json:"reason_code"`
	}
}

// row is one packet.
type row struct {
	Time                       time.Time
	Packet, Direction, Verdict string
	LostAfter                  int `json:"lost_after"`
	LostBefore                 int `json:"lost_before"`
	Marks                      []mark
}

// mark is what one hop has to say of one packet.
type mark struct {
	Hop   int
	Mark  string
	Delay time.Duration `json:"delay_ns"`
}

// hop is the number of the hop with a device on a host.
func (p pathReport) hop(t *testing.T, host, device string) int {
	t.Helper()
	for _, h := range p.Hops {
		if h.Host == host && strings.HasPrefix(h.Device, device) {
			return h.Index
		}
	}
	t.Fatalf("no hop %s on %s: %+v", device, host, p.Hops)
	return 0
}

// passed is met once so much time has passed.
func passed(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().After(end) }
}

// interfaces counts the interfaces of a file that have packets.
func interfaces(t *testing.T, path string) int {
	t.Helper()
	n := 0
	for _, packets := range readPcapng(t, path) {
		if len(packets) > 0 {
			n++
		}
	}
	return n
}

func deviceAt(r pathReport, index int) string {
	h := r.Hops[index-1]
	return h.Device + " on " + h.Host
}
