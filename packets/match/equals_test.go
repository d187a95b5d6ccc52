package match

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// TestFirstComeFirstServed has equal packets closer together than clocks can
// tell: they are taken to be in order at every hop, and each is called a guess.
func TestFirstComeFirstServed(t *testing.T) {
	const n, gap = 5, 100_000
	m := newMatcher(t, lab(), Options{})
	for _, hop := range []int{0, 1, 3, 4} {
		for i := range int64(n) {
			send(m, datagramOf(0, "again"), start+i*gap, hop)
		}
	}
	m.Advance(start + 10_000*ms)
	rows := rowsOf(m)
	if len(rows) != n {
		t.Fatalf("%d rows of %d packets", len(rows), n)
	}
	for i, r := range rows {
		want := "out o +0.06 b +0.31 +0.38 delivered"
		if got := picture(&r); got != want || r.Time != start+int64(i)*gap {
			t.Errorf("the %dth, at %d: %s, want %s", i, r.Time-start, got, want)
		}
		if guessed := r.Flags&Guessed != 0; guessed != (i < n-1) { // the last had no rival left
			t.Errorf("the %dth: flags %b", i, r.Flags)
		}
	}
}

// TestUsualDelay: it follows the path, and outliers don't take it along.
func TestUsualDelay(t *testing.T) {
	var d delay
	d.learn(1_000_000)
	for range 200 {
		d.learn(5_000_000)
	}
	if d.mean < 4_900_000 || d.mean > 5_000_000 {
		t.Errorf("after 200 packets that took 5 ms it is %d ns", d.mean)
	}
	spread := d.spread
	d.learn(5_000_000_000)
	if d.mean > 5_300_000 {
		t.Errorf("after one that took 5 s it is %d ns", d.mean)
	}
	if d.spread < spread {
		t.Errorf("and the spread fell from %d to %d", spread, d.spread)
	}
	for range 200 {
		d.learn(-2_000_000)
	}
	if d.mean > -1_900_000 || d.mean < -2_000_000 {
		t.Errorf("after 200 that seem to take -2 ms it is %d ns", d.mean)
	}
}

// TestOvertaken: the one that was sent first and came second is the reordered
// one, whichever of the two is heard of first, and it's counted where it came
// second.
func TestOvertaken(t *testing.T) {
	for _, first := range []uint16{1, 2} {
		for _, back := range []bool{false, true} {
			t.Run(fmt.Sprintf("heard of %d first, back %v", first, back), func(t *testing.T) {
				m := newMatcher(t, lab(), Options{})
				hops := []int{0, 1, 3, 4}
				if back {
					hops = []int{4, 3, 1, 0}
				}
				pass := func(seq uint16) {
					p := echo(seq, back)
					early := start + int64(seq)*ms
					late := early
					if seq == 1 { // held up between the hosts
						late += 5 * ms
					}
					send(m, p, early, hops[:2]...)
					send(m, p, late, hops[2:]...)
				}
				pass(first)
				pass(3 - first)
				rows := rowsOf(m)
				if len(rows) != 2 {
					t.Fatalf("%d rows", len(rows))
				}
				for _, r := range rows {
					sent := uint16(r.Data[ethernet+20+6])<<8 | uint16(r.Data[ethernet+20+7])
					if overtaken := r.Flags&Reordered != 0; overtaken != (sent == 1) {
						t.Errorf("packet %d: flags %b", sent, r.Flags)
					}
				}
				for h, hop := range m.Total().Hops {
					if want := map[bool]uint64{true: 1}[h == hops[2]]; hop.Reordered != want {
						t.Errorf("hop %d: %d overtaken, want %d", h, hop.Reordered, want)
					}
				}
			})
		}
	}
}

// TestPending: before a packet is settled it may still come where somebody
// watches; where nobody does that isn't known.
func TestPending(t *testing.T) {
	m, err := New(lab(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []int{0, 1, 3} {
		m.Start(h, start-3600_000*ms)
	}
	m.Stop(3, start+500*ms) // not long enough to call the packet lost there
	send(m, echo(1, false), start, 1)
	for _, c := range []struct {
		after int64
		want  string
	}{
		{100, "out before o b pending ? waiting awaited"},
		{2000, "out before o b ? ? unknown unanswered"},
	} {
		m.Advance(start + c.after*ms)
		rows := rowsOf(m)
		if got := picture(&rows[0]); got != c.want {
			t.Errorf("after %d ms %s, want %s", c.after, got, c.want)
		}
	}
}

// TestNobodyKnows: silence means something only where somebody listened, and
// only what asks can be unanswered.
func TestNobodyKnows(t *testing.T) {
	m := newMatcher(t, lab(), Options{})
	send(m, echo(1, false), start, 0)
	for h := range lab() {
		m.Gap(h, start+100*ms, start+200*ms, 1)
	}
	announcement := arpFrame(1, near, near)
	sight(m, 0, start+5000*ms, announcement, 0, 0)
	m.Advance(start + 10_000*ms)
	rows := rowsOf(m)
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, what := range []string{"a question while everybody dropped something", "an announcement"} {
		if got := rows[i].Answer; got != NoAnswer {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// TestFloodedLate: what was flooded beside the path is the same packet, however
// wrong that host's clock is.
func TestFloodedLate(t *testing.T) {
	for _, late := range []int64{-50 * ms, 50 * ms} {
		m := newMatcher(t, append(lab(), Hop{Aside: true, Clock: 3}), Options{})
		send(m, datagramOf(0, "x"), start, 0, 1, 3, 4)
		sight(m, 5, start+late, datagramOf(0, "x").frame(), 0, outgoing)
		m.Advance(start + 10_000*ms)
		rows := rowsOf(m)
		if len(rows) != 1 || rows[0].Flags != Flooded || rows[0].Marks[5].Time != start+late || rows[0].Verdict != Delivered {
			t.Errorf("%d ms late: %s", late/ms, list(rows))
		}
		if total := m.Total(); total.Out.Rows != 1 || total.Neither.Rows != 0 {
			t.Errorf("%d ms late: out %+v, neither %+v", late/ms, total.Out, total.Neither)
		}
	}
	// Another packet of the same bytes, long after, is not.
	m := newMatcher(t, append(lab(), Hop{Aside: true, Clock: 3}), Options{})
	send(m, datagramOf(0, "x"), start, 0, 1, 3, 4)
	sight(m, 5, start+5000*ms, datagramOf(0, "x").frame(), 0, outgoing)
	m.Advance(start + 20_000*ms)
	if rows := rowsOf(m); len(rows) != 2 {
		t.Errorf("%d rows, want 2", len(rows))
	}
}

// TestLostBack: what crossed the interval on the way back was seen at its end
// or further on.
func TestLostBack(t *testing.T) {
	m := newMatcher(t, lab(), Options{})
	for i := range int64(10) {
		p, at := echo(uint16(i), true), start+i*ms
		switch {
		case i < 3:
			send(m, p, at, 4, 3) // lost between the hosts
		case i == 3:
			send(m, p, at, 4, 3, 1) // and behind it
		default:
			send(m, p, at, 4, 3, 1, 0)
		}
	}
	m.Advance(start + 10_000*ms)
	want := []Interval{
		{Direction: Back, From: 3, To: 1, Lost: 3, Crossed: 7, Shortest: 98, Longest: 98, LongestCrossed: 98},
		{Direction: Back, From: 1, To: 0, Lost: 1, Crossed: 6, Shortest: 98, Longest: 98, LongestCrossed: 98},
	}
	if got := m.Total().Intervals; !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestSettlingKeepsUp: rows that leave the ring unsettled aren't settled later,
// in the place of others.
func TestSettlingKeepsUp(t *testing.T) {
	m := newMatcher(t, lab(), Options{Rows: 16})
	for i := range int64(28) {
		send(m, echo(uint16(i), false), start+i*ms, 0)
	}
	if m.settling != m.first || m.first != 13 {
		t.Errorf("row %d is to be settled next, of those from %d on", m.settling, m.first)
	}
}

// TestShapesAreRemembered for a Horizon, and no longer than two.
func TestShapesAreRemembered(t *testing.T) {
	s := newShapes(100)
	for i := range uint64(50) {
		s.add(i+1, shape{pieces: 1}, int64(i))
	}
	s.add(1, shape{whole: 2}, 60)
	if got := s.get(1); got != (shape{1, 2}) {
		t.Errorf("of the first it's known that %+v", got)
	}
	for i := range int64(3) {
		s.add(1000, shape{pieces: 4}, 200+200*i)
	}
	if got := s.get(1); got != (shape{}) {
		t.Errorf("after an age it's still known that %+v", got)
	}
	if got := s.get(1000); got.pieces != 4 {
		t.Errorf("the last is forgotten: %+v", got)
	}
}

// TestFragmentsOfIPv6: the header says that more follow, which datagram it is,
// and where in it.
func TestFragmentsOfIPv6(t *testing.T) {
	for _, c := range []struct {
		offset uint16
		more   bool
	}{{0, true}, {0, false}, {8, true}, {1448, false}} {
		b := extended()
		at := bytes.Index(b, []byte{17, 0, 0, 1, 0, 0, 0, 9})
		be.PutUint16(b[at+2:], c.offset)
		if c.more {
			b[at+3] |= 1
		}
		var d datagram
		if bad := d.parse(typeIPv6, b[ethernet:], len(b)-ethernet); bad != none {
			t.Fatal(bad)
		}
		if d.offset != int(c.offset) || d.more != c.more || d.id != 9 || d.proto != protoUDP || d.fragment() != (c.more || c.offset > 0) {
			t.Errorf("%+v: %+v", c, d)
		}
	}
}
