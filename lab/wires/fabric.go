package wires

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"steth/lab/scenario"
)

// The bridges that play the site's switches. Hosts don't see them.
const (
	fabricManagement = "fab-mgmt"
	fabricUnderlay   = "fab-tun"
	fabricExternal   = "fab-ext"
)

// Fabric makes the switches between the hosts, in the outer namespace. The
// API's address stands on the management switch; the external network's gateway
// on the external one.
func Fabric(c *scenario.Cloud) error {
	external := c.External()
	return within(func(h *netlink.Handle) error {
		for _, f := range []struct {
			bridge  string
			address netip.Prefix
		}{
			{bridge: fabricManagement, address: c.API},
			{bridge: fabricUnderlay},
			{bridge: fabricExternal, address: netip.PrefixFrom(external.Subnet.Gateway, external.Subnet.CIDR.Bits())},
		} {
			if err := addBridge(h, f.bridge, scenario.UnderlayMTU); err != nil {
				return err
			}
			if f.address.IsValid() {
				if err := address(h, f.bridge, f.address); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// PlugHost gives the host whose first process is pid its NICs: management,
// underlay and, on a network host, external. The caller is in the outer
// namespace.
func PlugHost(c *scenario.Cloud, host *scenario.Host, pid int) error {
	nics := []struct{ device, fabric, prefix string }{
		{ManagementDevice, fabricManagement, "mgmt-"},
		{UnderlayDevice, fabricUnderlay, "tun-"},
	}
	if host.Role == scenario.RoleNetwork {
		nics = append(nics, struct{ device, fabric, prefix string }{ExternalDevice, fabricExternal, "ext-"})
	}
	return within(func(h *netlink.Handle) error {
		for _, nic := range nics {
			fabric, err := h.LinkByName(nic.fabric)
			if err != nil {
				return fmt.Errorf("find %s: %w", nic.fabric, err)
			}
			attrs := netlink.NewLinkAttrs()
			attrs.Name, attrs.MTU, attrs.MasterIndex = nic.prefix+host.Name, scenario.UnderlayMTU, fabric.Attrs().Index
			veth := netlink.NewVeth(attrs)
			veth.PeerName, veth.PeerNamespace = nic.device, netlink.NsPid(pid)
			if err := h.LinkAdd(veth); err != nil {
				return fmt.Errorf("plug %s of %s: %w", nic.device, host.Name, err)
			}
			if nic.device == ExternalDevice && c.Flavour == scenario.OpenVSwitch { // the outer namespace sends there
				if err := ChecksumsInSoftware(attrs.Name); err != nil {
					return err
				}
			}
			if err := up(h, attrs.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// PlugServer joins a server with its host: the tap in the host's namespace,
// eth0 with the port's MAC address in the server's. The caller is in the outer
// namespace, where neither is left.
func PlugServer(p *scenario.Port, hostPID, serverPID int) error {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return fmt.Errorf("plug port %s: %w", p.ID, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Namespace = p.Tap(), p.Network.MTU, netlink.NsPid(hostPID)
	attrs.HardwareAddr = tapMAC(mac)
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerNamespace, veth.PeerHardwareAddr = p.Device(), netlink.NsPid(serverPID), mac
	return within(func(h *netlink.Handle) error {
		if err := h.LinkAdd(veth); err != nil {
			return fmt.Errorf("plug port %s: %w", p.ID, err)
		}
		return nil
	})
}

// tapMAC is the host side's address: libvirt puts fe in the first byte, so that
// a bridge never takes it for its own.
func tapMAC(mac net.HardwareAddr) net.HardwareAddr {
	out := append(net.HardwareAddr(nil), mac...)
	out[0] = 0xfe
	return out
}

// addBridge makes a bridge that is up. Spanning tree is off and the forward
// delay 0, as the Linux bridge agent sets them (the kernel's own default for
// the first, and of no effect without it for the second).
func addBridge(h *netlink.Handle, name string, mtu int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = name, mtu
	if err := h.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		return fmt.Errorf("make bridge %s: %w", name, err)
	}
	return up(h, name)
}
