package wires

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"steth/lab/scenario"
)

// linuxBridge wires as neutron-linuxbridge-agent with l2population: a bridge
// and a VXLAN device for each network, with its forwarding entries.
type linuxBridge struct{ node }

func (b linuxBridge) connect(context.Context) error {
	return within(func(h *netlink.Handle) error {
		if err := address(h, UnderlayDevice, netip.PrefixFrom(b.host.Underlay, b.cloud.Underlay.Bits())); err != nil {
			return err
		}
		if b.host.Role == scenario.RoleNetwork {
			if err := up(h, ExternalDevice); err != nil {
				return err
			}
		}
		for _, n := range b.cloud.HostNetworks(b.host) {
			if err := b.network(h, n); err != nil {
				return fmt.Errorf("network %s on %s: %w", n.Name, b.host.Name, err)
			}
		}
		for _, p := range b.servers() {
			if err := b.plugTap(h, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// network makes a network's bridge with its way to other hosts: a VXLAN device,
// or the NIC itself for a flat network.
func (b linuxBridge) network(h *netlink.Handle, n *scenario.Network) error {
	if err := addBridge(h, n.Bridge(), n.MTU); err != nil {
		return err
	}
	if n.External {
		return enslave(h, ExternalDevice, n.Bridge())
	}
	underlay, err := h.LinkByName(UnderlayDevice)
	if err != nil {
		return fmt.Errorf("find %s: %w", UnderlayDevice, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = VXLANDevice(n), n.MTU
	vxlan := &netlink.Vxlan{
		LinkAttrs: attrs, VxlanId: n.VNI, VtepDevIndex: underlay.Attrs().Index,
		SrcAddr: b.host.Underlay.AsSlice(), Port: vxlanPort, Learning: true, UDPCSum: true,
	}
	if err := h.LinkAdd(vxlan); err != nil {
		return fmt.Errorf("make %s: %w", attrs.Name, err)
	}
	if err := forward(h, attrs.Name, entries(b.cloud, b.host, n)); err != nil {
		return err
	}
	if err := enslave(h, attrs.Name, n.Bridge()); err != nil {
		return err
	}
	return up(h, attrs.Name)
}

// VXLANDevice is the name of a network's VXLAN device on every host.
func VXLANDevice(n *scenario.Network) string { return fmt.Sprintf("vxlan-%d", n.VNI) }

func forward(h *netlink.Handle, device string, list []entry) error {
	link, err := h.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s: %w", device, err)
	}
	for _, e := range list {
		mac, err := net.ParseMAC(e.mac)
		if err != nil {
			return fmt.Errorf("forward %s through %s: %w", e.mac, device, err)
		}
		err = h.NeighAppend(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, Family: unix.AF_BRIDGE,
			State: netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF,
			HardwareAddr: mac, IP: e.remote.AsSlice(),
		})
		if err != nil {
			return fmt.Errorf("forward %s through %s to %v: %w", e.mac, device, e.remote, err)
		}
	}
	return nil
}

// plugTap puts a port's tap into its network's bridge.
func (linuxBridge) plugTap(h *netlink.Handle, p *scenario.Port) error {
	if err := enslave(h, p.Tap(), p.Network.Bridge()); err != nil {
		return err
	}
	return up(h, p.Tap())
}

// plug makes a veth pair: the tap in the host's bridge and the port's device in
// the namespace.
func (b linuxBridge) plug(p *scenario.Port, namespace string) error {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return err
	}
	ns, err := openNamespace(namespace)
	if err != nil {
		return err
	}
	defer ns.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = p.Tap(), p.Network.MTU, tapMAC(mac)
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerHardwareAddr, veth.PeerNamespace = p.Device(), mac, netlink.NsFd(int(ns))
	veth.PeerMTU = uint32(p.Network.MTU)
	return within(func(h *netlink.Handle) error {
		if err := h.LinkAdd(veth); err != nil {
			return fmt.Errorf("make %s: %w", p.Tap(), err)
		}
		return b.plugTap(h, p)
	})
}
