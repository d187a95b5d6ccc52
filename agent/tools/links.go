package tools

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"steth/agent/api"
)

// maxAnswer bounds the links that one event tells, in bytes, well within the
// 1 MiB that the wire carries in one event. A namespace with more has the rest
// counted.
const maxAnswer = 768 << 10

// linkSize is more than a link's fixed part and the texts that the kernel keeps
// short take on the wire.
const linkSize = 256

// fit tells how many of the links go into one event.
func fit(links []api.Link) int {
	size := 0
	for i, l := range links {
		size += linkSize + len(l.Alias)
		for _, a := range l.Addresses {
			size += len(a) + 2
		}
		if size > maxAnswer {
			return i
		}
	}
	return len(links)
}

// links reads the links of every network namespace by rtnetlink(7).
func links() Tool { return Define(api.ToolLinks, readyWith("", "", capSysAdmin()), runLinks) }

func runLinks(ctx context.Context, node *Node, req api.LinksRequest, sink Sink) error {
	var all []namespace
	if err := node.Walks.do(ctx, func() { all = node.allNetns() }); err != nil {
		return err
	}
	wanted := all
	if req.Netns != nil {
		ns, err := node.netnsByName(*req.Netns)
		if err != nil {
			return err
		}
		wanted = []namespace{ns}
	}
	peers := newPeerNames(all)
	for _, ns := range wanted {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		var answer api.Namespace
		if err := node.Walks.do(ctx, func() { answer = readNetns(ns, peers) }); err != nil {
			return err
		}
		if err := sink.Event(answer); err != nil { // outside of the slot: a console may be slow
			return err
		}
	}
	return nil
}

// readNetns tells what is in ns. What can't be read is part of the answer, not
// an error: the other namespaces are still worth having.
func readNetns(ns namespace, peers *peerNames) api.Namespace {
	answer := api.Namespace{Name: ns.name, Inode: ns.inode, PID: ns.pid, Dead: ns.dead}
	if ns.dead != "" {
		return answer
	}
	f, err := ns.open()
	if err == nil {
		defer f.Close()
		answer.Links, err = readLinks(f, ns, peers)
	}
	if err != nil {
		answer.Dead = err.Error()
		return answer
	}
	n := fit(answer.Links)
	answer.Links, answer.Others = answer.Links[:n], len(answer.Links)-n
	return answer
}

func readLinks(f *os.File, ns namespace, peers *peerNames) ([]api.Link, error) {
	sock, err := nl.GetNetlinkSocketAt(netns.NsHandle(f.Fd()), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink in it: %w", err)
	}
	defer sock.Close()
	sockets := map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: sock}}

	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.Sockets = sockets
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	replies, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil {
		return nil, fmt.Errorf("read its links: %w", err)
	}
	var (
		out     []api.Link
		masters []int // beside out
		names   = map[int]string{}
	)
	for _, raw := range replies {
		link, err := netlink.LinkDeserialize(nil, raw)
		if err != nil {
			return nil, fmt.Errorf("read a link: %w", err)
		}
		l := describeLink(link)
		addMissing(&l, raw)
		if id := link.Attrs().NetNsID; id >= 0 && l.Peer != 0 {
			l.PeerNetns = peers.name(f, ns, id)
		}
		names[l.Index] = l.Name
		out, masters = append(out, l), append(masters, link.Attrs().MasterIndex)
	}
	byIndex := make(map[int]*api.Link, len(out))
	for i := range out {
		out[i].Master = names[masters[i]]
		byIndex[out[i].Index] = &out[i]
	}
	if err := readAddresses(f, byIndex); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b api.Link) int { return cmp.Compare(a.Index, b.Index) })
	return out, nil
}

func readAddresses(f *os.File, links map[int]*api.Link) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(f.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink in it: %w", err)
	}
	defer h.Close()
	addrs, err := h.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("read its addresses: %w", err)
	}
	for _, a := range addrs {
		if l, ok := links[a.LinkIndex]; ok && a.IPNet != nil {
			l.Addresses = append(l.Addresses, a.IPNet.String())
		}
	}
	return nil
}

func describeLink(link netlink.Link) api.Link {
	a := link.Attrs()
	l := api.Link{
		Index:   a.Index,
		Name:    validText(a.Name),
		Kind:    cmp.Or(link.Type(), "device"),
		MTU:     a.MTU,
		Up:      a.RawFlags&unix.IFF_UP != 0,
		Promisc: a.Promisc > 0 || a.RawFlags&unix.IFF_PROMISC != 0,
		Oper:    strings.ReplaceAll(a.OperState.String(), "-", ""),
		Peer:    a.ParentIndex,
		Alias:   validText(a.Alias),
	}
	if len(a.HardwareAddr) > 0 {
		l.MAC = a.HardwareAddr.String()
	}
	if s := a.Statistics; s != nil {
		l.Stats = api.LinkStats{
			RxPackets: s.RxPackets, TxPackets: s.TxPackets,
			RxBytes: s.RxBytes, TxBytes: s.TxBytes,
			RxErrors: s.RxErrors, TxErrors: s.TxErrors,
			RxDropped: s.RxDropped, TxDropped: s.TxDropped,
		}
	}
	switch k := link.(type) {
	case *netlink.Vlan:
		l.VLAN = k.VlanId
	case *netlink.Vxlan:
		l.VNI, l.VXLANPort = k.VxlanId, k.Port
		if len(k.SrcAddr) > 0 {
			l.VXLANLocal = k.SrcAddr.String()
		}
		l.Peer = cmp.Or(l.Peer, k.VtepDevIndex)
	case *netlink.Bond:
		l.BondMode = k.Mode.String()
	case *netlink.Tuntap:
		l.Kind = "tun"
	case *netlink.Bridge:
		l.BridgeVLAN = k.VlanFiltering != nil && *k.VlanFiltering
	}
	return l
}

// addMissing reads what the library leaves out: how often the carrier changed,
// and a bridge's spanning tree.
func addMissing(l *api.Link, raw []byte) {
	if len(raw) < unix.SizeofIfInfomsg {
		return
	}
	attrs := attributes(raw[unix.SizeofIfInfomsg:])
	if v := attrs[unix.IFLA_CARRIER_CHANGES]; len(v) >= 4 {
		l.CarrierChanges = nl.NativeEndian().Uint32(v)
	}
	if l.Kind == "bridge" {
		data := attributes(attributes(attrs[unix.IFLA_LINKINFO])[nl.IFLA_INFO_DATA])
		if v := data[nl.IFLA_BR_STP_STATE]; len(v) >= 4 {
			l.BridgeSTP = nl.NativeEndian().Uint32(v) != 0
		}
	}
}

// attributes reads the attributes of one level by their types.
func attributes(b []byte) map[uint16][]byte {
	out := map[uint16][]byte{}
	attrs, err := nl.ParseRouteAttr(b)
	if err != nil {
		return out
	}
	for _, a := range attrs {
		out[a.Attr.Type&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)] = a.Value
	}
	return out
}

// peerNames finds the name of a namespace by the id that another one has for
// it (rtnetlink's nsid, which each namespace gives on its own). There is no way
// from an id to a namespace, so each is asked in turn until the id is found,
// which is soon: the node's own namespace, where most peers are, comes first.
type peerNames struct {
	all   []namespace
	known map[uint64]*peerIDs // by inode of the namespace that asks
}

// peerIDs is what is known of the ids of one namespace.
type peerIDs struct {
	names map[int]string
	asked int // of peerNames.all
}

func newPeerNames(all []namespace) *peerNames {
	return &peerNames{all: all, known: map[uint64]*peerIDs{}}
}

// name returns the name of what ns, which f holds, calls nsid; "" where it is
// none of the namespaces that are known.
func (p *peerNames) name(f *os.File, ns namespace, nsid int) string {
	ids := p.known[ns.inode]
	if ids == nil {
		ids = &peerIDs{names: map[int]string{}}
		p.known[ns.inode] = ids
	}
	if name, ok := ids.names[nsid]; ok || ids.asked == len(p.all) {
		return name
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(f.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return ""
	}
	defer h.Close()
	for ids.asked < len(p.all) {
		other := p.all[ids.asked]
		ids.asked++
		if id, ok := peerID(h, other); ok {
			ids.names[id] = other.name
			if id == nsid {
				return other.name
			}
		}
	}
	return ""
}

// peerID asks the namespace of h for its id of other. The file of other is open
// no longer than that: a node may have a thousand.
func peerID(h *netlink.Handle, other namespace) (int, bool) {
	f, err := other.open()
	if err != nil {
		return 0, false
	}
	defer f.Close()
	id, err := h.GetNetNsIdByFd(int(f.Fd()))
	return id, err == nil && id >= 0
}
