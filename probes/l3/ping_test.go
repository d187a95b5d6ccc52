package l3

import (
	"testing"
	"time"

	"steth/agent/api"
	"steth/probes"
)

func events(seqs ...int) []api.PingEvent {
	var out []api.PingEvent
	for i, s := range seqs {
		if s > 0 {
			out = append(out, api.PingEvent{Kind: api.PingReply, Seq: s, RTT: time.Duration(i+1) * time.Millisecond})
		} else {
			out = append(out, api.PingEvent{Kind: api.PingNoReply, Seq: -s})
		}
	}
	return out
}

func TestJudgePing(t *testing.T) {
	many := func(answered, sent int) []api.PingEvent {
		return []api.PingEvent{{Kind: api.PingSummary, Sent: sent, Received: answered}}
	}
	for name, c := range map[string]struct {
		events  []api.PingEvent
		verdict probes.Verdict
		code    string
		reason  string
	}{
		"all back":             {events(1, 2, 3), probes.OK, "answered", "10.0.0.5 answered all 3 requests from cmp1, 2.000 ms on average"},
		"one of three missing": {events(1, -2, 3), probes.Fail, "loss", "1 of 3 requests from cmp1 to 10.0.0.5 were lost (33.3 %)"},
		"one of a hundred":     {many(99, 100), probes.Warn, "loss", "1 of 100 requests from cmp1 to 10.0.0.5 were lost (1 %)"},
		"five of a hundred":    {many(95, 100), probes.Fail, "loss", "5 of 100 requests from cmp1 to 10.0.0.5 were lost (5 %)"},
		"none back":            {events(-1, -2), probes.Fail, "no-answer", "10.0.0.5 answered none of 2 requests from cmp1"},
		"host unreachable": {
			[]api.PingEvent{{Kind: api.PingError, Seq: 1, From: "10.0.0.1", Text: "Destination Host Unreachable"}},
			probes.Fail, "unreachable", `10.0.0.5 can't be reached from cmp1: 10.0.0.1 says "Destination Host Unreachable"`,
		},
		"answered twice": {
			append(events(1), api.PingEvent{Kind: api.PingReply, Seq: 1, Duplicate: true}),
			probes.Warn, "duplicates", "10.0.0.5 answered all 1 requests from cmp1, 1 of them more than once",
		},
		"a late answer counts": {
			append(events(-1, 2), api.PingEvent{Kind: api.PingReply, Seq: 1, RTT: time.Second}),
			probes.OK, "answered", "10.0.0.5 answered all 2 requests from cmp1, 501.0 ms on average",
		},
		"nothing sent": {nil, probes.Error, probes.CodeCouldNotRun, "ping on cmp1 ended without sending anything"},
	} {
		t.Run(name, func(t *testing.T) {
			facts := pingFacts{To: "10.0.0.5", From: "cmp1", Where: "node"}
			for _, e := range c.events {
				facts.take(e)
			}
			f := judgePing(facts)
			if f.Verdict != c.verdict || f.Code != c.code || f.Reason != c.reason {
				t.Errorf("got  %s %s %q\nwant %s %s %q", f.Verdict, f.Code, f.Reason, c.verdict, c.code, c.reason)
			}
		})
	}
}

func TestNamespaceStandsInTheReason(t *testing.T) {
	facts := pingFacts{To: "10.0.0.5", From: "net0", Where: "qdhcp-1", Sent: 1}
	if got, want := judgePing(facts).Reason, "10.0.0.5 answered none of 1 requests from qdhcp-1 on net0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
