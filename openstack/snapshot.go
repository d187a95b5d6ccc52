package openstack

import "time"

// Snapshot is the inventory as the APIs told it at one time. It never changes
// once it is given out, so any number of readers may share it.
type Snapshot struct {
	Nodes          []Node
	Networks       []Network
	Subnets        []Subnet
	Ports          []Port
	Servers        []Server
	Routers        []Router
	FloatingIPs    []FloatingIP
	SecurityGroups []SecurityGroup
	Agents         []Agent

	// Taken says when each kind was last read whole. A kind that is not in it
	// was never read; its list holds what searches brought.
	Taken map[Kind]time.Time
	// Missing says why a kind, or a part of it, could not be read: what failed
	// and what to do, in one sentence.
	Missing map[Kind]string

	index index
}

type index struct {
	byID   map[Kind]map[string]int // position in its list
	byName map[Kind]map[string][]int
	byIP   map[string][]Object
	byMAC  map[string][]Object
}

// Found is what a search came to.
type Found struct {
	Text     string
	Hits     []Object  // best first
	Trail    []Object  // from what was typed to where it lives: floating IP, port, server, router, node
	Snapshot *Snapshot // the inventory with everything the search read merged in
	Took     time.Duration
}
