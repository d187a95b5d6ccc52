package scenario

import "fmt"

// Flavour says by which of Neutron's layer 2 agents the hosts are wired.
type Flavour string

// The flavours.
const (
	OpenVSwitch Flavour = "ovs"         // neutron-openvswitch-agent
	LinuxBridge Flavour = "linuxbridge" // neutron-linuxbridge-agent
)

// Flavours are all of them, the more telling one first.
func Flavours() []Flavour { return []Flavour{OpenVSwitch, LinuxBridge} }

func (f Flavour) check() error {
	if f != OpenVSwitch && f != LinuxBridge {
		return fmt.Errorf("flavour is %s or %s, not %q", OpenVSwitch, LinuxBridge, string(f))
	}
	return nil
}

// Plug says how a port is joined to its network on a host.
type Plug string

// The ways to plug.
const (
	PlugBridge Plug = "bridge" // the tap in the network's Linux bridge
	PlugNative Plug = "native" // the tap, or an internal port, in br-int itself
	PlugHybrid Plug = "hybrid" // the tap in a bridge qbr of its own, where iptables see it, joined with br-int by qvb and qvo
)
