package match

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
	best, taken, apart := candidate{slot: -1}, candidate{slot: -1}, candidate{slot: -1}
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
