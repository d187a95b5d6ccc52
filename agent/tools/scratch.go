package tools

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"

	"steth/agent/journal"
)

// scratch is a network device of the agent's own, for one call: one end of a
// veth pair whose other end stays down, so that it has no carrier and no
// program of the node talks on it of its own accord. The journal knows it
// before it is there.
type scratch struct {
	netlink *netlink.Handle
	entry   *journal.Entry
	name    string
	index   int
}

// errNoJournal is why nothing can be changed on the node.
var errNoJournal = errors.New("the agent has no directory to note in what it must undo after a crash (state: in agent.yaml; the agent's log says more)")

// mayMake says why no scratch device can be made here.
func (n *Node) mayMake() error {
	if len(missingCapabilities(capNetAdmin())) > 0 {
		return errors.New("the agent runs without CAP_NET_ADMIN: start it as root or grant it in the unit")
	}
	if n.Journal == nil {
		return errNoJournal
	}
	return nil
}

// makeScratch makes one in the namespace ns, which f holds.
func (n *Node) makeScratch(ns namespace, f *os.File, mtu int) (_ *scratch, err error) {
	if err := n.mayMake(); err != nil {
		return nil, failf(ErrNotReady, "make a device: %w", err)
	}
	h, err := netlinkIn(f)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	// 3 and 12 characters: as many as the kernel allows.
	s := &scratch{netlink: h, name: "sth" + hex.EncodeToString(id[:])}
	mac := randomMAC()
	s.entry, err = n.Journal.Begin(journal.Change{Link: &journal.Link{Netns: ns.name, Inode: ns.inode, Name: s.name, MAC: mac.String()}})
	if err != nil {
		return nil, failf(ErrUnavailable, "%w", err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = s.name, mac, mtu
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerHardwareAddr = "stp"+hex.EncodeToString(id[:]), randomMAC()
	if err := s.make(veth); err != nil {
		return nil, failf(ErrUnavailable, "make the scratch device %s: %w", s.name, errors.Join(err, s.undo()))
	}
	return s, nil
}

func (s *scratch) make(veth *netlink.Veth) error {
	if err := s.netlink.LinkAdd(veth); err != nil {
		return err
	}
	link, err := s.netlink.LinkByName(s.name)
	if err != nil {
		return err
	}
	s.index = link.Attrs().Index
	if err := s.netlink.LinkSetAlias(link, "steth-agent: for one call, removed after it"); err != nil {
		return err
	}
	return s.netlink.LinkSetUp(link)
}

// remove takes the device away and strikes it from the journal.
func (s *scratch) remove() error {
	defer s.netlink.Close()
	if err := s.undo(); err != nil {
		return failf(ErrUnavailable, "remove the scratch device %s, which stays in the journal: %w", s.name, err)
	}
	return nil
}

func (s *scratch) undo() error {
	if err := removeLink(s.netlink, *s.entry.Link); err != nil {
		return err
	}
	return s.entry.Done()
}

// randomMAC is a locally administered address.
func randomMAC() net.HardwareAddr {
	mac := make(net.HardwareAddr, 6)
	_, _ = rand.Read(mac) // never fails
	mac[0] = mac[0]&^1 | 2
	return mac
}

// removeLink removes a device of the journal. One that only has its name is
// somebody else's and stays.
func removeLink(h *netlink.Handle, l journal.Link) error {
	link, err := h.LinkByName(l.Name)
	var gone netlink.LinkNotFoundError
	switch {
	case errors.As(err, &gone):
		return nil
	case err != nil:
		return err
	}
	if a := link.Attrs(); a.HardwareAddr.String() != l.MAC || link.Type() != "veth" {
		return nil
	}
	return h.LinkDel(link) // by its index
}

// UndoLeft undoes what a former agent of this node left, and says in the log
// what it did. What can't be undone stays in the journal for the next start.
func UndoLeft(node *Node) {
	if node.Journal == nil {
		return
	}
	for _, e := range node.Journal.Left() {
		if err := node.undoEntry(e); err != nil {
			node.Log.Error("a change of a former agent can't be undone", "device", e.Link.Name, "netns", e.Link.Netns, "err", err)
			continue
		}
		node.Log.Info("a change of a former agent is undone", "device", e.Link.Name, "netns", e.Link.Netns)
	}
}

func (n *Node) undoEntry(e *journal.Entry) error {
	ns, err := n.netnsByInode(e.Link.Netns, e.Link.Inode)
	if err != nil {
		return err
	}
	if ns != nil { // with a namespace all its devices are gone
		f, err := ns.open()
		if err != nil {
			return err
		}
		defer f.Close()
		h, err := netlinkIn(f)
		if err != nil {
			return err
		}
		defer h.Close()
		if err := removeLink(h, *e.Link); err != nil {
			return fmt.Errorf("remove it: %w", err)
		}
	}
	return e.Done()
}

// netnsByInode finds a namespace again that may have lost its name; nil where
// it is gone.
func (n *Node) netnsByInode(name string, inode uint64) (*namespace, error) {
	if ns, err := n.netnsByName(name); err == nil && ns.dead == "" && ns.inode == inode {
		return &ns, nil
	}
	for _, ns := range n.allNetns() {
		if ns.dead == "" && ns.inode == inode {
			return &ns, nil
		}
	}
	return nil, nil
}
