package bw

import (
	"testing"

	"steth/agent/api"
	"steth/probes"
)

func TestJudgeSaysWhereTheLimitWasReached(t *testing.T) {
	c := api.IperfClientRequest{Protocol: api.IperfTCP, Bits: 1_000_000_000}
	f := judge(test{From: "cmp1", To: "cmp2", Client: c}, api.IperfEvent{Bits: 0.99e9, Received: 0.98e9, Bytes: 1e9})
	if want := "cmp1 to cmp2 carries at least 980 Mbit/s over tcp, which was this test's limit"; f.Reason != want {
		t.Errorf("got %q, want %q", f.Reason, want)
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		protocol string
		end      api.IperfEvent
		verdict  probes.Verdict
		code     string
		reason   string
	}{
		"tcp": {
			api.IperfTCP,
			api.IperfEvent{Bits: 9.41e9, Received: 9.4e9, Bytes: 1e10},
			probes.OK, "measured",
			"cmp1 to cmp2 carries 9.40 Gbit/s over tcp",
		},
		"retransmits": {
			api.IperfTCP,
			api.IperfEvent{Bits: 1e9, Bytes: 1448 * 1000, Retransmits: 2},
			probes.Warn, "retransmits",
			"cmp1 to cmp2 carries 1.00 Gbit/s over tcp, but 2 of about 1000 segments had to be sent again",
		},
		"a few retransmits are usual": {
			api.IperfTCP,
			api.IperfEvent{Bits: 1e9, Bytes: 1448 * 10000, Retransmits: 10},
			probes.OK, "measured",
			"cmp1 to cmp2 carries 1.00 Gbit/s over tcp",
		},
		"udp": {
			api.IperfUDP,
			api.IperfEvent{Bits: 1e8, Received: 1e8, Datagrams: 1000},
			probes.OK, "measured",
			"cmp1 to cmp2 carries 100 Mbit/s over udp",
		},
		"udp loss": {
			api.IperfUDP,
			api.IperfEvent{Bits: 1e8, Datagrams: 1000, Lost: 10},
			probes.Warn, "loss",
			"cmp1 to cmp2 loses 1 % of the datagrams at 100 Mbit/s",
		},
		"udp loses much": {
			api.IperfUDP,
			api.IperfEvent{Bits: 1e8, Datagrams: 1000, Lost: 200},
			probes.Fail, "loss",
			"cmp1 to cmp2 loses 20 % of the datagrams at 100 Mbit/s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := judge(test{From: "cmp1", To: "cmp2", Client: api.IperfClientRequest{Protocol: c.protocol}}, c.end)
			if f.Verdict != c.verdict || f.Code != c.code || f.Reason != c.reason {
				t.Errorf("got  %s %s %q\nwant %s %s %q", f.Verdict, f.Code, f.Reason, c.verdict, c.code, c.reason)
			}
		})
	}
}
