package l3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/place"
	"steth/rpc"
)

type pingArgs struct {
	To       string        `arg:"to" help:"address to ping" type:"ip" required:"true"`
	From     string        `arg:"from" help:"node that pings" type:"host" required:"true"`
	Netns    string        `arg:"netns" help:"network namespace on that node; empty for the node's own" type:"namespace"`
	Source   string        `arg:"source" help:"source address or device"`
	Count    int           `arg:"count" help:"echo requests" default:"50" min:"1" max:"100000"`
	Interval time.Duration `arg:"interval" help:"time between two requests" default:"200ms" min:"0.01" max:"60"`
	Timeout  time.Duration `arg:"timeout" help:"time to wait for an answer" default:"1s" min:"0.1" max:"60"`
	Size     int           `arg:"size" help:"bytes of payload" default:"56" min:"0" max:"65507"`
	DF       bool          `arg:"df" help:"forbid fragments" default:"false"`
}

// Ping sends echo requests from a node or one of its namespaces.
var Ping = probes.Define(probes.Spec[pingArgs]{
	Name: "l3.ping",
	Ask:  "Does an address answer ICMP echo from a node or a namespace?",
	Kinds: []openstack.Kind{
		openstack.KindPort, openstack.KindServer, openstack.KindFloatingIP,
		openstack.KindRouter, openstack.KindNetwork, openstack.KindNode,
	},
	Codes: []probes.Code{
		{Name: "answered", Verdict: probes.OK, Means: "every request was answered once"},
		{Name: "duplicates", Verdict: probes.Warn, Means: "requests were answered more than once: a loop, or an address that two machines hold"},
		{Name: "loss", Verdict: probes.Warn, Means: "up to 5 % of the requests were not answered; above that the verdict is fail"},
		{Name: "unreachable", Verdict: probes.Fail, Means: "a router or the node itself said that the address can't be reached"},
		{Name: "no-answer", Verdict: probes.Fail, Means: "no request was answered"},
	},
	Fill: fillPing,
	Run:  runPing,
})

// fillPing chooses an address of the target and the closest namespace from
// which to reach it.
func fillPing(ctx context.Context, env probes.Env, t probes.Target, form probes.Form) error {
	inv := env.Inventory()
	form.Choices("from", place.Nodes(inv))
	from := func(places []place.Place) {
		var names []string
		for _, p := range places {
			names = append(names, p.Netns)
			form.Note("netns", p.Netns, p.What)
		}
		if len(places) > 0 {
			form.Default("from", places[0].Node)
			form.Default("netns", places[0].Netns)
			form.Choices("netns", append(names, ""))
		}
	}
	switch t.Kind {
	case openstack.KindNode:
		addr, err := env.Agents.Address(ctx, t.ID)
		if err != nil {
			return err
		}
		form.Default("to", addr)
		for _, n := range place.Nodes(inv) {
			if n != t.ID {
				form.Default("from", n)
				break
			}
		}
	case openstack.KindRouter:
		from(place.Router(inv, t.ID))
		if r, ok := inv.Router(t.ID); ok {
			for _, a := range r.ExternalIPs {
				if s, ok := inv.Subnet(a.SubnetID); ok {
					form.Default("to", s.Gateway)
				}
			}
		}
	case openstack.KindFloatingIP:
		for _, f := range inv.FloatingIPs {
			if f.ID == t.ID {
				form.Default("to", f.IP)
				from(place.Router(inv, f.RouterID))
			}
		}
	default:
		var addresses []string
		for _, p := range place.Ports(inv, t) {
			for _, a := range p.Fixed {
				addresses = append(addresses, a.IP)
				form.Note("to", a.IP, "address of "+inv.DisplayName(p))
			}
			if len(addresses) > 0 && len(addresses) == len(p.Fixed) {
				form.Default("to", addresses[0])
				from(place.Namespaces(inv, p.NetworkID))
			}
		}
		form.Choices("to", addresses)
	}
	return nil
}

func runPing(ctx context.Context, job *probes.Job, a pingArgs) (probes.Finding, error) {
	where := "node"
	if a.Netns != "" {
		where = a.Netns
	}
	f, err := job.Feed(feed.About{
		Title: "ping", Target: named(job.Target.Name, a.To), Host: a.From, Netns: a.Netns, Series: "rtt", Unit: "ms",
	})
	if err != nil {
		return probes.Finding{}, err
	}
	s, err := job.Call(ctx, a.From, api.ToolPing, api.PingRequest{
		Netns: a.Netns, To: a.To, From: a.Source, Count: a.Count,
		Interval: a.Interval, Timeout: a.Timeout, Size: a.Size, DF: a.DF,
	})
	if err != nil {
		return probes.Finding{Host: a.From, Netns: a.Netns}, err
	}
	defer s.Close()
	facts := pingFacts{To: a.To, From: a.From, Where: where}
	for {
		e, err := rpc.Recv[api.PingEvent](s)
		if err != nil {
			if !errors.Is(err, io.EOF) && !(ctx.Err() != nil && facts.Sent > 0) {
				return probes.Finding{Host: a.From, Netns: a.Netns}, err
			}
			break
		}
		facts.take(e)
		offset, _ := job.Agents.Offset(a.From)
		show(f, e, offset)
		level, text := facts.status()
		f.SetStatus(level, text)
	}
	finding := judgePing(facts)
	finding.Host, finding.Netns = a.From, a.Netns
	return finding, nil
}

// named is an address with whose it is.
func named(name, address string) string {
	if name == "" || name == address {
		return address
	}
	return name + " " + address
}

// show writes an event into the pane.
func show(f *feed.Feed, e api.PingEvent, offset time.Duration) {
	at := e.Time - int64(offset)
	switch e.Kind {
	case api.PingReply:
		dup := ""
		level := feed.Plain
		if e.Duplicate {
			dup, level = "  duplicate", feed.Warn
		}
		f.Line(at, level, fmt.Sprintf("%d bytes from %s  seq %d  ttl %d  %s ms%s", e.Bytes, e.From, e.Seq, e.TTL, ms(e.RTT), dup))
		f.Sample(feed.Sample{Time: at, Value: float64(e.RTT) / float64(time.Millisecond)})
	case api.PingNoReply:
		f.Line(at, feed.Bad, fmt.Sprintf("no answer to seq %d", e.Seq))
		f.Sample(feed.Sample{Time: at, Lost: true})
	case api.PingError:
		f.Line(at, feed.Bad, fmt.Sprintf("from %s  seq %d  %s", e.From, e.Seq, e.Text))
		f.Sample(feed.Sample{Time: at, Lost: true})
	}
}

// ms writes a round-trip time with as many decimals as ping does, so that rows
// keep their columns.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	switch {
	case v < 10:
		return fmt.Sprintf("%.3f", v)
	case v < 100:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}
