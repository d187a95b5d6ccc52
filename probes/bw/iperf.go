package bw

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

type tcpArgs struct {
	From     string `arg:"from" help:"node that sends" type:"host" required:"true"`
	To       string `arg:"to" help:"node that receives" type:"host" required:"true"`
	Network  string `arg:"network" help:"address of the nodes to use" choices:"management,tunnel" default:"management"`
	Seconds  int    `arg:"seconds" help:"length of the test" default:"10" min:"1" max:"300"`
	Parallel int    `arg:"parallel" help:"streams at once" default:"1" min:"1" max:"32"`
	Limit    int64  `arg:"limit" help:"most bits a second, 500M or 2.5G; 0 for no bound" type:"bits" default:"1G"`
	Reverse  bool   `arg:"reverse" help:"let the receiver send" default:"false"`
}

type udpArgs struct {
	From    string `arg:"from" help:"node that sends" type:"host" required:"true"`
	To      string `arg:"to" help:"node that receives" type:"host" required:"true"`
	Network string `arg:"network" help:"address of the nodes to use" choices:"management,tunnel" default:"management"`
	Seconds int    `arg:"seconds" help:"length of the test" default:"10" min:"1" max:"300"`
	Rate    int64  `arg:"rate" help:"bits a second to send" type:"bits" default:"100M" min:"1000" max:"100000000000"`
}

// codes are those of both probes.
var codes = []probes.Code{
	{Name: "measured", Verdict: probes.OK, Means: "the test ran to its end"},
	{Name: "loss", Verdict: probes.Warn, Means: "datagrams were lost; above 5 % the verdict is fail"},
	{Name: "retransmits", Verdict: probes.Warn, Means: "more than 0.1 % of the segments were sent again"},
	{Name: "same-node", Verdict: probes.Error, Means: "both ends are one node"},
}

// TCP measures with iperf3 over TCP.
var TCP = probes.Define(probes.Spec[tcpArgs]{
	Name:  "bw.tcp",
	Ask:   "How much TCP traffic passes between two nodes?",
	Sends: true,
	Kinds: []openstack.Kind{openstack.KindNode},
	Codes: codes,
	Fill:  fillNodes,
	Run: func(ctx context.Context, job *probes.Job, a tcpArgs) (probes.Finding, error) {
		return measure(ctx, job, test{a.From, a.To, a.Network, api.IperfClientRequest{
			Seconds: a.Seconds, Parallel: a.Parallel, Bits: a.Limit, Reverse: a.Reverse, Protocol: api.IperfTCP,
		}})
	},
})

// UDP measures with iperf3 over UDP.
var UDP = probes.Define(probes.Spec[udpArgs]{
	Name:  "bw.udp",
	Ask:   "How many UDP datagrams are lost between two nodes at a given rate?",
	Sends: true,
	Kinds: []openstack.Kind{openstack.KindNode},
	Codes: codes,
	Fill:  fillNodes,
	Run: func(ctx context.Context, job *probes.Job, a udpArgs) (probes.Finding, error) {
		return measure(ctx, job, test{a.From, a.To, a.Network, api.IperfClientRequest{
			Seconds: a.Seconds, Parallel: 1, Bits: a.Rate, Protocol: api.IperfUDP,
		}})
	},
})

func fillNodes(_ context.Context, env probes.Env, t probes.Target, form probes.Form) error {
	nodes := place.Nodes(env.Inventory())
	form.Choices("from", nodes)
	form.Choices("to", nodes)
	form.Default("from", t.ID)
	for _, n := range nodes {
		if n != t.ID {
			form.Default("to", n)
			break
		}
	}
	return nil
}

// test is one measurement between two nodes.
type test struct {
	From, To, Network string
	Client            api.IperfClientRequest
}

// measure starts a server for one test on the receiving node, then the client,
// and follows the sender's seconds.
func measure(ctx context.Context, job *probes.Job, t test) (probes.Finding, error) {
	at := probes.Finding{Host: t.From}
	if t.From == t.To {
		at.Verdict, at.Code = probes.Error, "same-node"
		at.Reason = fmt.Sprintf("%s can't be both ends; choose another node to receive", t.From)
		return at, nil
	}
	addr, err := address(ctx, job, t.To, t.Network)
	if err != nil {
		return at, err
	}
	f, err := job.Feed(feed.About{
		Title: "iperf " + t.Client.Protocol, Target: t.From + " to " + t.To,
		Series: "bandwidth", Unit: "bit/s",
	})
	if err != nil {
		return at, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The server lives a little longer than the test: the client needs time to connect and to report.
	server, err := job.Call(ctx, t.To, api.ToolIperfServer, api.IperfServerRequest{Bind: addr, Seconds: t.Client.Seconds + 15})
	if err != nil {
		return at, err
	}
	defer server.Close()
	ready, err := rpc.Recv[api.IperfEvent](server)
	if err != nil {
		return at, err
	}
	f.Line(job.Now().UnixNano(), feed.Muted, fmt.Sprintf("server on %s listens on %s port %d", t.To, addr, ready.Port))

	req := t.Client
	req.To, req.Port = addr, ready.Port
	client, err := job.Call(ctx, t.From, api.ToolIperfClient, req)
	if err != nil {
		return at, err
	}
	defer client.Close()
	var end *api.IperfEvent
	for {
		e, err := rpc.Recv[api.IperfEvent](client)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return at, err
		}
		switch e.Kind {
		case api.IperfInterval:
			when := job.Now().UnixNano()
			f.Line(when, feed.Plain, line(e, req.Protocol))
			f.Sample(feed.Sample{Time: when, Value: e.Bits})
			f.SetStatus(feed.Plain, fmt.Sprintf("%s  %d of %d s", probes.FormatBits(e.Bits), int(e.End/time.Second), req.Seconds))
		case api.IperfEnd:
			end = &e
		}
	}
	if end == nil {
		return at, fmt.Errorf("iperf3 on %s ended without a result", t.From)
	}
	finding := judge(t, *end)
	f.SetStatus(feed.Plain, fmt.Sprintf("%s on average", probes.FormatBits(received(*end))))
	return finding, nil
}

func address(ctx context.Context, job *probes.Job, node, network string) (string, error) {
	if network == "tunnel" {
		n, ok := job.Inventory().Node(node)
		if !ok || n.TunnelIP == "" {
			return "", fmt.Errorf("the tunnel address of %s is not known: no agent of it reports tunneling_ip; use network=management", node)
		}
		return n.TunnelIP, nil
	}
	return job.Agents.Address(ctx, node)
}

func line(e api.IperfEvent, protocol string) string {
	s := fmt.Sprintf("%3d s  %14s", int(e.End/time.Second), probes.FormatBits(e.Bits))
	if protocol == api.IperfTCP {
		s += fmt.Sprintf("  retransmits %-6d", e.Retransmits)
		if e.RTT > 0 {
			s += fmt.Sprintf("  rtt %.2f ms", float64(e.RTT)/1e6)
		}
	}
	return s
}

func received(e api.IperfEvent) float64 {
	if e.Received > 0 {
		return e.Received
	}
	return e.Bits
}
