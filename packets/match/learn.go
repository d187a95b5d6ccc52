package match

// delay is the usual time between two hops, clocks' error included.
type delay struct {
	mean, spread int64
	known        bool
}

func (d *delay) learn(x int64) {
	if !d.known {
		*d = delay{x, abs(x) / 2, true}
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

// learnGap learns the usual delay where two parts of one packet were joined, so
// that the next one needs no mending.
func (m *Matcher) learnGap(s, rest *slot) {
	d := way(s.votes)
	last, next, _ := joint(s.seen&m.path, rest.seen&m.path, d == 2)
	m.usually(d, last, next, m.timesOf(rest)[next]-m.timesOf(s)[last])
}

// usually learns that it took x from one hop to another.
func (m *Matcher) usually(d, from, to int, x int64) {
	m.usual[d][from*len(m.hops)+to].learn(x)
	m.usual[d][to*len(m.hops)+from].learn(-x)
}

// learn keeps the usual delays, from settled rows that can't be mistaken. Of
// many rows a few are enough.
func (m *Matcher) learn(s *slot) {
	d := way(s.votes)
	if !s.strong || s.twin != 0 || s.flags&Guessed != 0 || s.wrong != 0 {
		return
	}
	if m.learnt++; m.learnt > 64 && m.learnt%16 != 0 {
		return
	}
	times := m.timesOf(s)
	for a := s.seen; a != 0; a &= a - 1 {
		from := lowest(a)
		for b := a & (a - 1); b != 0; b &= b - 1 {
			to := lowest(b)
			m.usually(d, from, to, times[to]-times[from])
		}
	}
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
