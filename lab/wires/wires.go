// Package wires builds the devices of the lab's cloud as Neutron's Open vSwitch
// agent or its Linux bridge agent (both with l2population), its DHCP agent and
// its L3 agent of the 2024.1 release build them, with the names those give.
//
// [Fabric] is called in the outer namespace: it joins the hosts. [Host] is
// called in the namespace of a host: a driver, one for each flavour, makes the
// bridges, the tunnels and their forwarding entries and plugs the taps; on the
// network host it goes on with a namespace and a dnsmasq for each network and a
// namespace with NAT for each router. Nothing here is ever undone: devices end
// with their namespaces, and so do Open vSwitch's processes.
//
// The package works in the network namespace of its caller's process and must
// never be called outside of a namespace that the lab made.
package wires

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Run runs a program to its end inside the named network namespace ("" for the
// process's own) and returns what it said when it failed. The process that
// builds a host reaps every child itself, so it brings its own Run.
type Run func(ctx context.Context, namespace string, stdin []byte, argv ...string) error

// UnderlayDevice and the others are a host's NICs.
const (
	ManagementDevice = "eth0"
	UnderlayDevice   = "eth1"
	ExternalDevice   = "eth2"
)

// vxlanPort is the port that IANA gave to VXLAN. Linux's own default is 8472;
// sites set udp_dstport to this one.
const vxlanPort = 4789

// In runs fn in the named network namespace, which no other goroutine ever sees.
func In(namespace string, fn func() error) error {
	return onThread(func() error {
		ns, err := openNamespace(namespace)
		if err != nil {
			return err
		}
		defer ns.Close()
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter namespace %s: %w", namespace, err)
		}
		return fn()
	})
}

// onThread runs fn on a thread of its own, which ends with it and which fn may
// so move to another namespace.
func onThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			// All but the main thread, which lasts as long as the process, and
			// whose namespace is what /proc/self and /proc/net show.
			defer runtime.UnlockOSThread()
			done <- onThread(fn)
			return
		}
		done <- fn()
	}()
	return <-done
}

func openNamespace(name string) (netns.NsHandle, error) {
	ns, err := netns.GetFromName(name)
	if err != nil {
		return ns, fmt.Errorf("open namespace %s: %w", name, err)
	}
	return ns, nil
}

// makeNamespace makes a named network namespace with its loopback up, and
// returns a handle to work in it.
func makeNamespace(name string) (*netlink.Handle, error) {
	err := onThread(func() error {
		ns, err := netns.NewNamed(name) // moves the thread into it
		if err != nil {
			return err
		}
		ns.Close()
		return quiet()
	})
	if err != nil {
		return nil, fmt.Errorf("make namespace %s: %w", name, err)
	}
	ns, err := openNamespace(name)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return nil, fmt.Errorf("open netlink in %s: %w", name, err)
	}
	if err := up(h, "lo"); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Loopback brings up the loopback of the process's namespace and turns IPv6
// off, which would only add noise of its own to every capture.
func Loopback() error {
	if err := quiet(); err != nil {
		return err
	}
	return within(func(h *netlink.Handle) error { return up(h, "lo") })
}

// quiet undoes what a new namespace takes over from a machine that forwards,
// and turns IPv6 off.
func quiet() error {
	for _, v := range []struct{ name, value string }{
		{"net/ipv4/ip_forward", "0"},
		{"net/ipv6/conf/all/disable_ipv6", "1"},
		{"net/ipv6/conf/default/disable_ipv6", "1"},
	} {
		// A kernel without IPv6 has nothing to turn off.
		if err := sysctl(v.name, v.value); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sysctl sets a value in the network namespace of the calling thread.
func sysctl(name, value string) error {
	if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil {
		return fmt.Errorf("set sysctl %s: %w", name, err)
	}
	return nil
}

// within calls fn with a netlink handle of the process's namespace.
func within(fn func(*netlink.Handle) error) error {
	h, err := netlink.NewHandle()
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	return fn(h)
}

func up(h *netlink.Handle, name string) error {
	link, err := h.LinkByName(name)
	if err == nil {
		err = h.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}

// address gives a device its address and brings it up.
func address(h *netlink.Handle, name string, prefix netip.Prefix) error {
	link, err := h.LinkByName(name)
	if err == nil {
		ipnet := ipNet(prefix)
		err = h.AddrAdd(link, &netlink.Addr{IPNet: &ipnet})
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("give %s the address %v: %w", name, prefix, err)
	}
	return up(h, name)
}

// Address gives a device of the process's own namespace its address, the one
// it had goes, and brings it up with a default route and an MTU (0 leaves it).
func Address(name string, prefix netip.Prefix, gateway netip.Addr, mtu int) error {
	return within(func(h *netlink.Handle) error {
		link, err := h.LinkByName(name)
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		if mtu > 0 {
			if err := h.LinkSetMTU(link, mtu); err != nil {
				return fmt.Errorf("set the MTU of %s to %d: %w", name, mtu, err)
			}
		}
		old, err := h.AddrList(link, unix.AF_INET)
		if err != nil {
			return fmt.Errorf("list the addresses of %s: %w", name, err)
		}
		if err := address(h, name, prefix); err != nil {
			return err
		}
		for _, a := range old {
			if ones, _ := a.Mask.Size(); a.IP.String() != prefix.Addr().String() || ones != prefix.Bits() {
				if err := h.AddrDel(link, &a); err != nil {
					return fmt.Errorf("take the address %v from %s: %w", a.IPNet, name, err)
				}
			}
		}
		if !gateway.IsValid() {
			return nil
		}
		return defaultRoute(h, gateway)
	})
}

func defaultRoute(h *netlink.Handle, gateway netip.Addr) error {
	_, everything, _ := net.ParseCIDR("0.0.0.0/0")
	if err := h.RouteReplace(&netlink.Route{Dst: everything, Gw: gateway.AsSlice()}); err != nil {
		return fmt.Errorf("set the default route via %v: %w", gateway, err)
	}
	return nil
}

func ipNet(p netip.Prefix) net.IPNet {
	return net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Up brings up a device of the process's own namespace.
func Up(name string) error {
	return within(func(h *netlink.Handle) error { return up(h, name) })
}
