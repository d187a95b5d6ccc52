package pane

import (
	"slices"
	"time"

	"steth/feed"
)

const (
	// together is how far apart two sights of one packet may be: transit and
	// what is left of the difference between two hosts' clocks.
	together = int64(500 * time.Millisecond)
	// patience is how long a packet may be under way to the console before its
	// absence elsewhere is told.
	patience = int64(time.Second)
)

// level keeps the rows of panes that stand side by side at the same instants:
// one row an instant, and the same packet in the same row wherever it was seen.
type level struct {
	top    int64 // the time of the first row, while the panes stand still
	sides  []side
	rows   []instant
	centre bool // the leader's rows have changed: show its cursor in the middle
	wait   bool // a row may yet say that something was not seen
}

// side is what one pane brings.
type side struct {
	pane    *pane
	entries []feed.Entry
	ids     []identity
	whole   bool // nothing was captured before entries
	exact   bool // nothing was dropped or filtered out here
	keys    map[uint64]int64
	matched map[uint64]bool // pairs of addresses of which a packet was seen elsewhere too
	at      int             // next entry to place
	row     int             // the row of the last one placed
}

// instant is one row: for each side an entry, absent or missing.
type instant struct {
	time  int64
	id    identity
	cells []int
}

const (
	absent  = -1
	missing = -2 // seen elsewhere and surely not here
)

// arrange makes the rows that are visible. The leader's cursor decides which,
// while the panes stand still.
func (l *level) arrange(panes []*pane, leader *pane, now int64) {
	height := leader.height
	for _, p := range panes {
		if l.top == 0 {
			height = min(height, p.height) // the newest row is seen in all
		} else {
			height = max(height, p.height)
		}
	}
	l.gather(panes, height)
	if l.top != 0 && !l.reaches(leader) { // the cursor jumped
		if t, ok := leader.time(leader.top); ok {
			l.top = t
			l.gather(panes, height)
		}
	}
	l.merge(leader)
	l.accuse(now)
	from := l.first(leader, height)
	l.rows = l.rows[from:min(from+height, len(l.rows))]
}

// gather reads what may be visible, and some more on both sides of it.
func (l *level) gather(panes []*pane, height int) {
	l.sides = l.sides[:0]
	for _, p := range panes {
		n := 2 * height
		from := uint64(0)
		if l.top == 0 {
			last, ok := p.last()
			if ok {
				from = p.step(last, 1-n)
			}
		} else {
			n = 3 * height
			from = p.step(p.feed.SeekTime(l.top), -height)
		}
		if len(p.entries) < n {
			p.entries = make([]feed.Entry, n)
		}
		s := side{pane: p, entries: p.read(from, p.entries[:n]), row: -1}
		first, _ := p.feed.Bounds()
		s.whole = p.state.Lost == 0 && len(s.entries) > 0 && s.entries[0].Seq == first
		s.exact = p.sieve == nil && len(p.state.Drops) == 0
		s.keys, s.matched = make(map[uint64]int64, len(s.entries)), map[uint64]bool{}
		s.ids = make([]identity, len(s.entries))
		for j := range s.entries {
			s.ids[j] = p.identify(&s.entries[j])
			s.keys[s.ids[j].key] = s.entries[j].Time
		}
		l.sides = append(l.sides, s)
	}
}

// reaches says whether the leader's cursor is among what was gathered.
func (l *level) reaches(leader *pane) bool {
	for i := range l.sides {
		if s := &l.sides[i]; s.pane == leader && len(s.entries) > 0 {
			return s.entries[0].Seq <= leader.cursor && leader.cursor <= s.entries[len(s.entries)-1].Seq
		}
	}
	return true
}

// merge makes rows of the entries of all sides in the order of their times. Of
// packets that met on their way each side saw another first: there the leader's
// order counts, and where a tracer knows what is one packet, the others follow.
func (l *level) merge(leader *pane) {
	l.rows = l.rows[:0]
	for {
		next := -1
		for i := range l.sides {
			s := &l.sides[i]
			if s.at < len(s.entries) && (next < 0 || s.entries[s.at].Time < l.sides[next].entries[l.sides[next].at].Time) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		s := &l.sides[next]
		e, id := &s.entries[s.at], s.ids[s.at]
		row := l.same(next, e, id)
		switch {
		case row < 0:
			cells := make([]int, len(l.sides))
			for i := range cells {
				cells[i] = absent
			}
			row = len(l.rows)
			l.rows = append(l.rows, instant{time: e.Time, id: id, cells: cells})
		case row <= s.row && s.pane == leader:
			row = l.last(row)
			l.rows[row].time = e.Time
		}
		l.rows[row].cells[next] = s.at
		s.row = max(s.row, row)
		s.at++
	}
}

// last moves a row to the end.
func (l *level) last(row int) int {
	moved := l.rows[row]
	l.rows = append(slices.Delete(l.rows, row, row+1), moved)
	for i := range l.sides {
		switch s := &l.sides[i]; {
		case moved.cells[i] >= 0:
			s.row = len(l.rows) - 1
		case s.row > row:
			s.row--
		}
	}
	return len(l.rows) - 1
}

// same finds the row in which another side shows the packet: after all that
// this side has shown so far, or, where a tracer knows it, anywhere.
func (l *level) same(i int, e *feed.Entry, id identity) int {
	if id.key == 0 && id.number == 0 {
		return -1
	}
	for r := len(l.rows) - 1; r >= 0; r-- {
		row := &l.rows[r]
		traced := id.tracer != nil && row.id.tracer == id.tracer
		past := r <= l.sides[i].row || row.time < e.Time-together
		switch {
		case past && id.tracer == nil:
			return -1
		case past && !traced || row.cells[i] != absent || !row.id.is(&id):
			continue
		}
		for j, c := range row.cells {
			if c >= 0 {
				l.sides[j].matched[id.pair] = true
			}
		}
		l.sides[i].matched[id.pair] = true
		return r
	}
	return -1
}

// accuse marks packets that one side saw and another surely did not. A tracer
// that knows the packet decides. Without one it's a side that sees
// others between the same two addresses in the same form, it was looking
// before and after, nothing was dropped or filtered out there, and the packet
// is not one that hardware cuts up on its way.
func (l *level) accuse(now int64) {
	l.wait = false
	for r := range l.rows {
		row := &l.rows[r]
		for i := range l.sides {
			s := &l.sides[i]
			if row.cells[i] == absent && row.id.tracer != nil && row.id.tracer == s.pane.tracer {
				missed, pending := row.id.tracer.Absent(row.id.number, s.pane.feed)
				if missed {
					row.cells[i] = missing
				}
				l.wait = l.wait || pending
				continue
			}
			if row.id.key == 0 || row.id.cut || row.cells[i] != absent || !s.exact || !s.matched[row.id.pair] || !l.alike(row, s) {
				continue
			}
			if t, ok := s.keys[row.id.key]; ok && t >= row.time-together && t <= row.time+together {
				continue // seen, only not in this order
			}
			switch before, after := s.looked(row.time, now); {
			case before && after:
				row.cells[i] = missing
			case before:
				l.wait = true
			}
		}
	}
}

// alike says whether a side that saw the packet has the same filter as s, so
// that s would have let it pass.
func (l *level) alike(row *instant, s *side) bool {
	for j, c := range row.cells {
		if c >= 0 && l.sides[j].pane.about.Filter == s.pane.about.Filter {
			return true
		}
	}
	return false
}

// looked says whether a side was looking for long enough before and after t.
func (s *side) looked(t, now int64) (before, after bool) {
	if len(s.entries) == 0 {
		return false, false
	}
	first, last := s.entries[0].Time, s.entries[len(s.entries)-1].Time
	before = first <= t-together || s.whole && first <= t
	after = last >= t+together
	if !after && s.pane.state.Live && s.newest() {
		after = now >= t+patience
	}
	return before, after
}

// newest says whether the entries reach to the newest of the feed, so that the
// time that passed since counts as looking.
func (s *side) newest() bool {
	_, next := s.pane.feed.Bounds()
	return s.entries[len(s.entries)-1].Seq+1 == next
}

// first is the first row that is shown: the last ones while the panes follow;
// else from top on, so far up or down that the leader's cursor is seen.
func (l *level) first(leader *pane, height int) int {
	last := max(len(l.rows)-height, 0)
	if l.top == 0 {
		return last
	}
	from := 0
	for from < len(l.rows) && l.rows[from].time < l.top {
		from++
	}
	from = min(from, last)
	for i := range l.sides {
		s := &l.sides[i]
		if s.pane != leader {
			continue
		}
		for r := range l.rows {
			c := l.rows[r].cells[i]
			if c < 0 || s.entries[c].Seq != leader.cursor {
				continue
			}
			if l.centre {
				from = max(r-leader.height/2, 0)
				continue
			}
			from = max(min(from, r), r-leader.height+1)
		}
	}
	l.centre = false
	if from < len(l.rows) {
		l.top = l.rows[from].time
	}
	return from
}

// shift moves the first row by n rows of p.
func (l *level) shift(p *pane, n int) {
	if l.top == 0 {
		return
	}
	for i := range l.sides {
		s := &l.sides[i]
		if s.pane != p {
			continue
		}
		for r := range l.rows {
			if c := l.rows[r].cells[i]; c >= 0 {
				if t, ok := p.time(p.step(s.entries[c].Seq, n)); ok {
					l.top = t
				}
				return
			}
		}
	}
}

// settle tells p which of its rows is the last one shown.
func (l *level) settle(p *pane) {
	for i := range l.sides {
		if l.sides[i].pane != p {
			continue
		}
		for r := len(l.rows) - 1; r >= 0; r-- {
			if c := l.rows[r].cells[i]; c >= 0 && r < p.height {
				p.bottom = l.sides[i].entries[c].Seq
				return
			}
		}
	}
}

// tells tells whether there is anything to say of a side that saw nothing.
func (l *level) tells(i int) bool {
	return slices.ContainsFunc(l.rows, func(r instant) bool { return r.cells[i] != absent })
}

// body draws one side's cells.
func (l *level) body(p *pane, height int) {
	c, th := &p.canvas, p.theme
	for i := range l.sides {
		s := &l.sides[i]
		if s.pane != p {
			continue
		}
		if len(s.entries) == 0 && !l.tells(i) {
			p.nothing()
			return
		}
		for r := range l.rows {
			switch cell := l.rows[r].cells[i]; cell {
			case absent:
				c.end()
			case missing:
				c.space(3)
				c.text(th.Bad, th.Glyphs.None+"  not seen here")
				c.end()
			default:
				p.row(&s.entries[cell], false)
			}
			if c.rows() >= height {
				return
			}
		}
	}
}
