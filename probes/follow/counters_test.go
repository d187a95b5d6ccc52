package follow

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"steth/agent/api"
	"steth/openstack"
	"steth/probes"
)

// TestGauges finds the ports that count for each hop, in both directions of a
// path through two hosts.
func TestGauges(t *testing.T) {
	hops := []Hop{}
	add := func(host, device string, seen openstack.Seen, change func(*openstack.Hop)) {
		h := openstack.Hop{Index: len(hops) + 1, Host: host, Device: device, Seen: seen}
		if change != nil {
			change(&h)
		}
		hops = append(hops, Hop{Hop: h})
	}
	tunnel := func(far string) func(*openstack.Hop) {
		return func(h *openstack.Hop) {
			h.Expect.Patch, h.Expect.Tunnel = "br-int", openstack.Encap{Kind: openstack.EncapVXLAN, Remote: addrs(far)[0]}
		}
	}
	add("cmp1", "tap1", openstack.SeenPackets, func(h *openstack.Hop) { h.Locate.IfaceID = "p1" })
	add("cmp1", "br-int", openstack.SeenCounters, nil)
	add("cmp1", "br-tun", openstack.SeenCounters, tunnel("10.9.0.2"))
	add("cmp1", "eth1", openstack.SeenPackets, nil)
	add("", "", openstack.SeenBlind, nil)
	add("net0", "eth1", openstack.SeenPackets, nil)
	add("net0", "br-tun", openstack.SeenCounters, tunnel("10.9.0.1"))
	add("net0", "br-int", openstack.SeenCounters, nil)
	add("net0", "qr-1", openstack.SeenPackets, func(h *openstack.Hop) { h.Locate.IfaceID = "r1" })
	add("net0", "qg-1", openstack.SeenPackets, func(h *openstack.Hop) { h.Locate.IfaceID = "g1" })
	add("net0", "br-int", openstack.SeenCounters, nil)
	add("net0", "br-ex", openstack.SeenCounters, func(h *openstack.Hop) { h.Expect.Patch = "br-int" })
	add("net0", "eth2", openstack.SeenPackets, nil)
	f := openstack.SwitchFacts{Bridges: []string{"br-int", "br-tun", "br-ex"}, Ports: []openstack.SwitchPort{
		{Bridge: "br-int", Name: "patch-tun", Type: "patch", Peer: "patch-int"},
		{Bridge: "br-tun", Name: "patch-int", Type: "patch", Peer: "patch-tun"},
		{Bridge: "br-int", Name: "int-br-ex", Type: "patch", Peer: "phy-br-ex"},
		{Bridge: "br-ex", Name: "phy-br-ex", Type: "patch", Peer: "int-br-ex"},
		{Bridge: "br-tun", Name: "to-2", Type: "vxlan", RemoteIP: "10.9.0.2"},
		{Bridge: "br-tun", Name: "to-1", Type: "vxlan", RemoteIP: "10.9.0.1"},
		{Bridge: "br-int", Name: "tap1", IfaceID: "p1"},
		{Bridge: "br-int", Name: "qr-1", IfaceID: "r1"},
		{Bridge: "br-int", Name: "qg-1", IfaceID: "g1"},
		{Bridge: "br-ex", Name: "eth2"},
	}}
	told := func(list []gauge) string {
		var out []string
		for _, g := range list {
			out = append(out, fmt.Sprintf("%d %s %s %s", hops[g.hop].Index, g.bridge, g.out, g.back))
		}
		return strings.Join(out, ", ")
	}
	if got, want := told(gauges(hops, "cmp1", f)), "2 br-int tap1 patch-tun, 3 br-tun patch-int to-2"; got != want {
		t.Errorf("cmp1: %s\nwant  %s", got, want)
	}
	if got, want := told(gauges(hops, "net0", f)), "7 br-tun to-1 patch-int, 8 br-int patch-tun qr-1, 11 br-int qg-1 int-br-ex, 12 br-ex phy-br-ex eth2"; got != want {
		t.Errorf("net0: %s\nwant  %s", got, want)
	}

	hops[0].Seen, hops[0].Expect.Bridge, hops[0].Device = openstack.SeenCounters, "br-int", "vhu1"
	f.Ports[6].Name = "vhu1"
	list := gauges(hops, "cmp1", f)
	if got, want := told(list), "1 br-int vhu1 vhu1, 2 br-int vhu1 patch-tun, 3 br-tun patch-int to-2"; got != want || !list[0].sent || list[0].received || list[1].sent {
		t.Errorf("a guest's socket: %s %+v\nwant %s", got, list, want)
	}
	if n := len(ports(list)); n != 4 {
		t.Errorf("%d ports are asked for, want 4 (%+v)", n, ports(list))
	}
}

// TestTake adds readings up, also of ports that begin anew.
func TestTake(t *testing.T) {
	now := time.Unix(100, 0)
	rx := func(n uint64) api.OVSPortCounters { return api.OVSPortCounters{RxPackets: n, TxPackets: 1000 * n} }
	g := gauge{bridge: "br-int", out: "a", back: "b"}
	c := g.take(nil, rx(100), rx(7), now)
	if c.Read() || c.Out != 0 || c.Back != 0 {
		t.Errorf("the first reading: %+v", c)
	}
	first := c
	c = g.take(c, rx(110), rx(9), now.Add(time.Second))
	if !c.Read() || c.Out != 10 || c.Back != 2 || first.Out != 0 {
		t.Errorf("the second: %+v, first %+v", c, first)
	}
	if c = g.take(c, rx(4), rx(9), now.Add(2*time.Second)); c.Out != 14 || c.Back != 2 {
		t.Errorf("a port that was added anew: %+v", c)
	}
	if s := c.String(); s != "14 came in by a, 2 back by b, of all packets" {
		t.Error(s)
	}
	if c = g.take(c, api.OVSPortCounters{Missing: "gone"}, rx(9), now.Add(3*time.Second)); c.Read() || c.Why != "gone" || c.Out != 14 {
		t.Errorf("a port that is gone: %+v", c)
	}
	if c = g.take(c, rx(5), rx(10), now.Add(4*time.Second)); !c.Read() || c.Out != 15 || c.Back != 3 {
		t.Errorf("it is back: %+v", c)
	}
	half := gauge{bridge: "br-int", out: "a", back: "b"}
	c = half.take(nil, rx(1), api.OVSPortCounters{RxPackets: math.MaxUint64}, now)
	c = half.take(c, rx(3), api.OVSPortCounters{RxPackets: math.MaxUint64}, now.Add(time.Second))
	if !c.Read() || c.Out != 2 || c.BackPort != "" || c.Back != 0 {
		t.Errorf("a port that is not counted: %+v", c)
	}
	half = gauge{bridge: "br-int", out: "a", back: "b"}
	c = half.take(nil, api.OVSPortCounters{RxPackets: math.MaxUint64}, rx(1), now)
	c = half.take(c, api.OVSPortCounters{RxPackets: math.MaxUint64}, rx(3), now.Add(time.Second))
	if !c.Read() || c.OutPort != "" || c.Back != 2 {
		t.Errorf("the same the other way: %+v", c)
	}
	none := gauge{bridge: "br-int", out: "a"}
	if c = none.take(nil, api.OVSPortCounters{RxPackets: math.MaxUint64}, api.OVSPortCounters{}, now); c.Why == "" {
		t.Errorf("nothing that is counted: %+v", c)
	}
	socket := gauge{bridge: "br-int", out: "vhu", back: "vhu", sent: true}
	c = socket.take(nil, rx(1), rx(1), now)
	if c = socket.take(c, rx(2), rx(2), now.Add(time.Second)); c.Out != 1 || c.Back != 1000 {
		t.Errorf("a socket before the switch: %+v", c)
	}
	socket = gauge{bridge: "br-int", out: "vhu", back: "vhu", received: true}
	c = socket.take(nil, rx(1), rx(1), now)
	if c = socket.take(c, rx(2), rx(2), now.Add(time.Second)); c.Out != 1000 || c.Back != 1 {
		t.Errorf("a socket behind it: %+v", c)
	}
}

// TestCounting reads counters while a path is followed, and once more at its end.
func TestCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().UnixNano()
		h := switchedHosts(start)
		for device, seqs := range map[string][]byte{"cmp1/tap1": {1, 2, 3}, "cmp1/eth1": {1}, "cmp2/tap2": {1}} {
			h.captures[device] = func(s *script) {
				s.started(start)
				for _, n := range seqs {
					s.packet(start+int64(n)*500*ms, device != "cmp1/tap1", echo(n))
				}
				s.stats(start+9000*ms, 0)
				s.stats(start+19_000*ms, 0)
				s.end = nil
			}
		}
		readings := uint64(0)
		h.count = func(p api.OVSPortName) uint64 {
			if p == (api.OVSPortName{Bridge: "br-int", Port: "tap1"}) {
				readings++
			}
			return map[string]uint64{"tap1": 50, "patch-int": 20, "patch-tun": 7, "vxlan-1": 7}[p.Port] + readings
		}
		p := switchedPlan()
		p.For = 0
		s, err := Start(t.Context(), probes.Env{Agents: h}, p)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(4500 * time.Millisecond)
		synctest.Wait()
		hops := s.Hops()
		if c := hops[1].Counter; c == nil || c.OutPort != "tap1" || c.Out != 4 || c.Why != "" || hops[1].SeenBy() != "counters" {
			t.Errorf("hop 2 after 4.5 s: %+v, seen by %s", c, hops[1].SeenBy())
		}
		if hops[0].Counter != nil || hops[3].Counter != nil {
			t.Error("hops that are captured are counted, too")
		}
		time.Sleep(16 * time.Second)
		s.Stop()
		<-s.Done()
		f, _ := s.Finding()
		if want := "; counted in between, of all packets: 21 came to br-int by tap1, 21 came to br-tun by patch-int"; !strings.HasSuffix(f.Reason, want) {
			t.Errorf("%q\nwant ...%q", f.Reason, want)
		}
		if _, text := s.Hops()[1].Confirmed(); text != "as expected, by OVSDB; 21 came in by tap1, 21 back by patch-tun, of all packets" {
			t.Errorf("hop 2: %q", text)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
