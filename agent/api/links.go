package api

// LinksRequest asks for the links of every network namespace of the node.
type LinksRequest struct {
	// Netns limits the answer to one namespace; nil means all. A pointer to ""
	// is the node's own.
	Netns *string `cbor:"1,keyasint,omitempty"`
}

// Validate checks the namespace's name.
func (r LinksRequest) Validate() error {
	if r.Netns == nil {
		return nil
	}
	return checkNetns(*r.Netns)
}

// Namespace is one event of the links tool: a network namespace and what is in it.
type Namespace struct {
	Name   string `cbor:"1,keyasint"` // file in /run/netns; "" for the node's own; "pid:N" where only a process holds it
	Inode  uint64 `cbor:"2,keyasint"` // of the namespace, the same for every name of it
	PID    int    `cbor:"3,keyasint,omitempty"`
	Dead   string `cbor:"4,keyasint,omitempty"` // why it can't be entered, for example a file that lost its mount
	Links  []Link `cbor:"5,keyasint,omitempty"`
	Others int    `cbor:"6,keyasint,omitempty"` // links left out because of the limit on one answer
}

// Link is one device as RTM_GETLINK tells it.
type Link struct {
	Index          int       `cbor:"1,keyasint"`
	Name           string    `cbor:"2,keyasint"`
	Kind           string    `cbor:"3,keyasint"` // IFLA_INFO_KIND: veth, bridge, vxlan, tun, vlan, bond...; "device" where the kernel gives none
	MAC            string    `cbor:"4,keyasint,omitempty"`
	MTU            int       `cbor:"5,keyasint"`
	Up             bool      `cbor:"6,keyasint"` // IFF_UP, the administrator's wish
	Oper           string    `cbor:"7,keyasint"` // RFC 2863 state: up, down, lowerlayerdown, unknown...
	Master         string    `cbor:"8,keyasint,omitempty"`
	Peer           int       `cbor:"9,keyasint,omitempty"`  // ifindex of the other end (veth) or the lower device
	PeerNetns      string    `cbor:"10,keyasint,omitempty"` // name of the namespace that holds Peer, where it is another one and known
	Alias          string    `cbor:"11,keyasint,omitempty"`
	Addresses      []string  `cbor:"12,keyasint,omitempty"` // prefixes, for example 10.0.0.1/24
	CarrierChanges uint32    `cbor:"13,keyasint,omitempty"`
	Stats          LinkStats `cbor:"14,keyasint"`
	VLAN           int       `cbor:"15,keyasint,omitempty"` // id of a vlan device
	VNI            int       `cbor:"16,keyasint,omitempty"` // of a vxlan device
	VXLANLocal     string    `cbor:"17,keyasint,omitempty"`
	VXLANPort      int       `cbor:"18,keyasint,omitempty"`
	BondMode       string    `cbor:"19,keyasint,omitempty"`
	BridgeSTP      bool      `cbor:"20,keyasint,omitempty"`
	BridgeVLAN     bool      `cbor:"21,keyasint,omitempty"` // vlan_filtering
	Promisc        bool      `cbor:"22,keyasint,omitempty"`
}

// LinkStats is rtnl_link_stats64 as far as a network engineer asks for it.
type LinkStats struct {
	RxPackets uint64 `cbor:"1,keyasint"`
	TxPackets uint64 `cbor:"2,keyasint"`
	RxBytes   uint64 `cbor:"3,keyasint"`
	TxBytes   uint64 `cbor:"4,keyasint"`
	RxErrors  uint64 `cbor:"5,keyasint"`
	TxErrors  uint64 `cbor:"6,keyasint"`
	RxDropped uint64 `cbor:"7,keyasint"`
	TxDropped uint64 `cbor:"8,keyasint"`
}
