//go:build integration

package e2e

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// edge is one edge of a path between two servers, and a way to break it. Scripts
// run on the host and may say TAP, QVO, QVB, MAC and CHAIN for those of that
// host's end of the path, PEER for the other end's address, UNDERLAY for the
// other host's and TUNNEL for the tunnel port to it.
type edge struct {
	name   string
	host   string // where it's broken; "" is the fabric between the hosts
	fault  string // script
	mend   string // script that undoes it
	after  place  // the last that sees what is lost
	before place  // the first that doesn't
	back   bool   // replies are lost, not requests
	only   int    // one in so many is lost; 0: all
	some   bool   // some are lost, the server knows how many
	size   int    // of the ping; 0: 56 bytes
	says   string // the finding, too
}

// edges are broken one at a time, on each flavour and plug.
var edges = map[string]struct {
	flavour string
	servers [2]string // on cmp1 and cmp2
	broken  []edge
}{
	"ovs, hybrid plug": {"ovs", [2]string{"web1", "web2"}, slices.Concat([]edge{
		{
			name: "iptables drops what the server sends", host: "cmp1",
			fault: "iptables -I neutron-openvswi-oCHAIN -p icmp -d PEER -j DROP", mend: "iptables -D neutron-openvswi-oCHAIN -p icmp -d PEER -j DROP",
			after: place{"cmp1", "qbr"}, before: place{"cmp1", "qvb"},
		},
		{
			name: "iptables drops what comes to the far server", host: "cmp2",
			fault: "iptables -I neutron-openvswi-iCHAIN -p icmp -s PEER -j DROP", mend: "iptables -D neutron-openvswi-iCHAIN -p icmp -s PEER -j DROP",
			after: place{"cmp2", "qbr"}, before: place{"cmp2", "tap"},
		},
		{
			name: "iptables drops replies", host: "cmp2", back: true,
			fault: "iptables -I neutron-openvswi-oCHAIN -p icmp -d PEER -j DROP", mend: "iptables -D neutron-openvswi-oCHAIN -p icmp -d PEER -j DROP",
			after: place{"cmp2", "qbr"}, before: place{"cmp2", "qvb"},
		},
		{
			name: "a limit of rate at the far tap", host: "cmp2", some: true,
			fault: "tc qdisc add dev TAP root tbf rate 15kbit burst 1600 limit 800", mend: "tc qdisc del dev TAP root",
			after: place{"cmp2", "qbr"}, before: place{"cmp2", "tap"},
		},
	}, switchEdges("qvo", "qbr"))},

	"ovs, native plug": {"ovs", [2]string{"db1", "db2"}, slices.Concat([]edge{
		{
			name: "a limit of rate before the underlay", host: "cmp1", some: true,
			fault: "tc qdisc add dev eth1 root tbf rate 20kbit burst 1600 limit 1500", mend: "tc qdisc del dev eth1 root",
			after: place{"cmp1", "tap"}, before: place{"cmp1", "eth1"},
		},
		{
			name: "a meter in br-int", host: "cmp2", some: true, back: true,
			fault: save("br-int", "table=25,in_port=NUMBER") + `
				ovs-ofctl -O OpenFlow13 add-meter br-int meter=7,pktps,band=type=drop,rate=20
				ovs-ofctl -O OpenFlow13 mod-flows br-int "table=25,in_port=NUMBER,actions=meter:7,goto_table:30"`,
			mend:  restore("br-int") + "; ovs-ofctl -O OpenFlow13 del-meter br-int meter=7",
			after: place{"cmp2", "tap"}, before: place{"cmp2", "eth1"},
		},
	}, switchEdges("tap", "eth1"))},

	"linuxbridge": {"linuxbridge", [2]string{"web1", "web2"}, slices.Concat([]edge{
		{
			name: "a rule drops what the server sends", host: "cmp1",
			fault: bridgeDrop("iifname TAP ip daddr PEER"), mend: bridgeMend,
			after: place{"cmp1", "brq"}, before: place{"cmp1", "vxlan-"},
		},
		{
			name: "the tunnel's device is not in the bridge", host: "cmp1",
			fault: "ip link set vxlan-101 nomaster", mend: "ip link set vxlan-101 master $(ls -d /sys/class/net/brq4* | xargs basename)",
			after: place{"cmp1", "brq"}, before: place{"cmp1", "vxlan-"},
		},
		{
			name: "the tunnel sends to another host", host: "cmp1",
			fault: "bridge fdb replace PEERMAC dev vxlan-101 dst 10.99.0.10 self permanent", mend: "bridge fdb replace PEERMAC dev vxlan-101 dst UNDERLAY self permanent",
			after: place{"cmp1", "vxlan-"}, before: place{"cmp1", "eth1"},
		},
		{
			name: "the far tap is not in the bridge", host: "cmp2",
			fault: "ip link set TAP nomaster", mend: "ip link set TAP master $(ls -d /sys/class/net/brq4* | xargs basename)",
			after: place{"cmp2", "brq"}, before: place{"cmp2", "tap"},
		},
		{
			name: "a rule drops replies", host: "cmp2", back: true,
			fault: bridgeDrop("iifname TAP ip daddr PEER"), mend: bridgeMend,
			after: place{"cmp2", "brq"}, before: place{"cmp2", "vxlan-"},
		},
		{
			name: "every fourth is dropped before the far tap", host: "cmp2", only: 4,
			fault: bridgeDrop("oifname TAP ip protocol icmp numgen inc mod 4 == 0"), mend: bridgeMend,
			after: place{"cmp2", "brq"}, before: place{"cmp2", "tap"},
		},
		{
			name: "a limit of rate before the underlay", host: "cmp1", some: true,
			fault: "tc qdisc add dev eth1 root tbf rate 20kbit burst 1600 limit 1500", mend: "tc qdisc del dev eth1 root",
			after: place{"cmp1", "vxlan-"}, before: place{"cmp1", "eth1"},
		},
	}, fabricEdges, tapEdge("brq"))},
}

// fabricEdges are between the hosts, where no agent runs.
var fabricEdges = []edge{
	{
		name:  "the fabric drops tunnels",
		fault: bridgeDrop("oifname tun-cmp2 udp dport { 4789, 8472 }"), mend: bridgeMend,
		after: place{"cmp1", "eth1"}, before: place{"cmp2", "eth1"},
	},
	{
		name: "the fabric drops tunnels on the way back", back: true,
		fault: bridgeDrop("oifname tun-cmp1 udp dport { 4789, 8472 }"), mend: bridgeMend,
		after: place{"cmp2", "eth1"}, before: place{"cmp1", "eth1"},
	},
	{
		name: "the fabric drops what is large", size: 1200, says: ", all longer than 98 bytes",
		fault: bridgeDrop("ip saddr 10.99.0.11 ip length > 1000 udp dport { 4789, 8472 }"), mend: bridgeMend,
		after: place{"cmp1", "eth1"}, before: place{"cmp2", "eth1"},
	},
	{
		name: "the fabric drops every third", only: 3,
		fault: bridgeDrop("ip saddr 10.99.0.11 udp dport { 4789, 8472 } numgen inc mod 3 == 0"), mend: bridgeMend,
		after: place{"cmp1", "eth1"}, before: place{"cmp2", "eth1"},
	},
}

// tapEdge drops what leaves the far tap, where only last sees it.
func tapEdge(last string) []edge {
	return []edge{{
		name: "the far tap drops", host: "cmp2",
		fault: "nft add table netdev fault; nft add chain netdev fault f '{ type filter hook egress device TAP priority 0; }'; nft add rule netdev fault f ip protocol icmp drop",
		mend:  "nft delete table netdev fault",
		after: place{"cmp2", last}, before: place{"cmp2", "tap"},
	}}
}

// switchEdges are those of Open vSwitch, whose port on br-int is port; last is
// the last that sees what is sent to the far tap.
func switchEdges(port, last string) []edge {
	before, after := place{"cmp1", port}, place{"cmp2", port}
	return slices.Concat([]edge{
		{
			name: "br-int lacks a flow", host: "cmp1",
			fault: save("br-int", "table=25,in_port=NUMBER") + "; ovs-ofctl del-flows br-int 'table=25,in_port=NUMBER'", mend: restore("br-int"),
			after: before, before: place{"cmp1", "eth1"},
		},
		{
			name: "br-int lacks a flow for replies", host: "cmp2", back: true,
			fault: save("br-int", "table=25,in_port=NUMBER") + "; ovs-ofctl del-flows br-int 'table=25,in_port=NUMBER'", mend: restore("br-int"),
			after: after, before: place{"cmp2", "eth1"},
		},
		{
			name: "br-tun lacks the flow of the network", host: "cmp2",
			fault: save("br-tun", "table=4,tun_id=VNI") + "; ovs-ofctl del-flows br-tun 'table=4,tun_id=VNI'", mend: restore("br-tun"),
			after: place{"cmp2", "eth1"}, before: after,
		},
		{
			name: "a wrong tag", host: "cmp1",
			fault: retag("99"), mend: tagBack,
			says:  "; the VLAN tag of SWITCH in br-int is 99, Neutron's agent had given it ",
			after: before, before: place{"cmp1", "eth1"},
		},
		{
			name: "a wrong tag at the far end", host: "cmp2",
			fault: retag("99"), mend: tagBack,
			says:  "; the VLAN tag of SWITCH in br-int is 99, Neutron's agent had given it ",
			after: place{"cmp2", "eth1"}, before: after,
		},
		{
			name: "no tunnel port", host: "cmp1",
			fault: unplugTunnel, mend: plugTunnel,
			says:  "; in between br-tun of cmp1 has no vxlan port to 10.99.0.12",
			after: before, before: place{"cmp1", "eth1"},
		},
		{
			name: "no tunnel port at the far end", host: "cmp2",
			fault: unplugTunnel, mend: plugTunnel,
			says:  "; in between br-tun of cmp2 has no vxlan port to 10.99.0.11",
			after: place{"cmp2", "eth1"}, before: after,
		},
	}, fabricEdges, tapEdge(last))
}

// Scripts that break and mend.
const (
	bridgeMend   = "nft delete table bridge fault"
	tagBack      = "ovs-vsctl set Port SWITCH tag=$(cat /run/fault.tag)"
	unplugTunnel = "ovs-vsctl get Interface TUNNEL ofport > /run/fault.ofport; ovs-vsctl del-port br-tun TUNNEL"
	plugTunnel   = `ovs-vsctl add-port br-tun TUNNEL -- set Interface TUNNEL type=vxlan ofport_request=$(cat /run/fault.ofport) \
		options:remote_ip=UNDERLAY options:local_ip=LOCAL options:in_key=flow options:out_key=flow options:df_default=true`
)

func bridgeDrop(match string) string {
	return "nft add table bridge fault; nft add chain bridge fault f '{ type filter hook forward priority 0; }'; nft add rule bridge fault f '" + match + " drop'"
}

func retag(tag string) string {
	return "ovs-vsctl get Port SWITCH tag > /run/fault.tag; ovs-vsctl set Port SWITCH tag=" + tag
}

// save keeps flows of a bridge for restore.
func save(bridge, flows string) string {
	return "ovs-ofctl dump-flows --no-stats " + bridge + " '" + flows + "' | grep actions= > /run/fault.flows"
}

func restore(bridge string) string { return "ovs-ofctl add-flows " + bridge + " /run/fault.flows" }

// script fills a script in for one end of a path.
func (r *rig) script(t *testing.T, text, host string, servers [2]string) string {
	own, far := r.ports[servers[0]], r.ports[servers[1]]
	local, remote := "10.99.0.11", "10.99.0.12"
	tunnel := "vxlan-0a63000c"
	if host == "cmp2" {
		own, far, local, remote, tunnel = far, own, remote, local, "vxlan-0a63000b"
	}
	id := own["id"]
	device, vni := "tap"+id[:11], "0x66"
	if own["network"] == "front" {
		device, vni = "qvo"+id[:11], "0x65"
	}
	number := ""
	if strings.Contains(text, "NUMBER") {
		number = strings.TrimSpace(r.sh(t, host, "ovs-vsctl get Interface "+device+" ofport"))
	}
	return strings.NewReplacer(
		"NUMBER", number,
		"TAP", "tap"+id[:11], "SWITCH", device, "CHAIN", id[:10], "VNI", vni, "PEERMAC", far["mac"], "PEER", far["ip"],
		"UNDERLAY", remote, "LOCAL", local, "TUNNEL", tunnel,
	).Replace(text)
}

// TestEdges breaks one edge of a path at a time: what is said names it and no
// other, and counts what ping counts. Mended, all is well again.
func TestEdges(t *testing.T) {
	t.Parallel()
	var labs sync.WaitGroup
	for name, c := range edges {
		labs.Go(func() {
			t.Run(name, func(t *testing.T) { // not Parallel, which is of no use on one core: this waits
				r := newRig(t, c.flavour)
				r.acquaint(t, c.servers[0], c.servers[1])
				a, b := r.ports[c.servers[0]], r.ports[c.servers[1]]
				path := []string{"--port", a["id"], "--to", b["id"], "--follow", "icmp"}
				t.Run("healthy", func(t *testing.T) {
					file := filepath.Join(t.TempDir(), "path.pcapng")
					report, status := r.lossless(t, c.servers[0], b["ip"], 500, append(path, "-w", file)...)
					healthy(t, report, status, 500)
					watched := 0
					for _, h := range report.Hops {
						if h.Seen == "packets" {
							watched++
						}
					}
					if n := interfaces(t, file); n != watched {
						t.Errorf("the file has packets of %d interfaces, want %d", n, watched)
					}
				})
				for _, e := range c.broken {
					t.Run(e.name, func(t *testing.T) {
						e.says = r.script(t, e.says, e.host, c.servers)
						var problems []string
						for range 3 { // a busy machine loses packets elsewhere, too
							r.sh(t, e.host, r.script(t, e.fault, e.host, c.servers)) // before anybody looks
							var got echoes
							report, status := r.follow(t, func() {
								before := r.echoes(t, c.servers[0])
								if e.size > 0 {
									r.ping(t, c.servers[0], b["ip"], 5)
									r.answered(t, c.servers[0], before)
									before = r.echoes(t, c.servers[0])
								}
								r.ping(t, c.servers[0], b["ip"], 60, "-s", strconv.Itoa(cmp.Or(e.size, 56)))
								settle(t)
								got = r.echoes(t, c.servers[0]).since(before)
							}, path...)
							r.sh(t, e.host, r.script(t, e.mend, e.host, c.servers))
							if problems = e.check(t, report, status, got); len(problems) == 0 {
								break
							}
							t.Logf("once more, for: %s", strings.Join(problems, "; "))
						}
						for _, p := range problems {
							t.Error(p)
						}
						report, status := r.lossless(t, c.servers[0], b["ip"], 10, path...)
						healthy(t, report, status, 10)
					})
				}
			})
		})
	}
	labs.Wait()
}

// healthy holds a report of so many pings against a path without fault: each
// hop that can be captured saw each packet, and no delay falls on the way.
func healthy(t *testing.T, report pathReport, status, count int) {
	t.Helper()
	if f := report.Finding; status != 0 || f.Verdict != "ok" || f.Code != "delivered" {
		t.Errorf("exit status %d, %s %s", status, f.Verdict, f.Code)
	}
	watched := 0
	for _, h := range report.Hops {
		if h.Seen != "packets" {
			continue
		}
		watched++
		if h.State != "ended" || h.Out != uint64(count) || h.Back != uint64(count) || h.Dropped != 0 {
			t.Errorf("hop %d %s on %s: %s, %d out, %d back, %d dropped", h.Index, h.Device, h.Host, h.State, h.Out, h.Back, h.Dropped)
		}
	}
	if watched < 4 || len(report.Rows) != 2*count {
		t.Errorf("%d hops of %d are watched, %d rows", watched, len(report.Hops), len(report.Rows))
	}
	for _, r := range report.Rows {
		if r.Verdict != "delivered" {
			t.Errorf("%s is %s", r.Packet, r.Verdict)
		}
		if r.Direction == "back" {
			slices.Reverse(r.Marks)
		}
		last, first := time.Duration(0), 0
		for _, m := range r.Marks {
			switch {
			case m.Mark == "first":
				first++
			case m.Mark == "seen" && m.Delay < last:
				t.Errorf("%s: the delay falls at hop %d", r.Packet, m.Hop)
			case m.Mark != "seen" && m.Mark != "blind":
				t.Errorf("%s is %s at hop %d", r.Packet, m.Mark, m.Hop)
			}
			last = max(last, m.Delay)
		}
		if first != 1 {
			t.Errorf("%s: %d firsts", r.Packet, first)
		}
	}
}

// check holds a report against the edge that was broken and what the server
// counted, and returns what is not right.
func (e edge) check(t *testing.T, report pathReport, status int, got echoes) (wrong []string) {
	t.Helper()
	errorf := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	lost, direction := got.sent-got.received, "out"
	if e.back {
		direction = "back"
	}
	switch {
	case e.only == 0 && !e.some && got.received != 0,
		e.only > 0 && lost != (got.sent+e.only-1)/e.only && lost != got.sent/e.only,
		e.some && (lost == 0 || got.received == 0):
		errorf("the fault is not as planned: %+v", got)
	}
	if status != 1 || report.Finding.Verdict != "fail" || report.Finding.Code != "lost" {
		errorf("exit status %d, %s %s", status, report.Finding.Verdict, report.Finding.Code)
	}
	after, before := report.hop(t, e.after.host, e.after.device), report.hop(t, e.before.host, e.before.device)
	if e.back == (after < before) {
		t.Fatalf("hops %d and %d do not lie that way", after, before)
	}
	for _, r := range report.Rows {
		switch {
		case r.Verdict == "lost" && r.Direction == direction && r.LostAfter == after && r.LostBefore == before:
			lost--
		case r.Verdict != "delivered" && len(wrong) < 5:
			errorf("%s (%s) is %s between %d and %d, want %d and %d", r.Packet, r.Direction, r.Verdict, r.LostAfter, r.LostBefore, after, before)
		}
	}
	if lost != 0 {
		errorf("%d more were lost than the rows say: %+v", lost, got)
	}
	said := fmt.Sprintf("%d of ", got.sent-got.received)
	between := fmt.Sprintf("lost between %d %s and %d %s", after, deviceAt(report, after), before, deviceAt(report, before))
	if why := report.Finding.Reason; !strings.HasPrefix(why, said) || !strings.Contains(why, between) || !strings.Contains(why, e.says) || strings.Contains(why, "elsewhere") {
		errorf("the finding is %q, want %q ... %q%s and no other", why, said, between, e.says)
	}
	if len(wrong) > 0 {
		for _, h := range report.Hops {
			t.Logf("%2d %-5s %-16s %-8s %-8s out %d back %d", h.Index, h.Host, h.Device, h.Seen, h.State, h.Out, h.Back)
		}
	}
	return wrong
}
