package openstack

import "strings"

// Device is a network device in which a port's packets should be seen on its
// host, if the host is wired as the API says.
type Device struct {
	Netns string `json:"netns"` // "" for the node's own
	Name  string `json:"name"`
	What  string `json:"what"` // one clause: "the server's tap"
}

// idInName is how much of an id a device's name holds: names are cut at 14
// characters (neutron_lib/constants.py DEVICE_NAME_MAX_LEN, os_vif, nova.network.model).
const idInName = 11

func named(prefix, id string) string { return prefix + id[:min(len(id), idInName)] }

// Devices lists the devices of a port on its host, from the guest outwards, as
// Neutron's agents and Nova name them. It is empty for a port that has none
// that could be captured: unbound, SR-IOV, vhost-user, a floating IP's, a
// router's in OVN. A router interface of a distributed router has its device on
// every host of the router.
func Devices(s *Snapshot, p Port) []Device {
	if p.VIFType == vifUnbound && p.Host == "" || p.VIFType == vifFailed || p.ID == "" {
		return nil
	}
	if p.VNICType != "" && p.VNICType != "normal" || strings.HasPrefix(p.VIFType, "vhostuser") || strings.HasPrefix(p.VIFType, "hw_veb") {
		return nil // the guest has the hardware or the socket itself
	}
	owner := p.DeviceOwner
	switch {
	case owner == ownerFloating || owner == ownerSubport:
		return nil // never wired, or only a patch port
	case owner == ownerDistributed && s.ovn(p):
		return metadataDevices(p)
	case owner == ownerDHCP:
		return serviceDevices(p, "qdhcp-"+p.NetworkID, "tap", "the DHCP server's port")
	case ownedByRouter(owner) || owner == ownerAgentGW:
		if s.ovn(p) {
			return nil // OVN's routers are flows
		}
		return s.routerDevices(p)
	}
	return serverDevices(p)
}

// serverDevices is the chain of a guest's port (os_vif, nova/network/os_vif_util.py).
func serverDevices(p Port) []Device {
	tap := Device{Name: named("tap", p.ID), What: "the guest's tap"}
	hybrid, _ := p.VIFDetails["ovs_hybrid_plug"].(bool)
	switch {
	case p.VIFType == vifBridge:
		return []Device{tap, {Name: named("brq", p.NetworkID), What: "the network's bridge"}}
	case hybrid:
		return []Device{
			tap,
			{Name: named("qbr", p.ID), What: "the bridge of the security group"},
			{Name: named("qvb", p.ID), What: "from the bridge"},
			{Name: named("qvo", p.ID), What: "to br-int"},
		}
	}
	return []Device{tap}
}

// serviceDevices is a port of an agent that has it in a namespace of its own.
// Open vSwitch gives it an internal port; the Linux bridge needs a veth pair,
// whose other end is the tap.
func serviceDevices(p Port, netns, prefix, what string) []Device {
	if p.VIFType != vifBridge {
		return []Device{{Netns: netns, Name: named(prefix, p.ID), What: what}}
	}
	if prefix == "tap" {
		prefix = "ns-" // neutron/agent/linux/interface.py NS_PREFIX
	}
	return []Device{
		{Netns: netns, Name: named(prefix, p.ID), What: what},
		{Name: named("tap", p.ID), What: "its other end on the node"},
		{Name: named("brq", p.NetworkID), What: "the network's bridge"},
	}
}

func (s *Snapshot) routerDevices(p Port) []Device {
	router, snat := "qrouter-"+p.DeviceID, "snat-"+p.DeviceID
	switch p.DeviceOwner {
	case ownerGateway:
		if r, ok := s.Router(p.DeviceID); ok && r.Distributed {
			return serviceDevices(p, snat, "qg-", "the router's leg outside")
		}
		return serviceDevices(p, router, "qg-", "the router's leg outside")
	case ownerSNAT:
		return serviceDevices(p, snat, "sg-", "the leg of the router's central SNAT")
	case ownerHA:
		return serviceDevices(p, router, "ha-", "where the router's instances hear each other")
	case ownerAgentGW:
		return serviceDevices(p, "fip-"+p.NetworkID, "fg-", "the node's leg outside for floating IPs")
	}
	return serviceDevices(p, router, "qr-", "the router's leg in the network")
}

// metadataDevices is the veth of OVN's metadata agent (neutron/agent/ovn/metadata/agent.py).
func metadataDevices(p Port) []Device {
	const idInVeth = 10
	name := "tap" + p.NetworkID[:min(len(p.NetworkID), idInVeth)]
	return []Device{
		{Netns: "ovnmeta-" + p.NetworkID, Name: name + "1", What: "the metadata proxy's port"},
		{Name: name + "0", What: "its other end on the node"},
	}
}

// ovn tells whether a port is wired by OVN: it says so itself where it is bound,
// else the agents of its host, or of any host, do.
func (s *Snapshot) ovn(p Port) bool {
	if drivers, ok := p.VIFDetails["bound_drivers"].(map[string]any); ok {
		for _, d := range drivers {
			if d == "ovn" {
				return true
			}
		}
		return len(drivers) == 0
	}
	for _, a := range s.Agents {
		if isOVN(a) && (p.Host == "" || a.Host == p.Host) {
			return true
		}
	}
	return false
}
