package match

import (
	"runtime"
	"testing"

	"steth/packets"
)

// stream is sightings of n packets at four hops of lab, as captures give them:
// in batches of a host each.
func stream(n int) (hops []int, sightings []packets.Packet) {
	const batch = 100
	for first := 0; first < n; first += batch {
		for _, host := range [][]int{{0, 1}, {3, 4}} {
			for i := first; i < first+batch; i++ {
				p := segment(uint16(i), uint32(i)*64, 64)
				p.ack = uint32(i)
				inner := p.frame()
				outer := wrap(inner, VXLAN, 1042, "10.99.0.11", "10.99.0.12")
				for _, h := range host {
					s := packets.Packet{Time: start + int64(i)*20_000 + int64(h)*10_000, Data: inner, Length: uint32(len(inner))}
					if h == 1 || h == 3 {
						s.Data, s.Length = outer, uint32(len(outer))
					}
					if h == 1 || h == 4 {
						s.Type = outgoing
					}
					hops, sightings = append(hops, h), append(sightings, s)
				}
			}
		}
	}
	return hops, sightings
}

const benchPackets = 10_000

// BenchmarkSee is one sighting.
func BenchmarkSee(b *testing.B) {
	m := newMatcher(b, lab(), Options{})
	hops, sightings := stream(benchPackets)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		k := i % len(hops)
		if k == 0 && i > 0 { // the same again, later and with other numbers
			b.StopTimer()
			for j := range sightings {
				sightings[j].Time += benchPackets * 20_000
				d := sightings[j].Data[len(sightings[j].Data)-84:]
				d[4] ^= byte(i >> 4) // in the sequence number
				d[5]++
			}
			b.StartTimer()
		}
		m.See(hops[k], &sightings[k])
		if k%400 == 0 {
			m.Advance(sightings[k].Time)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sightings/s")
	if s := m.Total(); b.N > 2*len(hops) && (s.Out.Delivered < uint64(b.N/4-benchPackets) || s.Out.Lost+s.Out.Overrun+s.Out.Guessed+s.Out.Appeared > benchPackets) {
		b.Errorf("fast, but wrong: %+v", s.Out) // the last, unfinished round may lose some
	}
}

func BenchmarkFlood(b *testing.B) {
	m := newMatcher(b, lab(), Options{})
	f := datagramOf(0, "x").frame()
	p := packets.Packet{Data: f, Length: uint32(len(f)), Time: start}
	for b.Loop() {
		p.Time += 5000
		m.See(0, &p)
	}
}

func BenchmarkSummary(b *testing.B) {
	for _, lost := range []bool{false, true} {
		b.Run(map[bool]string{false: "delivered", true: "lost"}[lost], func(b *testing.B) {
			m := newMatcher(b, lab(), Options{})
			hops, sightings := stream(1 << 16)
			for i := range hops {
				if !lost || hops[i] < 2 {
					m.See(hops[i], &sightings[i])
				}
			}
			now := start + 3000*ms
			m.Advance(now)
			for b.Loop() {
				m.Summary(now)
			}
		})
	}
}

func BenchmarkRows(b *testing.B) {
	m := newMatcher(b, lab(), Options{})
	hops, sightings := stream(1000)
	for i := range hops {
		m.See(hops[i], &sightings[i])
	}
	dst := make([]Row, 50)
	b.ReportAllocs()
	for b.Loop() {
		m.Rows(100, dst)
	}
}

func TestSeeAllocatesNothing(t *testing.T) {
	m := newMatcher(t, lab(), Options{Rows: 1000})
	hops, sightings := stream(benchPackets)
	i := 0
	if n := testing.AllocsPerRun(len(hops)-10, func() {
		m.See(hops[i], &sightings[i])
		i++
	}); n != 0 {
		t.Errorf("%.2f allocations a sighting", n)
	}
}

// TestMemoryIsBounded runs a stream through a small ring, with everything in
// it that takes room: repeats, fragments, gaps, astray and oversized packets.
func TestMemoryIsBounded(t *testing.T) {
	m := newMatcher(t, lab(), Options{Rows: 1000})
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	hops, sightings := stream(2000)
	var before uint64
	for round := range 60 {
		if round == 20 {
			before = heap()
		}
		for i := range hops {
			p := sightings[i]
			p.Time += int64(round) * 200 * ms
			d := append([]byte(nil), p.Data...)
			ip := d[ethernet:]
			if len(d) > 150 {
				ip = ip[50:]
			}
			ip[4], ip[5] = byte(round*7+i), byte(i>>8)
			switch i % 7 {
			case 0:
				ip[6] = 0x20 // a fragment
			case 1:
				ip[2] = 0x20 // oversized
			}
			p.Data = d
			m.See(hops[i], &p)
			if i%100 == 0 {
				m.Gap(i%5, p.Time, p.Time+ms, 1)
				m.Advance(p.Time)
			}
		}
	}
	if after := heap(); after > before+before/4+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	if first, next := m.Bounds(); next-first != 1000 {
		t.Errorf("%d rows are kept", next-first)
	}
	if len(m.watches[0].gaps) > maxSpans || len(m.watches[0].joined) > maxSpans || len(m.shapes.now) > maxShapes {
		t.Error("something grew out of its bounds")
	}
}
