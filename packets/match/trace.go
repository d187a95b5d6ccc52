package match

import "steth/packets"

// Is tells whether p, as a hop's capture holds it, is a row's packet: by all
// that [Matcher.See] goes by but the time, which tells equal packets apart and
// is the caller's to compare ([Mark].Time). The row may have left long ago.
func (m *Matcher) Is(r *Row, hop int, p *packets.Packet) bool {
	if hop < 0 || hop >= len(m.hops) || len(r.Marks) != len(m.hops) || r.Marks[hop].Time == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at, clothes, bad := m.place(hop, p)
	if bad != none || at != hop || clothes == copied || (clothes == astray) != (r.Marks[hop].State == Strayed) {
		return false
	}
	var here, row identity
	if m.identify(&m.hops[at], &m.frame, &here) != none {
		return false
	}
	// The row's bytes are those of the first hop that saw it.
	source := 0
	for r.Marks[source].Time == 0 {
		source++
	}
	if m.frame.strip(&packets.Packet{Length: r.Length, Data: r.Data}, NoTunnel) != none ||
		m.identify(&m.hops[source], &m.frame, &row) != none {
		return false
	}
	return here.key == row.key
}

// Number is the row of a packet that a hop's capture holds, found by the bytes
// and the time with which it was given to [Matcher.See]; 0 where no row that is
// kept has it.
func (m *Matcher) Number(hop int, p *packets.Packet) uint64 {
	if hop < 0 || hop >= len(m.hops) {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at, clothes, bad := m.place(hop, p)
	if bad != none || clothes == copied {
		return 0
	}
	var id identity
	if m.identify(&m.hops[at], &m.frame, &id) != none {
		return 0
	}
	steps := 0
	for i := m.byKey.first(id.key.hash); i >= 0 && steps < 4*maxEqual; i = m.byKey.next(i) {
		s := &m.slots[i]
		steps++
		if s.key == id.key && (s.seen|s.wrong)&(1<<at) != 0 && m.timesOf(s)[at] == p.Time {
			return s.number
		}
	}
	return 0
}

// Absent tells whether a row's packet is known to have passed without any of
// the hops of a capture seeing it, and if not, whether that may yet be told.
func (m *Matcher) Absent(number uint64, hop int) (missed, pending bool) {
	if hop < 0 || hop >= len(m.hops) {
		return false, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.row(number)
	if s == nil || !m.ours(s) {
		return false, false
	}
	j := m.judge(s)
	for _, h := range m.groups[hop] {
		switch m.mark(s, &j, h) {
		case First, Seen, Strayed:
			return false, false
		case Missed, Skipped:
			missed = true
		case Pending:
			pending = true
		}
	}
	return missed, pending && !missed
}
