package tools

import (
	"context"
	"encoding/binary"
	"errors"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"steth/agent/api"
)

// holder is a device with what holds it.
type holder struct {
	device
	mtu    int
	kind   string // as ip-link(8) calls it; "device" for a NIC
	bridge string // the Linux bridge that holds it; "" for none
}

// serves tells whether a server or a namespace may be behind it: what comes in
// by a NIC, a VLAN of one or a tunnel nobody holds against any server's rules.
func (h holder) serves() bool { return h.kind == "tuntap" || h.kind == "veth" }

// findHolder looks a device up in the namespace ns.
func findHolder(ns *os.File, netnsName, name string) (holder, error) {
	var out holder
	err := onThread(func() error {
		if err := enter(ns); err != nil {
			return err
		}
		var err error
		if out.device, err = findDevice(netnsName, name); err != nil {
			return err
		}
		if out.dlt != dltEthernet {
			return failf(ErrNotReady, "inject: %s carries no Ethernet", name)
		}
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return failf(ErrUnavailable, "inject: open netlink: %w", err)
		}
		defer h.Close()
		link, err := h.LinkByIndex(out.index)
		if err != nil {
			return failf(ErrNotFound, "inject: %s is gone: %w", name, err)
		}
		out.mtu, out.kind = link.Attrs().MTU, link.Type()
		if link.Attrs().MasterIndex == 0 {
			return nil
		}
		master, err := h.LinkByIndex(link.Attrs().MasterIndex)
		if err != nil {
			return failf(ErrUnavailable, "inject: what holds %s is not known: %w", name, err)
		}
		if master.Type() == "bridge" {
			out.bridge = validText(master.Attrs().Name)
		}
		return nil
	})
	return out, err
}

// redirect sends out of a scratch device, whose clsact sends the frames on into
// the target's ingress (tc-mirred(8)): there they are what the target received.
type redirect struct {
	*out
	scratch *scratch
	bridge  string
}

func (n *Node) openRedirect(ns namespace, f *os.File, target holder, source []byte) (_ *redirect, err error) {
	s, err := n.makeScratch(ns, f, target.mtu)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove())
		}
	}()
	if err := s.redirectTo(target.index, source); err != nil {
		return nil, failf(ErrUnavailable, "inject: redirect into %s: %w", target.name, err)
	}
	o, err := openOut(f, ns.name, s.name)
	if err != nil {
		return nil, err
	}
	o.device = target.name
	return &redirect{out: o, scratch: s, bridge: target.bridge}, nil
}

func (r *redirect) about() api.InjectEvent {
	return api.InjectEvent{Way: api.InjectRedirect, Bridge: r.bridge}
}

func (r *redirect) send(ctx context.Context, frame []byte) error {
	err := r.out.send(ctx, frame)
	if errors.Is(err, unix.ENOBUFS) { // what the redirection answers (tcf_mirred_to_dev of the kernel's act_mirred.c)
		return failf(ErrUnavailable, "inject: nothing comes in by %s: it is down or has no carrier, so nothing runs behind it", r.device)
	}
	return err
}

func (r *redirect) close() error { return errors.Join(r.out.close(), r.scratch.remove()) }

// redirectTo has frames with the source MAC go on into the device target. All
// else that leaves by the scratch device goes nowhere: other programs of the
// node may take it for a NIC, and what they send is not to be a server's.
func (s *scratch) redirectTo(target int, source []byte) error {
	qdisc := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: s.index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := s.netlink.QdiscAdd(qdisc); err != nil {
		return err
	}
	// Offsets count from the network header; the source MAC is 8 bytes before it.
	return s.netlink.FilterAdd(&netlink.U32{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: s.index, Parent: netlink.HANDLE_MIN_EGRESS, Priority: 1, Protocol: unix.ETH_P_ALL,
		},
		Sel: &netlink.TcU32Sel{
			Flags: nl.TC_U32_TERMINAL, Nkeys: 2,
			Keys: []netlink.TcU32Key{
				{Mask: 0xffffffff, Val: binary.BigEndian.Uint32(source), Off: -8},
				{Mask: 0xffff0000, Val: uint32(binary.BigEndian.Uint16(source[4:])) << 16, Off: -4},
			},
		},
		Actions: []netlink.Action{&netlink.MirredAction{
			ActionAttrs:  netlink.ActionAttrs{Action: netlink.TC_ACT_STOLEN},
			MirredAction: netlink.TCA_INGRESS_REDIR, Ifindex: target,
		}},
	})
}

// netlinkIn opens netlink in the namespace that f holds.
func netlinkIn(f *os.File) (*netlink.Handle, error) {
	h, err := netlink.NewHandleAt(netns.NsHandle(f.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, failf(ErrUnavailable, "open netlink in %s: %w", f.Name(), err)
	}
	return h, nil
}
