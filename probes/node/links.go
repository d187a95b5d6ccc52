package node

import (
	"context"
	"fmt"
	"strings"

	"steth/agent/api"
	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/capture"
)

type linksArgs struct {
	Match string `arg:"match" help:"show only devices whose name, address or namespace has this text"`
}

// Links shows every device of a node, in every namespace.
var Links = probes.Define(probes.Spec[linksArgs]{
	Name:  "node.links",
	Ask:   "Which devices does the node have, in every namespace, and are they up?",
	Kinds: []openstack.Kind{openstack.KindNode},
	Codes: []probes.Code{
		{Name: "links-up", Verdict: probes.OK, Means: "every device that should be up is up, and every namespace can be entered"},
		{Name: "no-carrier", Verdict: probes.Warn, Means: "a device is switched on but has no carrier"},
		{Name: "dead-namespace", Verdict: probes.Fail, Means: "a file in /run/netns is no namespace any more"},
	},
	Run: func(ctx context.Context, job *probes.Job, a linksArgs) (probes.Finding, error) {
		at := probes.Finding{Host: job.Target.ID}
		f, err := job.Feed(feed.About{Title: "links", Target: job.Target.Name, Host: job.Target.ID})
		if err != nil {
			return at, err
		}
		s, err := job.Call(ctx, job.Target.ID, api.ToolLinks, api.LinksRequest{})
		if err != nil {
			return at, err
		}
		defer s.Close()
		all, err := capture.ReadLinks(s, func(ns api.Namespace) { show(f, ns, a.Match, job.Now().UnixNano()) })
		if err != nil {
			return at, err
		}
		return judgeLinks(job.Target.ID, all), nil
	},
})

// show writes one namespace into the pane.
func show(f *feed.Feed, ns api.Namespace, match string, now int64) {
	name := ns.Name
	if name == "" {
		name = "node"
	}
	var rows []string
	var levels []feed.Level
	for _, l := range ns.Links {
		row := fmt.Sprintf("  %-16s %-8s %-5s mtu %-5d %s  %s", l.Name, l.Kind, state(l), l.MTU, l.MAC, strings.Join(l.Addresses, " "))
		if l.Master != "" {
			row += "  in " + l.Master
		}
		if match != "" && !strings.Contains(name+" "+row, match) {
			continue
		}
		level := feed.Plain
		if broken(l) {
			level = feed.Warn
		}
		rows, levels = append(rows, row), append(levels, level)
	}
	switch {
	case ns.Dead != "":
		f.Line(now, feed.Bad, name+"  "+ns.Dead)
	case len(rows) > 0:
		f.Line(now, feed.Info, name)
	}
	for i, row := range rows {
		f.Line(now, levels[i], row)
	}
}

func state(l api.Link) string {
	if !l.Up {
		return "off"
	}
	return l.Oper
}

// broken tells whether a device is switched on and has no carrier. Devices of
// kinds whose driver gives no state say unknown, which is not broken.
func broken(l api.Link) bool {
	return l.Up && (l.Oper == "down" || l.Oper == "lowerlayerdown") && l.Kind != "bridge"
}

// judgeLinks concludes from all namespaces of a node. A bridge without ports
// has no carrier either, which is no fault.
func judgeLinks(node string, all []api.Namespace) probes.Finding {
	f := probes.Finding{Host: node, Verdict: probes.OK, Code: "links-up"}
	links, dead, down := 0, "", ""
	var downCount int
	for _, ns := range all {
		if ns.Dead != "" && dead == "" {
			dead = ns.Name
		}
		for _, l := range ns.Links {
			links++
			if broken(l) {
				downCount++
				if down == "" {
					down = probes.Where{Netns: ns.Name, Device: l.Name}.String()
					f.Netns, f.Device = ns.Name, l.Name
				}
			}
		}
	}
	f.Fields = map[string]any{"namespaces": len(all), "links": links, "no_carrier": downCount}
	switch {
	case dead != "":
		f.Verdict, f.Code, f.Netns, f.Device = probes.Fail, "dead-namespace", dead, ""
		f.Reason = fmt.Sprintf("namespace %s of %s can't be entered: its file in /run/netns lost its mount", dead, node)
		f.Next = []probes.Next{{Do: "ip netns delete " + dead, Why: "then restart the Neutron agent that owns it, so that it builds it again"}}
	case downCount > 0:
		f.Verdict, f.Code = probes.Warn, "no-carrier"
		f.Reason = fmt.Sprintf("%d of %d devices of %s are switched on without a carrier, the first is %s", downCount, links, node, down)
	default:
		f.Reason = fmt.Sprintf("%d devices in %d namespaces of %s, none without a carrier", links, len(all), node)
	}
	return f
}
