package wires

import (
	"fmt"

	"github.com/vishvananda/netlink"

	"steth/lab/scenario"
)

// hybridName is the name of one of the devices of a hybrid plug: qbr, qvb or
// qvo and eleven characters of the port's id.
func hybridName(prefix string, p *scenario.Port) string { return prefix + p.ID[:11] }

// makeHybrid joins a tap with what will be a port of br-int by a bridge of its
// own, where iptables see the packets: tap - qbr - qvb - qvo
// (os-vif, vif_plug_ovs/ovs.py _plug_bridge).
func makeHybrid(h *netlink.Handle, p *scenario.Port) error {
	qbr, qvb, qvo := hybridName("qbr", p), hybridName("qvb", p), hybridName("qvo", p)
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = qbr, p.Network.MTU
	noAgeing := uint32(0) // a bridge of two ports has nothing to learn
	if err := h.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, AgeingTime: &noAgeing}); err != nil {
		return fmt.Errorf("make bridge %s: %w", qbr, err)
	}
	attrs.Name = qvb
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerMTU = qvo, uint32(p.Network.MTU)
	if err := h.LinkAdd(veth); err != nil {
		return fmt.Errorf("make %s: %w", qvb, err)
	}
	for _, name := range []string{qvb, qvo} {
		link, err := h.LinkByName(name)
		if err == nil {
			err = h.SetPromiscOn(link)
		}
		if err != nil {
			return fmt.Errorf("set %s promiscuous: %w", name, err)
		}
		if err := ChecksumsInSoftware(name); err != nil {
			return err
		}
		if err := up(h, name); err != nil {
			return err
		}
	}
	for _, name := range []string{qvb, p.Tap()} {
		if err := enslave(h, name, qbr); err != nil {
			return err
		}
	}
	return up(h, qbr)
}
