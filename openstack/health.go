package openstack

import "strings"

// Level is how well something is, from the API's facts alone.
type Level uint8

// The levels. None means that the question does not apply.
const (
	None Level = iota
	OK
	Suspicious
	Broken
	Unknown
)

// String is the level's word.
func (l Level) String() string {
	switch l {
	case OK:
		return "ok"
	case Suspicious:
		return "suspicious"
	case Broken:
		return "broken"
	case Unknown:
		return "unknown"
	default:
		return "none"
	}
}

// Health is a level with the word that goes with its sign: ACTIVE, unbound, down.
type Health struct {
	Level Level
	Word  string
}

// State is how an object stands by its own attributes. [Snapshot.State] also
// looks at its neighbours.
func State(o Object) Health {
	switch o := o.(type) {
	case Node:
		return nodeState(o)
	case Agent:
		return agentState(o)
	case Network:
		return statusOf(o.Status, o.AdminUp)
	case Router:
		return statusOf(o.Status, o.AdminUp)
	case Port:
		return portState(o)
	case Server:
		return serverState(o)
	case FloatingIP:
		if o.PortID == "" && o.Status != "ERROR" {
			return Health{None, "unused"} // DOWN is normal then
		}
		return statusOf(o.Status, true)
	}
	return Health{} // subnets and security groups have no state
}

// State is how an object stands, seen with its neighbours: the port of a server
// that is shut off is as it should be though Neutron calls it DOWN.
func (s *Snapshot) State(o Object) Health {
	h := State(o)
	p, isPort := o.(Port)
	if !isPort || h.Level != Broken || p.Status != "DOWN" || p.VIFType == vifFailed {
		return h
	}
	if v, ok := s.Server(p.DeviceID); ok && off(v.Status) {
		return Health{None, "off"}
	}
	return h
}

// statusOf is for what has a status and an administrative switch.
func statusOf(status string, adminUp bool) Health {
	switch {
	case !adminUp:
		return Health{Suspicious, "disabled"}
	case status == "ACTIVE":
		return Health{OK, status}
	case status == "":
		return Health{Unknown, "?"}
	case status == "DOWN" || status == "ERROR":
		return Health{Broken, status}
	}
	return Health{Suspicious, status} // BUILD, ALLOCATING: on the way
}

func nodeState(n Node) Health {
	switch {
	case n.State == "down":
		return Health{Broken, "down"}
	case n.Status == "disabled":
		return Health{Suspicious, "disabled"}
	case n.State == "up":
		return Health{OK, "up"}
	}
	return Health{Unknown, "unknown"}
}

func agentState(a Agent) Health {
	switch {
	case !a.Alive:
		return Health{Broken, "dead"}
	case !a.AdminUp:
		return Health{Suspicious, "disabled"}
	}
	return Health{OK, "alive"}
}

// Values of binding:vif_type (neutron_lib/api/definitions/portbindings.py).
const (
	vifFailed  = "binding_failed"
	vifUnbound = "unbound"
	vifBridge  = "bridge"
	vifOVS     = "ovs"
)

func portState(p Port) Health {
	switch {
	case p.VIFType == vifFailed && !(ownedByRouter(p.DeviceOwner) && p.Status == "ACTIVE"):
		return Health{Broken, vifFailed} // OVN's gateway ports say so too, and mean nothing by it
	case !p.AdminUp:
		return Health{Suspicious, "disabled"}
	case p.DeviceOwner == ownerFloating:
		return Health{OK, "reserved"} // holds an address and is never wired
	case p.DeviceOwner == "" && p.Host == "":
		return Health{OK, "unbound"} // an address for later, or a virtual one
	case p.Host == "" && p.VIFType == vifUnbound && p.Status == "DOWN":
		return Health{Suspicious, "unbound"} // someone's, but on no host
	}
	return statusOf(p.Status, true)
}

// off tells whether a server in this status has no running guest, on purpose.
func off(status string) bool {
	switch status {
	case "SHUTOFF", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED", "DELETED":
		return true
	}
	return false
}

func serverState(v Server) Health {
	switch {
	case v.Status == "ACTIVE" && v.TaskState == "":
		return Health{OK, v.Status}
	case v.Status == "ACTIVE":
		return Health{Suspicious, strings.ToLower(v.TaskState)} // migrating, rebooting: on the way
	case v.Status == "ERROR":
		return Health{Broken, v.Status}
	case off(v.Status), v.Status == "PAUSED":
		return Health{None, v.Status}
	case v.Status == "" || v.Status == "UNKNOWN":
		return Health{Unknown, "unknown"}
	}
	return Health{Suspicious, v.Status} // BUILD, REBOOT, MIGRATING, RESIZE...
}
