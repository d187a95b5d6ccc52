package follow

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"steth/openstack"
	"steth/packets/match"
	"steth/probes"
	"steth/rpc"
)

// five is a path of five hops, the third of which nobody can look into.
func five() []Hop {
	hop := func(i int, host, device string) Hop {
		h := Hop{Hop: openstack.Hop{Index: i, Host: host, Device: device, Seen: openstack.SeenPackets}, State: Ended, Capture: i - 1}
		if host == "" {
			h.What, h.Seen, h.State, h.Capture = "the underlay", openstack.SeenBlind, Unseen, -1
		}
		return h
	}
	return []Hop{hop(1, "cmp1", "tap1"), hop(2, "cmp1", "eth1"), hop(3, "", ""), hop(4, "cmp2", "eth1"), hop(5, "cmp2", "tap2")}
}

// counted is a summary of so many packets out and back that all hops saw.
func counted(out, back uint64) match.Summary {
	s := match.Summary{Hops: make([]match.HopSummary, 5)}
	s.Out = match.Totals{Rows: out, Delivered: out, Answered: back}
	s.Back = match.Totals{Rows: back, Delivered: back}
	for i := range s.Hops {
		if i != 2 {
			s.Hops[i].Out, s.Hops[i].Back = out, back
		}
	}
	return s
}

// absent takes a hop's device away.
func absent(h *Hop) {
	h.State, h.Why = Unseen, h.Device+" is not on "+h.Host
	h.Check.Faults = []openstack.Difference{{Kind: openstack.DifferMissing, Text: h.Why}}
}

func lose(s *match.Summary, i match.Interval) {
	t := &s.Out
	if i.Direction == match.Back {
		t = &s.Back
	}
	t.Lost += i.Lost
	t.Delivered -= i.Lost
	s.Intervals = append(s.Intervals, i)
}

// TestBlind: where nothing can be watched the sentence has the reason.
func TestBlind(t *testing.T) {
	unbound := Hop{Hop: openstack.Hop{Index: 1, What: "port of web1", Seen: openstack.SeenUnresolved, Why: "port a0 is bound to no host"}, State: Unseen, Why: "port a0 is bound to no host", Capture: -1}
	blind := Hop{Hop: openstack.Hop{Index: 2, What: "the underlay", Seen: openstack.SeenBlind, Why: "no agent runs on a switch"}, State: Unseen, Why: "no agent runs on a switch", Capture: -1}
	away := Hop{Hop: openstack.Hop{Index: 3, Host: "cmp2", Device: "tap2", Seen: openstack.SeenPackets}, State: Unseen, Why: "no agent on cmp2", Capture: -1}
	for want, hops := range map[string][]Hop{
		"no hop can be watched: 1 port of web1: port a0 is bound to no host": {unbound, blind},
		"no hop can be watched: 3 tap2 on cmp2: no agent on cmp2":            {unbound, blind, away},
		"no hop can be watched: none carries packets that can be captured":   {blind},
	} {
		f := judge(facts{hops: hops, sum: match.Summary{Hops: make([]match.HopSummary, len(hops))}})
		if f.Verdict != probes.Error || f.Reason != want {
			t.Errorf("got  %s %q\nwant %q", f.Verdict, f.Reason, want)
		}
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*facts)
		out     uint64
		back    uint64
		verdict probes.Verdict
		code    string
		reason  string
	}{
		"all well": {
			nil, 61, 61, probes.OK, "delivered", "61 of 61 came to 5 tap2 on cmp2, the end; replies 61 of 61",
		},
		"lost on the underlay": {
			func(f *facts) {
				lose(&f.sum, match.Interval{Direction: match.Out, From: 1, To: 3, Lost: 12, Crossed: 49, Shortest: 90, Longest: 98, LongestCrossed: 98})
			},
			61, 49, probes.Fail, "lost", "12 of 61 lost between 2 eth1 on cmp1 and 4 eth1 on cmp2; replies 49 of 49",
		},
		"only large ones are lost": {
			func(f *facts) {
				lose(&f.sum, match.Interval{Direction: match.Out, From: 1, To: 3, Lost: 12, Crossed: 49, Shortest: 1442, Longest: 1442, LongestCrossed: 1400})
			},
			61, 49, probes.Fail, "lost", "12 of 61 lost between 2 eth1 on cmp1 and 4 eth1 on cmp2, all longer than 1400 bytes; replies 49 of 49",
		},
		"nothing crosses, so sizes say nothing": {
			func(f *facts) {
				lose(&f.sum, match.Interval{Direction: match.Out, From: 0, To: 1, Lost: 5, Shortest: 98, Longest: 98})
			},
			5, 0, probes.Fail, "lost", "5 of 5 lost between 1 tap1 on cmp1 and 2 eth1 on cmp1",
		},
		"replies are lost": {
			func(f *facts) {
				lose(&f.sum, match.Interval{Direction: match.Back, From: 4, To: 3, Lost: 3, Crossed: 7})
			},
			10, 10, probes.Fail, "lost", "3 of 10 replies lost between 5 tap2 on cmp2 and 4 eth1 on cmp2; out 10 of 10",
		},
		"two places": {
			func(f *facts) {
				lose(&f.sum, match.Interval{Direction: match.Out, From: 1, To: 3, Lost: 5, Crossed: 5})
				lose(&f.sum, match.Interval{Direction: match.Out, From: 3, To: 4, Lost: 1, Crossed: 4})
			},
			10, 0, probes.Fail, "lost", "5 of 10 lost between 2 eth1 on cmp1 and 4 eth1 on cmp2; 1 more lost elsewhere",
		},
		"answers that go another way are not judged": {
			func(f *facts) {
				f.path.Back = []openstack.Hop{{Index: 1}}
				lose(&f.sum, match.Interval{Direction: match.Back, From: 4, To: 3, Lost: 10})
			},
			10, 10, probes.OK, "delivered", "10 of 10 came to 5 tap2 on cmp2, the end",
		},
		"a device is missing": {
			func(f *facts) {
				absent(&f.hops[4])
			},
			7, 0, probes.Fail, "device-missing", "hop 5 is missing: tap2 is not on cmp2; 7 packets were seen on the rest of the path",
		},
		"loss comes before what is missing": {
			func(f *facts) {
				absent(&f.hops[4])
				lose(&f.sum, match.Interval{Direction: match.Out, From: 0, To: 1, Lost: 2, Crossed: 5})
			},
			7, 0, probes.Fail, "lost", "2 of 7 lost between 1 tap1 on cmp1 and 2 eth1 on cmp1",
		},
		"what is missing in between is named": {
			func(f *facts) {
				absent(&f.hops[3])
				lose(&f.sum, match.Interval{Direction: match.Out, From: 1, To: 4, Lost: 7})
			},
			7, 0, probes.Fail, "lost", "7 of 7 lost between 2 eth1 on cmp1 and 5 tap2 on cmp2; in between eth1 is not on cmp2",
		},
		"a cause comes before the way back, and in place of counters": {
			func(f *facts) {
				f.hops[2].Counter = &Counter{OutPort: "br-phy", Out: 9, At: time.Unix(2, 0), Since: time.Unix(1, 0)}
				f.hops[3].Check.Faults = []openstack.Difference{{Kind: openstack.DifferTag, Text: "the VLAN tag of eth1 is 99"}}
				lose(&f.sum, match.Interval{Direction: match.Out, From: 1, To: 3, Lost: 7})
			},
			7, 2, probes.Fail, "lost", "7 of 7 lost between 2 eth1 on cmp1 and 4 eth1 on cmp2; the VLAN tag of eth1 is 99; replies 2 of 2",
		},
		"the far host is not seen": {
			func(f *facts) {
				for i := 3; i < 5; i++ {
					f.hops[i].State, f.hops[i].Why = Unseen, "connection refused"
				}
			},
			7, 7, probes.OK, "delivered", "7 of 7 came to 2 eth1 on cmp1, the last hop that can be seen; replies 7 of 7; hops 4 and 5 on cmp2 are not watched: connection refused",
		},
		"replies that a bridge puts together": {
			func(f *facts) { f.sum.Back.Delivered, f.sum.Back.Unknown = 8, 2 },
			10, 10, probes.OK, "delivered", "10 of 10 came to 5 tap2 on cmp2, the end; replies 8 of 8, 2 more could not be followed",
		},
		"no answer": {
			func(f *facts) { f.sum.Out.Unanswered = 4 },
			4, 0, probes.Warn, "unanswered", "4 of 4 came to 5 tap2 on cmp2, the end; no answer was seen",
		},
		"nothing": {
			nil, 0, 0, probes.Warn, "nothing-seen", "nothing that fits passed 1 tap1 on cmp1, nor any of the 3 other hops that were watched",
		},
		"a switch answers": {
			func(f *facts) {
				for i := 2; i < 5; i++ {
					f.sum.Hops[i].Out, f.sum.Hops[i].Back = 0, 0
				}
			},
			4, 4, probes.OK, "answered-on-the-way", "4 of 4 were answered after 2 eth1 on cmp1; none came to 5 tap2 on cmp2; replies 4 of 4",
		},
		"what passes as the watching begins or ends accuses nobody": {
			func(f *facts) {
				f.sum.Out.Delivered, f.sum.Out.Unknown, f.sum.Out.Bordering = 98, 2, 2
				f.sum.Back.Delivered, f.sum.Back.Unknown, f.sum.Back.Bordering = 97, 1, 1
			},
			100, 98, probes.OK, "delivered", "98 of 98 came to 5 tap2 on cmp2, the end; replies 97 of 97; 3 more passed before all captures had begun or when they ended",
		},
		"all passed as the watching ended": {
			func(f *facts) {
				f.sum.Out = match.Totals{Rows: 3, Unknown: 3, Bordering: 3}
			},
			3, 0, probes.Warn, "not-followed", "3 packets passed before all captures had begun or when they ended, and none in between",
		},
		"some of what is unknown passed as the watching ended": {
			func(f *facts) {
				f.sum.Out.Delivered, f.sum.Out.Unknown, f.sum.Out.Bordering = 90, 10, 2
				f.sum.Hops[3].Dropped = 8
			},
			100, 0, probes.Warn, "not-followed", "8 of 98 could not be followed to 5 tap2 on cmp2: the capture at 4 eth1 on cmp2 dropped 8; 2 more passed before all captures had begun or when they ended",
		},
		"nothing passes a path whose beginning is not known": {
			func(f *facts) {
				f.hops[0] = Hop{Hop: openstack.Hop{Index: 1, What: "port of web1", Seen: openstack.SeenUnresolved}, State: Unseen, Why: "port a0 is bound to no host", Capture: -1}
			},
			0, 0, probes.Warn, "nothing-seen", "nothing that fits passed 2 eth1 on cmp1, nor any of the 2 other hops that were watched; 1 port of web1 is not known: port a0 is bound to no host",
		},
		"words that are no filter": {
			func(f *facts) {
				f.hops[0].State, f.hops[0].err = Unseen, rpc.Errorf(rpc.InvalidArgument, `filter "tpc" does not compile`)
			},
			0, 0, probes.Error, probes.CodeBadArgument, `1 tap1 on cmp1: filter "tpc" does not compile`,
		},
		"drops accuse nobody": {
			func(f *facts) {
				f.sum.Out.Delivered, f.sum.Out.Unknown = 90, 10
				f.sum.Hops[3].Dropped = 10
			},
			100, 0, probes.Warn, "not-followed", "10 of 100 could not be followed to 5 tap2 on cmp2: the capture at 4 eth1 on cmp2 dropped 10",
		},
		"a device went away": {
			func(f *facts) {
				f.sum.Out.Delivered, f.sum.Out.Unknown = 6, 1
				f.hops[4].State, f.hops[4].Why = Broken, "the device has disappeared"
			},
			7, 0, probes.Warn, "not-followed", "1 of 7 could not be followed to 5 tap2 on cmp2: 5 tap2 on cmp2 was not watched to the end: the device has disappeared",
		},
		"an agent went away": {
			func(f *facts) {
				f.sum.Out.Delivered, f.sum.Out.Unknown = 6, 1
				for i := 3; i < 5; i++ {
					f.hops[i].State, f.hops[i].Why = Broken, broke("cmp2", rpc.Errorf(rpc.UnexpectedEnd, "capture: the session was closed"))
				}
			},
			7, 0, probes.Warn, "not-followed", "1 of 7 could not be followed to 5 tap2 on cmp2: hops 4 and 5 on cmp2 were not watched to the end: the agent on cmp2 stopped answering",
		},
		"an agent went away after all came": {
			func(f *facts) {
				f.hops[4].State, f.hops[4].Why = Broken, "the agent on cmp2 stopped answering"
			},
			7, 7, probes.Warn, "not-followed", "7 of 7 came to 5 tap2 on cmp2, the end; replies 7 of 7; but 5 tap2 on cmp2 was not watched to the end: the agent on cmp2 stopped answering",
		},
		"the far end speaks of its own accord": {
			func(f *facts) {
				f.sum.Out.Answered, f.sum.Out.Unanswered = 0, 7
				f.sum.Back.Lost = 4
				lose(&f.sum, match.Interval{Direction: match.Out, From: 0, To: 1, Lost: 7})
			},
			7, 4, probes.Fail, "lost", "7 of 7 lost between 1 tap1 on cmp1 and 2 eth1 on cmp1; back 0 of 4",
		},
		"a device differs": {
			func(f *facts) {
				f.hops[1].Check.Faults = []openstack.Difference{{Kind: openstack.DifferMTU, Text: "the MTU of eth1 is 1400, less than 1500"}}
			},
			3, 3, probes.Warn, "device-differs", "3 of 3 came to 5 tap2 on cmp2, the end; replies 3 of 3; but at hop 2 the MTU of eth1 is 1400, less than 1500",
		},
		"nobody answers for any host": {
			func(f *facts) {
				for i := range f.hops {
					f.hops[i].err = fmt.Errorf("connection refused: %w", rpc.ErrUnavailable)
					f.hops[i].State, f.hops[i].Why = Unseen, f.hops[i].err.Error()
				}
			},
			0, 0, probes.Error, probes.CodeUnreachable, fmt.Sprintf("no hop can be watched: 1 tap1 on cmp1: connection refused: %v", rpc.ErrUnavailable),
		},
		"could not run": {
			func(f *facts) { f.err = fmt.Errorf("links: %w", rpc.ErrUnavailable) },
			0, 0, probes.Error, probes.CodeUnreachable, fmt.Sprintf("links: %v", rpc.ErrUnavailable),
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts{path: openstack.Path{From: openstack.End{Name: "web1"}}, hops: five(), sum: counted(c.out, c.back)}
			if c.change != nil {
				c.change(&f)
			}
			got := judge(f)
			if got.Verdict != c.verdict || got.Code != c.code || got.Reason != c.reason {
				t.Errorf("got  %s %s %q\nwant %s %s %q", got.Verdict, got.Code, got.Reason, c.verdict, c.code, c.reason)
			}
		})
	}
}

func TestErrorsKeepTheirCode(t *testing.T) {
	f := judge(facts{err: errors.Join(rpc.ErrPermissionDenied)})
	if f.Verdict != probes.Error || f.Code != probes.CodeDenied {
		t.Errorf("a refused capture is %s %s", f.Verdict, f.Code)
	}
}

// TestNextIsSomethingElse: who has followed all packets and saw none is not told
// to follow all.
func TestNextIsSomethingElse(t *testing.T) {
	for what, want := range map[openstack.FollowWhat]string{
		openstack.FollowICMP: "steth path --port p1 --to-gateway --follow all",
		openstack.FollowAll:  "steth path --port p1 --to-gateway --inject icmp",
	} {
		f := facts{path: openstack.Path{Goal: openstack.GoalGateway, From: openstack.End{Port: "p1"}}, what: openstack.Follow{What: what}, hops: five(), sum: counted(0, 0)}
		if got := judge(f); len(got.Next) != 1 || got.Next[0].Do != want {
			t.Errorf("%s: %v, want %s", what, got.Next, want)
		}
	}
}

// TestNextIsHarmless: names of hosts and devices come from agents and from
// recordings, and what is to be done next is pasted into a shell.
func TestNextIsHarmless(t *testing.T) {
	hop := Hop{Hop: openstack.Hop{Host: "$(id)", Netns: "`id`", Device: "x;id"}}
	if got, want := (facts{}).capture(hop), "steth capture --node '$(id)' --device '`id`/x;id'"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
