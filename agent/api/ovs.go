package api

import (
	"fmt"
	"strings"
)

// OVSRequest asks what Open vSwitch of the node is configured to do and what of
// it has failed, as its database (OVSDB, RFC 7047) tells.
type OVSRequest struct {
	// Bridge limits the answer to one bridge; "" means all.
	Bridge string `cbor:"1,keyasint,omitempty"`
}

// Validate checks the bridge's name.
func (r OVSRequest) Validate() error {
	if r.Bridge == "" {
		return nil
	}
	return checkSwitchName("bridge", r.Bridge)
}

// CheckSwitchName tells why name can't be a bridge or a port of Open vSwitch:
// its names may be longer than the kernel's.
func CheckSwitchName(name string) error { return checkSwitchName("port", name) }

func checkSwitchName(field, name string) error {
	const longest = 64
	switch {
	case name == "":
		return fmt.Errorf("%s: a name is needed", field)
	case len(name) > longest:
		return fmt.Errorf("%s: %q has %d characters, more than %d", field, name, len(name), longest)
	case name == "." || name == ".." || strings.HasPrefix(name, "-") || strings.ContainsFunc(name, notInName):
		return fmt.Errorf("%s: %q is not a name", field, name)
	}
	return nil
}

// OVSEvent is one event of the ovs tool: the switch first, then each bridge. A
// bridge with many ports comes in several events, its own fields in each.
type OVSEvent struct {
	Switch *OVSSwitch `cbor:"1,keyasint,omitempty"`
	Bridge *OVSBridge `cbor:"2,keyasint,omitempty"`
}

// OVSSwitch is the Open vSwitch of a node: table Open_vSwitch.
type OVSSwitch struct {
	Version  string `cbor:"1,keyasint,omitempty"` // ovs_version
	SystemID string `cbor:"2,keyasint,omitempty"` // external_ids:system-id
	Socket   string `cbor:"3,keyasint"`           // where its database was asked
	Pending  int64  `cbor:"4,keyasint,omitempty"` // next_cfg - cur_cfg: changes that ovs-vswitchd has not taken up
	Down     string `cbor:"5,keyasint,omitempty"` // why ovs-vswitchd does not answer, where it doesn't
}

// OVSBridge is a row of table Bridge, with its ports.
type OVSBridge struct {
	Name        string          `cbor:"1,keyasint"`
	DatapathID  string          `cbor:"2,keyasint,omitempty"` // 16 hexadecimal digits
	Datapath    string          `cbor:"3,keyasint,omitempty"` // datapath_type: system is the kernel's, netdev is in userspace
	FailMode    string          `cbor:"4,keyasint,omitempty"` // secure or standalone; "" is standalone
	Protocols   []string        `cbor:"5,keyasint,omitempty"` // versions of OpenFlow; none: the default ones
	Controllers []OVSController `cbor:"6,keyasint,omitempty"`
	Ports       []OVSPort       `cbor:"7,keyasint,omitempty"`
}

// OVSController is a row of table Controller.
type OVSController struct {
	Target    string `cbor:"1,keyasint"`
	Connected bool   `cbor:"2,keyasint"`
}

// OVSPort is a row of table Port with its interface; a bond is one for each of
// its interfaces, all with the same Name.
type OVSPort struct {
	Name      string `cbor:"1,keyasint"`
	Interface string `cbor:"2,keyasint"`           // the same, except in a bond
	Type      string `cbor:"3,keyasint,omitempty"` // "" is a device of the node; internal, patch, vxlan, geneve, gre, dpdk...
	// Tag is the VLAN of an access port, 1 to 4095, 0 where none is set; VLANMode
	// and Trunks as the columns.
	Tag      int    `cbor:"4,keyasint,omitempty"`
	VLANMode string `cbor:"5,keyasint,omitempty"`
	Trunks   []int  `cbor:"6,keyasint,omitempty"`
	// OFPort is the number of OpenFlow: -1 where adding failed, 0 where
	// ovs-vswitchd has not seen the interface yet, 65534 is the bridge itself.
	OFPort    int    `cbor:"7,keyasint,omitempty"`
	Error     string `cbor:"8,keyasint,omitempty"`  // why it could not be added
	Admin     string `cbor:"9,keyasint,omitempty"`  // up, down
	LinkState string `cbor:"10,keyasint,omitempty"` // up, down: carrier
	MAC       string `cbor:"11,keyasint,omitempty"` // mac_in_use
	MTU       int    `cbor:"12,keyasint,omitempty"`
	// What external_ids of the interface say for Neutron and Nova.
	IfaceID     string `cbor:"13,keyasint,omitempty"` // the Neutron port
	AttachedMAC string `cbor:"14,keyasint,omitempty"`
	IfaceStatus string `cbor:"15,keyasint,omitempty"`
	// What Neutron's agent noted in other_config of the port when it wired it
	// (OVSNeutronAgent.port_bound).
	Wired *OVSWiring `cbor:"16,keyasint,omitempty"`
	// Options of the interface, those of patch ports and tunnels.
	Peer     string   `cbor:"17,keyasint,omitempty"`
	LocalIP  string   `cbor:"18,keyasint,omitempty"` // an address, or "flow"
	RemoteIP string   `cbor:"19,keyasint,omitempty"`
	Key      string   `cbor:"20,keyasint,omitempty"` // number or "flow", of both ways where they are the same
	DstPort  string   `cbor:"21,keyasint,omitempty"`
	Stats    OVSStats `cbor:"22,keyasint"`
}

// OVSWiring is what Neutron's agent keeps with a port, to find its own local
// VLANs again after a restart.
type OVSWiring struct {
	Tag       int    `cbor:"1,keyasint,omitempty"`
	Network   string `cbor:"2,keyasint,omitempty"` // net_uuid
	Type      string `cbor:"3,keyasint,omitempty"` // network_type
	Physical  string `cbor:"4,keyasint,omitempty"` // physical_network
	SegmentID int    `cbor:"5,keyasint,omitempty"`
}

// OVSStats are the statistics of an interface as they stand in the database,
// which ovs-vswitchd writes every 5 s (other_config:stats-update-interval).
type OVSStats struct {
	RxPackets uint64 `cbor:"1,keyasint,omitempty"`
	TxPackets uint64 `cbor:"2,keyasint,omitempty"`
	RxBytes   uint64 `cbor:"3,keyasint,omitempty"`
	TxBytes   uint64 `cbor:"4,keyasint,omitempty"`
	RxErrors  uint64 `cbor:"5,keyasint,omitempty"`
	TxErrors  uint64 `cbor:"6,keyasint,omitempty"`
	RxDropped uint64 `cbor:"7,keyasint,omitempty"`
	TxDropped uint64 `cbor:"8,keyasint,omitempty"`
}
