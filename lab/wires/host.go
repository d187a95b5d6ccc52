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

// Options are what differs between machines.
type Options struct {
	Run Run
	// Rootless says that there is only one user id: dnsmasq then stays root.
	Rootless bool
	// DHCPDir is where Neutron keeps dnsmasq's files, [DHCPDir] when empty.
	DHCPDir string
}

// Host builds everything of a host, in its own namespace. Its NICs and the taps
// of its servers must be there.
func Host(ctx context.Context, c *scenario.Cloud, host *scenario.Host, opt Options) error {
	if opt.DHCPDir == "" {
		opt.DHCPDir = DHCPDir
	}
	err := within(func(h *netlink.Handle) error {
		if err := nics(h, c, host); err != nil {
			return err
		}
		for _, n := range c.HostNetworks(host) {
			if err := network(h, c, host, n); err != nil {
				return fmt.Errorf("network %s on %s: %w", n.Name, host.Name, err)
			}
		}
		for _, p := range c.HostPorts(host) {
			if p.Owner != scenario.OwnerServer {
				continue
			}
			if err := plugTap(h, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || host.Role != scenario.RoleNetwork {
		return err
	}
	for _, n := range c.Networks {
		if n.Subnet.DHCP.IsValid() {
			if err := serveDHCP(ctx, c, n, opt); err != nil {
				return fmt.Errorf("DHCP of network %s: %w", n.Name, err)
			}
		}
	}
	for _, r := range c.Routers {
		if r.Host == host {
			if err := route(ctx, c, r, opt); err != nil {
				return fmt.Errorf("router %s: %w", r.Name, err)
			}
		}
	}
	return nil
}

func nics(h *netlink.Handle, c *scenario.Cloud, host *scenario.Host) error {
	if err := address(h, ManagementDevice, netip.PrefixFrom(host.Management, c.API.Bits())); err != nil {
		return err
	}
	if err := address(h, UnderlayDevice, netip.PrefixFrom(host.Underlay, c.Underlay.Bits())); err != nil {
		return err
	}
	if host.Role == scenario.RoleNetwork {
		return up(h, ExternalDevice)
	}
	return nil
}

// network makes a network's bridge with its way to other hosts: a VXLAN device,
// or the NIC itself for a flat network.
func network(h *netlink.Handle, c *scenario.Cloud, host *scenario.Host, n *scenario.Network) error {
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
		SrcAddr: host.Underlay.AsSlice(), Port: vxlanPort, Learning: true, UDPCSum: true,
	}
	if err := h.LinkAdd(vxlan); err != nil {
		return fmt.Errorf("make %s: %w", attrs.Name, err)
	}
	if err := forward(h, attrs.Name, entries(c, host, n)); err != nil {
		return err
	}
	if err := enslave(h, attrs.Name, n.Bridge()); err != nil {
		return err
	}
	return up(h, attrs.Name)
}

// VXLANDevice is the name of a network's VXLAN device on every host.
func VXLANDevice(n *scenario.Network) string { return fmt.Sprintf("vxlan-%d", n.VNI) }

// entry sends frames to a MAC address through the tunnel to a host.
type entry struct {
	mac    string
	remote netip.Addr
}

// flood is the entry for frames to unknown and group addresses
// (neutron_lib/constants.py FLOODING_ENTRY).
const flood = "00:00:00:00:00:00"

// entries is what l2population tells a host about a network: one flooding entry
// for each other host with a port in it, and one for each port there.
func entries(c *scenario.Cloud, host *scenario.Host, n *scenario.Network) []entry {
	var out []entry
	seen := map[*scenario.Host]bool{host: true, nil: true}
	for _, p := range c.NetworkPorts(n) {
		if !seen[p.Host] {
			seen[p.Host] = true
			out = append(out, entry{flood, p.Host.Underlay})
		}
		if p.Host != nil && p.Host != host {
			out = append(out, entry{p.MAC, p.Host.Underlay})
		}
	}
	return out
}

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
func plugTap(h *netlink.Handle, p *scenario.Port) error {
	if err := enslave(h, p.Tap(), p.Network.Bridge()); err != nil {
		return err
	}
	return up(h, p.Tap())
}

func enslave(h *netlink.Handle, device, bridge string) error {
	link, err := h.LinkByName(device)
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", device, bridge, err)
	}
	master, err := h.LinkByName(bridge)
	if err == nil {
		err = h.LinkSetMasterByIndex(link, master.Attrs().Index)
	}
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", device, bridge, err)
	}
	return nil
}

// plugInner makes the port of a service: the tap in the host's bridge and the
// other end, with the port's MAC address and addresses, in a namespace.
func plugInner(p *scenario.Port, namespace string, inner *netlink.Handle) error {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return fmt.Errorf("plug port %s: %w", p.ID, err)
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
	err = within(func(h *netlink.Handle) error {
		if err := h.LinkAdd(veth); err != nil {
			return fmt.Errorf("plug port %s: %w", p.ID, err)
		}
		return plugTap(h, p)
	})
	if err != nil {
		return err
	}
	return address(inner, p.Device(), p.Prefix())
}
