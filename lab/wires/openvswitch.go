package wires

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"

	"steth/lab/scenario"
)

// The bridges of a host with Open vSwitch and the patch ports between them
// (neutron/conf/plugins/ml2/drivers/ovs_conf.py).
const (
	integrationBridge = "br-int"
	tunnelBridge      = "br-tun"
	externalBridge    = scenario.ExternalBridge
	// underlayBridge holds the underlay's NIC and address: the userspace
	// datapath can send tunnels only out of its own bridges.
	underlayBridge = "br-phy"

	patchToTunnel      = "patch-tun"
	patchToIntegration = "patch-int"
	patchToExternal    = "int-" + externalBridge
	patchFromExternal  = "phy-" + externalBridge
)

// runDir is where Open vSwitch's programs look for each other. /run is the
// host's own, so their default paths work there.
const runDir = "/run/openvswitch"

// openVSwitch wires as neutron-openvswitch-agent with l2population and its ARP
// responder, on an Open vSwitch of the host's own with the userspace datapath.
type openVSwitch struct{ node }

func (o openVSwitch) connect(ctx context.Context) error {
	if err := within(o.prepareLinks); err != nil {
		return err
	}
	if err := o.startSwitch(ctx); err != nil {
		return err
	}
	err := within(func(h *netlink.Handle) error {
		// With the userspace datapath the kernel hears what the NIC receives as
		// well. It must not answer ARP for the bridge's address with the NIC's
		// MAC (ip-sysctl.rst, arp_ignore): tunnels would end in the kernel.
		if err := sysctl("net/ipv4/conf/"+UnderlayDevice+"/arp_ignore", "8"); err != nil {
			return err
		}
		return address(h, underlayBridge, netip.PrefixFrom(o.host.Underlay, o.cloud.Underlay.Bits()))
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for bridge, list := range o.flows() {
		group.Go(func() error {
			return o.opt.Run(ctx, "", []byte(list), "ovs-ofctl", "--protocols=OpenFlow13", "add-flows", bridge, "-")
		})
	}
	group.Go(func() error { return o.guard(ctx) })
	return group.Wait()
}

// prepareLinks brings up what is no port of Open vSwitch's own making.
func (o openVSwitch) prepareLinks(h *netlink.Handle) error {
	nics := []string{UnderlayDevice}
	if o.host.Role == scenario.RoleNetwork {
		nics = append(nics, ExternalDevice)
	}
	for _, nic := range nics {
		if err := up(h, nic); err != nil {
			return err
		}
	}
	for _, p := range o.servers() {
		if p.Plug() == scenario.PlugHybrid {
			if err := makeHybrid(h, p); err != nil {
				return fmt.Errorf("plug port %s: %w", p.ID, err)
			}
		}
		if err := up(h, p.Tap()); err != nil {
			return err
		}
	}
	return nil
}

// startSwitch starts Open vSwitch on a database that says all there is to do,
// and returns when that is done.
func (o openVSwitch) startSwitch(ctx context.Context) error {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return fmt.Errorf("make Open vSwitch's directory: %w", err)
	}
	database := filepath.Join(runDir, "conf.db")
	log := func(program string) string {
		return "--log-file=" + filepath.Join(o.opt.LogDir, program+"-"+o.host.Name+".log")
	}
	for _, argv := range [][]string{
		{"ovsdb-tool", "create", database},
		{
			"ovsdb-server", database, "--remote=punix:" + filepath.Join(runDir, "db.sock"),
			"--remote=db:Open_vSwitch,Open_vSwitch,manager_options", "--pidfile", "--detach", "--no-chdir", log("ovsdb-server"),
		},
		o.configuration(),
		{"ovs-vswitchd", "--pidfile", "--detach", "--no-chdir", log("ovs-vswitchd")},
	} {
		if err := o.opt.Run(ctx, "", nil, argv...); err != nil {
			return fmt.Errorf("start Open vSwitch, which --flavour linuxbridge does without: %w", err)
		}
	}
	return nil
}

// plug takes the internal port, which is there since connect, into the
// namespace, as OVSInterfaceDriver.plug_new does.
func (o openVSwitch) plug(p *scenario.Port, namespace string) error {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return err
	}
	ns, err := openNamespace(namespace)
	if err != nil {
		return err
	}
	defer ns.Close()
	return within(func(h *netlink.Handle) error {
		link, err := h.LinkByName(p.Device())
		if err != nil {
			return fmt.Errorf("find %s: %w", p.Device(), err)
		}
		if err := h.LinkSetHardwareAddr(link, mac); err != nil {
			return fmt.Errorf("set the MAC address of %s: %w", p.Device(), err)
		}
		if err := h.LinkSetMTU(link, p.Network.MTU); err != nil {
			return fmt.Errorf("set the MTU of %s: %w", p.Device(), err)
		}
		if err := h.LinkSetNsFd(link, int(ns)); err != nil {
			return fmt.Errorf("take %s into %s: %w", p.Device(), namespace, err)
		}
		return nil
	})
}

// localVLANs are the tags that stand for networks inside of the host's br-int,
// given in the order in which the networks' first ports are bound. They mean
// nothing to another host.
func (o openVSwitch) localVLANs() map[*scenario.Network]int {
	tags := map[*scenario.Network]int{}
	for _, p := range o.cloud.HostPorts(o.host) {
		if _, ok := tags[p.Network]; !ok {
			tags[p.Network] = len(tags) + 1
		}
	}
	return tags
}

// tunnels are the hosts to which l2population lets this one have a tunnel:
// those with a port in one of its networks.
func (o openVSwitch) tunnels() []netip.Addr {
	var out []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, n := range o.cloud.HostNetworks(o.host) {
		if n.External {
			continue
		}
		for _, e := range entries(o.cloud, o.host, n) {
			if !seen[e.remote] {
				seen[e.remote] = true
				out = append(out, e.remote)
			}
		}
	}
	return out
}

// tunnelPort is the name of the tunnel to a host: vxlan- and the address in
// hexadecimal (OVSNeutronAgent.get_tunnel_name).
func tunnelPort(remote netip.Addr) string { return fmt.Sprintf("vxlan-%x", remote.As4()) }

// switchPort is the port of br-int that a Neutron port is plugged with.
func switchPort(p *scenario.Port) string {
	if p.Plug() == scenario.PlugHybrid {
		return hybridName("qvo", p)
	}
	if p.Owner == scenario.OwnerServer {
		return p.Tap()
	}
	return p.Device()
}
