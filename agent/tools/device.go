package tools

import (
	"net"

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
	dev := device{name: name, index: ifi.Index, mac: ifi.HardwareAddr.String()}
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
