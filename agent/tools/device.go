package tools

import (
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Link types of pcap, as pcap-linktype(7) numbers them on Linux.
const (
	dltEthernet = 1
	dltRaw      = 12 // begins with the IP header
)

// device is what a packet socket needs to know of a network device.
type device struct {
	name  string
	index int
	mac   string
	dlt   int
	// hears says that its sockets get every frame without being asked to, also
	// those for other MAC addresses, see [hears].
	hears bool
}

// findDevice looks name up in the namespace of the calling thread; netnsName is
// for the error alone.
func findDevice(netnsName, name string) (device, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		where := "the node's own network namespace"
		if netnsName != "" {
			where = "network namespace " + netnsName
		}
		return device{}, failf(ErrNotFound, "device %s does not exist in %s", name, where)
	}
	dev := device{name: name, index: ifi.Index, mac: ifi.HardwareAddr.String(), hears: hears(ifi.Index)}
	hw, err := hardwareType(name)
	if err != nil {
		return device{}, failf(ErrUnavailable, "read the link type of %s: %w", name, err)
	}
	switch hw {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		dev.dlt = dltEthernet
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP:
		dev.dlt = dltRaw
	default:
		return device{}, failf(ErrNotReady, "device %s has link type %d (ARPHRD), which steth can't capture on: Ethernet and plain IP only", name, hw)
	}
	return dev, nil
}

// unfiltered are kinds of devices (IFLA_INFO_KIND) that hand on every frame: they
// have no hardware that sorts out those for other addresses.
var unfiltered = []string{"veth", "tun", "openvswitch", "vxlan", "geneve"}

// hears tells whether promiscuous mode is not needed. It must not be asked for
// then: each change of it is news of the link, on which Open vSwitch looks at
// its port again and now and then drops a packet (seen with 3.1.0:
// coverage counters ofproto_update_port and drop_action_of_pipeline).
func hears(index int) bool {
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return false
	}
	if slices.Contains(unfiltered, link.Type()) {
		return true
	}
	a := link.Attrs()
	if a.Promisc == 0 || a.MasterIndex == 0 {
		return false
	}
	// A switch keeps its ports promiscuous as long as they are its own; what
	// another capture asked for ends with that.
	master, err := netlink.LinkByIndex(a.MasterIndex)
	return err == nil && master.Type() == "openvswitch"
}

// hardwareType returns the ARPHRD_ type of a device, see netdevice(7).
func hardwareType(name string) (uint16, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, ifr); err != nil {
		return 0, err
	}
	return ifr.Uint16(), nil // sa_family of ifr_hwaddr
}

// openPacketSocket opens a packet(7) socket in the namespace of the calling
// thread. It receives nothing until it is bound to a protocol.
func openPacketSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, failf(ErrNotReady, "open a packet socket: %w", err)
	}
	return fd, nil
}
