package match

// maxShapes bounds the fragmented datagrams that are remembered: twice as many.
const maxShapes = 4096

// shapes remembers where fragments of a datagram were seen, and where it was
// seen whole. Of two generations the older is forgotten when the younger is
// full or a Horizon old.
type shapes struct {
	now, before map[uint64]shape
	since, keep int64
}

// shape is where a datagram was seen, and how.
type shape struct{ pieces, whole uint32 }

func newShapes(keep int64) shapes {
	return shapes{now: map[uint64]shape{}, before: map[uint64]shape{}, keep: keep}
}

func (s *shapes) empty() bool { return len(s.now)+len(s.before) == 0 }

func (s *shapes) get(id uint64) shape {
	a, b := s.now[id], s.before[id]
	return shape{a.pieces | b.pieces, a.whole | b.whole}
}

func (s *shapes) add(id uint64, add shape, t int64) {
	if len(s.now) >= maxShapes || t-s.since > s.keep {
		s.now, s.before = s.before, s.now
		clear(s.now)
		s.since = t
	}
	had := s.now[id]
	s.now[id] = shape{had.pieces | add.pieces, had.whole | add.whole}
}

// shape notes what a sighting says of packets that are cut and joined.
func (m *Matcher) shape(s *slot, g *sighting) {
	if int(g.whole) > m.hops[g.hop].MTU {
		s.flags |= Oversize
		if g.form&formStream != 0 {
			w := &m.watches[g.hop]
			w.joined = w.joined.add(g.time, g.time, int64(m.options.Settle))
		}
	}
	switch {
	case g.parts == 0:
	case g.form&formFragment != 0:
		s.flags |= Fragment
		m.shapes.add(g.parts, shape{pieces: g.bit()}, g.time)
	case !m.shapes.empty() && m.shapes.get(g.parts).pieces != 0:
		m.shapes.add(g.parts, shape{whole: g.bit()}, g.time)
	}
}

// reshaped is at which hops s may have passed in another form.
func (m *Matcher) reshaped(s *slot) (hops uint32) {
	if s.flags&Oversize != 0 {
		return ^uint32(0)
	}
	if s.parts != 0 && !m.shapes.empty() {
		if other := m.shapes.get(s.parts); s.form&formFragment != 0 {
			hops = other.whole
		} else {
			hops = other.pieces
		}
	}
	if s.form&formStream != 0 {
		for h := range m.watches {
			if m.watches[h].joined.touch(s.opened-int64(m.options.Settle), s.opened+int64(m.options.Settle)) {
				hops |= 1 << h
			}
		}
	}
	return hops
}
