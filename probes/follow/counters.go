package follow

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"steth/agent/api"
	"steth/openstack"
	"steth/rpc"
)

const (
	// countEvery is how often counters are read.
	countEvery = time.Second
	// countPatience is how long the last reading may take.
	countPatience = time.Second
)

// Counter is what came into a bridge of Open vSwitch, or to and from a guest's
// socket, where no packet can be seen. It counts all packets of the ports, not
// those alone that are followed, and Open vSwitch is up to half a second behind.
// So it proves nothing and accuses nobody: it shows an engineer where to look.
//
// Only what came in is counted: the userspace datapath counts what a tunnel port
// sends twice (ofproto-dpif-xlate.c, native_tunnel_output).
type Counter struct {
	Bridge   string    `json:"bridge"`
	OutPort  string    `json:"out_port,omitempty"` // where packets towards the path's end come in; "": that's not counted
	BackPort string    `json:"back_port,omitempty"`
	Out      uint64    `json:"out"` // packets since Since
	Back     uint64    `json:"back"`
	Since    time.Time `json:"since"`         // the first reading
	At       time.Time `json:"at"`            // the last one
	Why      string    `json:"why,omitempty"` // why it's no longer read
}

// Read tells whether it has counted for some time.
func (c *Counter) Read() bool { return c != nil && c.At.After(c.Since) && c.Why == "" }

// String says what was counted.
func (c *Counter) String() string {
	if c.Why != "" {
		return "its ports are not counted: " + c.Why
	}
	var parts []string
	if c.OutPort != "" {
		parts = append(parts, fmt.Sprintf("%d came in by %s", c.Out, c.OutPort))
	}
	if c.BackPort != "" {
		parts = append(parts, fmt.Sprintf("%d back by %s", c.Back, c.BackPort))
	}
	return strings.Join(parts, ", ") + ", of all packets"
}

// gauge is the ports that count for a hop; one of them may be "".
type gauge struct {
	hop       int
	bridge    string
	out, back string
	sent      bool // of out, what came in, and what was sent by it as back: a guest's socket before the switch
	received  bool // the same of a guest's socket behind the switch
	last      [2]uint64
}

// gauges finds on a host the ports that count what comes to the hops that can't
// be captured.
func gauges(hops []Hop, host string, f openstack.SwitchFacts) []gauge {
	var out []gauge
	bridge := func(i int) bool {
		return i >= 0 && i < len(hops) && hops[i].Host == host && hops[i].Seen == openstack.SeenCounters && hops[i].Locate.IfaceID == ""
	}
	// facing is the port of bridge i that its neighbour j is connected to.
	facing := func(i, j int) string {
		if j < 0 || j >= len(hops) || hops[j].Host != host {
			return ""
		}
		var p openstack.SwitchPort
		var ok bool
		switch from, to := hops[i], hops[j]; {
		case bridge(j):
			p, ok = f.Patch(from.Device, to.Device)
		case from.Expect.Tunnel.Kind != "":
			p, ok = f.Tunnel(from.Expect.Tunnel)
		case to.Locate.IfaceID != "":
			p, ok = f.Plug(to.Locate.IfaceID, from.Device)
		default:
			p, ok = f.Named(to.Device)
		}
		if !ok || p.Bridge != hops[i].Device {
			return ""
		}
		return p.Name
	}
	for i, h := range hops {
		switch {
		case h.Host != host || h.Seen != openstack.SeenCounters:
		case bridge(i):
			if g := (gauge{hop: i, bridge: h.Device, out: facing(i, i-1), back: facing(i, i+1)}); g.out != "" || g.back != "" {
				out = append(out, g)
			}
		default: // a guest's socket
			if p, ok := f.Plug(h.Locate.IfaceID, h.Expect.Bridge); ok {
				before := bridge(i + 1)
				out = append(out, gauge{hop: i, bridge: p.Bridge, out: p.Name, back: p.Name, sent: before, received: !before})
			}
		}
	}
	return out
}

// ports are those of gauges, to be read together.
func ports(list []gauge) []api.OVSPortName {
	var out []api.OVSPortName
	for _, g := range list {
		for _, name := range []string{g.out, g.back} {
			if p := (api.OVSPortName{Bridge: g.bridge, Port: name}); name != "" && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// count reads the counters of a host's ports until ctx ends.
func (s *Session) count(ctx context.Context, host string, list []gauge) {
	if err := s.read(ctx, host, list, 0); err != nil && ctx.Err() == nil {
		s.env.Log.Warn("path: counters", "host", host, "err", err)
		s.change(func() {
			for _, g := range list {
				if c := s.hops[g.hop].Counter; c != nil && c.Why == "" {
					broken := *c
					broken.Why = err.Error()
					s.hops[g.hop].Counter = &broken
				}
			}
		})
	}
}

// countLast reads all counters once more, when all captures have ended.
func (s *Session) countLast(ctx context.Context, hosts map[string][]gauge) {
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	var reading sync.WaitGroup
	for host, list := range hosts {
		reading.Go(func() {
			if err := s.read(ctx, host, list, 1); err != nil {
				s.env.Log.Warn("path: last counters", "host", host, "err", err)
			}
		})
	}
	reading.Wait()
}

// read reads counters so many times, 0 until ctx ends.
func (s *Session) read(ctx context.Context, host string, list []gauge, times int) error {
	return s.guard("the counters of "+host, func() error {
		req := api.OVSCountersRequest{Ports: ports(list), Every: countEvery, Count: times}
		if err := req.Validate(); err != nil {
			return err
		}
		stream, err := s.env.Agents.Call(ctx, host, api.ToolOVSCounters, req)
		if err != nil {
			return err
		}
		defer stream.Close()
		defer context.AfterFunc(ctx, func() { stream.Close() })()
		for n := 0; times == 0 || n < times; n++ {
			e, err := rpc.Recv[api.OVSCounters](stream)
			if err != nil {
				return err
			}
			if len(e.Ports) != len(req.Ports) {
				return fmt.Errorf("the agent tells of %d ports, %d were asked for", len(e.Ports), len(req.Ports))
			}
			now := s.env.Now()
			s.change(func() {
				for i := range list {
					g := &list[i]
					of := func(name string) (p api.OVSPortCounters) {
						if at := slices.Index(req.Ports, api.OVSPortName{Bridge: g.bridge, Port: name}); at >= 0 {
							p = e.Ports[at]
						}
						return p
					}
					s.hops[g.hop].Counter = g.take(s.hops[g.hop].Counter, of(g.out), of(g.back), now)
				}
			})
		}
		return nil
	})
}

// take adds a reading to a counter, which it does not change: readers have it.
func (g *gauge) take(c *Counter, outPort, backPort api.OVSPortCounters, now time.Time) *Counter {
	next := Counter{Bridge: g.bridge, OutPort: g.out, BackPort: g.back, Since: now}
	if c != nil {
		next = *c
	}
	read := [2]uint64{outPort.RxPackets, backPort.RxPackets}
	switch {
	case g.sent:
		read[1] = backPort.TxPackets
	case g.received:
		read[0] = outPort.TxPackets
	}
	for _, why := range []string{outPort.Missing, backPort.Missing} {
		if why != "" {
			next.Why = why
			return &next
		}
	}
	// OpenFlow has this for what is not available, as of an internal port that was
	// moved into a namespace.
	if read[0] == math.MaxUint64 {
		next.OutPort = ""
	}
	if read[1] == math.MaxUint64 {
		next.BackPort = ""
	}
	if next.OutPort == "" && next.BackPort == "" {
		next.Why = "Open vSwitch keeps no count of them"
		return &next
	}
	if c != nil && next.OutPort != "" {
		next.Out += rise(g.last[0], read[0])
	}
	if c != nil && next.BackPort != "" {
		next.Back += rise(g.last[1], read[1])
	}
	next.At, next.Why, g.last = now, "", read
	return &next
}

// rise is by how much a counter rose; one that fell began anew.
func rise(before, now uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}

// counted tells what the counters between two hops say of a direction, "" where
// there are none.
func (f facts) counted(low, high int, back bool) string {
	var parts []string
	for _, h := range f.hops[low+1 : max(high, low+1)] {
		switch c := h.Counter; {
		case !c.Read():
		case back && c.BackPort != "":
			parts = append(parts, fmt.Sprintf("%d came to %s by %s", c.Back, h.Device, c.BackPort))
		case !back && c.OutPort != "":
			parts = append(parts, fmt.Sprintf("%d came to %s by %s", c.Out, h.Device, c.OutPort))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; counted in between, of all packets: " + strings.Join(parts, ", ")
}
