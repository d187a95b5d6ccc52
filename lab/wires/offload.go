package wires

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ChecksumsInSoftware makes the kernel write the checksums of what is sent
// through a device of the process's own namespace, which takes segmentation off
// too. A veth leaves both to a NIC that never comes; Open vSwitch's userspace
// datapath would pass such packets on with a wrong checksum.
func ChecksumsInSoftware(device string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switch off the offloads of %s: %w", device, err)
	}
	defer unix.Close(fd)
	off := struct{ command, value uint32 }{command: unix.ETHTOOL_STXCSUM} // struct ethtool_value
	var request struct {                                                  // struct ifreq
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:unix.IFNAMSIZ-1], device)
	request.data = unsafe.Pointer(&off)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	runtime.KeepAlive(&off)
	if errno != 0 {
		return fmt.Errorf("switch off the offloads of %s: %w", device, errno)
	}
	return nil
}
