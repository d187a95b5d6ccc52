package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/rpc"
)

// Hello asks a node's agent who it is.
var Hello = probes.Define(probes.Spec[struct{}]{
	Name:  "node.hello",
	Ask:   "Does the node's agent answer, are its tools ready, is its clock right?",
	Kinds: []openstack.Kind{openstack.KindNode},
	Codes: []probes.Code{
		{Name: "ready", Verdict: probes.OK, Means: "the agent answers and every tool is ready"},
		{Name: "tools-missing", Verdict: probes.Warn, Means: "a tool lacks a program or a right"},
		{Name: "clock-skew", Verdict: probes.Warn, Means: "the node's clock is more than 100 ms from the console's"},
	},
	Run: func(ctx context.Context, job *probes.Job, _ struct{}) (probes.Finding, error) {
		at := probes.Finding{Host: job.Target.ID}
		f, err := job.Feed(feed.About{Title: "hello", Target: job.Target.Name, Host: job.Target.ID})
		if err != nil {
			return at, err
		}
		s, err := job.Call(ctx, job.Target.ID, api.ToolHello, api.HelloRequest{Sent: job.Now().UnixNano()})
		if err != nil {
			return at, err
		}
		defer s.Close()
		h, err := rpc.Recv[api.Hello](s)
		if err != nil {
			return at, err
		}
		rtt := time.Duration(job.Now().UnixNano() - h.Sent)
		now := job.Now().UnixNano()
		f.Line(now, feed.Plain, fmt.Sprintf("%s  steth-agent %s  kernel %s %s  up %s  load %.2f", h.Node, h.Version, h.Kernel, h.Arch, h.Uptime.Round(time.Second), h.Load[0]))
		for _, t := range h.Tools {
			switch {
			case t.Ready:
				f.Line(now, feed.Good, "ready    "+t.Name)
			case t.Absent:
				f.Line(now, feed.Plain, "none     "+t.Name+"  "+t.Reason)
			default:
				f.Line(now, feed.Warn, "missing  "+t.Name+"  "+t.Reason)
			}
		}
		offset, _ := job.Agents.Offset(job.Target.ID)
		return judgeHello(h, rtt, offset), nil
	},
})

// judgeHello concludes from an agent's hello. A skew above 100 ms makes the
// order of packets on two hosts a guess.
func judgeHello(h api.Hello, rtt, offset time.Duration) probes.Finding {
	f := probes.Finding{
		Host: h.Node, Verdict: probes.OK, Code: "ready",
		Fields: map[string]any{
			"version": h.Version, "kernel": h.Kernel, "rtt_ms": float64(rtt) / 1e6, "clock_offset_ms": float64(offset) / 1e6,
		},
		Reason: fmt.Sprintf("the agent on %s answered in %.2g ms and all %d tools are ready", h.Node, float64(rtt)/1e6, present(h.Tools)),
	}
	var missing []string
	for _, t := range h.Tools {
		if !t.Ready && !t.Absent {
			missing = append(missing, t.Name+" ("+t.Reason+")")
		}
	}
	switch {
	case len(missing) > 0:
		f.Verdict, f.Code = probes.Warn, "tools-missing"
		f.Reason = fmt.Sprintf("the agent on %s lacks %s", h.Node, strings.Join(missing, ", "))
	case offset.Abs() > 100*time.Millisecond:
		f.Verdict, f.Code = probes.Warn, "clock-skew"
		f.Reason = fmt.Sprintf("the clock of %s is %s from the console's; check its time service", h.Node, offset.Round(time.Millisecond))
	}
	return f
}

// present counts the tools that have something to ask on the node.
func present(all []api.ToolState) int {
	return len(slices.DeleteFunc(slices.Clone(all), func(t api.ToolState) bool { return t.Absent }))
}
