package packets

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// sights reads a recording of one packet in the lab: what each device saw of it.
func sights(t testing.TB, name string) map[string]Packet {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Packet{}
	for {
		var p Packet
		i, err := r.Next(&p)
		if err != nil {
			break
		}
		p.Data = slices.Clone(p.Data)
		d := r.Interfaces()[i]
		all[d.Host+"/"+strings.SplitN(d.Device, "-", 2)[0]] = p
	}
	if len(all) < 5 {
		t.Fatalf("%s has %d sights", name, len(all))
	}
	return all
}

// told writes what differs, a line a difference: ! for what should not be, ~
// for what can't be judged.
func told(c *Comparison) string {
	var out []string
	mark := func(j Judgement) string { return [...]string{"~ ", "", "! "}[j] }
	for _, l := range c.Layers {
		name := l.Name
		if l.Outer {
			name = "outer " + name
		}
		switch l.Likeness {
		case OnlyFirst:
			out = append(out, mark(l.Judgement)+"-"+name+": "+l.Why)
		case OnlySecond:
			out = append(out, mark(l.Judgement)+"+"+name+": "+l.Why)
		case Changed:
			for _, f := range l.Fields {
				if f.Name == "checksum" && f.Likeness == Changed { // gopacket knows its value better than a person
					out = append(out, mark(f.Judgement)+name+" checksum: "+f.Why)
				} else if f.Likeness != Same {
					out = append(out, strings.TrimSuffix(fmt.Sprintf("%s%s %s %s>%s: %s", mark(f.Judgement), name, f.Name, f.Fields[0].Value, f.Fields[1].Value, f.Why), ": "))
				}
			}
		}
	}
	return strings.Join(out, "\n")
}

// around is what told writes of a tunnel.
func around(sign, names, why string) string {
	var out []string
	for _, name := range strings.Fields("Ethernet " + names) {
		out = append(out, sign+"outer "+name+": "+why)
	}
	return strings.Join(out, "\n")
}

func summary(c *Comparison) string {
	var out []string
	for _, v := range c.Summary() {
		out = append(out, v.Why)
	}
	return strings.Join(out, "; ")
}

// TestCompareInTheLab holds sights of one packet against each other that were
// captured on the hosts of the lab: a ping by a router, one by NAT, and a SYN.
func TestCompareInTheLab(t *testing.T) {
	for _, c := range []struct{ file, from, to, told, summary string }{
		{"routed", "cmp2/tap303422f8", "cmp2/tap303422f8", "", ""},
		{"tcp", "cmp1/tapb2bcb4c3", "cmp1/qvob2bcb4c3", "", ""},
		{
			"tcp", "cmp1/tapb2bcb4c3", "cmp1/eth1",
			around("+", "IPv4 UDP VXLAN", "put into VXLAN 101"),
			"put into VXLAN 101, 10.99.0.11 to 10.99.0.12",
		},
		{
			"tcp", "cmp2/eth1", "cmp2/tap3796d382",
			around("-", "IPv4 UDP VXLAN", "taken out of VXLAN 101"),
			"taken out of VXLAN 101, 10.99.0.11 to 10.99.0.12",
		},
		{"tcp", "cmp1/eth1", "cmp2/eth1", "", ""},
		{
			"routed", "cmp2/tap303422f8", "cmp1/tapb2bcb4c3", `Ethernet destination fa:16:3e:05:67:b9>fa:16:3e:04:97:92: rewritten by the router
Ethernet source fa:16:3e:65:45:47>fa:16:3e:6d:ef:24: rewritten by the router
IPv4 TTL 64>63: lowered by one router
IPv4 checksum: follows from the other changes`, "TTL lowered by one router",
		},
		{
			"nat", "cmp1/tapb2bcb4c3", "net0/qg", `Ethernet destination fa:16:3e:6d:ef:24>ce:b6:14:ab:1e:3b: rewritten by the router
Ethernet source fa:16:3e:04:97:92>fa:16:3e:e9:fe:06: rewritten by the router
IPv4 TTL 64>63: lowered by one router
IPv4 checksum: follows from the other changes
IPv4 source 10.20.0.11>203.0.113.50: rewritten by NAT
ICMP checksum: follows from what changed
ICMP id 395>44358: rewritten by NAT, as a port would be`,
			"TTL lowered by one router; NAT made source 203.0.113.50 of 10.20.0.11; NAT made ICMP id 44358 of 395",
		},
	} {
		t.Run(c.file+" "+c.from+" "+c.to, func(t *testing.T) {
			all := sights(t, c.file)
			first, ok1 := all[c.from]
			second, ok2 := all[c.to]
			if !ok1 || !ok2 {
				t.Fatalf("the recording has %v", all)
			}
			got := Compare(&first, &second)
			if told(&got) != c.told {
				t.Errorf("got\n%s\nwant\n%s", told(&got), c.told)
			}
			if summary(&got) != c.summary {
				t.Errorf("got  %s\nwant %s", summary(&got), c.summary)
			}
			checkComparison(t, &first, &second)
		})
	}
}

// frame builds an ICMP echo or a TCP segment that a test changes before.
func frameOf(change func(e *layers.Ethernet, i *layers.IPv4, s *layers.TCP), size int) Packet {
	e, i, s := ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolTCP), &layers.TCP{
		SrcPort: 51000, DstPort: 443, Seq: 1000, SYN: true, Window: 502,
		Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 180}}},
	}
	if change != nil {
		change(e, i, s)
	}
	body := payload(size)
	for k := range body {
		body[k] = byte(k)
	}
	return whole(build(e, i, s, body))
}

func poke(p Packet, at int, b ...byte) Packet {
	p.Data = slices.Clone(p.Data)
	copy(p.Data[at:], b)
	return p
}

func TestCompare(t *testing.T) {
	plain := frameOf(nil, 32)
	inline := whole(build(ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 3, Type: layers.EthernetTypeIPv4}, gopacket.Payload(plain.Data[14:])))
	offloaded := plain
	offloaded.TPID, offloaded.VLAN = 0x8100, 3
	vni := func(inner []byte, vni uint32, from, to string, ttl uint8) Packet {
		outer := ip4(layers.IPProtocolUDP)
		outer.SrcIP, outer.DstIP, outer.TTL, outer.Id = ip(from), ip(to), ttl, uint16(vni)
		e := &layers.Ethernet{SrcMAC: mac("0e:eb:94:e8:27:45"), DstMAC: mac("46:b9:98:18:d5:43"), EthernetType: layers.EthernetTypeIPv4}
		return whole(build(e, outer, &layers.UDP{SrcPort: 40000, DstPort: 4789}, &layers.VXLAN{ValidIDFlag: true, VNI: vni}, gopacket.Payload(inner)))
	}
	rewritten := func(change func(i *layers.IPv4, s *layers.TCP)) Packet {
		return frameOf(func(_ *layers.Ethernet, i *layers.IPv4, s *layers.TCP) { change(i, s) }, 32)
	}
	short := plain
	short.Data = short.Data[:64]
	const (
		tcp      = 14 + 20
		checksum = tcp + 16
		body     = tcp + 24
	)
	masked := rewritten(func(i *layers.IPv4, s *layers.TCP) {
		i.SrcIP, i.TTL, s.SrcPort = ip("203.0.113.50"), 63, 1024
	})
	maskedShort := masked
	maskedShort.Data = maskedShort.Data[:64]
	// What Linux leaves for the NIC: the sum of the pseudo header.
	left := fold(sum(plain.Data[26:34]) + 6 + uint64(len(plain.Data)-tcp))
	udp := whole(udp4(5000, 6000, payload(20)))

	for _, c := range []struct {
		name    string
		a, b    Packet
		told    string
		summary string
	}{
		{"the same", plain, plain, "", ""},
		{
			"a tag put on", plain, offloaded,
			"Ethernet type 0x800>0x8100: a VLAN tag follows at one place only\n+802.1Q: VLAN tag 3 was put on", "VLAN tag 3 was put on",
		},
		{
			"a tag taken off", inline, plain,
			"Ethernet type 0x8100>0x800: a VLAN tag follows at one place only\n-802.1Q: VLAN tag 3 was taken off", "VLAN tag 3 was taken off",
		},
		{"a tag that the kernel took off is on the wire all the same", inline, offloaded, "", ""},
		{
			"another tag", offloaded, func() Packet {
				p := offloaded
				p.VLAN = 0xa005
				return p
			}(),
			"~ 802.1Q priority 0>5\n~ 802.1Q VLAN 3>5", "802.1Q priority 0 became 5; 802.1Q VLAN 3 became 5",
		},
		{
			"two tags and one", tagged(inline.Data, 0x88a8, 30), inline,
			"Ethernet type 0x88a8>0x8100: a VLAN tag follows at one place only\n-802.1Q: VLAN tag 30 was taken off", "VLAN tag 30 was taken off",
		},
		{"TTL rises", plain, rewritten(func(i *layers.IPv4, _ *layers.TCP) { i.TTL = 70 }), `! IPv4 TTL 64>70: it rose, and no router raises it
IPv4 checksum: follows from the other changes`, "TTL 64 became 70"},
		{"MAC without a router", plain, frameOf(func(e *layers.Ethernet, _ *layers.IPv4, _ *layers.TCP) {
			e.SrcMAC = mac("fa:16:3e:00:00:99")
		}, 32), "~ Ethernet source fa:16:3e:0a:11:01>fa:16:3e:00:00:99: no router passed it on: TTL is the same", "Ethernet source fa:16:3e:0a:11:01 became fa:16:3e:00:00:99"},
		{
			"NAT of an address and a port", plain, masked, `IPv4 TTL 64>63: lowered by one router
IPv4 checksum: follows from the other changes
IPv4 source 10.20.0.11>203.0.113.50: rewritten by NAT
TCP source port 51000>1024: rewritten by NAT
TCP checksum: follows from what changed`,
			"TTL lowered by one router; NAT made source 203.0.113.50 of 10.20.0.11; NAT made source port 1024 of 51000",
		},
		{
			"NAT, of which little was captured", short, maskedShort, `IPv4 TTL 64>63: lowered by one router
IPv4 checksum: follows from the other changes
IPv4 source 10.20.0.11>203.0.113.50: rewritten by NAT
TCP source port 51000>1024: rewritten by NAT
TCP checksum: follows from what changed, as far as it was captured`,
			"TTL lowered by one router; NAT made source 203.0.113.50 of 10.20.0.11; NAT made source port 1024 of 51000",
		},
		{
			"little was captured, and the checksum does not fit", short, poke(short, checksum, 1, 2),
			"~ TCP checksum: ", "TCP checksum 0xc3eb became 0x102",
		},
		{
			"a wrong checksum", plain, poke(plain, checksum, 1, 2),
			"! TCP checksum: it is wrong, and the receiver drops the packet", "TCP checksum: it is wrong, and the receiver drops the packet",
		},
		{
			"a checksum that the NIC fills in", poke(plain, checksum, byte(left>>8), byte(left)), plain,
			"TCP checksum: left to the hardware at one place", "",
		},
		{
			"garbage that the NIC replaces", poke(plain, checksum, 1, 2), plain,
			"TCP checksum: it was not filled in yet at the first place", "",
		},
		{
			"a header checksum that is wrong", plain, poke(plain, 14+10, 1, 2),
			"! IPv4 checksum: it is wrong, and the receiver drops the packet", "checksum: it is wrong, and the receiver drops the packet",
		},
		{
			"UDP without a checksum", udp, poke(udp, tcp+6, 0, 0),
			"UDP checksum: 0 means that there is none", "",
		},
		{
			"MSS lowered", plain, rewritten(func(_ *layers.IPv4, s *layers.TCP) { s.Options[0].OptionData = []byte{5, 100} }),
			"TCP checksum: follows from what changed\nTCP option MSS 1460>MSS 1380: lowered to fit a tunnel or a narrow link", "TCP option MSS 1460 became MSS 1380",
		},
		{
			"a content that changed, and its checksum with it", plain, func() Packet {
				p := poke(plain, body+20, 0xff)
				be.PutUint16(p.Data[checksum:], 0)
				be.PutUint16(p.Data[checksum:], ^fold(sum(p.Data[26:34])+6+uint64(len(p.Data)-tcp)+sum(p.Data[tcp:])))
				return p
			}(),
			"TCP checksum: follows from what changed\n! Payload from byte 20 1415161718191a1b>ff15161718191a1b: nothing on the way changes what is inside",
			"the Payload differs from byte 20 on",
		},
		{"what was kept", plain, short, `Payload bytes 32>6: the captures kept different lengths
Payload begins with 000102030405060708090a0b0c0d0e0f>000102030405: the captures kept different lengths`, ""},
		{
			"a header that was not kept", plain, func() Packet {
				p := plain
				p.Data = p.Data[:tcp]
				return p
			}(),
			"-TCP: the other capture kept only 34 of 90 bytes\n-Payload: the other capture kept only 34 of 90 bytes", "the other capture kept only 34 of 90 bytes",
		},
		{
			"padding", frameOf(nil, 0), whole(append(frameOf(nil, 0).Data, 0, 0)),
			"Trailer bytes 2>4: padding of a short frame", "",
		},
		{
			"a length that changed", plain, frameOf(nil, 33), `! IPv4 total length 76>77: nothing on the way makes a packet longer or shorter
IPv4 checksum: follows from the other changes
TCP checksum: follows from what changed
~ Payload bytes 32>33`, "total length 76 became 77; Payload bytes 32 became 33",
		},
		{
			"congestion", rewritten(func(i *layers.IPv4, _ *layers.TCP) { i.TOS = 2 }), rewritten(func(i *layers.IPv4, _ *layers.TCP) { i.TOS = 3 }),
			"IPv4 ECN 2>3: a router marked congestion\nIPv4 checksum: follows from the other changes", "ECN 2 became 3",
		},
		{
			"the same tunnel, past a router", vni(plain.Data, 7, "10.9.0.1", "10.9.0.2", 64), vni(plain.Data, 7, "10.9.0.1", "10.9.0.2", 62),
			"outer IPv4 TTL 64>62: lowered by 2 routers\nouter IPv4 checksum: follows from the other changes", "the tunnel's TTL lowered by 2 routers",
		},
		{
			"a tunnel within a tunnel", vni(plain.Data, 7, "10.20.0.11", "10.20.0.22", 64),
			vni(vni(plain.Data, 7, "10.20.0.11", "10.20.0.22", 64).Data, 8, "10.9.0.1", "10.9.0.2", 64),
			around("+", "IPv4 UDP VXLAN", "put into VXLAN 8"), "put into VXLAN 8, 10.9.0.1 to 10.9.0.2",
		},
		{
			"a tunnel within a tunnel, of which little was captured",
			vni(plain.Data, 7, "10.20.0.11", "10.20.0.22", 64), cutTo(vni(vni(plain.Data, 7, "10.20.0.11", "10.20.0.22", 64).Data, 8, "10.9.0.1", "10.9.0.2", 64).Data, 92),
			around("+", "IPv4 UDP VXLAN", "put into VXLAN 8") + `
-outer VXLAN: the other capture kept only 92 of 190 bytes
-Ethernet: the other capture kept only 92 of 190 bytes
-IPv4: the other capture kept only 92 of 190 bytes
-TCP: the other capture kept only 92 of 190 bytes
-Payload: the other capture kept only 92 of 190 bytes`,
			"put into VXLAN 8, 10.9.0.1 to 10.9.0.2; the other capture kept only 92 of 190 bytes",
		},
		{
			"out of Geneve", whole(udp4(40000, 6081, gopacket.Payload(append(unhex("0200655800006500"+"0103010100000000"), plain.Data...)))), plain,
			around("-", "IPv4 UDP Geneve", "taken out of Geneve 101"), "taken out of Geneve 101, 10.20.0.11 to 10.20.0.22",
		},
		{
			"into GRE", plain, whole(build(ether(layers.EthernetTypeIPv4), ip4(layers.IPProtocolGRE),
				&layers.GRE{Protocol: layers.EthernetTypeTransparentEthernetBridging, KeyPresent: true, Key: 77}, gopacket.Payload(plain.Data))),
			around("+", "IPv4 GRE", "put into GRE 77"), "put into GRE 77, 10.20.0.11 to 10.20.0.22",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkComparison(t, &c.a, &c.b)
			got := Compare(&c.a, &c.b)
			if told(&got) != c.told {
				t.Errorf("got\n%s\nwant\n%s", told(&got), c.told)
			}
			if summary(&got) != c.summary {
				t.Errorf("got  %s\nwant %s", summary(&got), c.summary)
			}
		})
	}
}

// checkComparison fails where a comparison loses a header, tells of a
// difference between equal things, or is not the same turned round twice.
func checkComparison(t *testing.T, a, b *Packet) {
	t.Helper()
	before := [2][]byte{slices.Clone(a.Data), slices.Clone(b.Data)}
	c := Compare(a, b)
	for side, p := range []*Packet{a, b} {
		if !bytes.Equal(p.Data, before[side]) {
			t.Fatal("the packet was changed")
		}
		var have, want []string
		for _, l := range c.Layers {
			if l := l.Layers[side]; l != nil {
				have = append(have, l.Name+fmt.Sprint(l.Fields))
				c.Sides[side].Bytes(l)
			}
		}
		for _, l := range c.Sides[side].Layers {
			want = append(want, l.Name+fmt.Sprint(l.Fields))
		}
		if !slices.Equal(have, want) {
			t.Fatalf("side %d has\n%v\nwant\n%v", side, have, want)
		}
	}
	for _, l := range c.Layers {
		checkPair(t, l.Name, l.Likeness, l.Layers[0] != nil, l.Layers[1] != nil, l.Verdict)
		for _, f := range l.Fields {
			checkPair(t, f.Name, f.Likeness, f.Fields[0].Name != "", f.Fields[1].Name != "", f.Verdict)
			if f.Likeness == Changed == (f.Fields[0].Value == f.Fields[1].Value) && f.Likeness <= Changed {
				t.Fatalf("%s: %+v", l.Name, f)
			}
			for side, v := range f.Fields {
				if v.Offset < 0 || v.Length < 0 || v.Offset+v.Length > len(c.Sides[side].Data) {
					t.Fatalf("%s: %+v", l.Name, f)
				}
			}
		}
	}
	for _, v := range c.Summary() {
		if v.Why == "" || strings.ContainsFunc(v.Why, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q", v.Why)
		}
	}
	text, sides := told(&c), c.Sides
	c.Swap()
	if once := told(&c); strings.Contains(text, "+") && once == text || !bytes.Equal(c.Sides[0].Data, sides[1].Data) {
		t.Fatalf("not turned round:\n%s", once)
	}
	c.Swap()
	if again := told(&c); text != again {
		t.Fatalf("turned round twice:\n%s\n%s", text, again)
	}
	if same := Compare(a, a); told(&same) != "" || len(same.Summary()) > 0 {
		t.Fatalf("a packet differs from itself: %s", told(&same))
	}
}

func checkPair(t *testing.T, name string, l Likeness, first, second bool, v Verdict) {
	t.Helper()
	if name == "" || first != (l != OnlySecond) || second != (l != OnlyFirst) || l == Same && (v.Why != "" || v.Judgement != Unjudged) {
		t.Fatalf("%q: likeness %d, there %v %v, %+v", name, l, first, second, v)
	}
}

// TestCompareSamples lays all samples beside each other, whole and cut.
func TestCompareSamples(t *testing.T) {
	all := samples(t)
	for _, a := range all {
		for _, b := range all {
			checkComparison(t, &a.packet, &b.packet)
		}
		for n := range len(a.packet.Data) + 1 {
			p := a.packet
			p.Data = p.Data[:n]
			checkComparison(t, &a.packet, &p)
		}
	}
	p, q := whole(deep(30)), whole(deep(29))
	checkComparison(t, &p, &q)
}

func FuzzCompare(f *testing.F) {
	all := samples(f)
	for i, s := range all {
		f.Add(s.packet.Data, all[(i+1)%len(all)].packet.Data, s.packet.TPID, uint16(i))
	}
	f.Fuzz(func(t *testing.T, a, b []byte, tpid, longer uint16) {
		checkComparison(t, &Packet{Data: a, Length: uint32(len(a)) + uint32(longer), TPID: tpid}, &Packet{Data: b, Length: uint32(len(b))})
	})
}
