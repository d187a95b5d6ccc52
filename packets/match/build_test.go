package match

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"go.uber.org/goleak"

	"steth/packets"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ms    = int64(1_000_000)
	start = int64(1_700_000_000_000_000_000)
)

var (
	macA = net.HardwareAddr{0xfa, 0x16, 0x3e, 0, 0, 0x0a}
	macB = net.HardwareAddr{0xfa, 0x16, 0x3e, 0, 0, 0x0b}
	near = netip.MustParseAddr("10.20.0.11")
	far  = netip.MustParseAddr("10.20.0.22")
)

// packet is what tests say of a packet; frames of it are built by gopacket,
// somebody else's idea of the formats.
type packet struct {
	src, dst     netip.Addr
	proto        layers.IPProtocol
	id           uint16
	ttl          uint8
	sport, dport uint16
	seq, ack     uint32
	tcp          string // flags: S, A, F, R, P
	icmp         layers.ICMPv4TypeCode
	payload      []byte
	more         bool
	offset       int
}

func echo(seq uint16, reply bool) packet {
	p := packet{
		src: near, dst: far, proto: layers.IPProtocolICMPv4, id: 1000 + seq, ttl: 64, sport: 7, seq: uint32(seq),
		icmp: layers.CreateICMPv4TypeCode(8, 0), payload: make([]byte, 56),
	}
	if reply {
		p.src, p.dst, p.icmp, p.id = far, near, layers.CreateICMPv4TypeCode(0, 0), 30000+seq
	}
	return p
}

func segment(id uint16, seq uint32, size int) packet {
	return packet{
		src: near, dst: far, proto: layers.IPProtocolTCP, id: id, ttl: 64, sport: 51000, dport: 443,
		seq: seq, ack: 9, tcp: "PA", payload: make([]byte, size),
	}
}

func datagramOf(id uint16, payload string) packet {
	return packet{
		src: near, dst: far, proto: layers.IPProtocolUDP, id: id, ttl: 64, sport: 40000, dport: 9000,
		payload: []byte(payload),
	}
}

func (p packet) back() packet {
	p.src, p.dst, p.sport, p.dport = p.dst, p.src, p.dport, p.sport
	return p
}

func serialise(ls ...gopacket.SerializableLayer) []byte {
	var network gopacket.NetworkLayer
	for _, l := range ls {
		var err error
		switch l := l.(type) {
		case *layers.IPv4:
			network = l
		case *layers.IPv6:
			network = l
		case *layers.TCP:
			err = l.SetNetworkLayerForChecksum(network)
		case *layers.UDP:
			err = l.SetNetworkLayerForChecksum(network)
		case *layers.ICMPv6:
			err = l.SetNetworkLayerForChecksum(network)
		}
		if err != nil {
			panic(err)
		}
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		panic(err)
	}
	return append([]byte(nil), b.Bytes()...)
}

func (p packet) layers() []gopacket.SerializableLayer {
	kind := layers.EthernetTypeIPv4
	if p.src.Is6() {
		kind = layers.EthernetTypeIPv6
	}
	ls := []gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: kind}}
	if p.src.Is6() {
		ls = append(ls, &layers.IPv6{
			Version: 6, HopLimit: p.ttl, NextHeader: p.proto, SrcIP: p.src.AsSlice(), DstIP: p.dst.AsSlice(),
		})
	} else {
		flags := layers.IPv4Flag(0)
		if p.more {
			flags = layers.IPv4MoreFragments
		}
		ls = append(ls, &layers.IPv4{
			Version: 4, TTL: p.ttl, Protocol: p.proto, Id: p.id, SrcIP: p.src.AsSlice(), DstIP: p.dst.AsSlice(),
			Flags: flags, FragOffset: uint16(p.offset / 8),
		})
	}
	if p.offset == 0 {
		ls = append(ls, p.transport())
	}
	return append(ls, gopacket.Payload(p.payload))
}

func (p packet) transport() gopacket.SerializableLayer {
	switch p.proto {
	case layers.IPProtocolTCP:
		t := &layers.TCP{
			SrcPort: layers.TCPPort(p.sport), DstPort: layers.TCPPort(p.dport), Seq: p.seq, Ack: p.ack, Window: 500,
		}
		for _, c := range p.tcp {
			switch c {
			case 'S':
				t.SYN = true
			case 'A':
				t.ACK = true
			case 'F':
				t.FIN = true
			case 'R':
				t.RST = true
			case 'P':
				t.PSH = true
			}
		}
		return t
	case layers.IPProtocolUDP:
		return &layers.UDP{SrcPort: layers.UDPPort(p.sport), DstPort: layers.UDPPort(p.dport)}
	case layers.IPProtocolICMPv4:
		return &layers.ICMPv4{TypeCode: p.icmp, Id: p.sport, Seq: uint16(p.seq)}
	}
	return gopacket.Payload(nil)
}

func (p packet) frame() []byte { return serialise(p.layers()...) }

func arpFrame(op uint16, sender, target netip.Addr) []byte {
	return serialise(
		&layers.Ethernet{SrcMAC: macA, DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: op, SourceHwAddress: macA, SourceProtAddress: sender.AsSlice(),
			DstHwAddress: make([]byte, 6), DstProtAddress: target.AsSlice(),
		})
}

// wrap puts a tunnel around a frame.
func wrap(inner []byte, tunnel Tunnel, vni uint32, src, dst string) []byte {
	a, b := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	eth := &layers.Ethernet{SrcMAC: macB, DstMAC: macA, EthernetType: layers.EthernetTypeIPv4}
	outer := func(proto layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: a.AsSlice(), DstIP: b.AsSlice()}
	}
	number := []byte{byte(vni >> 16), byte(vni >> 8), byte(vni)}
	switch tunnel {
	case VXLAN:
		head := append([]byte{8, 0, 0, 0}, append(number, 0)...)
		return serialise(eth, outer(layers.IPProtocolUDP), &layers.UDP{SrcPort: 50000, DstPort: 4789}, gopacket.Payload(append(head, inner...)))
	case Geneve:
		head := append([]byte{1, 0, 0x65, 0x58}, append(number, 0)...)
		head = append(head, 1, 2, 0x80, 0) // one empty option of four bytes
		return serialise(eth, outer(layers.IPProtocolUDP), &layers.UDP{SrcPort: 50000, DstPort: 6081}, gopacket.Payload(append(head, inner...)))
	case GRE:
		head := append([]byte{0x20, 0, 0x65, 0x58, 0}, number...)
		return serialise(eth, outer(layers.IPProtocolGRE), gopacket.Payload(append(head, inner...)))
	}
	return inner
}

// sight gives m a sighting of a frame, cut to snap bytes (0: whole).
func sight(m *Matcher, hop int, t int64, frame []byte, snap int, kind uint8) {
	p := packets.Packet{Time: t, Length: uint32(len(frame)), Data: frame, Type: kind}
	if snap > 0 && len(frame) > snap {
		p.Data = frame[:snap]
	}
	m.See(hop, &p)
}

func newMatcher(tb testing.TB, hops []Hop, o Options) *Matcher {
	tb.Helper()
	if o.Near == nil && o.Far == nil {
		o.Near, o.Far = []netip.Addr{near}, []netip.Addr{far}
	}
	m, err := New(hops, o)
	if err != nil {
		tb.Fatal(err)
	}
	for h := range hops {
		m.Start(h, start-3600_000*ms)
	}
	return m
}

func rowsOf(m *Matcher) []Row {
	dst := make([]Row, 4096)
	return dst[:m.Rows(0, dst)]
}
