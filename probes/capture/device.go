package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/openstack"
	"steth/packets"
	"steth/probes"
	"steth/probes/place"
	"steth/rpc"
)

type deviceArgs struct {
	Device  string `arg:"device" help:"device to capture on, NAMESPACE/DEVICE inside a namespace" type:"device" required:"true"`
	Host    string `arg:"host" help:"node that has the device" type:"host" required:"true"`
	Filter  string `arg:"filter" help:"what to keep, in tcpdump's words; empty for all" type:"filter"`
	VLAN    int    `arg:"vlan" help:"follow this VLAN id only; 0 for all" default:"0" min:"0" max:"4094"`
	Seconds int    `arg:"seconds" help:"end after so many; 0 until stopped" default:"0" min:"0" max:"86400"`
	Packets int64  `arg:"packets" help:"end after so many; 0 for no bound" default:"0" min:"0" max:"1000000000"`
	Snap    int    `arg:"snap" help:"bytes kept of each packet; 65535 for whole packets" default:"128" min:"64" max:"65535"`
}

// Device shows the packets of one device of a port or a node.
var Device = probes.Define(probes.Spec[deviceArgs]{
	Name:  "cap.device",
	Ask:   "Which packets pass a device of this port or node?",
	Live:  true,
	Kinds: []openstack.Kind{openstack.KindPort, openstack.KindServer, openstack.KindFloatingIP, openstack.KindRouter, openstack.KindNetwork, openstack.KindNode},
	Codes: []probes.Code{
		{Name: "seen", Verdict: probes.OK, Means: "packets passed, and none was dropped on the way to the console"},
		{Name: "nothing-seen", Verdict: probes.Warn, Means: "no packet passed that fits the filter"},
		{Name: "dropped", Verdict: probes.Warn, Means: "packets passed that the capture could not keep: its absence of a packet proves nothing"},
	},
	Fill: fillDevice,
	Run:  runDevice,
})

// fillDevice offers the target's devices: those that Neutron's drivers would
// make, and what the node's agent really finds that belongs to the ports.
func fillDevice(ctx context.Context, env probes.Env, t probes.Target, form probes.Form) error {
	inv := env.Inventory()
	form.Choices("host", place.Nodes(inv))
	if t.Kind == openstack.KindNode {
		form.Default("host", t.ID)
		found, err := Links(ctx, env, t.ID)
		form.Choices("device", names(found, func(api.Link) bool { return true }))
		return err
	}
	ports := place.Ports(inv, t)
	ports = slices.DeleteFunc(ports, func(p openstack.Port) bool { return p.Host == "" })
	if len(ports) == 0 {
		return fmt.Errorf("%s is bound to no host, so it has no device: give host and device by hand", t.Name)
	}
	host := ports[0].Host
	form.Default("host", host)
	var expected []string
	for _, p := range ports {
		if p.Host != host {
			continue
		}
		for _, d := range openstack.Devices(inv, p) {
			where := probes.Where{Netns: d.Netns, Device: d.Name}.String()
			form.Note("device", where, d.What)
			expected = append(expected, where)
		}
	}
	found, err := Links(ctx, env, host)
	if err != nil {
		if len(expected) > 0 {
			form.Default("device", expected[0])
		}
		form.Choices("device", expected)
		return err
	}
	there := names(found, func(l api.Link) bool { return true })
	offered := slices.DeleteFunc(expected, func(d string) bool { return !slices.Contains(there, d) })
	// Devices whose name carries a port's id but that no driver was expected to make.
	for _, p := range ports {
		short := p.ID[:min(11, len(p.ID))]
		for _, d := range names(found, func(l api.Link) bool { return p.Host == host && strings.Contains(l.Name, short) }) {
			if !slices.Contains(offered, d) {
				offered = append(offered, d)
			}
		}
	}
	if len(offered) == 0 {
		return fmt.Errorf("%s has none of the devices that %s should have; its node may not have plugged it", host, t.Name)
	}
	form.Default("device", offered[0])
	form.Choices("device", offered)
	return nil
}

// Links asks a node for the links of all its namespaces.
func Links(ctx context.Context, env probes.Env, node string) ([]api.Namespace, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := env.Agents.Call(ctx, node, api.ToolLinks, api.LinksRequest{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.Close() })()
	return ReadLinks(s, func(api.Namespace) {})
}

// The most that ReadLinks takes: a node has some thousand links. An agent that
// is not what it should be may never end its answer, and an empty link of one
// byte takes hundreds here.
const (
	mostLinks     = 1 << 18
	mostLinkBytes = 64 << 20
)

// ReadLinks reads an answer of the links tool to its end, and shows each
// namespace as it comes.
func ReadLinks(s probes.Stream, each func(api.Namespace)) ([]api.Namespace, error) {
	var out []api.Namespace
	links, size := 0, 0
	for {
		m, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		var ns api.Namespace
		if err := rpc.Decode(m.Event, &ns); err != nil {
			return out, err
		}
		links, size = links+1+len(ns.Links), size+len(m.Event)
		if links > mostLinks || size > mostLinkBytes {
			return out, fmt.Errorf("the agent tells of more than %d links or %d MiB, and does not end", mostLinks, mostLinkBytes>>20)
		}
		out = append(out, ns)
		each(ns)
	}
}

func names(found []api.Namespace, match func(api.Link) bool) []string {
	var out []string
	for _, ns := range found {
		if strings.HasPrefix(ns.Name, "pid:") {
			continue
		}
		for _, l := range ns.Links {
			if l.Name != "lo" && match(l) {
				out = append(out, probes.Where{Netns: ns.Name, Device: l.Name}.String())
			}
		}
	}
	return out
}

func runDevice(ctx context.Context, job *probes.Job, a deviceArgs) (probes.Finding, error) {
	w, err := probes.ParseWhere(a.Device)
	if err != nil {
		return probes.Finding{}, err
	}
	at := probes.Finding{Host: a.Host, Netns: w.Netns, Device: w.Device}
	f, err := job.Feed(feed.About{
		Title: "capture", Target: job.Target.Name, Host: a.Host, Netns: w.Netns, Device: w.Device,
		Filter: a.Filter, Shape: feed.Packets,
	})
	if err != nil {
		return at, err
	}
	s, err := job.Call(ctx, a.Host, api.ToolCapture, Request(a.Device, a.Filter, a.VLAN, a.Snap, a.Packets, a.Seconds))
	if err != nil {
		return at, err
	}
	defer s.Close()
	offset, _ := job.Agents.Offset(a.Host)
	facts, err := Follow(s, func(p packets.Packet) error {
		p.Time -= int64(offset)
		f.Packet(p)
		return nil
	}, func(c Counts) {
		f.SetDrop("kernel", c.Kernel)
		f.SetDrop("agent", c.Queue)
	})
	if err != nil && ctx.Err() == nil {
		if facts.Packets > 0 {
			err = fmt.Errorf("%w %d packets were seen before that", err, facts.Packets)
		}
		return at, err
	}
	if ctx.Err() != nil && !facts.Started {
		return at, context.Cause(ctx)
	}
	finding := judgeDevice(a.Device, a.Host, a.Filter, facts)
	finding.Host, finding.Netns, finding.Device = at.Host, at.Netns, at.Device
	return finding, nil
}

// Request is the capture request for a device written as [probes.Where].
func Request(device, filter string, vlan, snap int, count int64, seconds int) api.CaptureRequest {
	w, _ := probes.ParseWhere(device) // an invalid one is refused by the request's own Validate
	return api.CaptureRequest{
		Netns: w.Netns, Device: w.Device, Filter: filter, VLAN: vlan, Snap: snap, Packets: count, Seconds: seconds,
	}
}

// Counts is what a capture has counted.
type Counts struct {
	Started bool
	Packets uint64 // that reached the console
	Kernel  uint64 // dropped by the kernel: the ring was full
	Queue   uint64 // dropped by the agent: the console was slow
	Snap    int
	Time    int64 // when the node counted, by its clock, Unix nanoseconds
}

// ethernet is DLT_EN10MB of pcap-linktype(7).
const ethernet = 1

// Follow reads a capture until it ends. Each packet goes to take, whose data
// are valid during the call only; counters go to tell. A good end is nil.
func Follow(s probes.Stream, take func(packets.Packet) error, tell func(Counts)) (Counts, error) {
	var c Counts
	for {
		m, err := s.Next()
		if errors.Is(err, io.EOF) {
			tell(c)
			return c, nil
		}
		if err != nil {
			tell(c)
			return c, err
		}
		if m.Data == nil {
			var e api.CaptureEvent
			if err := rpc.Decode(m.Event, &e); err != nil {
				return c, err
			}
			c.Kernel, c.Queue, c.Time = e.Kernel, e.Queue, e.Time
			if e.Kind == api.CaptureStarted {
				if e.LinkType != ethernet {
					return c, fmt.Errorf("the device carries no Ethernet frames (link type %d), which are all that this console reads", e.LinkType)
				}
				c.Started, c.Snap = true, e.Snap
			}
			tell(c)
			continue
		}
		for rest := m.Data; len(rest) > 0; {
			var p api.Packet
			if p, rest, err = api.NextPacket(rest); err != nil {
				return c, err
			}
			c.Packets++
			if err := take(packets.Packet(p)); err != nil {
				return c, err
			}
		}
	}
}

// judgeDevice concludes from what a capture counted.
func judgeDevice(device, host, filter string, c Counts) probes.Finding {
	f := probes.Finding{Fields: map[string]any{
		"packets": c.Packets, "dropped_kernel": c.Kernel, "dropped_agent": c.Queue,
	}}
	what := "packets"
	if filter != "" {
		what = fmt.Sprintf("packets that fit %q", filter)
	}
	switch {
	case c.Kernel+c.Queue > 0:
		f.Verdict, f.Code = probes.Warn, "dropped"
		f.Reason = fmt.Sprintf("%d %s seen on %s of %s, and %d more dropped by the capture (kernel %d, agent %d)",
			c.Packets, what, device, host, c.Kernel+c.Queue, c.Kernel, c.Queue)
		f.Next = []probes.Next{{Do: "cap.device", Why: "a narrower filter or a shorter snap length drops less"}}
	case c.Packets == 0:
		f.Verdict, f.Code = probes.Warn, "nothing-seen"
		f.Reason = fmt.Sprintf("no %s seen on %s of %s", what, device, host)
	default:
		f.Verdict, f.Code = probes.OK, "seen"
		f.Reason = fmt.Sprintf("%d %s seen on %s of %s, none dropped", c.Packets, what, device, host)
	}
	return f
}
