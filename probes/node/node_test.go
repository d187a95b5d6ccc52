package node

import (
	"testing"
	"time"

	"steth/agent/api"
	"steth/probes"
)

func TestJudgeHello(t *testing.T) {
	ready := []api.ToolState{{Name: "ping", Ready: true}, {Name: "iperf.client", Ready: true}}
	lacking := []api.ToolState{{Name: "ping", Ready: true}, {Name: "iperf.client", Reason: "iperf3 is not installed (package iperf3)"}}
	for name, c := range map[string]struct {
		tools   []api.ToolState
		offset  time.Duration
		verdict probes.Verdict
		code    string
		reason  string
	}{
		"ready":       {ready, 40 * time.Millisecond, probes.OK, "ready", "the agent on cmp1 answered in 3 ms and all 2 tools are ready"},
		"absent":      {append(ready[:2:2], api.ToolState{Name: "ovs", Absent: true, Reason: "Open vSwitch does not run here"}), 0, probes.OK, "ready", "the agent on cmp1 answered in 3 ms and all 2 tools are ready"},
		"lacking":     {lacking, 0, probes.Warn, "tools-missing", "the agent on cmp1 lacks iperf.client (iperf3 is not installed (package iperf3))"},
		"clock late":  {ready, -2 * time.Second, probes.Warn, "clock-skew", "the clock of cmp1 is -2s from the console's; check its time service"},
		"clock early": {ready, 101 * time.Millisecond, probes.Warn, "clock-skew", "the clock of cmp1 is 101ms from the console's; check its time service"},
	} {
		t.Run(name, func(t *testing.T) {
			f := judgeHello(api.Hello{Node: "cmp1", Tools: c.tools}, 3*time.Millisecond, c.offset)
			if f.Verdict != c.verdict || f.Code != c.code || f.Reason != c.reason {
				t.Errorf("got  %s %s %q\nwant %s %s %q", f.Verdict, f.Code, f.Reason, c.verdict, c.code, c.reason)
			}
		})
	}
}

func TestJudgeLinks(t *testing.T) {
	up := api.Link{Name: "eth0", Kind: "device", Up: true, Oper: "up"}
	for name, c := range map[string]struct {
		all     []api.Namespace
		verdict probes.Verdict
		code    string
		device  string
	}{
		"all up":                      {[]api.Namespace{{Links: []api.Link{up}}}, probes.OK, "links-up", ""},
		"no carrier":                  {[]api.Namespace{{Links: []api.Link{up, {Name: "tap1", Kind: "veth", Up: true, Oper: "lowerlayerdown"}}}}, probes.Warn, "no-carrier", "tap1"},
		"switched off is a wish":      {[]api.Namespace{{Links: []api.Link{{Name: "eth1", Kind: "device", Oper: "down"}}}}, probes.OK, "links-up", ""},
		"an empty bridge is no fault": {[]api.Namespace{{Links: []api.Link{{Name: "br0", Kind: "bridge", Up: true, Oper: "down"}}}}, probes.OK, "links-up", ""},
		"drivers that don't say":      {[]api.Namespace{{Links: []api.Link{{Name: "br-int", Kind: "tun", Up: true, Oper: "unknown"}}}}, probes.OK, "links-up", ""},
		"dead namespace":              {[]api.Namespace{{Name: "qdhcp-1", Dead: "invalid argument"}}, probes.Fail, "dead-namespace", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := judgeLinks("cmp1", c.all)
			if f.Verdict != c.verdict || f.Code != c.code || f.Device != c.device {
				t.Errorf("got %s %s %q, want %s %s %q", f.Verdict, f.Code, f.Device, c.verdict, c.code, c.device)
			}
		})
	}
}
