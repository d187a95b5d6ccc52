package follow

import (
	"slices"

	"steth/packets/match"
)

// batch is how many rows are read from the matcher at a time.
const batch = 256

// stranger tells whether a packet was seen only at hops whose filter lets more
// through than what is followed (behind SNAT, say): it is none of the path's.
func stranger(hops []Hop, r *match.Row) bool {
	only := false
	for i, m := range r.Marks {
		switch m.State {
		case match.First, match.Seen, match.Strayed:
			if hops[i].Filter.Wide == "" {
				return false
			}
			only = true
		}
	}
	return only
}

// wide tells whether any hop's filter lets strangers through.
func wide(hops []Hop) bool {
	return slices.ContainsFunc(hops, func(h Hop) bool { return h.Filter.Wide != "" })
}

// own reads rows of the path's own packets, as [match.Matcher.Rows] does.
func own(m *match.Matcher, hops []Hop, from uint64, dst []match.Row) int {
	n := m.Rows(from, dst)
	if !wide(hops) {
		return n
	}
	kept := 0
	for {
		end := kept + n
		if n == 0 {
			return kept
		}
		from = dst[end-1].Number + 1
		for i := kept; i < end; i++ {
			if !stranger(hops, &dst[i]) {
				dst[kept], dst[i] = dst[i], dst[kept] // their slices are used again
				kept++
			}
		}
		n = m.Rows(from, dst[kept:])
	}
}

// expel takes the strangers among rows younger than since out of a summary.
// Their delays and sizes stay in it.
func expel(m *match.Matcher, hops []Hop, since int64, s match.Summary) match.Summary {
	if !wide(hops) {
		return s
	}
	rows := make([]match.Row, batch)
	first, _ := m.Bounds()
	for n := m.Rows(first, rows); n > 0; n = m.Rows(rows[n-1].Number+1, rows) {
		for i := range rows[:n] {
			if r := &rows[i]; r.Time > since && stranger(hops, r) {
				forget(&s, r)
			}
		}
	}
	s.Intervals = slices.DeleteFunc(s.Intervals, func(i match.Interval) bool { return i.Lost == 0 })
	return s
}

// forget takes one row out of a summary.
func forget(s *match.Summary, r *match.Row) {
	t := &s.Neither
	switch r.Direction {
	case match.Out:
		t = &s.Out
	case match.Back:
		t = &s.Back
	}
	less(&t.Rows)
	switch r.Verdict {
	case match.Waiting:
		less(&t.Waiting)
	case match.Delivered:
		less(&t.Delivered)
	case match.Lost:
		less(&t.Lost)
	case match.Unknown:
		less(&t.Unknown)
	case match.Duplicate:
		less(&t.Duplicate)
	}
	switch r.Answer {
	case match.Answered:
		less(&t.Answered)
	case match.Unanswered:
		less(&t.Unanswered)
	}
	for i, m := range r.Marks {
		if m.State != match.First && m.State != match.Seen {
			continue
		}
		switch r.Direction {
		case match.Out:
			less(&s.Hops[i].Out)
		case match.Back:
			less(&s.Hops[i].Back)
		}
	}
	for i := range s.Intervals {
		v := &s.Intervals[i]
		if r.Verdict == match.Lost && v.Direction == r.Direction && v.From == r.From && v.To == r.To {
			less(&v.Lost)
		}
	}
}

// less takes one away. A live matcher may have counted a row otherwise a moment ago.
func less(n *uint64) {
	if *n > 0 {
		*n--
	}
}
