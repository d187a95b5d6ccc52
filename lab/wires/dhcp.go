package wires

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"steth/lab/scenario"
)

// DHCPDir is where Neutron's DHCP agent keeps a directory of files for each
// network (state_path, dhcp_confs).
const DHCPDir = "/var/lib/neutron/dhcp"

// Domain is Neutron's default dns_domain.
const Domain = "openstacklocal"

// leaseSeconds is Neutron's default dhcp_lease_duration.
const leaseSeconds = 86400

// HostName is the name that dnsmasq gives an address: host- and the address
// with dashes (neutron/agent/linux/dhcp.py, _iter_hosts).
func HostName(p *scenario.Port) string {
	return "host-" + strings.ReplaceAll(p.Address.String(), ".", "-")
}

// serveDHCP makes the network's qdhcp- namespace and starts its dnsmasq.
func (s site) serveDHCP(ctx context.Context, n *scenario.Network) error {
	var port *scenario.Port
	ports := s.cloud.NetworkPorts(n)
	for _, p := range ports {
		if p.Owner == scenario.OwnerDHCP {
			port = p
		}
	}
	if port == nil {
		return fmt.Errorf("network %s has no DHCP port", n.Name)
	}
	h, err := makeNamespace(n.DHCPNamespace())
	if err != nil {
		return err
	}
	defer h.Close()
	if err := s.join(port, n.DHCPNamespace(), h); err != nil {
		return err
	}
	if err := defaultRoute(h, n.Subnet.Gateway); err != nil {
		return err
	}
	dir := filepath.Join(s.opt.DHCPDir, n.ID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make dnsmasq's directory: %w", err)
	}
	for name, text := range dhcpFiles(n, port, ports) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write dnsmasq's files: %w", err)
		}
	}
	return s.opt.Run(ctx, n.DHCPNamespace(), nil, dnsmasq(n, dir, s.opt.Rootless)...)
}

// dhcpFiles are the files of a network, by name, as the agent's
// _output_hosts_file, _output_addn_hosts_file, _generate_opts_per_subnet and
// _output_init_lease_file write them.
func dhcpFiles(n *scenario.Network, server *scenario.Port, ports []*scenario.Port) map[string]string {
	var hosts, addn, leases strings.Builder
	for _, p := range ports {
		fmt.Fprintf(&hosts, "%s,%s.%s,%s\n", p.MAC, HostName(p), Domain, p.Address)
		fmt.Fprintf(&addn, "%s\t%s.%s %s\n", p.Address, HostName(p), Domain, HostName(p))
		fmt.Fprintf(&leases, "0 %s %s * *\n", p.MAC, p.Address)
	}
	tag := "tag:subnet-" + n.Subnet.ID
	routes := fmt.Sprintf("169.254.169.254/32,%v,0.0.0.0/0,%v", n.Subnet.Gateway, n.Subnet.Gateway)
	opts := []string{
		tag + ",option:dns-server," + server.Address.String(),
		tag + ",option:classless-static-route," + routes,
		tag + ",249," + routes,
		tag + ",option:router," + n.Subnet.Gateway.String(),
	}
	return map[string]string{
		"host":       hosts.String(),
		"addn_hosts": addn.String(),
		"opts":       strings.Join(opts, "\n"),
		"leases":     leases.String(),
		"interface":  server.Device(),
	}
}

// dnsmasq is the agent's command line (_build_cmdline_callback). Where there is
// only one user id, dnsmasq can't become another and is told to stay root.
func dnsmasq(n *scenario.Network, dir string, rootless bool) []string {
	file := func(name string) string { return filepath.Join(dir, name) }
	cidr := ipNet(n.Subnet.CIDR)
	argv := []string{
		"dnsmasq", "--no-hosts", "--no-resolv",
		"--pid-file=" + file("pid"),
		"--dhcp-hostsfile=" + file("host"),
		"--addn-hosts=" + file("addn_hosts"),
		"--dhcp-optsfile=" + file("opts"),
		"--dhcp-leasefile=" + file("leases"),
		"--dhcp-match=set:ipxe,175",
		"--dhcp-userclass=set:ipxe6,iPXE",
		"--local-service",
		"--bind-dynamic",
		fmt.Sprintf("--dhcp-range=set:subnet-%s,%v,static,%s,%ds", n.Subnet.ID, n.Subnet.CIDR.Addr(), net.IP(cidr.Mask), leaseSeconds),
		fmt.Sprintf("--dhcp-option-force=option:mtu,%d", n.MTU),
		fmt.Sprintf("--dhcp-lease-max=%d", 1<<(32-n.Subnet.CIDR.Bits())),
		"--conf-file=/dev/null",
		"--domain=" + Domain,
	}
	if rootless {
		argv = append(argv, "--user=root", "--group=")
	}
	return argv
}
