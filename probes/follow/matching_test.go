package follow

import (
	"reflect"
	"slices"
	"testing"

	"steth/openstack"
	"steth/packets/match"
)

// TestMatching tells the matcher of a path out by a router: through a tunnel to
// the router's host, and on by a NIC that also carries the tunnel.
func TestMatching(t *testing.T) {
	inside := openstack.View{Near: addrs("10.1.0.74"), NearMAC: "fa:16:3e:00:00:01"}
	outside := openstack.View{Near: addrs("203.0.113.9"), Rewritten: true}
	local, remote := addrs("10.9.0.1")[0], addrs("10.9.0.2")[0]
	tunnel := openstack.Encap{Kind: openstack.EncapVXLAN, ID: 7, Local: local, Remote: remote, Ports: []int{4789}}
	hops := []Hop{
		{Hop: openstack.Hop{Host: "cmp1", Device: "tap1", View: inside, Expect: openstack.Expect{MTU: 1450}}, Capture: 0},
		{Hop: openstack.Hop{Host: "cmp1", Device: "br-int", View: inside}, Capture: -1},
		{Hop: openstack.Hop{Host: "cmp1", Device: "eth1", View: inside, Encap: tunnel, Locate: openstack.Locate{Address: local}}, Capture: 1, found: 9000},
		{Hop: openstack.Hop{View: inside, Encap: tunnel}, Capture: -1},
		{Hop: openstack.Hop{Host: "net0", Device: "eth1", View: inside, Encap: tunnel, Locate: openstack.Locate{Address: remote}}, Capture: 2},
		{Hop: openstack.Hop{Host: "net0", Netns: "qrouter-1", Device: "qr-1", View: inside}, Capture: 3},
		{Hop: openstack.Hop{Host: "net0", Netns: "qrouter-1", Device: "qg-1", View: outside}, Capture: 4},
		{Hop: openstack.Hop{Host: "net0", Device: "eth1", View: outside, Encap: openstack.Encap{Kind: openstack.EncapVLAN, ID: 150}}, Capture: 2},
		{Hop: openstack.Hop{View: outside}, Capture: -1},
	}
	got, options := matching(hops, openstack.Follow{})
	nat := []match.Translation{{Here: addrs("203.0.113.9")[0], Origin: addrs("10.1.0.74")[0]}}
	vxlan := match.Encap{Tunnel: match.VXLAN, VNI: 7, Ends: addrs("10.9.0.1", "10.9.0.2")}
	bare := match.Encap{Tunnel: match.NoTunnel}
	want := []match.Hop{
		{Capture: 1, Clock: 0, Passing: match.Entering, Encap: bare, MTU: 1450},
		{Blind: true, Clock: 0, Encap: bare},
		{Capture: 2, Clock: 0, Passing: match.Leaving, Encap: vxlan, MTU: 9000},
		{Blind: true, Clock: 1, Encap: vxlan},
		{Capture: 3, Clock: 2, Passing: match.Entering, Encap: vxlan},
		{Capture: 4, Clock: 2, Encap: bare},
		{Capture: 5, Clock: 2, Encap: bare, Translate: nat},
		{Capture: 3, Clock: 2, Encap: match.Encap{Tunnel: match.NoTunnel, VLAN: 150}, Translate: nat},
		{Blind: true, Aside: true, Clock: 1, Passing: match.Leaving, Encap: bare, Translate: nat},
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("hop %d\ngot  %+v\nwant %+v", i+1, got[i], want[i])
		}
	}
	if !options.AnyPort || !slices.Equal(options.Near, addrs("10.1.0.74")) || options.Far != nil {
		t.Errorf("options are %+v", options)
	}
	if _, err := match.New(got, options); err != nil {
		t.Error(err)
	}
}

// TestJoin widens one capture for a second hop.
func TestJoin(t *testing.T) {
	for name, c := range map[string]struct {
		a, b device
		want device
	}{
		"the same":      {device{filter: "icmp", vlan: 7, snap: 128}, device{filter: "icmp", vlan: 7, snap: 128}, device{filter: "icmp", vlan: 7, snap: 128}},
		"two filters":   {device{filter: "icmp", snap: 128}, device{filter: "udp port 4789", snap: 192}, device{filter: "(icmp) or (udp port 4789)", snap: 192}},
		"one is all":    {device{filter: "icmp"}, device{}, device{}},
		"the other all": {device{}, device{filter: "icmp"}, device{}},
		"two VLANs":     {device{vlan: 7}, device{vlan: 8}, device{}},
	} {
		t.Run(name, func(t *testing.T) {
			c.a.join(c.b.filter, c.b.vlan, c.b.snap)
			if !reflect.DeepEqual(c.a, c.want) {
				t.Errorf("got %+v, want %+v", c.a, c.want)
			}
		})
	}
}

func TestCensus(t *testing.T) {
	counts := make([]int, 8)
	if got := census(counts, 2); got != "no packet at all in 2 s" {
		t.Error(got)
	}
	counts[1], counts[6] = 3, 40
	if got := census(counts, 2); got != "40 TCP, 3 ARP in 2 s" {
		t.Error(got)
	}
}
