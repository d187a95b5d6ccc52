package wires

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"

	"steth/lab/scenario"
)

// Options are what differs between machines.
type Options struct {
	Run Run
	// Rootless says that there is only one user id: dnsmasq then stays root.
	Rootless bool
	// DHCPDir is where Neutron keeps dnsmasq's files, [DHCPDir] when empty.
	DHCPDir string
	// LogDir is where Open vSwitch writes, an absolute path.
	LogDir string
}

// driver wires a host as one of Neutron's layer 2 agents does.
type driver interface {
	// connect joins the host's underlay and external NICs, its networks and the
	// taps of its servers. The NICs and the taps are there.
	connect(ctx context.Context) error
	// plug makes the device of a port of DHCP or a router, with the port's MAC
	// address and MTU, in a namespace. It comes after connect.
	plug(p *scenario.Port, namespace string) error
}

// node is a host that is being wired.
type node struct {
	cloud *scenario.Cloud
	host  *scenario.Host
	opt   Options
}

// driver is that of the cloud's flavour.
func (n node) driver() (driver, error) {
	switch n.cloud.Flavour {
	case scenario.OpenVSwitch:
		return openVSwitch{n}, nil
	case scenario.LinuxBridge:
		return linuxBridge{n}, nil
	}
	return nil, fmt.Errorf("nothing wires the flavour %q", n.cloud.Flavour)
}

// servers are the ports of the host's servers.
func (n node) servers() []*scenario.Port {
	var out []*scenario.Port
	for _, p := range n.cloud.HostPorts(n.host) {
		if p.Owner == scenario.OwnerServer {
			out = append(out, p)
		}
	}
	return out
}

// site is a node with its layer 2, on which services are built.
type site struct {
	node
	layer2 driver
}

// Host builds everything of a host, in its own namespace. Its NICs and the taps
// of its servers must be there.
func Host(ctx context.Context, c *scenario.Cloud, host *scenario.Host, opt Options) error {
	if opt.DHCPDir == "" {
		opt.DHCPDir = DHCPDir
	}
	n := node{cloud: c, host: host, opt: opt}
	layer2, err := n.driver()
	if err != nil {
		return err
	}
	s := site{n, layer2}
	err = within(func(h *netlink.Handle) error {
		return address(h, ManagementDevice, netip.PrefixFrom(host.Management, c.API.Bits()))
	})
	if err != nil {
		return err
	}
	if err := s.layer2.connect(ctx); err != nil {
		return err
	}
	if host.Role != scenario.RoleNetwork {
		return nil
	}
	for _, n := range c.Networks {
		if n.Subnet.DHCP.IsValid() {
			if err := s.serveDHCP(ctx, n); err != nil {
				return fmt.Errorf("DHCP of network %s: %w", n.Name, err)
			}
		}
	}
	for _, r := range c.Routers {
		if r.Host == host {
			if err := s.route(ctx, r); err != nil {
				return fmt.Errorf("router %s: %w", r.Name, err)
			}
		}
	}
	return nil
}

// join gives the device of a service's port, which its driver has made, its
// address. inner is the namespace's netlink handle.
func (s site) join(p *scenario.Port, namespace string, inner *netlink.Handle) error {
	if err := s.layer2.plug(p, namespace); err != nil {
		return fmt.Errorf("plug port %s: %w", p.ID, err)
	}
	return address(inner, p.Device(), p.Prefix())
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
