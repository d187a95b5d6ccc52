package match

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"pgregory.net/rapid"

	"steth/packets"
)

// model is a network that knows what it does to its packets.
type model struct {
	hops   []Hop
	nat    int           // hops from here on see the near end translated
	base   []int64       // usual time from hop 0
	skew   map[int]int64 // error of each clock
	gaps   map[int][2]int64
	sent   []*sent
	queues [][]packets.Packet // what each hop's capture has to tell, in its order
}

// sent is one packet of the model.
type sent struct {
	packet
	token  uint32
	back   bool
	edge   int // lost on the way to the hop with this place in the packet's order; len(hops): not lost
	copyAt int // copied on the way to that hop; 0: never
	times  map[int]int64
	copies map[int]int64
}

var public = netip.MustParseAddr("203.0.113.9")

// order is the hops as the packet meets them.
func (w *model) order(back bool) []int {
	all := make([]int, len(w.hops))
	for i := range all {
		all[i] = i
		if back {
			all[i] = len(all) - 1 - i
		}
	}
	return all
}

func drawModel(t *rapid.T) *model {
	n := rapid.IntRange(2, 14).Draw(t, "hops")
	w := &model{skew: map[int]int64{}, gaps: map[int][2]int64{}, nat: n}
	if rapid.Bool().Draw(t, "nat") {
		w.nat = rapid.IntRange(1, n).Draw(t, "nat at")
	}
	hints := rapid.SampledFrom([]string{"passing", "addresses", "both"}).Draw(t, "hints")
	at := int64(0)
	for i := range n {
		h := Hop{Clock: i / 3, Blind: rapid.IntRange(0, 5).Draw(t, "blind") == 0}
		h.Encap.Tunnel = rapid.SampledFrom([]Tunnel{NoTunnel, NoTunnel, VXLAN, GRE, Geneve}).Draw(t, "tunnel")
		if h.Encap.Tunnel != NoTunnel {
			h.Encap.VNI = uint32(100 + i)
		}
		if rapid.Bool().Draw(t, "tagged") {
			h.Encap.VLAN = uint16(10 + i)
		}
		if hints != "addresses" {
			h.Passing = rapid.SampledFrom([]Passing{Entering, Leaving}).Draw(t, "passing")
		}
		if i >= w.nat {
			h.Translate = []Translation{{Here: public, Origin: near}}
		}
		w.hops = append(w.hops, h)
		at += rapid.Int64Range(1000, 500_000).Draw(t, "delay")
		w.base = append(w.base, at)
		w.skew[h.Clock] = rapid.Int64Range(-2*ms, 2*ms).Draw(t, "skew")
	}
	w.queues = make([][]packets.Packet, n)
	return w
}

func (w *model) send(t *rapid.T, number int, at int64, unique bool) {
	p := &sent{
		token: uint32(number), back: rapid.Bool().Draw(t, "back"), edge: len(w.hops),
		times: map[int]int64{}, copies: map[int]int64{},
	}
	payload := binary.BigEndian.AppendUint32(nil, p.token)
	payload = append(payload, make([]byte, rapid.IntRange(0, 1300).Draw(t, "size"))...)
	id := rapid.SampledFrom([]uint16{0, 7, uint16(number + 1)}).Draw(t, "id")
	switch rapid.IntRange(0, 2).Draw(t, "protocol") {
	case 0:
		p.packet = segment(id, uint32(number)*5000, 0)
	case 1:
		p.packet = datagramOf(id, "")
	case 2:
		p.packet = echo(uint16(number), false) // never answered: the numbers differ
		p.id = id
	}
	p.payload = payload
	if p.back {
		p.packet = p.packet.back()
	}
	switch rapid.IntRange(0, 9).Draw(t, "fate") {
	case 0, 1:
		p.edge = rapid.IntRange(1, len(w.hops)-1).Draw(t, "lost before")
	case 2:
		p.copyAt = rapid.IntRange(1, len(w.hops)-1).Draw(t, "copied before")
	}
	// What a packet takes longer than others: it's overtaken by them.
	lag := rapid.SampledFrom([]int64{0, 0, 0, 20_000, 3 * ms}).Draw(t, "lag")
	lagFrom := rapid.IntRange(0, len(w.hops)-1).Draw(t, "lag from")
	w.sent = append(w.sent, p)
	for place, h := range w.order(p.back)[:p.edge] {
		when := at + w.base[h]
		if p.back {
			when = at + w.base[len(w.base)-1] - w.base[h]
		}
		if place >= lagFrom {
			when += lag
		}
		w.see(t, p, h, place, when, p.times)
		if p.copyAt > 0 && place >= p.copyAt {
			w.see(t, p, h, place, when+7000, p.copies)
		}
	}
}

// see lets a hop capture a packet, unless it's blind or just dropping.
func (w *model) see(t *rapid.T, p *sent, h, place int, when int64, times map[int]int64) {
	hop := &w.hops[h]
	when += w.skew[hop.Clock]
	if hop.Blind {
		return
	}
	if g, ok := w.gaps[h]; ok && when >= g[0] && when <= g[1] && rapid.Bool().Draw(t, "dropped") {
		return
	}
	times[h] = when
	q := p.packet
	q.ttl = uint8(64 - place)
	if h >= w.nat {
		if q.src == near {
			q.src = public
		}
		if q.dst == near {
			q.dst = public
		}
	}
	frame, snap := q.frame(), 128
	if hop.Encap.Tunnel != NoTunnel {
		frame, snap = wrap(frame, hop.Encap.Tunnel, hop.Encap.VNI, "10.99.0.11", "10.99.0.12"), 192
	}
	s := packets.Packet{Time: when, Length: uint32(len(frame)), VLAN: hop.Encap.VLAN, Data: frame[:min(len(frame), snap)]}
	if s.VLAN != 0 {
		s.TPID = 0x8100
	}
	if (hop.Passing == Leaving) != p.back {
		s.Type = outgoing
	}
	w.queues[h] = append(w.queues[h], s)
}

// play tells the sightings: each hop's in their order, hops mixed in any way.
func (w *model) play(t *rapid.T, m *Matcher) {
	left := []int{}
	for h := range w.queues {
		slices.SortStableFunc(w.queues[h], func(a, b packets.Packet) int { return int(a.Time - b.Time) })
		if len(w.queues[h]) > 0 {
			left = append(left, h)
		}
	}
	for len(left) > 0 {
		i := rapid.IntRange(0, len(left)-1).Draw(t, "next hop")
		h := left[i]
		n := rapid.IntRange(1, len(w.queues[h])).Draw(t, "batch")
		for k := range n {
			m.See(h, &w.queues[h][k])
		}
		if w.queues[h] = w.queues[h][n:]; len(w.queues[h]) == 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
}

func (w *model) options() Options {
	o := Options{Near: []netip.Addr{near}, Far: []netip.Addr{far}, Rows: 512}
	return o
}

// seers are the hops that can see, as the packet meets them, with their places.
func (w *model) seers(back bool) (hops, places []int) {
	for place, h := range w.order(back) {
		if !w.hops[h].Blind {
			hops, places = append(hops, h), append(places, place)
		}
	}
	return hops, places
}

func token(r *Row) uint32 {
	head := 14 + 20 + 8
	if r.Data[23] == uint8(layers.IPProtocolTCP) {
		head = 14 + 20 + 20
	}
	return binary.BigEndian.Uint32(r.Data[head:])
}

// TestModel: rows are exactly the model's packets, with the marks, times,
// directions and verdicts that it knows.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawModel(t)
		for i := range rapid.IntRange(1, 40).Draw(t, "packets") {
			w.send(t, i, start+int64(i)*rapid.Int64Range(0, 300_000).Draw(t, "pause"), true)
		}
		m := w.matcher(t)
		w.play(t, m)
		m.Advance(start + 60_000*ms)
		rows := map[uint32][]Row{}
		for _, r := range rowsOf(m) {
			rows[token(&r)] = append(rows[token(&r)], r)
		}
		for _, p := range w.sent {
			if problem := w.check(p, rows[p.token]); problem != "" {
				t.Fatalf("packet %d (back %v, lost before place %d, copied before %d): %s\nrows\n%s\nhops %+v\ntrue times %v, copy's %v",
					p.token, p.back, p.edge, p.copyAt, problem, list(rows[p.token]), w.hops, p.times, p.copies)
			}
			delete(rows, p.token)
		}
		if len(rows) > 0 {
			t.Fatalf("rows of packets that were never sent: %+v", rows)
		}
	})
}

// list shows rows with their hops' times since the start, in µs.
func list(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d %s, %s, flags %b:", r.Number, r.Direction, r.Verdict, r.Flags)
		for h, mark := range r.Marks {
			if mark.Time != 0 {
				fmt.Fprintf(&b, " %d:%.3f", h, float64(mark.Time-start)/1000)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (w *model) matcher(t *rapid.T) *Matcher {
	m, err := New(w.hops, w.options())
	if err != nil {
		t.Fatal(err)
	}
	for h := range w.hops {
		m.Start(h, start-60_000*ms)
	}
	for h, g := range w.gaps {
		m.Gap(h, g[0], g[1], 1)
	}
	return m
}

// check says what is wrong with the rows of a packet.
func (w *model) check(p *sent, rows []Row) string {
	if p.copyAt > 0 && len(p.copies) > 0 {
		return w.checkCopied(p, rows)
	}
	if len(p.times) == 0 {
		if len(rows) > 0 {
			return "nobody saw it, but it has a row"
		}
		return ""
	}
	if len(rows) != 1 {
		return fmt.Sprintf("%d rows", len(rows))
	}
	r := rows[0]
	for h, mark := range r.Marks {
		if mark.Time != p.times[h] {
			return fmt.Sprintf("hop %d has a time %d ns off", h, mark.Time-p.times[h])
		}
	}
	if (r.Direction == Back) != p.back || r.Direction == NoDirection {
		return "it goes " + r.Direction.String()
	}
	if problem := monotone(&r); problem != "" {
		return problem
	}
	verdict, from, to := w.truth(p)
	if r.Verdict != verdict || verdict == Lost && (r.From != from || r.To != to) {
		return fmt.Sprintf("%s %d..%d, not %s %d..%d", r.Verdict, r.From, r.To, verdict, from, to)
	}
	return ""
}

// monotone checks that delays never fall on the packet's way.
func monotone(r *Row) string {
	last := time.Duration(-1)
	for i := range r.Marks {
		mark := r.Marks[i]
		if r.Direction == Back {
			mark = r.Marks[len(r.Marks)-1-i]
		}
		if mark.State == First && mark.Delay != 0 {
			return "the first mark has a delay"
		}
		if mark.State == First || mark.State == Seen {
			if mark.Delay < last {
				return "a delay falls"
			}
			last = mark.Delay
		}
	}
	return ""
}

func (w *model) truth(p *sent) (v Verdict, from, to int) {
	hops, places := w.seers(p.back)
	for i, h := range hops {
		if places[i] < p.edge {
			from = h
			continue
		}
		return Lost, from, h
	}
	if places[len(places)-1] == len(w.hops)-1 {
		return Delivered, 0, 0
	}
	return Unknown, 0, 0
}

// checkCopied checks a packet that the network copied: the two rows have all
// sightings between them, and the second is a copy if a hop before the place
// of the copy saw it once only.
func (w *model) checkCopied(p *sent, rows []Row) string {
	if len(rows) != 2 {
		return fmt.Sprintf("%d rows of a packet and its copy", len(rows))
	}
	for h := range w.hops {
		want := []int64{p.times[h], p.copies[h]}
		got := []int64{rows[0].Marks[h].Time, rows[1].Marks[h].Time}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			return fmt.Sprintf("hop %d: times %v, not %v", h, got, want)
		}
	}
	duplicates := 0
	for _, r := range rows {
		if r.Verdict == Duplicate {
			duplicates++
		} else if v, _, _ := w.truth(p); r.Verdict != v {
			return r.Verdict.String()
		}
	}
	want := 0
	if len(p.copies) < len(p.times) {
		want = 1
	}
	if duplicates != want {
		return fmt.Sprintf("%d are called copies, not %d", duplicates, want)
	}
	return ""
}

// TestModelWithGaps: with captures that drop, fewer things are known, but what
// is said is true.
func TestModelWithGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawModel(t)
		for range rapid.IntRange(1, 3).Draw(t, "gaps") {
			from := start + rapid.Int64Range(-5*ms, 5*ms).Draw(t, "from")
			w.gaps[rapid.IntRange(0, len(w.hops)-1).Draw(t, "at")] = [2]int64{from, from + rapid.Int64Range(0, 10*ms).Draw(t, "long")}
		}
		for i := range rapid.IntRange(1, 40).Draw(t, "packets") {
			w.send(t, i, start+int64(i)*200_000, true)
		}
		m := w.matcher(t)
		w.play(t, m)
		m.Advance(start + 60_000*ms)
		sent := map[uint32]*sent{}
		for _, p := range w.sent {
			sent[p.token] = p
		}
		for _, r := range rowsOf(m) {
			p := sent[token(&r)]
			place := map[int]int{}
			for i, h := range w.order(p.back) {
				place[h] = i
			}
			switch {
			case r.Verdict == Delivered && p.edge < len(w.hops):
				t.Fatalf("%d was lost before place %d, and is called delivered", p.token, p.edge)
			case r.Verdict == Lost && (p.edge <= place[r.From] || p.edge > place[r.To]):
				t.Fatalf("%d was lost before place %d, not between hops %d and %d\n%strue times %v, copy's %v, copied before %d, back %v, gaps %v", p.token, p.edge, r.From, r.To, list([]Row{r}), p.times, p.copies, p.copyAt, p.back, w.gaps)
			}
			for h, mark := range r.Marks {
				if mark.Time != 0 && mark.Time != p.times[h] && mark.Time != p.copies[h] {
					t.Fatalf("a time at hop %d is another packet's", h)
				}
			}
		}
	})
}

// TestModelOfRepeats sends the same bytes again and again, further apart than
// the path is long, with losses: each row's sightings are of one sending.
func TestModelOfRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, err := New(lab(), Options{Near: []netip.Addr{near}, Far: []netip.Addr{far}})
		if err != nil {
			t.Fatal(err)
		}
		for h := range 5 {
			m.Start(h, start-60_000*ms)
		}
		n := rapid.IntRange(2, 20).Draw(t, "times")
		id := rapid.SampledFrom([]uint16{0, 5}).Draw(t, "id")
		// Captures lag behind by some packets each, as streams from agents do.
		type arrival struct{ hop, i, at int }
		var arrivals []arrival
		reached := map[int]int{}
		hops := []int{0, 1, 3, 4}
		var last [5]int
		most := rapid.SampledFrom([]int{0, 40, 400}).Draw(t, "most lag")
		for i := range n {
			reached[i] = rapid.IntRange(1, 4).Draw(t, "reached")
			for _, h := range hops[:reached[i]] {
				last[h] = max(last[h], 10*i+rapid.IntRange(0, most).Draw(t, "lag"))
				arrivals = append(arrivals, arrival{h, i, last[h]})
			}
		}
		slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at - b.at })
		for _, a := range arrivals {
			send(m, datagramOf(id, "again"), start+int64(a.i)*10*ms, a.hop)
		}
		m.Advance(start + 60_000*ms)
		rows := rowsOf(m)
		if len(rows) != n {
			t.Fatalf("%d rows of %d packets", len(rows), n)
		}
		for _, r := range rows {
			i := int((r.Time - start) / (10 * ms))
			for place, h := range hops {
				if seen := r.Marks[h].Time != 0; seen != (place < reached[i]) || seen && (r.Marks[h].Time-start)/(10*ms) != int64(i) {
					t.Fatalf("the %dth was seen by %d hops, its row is %s", i, reached[i], picture(&r))
				}
			}
			if lost := reached[i] < 4; lost != (r.Verdict == Lost) {
				t.Fatalf("the %dth was seen by %d hops: %s", i, reached[i], picture(&r))
			}
		}
	})
}
