package craft

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

var (
	web1 = net.HardwareAddr{0xfa, 0x16, 0x3e, 0, 0, 1}
	web2 = net.HardwareAddr{0xfa, 0x16, 0x3e, 0, 0, 2}
	four = Flow{MAC: web1, To: web2, Near: netip.MustParseAddr("10.20.0.11"), Far: netip.MustParseAddr("10.20.0.12"), Port: 80, Count: 3}
	six  = Flow{MAC: web1, To: web2, Near: netip.MustParseAddr("fd00::11"), Far: netip.MustParseAddr("fd00::ab:cdef"), Port: 80, Count: 3}
)

func build(t testing.TB, kind Kind, f Flow) *Probe {
	t.Helper()
	p, err := New(kind, f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func each(t *testing.T, do func(t *testing.T, p *Probe)) {
	t.Helper()
	for _, kind := range Kinds() {
		for family, f := range map[string]Flow{"IPv4": four, "IPv6": six} {
			for _, size := range []int{0, 13, 1400} {
				if f.Size = size; size > 0 && kind != ICMP && kind != UDP || kind == DHCP && family == "IPv6" {
					continue
				}
				t.Run(string(kind)+" "+family, func(t *testing.T) { do(t, build(t, kind, f)) })
			}
		}
	}
}

// TestFrames holds lengths and checksums against those of gopacket, which
// somebody else wrote.
func TestFrames(t *testing.T) {
	each(t, func(t *testing.T, p *Probe) {
		frames := p.Frames()
		if len(frames) != 3 || bytes.Equal(frames[0], frames[1]) && p.About() != "neighbour solicitation" {
			t.Fatalf("%d frames, the first two %x %x", len(frames), frames[0], frames[1])
		}
		for _, f := range frames {
			if len(f) < 60 || !bytes.Equal(f[6:12], web1) {
				t.Errorf("%d bytes from %x", len(f), f[6:12])
			}
			decoded := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
			if e := decoded.ErrorLayer(); e != nil {
				t.Fatalf("%v\n%s", e.Error(), hex.Dump(f))
			}
			got := again(t, decoded)
			if p.Kind == ARP {
				got = got[:min(len(got), len(f)-18)] // the token is in the padding
			}
			if !bytes.Equal(got, f[:len(got)]) {
				t.Errorf("is\n%s should be\n%s", hex.Dump(f), hex.Dump(got))
			}
		}
	})
}

// again serialises a decoded packet with lengths and checksums worked out anew.
func again(t *testing.T, p gopacket.Packet) []byte {
	t.Helper()
	var ls []gopacket.SerializableLayer
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.TCP:
			_ = l.SetNetworkLayerForChecksum(p.NetworkLayer())
			l.Checksum = 0
			ls = append(ls, l)
		case *layers.UDP:
			_ = l.SetNetworkLayerForChecksum(p.NetworkLayer())
			l.Checksum = 0
			ls = append(ls, l, gopacket.Payload(l.Payload))
		case *layers.ICMPv6:
			_ = l.SetNetworkLayerForChecksum(p.NetworkLayer())
			l.Checksum = 0
			ls = append(ls, l, gopacket.Payload(l.Payload))
		case *layers.ICMPv4:
			l.Checksum = 0
			ls = append(ls, l, gopacket.Payload(l.Payload))
		case *layers.IPv4:
			l.Checksum = 0
			ls = append(ls, l)
		case *layers.Ethernet, *layers.IPv6, *layers.ARP:
			ls = append(ls, l.(gopacket.SerializableLayer))
		}
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// reply turns a probe's frame into its answer, as the far end would.
func reply(t *testing.T, p *Probe, frame []byte) []byte {
	t.Helper()
	b := bytes.Clone(frame)
	copy(b[:6], web1)
	copy(b[6:], web2)
	ip := b[14:]
	at := 20
	swap := func(from, to, size int) {
		tmp := bytes.Clone(ip[from : from+size])
		copy(ip[from:], ip[to:to+size])
		copy(ip[to:], tmp)
	}
	switch {
	case p.Kind == ARP && p.Near.Is4():
		ip[7] = 2
		swap(8, 18, 10)
		return b[:42]
	case p.Kind == ARP:
		ip[40] = 136
		far, near := p.Far.As16(), p.Near.As16()
		copy(ip[8:], far[:])
		copy(ip[24:], near[:])
		return b
	case p.Kind == DHCP:
		ip[28] = 2
		return b
	case p.Near.Is4():
		swap(12, 16, 4)
	default:
		swap(8, 24, 16)
		at = 40
	}
	l4 := ip[at:]
	switch p.Kind {
	case ICMP:
		l4[0] = map[byte]byte{8: 0, 128: 129}[l4[0]]
	case UDP:
		swap(at, at+2, 2)
	case TCP:
		swap(at, at+2, 2)
		be.PutUint32(l4[8:], be.Uint32(l4[4:])+1)
		be.PutUint32(l4[4:], 77)
		l4[13] = 0x12
	}
	return b
}

// unreachable is an error about a frame of IPv4, with so many bytes behind the
// header of what it quotes.
func unreachable(frame []byte, behind int) []byte {
	b := append(bytes.Clone(frame[:14]), 0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1, 0, 0, 10, 20, 0, 1, 10, 20, 0, 11, 3, 3, 0, 0, 0, 0, 0, 0)
	return append(b, frame[14:min(len(frame), 14+20+behind)]...)
}

// TestKnow has a probe know what is its own, and nothing of another probe's that
// is alike but for the token.
func TestKnow(t *testing.T) {
	each(t, func(t *testing.T, p *Probe) {
		other := build(t, p.Kind, p.Flow)
		numbered := p.Kind != ARP || p.Near.Is4()
		for n, f := range p.Frames() {
			if part, got := p.Know(f); part != Sent || numbered && got != n {
				t.Errorf("frame %d is known as %d of %d", n, got, part)
			}
			if part, _ := other.Know(f); part != None && numbered {
				t.Errorf("another probe knows frame %d as %d", n, part)
			}
			answer := reply(t, p, f)
			if part, got := p.Know(answer); part != Answer || p.Kind != ARP && got != n {
				t.Errorf("the answer to %d is known as %d of %d\n%s", n, got, part, hex.Dump(answer))
			}
			if part, _ := other.Know(answer); part != None && p.Kind != ARP {
				t.Errorf("another probe knows the answer to %d as %d", n, part)
			}
			if p.Near.Is4() && p.Kind != ARP && p.Kind != DHCP {
				if part, got := p.Know(unreachable(f, 100)); part != Answer || got != n {
					t.Errorf("an error about %d is known as %d of %d", n, got, part)
				}
				if part, _ := p.Know(unreachable(f, 8)); part != Answer {
					t.Errorf("a short error about %d is known as %d", n, part)
				}
			}
		}
	})
}

// TestStrangers are packets of the same server to the same place.
func TestStrangers(t *testing.T) {
	p := build(t, ARP, four)
	f := p.Frames()[0]
	if part, _ := p.Know(f[:42]); part != None {
		t.Error("a question of the server's own, without the token, is taken for the probe's")
	}
	p = build(t, TCP, four)
	f = p.Frames()[0]
	f[14+20+13] = 0x10 // ACK
	if part, _ := p.Know(f); part != None {
		t.Error("a segment that is no SYN is taken for the probe's")
	}
}

func TestBadFlows(t *testing.T) {
	with := func(change func(*Flow)) Flow { f := four; change(&f); return f }
	for name, c := range map[string]struct {
		kind Kind
		flow Flow
	}{
		"kind":      {"gre", four},
		"none":      {ICMP, with(func(f *Flow) { f.Count = 0 })},
		"too many":  {ICMP, with(func(f *Flow) { f.Count = MaxCount + 1 })},
		"too large": {ICMP, with(func(f *Flow) { f.Size = MaxSize + 1 })},
		"no MAC":    {DHCP, with(func(f *Flow) { f.MAC = nil })},
		"no hop":    {ICMP, with(func(f *Flow) { f.To = nil })},
		"no end":    {ICMP, with(func(f *Flow) { f.Far = netip.Addr{} })},
		"families":  {ICMP, with(func(f *Flow) { f.Far = six.Far })},
		"no port":   {TCP, with(func(f *Flow) { f.Port = 0 })},
	} {
		if _, err := New(c.kind, c.flow); err == nil {
			t.Errorf("%s: it is made", name)
		}
	}
}

func FuzzKnow(f *testing.F) {
	var probes []*Probe
	for _, kind := range Kinds() {
		for _, flow := range []Flow{four, six} {
			p := build(f, kind, flow)
			probes = append(probes, p)
			f.Add(p.Frames()[0])
			if flow.Near.Is4() {
				f.Add(unreachable(p.Frames()[0], 100))
			}
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, p := range probes {
			if part, n := p.Know(frame); part != None && (n < 0 || n >= p.Count) {
				t.Errorf("packet %d of %d", n, p.Count)
			}
		}
	})
}
