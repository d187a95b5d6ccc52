package match

// delay is the usual time between two hops, clocks' error included.
type delay struct {
	mean, spread int64
	count        uint32
}

func (d *delay) learn(x int64) {
	if d.count < 1<<20 {
		d.count++
	}
	if d.count == 1 {
		d.mean, d.spread = x, abs(x)/2
		return
	}
	// As TCP estimates a round trip (RFC 6298), with outliers held down.
	off := x - d.mean
	if limit := 4*d.spread + 10_000; abs(off) > limit {
		off = max(-limit, min(off, limit))
	}
	d.spread += (abs(off) - d.spread) / 8
	d.mean += off / 8
}

// off is how far a time at hop h is from where row s would usually be, as seen
// from another hop; -1: there is no other.
func (m *Matcher) off(s *slot, from, h int, t int64, direction int) int64 {
	if from < 0 {
		return abs(t - s.opened)
	}
	usual := &m.usual[direction][from*len(m.hops)+h]
	return abs(t - m.timesOf(s)[from] - usual.mean)
}

// other is a hop, not h, that has seen s; the latest one if possible. -1: none.
func (s *slot) other(h int) int {
	if (s.seen|s.wrong)&(1<<s.latest) != 0 && int(s.latest) != h {
		return int(s.latest)
	}
	if rest := (s.seen | s.wrong) &^ (1 << h); rest != 0 {
		return lowest(rest)
	}
	return -1
}

// find looks for the row that a sighting belongs to; -1 says that it's a new
// one, with twin the row nearest to it that has the same key, or 0.
func (m *Matcher) find(g *sighting) (at int, twin uint64, crowded bool) {
	bestAt, oldestAt, takenAt, apartAt := -1, -1, -1, -1
	var best, oldest, taken, apart int64
	near, free, steps := 0, 0, 0
	for i := m.byKey.first(g.key.hash); i >= 0 && steps < 4*maxEqual; i = m.byKey.next(i) {
		s := &m.slots[i]
		steps++
		if s.key != g.key {
			continue
		}
		if abs(g.time-s.opened) <= int64(m.options.Settle) {
			near++
		}
		if s.votes > 0 && g.vote < 0 || s.votes < 0 && g.vote > 0 {
			continue // there and back again
		}
		if g.clothes == fits && (s.seen|s.wrong)&g.bit() != 0 {
			if d := abs(g.time - m.timesOf(s)[g.hop]); takenAt < 0 || d < taken {
				takenAt, taken = i, d
			}
			continue
		}
		from := s.other(g.hop)
		off := m.off(s, from, g.hop, g.time, max(way(s.votes), way(int8(g.vote))))
		if off > m.reach(s) {
			if apartAt < 0 || off < apart {
				apartAt, apart = i, off
			}
			continue
		}
		free++
		if bestAt < 0 || off < best {
			bestAt, best = i, off
		}
		if oldestAt < 0 || s.opened < m.slots[oldestAt].opened {
			oldestAt, oldest = i, off
		}
	}
	switch {
	case free == 1:
		return bestAt, 0, false
	case free > 1:
		at = oldestAt
		if 4*best < oldest {
			at = bestAt
		}
		m.slots[at].flags |= Guessed
		return at, 0, false
	case near >= maxEqual:
		m.crowd(g)
		return -1, 0, true
	case takenAt >= 0:
		return -1, m.slots[takenAt].number, false
	case apartAt >= 0:
		return -1, m.slots[apartAt].number, false
	}
	return -1, 0, false
}

// part takes from s what a new sighting at a hop that s has already shows to be
// another packet's, and gives it to the new row: s was made of two equal
// packets, each seen at hops where the other was not. What is much nearer to
// the sighting in hand goes with it.
func (m *Matcher) part(s, fresh *slot, g *sighting) {
	has, d := m.timesOf(s)[g.hop], way(s.votes)
	var goes uint32
	for rest := s.seen &^ g.bit(); rest != 0; rest &= rest - 1 {
		if k := lowest(rest); 4*m.off(s, k, g.hop, g.time, d) < m.off(s, k, g.hop, has, d) {
			goes |= 1 << k
		}
	}
	if goes == 0 || s.wrong != 0 {
		return
	}
	for rest := goes; rest != 0; rest &= rest - 1 {
		k := lowest(rest)
		m.timesOf(fresh)[k] = m.timesOf(s)[k]
	}
	fresh.seen, s.seen = goes, s.seen&^goes
	fresh.latest, s.latest = uint8(highest(goes)), uint8(g.hop)
	fresh.votes = min(max(s.votes, -1), 1)
	fresh.flags |= Guessed
	s.flags |= Guessed
	m.date(fresh)
	m.date(s)
}

// date sets when a row was opened to the first that is known of it.
func (m *Matcher) date(s *slot) {
	s.opened = m.timesOf(s)[lowest(s.seen)]
	for rest := s.seen; rest != 0; rest &= rest - 1 {
		s.opened = min(s.opened, m.timesOf(s)[lowest(rest)])
	}
}

// crowd marks all rows with a sighting's key as guesses: there are too many to
// tell apart.
func (m *Matcher) crowd(g *sighting) {
	n := 0
	for i := m.byKey.first(g.key.hash); i >= 0 && n < maxEqual; i = m.byKey.next(i) {
		if s := &m.slots[i]; s.key == g.key {
			if s.flags&Crowded != 0 && n == 0 {
				return // done when the one before came
			}
			s.flags |= Guessed | Crowded
			n++
		}
	}
}

// learn keeps the usual delays, from packets that can't be mistaken.
func (m *Matcher) learn(s *slot, g *sighting, d int) {
	if !s.strong || s.twin != 0 || s.flags&Guessed != 0 || s.seen == g.bit() || s.wrong != 0 || int(s.latest) == g.hop {
		return
	}
	x := g.time - m.timesOf(s)[s.latest]
	m.usual[d][int(s.latest)*len(m.hops)+g.hop].learn(x)
	m.usual[d][g.hop*len(m.hops)+int(s.latest)].learn(-x)
}

// order finds out whether s and the row before it at this hop passed another
// hop the other way round. Only times of one hop are compared, so clocks don't
// matter.
func (m *Matcher) order(s *slot, g *sighting, d int) {
	if d == 0 || m.hops[g.hop].Aside {
		return
	}
	before := m.row(m.latest[d][g.hop])
	m.latest[d][g.hop] = s.number
	if before == nil || before == s || (before.flags|s.flags)&Guessed != 0 || before.seen&g.bit() == 0 {
		return
	}
	mine, its := m.timesOf(s), m.timesOf(before)
	here := mine[g.hop] - its[g.hop]
	for common := s.seen & before.seen & m.path &^ g.bit(); common != 0; common &= common - 1 {
		h := lowest(common)
		there := mine[h] - its[h]
		if here == 0 || there == 0 || (here < 0) == (there < 0) {
			continue
		}
		// The one that is later at the hop further on was overtaken.
		later := here
		at := g.hop
		if (d == 1) == (h > g.hop) {
			later, at = there, h
		}
		late := s
		if later < 0 {
			late = before
		}
		if late.flags&Reordered == 0 {
			late.flags |= Reordered
			m.reordered[at]++
		}
	}
}
