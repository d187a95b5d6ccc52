package wires

import (
	"fmt"
	"strconv"

	"steth/lab/scenario"
)

// managerAddress is where Neutron's agents reach the database (ovs_conf.py,
// ovsdb_connection). It is the host's own loopback.
const managerAddress = "ptcp:6640:127.0.0.1"

// configuration is the one ovs-vsctl command that fills the database of a host,
// before its switch runs. What Neutron's agent, os-vif and a deployment tool
// would each do is in it.
func (o openVSwitch) configuration() []string {
	db := transaction{"ovs-vsctl", "--no-wait"}
	db.do("init")
	db.do("set", "Open_vSwitch", ".", "external_ids:system-id="+o.host.Name, "external_ids:hostname="+o.host.Name,
		"other_config:n-handler-threads=1", "other_config:n-revalidator-threads=1")
	db.do("set-manager", managerAddress)

	db.bridge(underlayBridge, "standalone")
	db.do("add-port", underlayBridge, UnderlayDevice)
	db.bridge(integrationBridge, "secure")
	db.bridge(tunnelBridge, "secure")
	db.patch(integrationBridge, patchToTunnel, tunnelBridge, patchToIntegration)
	if len(o.cloud.BridgeMappings(o.host)) > 0 {
		db.bridge(externalBridge, "secure")
		db.do("add-port", externalBridge, ExternalDevice)
		db.patch(integrationBridge, patchToExternal, externalBridge, patchFromExternal)
	}
	for _, remote := range o.tunnels() {
		name := tunnelPort(remote)
		db.do("add-port", tunnelBridge, name)
		// OVSBridge.add_tunnel_port (neutron/agent/common/ovs_lib.py)
		db.do("set", "Interface", name, "type=vxlan", "options:df_default=true", "options:egress_pkt_mark=0",
			"options:in_key=flow", "options:out_key=flow", "options:local_ip="+o.host.Underlay.String(), "options:remote_ip="+remote.String())
	}
	tags := o.localVLANs()
	for _, p := range o.cloud.HostPorts(o.host) {
		db.port(p, tags[p.Network])
	}
	return db
}

// transaction is an ovs-vsctl command line that does several things at once.
type transaction []string

func (t *transaction) do(command ...string) { *t = append(append(*t, "--"), command...) }

func (t *transaction) bridge(name, failMode string) {
	t.do("add-br", name)
	t.do("set", "Bridge", name, "datapath_type=netdev", "fail_mode="+failMode,
		"protocols=OpenFlow10,OpenFlow13,OpenFlow14", "other_config:mac-table-size=50000")
}

func (t *transaction) patch(bridge, port, peerBridge, peer string) {
	for _, end := range [][3]string{{bridge, port, peer}, {peerBridge, peer, port}} {
		t.do("add-port", end[0], end[1])
		t.do("set", "Interface", end[1], "type=patch", "options:peer="+end[2])
	}
}

// port adds a Neutron port to br-int: the interface as os-vif or the interface
// driver of the DHCP and L3 agents adds it, the tag and what remembers it as
// OVSNeutronAgent.port_bound sets them.
func (t *transaction) port(p *scenario.Port, tag int) {
	name := switchPort(p)
	about := []string{
		"set", "Interface", name,
		"external_ids:iface-id=" + p.ID, "external_ids:iface-status=active", fmt.Sprintf("external_ids:attached-mac=%q", p.MAC),
	}
	if p.Owner == scenario.OwnerServer {
		about = append(about, "external_ids:vm-uuid="+p.DeviceID)
	} else {
		about = append(about, "type=internal")
	}
	t.do("add-port", integrationBridge, name)
	t.do(about...)
	network := []string{"other_config:network_type=vxlan", "other_config:physical_network=None", "other_config:segmentation_id=" + strconv.Itoa(p.Network.VNI)}
	if p.Network.External {
		network = []string{"other_config:network_type=flat", "other_config:physical_network=" + p.Network.Physical}
	}
	t.do(append([]string{
		"set", "Port", name, "tag=" + strconv.Itoa(tag),
		"other_config:net_uuid=" + p.Network.ID, "other_config:tag=" + strconv.Itoa(tag),
	}, network...)...)
}
