package api

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// What a console must not get past an agent: options of programs, paths, text
// that ends a line, and numbers beyond what was agreed.
func TestRequestsThatAreRefused(t *testing.T) {
	ping := func(change func(*PingRequest)) PingRequest {
		r := PingRequest{To: "10.0.0.2", Count: 1, Interval: time.Second, Timeout: time.Second}
		change(&r)
		return r
	}
	server := func(bind string) IperfServerRequest { return IperfServerRequest{Bind: bind, Seconds: 10} }
	client := func(change func(*IperfClientRequest)) IperfClientRequest {
		r := IperfClientRequest{To: "10.0.0.2", Port: 5201, Seconds: 10, Protocol: IperfTCP, Parallel: 1}
		change(&r)
		return r
	}
	inject := func(change func(*InjectRequest)) InjectRequest {
		r := InjectRequest{Device: "tap1", Frames: [][]byte{make([]byte, 60)}, Count: 1, Interval: time.Millisecond}
		change(&r)
		return r
	}
	in := func(change func(*InjectRequest)) InjectRequest {
		return inject(func(r *InjectRequest) {
			r.Way, r.Interval, r.Frames = InjectIn, 10*time.Millisecond, [][]byte{make([]byte, 60)}
			r.Frames[0][6] = 2
			change(r)
		})
	}
	type request interface{ Validate() error }
	for name, good := range map[string]request{
		"ping":      ping(func(*PingRequest) {}),
		"ping zone": ping(func(r *PingRequest) { r.To, r.From = "fe80::1%eth0", "fe80::2%eth0" }),
		"server":    server("10.0.0.1"),
		"client":    client(func(*IperfClientRequest) {}),
		"inject":    inject(func(*InjectRequest) {}),
		"inject in": in(func(*InjectRequest) {}),
		"capture":   CaptureRequest{Device: "tap1", Netns: "pid:7", Filter: "icmp\nor arp"},
		"links":     LinksRequest{},
		"ovs":       OVSRequest{},
		"counters":  OVSCountersRequest{Ports: []OVSPortName{{"br-int", "patch-tun"}}, Every: time.Second},
		"a bridge":  OVSRequest{Bridge: "br-with-a-name-beyond-ifnamsiz"},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bad := range map[string]request{
		"ping of an option":        ping(func(r *PingRequest) { r.To = "-f" }),
		"ping of a name":           ping(func(r *PingRequest) { r.To = "example.org" }),
		"ping from an option":      ping(func(r *PingRequest) { r.From = "-f" }),
		"ping from a bad zone":     ping(func(r *PingRequest) { r.From = "fe80::1%a b\n" }),
		"ping to a bad zone":       ping(func(r *PingRequest) { r.To = "fe80::1%../x" }),
		"ping without end":         ping(func(r *PingRequest) { r.Count = 1 << 40 }),
		"ping backwards":           ping(func(r *PingRequest) { r.Count = -1 }),
		"ping flood":               ping(func(r *PingRequest) { r.Interval = 0 }),
		"ping of a long time":      ping(func(r *PingRequest) { r.Interval = 1<<63 - 1 }),
		"namespace above":          ping(func(r *PingRequest) { r.Netns = ".." }),
		"namespace by path":        ping(func(r *PingRequest) { r.Netns = "../../proc/1/ns/net" }),
		"namespace of pid by path": ping(func(r *PingRequest) { r.Netns = "pid:1/../2" }),
		"namespace of two colons":  ping(func(r *PingRequest) { r.Netns = "pid:pid:1" }),
		"namespace option":         ping(func(r *PingRequest) { r.Netns = "-all" }),
		"namespace with a zero":    ping(func(r *PingRequest) { r.Netns = "a\x00b" }),
		"links by path":            LinksRequest{Netns: new("../x")},
		"bridge by path":           OVSRequest{Bridge: "../../tmp/evil"},
		"bridge option":            OVSRequest{Bridge: "-O"},
		"counters of nothing":      OVSCountersRequest{Every: time.Second},
		"counters of all":          OVSCountersRequest{Ports: make([]OVSPortName, 65), Every: time.Second},
		"counters by path":         OVSCountersRequest{Ports: []OVSPortName{{"../x", "p"}}, Every: time.Second},
		"counters of an option":    OVSCountersRequest{Ports: []OVSPortName{{"br-int", "-p"}}, Every: time.Second},
		"counters all the time":    OVSCountersRequest{Ports: []OVSPortName{{"br-int", "p"}}, Every: time.Millisecond},
		"counters backwards":       OVSCountersRequest{Ports: []OVSPortName{{"br-int", "p"}}, Every: time.Second, Count: -1},
		"long bridge":              OVSRequest{Bridge: strings.Repeat("b", 65)},
		"server on all addresses":  server("0.0.0.0"),
		"server on all of IPv6":    server("::"),
		"server on all, mapped":    server("::ffff:0.0.0.0"),
		"server on a group":        server("ff02::1"),
		"server on nothing":        server(""),
		"client of an option":      client(func(r *IperfClientRequest) { r.To = "-J" }),
		"client bound by option":   client(func(r *IperfClientRequest) { r.Bind = "-F/etc/shadow" }),
		"client port":              client(func(r *IperfClientRequest) { r.Port = 65_536 }),
		"client protocol":          client(func(r *IperfClientRequest) { r.Protocol = "tcp -u" }),
		"device option":            inject(func(r *InjectRequest) { r.Device = "-i" }),
		"device path":              inject(func(r *InjectRequest) { r.Device = "../x" }),
		"device of bytes":          inject(func(r *InjectRequest) { r.Device = "\x1b[31m" }),
		"long device":              inject(func(r *InjectRequest) { r.Device = strings.Repeat("d", 16) }),
		"inject without end":       inject(func(r *InjectRequest) { r.Count = 10_001 }),
		"inject at once":           inject(func(r *InjectRequest) { r.Interval = 0 }),
		"inject nothing":           inject(func(r *InjectRequest) { r.Frames = nil }),
		"inject a giant":           inject(func(r *InjectRequest) { r.Frames = [][]byte{make([]byte, 9217)} }),
		"inject too many frames":   inject(func(r *InjectRequest) { r.Frames = slices.Repeat(r.Frames, 257) }),
		"inject too much":          inject(func(r *InjectRequest) { r.Frames = slices.Repeat([][]byte{make([]byte, 9000)}, 6) }),
		"inject in some way":       inject(func(r *InjectRequest) { r.Way = "exec" }),
		"inject in as nobody":      inject(func(r *InjectRequest) { r.Way, r.Interval = InjectIn, time.Second }),
		"inject in as two":         in(func(r *InjectRequest) { r.Frames = append(r.Frames, make([]byte, 60)) }),
		"inject in as a group":     in(func(r *InjectRequest) { r.Frames[0][6] = 1 }),
		"inject in without end":    in(func(r *InjectRequest) { r.Count = 1001 }),
		"inject in at once":        in(func(r *InjectRequest) { r.Interval = 9 * time.Millisecond }),
		"giant filter":             CaptureRequest{Device: "tap1", Filter: strings.Repeat("x", 4097)},
		"filter with a zero":       CaptureRequest{Device: "tap1", Filter: "icmp\x00"},
		"capture backwards":        CaptureRequest{Device: "tap1", Packets: -1},
		"capture for ever":         CaptureRequest{Device: "tap1", Seconds: 1 << 40},
		"snap":                     CaptureRequest{Device: "tap1", Snap: -1},
		"vlan":                     CaptureRequest{Device: "tap1", VLAN: 4095},
	} {
		if bad.Validate() == nil {
			t.Errorf("%s was accepted: %+v", name, bad)
		}
	}
}
