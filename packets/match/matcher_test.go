package match

import (
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"

	"steth/packets"
)

// lab is the path of most tests: a tap and a NIC on one host, the fabric, a
// NIC and a tap on another; VXLAN between the NICs.
func lab() []Hop {
	tunnel := Encap{Tunnel: VXLAN, VNI: 1042}
	return []Hop{
		{Passing: Entering, Encap: Encap{Tunnel: NoTunnel}, Clock: 1},
		{Passing: Leaving, Encap: tunnel, Clock: 1},
		{Blind: true},
		{Passing: Entering, Encap: tunnel, Clock: 2},
		{Passing: Leaving, Encap: Encap{Tunnel: NoTunnel}, Clock: 2},
	}
}

// send sends p along lab's path; at each hop it's seen so many ms after t.
func send(m *Matcher, p packet, t int64, hops ...int) {
	delays := map[int]int64{0: 0, 1: 60_000, 3: 310_000, 4: 380_000}
	for _, h := range hops {
		frame, snap, kind := p.frame(), 128, uint8(0)
		if h == 1 || h == 3 {
			frame, snap = wrap(frame, VXLAN, 1042, "10.99.0.11", "10.99.0.12"), 192
		}
		d := delays[h]
		back := p.src == far
		if back {
			d = 380_000 - d
		}
		if (m.hops[h].Passing == Leaving) != back {
			kind = outgoing
		}
		sight(m, h, t+d, frame, snap, kind)
	}
}

// picture is a row as the mock of the page shows it.
func picture(r *Row) string {
	var b strings.Builder
	for _, mark := range r.Marks {
		switch mark.State {
		case First:
			b.WriteString(" o")
		case Seen:
			fmt.Fprintf(&b, " +%.2f", float64(mark.Delay)/1e6)
		case Missed:
			b.WriteString(" x")
		case Blind:
			b.WriteString(" b")
		case NotKnown:
			b.WriteString(" ?")
		default:
			b.WriteString(" " + mark.State.String())
		}
	}
	s := r.Direction.String() + b.String() + " " + r.Verdict.String()
	if r.Verdict == Lost {
		s += fmt.Sprintf(" %d..%d", r.From, r.To)
	}
	if a := r.Answer.String(); a != "" {
		s += " " + a
	}
	return s
}

func TestRows(t *testing.T) {
	all := []int{0, 1, 3, 4}
	tests := []struct {
		name string
		do   func(m *Matcher)
		want []string
	}{
		{"ping", func(m *Matcher) {
			send(m, echo(1, false), start, all...)
			send(m, echo(1, true), start+ms, 4, 3, 1, 0)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered answered", "back +0.38 +0.32 b +0.07 o delivered"}},
		{"far host first", func(m *Matcher) {
			send(m, echo(1, false), start, 4, 3)
			send(m, echo(1, true), start+ms, 4, 3)
			send(m, echo(1, false), start, 0, 1)
			send(m, echo(1, true), start+ms, 1, 0)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered answered", "back +0.38 +0.32 b +0.07 o delivered"}},
		{"lost in the fabric", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1)
		}, []string{"out o +0.06 b x x lost 1..3 unanswered"}},
		{"reply lost at the last bridge", func(m *Matcher) {
			send(m, echo(1, false), start, all...)
			send(m, echo(1, true), start+ms, 4, 3, 1)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered answered", "back x +0.32 b +0.07 o lost 1..0"}},
		{"a gap accuses nobody", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1)
			m.Gap(3, start-200*ms, start+200*ms, 5)
		}, []string{"out o +0.06 b ? x lost 1..4 unanswered"}},
		{"gaps at all later hops", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1)
			m.Gap(3, start-200*ms, start+200*ms, 5)
			m.Gap(4, start+900*ms, start+950*ms, 1)
		}, []string{"out o +0.06 b ? ? unknown unanswered"}},
		{"a gap of another time", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1)
			m.Gap(3, start-900*ms, start-500*ms, 5)
		}, []string{"out o +0.06 b x x lost 1..3 unanswered"}},
		{"started later, ended earlier", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1)
			m.Start(3, start+ms)
			m.Stop(4, start-ms)
		}, []string{"out o +0.06 b ? ? unknown unanswered"}},
		{"stopped and started again", func(m *Matcher) {
			m.Stop(3, start)
			m.Start(3, start+10*ms)
			for i, at := range []int64{start - 2000*ms, start + ms, start + 20*ms} {
				send(m, echo(uint16(i+1), false), at, 0, 1)
			}
		}, []string{"out o +0.06 b x x lost 1..3 unanswered", "out o +0.06 b ? x lost 1..4 unanswered", "out o +0.06 b x x lost 1..3 unanswered"}},
		{"skipped in the middle", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 3, 4)
		}, []string{"out o skipped b +0.31 +0.38 delivered unanswered"}},
		{"from nowhere", func(m *Matcher) {
			send(m, echo(1, false), start, 3)
		}, []string{"out before before b o x unknown unanswered"}},
		{"an answer proves the question", func(m *Matcher) {
			send(m, echo(1, false), start, 0)
			send(m, echo(1, true), start+ms, 0)
		}, []string{"out o x b x x delivered answered", "back o before b before before delivered"}},
		{"retransmission", func(m *Matcher) {
			send(m, segment(5, 1000, 100), start, 0, 1)
			send(m, segment(6, 1000, 100), start+200*ms, all...)
		}, []string{"out o +0.06 b x x lost 1..3", "out o +0.06 b +0.31 +0.38 delivered"}},
		{"handshake", func(m *Matcher) {
			syn := segment(1, 99, 0)
			syn.tcp = "S"
			ack := segment(0, 5000, 0).back()
			ack.tcp, ack.ack = "SA", 100
			send(m, syn, start, all...)
			send(m, ack, start+ms, 4, 3, 1, 0)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered answered", "back +0.38 +0.32 b +0.07 o delivered"}},
		{"copied in the fabric", func(m *Matcher) {
			send(m, datagramOf(4, "x"), start, all...)
			send(m, datagramOf(4, "x"), start+ms/10, 3, 4)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered", "out before before b o +0.07 duplicate"}},
		{"copies seen before the original", func(m *Matcher) {
			send(m, datagramOf(4, "x"), start, 3, 4)
			send(m, datagramOf(4, "x"), start+ms/10, 3, 4)
			send(m, datagramOf(4, "x"), start, 0, 1)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered", "out before before b o +0.07 duplicate"}},
		{"sent again, byte for byte, the first lost", func(m *Matcher) {
			send(m, datagramOf(0, "x"), start, 0, 1)
			send(m, datagramOf(0, "x"), start+20*ms, all...)
		}, []string{"out o +0.06 b x x lost 1..3", "out o +0.06 b +0.31 +0.38 delivered"}},
		{"the same, far host first", func(m *Matcher) {
			send(m, datagramOf(0, "x"), start+20*ms, 3, 4)
			send(m, datagramOf(0, "x"), start, 0, 1)
			send(m, datagramOf(0, "x"), start+20*ms, 0, 1)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered", "out o +0.06 b x x lost 1..3"}},
		{"slow, and sent again byte for byte", func(m *Matcher) {
			send(m, datagramOf(0, "x"), start, 0, 1)
			send(m, datagramOf(0, "x"), start+20*ms, 0, 1)
			send(m, datagramOf(0, "x"), start+60*ms, 0, 1)
			send(m, datagramOf(0, "x"), start+50*ms, 3, 4)
			send(m, datagramOf(0, "x"), start+100*ms, 3, 4)
		}, []string{
			"out o +0.06 b x x lost 1..3", "out o +0.06 b +30.31 +30.38 delivered", "out o +0.06 b +40.31 +40.38 delivered",
		}},
		{"late", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1)
			send(m, echo(1, false), start+3000*ms, 3, 4)
		}, []string{"out o +0.06 b +3000.31 +3000.38 delivered unanswered"}},
		{"too late to be sure", func(m *Matcher) {
			send(m, datagramOf(0, "x"), start, 0, 1)
			send(m, datagramOf(0, "x"), start+3000*ms, 3, 4)
		}, []string{"out o +0.06 b x x unknown", "out before before b o +0.07 delivered"}},
		{"there and back", func(m *Matcher) {
			send(m, datagramOf(0, "x"), start, 0, 1)
			f := datagramOf(0, "x").frame()
			m.options.Near, m.options.Far = nil, nil
			sight(m, 0, start+ms/10, f, 0, outgoing) // something sent it back
			send(m, datagramOf(0, "x"), start, 3, 4)
		}, []string{"out o +0.06 b +0.31 +0.38 delivered", "back o before b before before delivered"}},
		{"back from nowhere", func(m *Matcher) {
			m.options.Near, m.options.Far = nil, nil
			send(m, datagramOf(5, "x"), start, 0)
			sight(m, 1, start+ms, wrap(datagramOf(5, "x").frame(), VXLAN, 1042, "10.99.0.12", "10.99.0.11"), 192, 0)
		}, []string{"out o x b x x lost 0..1", "back x o b before before unknown"}},
		{"right in the end", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1, 4)
			sight(m, 3, start+310_000, wrap(echo(1, false).frame(), VXLAN, 7, "10.99.0.11", "10.99.0.12"), 192, 0)
		}, []string{"out o +0.06 b astray +0.38 delivered unanswered"}},
		{"too large for the wire", func(m *Matcher) {
			send(m, segment(1, 1, 4000), start, 0)
			send(m, segment(1, 1, 1400), start, 1, 3, 4)
			send(m, segment(2, 1401, 1400), start, 1, 3)
		}, []string{"out o ? b ? ? unknown", "out ? o b +0.25 +0.32 delivered", "out ? o b +0.25 x lost 3..4"}},
		{"fragmented on its way", func(m *Matcher) {
			send(m, datagramOf(9, strings.Repeat("a", 100)), start, 0, 1)
			first := datagramOf(9, strings.Repeat("a", 40))
			first.more = true
			rest := packet{src: near, dst: far, proto: layers.IPProtocolUDP, id: 9, offset: 48, payload: make([]byte, 60)}
			send(m, first, start, 3, 4)
			send(m, rest, start, 3, 4)
		}, []string{
			"out o +0.06 b ? ? unknown",
			"out before before b o +0.07 delivered", "out before before b o +0.07 delivered",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMatcher(t, lab(), Options{Rows: 64})
			test.do(m)
			m.Advance(start + 10_000*ms)
			rows := rowsOf(m)
			var got []string
			for i := range rows {
				got = append(got, picture(&rows[i]))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestFlags(t *testing.T) {
	all := []int{0, 1, 3, 4}
	tests := []struct {
		name string
		do   func(m *Matcher)
		want Flags
		not  Flags
	}{
		{"retransmission has a new id", func(m *Matcher) {
			send(m, segment(5, 1000, 100), start, all...)
			send(m, segment(6, 1000, 100), start+200*ms, all...)
		}, Resent, Guessed},
		{"an acknowledgement repeated is none", func(m *Matcher) {
			send(m, segment(5, 1000, 0), start, all...)
			send(m, segment(6, 1000, 0), start+200*ms, all...)
		}, 0, Resent},
		{"the next segment is no retransmission", func(m *Matcher) {
			send(m, segment(5, 1000, 100), start, all...)
			send(m, segment(6, 1100, 100), start+200*ms, all...)
		}, 0, Resent},
		{"echo sent again", func(m *Matcher) {
			send(m, echo(1, false), start, all...)
			send(m, echo(1, false), start+20*ms, all...)
		}, Resent, Appeared},
		{"a copy isn't sent again", func(m *Matcher) {
			send(m, echo(1, false), start, all...)
			send(m, echo(1, false), start, 3, 4)
		}, 0, Resent | Appeared},
		{"overtaken", func(m *Matcher) {
			send(m, echo(2, false), start+ms, 0, 1)
			send(m, echo(2, false), start-ms, 3, 4)
			send(m, echo(1, false), start, all...)
		}, Reordered, Late},
		{"two halves are no repetition", func(m *Matcher) {
			f := arpFrame(1, near, far)
			sight(m, 0, start, f, 0, 0)
			sight(m, 4, start+3000*ms, f, 0, outgoing)
		}, Appeared, Resent},
		{"overtaken on the way back", func(m *Matcher) {
			send(m, echo(2, true), start+ms, 4, 3)
			send(m, echo(2, true), start-ms, 1, 0)
			send(m, echo(1, true), start, all...)
		}, Reordered, Late},
		{"right in the end", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1, 4)
			sight(m, 3, start+310_000, wrap(echo(1, false).frame(), VXLAN, 7, "10.99.0.11", "10.99.0.12"), 192, 0)
		}, Astray, Bypassed},
		{"late", func(m *Matcher) {
			send(m, echo(1, false), start, 0, 1)
			send(m, echo(1, false), start+1500*ms, 3, 4)
		}, Late, Reordered | Guessed},
		{"fragment", func(m *Matcher) {
			p := datagramOf(4, "01234567")
			p.more = true
			send(m, p, start, all...)
		}, Fragment, Appeared},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMatcher(t, lab(), Options{Rows: 64})
			test.do(m)
			m.Advance(start + 10_000*ms)
			rows := rowsOf(m)
			last := rows[len(rows)-1]
			if last.Flags&test.want != test.want || last.Flags&test.not != 0 {
				t.Errorf("flags %b, want %b and not %b: %s", last.Flags, test.want, test.not, picture(&last))
			}
		})
	}
}

// TestEnter has packets that are sent behind the first hop, and one that isn't.
func TestEnter(t *testing.T) {
	for entry, want := range map[int][]string{
		0: {"out before o b x x unknown unanswered", "back x x b +0.07 o lost 3..1"},
		1: {"out before o b x x lost 1..3 unanswered", "back x x b +0.07 o lost 3..1"},
	} {
		m := newMatcher(t, lab(), Options{Rows: 64})
		m.Enter(entry)
		send(m, echo(1, false), start, 1)
		send(m, echo(2, true), start, 4, 3) // on the way back the first hop sees all
		m.Advance(start + 10_000*ms)
		var got []string
		for _, r := range rowsOf(m) {
			got = append(got, picture(&r))
		}
		if !slices.Equal(got, want) {
			t.Errorf("entry %d: got\n%s\nwant\n%s", entry, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestEncapsulations(t *testing.T) {
	p := echo(3, false)
	tag := func(frame []byte, id byte) []byte {
		return slices.Concat(frame[:12], []byte{0x81, 0, 0, id}, frame[12:])
	}
	hops := []Hop{
		{Encap: Encap{Tunnel: NoTunnel}},
		{Encap: Encap{Tunnel: NoTunnel, VLAN: 100}},
		{Encap: Encap{Tunnel: VXLAN, VNI: 5}},
		{Encap: Encap{Tunnel: GRE, VNI: 6}},
		{Encap: Encap{Tunnel: Geneve, VNI: 7, Ends: []netip.Addr{netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2")}}},
		{Encap: Encap{}},
	}
	m := newMatcher(t, hops, Options{})
	ttl := func(n uint8) []byte { q := p; q.ttl = n; return q.frame() }
	sight(m, 0, start, ttl(64), 128, 0)
	sight(m, 1, start+1, tag(ttl(63), 100), 128, 0)
	sight(m, 2, start+2, tag(wrap(tag(ttl(62), 9), VXLAN, 5, "10.9.0.1", "10.9.0.2"), 77), 192, 0)
	sight(m, 3, start+3, wrap(ttl(61), GRE, 6, "10.9.0.1", "10.9.0.2"), 192, 0)
	sight(m, 4, start+4, wrap(ttl(60), Geneve, 7, "10.9.0.1", "10.9.0.2"), 192, 0)
	sight(m, 4, start+5, wrap(ttl(60), Geneve, 7, "10.9.0.1", "10.9.0.3"), 192, 0)
	sight(m, 5, start+6, wrap(wrap(ttl(59), VXLAN, 1, "10.8.0.1", "10.8.0.2"), Geneve, 1, "10.7.0.1", "10.7.0.2"), 0, 0)
	rows := rowsOf(m)
	if len(rows) != 1 || rows[0].Verdict != Delivered || rows[0].Flags != Flooded {
		t.Fatalf("%+v", rows)
	}
	for h, mark := range rows[0].Marks {
		if mark.Delay != time.Duration(min(h, 4)) && h < 5 || mark.Time == 0 {
			t.Errorf("hop %d: %+v", h, mark)
		}
	}
	if row := string(packets.Summarise(nil, &packets.Packet{Length: rows[0].Length, Data: rows[0].Data})); !strings.Contains(row, "10.20.0.11 > 10.20.0.22  ICMP echo request 3 len 64") {
		t.Error(row)
	}
}

// TestTunnelHeads: a tunnel's head may have less or more in it, and carry IP
// without a frame around it.
func TestTunnelHeads(t *testing.T) {
	frame := echo(3, false).frame()
	gre := func(head ...byte) []byte {
		return serialise(&layers.Ethernet{SrcMAC: macB, DstMAC: macA, EthernetType: layers.EthernetTypeIPv4},
			&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolGRE, SrcIP: net.IP{10, 9, 0, 1}, DstIP: net.IP{10, 9, 0, 2}},
			gopacket.Payload(head))
	}
	ethernetIn := func(flags byte, more ...byte) []byte {
		return gre(slices.Concat([]byte{flags, 0, 0x65, 0x58}, more, frame)...)
	}
	tests := []struct {
		name  string
		frame []byte
		vni   uint32
	}{
		{"no key", ethernetIn(0), 0},
		{"checksum", ethernetIn(0x80, 1, 2, 0, 0), 0},
		{"key", ethernetIn(0x20, 0, 0, 0, 6), 6},
		{"number", ethernetIn(0x10, 0, 0, 0, 9), 0},
		{"all", ethernetIn(0xb0, 1, 2, 0, 0, 0, 0, 0, 6, 0, 0, 0, 9), 6},
		{"IP in it", gre(slices.Concat([]byte{0x20, 0, 8, 0, 0, 0, 0, 6}, frame[ethernet:])...), 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newMatcher(t, []Hop{{Encap: Encap{Tunnel: NoTunnel}}, {Encap: Encap{Tunnel: GRE, VNI: test.vni}}}, Options{})
			sight(m, 0, start, frame, 0, 0)
			sight(m, 1, start+1, test.frame, 0, 0)
			rows := rowsOf(m)
			if len(rows) != 1 || rows[0].Marks[1].State != Seen || rows[0].Flags != 0 {
				t.Errorf("%+v", rows)
			}
			other := newMatcher(t, []Hop{{Encap: Encap{Tunnel: GRE, VNI: 77}}}, Options{})
			sight(other, 0, start, test.frame, 0, 0)
			if n := other.Total().Hops[0].Astray; n != 1 {
				t.Errorf("%d astray in another tunnel", n)
			}
		})
	}
}

func TestAstray(t *testing.T) {
	for _, first := range []int{0, 3} { // whoever is heard first
		m := newMatcher(t, lab(), Options{})
		wrong := func() {
			sight(m, 3, start+310_000, wrap(echo(1, false).frame(), VXLAN, 7, "10.99.0.11", "10.99.0.12"), 192, 0)
		}
		if first == 3 {
			wrong()
			if n := len(rowsOf(m)); n != 0 {
				t.Fatalf("%d rows of packets that are not of this path", n)
			}
		}
		send(m, echo(1, false), start, 0, 1)
		if first == 0 {
			wrong()
		}
		m.Advance(start + 2000*ms)
		rows := rowsOf(m)
		if got := picture(&rows[0]); len(rows) != 1 || got != "out o +0.06 b astray x lost 1..3 unanswered" || rows[0].Flags&Astray == 0 {
			t.Error(got, rows[0].Flags)
		}
		if n := m.Summary(start + 2000*ms).Hops[3].Astray; n != 1 {
			t.Errorf("%d astray", n)
		}
	}
}

// TestNAT follows a packet through a floating IP (addresses change) and through
// SNAT (the port, too).
func TestNAT(t *testing.T) {
	floating, world := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("198.51.100.7")
	inside := segment(77, 1000, 20)
	inside.dst = world
	outside := inside
	outside.src, outside.ttl = floating, 63
	hops := []Hop{{Passing: Entering}, {Passing: Leaving, Translate: []Translation{{Here: floating, Origin: near}}}}
	one := func(name string, o Options, hops []Hop, rows int) {
		t.Run(name, func(t *testing.T) {
			m := newMatcher(t, hops, o)
			sight(m, 0, start, inside.frame(), 128, 0)
			sight(m, 1, start+ms, outside.frame(), 128, outgoing)
			sight(m, 1, start+2*ms, outside.back().frame(), 128, 0)
			sight(m, 0, start+3*ms, inside.back().frame(), 128, outgoing)
			m.Advance(start + 2000*ms)
			if got := rowsOf(m); len(got) != rows || rows == 2 && (got[0].Verdict != Delivered || got[1].Verdict != Delivered || got[1].Direction != Back) {
				t.Errorf("%d rows: %+v", len(got), got)
			}
		})
	}
	one("floating IP", Options{}, hops, 2)
	one("not told", Options{}, []Hop{{Passing: Entering}, {Passing: Leaving}}, 4)
	one("addresses don't count", Options{AnyAddress: true}, []Hop{{Passing: Entering}, {Passing: Leaving}}, 2)
	outside.sport = 1024
	one("port changed", Options{}, hops, 4)
	one("SNAT", Options{AnyPort: true}, hops, 2)
}

// TestSharedCapture passes one NIC twice: to the router and back, in two networks.
func TestSharedCapture(t *testing.T) {
	hops := []Hop{
		{Encap: Encap{Tunnel: NoTunnel}},
		{Capture: 1, Encap: Encap{Tunnel: VXLAN, VNI: 5}},
		{Capture: 1, Encap: Encap{Tunnel: VXLAN, VNI: 6}},
		{Encap: Encap{Tunnel: NoTunnel}},
	}
	m := newMatcher(t, hops, Options{})
	f := echo(1, false).frame()
	sight(m, 0, start, f, 0, 0)
	sight(m, 1, start+1, wrap(f, VXLAN, 5, "10.9.0.1", "10.9.0.2"), 0, 0)
	sight(m, 1, start+2, wrap(f, VXLAN, 6, "10.9.0.2", "10.9.0.3"), 0, 4)
	sight(m, 3, start+3, f, 0, 0)
	rows := rowsOf(m)
	if got := picture(&rows[0]); len(rows) != 1 || got != "out o +0.00 +0.00 +0.00 delivered awaited" {
		t.Error(len(rows), got)
	}
}

// TestFlooding sees a packet at a tap that isn't on the path.
func TestFlooding(t *testing.T) {
	m := newMatcher(t, []Hop{{Passing: Entering}, {Passing: Leaving}, {Aside: true}}, Options{})
	f := datagramOf(1, "x").frame()
	for h := range 3 {
		sight(m, h, start+int64(h), f, 0, uint8(4*(h%2)))
	}
	sight(m, 0, start+ms, datagramOf(2, "x").frame(), 0, 0)
	sight(m, 1, start+ms, datagramOf(2, "x").frame(), 0, outgoing)
	rows := rowsOf(m)
	if len(rows) != 2 || rows[0].Flags != Flooded || rows[1].Flags != 0 || rows[0].Verdict != Delivered || rows[1].Marks[2].State != Quiet {
		t.Errorf("%+v", rows)
	}
}

// TestTags: a tag inside the tunnel is the tenant's, one outside the hop's.
func TestTags(t *testing.T) {
	m := newMatcher(t, []Hop{{Encap: Encap{Tunnel: VXLAN, VLAN: 9}}}, Options{})
	tag := func(f []byte, id byte) []byte {
		return slices.Concat(f[:12], []byte{0x81, 0, 0x20, id}, f[12:])
	}
	for i, f := range [][]byte{
		wrap(tag(datagramOf(1, "").frame(), 9), VXLAN, 1, "10.9.0.1", "10.9.0.2"),
		tag(wrap(datagramOf(2, "").frame(), VXLAN, 1, "10.9.0.1", "10.9.0.2"), 8),
		tag(wrap(datagramOf(3, "").frame(), VXLAN, 1, "10.9.0.1", "10.9.0.2"), 9),
	} {
		sight(m, 0, start+int64(i), f, 0, 0)
	}
	if n := m.Total().Hops[0].Astray; n != 2 || len(rowsOf(m)) != 1 {
		t.Errorf("%d astray, %d rows", n, len(rowsOf(m)))
	}
}

// TestCrowd floods one hop with equal packets: nobody is accused of their loss.
func TestCrowd(t *testing.T) {
	m := newMatcher(t, lab(), Options{})
	for i := range int64(200) {
		send(m, datagramOf(0, "x"), start+i*1000, 0)
	}
	m.Advance(start + 5000*ms)
	if s := m.Total(); s.Out.Lost != 0 || s.Out.Unknown != maxEqual || s.Hops[0].Unmatched.Crowded != 200-maxEqual {
		t.Errorf("%+v %+v", s.Out, s.Hops[0])
	}
}

// TestMended has an ARP question that takes longer than packets that can have
// equals are joined at once, and its answer.
func TestMended(t *testing.T) {
	m := newMatcher(t, lab(), Options{})
	tunnelled := func(f []byte) []byte { return wrap(f, VXLAN, 1042, "10.99.0.11", "10.99.0.12") }
	question, answer := arpFrame(1, near, far), arpFrame(2, far, near)
	for i := range int64(3) {
		at := start + i*1000*ms
		sight(m, 0, at, question, 0, 0)
		sight(m, 1, at+1, tunnelled(question), 0, outgoing)
		before := len(rowsOf(m))
		sight(m, 3, at+40*ms, tunnelled(question), 0, 0)
		if after := len(rowsOf(m)); i == 2 && after != before {
			t.Errorf("the usual delay was not learnt: %d rows, then %d", before, after)
		}
		sight(m, 4, at+40*ms+1, question, 0, outgoing)
		sight(m, 4, at+40*ms+2, answer, 0, 0)
		m.Advance(at + 1500*ms)
	}
	m.Advance(start + 9000*ms)
	for _, r := range rowsOf(m) {
		if got := picture(&r); r.Direction == Out && got != "out o +0.00 b +40.00 +40.00 delivered answered" {
			t.Error(got)
		}
	}
	if s := m.Total(); s.Out.Rows != 3 || s.Out.Answered != 3 {
		t.Errorf("%+v", s.Out)
	}
}

func TestCopiesDontCount(t *testing.T) {
	m := newMatcher(t, lab(), Options{})
	send(m, datagramOf(4, "x"), start, 0, 1, 3, 4)
	send(m, datagramOf(4, "x"), start+ms/10, 3, 4)
	m.Advance(start + 5000*ms)
	if s := m.Total(); s.Hops[3].Out != 1 || s.Out.Duplicate != 1 || s.Out.Delivered != 1 {
		t.Errorf("%+v", s)
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for i := int64(1); i <= 100; i++ {
		h.add(i * 1000_000)
	}
	h.add(1 << 60)
	h.add(-5)
	got := h.summary()
	for _, c := range []struct{ got, want time.Duration }{{got.P50, 50 * time.Millisecond}, {got.P99, 99 * time.Millisecond}} {
		if off := (c.got - c.want).Abs(); off > c.want/32+time.Millisecond {
			t.Errorf("%v, want about %v", c.got, c.want)
		}
	}
	var short histogram
	short.add(300)
	if got := short.summary().P50; got >= 1024 {
		t.Errorf("300 ns is told as %v", got)
	}
	for d := int64(1024); d < 1<<34; d = d*9/8 + 1 {
		if off := (middle(step(d)) - time.Duration(d)).Abs(); int64(off) > d/32+1 {
			t.Fatalf("%d ns is told as %v", d, middle(step(d)))
		}
	}
}

// TestIndex walks chains while slots come and go.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const slots = 8
		x, model := newIndex(slots), map[int]uint64{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			slot := rapid.IntRange(0, slots-1).Draw(t, "slot")
			if h, ok := model[slot]; ok {
				x.remove(slot, h)
				delete(model, slot)
			} else {
				model[slot] = uint64(rapid.IntRange(0, 2).Draw(t, "hash"))<<1 | 1
				x.add(slot, model[slot])
			}
			for h := range uint64(3) {
				want, got := 0, 0
				for _, is := range model {
					if is == h<<1|1 {
						want++
					}
				}
				for i := x.first(h<<1 | 1); i >= 0; i = x.next(i) {
					if model[i] != h<<1|1 {
						t.Fatalf("slot %d is in a chain of others", i)
					}
					got++
				}
				if got != want {
					t.Fatalf("%d of %d slots are found", got, want)
				}
			}
		}
	})
}

// TestSkew has clocks that are further apart than the hops.
func TestSkew(t *testing.T) {
	m := newMatcher(t, lab(), Options{})
	for i := range int64(50) {
		at := start + i*20*ms
		send(m, echo(uint16(i), false), at, 0, 1)
		send(m, echo(uint16(i), false), at-3*ms, 3, 4) // this host's clock is behind
	}
	m.Advance(start + 5000*ms)
	for _, r := range rowsOf(m) {
		if got := picture(&r); got != "out o +0.06 b +0.06 +0.06 delivered unanswered" {
			t.Fatal(got)
		}
	}
	if s := m.Total(); s.Hops[3].Skewed != 50 || s.Hops[1].Skewed != 0 {
		t.Errorf("%+v", s.Hops)
	}
}

// TestNoHint tells directions by time alone.
func TestNoHint(t *testing.T) {
	m := newMatcher(t, []Hop{{Clock: 1}, {Clock: 1}, {Clock: 2}}, Options{Near: []netip.Addr{}})
	f := func(i uint16) []byte { return datagramOf(i, "x").frame() }
	sight(m, 0, start, f(1), 0, 0)
	sight(m, 1, start+1000, f(1), 0, 0)
	sight(m, 2, start+4*ms, f(2), 0, 0) // nearer than the clocks
	sight(m, 1, start+5*ms, f(2), 0, 0)
	sight(m, 0, start+5*ms+1000, f(2), 0, 0)
	sight(m, 1, start+6*ms, f(3), 0, 0)
	sight(m, 2, start+7*ms, f(3), 0, 0)
	m.Advance(start + 5000*ms)
	var got []string
	for _, r := range rowsOf(m) {
		got = append(got, picture(&r))
	}
	want := []string{"out o +0.00 x lost 1..2", "back +1.00 +1.00 o delivered", "? ? o +1.00 unknown"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestSummary(t *testing.T) {
	m := newMatcher(t, lab(), Options{Rows: 256})
	const pings = 61
	for i := range int64(pings) {
		small, at := echo(uint16(i), false), start+i*100*ms
		if i%5 == 0 { // 13 of them don't fit
			small.payload = make([]byte, 1400-i) // the longest is the first
			send(m, small, at, 0, 1)
			continue
		}
		send(m, small, at, 0, 1, 3, 4)
		send(m, echo(uint16(i), true), at+ms, 4, 3, 1, 0)
	}
	now := start + pings*100*ms + 2000*ms
	m.Advance(now)
	s := m.Summary(now)
	if s.Out.Rows != 61 || s.Out.Lost != 13 || s.Out.Delivered != 48 || s.Out.Answered != 48 || s.Out.Unanswered != 13 || s.Back.Delivered != 48 {
		t.Errorf("out %+v back %+v", s.Out, s.Back)
	}
	want := Interval{Direction: Out, From: 1, To: 3, Lost: 13, Crossed: 48, Shortest: 1442 - 60, Longest: 1442, LongestCrossed: 98}
	if len(s.Intervals) != 1 || s.Intervals[0] != want {
		t.Errorf("%+v", s.Intervals)
	}
	if d := s.Hops[0].DelayOut; d.Packets != 0 || d.P50 != 0 {
		t.Errorf("delays where packets come from: %+v", d)
	}
	send(m, echo(1000, false), now, 0, 1)
	if out := m.Summary(now).Out; out.Waiting != 1 || out.Rows != 62 {
		t.Errorf("with one on its way: %+v", out)
	}
	for h, n := range []uint64{61, 61, 0, 48, 48} {
		if s.Hops[h].Out != n || h != 2 && s.Hops[h].Back != 48 {
			t.Errorf("hop %d: %+v", h, s.Hops[h])
		}
	}
	if d := s.Hops[4].DelayOut; d.Packets != 48 || d.P50 < 365*time.Microsecond || d.P50 > 395*time.Microsecond || d.P99 != d.P50 {
		t.Errorf("%+v", d)
	}
	if later := m.Summary(now + 3600_000*ms); later.Out.Rows != 0 {
		t.Errorf("an hour later: %+v", later.Out)
	}
	// A ring that is too small forgets rows, not numbers.
	small := newMatcher(t, lab(), Options{Rows: 16})
	for i := range int64(100) {
		send(small, echo(uint16(i), false), start+i*2000*ms, 0, 1)
		small.Advance(start + i*2000*ms + 1500*ms)
	}
	if s := small.Total(); s.Out.Rows != 100 || s.Out.Lost != 100 || s.Out.Overrun != 0 || s.Hops[0].Out != 100 || len(s.Intervals) != 1 || s.Intervals[0].Lost != 100 {
		t.Errorf("%+v", s)
	}
	for i := range int64(100) {
		send(small, echo(uint16(i), false), start+1000_000*ms+i*ms, 0, 1)
	}
	if s := small.Total(); s.Out.Overrun == 0 || s.Out.Lost > 100 {
		t.Errorf("rows that were pushed out count as lost: %+v", s.Out)
	}
}

func TestUnmatched(t *testing.T) {
	m := newMatcher(t, []Hop{{}}, Options{})
	f := segment(1, 1, 1000).frame()
	sight(m, 0, start, f, 60, 0)
	f[14] = 0x41
	sight(m, 0, start, f, 0, 0)
	sight(m, 0, start, append(make([]byte, 12), 0x88, 0xcc, 1, 2, 3), 0, 0)
	for i := range int64(100) {
		sight(m, 0, start+i, datagramOf(0, "x").frame(), 0, 0)
	}
	want := Unmatched{Short: 1, Malformed: 1, Foreign: 1, Crowded: 100 - maxEqual}
	if got := m.Total().Hops[0].Unmatched; got != want {
		t.Errorf("%+v", got)
	}
	m.See(-1, &packets.Packet{})
	m.See(1, &packets.Packet{})
}

// TestVersion rises when a row's state changes by time alone.
// TestBordering: what passed before the last hop was watched, or when the
// watching ended, is told apart from what a capture in between did not see.
func TestBordering(t *testing.T) {
	m, err := New(lab(), Options{Near: []netip.Addr{near}, Far: []netip.Addr{far}})
	if err != nil {
		t.Fatal(err)
	}
	for h, at := range map[int]int64{0: 0, 1: 0, 3: 500, 4: 200} {
		m.Start(h, start+at*ms)
	}
	send(m, echo(1, false), start+100*ms, 0, 1)        // two hops don't watch yet
	send(m, echo(2, false), start+300*ms, 0, 1)        // one doesn't, the next does
	send(m, echo(3, false), start+400*ms, 0, 1, 4)     // it came all the same
	send(m, echo(4, false), start+600*ms, 0, 1)        // lost
	send(m, echo(5, false), start+2000*ms, 0, 1)       // nobody knows: a capture dropped
	send(m, echo(6, false), start+9500*ms, 0, 1)       // on its way
	send(m, echo(7, false), start+9600*ms, 0, 1, 3, 4) // there
	m.Gap(3, start+1900*ms, start+2100*ms, 1)
	m.Gap(4, start+1900*ms, start+2100*ms, 1)
	for _, h := range []int{0, 1, 3, 4} {
		m.Stop(h, start+10_000*ms)
	}
	m.End(start + 10_000*ms)
	m.Advance(start + 60_000*ms)
	want := []string{"unknown bordering", "lost", "delivered", "lost", "unknown", "unknown bordering", "delivered"}
	for i, r := range rowsOf(m) {
		got := r.Verdict.String()
		if r.Flags&Bordering != 0 {
			got += " bordering"
		}
		if got != want[i] {
			t.Errorf("echo %d is %s, want %s", i+1, got, want[i])
		}
	}
	if s := m.Total().Out; s.Unknown != 3 || s.Bordering != 2 {
		t.Errorf("%d unknown, %d of them bordering, want 3 and 2", s.Unknown, s.Bordering)
	}
}

// TestSetHops: a host of the path that is never heard of leaves its hops blind,
// and packets that came as far as anybody sees are delivered.
func TestSetHops(t *testing.T) {
	m, err := New(lab(), Options{Near: []netip.Addr{near}, Far: []netip.Addr{far}})
	if err != nil {
		t.Fatal(err)
	}
	m.Start(0, start)
	m.Start(1, start)
	send(m, datagramOf(1, "there"), start+100*ms, 0, 1)
	m.Advance(start + 60_000*ms)
	if r := rowsOf(m)[0]; r.Verdict != Unknown || picture(&r) != "out o +0.06 b ? ? unknown" {
		t.Errorf("before: %s", picture(&r))
	}
	less := lab()
	for _, h := range []int{2, 3, 4} {
		less[h].Blind, less[h].Aside = true, true
	}
	version := m.Version()
	m.SetHops(less)
	if r := rowsOf(m)[0]; picture(&r) != "out o +0.06 b b b delivered" {
		t.Errorf("after: %s", picture(&r))
	}
	if m.Version() == version {
		t.Error("readers aren't told")
	}
	m.SetHops(less[:3])
	if r := rowsOf(m)[0]; len(r.Marks) != 5 {
		t.Error("a path of another length was taken")
	}
}

func TestVersion(t *testing.T) {
	m := newMatcher(t, lab(), Options{})
	send(m, echo(1, false), start, 0)
	m.Advance(start + ms)
	before := m.Version()
	m.Advance(start + 2*ms)
	if m.Version() != before {
		t.Error("it rose for nothing")
	}
	m.Advance(start + 1500*ms)
	if m.Version() == before {
		t.Error("the row was settled, and nobody was told")
	}
}

// TestConcurrent has captures and a screen at work at the same time.
func TestConcurrent(t *testing.T) {
	m := newMatcher(t, lab(), Options{Rows: 128})
	const n = 500
	var all sync.WaitGroup
	for _, h := range []int{0, 1, 3, 4} {
		all.Go(func() {
			for i := range int64(n) {
				send(m, echo(uint16(i), false), start+i*ms, h)
			}
		})
	}
	all.Go(func() {
		rows := make([]Row, 50)
		for i := range int64(n) {
			m.Advance(start + i*ms)
			m.Gap(2, start, start+i, 1)
			first, _ := m.Bounds()
			m.Rows(first, rows)
			m.Summary(start + i*ms)
		}
	})
	all.Wait()
	if s := m.Total(); s.Hops[0].Out == 0 {
		t.Errorf("%+v", s)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Prefix: 3}, {Settle: -1}, {Rows: 1}, {Keep: 1 << 20}, {Settle: time.Minute, Horizon: time.Second}} {
		if _, err := New([]Hop{{}}, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := New(nil, Options{}); err == nil {
		t.Error("a path without hops was taken")
	}
}

// TestFlagNames: every flag has its own word.
func TestFlagNames(t *testing.T) {
	all := Bordering<<1 - 1
	names := all.Names()
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
	}
	if len(names) != bits.OnesCount16(uint16(all)) || len(seen) != len(names) {
		t.Errorf("%d flags have the names %q", bits.OnesCount16(uint16(all)), names)
	}
	if got := (Resent | Bordering).Names(); len(got) != 2 || got[0] != "resent" || got[1] != "bordering" {
		t.Errorf("resent and bordering are %q", got)
	}
}
