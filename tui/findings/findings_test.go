package findings

import (
	"testing"
	"time"

	"steth/openstack"
	"steth/probes"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func finding(probe, target string, v probes.Verdict) probes.Finding {
	return probes.Finding{Probe: probe, TargetID: target, Verdict: v, Reason: string(v), Started: noon, Duration: time.Second}
}

func TestWorstAndCount(t *testing.T) {
	s := New()
	if _, ok := s.Worst("p"); ok {
		t.Error("a finding out of nothing")
	}
	s.Add(finding("l3.ping", "p", probes.Warn))
	s.Add(finding("mtu.path", "p", probes.Fail))
	s.Add(finding("cap.device", "p", probes.OK))
	s.Add(finding("l3.ping", "q", probes.Error)) // could not run: says nothing about the network
	if f, _ := s.Worst("p"); f.Probe != "mtu.path" {
		t.Errorf("the worst is %s", f.Probe)
	}
	if n, worst := s.Count(); n != 2 || worst != probes.Fail {
		t.Errorf("%d findings, the worst %s", n, worst)
	}
	if _, ok := s.Worst("q"); ok {
		t.Error("an error was shown as a finding")
	}
	s.Add(finding("mtu.path", "p", probes.OK)) // repaired
	if f, _ := s.Worst("p"); f.Probe != "l3.ping" {
		t.Errorf("after the repair the worst is %s", f.Probe)
	}
	if got := s.Of("p"); len(got) != 3 || got[0].Verdict != probes.Warn {
		t.Errorf("of p: %v", got)
	}
	if len(s.All()) != 5 {
		t.Errorf("the session has %d", len(s.All()))
	}
}

func TestFacts(t *testing.T) {
	s := New()
	for _, c := range []struct {
		probe string
		v     probes.Verdict
		truth Truth
		want  openstack.Level
	}{
		{"l3.ping", probes.OK, WIRE, openstack.OK},
		{"bw.tcp", probes.Warn, WIRE, openstack.Suspicious},
		{"mtu.path", probes.Fail, WIRE, openstack.Broken},
		{"l2.port", probes.Fail, DEV, openstack.Broken},
		{"ctl.agent", probes.OK, CTL, openstack.OK},
		{"l3.ping", probes.Error, WIRE, openstack.Unknown}, // it could not run
		{"l3.ping", probes.Skip, WIRE, openstack.Unknown},
		{"cap.device", probes.OK, WIRE, openstack.Unknown}, // shows, and judges nothing
		{"l3.ping", probes.Fail, DEV, openstack.Unknown},   // speaks of another truth
	} {
		id := c.probe + string(c.v) + c.truth.String()
		s.Add(finding(c.probe, id, c.v))
		if got := s.Fact(id, c.truth); got.Level != c.want {
			t.Errorf("%s %s says of %s: %s, want %s", c.probe, c.v, c.truth, got.Level, c.want)
		}
	}
	if got := s.Fact("l3.pingokWIRE", WIRE); !got.Time.Equal(noon.Add(time.Second)) || got.Probe != "l3.ping" {
		t.Errorf("since when, and by whom: %v, %s", got.Time, got.Probe)
	}
}
