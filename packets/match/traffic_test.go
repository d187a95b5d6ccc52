package match

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"

	"steth/packets"
)

var (
	near6 = netip.MustParseAddr("fd00::11")
	far6  = netip.MustParseAddr("fd00::22")
)

// traffic is a model whose packets are of every kind at once: segments that are
// sent again, datagrams in fragments, questions with their answers, ARP, IPv6,
// packets that are flooded beside the path, and others' in the same tunnels.
type traffic struct {
	*model
	path  int // hops; those behind them are beside the path
	rows  map[string]*passage
	order []string
	alone map[string]bool // fragments: rows that say so
	used  uint16          // ids of IP
}

// passage is one packet on its way, by its name.
type passage struct {
	name     string
	back     bool
	edge     int // lost before that place; path: not lost
	times    map[int]int64
	flooded  bool
	fragment bool
	weak     bool // it has no number of its own, so that it could have equals
	asks     bool
	answer   *passage
	of       *passage // the one that this one repeats
}

// ask makes p a question of ARP, which may be repeated byte for byte.
func (p *passage) ask() { p.asks, p.weak = true, true }

func drawTraffic(t *rapid.T) *traffic {
	w := &traffic{model: drawModel(t), rows: map[string]*passage{}, alone: map[string]bool{}}
	w.path = len(w.hops)
	for i := range rapid.IntRange(0, 2).Draw(t, "beside the path") {
		h := Hop{Aside: true, Clock: rapid.IntRange(0, 2).Draw(t, "clock"), Passing: Leaving, Encap: Encap{Tunnel: NoTunnel}}
		if _, ok := w.skew[h.Clock]; !ok {
			w.skew[h.Clock] = rapid.Int64Range(-2*ms, 2*ms).Draw(t, "skew")
		}
		w.hops = append(w.hops, h)
		w.base = append(w.base, int64(20_000*(i+1)))
		w.queues = append(w.queues, nil)
	}
	return w
}

// id is one that no packet had.
func (w *traffic) id() uint16 { w.used++; return w.used }

// named is a packet's name, from what of it is the same at each hop: its
// version, protocol, id and offset, and what a payload begins with.
func named(frame []byte) string {
	b := frame[ethernet:]
	switch be.Uint16(frame[12:]) {
	case typeARP:
		return fmt.Sprintf("arp %d %x", be.Uint16(b[6:]), b[14:28])
	case typeIPv6:
		return fmt.Sprintf("6 %d %x", b[6], b[48:52])
	}
	offset := be.Uint16(b[6:]) & 0x1fff
	at := map[uint8]int{protoTCP: 40, protoUDP: 28, protoICMP: 28}[b[9]]
	if offset > 0 {
		at = 20
	}
	return fmt.Sprintf("4 %d %d+%d %x", b[9], be.Uint16(b[4:]), offset, b[at:at+4])
}

// pass sends a packet, of which make builds the frame that a hop sees.
func (w *traffic) pass(t *rapid.T, at int64, back bool, build func(h, place int) []byte) *passage {
	p := &passage{name: named(build(0, 0)), back: back, edge: w.path, times: map[int]int64{}}
	if w.rows[p.name] != nil {
		t.Fatalf("two packets are called %s", p.name)
	}
	w.rows[p.name] = p
	w.order = append(w.order, p.name)
	if rapid.IntRange(0, 4).Draw(t, "fate") == 0 {
		p.edge = rapid.IntRange(1, w.path-1).Draw(t, "lost before")
	}
	lag := rapid.SampledFrom([]int64{0, 0, 0, 20_000, 3 * ms}).Draw(t, "lag")
	lagFrom := rapid.IntRange(0, w.path-1).Draw(t, "lag from")
	for place := range p.edge {
		h, when := place, at
		if back {
			h = w.path - 1 - place
			when += w.base[w.path-1] - w.base[h]
		} else {
			when += w.base[h]
		}
		if place >= lagFrom {
			when += lag
		}
		w.sight(p, h, when, w.hops[h].Encap, build(h, place))
	}
	for h := w.path; h < len(w.hops); h++ {
		if !back && rapid.IntRange(0, 3).Draw(t, "flooded") == 0 {
			p.flooded = true
			w.sight(p, h, at+w.base[h], w.hops[h].Encap, build(0, 0))
		}
	}
	return p
}

// sight lets a hop see a frame in the clothes that it wears there.
func (w *traffic) sight(p *passage, h int, when int64, clothes Encap, frame []byte) {
	hop := &w.hops[h]
	if hop.Blind {
		return
	}
	when += w.skew[hop.Clock]
	p.times[h] = when
	snap := 128
	if clothes.Tunnel != NoTunnel {
		frame, snap = wrap(frame, clothes.Tunnel, clothes.VNI, "10.99.0.11", "10.99.0.12"), 192
	}
	s := packets.Packet{Time: when, Length: uint32(len(frame)), Data: frame[:min(len(frame), snap)]}
	if clothes.VLAN != 0 {
		s.TPID, s.VLAN = 0x8100, clothes.VLAN
	}
	if (hop.Passing == Leaving) != p.back {
		s.Type = outgoing
	}
	w.queues[h] = append(w.queues[h], s)
}

// at builds a packet as a hop sees it: with its TTL, and behind NAT.
func (w *traffic) at(p packet) func(h, place int) []byte {
	return func(h, place int) []byte {
		q := p
		q.ttl = uint8(64 - place)
		if h >= w.nat && h < w.path {
			if q.src == near {
				q.src = public
			}
			if q.dst == near {
				q.dst = public
			}
		}
		return q.frame()
	}
}

func tokened(n, size int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(n)), make([]byte, size)...)
}

// event is something that happens in the network.
func (w *traffic) event(t *rapid.T, n int, at int64) {
	size := rapid.IntRange(0, 1300).Draw(t, "size")
	kinds := []string{"datagram", "segment", "fragments", "echo", "stranger"}
	if w.nat >= w.path { // they don't pass a router, or have no NAT
		kinds = append(kinds, "arp", "6")
	}
	back := rapid.Bool().Draw(t, "back")
	turn := func(p packet) packet {
		if back {
			return p.back()
		}
		return p
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "datagram":
		p := turn(datagramOf(0, ""))
		p.payload = tokened(n, size)
		w.pass(t, at, back, w.at(p)).weak = true
	case "segment":
		var before []*passage
		for i := range rapid.IntRange(1, 3).Draw(t, "times sent") {
			p := turn(segment(w.id(), uint32(n)*5000, 0))
			p.payload = tokened(n, size)
			s := w.pass(t, at+int64(i)*20*ms, back, w.at(p))
			if i > 0 {
				s.of = before[i-1]
			}
			before = append(before, s)
		}
	case "fragments":
		id := w.id()
		for i, count := 0, rapid.IntRange(2, 3).Draw(t, "fragments"); i < count; i++ {
			p := turn(datagramOf(id, ""))
			p.payload, p.offset, p.more = tokened(n*4+i, 796), i*800, i < count-1
			if i == 0 {
				p.payload = tokened(n*4, 788)
			}
			w.pass(t, at+int64(i)*1000, back, w.at(p)).fragment = true
		}
	case "echo":
		q := turn(echo(uint16(n), false))
		q.id, q.payload = w.id(), tokened(n, 56)
		ask := w.pass(t, at, back, w.at(q))
		ask.asks = true
		if ask.edge < w.path || rapid.IntRange(0, 3).Draw(t, "silent") == 0 {
			return
		}
		r := q.back()
		r.sport, r.dport = q.sport, q.dport
		r.id, r.icmp = w.id(), layers.CreateICMPv4TypeCode(0, 0)
		ask.answer = w.pass(t, at+w.base[w.path-1]+4*ms, !back, w.at(r))
	case "arp":
		wanted := netip.AddrFrom4([4]byte{10, 20, byte(n >> 8), byte(100 + n)})
		sender := near
		if back {
			sender = far
		}
		w.pass(t, at, back, func(int, int) []byte { return arpFrame(1, sender, wanted) }).ask()
	case "6":
		p := datagramOf(0, "")
		p.src, p.dst, p.payload = near6, far6, tokened(n, size)
		w.pass(t, at, back, w.at(turn(p))).weak = true
	case "stranger": // in the same tunnel, of another network
		h := rapid.IntRange(0, w.path-1).Draw(t, "at hop")
		clothes := w.hops[h].Encap
		if clothes.Tunnel == NoTunnel && clothes.VLAN == 0 {
			return // nothing tells it from the path's
		}
		if clothes.VLAN != 0 {
			clothes.VLAN++
		} else {
			clothes.VNI++
		}
		p := turn(datagramOf(0, ""))
		p.payload = tokened(n, size)
		w.sight(&passage{times: map[int]int64{}, back: back}, h, at, clothes, w.at(p)(h, 0))
	}
}

// TestModelOfTraffic: rows are exactly the packets that somebody of the path
// saw, with their times at each hop, and what is said of them is true.
func TestModelOfTraffic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawTraffic(t)
		for i := range rapid.IntRange(1, 30).Draw(t, "events") {
			w.event(t, i, start+int64(i)*rapid.Int64Range(0, 300_000).Draw(t, "pause"))
		}
		m, err := New(w.hops, Options{Near: []netip.Addr{near, near6}, Far: []netip.Addr{far, far6}, Rows: 512})
		if err != nil {
			t.Fatal(err)
		}
		for h := range w.hops {
			m.Start(h, start-60_000*ms)
		}
		w.play(t, m)
		m.Advance(start + 60_000*ms)
		rows := map[string]Row{}
		byNumber := map[uint64]string{}
		for _, r := range rowsOf(m) {
			name := named(r.Data)
			if first, ok := rows[name]; ok {
				t.Fatalf("two rows of %s\n%shops %+v\ntimes %v", name, list([]Row{first, r}), w.hops, w.rows[name].times)
			}
			rows[name], byNumber[r.Number] = r, name
		}
		for _, name := range w.order {
			p := w.rows[name]
			r, ok := rows[name]
			delete(rows, name)
			if len(p.times) == 0 {
				if ok {
					t.Fatalf("nobody saw %s, but it has a row", name)
				}
				continue
			}
			if !ok {
				t.Fatalf("no row of %s, seen at %v", name, p.times)
			}
			if problem := w.wrong(p, &r, byNumber); problem != "" {
				t.Fatalf("%s (back %v, lost before place %d of %d): %s\nrow\n%shops %+v\ntimes %v", name, p.back, p.edge, w.path, problem, list([]Row{r}), w.hops, p.times)
			}
		}
		if len(rows) > 0 {
			t.Fatalf("rows of packets that were never sent on this path: %v", rows)
		}
	})
}

// wrong says what a row has wrong.
func (w *traffic) wrong(p *passage, r *Row, names map[uint64]string) string {
	for h, mark := range r.Marks {
		if mark.Time != p.times[h] {
			return fmt.Sprintf("hop %d has a time %d ns off", h, mark.Time-p.times[h])
		}
	}
	if problem := monotone(&Row{Direction: r.Direction, Marks: r.Marks[:w.path]}); problem != "" {
		return problem
	}
	answered := p.answer != nil && len(p.answer.times) > 0
	if want := map[bool]Answer{true: Answered, false: Unanswered}[answered]; p.asks && r.Answer != want && w.sees(p) {
		return "it is " + r.Answer.String() + ", not " + want.String()
	} else if !p.asks && r.Answer != NoAnswer {
		return "it is " + r.Answer.String()
	}
	if answered != (r.Mate != 0 && p.asks) || answered && names[r.Mate] != p.answer.name {
		return "its answer is row " + names[r.Mate]
	}
	if (r.Flags&Flooded != 0) != w.aside(p) || (r.Flags&Fragment != 0) != p.fragment {
		return fmt.Sprintf("flags %b", r.Flags)
	}
	if wrong := r.Flags & (Guessed | Crowded | Astray | Reshaped | Oversize); wrong != 0 && (wrong != Guessed || !p.weak) {
		return fmt.Sprintf("flags %b, of which there is no cause for %b", r.Flags, wrong)
	}
	if !slices.ContainsFunc(hopsOf(p.times), func(h int) bool { return h < w.path }) {
		return "" // beside the path only: nothing more is known
	}
	of := p.of
	for of != nil && len(of.times) == 0 { // nobody saw that one
		of = of.of
	}
	common := of != nil && slices.ContainsFunc(hopsOf(p.times), func(h int) bool { return of.times[h] != 0 })
	if repeated := r.Flags&Resent != 0; repeated != common || common && names[r.Of] != of.name {
		return "it repeats row " + names[r.Of]
	}
	if (r.Direction == Back) != p.back || r.Direction == NoDirection {
		return "it goes " + r.Direction.String()
	}
	verdict, from, to := w.fate(p)
	if answered {
		verdict = Delivered
	}
	if r.Verdict != verdict || verdict == Lost && (r.From != from || r.To != to) {
		return fmt.Sprintf("%s %d..%d, not %s %d..%d", r.Verdict, r.From, r.To, verdict, from, to)
	}
	return ""
}

// sees tells whether anybody on the path can see, so that silence means
// something.
func (w *traffic) sees(p *passage) bool {
	return slices.ContainsFunc(w.hops[:w.path], func(h Hop) bool { return !h.Blind })
}

func (w *traffic) aside(p *passage) bool {
	return slices.ContainsFunc(hopsOf(p.times), func(h int) bool { return h >= w.path })
}

func hopsOf(times map[int]int64) []int {
	var hops []int
	for h := range times {
		hops = append(hops, h)
	}
	return hops
}

// fate is what can be known of where a packet ended.
func (w *traffic) fate(p *passage) (v Verdict, from, to int) {
	last, from := -1, -1
	for place := range w.path {
		h := place
		if p.back {
			h = w.path - 1 - place
		}
		if w.hops[h].Blind {
			continue
		}
		if place >= p.edge {
			return Lost, from, h
		}
		from, last = h, place
	}
	if last == w.path-1 {
		return Delivered, 0, 0
	}
	return Unknown, 0, 0
}
