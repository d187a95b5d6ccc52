package match

// mixed finds out whether s, which has a sighting at g's hop already, was made
// of two equal packets, each seen at hops where the other was not: then some of
// its sightings fit g much better than the one at that hop. It gives the hops of
// those sightings.
func (m *Matcher) mixed(s *slot, g *sighting) (hops uint32) {
	if s.wrong != 0 || s.seen&g.bit() == 0 {
		return 0
	}
	has, d := m.timesOf(s)[g.hop], way(s.votes)
	for rest := s.seen &^ g.bit(); rest != 0; rest &= rest - 1 {
		k := lowest(rest)
		if m.nearer(m.off(s, k, g.hop, g.time, d), m.off(s, k, g.hop, has, d)) {
			hops |= 1 << k
		}
	}
	return hops
}

// part moves to the row that g was given to what fits g much better than the
// rows it was given to itself.
func (m *Matcher) part(to *slot, g *sighting) {
	var moves [MaxHops]candidate
	var moved uint32
	steps := 0
	for i := m.byKey.first(g.key.hash); i >= 0 && steps < 4*maxEqual; i = m.byKey.next(i) {
		s := &m.slots[i]
		steps++
		if s == to || s.key != g.key || s.votes > 0 && g.vote < 0 || s.votes < 0 && g.vote > 0 {
			continue
		}
		for hops := m.mixed(s, g) &^ (to.seen | to.wrong); hops != 0; hops &= hops - 1 {
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
		m.timesOf(to)[k] = m.timesOf(s)[k]
		to.seen |= 1 << k
		s.seen &^= 1 << k
		if to.votes == 0 {
			to.votes = min(max(s.votes, -1), 1)
		}
		to.flags |= Guessed
		s.flags |= Guessed
		m.date(to)
		m.date(s)
	}
}

// mend joins a row whose packet seems lost with one that seems to come from
// nowhere: equal packets that were too far apart to be joined at once. By now
// all that is known of them is known.
func (m *Matcher) mend(s *slot) {
	switch {
	case s.twin == 0, s.seen == 0:
		return
	case s.seen&m.path == 0:
		m.beside(s)
		return
	case s.seen&m.sees == m.sees:
		return
	}
	best, equal := candidate{slot: -1}, 0
	m.equals(s, func(i int, o *slot) {
		equal++
		off, ok := m.follows(s, o)
		if ok && (best.slot < 0 || m.nearer(off, best.off) || !m.nearer(best.off, off) && o.opened < m.slots[best.slot].opened) {
			best = candidate{i, off}
		}
	})
	if best.slot < 0 {
		return
	}
	rest := &m.slots[best.slot]
	mine := true
	m.equals(s, func(_ int, o *slot) {
		if off, ok := m.follows(o, rest); ok && m.nearer(off, best.off) {
			mine = false
		}
	})
	if !mine {
		return
	}
	if equal > 1 {
		s.flags |= Guessed
	} else {
		m.learnGap(s, rest)
	}
	m.join(s, rest)
}

// beside joins a row that was only ever seen beside the path with the packet of
// the path that was flooded there.
func (m *Matcher) beside(s *slot) {
	best, equal := candidate{slot: -1}, 0
	m.equals(s, func(i int, o *slot) {
		off := abs(o.opened - s.opened)
		if o.seen&m.path == 0 || o.seen&s.seen != 0 || off > int64(m.options.Settle) || s.votes > 0 && o.votes < 0 || s.votes < 0 && o.votes > 0 {
			return
		}
		equal++
		best.prefer(i, off)
	})
	if best.slot < 0 {
		return
	}
	if equal > 1 {
		m.slots[best.slot].flags |= Guessed
	}
	m.join(&m.slots[best.slot], s)
}

// join gives s what was seen of rest, which is no row any more.
func (m *Matcher) join(s, rest *slot) {
	for hops := rest.seen; hops != 0; hops &= hops - 1 {
		k := lowest(hops)
		m.timesOf(s)[k] = m.timesOf(rest)[k]
	}
	s.seen, rest.seen = s.seen|rest.seen, 0
	s.votes += rest.votes / 2
	s.flags |= rest.flags
	m.date(s)
	if mate := m.row(rest.mate); mate != nil && s.mate == 0 {
		s.mate, mate.mate, rest.mate = mate.number, s.number, 0
	}
	if s.sent == rest.number {
		s.sent = 0
	}
	if s.twin == rest.number {
		s.twin = 0
	}
	m.equals(s, func(_ int, o *slot) {
		if o.twin == rest.number {
			o.twin = s.number
		}
		if s.twin == 0 {
			s.twin = o.number
		}
	})
}

// equals calls f for the rows with the same key as s, but for s.
func (m *Matcher) equals(s *slot, f func(i int, o *slot)) {
	steps := 0
	for i := m.byKey.first(s.key.hash); i >= 0 && steps < 4*maxEqual; i = m.byKey.next(i) {
		steps++
		if o := &m.slots[i]; o != s && o.key == s.key && o.seen != 0 {
			f(i, o)
		}
	}
}

// follows says whether o could be what else was seen of s, from a later hop on,
// and how far its time is from what is usual.
func (m *Matcher) follows(s, o *slot) (off int64, ok bool) {
	d := way(s.votes)
	a, b := s.seen&m.path, o.seen&m.path
	if d == 0 || d != way(o.votes) || a == 0 || b == 0 || s.seen&o.seen != 0 || s.wrong|o.wrong != 0 {
		return 0, false
	}
	last, next, ok := joint(a, b, d == 2)
	if !ok {
		return 0, false
	}
	after := m.timesOf(o)[next] - m.timesOf(s)[last]
	if after < -int64(m.options.Skew) || after > int64(m.options.Settle) {
		return 0, false
	}
	return m.off(s, last, next, m.timesOf(o)[next], d), true
}

// date sets when a row was opened to the first that is known of it.
func (m *Matcher) date(s *slot) {
	s.opened = m.timesOf(s)[lowest(s.seen)]
	for rest := s.seen; rest != 0; rest &= rest - 1 {
		s.opened = min(s.opened, m.timesOf(s)[lowest(rest)])
	}
}

// joint is where the hops of one part of a packet's way, a, go over to those
// of another that began later, b.
func joint(a, b uint32, back bool) (last, next int, ok bool) {
	if back {
		next = highest(b)
		if a &^= 2<<next - 1; a == 0 {
			return 0, 0, false
		}
		return lowest(a), next, true
	}
	next = lowest(b)
	if a &= 1<<next - 1; a == 0 {
		return 0, 0, false
	}
	return highest(a), next, true
}
