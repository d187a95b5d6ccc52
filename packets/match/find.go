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

// off is how far a time at hop h is from where row s would usually be, going by
// another hop that saw it.
func (m *Matcher) off(s *slot, from, h int, t int64, direction int) int64 {
	usual := &m.usual[direction][from*len(m.hops)+h]
	return abs(t - m.timesOf(s)[from] - usual.mean)
}

// nearest is off, going by that of the other hops that has most to say for s.
func (m *Matcher) nearest(s *slot, g *sighting) int64 {
	d, best := max(way(s.votes), way(int8(g.vote))), int64(-1)
	for rest := (s.seen | s.wrong) &^ g.bit(); rest != 0; rest &= rest - 1 {
		if off := m.off(s, lowest(rest), g.hop, g.time, d); best < 0 || off < best {
			best = off
		}
	}
	if best < 0 { // it was only ever seen as a copy
		return abs(g.time - s.opened)
	}
	return best
}

// candidate is a row that a sighting may belong to.
type candidate struct {
	slot int
	off  int64
}

// find looks for the row that a sighting belongs to; -1 says that it's a new
// one, with twin the row nearest to it that has the same key, or 0.
func (m *Matcher) find(g *sighting) (at int, twin uint64, crowded bool) {
	var free [maxEqual]candidate
	var nearby, frees, steps int
	best, mixed, taken, apart := candidate{slot: -1}, candidate{slot: -1}, candidate{slot: -1}, candidate{slot: -1}
	for i := m.byKey.first(g.key.hash); i >= 0 && steps < 4*maxEqual; i = m.byKey.next(i) {
		s := &m.slots[i]
		steps++
		if s.key != g.key {
			continue
		}
		if abs(g.time-s.opened) <= int64(m.options.Settle) {
			nearby++
		}
		if s.votes > 0 && g.vote < 0 || s.votes < 0 && g.vote > 0 {
			continue // there and back again
		}
		if g.clothes == fits && (s.seen|s.wrong)&g.bit() != 0 {
			taken.prefer(i, abs(g.time-m.timesOf(s)[g.hop]))
			if off, hops := m.mixed(s, g); hops != 0 {
				mixed.prefer(i, off)
			}
			continue
		}
		off := m.nearest(s, g)
		if off > m.reach(s) {
			apart.prefer(i, off)
			continue
		}
		best.prefer(i, off)
		if frees < len(free) {
			free[frees] = candidate{i, off}
			frees++
		}
	}
	switch {
	case mixed.slot >= 0 && (best.slot < 0 || m.nearer(mixed.off, best.off)):
		return -1, m.slots[mixed.slot].number, false
	case best.slot >= 0:
		if frees > 1 {
			best.slot = m.firstCome(free[:frees], best)
		}
		return best.slot, 0, false
	case nearby >= maxEqual:
		m.crowd(g)
		return -1, 0, true
	case taken.slot >= 0:
		return -1, m.slots[taken.slot].number, false
	case apart.slot >= 0:
		return -1, m.slots[apart.slot].number, false
	}
	return -1, 0, false
}

func (c *candidate) prefer(slot int, off int64) {
	if c.slot < 0 || off < c.off {
		*c = candidate{slot, off}
	}
}

// nearer says whether a distance in time is so much smaller than another that
// it outweighs first come, first served. Within the clocks' error none is.
func (m *Matcher) nearer(a, than int64) bool { return a+int64(m.options.Skew) < than }

// firstCome is the oldest of the rows that are as near as the best, as far as
// clocks can tell.
func (m *Matcher) firstCome(free []candidate, best candidate) int {
	at := best.slot
	for _, c := range free {
		if !m.nearer(best.off, c.off) && m.slots[c.slot].opened < m.slots[at].opened {
			at = c.slot
		}
	}
	m.slots[at].flags |= Guessed
	return at
}

// mixed finds out whether s, which has a sighting at g's hop already, was made
// of two equal packets, each seen at hops where the other was not: then some of
// its sightings fit g much better than the one at that hop. It gives the
// smallest distance, and the hops of those sightings.
func (m *Matcher) mixed(s *slot, g *sighting) (off int64, hops uint32) {
	if s.wrong != 0 || g.clothes != fits || s.seen&g.bit() == 0 {
		return 0, 0
	}
	has, d := m.timesOf(s)[g.hop], way(s.votes)
	for rest := s.seen &^ g.bit(); rest != 0; rest &= rest - 1 {
		k := lowest(rest)
		if with := m.off(s, k, g.hop, g.time, d); m.nearer(with, m.off(s, k, g.hop, has, d)) {
			if hops == 0 || with < off {
				off = with
			}
			hops |= 1 << k
		}
	}
	return off, hops
}

// part moves to the row that was made for g what fits it much better than the
// rows it was given to.
func (m *Matcher) part(fresh *slot, g *sighting) {
	var moves [MaxHops]candidate
	var moved uint32
	steps := 0
	for i := m.byKey.first(g.key.hash); i >= 0 && steps < 4*maxEqual; i = m.byKey.next(i) {
		s := &m.slots[i]
		steps++
		if s == fresh || s.key != g.key || s.votes > 0 && g.vote < 0 || s.votes < 0 && g.vote > 0 {
			continue
		}
		_, hops := m.mixed(s, g)
		for ; hops != 0; hops &= hops - 1 {
			k := lowest(hops)
			if moved&(1<<k) == 0 {
				moves[k].slot = -1
			}
			moves[k].prefer(i, m.off(s, k, g.hop, g.time, way(s.votes)))
			moved |= 1 << k
		}
	}
	for ; moved != 0; moved &= moved - 1 {
		k := lowest(moved)
		s := &m.slots[moves[k].slot]
		m.timesOf(fresh)[k] = m.timesOf(s)[k]
		fresh.seen |= 1 << k
		s.seen &^= 1 << k
		fresh.votes = min(max(s.votes, -1), 1)
		fresh.latest, s.latest = uint8(k), uint8(g.hop)
		fresh.flags |= Guessed
		s.flags |= Guessed
		m.date(fresh)
		m.date(s)
	}
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
