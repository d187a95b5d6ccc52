package follow

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"steth/agent/api"
	"steth/openstack"
	"steth/probes"
	"steth/rpc"
)

// switchedPlan is a path from a tap by br-int, br-tun and a NIC to another host.
func switchedPlan() Plan {
	p := plan(10 * time.Second)
	local, remote := addrs("10.9.0.1")[0], addrs("10.9.0.2")[0]
	tunnel := openstack.Encap{Kind: openstack.EncapVXLAN, ID: 7, Local: local, Remote: remote}
	p.Path.Hops[0].Locate.IfaceID = "p1"
	p.Path.Hops[0].Expect = openstack.Expect{Bridge: "br-int", Tagged: true}
	far := p.Path.Hops[3]
	p.Path.Hops = append(p.Path.Hops[:1],
		openstack.Hop{Host: "cmp1", Device: "br-int", What: "Open vSwitch", Seen: openstack.SeenCounters, Why: "patch ports can't be captured", View: far.View, Expect: openstack.Expect{Port: "p1"}},
		openstack.Hop{Host: "cmp1", Device: "br-tun", What: "to the tunnel", Seen: openstack.SeenCounters, Why: "patch ports can't be captured", View: far.View, Expect: openstack.Expect{Patch: "br-int", Tunnel: tunnel}},
		openstack.Hop{Host: "cmp1", What: "the underlay NIC", Seen: openstack.SeenPackets, View: far.View, Locate: openstack.Locate{Address: local}},
		far)
	for i := range p.Path.Hops {
		p.Path.Hops[i].Index = i + 1
	}
	return p
}

// switchedHosts are hosts as that path needs them.
func switchedHosts(now int64) *hosts {
	all := []byte{1, 2, 3, 4}
	links := devices("tap1", "br-phy", "eth1", "eth2")
	links[0].Links[1].Kind, links[0].Links[1].Addresses = "tun", []string{"10.9.0.1/24"}
	for i := 2; i < 4; i++ {
		links[0].Links[i].Kind, links[0].Links[i].Promisc = "veth", true
	}
	return &hosts{
		links: map[string][]api.Namespace{"cmp1": links, "cmp2": devices("tap2")},
		switches: map[string][]api.OVSEvent{"cmp1": {
			{Switch: &api.OVSSwitch{Socket: "/run/openvswitch/db.sock"}},
			{Bridge: &api.OVSBridge{Name: "br-ex", Ports: []api.OVSPort{{Name: "eth2", Interface: "eth2", OFPort: 1}}}},
			{Bridge: &api.OVSBridge{Name: "br-int", Ports: []api.OVSPort{
				{Name: "patch-tun", Interface: "patch-tun", Type: "patch", OFPort: 1, Peer: "patch-int"},
			}}},
			{Bridge: &api.OVSBridge{Name: "br-int", Ports: []api.OVSPort{
				{Name: "tap1", Interface: "tap1", OFPort: 2, Tag: 3, IfaceID: "p1", Wired: &api.OVSWiring{Tag: 3}},
			}}},
			{Bridge: &api.OVSBridge{Name: "br-phy", Ports: []api.OVSPort{{Name: "br-phy", Interface: "br-phy", Type: "internal", OFPort: 65534}, {Name: "eth1", Interface: "eth1", OFPort: 1}}}},
			{Bridge: &api.OVSBridge{Name: "br-tun", Ports: []api.OVSPort{
				{Name: "patch-int", Interface: "patch-int", Type: "patch", OFPort: 1, Peer: "patch-tun"},
				{Name: "vxlan-1", Interface: "vxlan-1", Type: "vxlan", OFPort: 2, LocalIP: "10.9.0.1", RemoteIP: "10.9.0.2"},
			}}},
		}},
		captures: map[string]func(*script){
			"cmp1/tap1": passes(now, 0, false, all...), "cmp1/eth1": passes(now, ms/10, true, all...), "cmp1/eth2": passes(now, 0, true),
			"cmp2/tap2": passes(now, ms, true, all...),
		},
	}
}

// TestSwitch follows a path through Open vSwitch whose database was asked: the
// NIC is known without guessing, and what differs is in the sentence.
func TestSwitch(t *testing.T) {
	now := time.Now().Add(-20 * time.Second).UnixNano()
	lost := passes(now, ms, true, 1)
	for name, c := range map[string]struct {
		change func(*hosts)
		reason string
		second string // what is said of hop 2
		nic    string
		third  string // how hop 3 compares
	}{
		"healthy": {func(*hosts) {}, "4 of 4 came to 5 tap2 on cmp2, the end", "Open vSwitch, VLAN tag 3 on this host", "eth1", "✓ as expected, by OVSDB; patch ports can't be captured"},
		"wrong tag": {
			func(h *hosts) {
				h.switches["cmp1"][3].Bridge.Ports[0].Tag = 99
				h.captures["cmp1/eth1"] = passes(now, 0, true, 1)
				h.captures["cmp2/tap2"] = lost
			},
			"3 of 4 lost between 1 tap1 on cmp1 and 4 eth1 on cmp1; the VLAN tag of tap1 in br-int is 99, Neutron's agent had given it 3", "Open vSwitch, VLAN tag 99 on this host", "eth1", "✓",
		},
		"no tunnel": {
			func(h *hosts) {
				b := h.switches["cmp1"][5].Bridge
				b.Ports = b.Ports[:1]
				h.captures["cmp1/eth1"], h.captures["cmp2/tap2"] = passes(now, 0, true, 1), lost
			},
			"3 of 4 lost between 1 tap1 on cmp1 and 4 eth1 on cmp1; in between br-tun of cmp1 has no vxlan port to 10.9.0.2", "Open vSwitch, VLAN tag 3 on this host", "eth1", "✗ br-tun of cmp1 has no vxlan port to 10.9.0.2",
		},
		"a dead port": { // of one that is switched off l2population takes the tunnels away
			func(h *hosts) {
				b := h.switches["cmp1"][5].Bridge
				b.Ports = b.Ports[:1]
				h.switches["cmp1"][3].Bridge.Ports[0].Tag = 4095
			},
			"hop 3 is missing: br-tun of cmp1 has no vxlan port to 10.9.0.2; at hop 1 tap1 is in the dead VLAN 4095, Neutron's agent had given it tag 3; 4 packets", "Open vSwitch", "eth1", "✗",
		},
		"two NICs": {
			func(h *hosts) {
				b := h.switches["cmp1"][4].Bridge
				b.Ports = append(b.Ports, api.OVSPort{Name: "eth2", Interface: "eth2", OFPort: 2})
				h.switches["cmp1"][1].Bridge.Ports = nil
			},
			"4 of 4 came to 5 tap2 on cmp2, the end", "Open vSwitch, VLAN tag 3 on this host", "eth1", "✓",
		},
		"no NIC": {
			func(h *hosts) { h.switches["cmp1"][4].Bridge.Ports = nil },
			"4 of 4 came to 5 tap2 on cmp2, the end", "Open vSwitch, VLAN tag 3 on this host", "", "✓",
		},
		"no Open vSwitch": {
			func(h *hosts) { h.switches = nil },
			"4 of 4 came to 5 tap2 on cmp2, the end", "Open vSwitch", "eth1", "? patch ports can't be captured",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := switchedHosts(now)
			c.change(h)
			s := run(t, h, switchedPlan())
			if f, _ := s.Finding(); !strings.HasPrefix(f.Reason, c.reason) {
				t.Errorf("got  %s %q\nwant %q", f.Verdict, f.Reason, c.reason)
			}
			hops := s.Hops()
			if hops[1].What != c.second || hops[3].Device != c.nic || !strings.HasPrefix(hops[2].Compared(), c.third) {
				t.Errorf("hop 2 is %q, hop 3 %q, hop 4 %s (%s)", hops[1].What, hops[2].Compared(), hops[3].Device, hops[3].Why)
			}
			if again := s.Recording().Hops[1].restore(switchedPlan().Path.Hops[1]); again.What != c.second {
				t.Errorf("hop 2 is %q when replayed", again.What)
			}
			note := strings.Join(s.Notes(), " ")
			if asked := h.switches != nil; strings.Contains(note, "Open vSwitch of cmp1 could not be asked") == asked || strings.Contains(note, "of cmp2") {
				t.Errorf("notes %q", note)
			}
			if c.nic == "" && hops[3].Why != "br-phy holds no NIC" {
				t.Errorf("hop 4: %q", hops[3].Why)
			}
			known := name != "two NICs" && name != "no Open vSwitch"
			for _, r := range h.asked {
				if known && r.Device == "eth2" {
					t.Error("eth2 is captured, though OVSDB tells that it is not the NIC")
				}
			}
		})
	}
}

// TestSwitchLater breaks a path while it is watched: the sentence tells what the
// host says then, and asks it no more often than packets are lost.
func TestSwitchLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().UnixNano()
		h := switchedHosts(start)
		asked := 0
		h.onSwitch = func() {
			if asked++; asked == 2 {
				h.switches["cmp1"][3].Bridge.Ports[0].Tag = 99
			}
		}
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
		p := switchedPlan()
		p.For = 0
		s, err := Start(t.Context(), probes.Env{Agents: h}, p)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		const want = "2 of 3 lost between 1 tap1 on cmp1 and 4 eth1 on cmp1; the VLAN tag of tap1 in br-int is 99, Neutron's agent had given it 3"
		if f, _ := s.Finding(); f.Reason != want {
			t.Errorf("while it runs: %q\nwant %q", f.Reason, want)
		}
		if asked > 3 {
			t.Errorf("the host was asked %d times, though no more was lost", asked)
		}
		s.Stop()
		<-s.Done()
		if f, _ := s.Finding(); f.Reason != want {
			t.Errorf("at the end: %q\nwant %q", f.Reason, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestRechecker asks when more is lost, one at a time, and once more at the end.
func TestRechecker(t *testing.T) {
	lost, asked := uint64(0), 0
	hold := make(chan struct{}, 8)
	r := rechecker{lost: func() uint64 { return lost }, ask: func() { <-hold; asked++ }}
	at := time.Unix(0, 0)
	tick := func() { at = at.Add(recheckEvery); r.tick(at) }
	tick()
	tick()
	lost = 1
	r.tick(at.Add(time.Millisecond)) // not due
	if r.busy != nil {
		t.Error("asked before it was due")
	}
	tick()
	lost = 2
	tick() // still asking
	hold <- struct{}{}
	hold <- struct{}{}
	r.finish()
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	r.finish()
	if asked != 2 {
		t.Error("asked again, though no more was lost")
	}
}

// TestSwitchWithoutEnd reads an agent that tells of ports for ever.
func TestSwitchWithoutEnd(t *testing.T) {
	ports := make([]api.OVSPort, 4096)
	for i := range ports {
		ports[i].Name = fmt.Sprint(i)
	}
	s := &script{out: make(chan rpc.Message, mostSwitchPorts/len(ports)+2)}
	for range cap(s.out) {
		s.event(api.OVSEvent{Bridge: &api.OVSBridge{Name: "br-int", Ports: ports}})
	}
	close(s.out)
	if _, err := readSwitch(s); err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("%v", err)
	}
}
