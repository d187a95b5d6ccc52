package match

// judgement is what can be said of a row with what is known now. Masks hold
// the hops that did not see the packet although they were watching.
type judgement struct {
	direction              Direction
	verdict                Verdict
	origin, last           int // the first and last hop on its way that saw it
	from, to               int
	before, between, after uint32
	settled                bool
	flags                  Flags
}

// judge says what became of a row. It must have been seen somewhere.
func (m *Matcher) judge(s *slot) judgement {
	j := judgement{flags: s.flags, settled: m.settled(s), verdict: Unknown}
	seen := s.seen & m.path
	if s.wrong != 0 {
		j.flags |= Astray
	}
	if s.seen&^m.path != 0 {
		j.flags |= Flooded
	}
	if seen == 0 {
		j.origin = lowest(s.seen)
		j.last, j.from, j.to = j.origin, j.origin, j.origin
		return j
	}
	j.direction = m.direction(s, seen)
	low, high := lowest(seen), highest(seen)
	j.origin, j.last = low, high
	if j.direction == Back {
		j.origin, j.last = high, low
	}
	j.from, j.to = j.origin, j.last
	times := m.timesOf(s)
	if times[j.last]-times[j.origin] > int64(m.options.Settle) {
		j.flags |= Late
	}
	if s.sent != 0 {
		if o := m.row(s.sent); o == nil || o.seen&s.seen != 0 {
			j.flags |= Resent
		}
	}
	if j.direction == NoDirection {
		if !j.settled {
			j.verdict = Waiting
		}
		return j
	}
	m.missing(s, &j, seen)
	j.verdict = m.verdict(s, &j)
	if j.between != 0 {
		j.flags |= Bypassed
	}
	if j.before != 0 {
		j.flags |= Appeared
	}
	if j.verdict == Unknown && m.bordering(s) {
		j.flags |= Bordering
	}
	if j.verdict == Duplicate {
		j.flags &^= Resent | Appeared
	}
	return j
}

// bordering tells whether a row is so near to the beginning or the end of the
// watching that it could not be seen everywhere in any case.
func (m *Matcher) bordering(s *slot) bool {
	if m.over != 0 && s.opened > m.over-int64(m.options.Settle) {
		return true
	}
	for h := range m.watches {
		if m.sees&(1<<h) != 0 && s.opened < m.watches[h].started+int64(m.options.Skew) {
			return true
		}
	}
	return false
}

// missing finds the hops that should have seen the packet.
func (m *Matcher) missing(s *slot, j *judgement, seen uint32) {
	not := m.sees &^ s.seen
	if not == 0 {
		return
	}
	times := m.timesOf(s)
	settle, skew := int64(m.options.Settle), int64(m.options.Skew)
	below := uint32(1)<<lowest(seen) - 1 // hops before the lowest one that saw it
	above := ^uint32(0) << highest(seen) << 1
	if j.direction == Back {
		below, above = above, below
	}
	reshaped := ^uint32(0)
	for rest := not; rest != 0; rest &= rest - 1 {
		h := lowest(rest)
		bit := uint32(1) << h
		w := &m.watches[h]
		mask, from, to := &j.between, times[j.origin]-skew, times[j.origin]+settle
		switch {
		case below&bit != 0 && j.direction == Out && h < m.entry:
			continue // it was sent behind this hop
		case below&bit != 0:
			mask, from, to = &j.before, times[j.origin]-settle, times[j.origin]+skew
		case above&bit != 0:
			mask, from, to = &j.after, times[j.last]-skew, times[j.last]+settle
		}
		if !j.settled && mask == &j.after {
			to = from + skew // what is not known can't be missing; what is may come
		}
		if !w.all(from, to) {
			continue
		}
		if reshaped == ^uint32(0) {
			reshaped = m.reshaped(s)
			if reshaped&not != 0 {
				j.flags |= Reshaped
			}
		}
		if reshaped&bit == 0 {
			*mask |= bit
		}
	}
	// Where it was astray it was, after all: only for what comes after is it gone.
	j.before &^= s.wrong
	j.between &^= s.wrong
}

func (m *Matcher) verdict(s *slot, j *judgement) Verdict {
	end := highest(m.path)
	if j.direction == Back {
		end = lowest(m.path)
	}
	if twin := m.row(s.twin); twin != nil && j.before&twin.seen != 0 && twin.seen&s.seen != 0 && m.directed(twin, j.direction) {
		return Duplicate
	}
	switch {
	case j.last == end, s.role == asks && s.mate != 0:
		return Delivered
	case !j.settled:
		return Waiting
	case j.after == 0, j.before != 0, s.flags&Crowded != 0:
		return Unknown
	}
	if twin := m.row(s.twin); twin != nil && twin.seen != 0 && twin.seen&s.seen == 0 {
		return Unknown // one packet in two halves, or two of which each half was lost
	}
	j.from, j.to = j.last, lowest(j.after)
	if j.direction == Back {
		j.to = highest(j.after)
	}
	return Lost
}

func (m *Matcher) directed(s *slot, d Direction) bool {
	return s.seen&m.path != 0 && m.direction(s, s.seen&m.path) == d
}

// direction says which way a row's packet went: by its addresses and how it
// passed devices, else by time.
func (m *Matcher) direction(s *slot, seen uint32) Direction {
	switch {
	case s.votes > 0:
		return Out
	case s.votes < 0:
		return Back
	}
	times := m.timesOf(s)
	// Two hops with one clock are the best judges.
	for a := seen; a != 0; a &= a - 1 {
		for b := a & (a - 1); b != 0; b &= b - 1 {
			if x, y := lowest(a), lowest(b); m.hops[x].Clock == m.hops[y].Clock && times[x] != times[y] {
				return later(times[y] - times[x])
			}
		}
	}
	if d := times[highest(seen)] - times[lowest(seen)]; abs(d) > int64(m.options.Skew) {
		return later(d)
	}
	return NoDirection
}

func later(d int64) Direction {
	if d > 0 {
		return Out
	}
	return Back
}

// answered says what became of a question.
func (m *Matcher) answered(s *slot) Answer {
	switch {
	case s.role != asks:
		return NoAnswer
	case s.mate != 0:
		return Answered
	case m.now-s.opened < int64(m.options.Settle):
		return Awaited
	}
	for h := range m.watches {
		bit := uint32(1) << h
		if m.sees&bit != 0 && m.watches[h].all(s.opened-int64(m.options.Skew), s.opened+int64(m.options.Settle)) {
			return Unanswered
		}
	}
	return NoAnswer
}

// delays calls f for each hop of the path that saw s, in the packet's order,
// with the time since the first, and whether clocks had to be overruled.
func (m *Matcher) delays(s *slot, j *judgement, f func(h int, delay int64, skewed bool)) {
	times := m.timesOf(s)
	start, most := times[j.origin], int64(0)
	for rest := s.seen & m.path; rest != 0; {
		h := lowest(rest)
		if j.direction == Back {
			h = highest(rest)
		}
		rest &^= 1 << h
		d := times[h] - start
		f(h, max(d, most), d < most)
		most = max(d, most)
	}
}
