package wires

import (
	"crypto/sha1" //nolint:gosec // a spread, not a secret
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"net"
	"slices"
	"strings"

	"steth/lab/scenario"
)

// Tables of the bridges (neutron_lib/plugins/ml2/ovs_constants.py).
const (
	localSwitching = 0

	canary        = 23
	arpSpoof      = 24
	macSpoof      = 25
	localEgress   = 30
	localIP       = 31
	packetRate    = 59
	transient     = 60
	transientExit = 62

	patchIn      = 2 // PATCH_LV_TO_TUN
	greIn        = 3
	vxlanIn      = 4
	geneveIn     = 6
	learn        = 10
	unicast      = 20
	arpResponder = 21
	flooding     = 22
)

// deadVLAN is the tag of ports that Neutron doesn't know (DEAD_VLAN_TAG).
const deadVLAN = 4095

// flows are what Neutron's agent puts on each of the host's bridges but br-phy,
// which switches by itself: text for ovs-ofctl add-flows.
func (o openVSwitch) flows() map[string]string {
	out := map[string]string{
		integrationBridge: o.integrationFlows(),
		tunnelBridge:      o.tunnelFlows(),
	}
	if len(o.cloud.BridgeMappings(o.host)) > 0 {
		out[externalBridge] = o.externalFlows()
	}
	return out
}

// table is a list of flows that carry one cookie: Neutron's agent draws one for
// each bridge at start and takes flows with another for stale.
type table struct {
	text   strings.Builder
	cookie uint64
}

func newTable(host *scenario.Host, bridge string) *table {
	sum := sha1.Sum([]byte("cookie/" + host.Name + "/" + bridge)) //nolint:gosec // as above
	return &table{cookie: binary.BigEndian.Uint64(sum[:])}
}

func (t *table) add(number, priority int, match, actions string, args ...any) {
	if match != "" {
		match += ","
	}
	fmt.Fprintf(&t.text, "cookie=0x%x,table=%d,priority=%d,%sactions=%s\n", t.cookie, number, priority, match, fmt.Sprintf(actions, args...))
}

// integrationFlows are those of br-int: OVSIntegrationBridge.setup_default_table,
// and for each server's port the guards of setup_arp_spoofing_protection, which
// let it send only from its own addresses.
func (o openVSwitch) integrationFlows() string {
	t := newTable(o.host, integrationBridge)
	t.add(localSwitching, 0, "", "goto_table:%d", packetRate)
	t.add(localSwitching, 65535, fmt.Sprintf("dl_vlan=%d", deadVLAN), "drop")
	t.add(canary, 0, "", "drop")
	t.add(arpSpoof, 0, "", "drop")
	t.add(localEgress, 0, "", "goto_table:%d", packetRate)
	t.add(localIP, 0, "", "goto_table:%d", packetRate)
	t.add(packetRate, 0, "", "goto_table:%d", transient)
	t.add(transient, 3, "", "NORMAL")
	t.add(transientExit, 3, "", "NORMAL")
	for n, tag := range o.sortedVLANs() {
		if n.External {
			t.add(localSwitching, 2, "in_port="+patchToExternal, "drop")
			t.add(localSwitching, 3, "in_port="+patchToExternal+",vlan_tci=0x0000/0x1fff", "push_vlan:0x8100,set_field:%d->vlan_vid,goto_table:%d", tag|vlanPresent, packetRate)
		}
	}
	for _, p := range o.servers() {
		in := "in_port=" + switchPort(p)
		t.add(macSpoof, 2, in+",dl_src="+p.MAC, "goto_table:%d", localEgress)
		t.add(localSwitching, 9, in, "goto_table:%d", macSpoof)
		t.add(arpSpoof, 2, "icmp6,"+in+",icmp_type=136,nd_target="+linkLocal(p.MAC), "goto_table:%d", packetRate)
		t.add(localSwitching, 10, "icmp6,"+in+",icmp_type=136", "goto_table:%d", arpSpoof)
		t.add(arpSpoof, 2, "arp,"+in+",arp_spa="+p.Address.String(), "goto_table:%d", macSpoof)
		t.add(localSwitching, 10, "arp,"+in, "goto_table:%d", arpSpoof)
	}
	return t.text.String()
}

// tunnelFlows are those of br-tun: OVSTunnelBridge.setup_default_table, a way in
// for each network and what l2population tells of each port elsewhere.
func (o openVSwitch) tunnelFlows() string {
	t := newTable(o.host, tunnelBridge)
	t.add(localSwitching, 1, "in_port="+patchToIntegration, "goto_table:%d", patchIn)
	t.add(localSwitching, 0, "", "drop")
	t.add(patchIn, 1, "arp,dl_dst=ff:ff:ff:ff:ff:ff", "goto_table:%d", arpResponder)
	t.add(patchIn, 0, "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00", "goto_table:%d", unicast)
	t.add(patchIn, 0, "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "goto_table:%d", flooding)
	for _, number := range []int{greIn, vxlanIn, geneveIn} {
		t.add(number, 0, "", "drop")
	}
	t.add(learn, 1, "", "learn(table=%d,hard_timeout=300,priority=1,cookie=0x%x,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"+
		"load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],output:OXM_OF_IN_PORT[]),output:%s", unicast, t.cookie, patchToIntegration)
	t.add(unicast, 0, "", "goto_table:%d", flooding)
	t.add(arpResponder, 0, "", "goto_table:%d", flooding)
	t.add(flooding, 0, "", "drop")
	for _, remote := range o.tunnels() {
		t.add(localSwitching, 1, "in_port="+tunnelPort(remote), "goto_table:%d", vxlanIn)
	}
	for n, tag := range o.sortedVLANs() {
		if n.External {
			continue
		}
		t.add(vxlanIn, 1, fmt.Sprintf("tun_id=0x%x", n.VNI), "push_vlan:0x8100,set_field:%d->vlan_vid,goto_table:%d", tag|vlanPresent, learn)
		outputs := ""
		for _, e := range entries(o.cloud, o.host, n) {
			if e.mac == flood {
				outputs += ",output:" + tunnelPort(e.remote)
				continue
			}
			t.add(arpResponder, 1, fmt.Sprintf("arp,dl_vlan=%d,arp_tpa=%v", tag, e.ip), "set_field:2->arp_op,"+
				"move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:%s->arp_sha,set_field:%v->arp_spa,"+
				"move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:%s->eth_src,IN_PORT", e.mac, e.ip, e.mac)
			t.add(unicast, 2, fmt.Sprintf("dl_vlan=%d,dl_dst=%s", tag, e.mac), "strip_vlan,set_field:0x%x->tun_id,output:%s", n.VNI, tunnelPort(e.remote))
		}
		if outputs != "" {
			t.add(flooding, 1, fmt.Sprintf("dl_vlan=%d", tag), "strip_vlan,set_field:0x%x->tun_id%s", n.VNI, outputs)
		}
	}
	return t.text.String()
}

// externalFlows are those of br-ex: OVSPhysicalBridge, for a flat network.
func (o openVSwitch) externalFlows() string {
	t := newTable(o.host, externalBridge)
	t.add(localSwitching, 0, "", "NORMAL")
	t.add(localSwitching, 2, "in_port="+patchFromExternal, "drop")
	for n, tag := range o.sortedVLANs() {
		if n.External {
			t.add(localSwitching, 4, fmt.Sprintf("in_port=%s,dl_vlan=%d", patchFromExternal, tag), "strip_vlan,NORMAL")
		}
	}
	return t.text.String()
}

// vlanPresent is the bit of vlan_vid that says that there is a tag
// (OFPVID_PRESENT).
const vlanPresent = 0x1000

// sortedVLANs are the [openVSwitch.localVLANs] in the order of their tags.
func (o openVSwitch) sortedVLANs() iter.Seq2[*scenario.Network, int] {
	tags := o.localVLANs()
	networks := slices.SortedFunc(maps.Keys(tags), func(a, b *scenario.Network) int { return tags[a] - tags[b] })
	return func(yield func(*scenario.Network, int) bool) {
		for _, n := range networks {
			if !yield(n, tags[n]) {
				return
			}
		}
	}
}

// linkLocal is the address that IPv6 makes of a MAC address (RFC 4291,
// appendix A).
func linkLocal(mac string) string {
	m, err := net.ParseMAC(mac)
	if err != nil || len(m) != 6 {
		return "::"
	}
	return net.IP{0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}.String()
}
