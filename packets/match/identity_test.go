package match

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"steth/packets"
)

func identityOf(t *testing.T, i *identifier, b []byte) identity {
	t.Helper()
	var f frame
	if bad := f.strip(&packets.Packet{Length: uint32(len(b)), Data: b}, NoTunnel); bad != none {
		t.Fatalf("problem %d", bad)
	}
	var id identity
	if bad := i.identify(&Hop{}, &f, &id); bad != none {
		t.Fatalf("problem %d", bad)
	}
	return id
}

func newIdentifier(o Options) *identifier {
	if err := o.complete(); err != nil {
		panic(err)
	}
	return &identifier{seed: maphash.MakeSeed(), options: &o}
}

// TestKeys changes one thing of a packet: what hops change leaves the key as
// it is, everything else makes another packet.
func TestKeys(t *testing.T) {
	i := newIdentifier(Options{})
	tests := []struct {
		name   string
		packet packet
		change func(*packet)
		same   bool
	}{
		{"TTL", segment(1, 2, 30), func(p *packet) { p.ttl-- }, true},
		{"IP id", segment(1, 2, 30), func(p *packet) { p.id++ }, false},
		{"source", segment(1, 2, 30), func(p *packet) { p.src = p.src.Next() }, false},
		{"port", segment(1, 2, 30), func(p *packet) { p.sport++ }, false},
		{"seq", segment(1, 2, 30), func(p *packet) { p.seq++ }, false},
		{"ack", segment(1, 2, 30), func(p *packet) { p.ack++ }, false},
		{"flags", segment(1, 2, 30), func(p *packet) { p.tcp = "A" }, false},
		{"length", segment(1, 2, 30), func(p *packet) { p.payload = p.payload[1:] }, false},
		{"payload", segment(1, 2, 30), func(p *packet) { p.payload = append([]byte{1}, p.payload[1:]...) }, false},
		{"behind the prefix", segment(1, 2, 300), func(p *packet) { p.payload = append(make([]byte, 299), 1) }, true},
		{"echo id", echo(1, false), func(p *packet) { p.sport++ }, false},
		{"echo seq", echo(1, false), func(p *packet) { p.seq++ }, false},
		{"reply", echo(1, false), func(p *packet) { p.icmp = layers.CreateICMPv4TypeCode(0, 0) }, false},
		{"UDP payload", datagramOf(0, "a"), func(p *packet) { p.payload = []byte("b") }, false},
		{"place of a fragment", packet{src: near, dst: far, proto: layers.IPProtocolUDP, id: 3, offset: 8, payload: make([]byte, 8)}, func(p *packet) { p.offset = 16 }, false},
		{"fragment", datagramOf(3, "12345678"), func(p *packet) { p.more = true }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := identityOf(t, i, test.packet.frame())
			test.change(&test.packet)
			if got := identityOf(t, i, test.packet.frame()).key == before.key; got != test.same {
				t.Errorf("the same: %v", got)
			}
		})
	}
}

// TestKeysOfARP: what a question says of its target's Ethernet address means
// nothing; an answer's does.
func TestKeysOfARP(t *testing.T) {
	i := newIdentifier(Options{})
	for op, same := range map[uint16]bool{1: true, 2: false} {
		f := arpFrame(op, near, far)
		before := identityOf(t, i, f).key
		f[ethernet+18] ^= 1
		if got := identityOf(t, i, f).key == before; got != same {
			t.Errorf("operation %d with another target: the same: %v", op, got)
		}
		f[ethernet+8] ^= 1
		if identityOf(t, i, f).key == before {
			t.Errorf("operation %d from another sender is the same", op)
		}
	}
	for at, b := range map[int]byte{1: 6, 3: 1, 4: 5, 5: 16} { // hardware, protocol, their lengths
		f := arpFrame(1, near, far)
		f[ethernet+at] = b
		var fr frame
		if bad := fr.strip(&packets.Packet{Data: f, Length: uint32(len(f))}, AnyTunnel); bad != none {
			t.Fatal(bad)
		}
		if bad := i.identify(&Hop{}, &fr, new(identity)); bad != foreign {
			t.Errorf("byte %d is %d: %d, want foreign", at, b, bad)
		}
	}
}

// TestKeyOfOptions: duplicate acknowledgements differ in their timestamps
// only; a SYN's MSS is clamped on its way.
func TestKeyOfOptions(t *testing.T) {
	i := newIdentifier(Options{})
	with := func(syn bool, kind layers.TCPOptionKind, data ...byte) identity {
		tcp := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: 3, SYN: syn, ACK: !syn, Options: []layers.TCPOption{
			{OptionType: kind, OptionLength: uint8(2 + len(data)), OptionData: data},
		}}
		ls := segment(1, 1, 0).layers()
		return identityOf(t, i, serialise(ls[0], ls[1], tcp))
	}
	if with(false, layers.TCPOptionKindTimestamps, 1, 1, 1, 1, 2, 2, 2, 2).key == with(false, layers.TCPOptionKindTimestamps, 1, 1, 1, 2, 2, 2, 2, 2).key {
		t.Error("two acknowledgements are one")
	}
	if with(true, layers.TCPOptionKindMSS, 5, 180).key != with(true, layers.TCPOptionKindMSS, 5, 100).key {
		t.Error("a SYN with its MSS clamped is another")
	}
}

func udp6(src, dst string, sport, dport layers.UDPPort, hops uint8, payload string) []byte {
	return serialise(
		&layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: layers.EthernetTypeIPv6},
		&layers.IPv6{
			Version: 6, HopLimit: hops, NextHeader: layers.IPProtocolUDP, FlowLabel: 77,
			SrcIP: netip.MustParseAddr(src).AsSlice(), DstIP: netip.MustParseAddr(dst).AsSlice(),
		},
		&layers.UDP{SrcPort: sport, DstPort: dport}, gopacket.Payload(payload))
}

func TestKeysOfIPv6(t *testing.T) {
	i := newIdentifier(Options{})
	a := identityOf(t, i, udp6("fd00::1", "fd00::2", 7, 8, 64, "hello"))
	if b := identityOf(t, i, udp6("fd00::1", "fd00::2", 7, 8, 63, "hello")); a.key != b.key {
		t.Error("the hop limit makes another packet")
	}
	if b := identityOf(t, i, udp6("fd00::1", "fd00::2", 7, 8, 64, "hallo")); a.key == b.key {
		t.Error("the payload makes no other packet")
	}
	if b := identityOf(t, i, udp6("fd00::1", "fd00::3", 7, 8, 64, "hello")); a.key == b.key {
		t.Error("the address makes no other packet")
	}
}

// TestPairs checks who answers whom.
func TestPairs(t *testing.T) {
	i := newIdentifier(Options{})
	udp := func(src, dst netip.Addr, sport, dport uint16, payload []byte) []byte {
		return packet{src: src, dst: dst, proto: layers.IPProtocolUDP, ttl: 64, sport: sport, dport: dport, payload: payload}.frame()
	}
	dhcp := func(op byte, xid byte) []byte {
		b := make([]byte, 240)
		b[0], b[7] = op, xid
		return b
	}
	zero, all := netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255")
	solicit := func(kind uint8, dst string, target byte) []byte {
		body := append(make([]byte, 19), target)
		return serialise(
			&layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: layers.EthernetTypeIPv6},
			&layers.IPv6{
				Version: 6, HopLimit: 255, NextHeader: layers.IPProtocolICMPv6,
				SrcIP: netip.MustParseAddr("fd00::1").AsSlice(), DstIP: netip.MustParseAddr(dst).AsSlice(),
			},
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, 0)}, gopacket.Payload(body))
	}
	syn, synack, refused := segment(1, 99, 0), segment(0, 7, 0).back(), segment(0, 0, 0).back()
	syn.tcp, synack.tcp, synack.ack, refused.tcp, refused.ack = "S", "SA", 100, "RA", 100
	tests := []struct {
		name             string
		question, answer []byte
		pair             bool
	}{
		{"echo", echo(1, false).frame(), echo(1, true).frame(), true},
		{"another echo", echo(1, false).frame(), echo(2, true).frame(), false},
		{"ARP", arpFrame(1, near, far), arpFrame(2, far, near), true},
		{"ARP of another", arpFrame(1, near, far), arpFrame(2, far.Next(), near), false},
		{"SYN", syn.frame(), synack.frame(), true},
		{"SYN refused", syn.frame(), refused.frame(), true},
		{"DNS", udp(near, far, 4000, 53, []byte{9, 9, 1, 0}), udp(far, near, 53, 4000, []byte{9, 9, 0x81, 0}), true},
		{"another id", udp(near, far, 4000, 53, []byte{9, 9, 1, 0}), udp(far, near, 53, 4000, []byte{9, 8, 0x81, 0}), false},
		{"DHCP", udp(zero, all, 68, 67, dhcp(1, 5)), udp(far, near, 67, 68, dhcp(2, 5)), true},
		{"another client", udp(zero, all, 68, 67, dhcp(1, 5)), udp(far, near, 67, 68, dhcp(2, 6)), false},
		{"neighbour", solicit(135, "ff02::1:ff00:2", 2), solicit(136, "fd00::1", 2), true},
		{"another neighbour", solicit(135, "ff02::1:ff00:2", 2), solicit(136, "fd00::1", 3), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q, a := identityOf(t, i, test.question), identityOf(t, i, test.answer)
			if q.role != asks || a.role != answers {
				t.Errorf("roles %d and %d", q.role, a.role)
			}
			if (q.pair == a.pair) != test.pair || q.key == a.key {
				t.Errorf("pair %x and %x", q.pair, a.pair)
			}
		})
	}
}

// TestErrorsSurviveNAT: an ICMP error quotes the packet as it was behind the
// router, with other addresses, TTL and checksum.
func TestErrorsSurviveNAT(t *testing.T) {
	quoting := func(to netip.Addr, quoted packet) []byte {
		q := quoted.frame()[ethernet:][:28]
		return packet{
			src: far, dst: to, proto: layers.IPProtocolICMPv4, ttl: 60, icmp: layers.CreateICMPv4TypeCode(3, 4), seq: 1400, payload: q,
		}.frame()
	}
	outside, inside := segment(7, 100, 1000), segment(7, 100, 1000)
	outside.src, outside.ttl, outside.sport = public, 3, 1024
	i := newIdentifier(Options{AnyAddress: true, AnyPort: true})
	a, b := identityOf(t, i, quoting(public, outside)), identityOf(t, i, quoting(near, inside))
	if a.key != b.key {
		t.Error("NAT made another error of it")
	}
	inside.seq++
	if c := identityOf(t, i, quoting(near, inside)); c.key == b.key {
		t.Error("errors about two segments are one")
	}
}

// TestEveryCut: a capture that kept too little of a packet gives no row, or
// the same one.
// withOptions is an IPv4 packet with four bytes of options.
func withOptions() []byte {
	f := segment(1, 2, 300).frame()
	f = slices.Concat(f[:ethernet+20], []byte{1, 1, 1, 0}, f[ethernet+20:])
	f[ethernet] = 0x46
	be.PutUint16(f[ethernet+2:], uint16(len(f)-ethernet))
	return f
}

func TestEveryCut(t *testing.T) {
	i := newIdentifier(Options{})
	for _, whole := range [][]byte{
		segment(1, 2, 300).frame(), echo(1, false).frame(), arpFrame(1, near, far), udp6("fd00::1", "fd00::2", 7, 8, 64, "hello"), extended(), withOptions(),
	} {
		want := identityOf(t, i, whole)
		for n := range whole {
			var f frame
			var id identity
			bad := f.strip(&packets.Packet{Length: uint32(len(whole)), Data: whole[:n]}, NoTunnel)
			if bad == none {
				bad = i.identify(&Hop{}, &f, &id)
			}
			switch {
			case bad == none && id != want:
				t.Fatalf("cut to %d bytes it is another packet", n)
			case bad == none && n < ethernet+28, bad == malformed:
				t.Fatalf("cut to %d bytes: problem %d", n, bad)
			}
		}
	}
}
