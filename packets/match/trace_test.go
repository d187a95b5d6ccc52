package match

import (
	"net/netip"
	"testing"

	"steth/packets"
)

// natted is a path by a tap, a tunnel and a NAT that rewrites address and port,
// with a NIC that the path passes twice.
func natted() []Hop {
	first, second := Encap{Tunnel: VXLAN, VNI: 7}, Encap{Tunnel: VXLAN, VNI: 8}
	masked := []Translation{{Here: netip.MustParseAddr("203.0.113.50"), Origin: near}}
	return []Hop{
		{Encap: Encap{Tunnel: NoTunnel}},
		{Encap: first, Capture: 1},
		{Encap: second, Capture: 1},
		{Encap: Encap{Tunnel: NoTunnel}, Translate: masked},
	}
}

// sighted is a packet as a capture of natted holds it: what was sent, and where.
type sighted struct {
	what, hop int
	packet    packets.Packet
}

// sendNatted shows p at hops, and gives what the captures hold of it.
func sendNatted(m *Matcher, what int, p packet, t int64, hops ...int) []sighted {
	var out []sighted
	for _, h := range hops {
		q := p
		q.ttl -= uint8(h)
		frame, snap := q.frame(), 128
		switch h {
		case 1, 2:
			frame, snap = wrap(frame, VXLAN, uint32(6+h), "10.99.0.11", "10.99.0.12"), 192
		case 3:
			q.src, q.sport = netip.MustParseAddr("203.0.113.50"), 1024
			frame = q.frame()
		}
		s := packets.Packet{Time: t + int64(h)*ms/10, Length: uint32(len(frame)), Data: frame[:min(len(frame), snap)]}
		feeds := h
		if h == 2 {
			feeds = 1 // one capture serves both
		}
		m.See(feeds, &s)
		out = append(out, sighted{what, h, s})
	}
	return out
}

// TestTraceOfEachSight asks for each packet that a capture holds which row it
// is, and of each row which packet of each capture.
func TestTraceOfEachSight(t *testing.T) {
	m := newMatcher(t, natted(), Options{AnyPort: true})
	var all []sighted
	for i, p := range []packet{
		segment(1, 100, 300), segment(0, 200, 20), segment(0, 200, 20), // the third repeats the second, byte for byte
		datagramOf(0, "a"), datagramOf(0, "b"), echo(1, false),
	} {
		all = append(all, sendNatted(m, i, p, start+int64(i)*50*ms, 0, 1, 2, 3)...)
	}
	rows := rowsOf(m)
	if len(rows) != 6 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, s := range all {
		if got := m.Number(s.hop, &s.packet); got != rows[s.what].Number {
			t.Errorf("packet %d at hop %d is row %d, want %d", s.what, s.hop, got, rows[s.what].Number)
		}
		other := s.packet
		other.Time++
		if got := m.Number(s.hop, &other); got != 0 {
			t.Errorf("a packet of another time is row %d", got)
		}
		for i := range rows {
			for hop := range m.hops {
				r := &rows[i]
				twins := s.what == i || s.what == 1 && i == 2 || s.what == 2 && i == 1 // but for the time
				if got := m.Is(r, hop, &s.packet); s.hop == hop && got != twins || got && !twins {
					t.Errorf("packet %d at hop %d is row %d at hop %d: %v", s.what, s.hop, i, hop, got)
				} else if got && s.hop+hop == 3 && s.hop != hop && s.hop%3 != 0 {
					t.Errorf("packet %d in one tunnel is row %d in the other", s.what, i)
				} else if got && s.packet.Time == r.Marks[hop].Time && (s.what != i || s.hop != hop) {
					t.Errorf("packet %d at hop %d is taken for row %d at hop %d", s.what, s.hop, i, hop)
				}
			}
		}
	}
}

// TestTraceOfWhatIsBesideThePath has a copy for another host and a packet in
// the wrong network.
func TestTraceOfWhatIsBesideThePath(t *testing.T) {
	hops := natted()
	hops[1].Encap.Ends = []netip.Addr{netip.MustParseAddr("10.99.0.11"), netip.MustParseAddr("10.99.0.12")}
	m := newMatcher(t, hops, Options{})
	sendNatted(m, 0, segment(1, 1, 10), start, 0)
	inner := segment(1, 1, 10).frame()
	flooded := packets.Packet{Time: start + ms, Data: wrap(inner, VXLAN, 7, "10.99.0.11", "10.99.0.77")}
	lost := packets.Packet{Time: start + 2*ms, Data: wrap(inner, VXLAN, 9, "10.99.0.11", "10.99.0.12")}
	right := packets.Packet{Time: start + 2*ms, Data: wrap(inner, VXLAN, 7, "10.99.0.11", "10.99.0.12")}
	for _, p := range []*packets.Packet{&flooded, &lost, &right} {
		p.Length = uint32(len(p.Data))
	}
	m.See(1, &flooded)
	m.See(1, &lost)
	r := rowsOf(m)[0]
	if r.Marks[1].State != Strayed {
		t.Fatalf("hop 1 is %v", r.Marks[1].State)
	}
	for name, c := range map[string]struct {
		p      *packets.Packet
		number uint64
		is     bool
	}{"flooded": {&flooded, 0, false}, "astray": {&lost, 1, true}, "one that would be right": {&right, 1, false}} {
		if got := m.Number(1, c.p); got != c.number {
			t.Errorf("%s: row %d", name, got)
		}
		if got := m.Is(&r, 1, c.p); got != c.is {
			t.Errorf("%s: is the row's %v", name, got)
		}
	}
}

// TestIsOutlastsTheRow: a page may hold a row that the matcher has forgotten.
func TestIsOutlastsTheRow(t *testing.T) {
	m := newMatcher(t, natted(), Options{Rows: 16, AnyPort: true})
	seen := sendNatted(m, 0, segment(1, 1, 10), start, 0, 1, 2, 3)
	row := rowsOf(m)[0]
	for i := range 40 {
		sendNatted(m, i, segment(uint16(2+i), uint32(i), 10), start+int64(i)*ms, 0)
	}
	for _, s := range seen {
		if m.Number(s.hop, &s.packet) != 0 {
			t.Error("the row is still there")
		}
		if !m.Is(&row, s.hop, &s.packet) {
			t.Errorf("hop %d no longer knows the row's packet", s.hop)
		}
	}
	beyond := sendNatted(m, 99, segment(99, 99, 10), start+500*ms, 3)
	rows := rowsOf(m)
	for _, s := range beyond { // what hop 0 would have seen, nobody knows
		if !m.Is(&rows[len(rows)-1], s.hop, &s.packet) {
			t.Errorf("hop %d does not know the packet that it was the first to see", s.hop)
		}
	}
	for _, r := range []Row{{}, {Marks: make([]Mark, 4)}, {Marks: []Mark{{Time: 1}}}} { // of nobody
		if m.Is(&r, 0, &seen[0].packet) || m.Is(&r, 9, &seen[0].packet) {
			t.Error("a row of nobody has a packet")
		}
	}
}

func TestAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		hops []int
		gap  bool
		want string // a hop each: - seen or not known, ? pending, x missed
		late string // when it has settled
	}{
		"delivered":              {[]int{0, 1, 2, 3}, false, "----", "----"},
		"lost at once":           {[]int{0}, false, "-???", "-xxx"},
		"lost between tunnels":   {[]int{0, 1}, false, "---?", "---x"}, // the capture saw it
		"missed on the way":      {[]int{0, 3}, false, "-xx-", "-xx-"},
		"a capture that dropped": {[]int{0}, true, "-??-", "-xx-"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMatcher(t, natted(), Options{AnyPort: true})
			sendNatted(m, 0, segment(1, 1, 10), start, c.hops...)
			if c.gap {
				m.Gap(3, start-ms, start+5*ms, 1)
			}
			m.Advance(start + 10*ms)
			checkAbsent(t, m, c.want)
			m.Advance(start + 5000*ms)
			checkAbsent(t, m, c.late)
		})
	}
	m := newMatcher(t, natted(), Options{})
	if missed, pending := m.Absent(7, 0); missed || pending {
		t.Error("a row that never was is missing")
	}
}

func checkAbsent(t *testing.T, m *Matcher, want string) {
	t.Helper()
	got := ""
	for h := range m.hops {
		missed, pending := m.Absent(1, h)
		switch {
		case missed && pending:
			got += "!"
		case missed:
			got += "x"
		case pending:
			got += "?"
		default:
			got += "-"
		}
	}
	if got != want {
		t.Errorf("absent %s, want %s", got, want)
	}
}
