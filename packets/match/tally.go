package match

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// Unmatched counts sightings that no row was made of.
type Unmatched struct {
	Short     uint64 // the capture kept too little
	Malformed uint64 // headers that can't be right
	Foreign   uint64 // neither IP nor ARP
	Crowded   uint64 // more than 64 equal packets in flight
}

func (u *Unmatched) add(p problem) {
	switch p {
	case short:
		u.Short++
	case malformed:
		u.Malformed++
	case foreign:
		u.Foreign++
	}
}

// Sum is all of them.
func (u Unmatched) Sum() uint64 { return u.Short + u.Malformed + u.Foreign + u.Crowded }

// Totals count the packets of one direction. Rows is the sum of the five
// verdicts; the rest counts packets among them.
type Totals struct {
	Rows                                         uint64
	Waiting, Delivered, Lost, Unknown, Duplicate uint64
	Answered, Unanswered                         uint64
	Resent, Late, Reordered, Flooded, Astray     uint64
	Appeared, Guessed, Reshaped                  uint64
	Bordering                                    uint64 // of Unknown
	Overrun                                      uint64 // left the ring before they were settled; counted as waiting
}

// Delay is how long packets took from the first hop that saw them. Values are
// exact to 1/32.
type Delay struct {
	Packets  uint64 // that have a delay here
	P50, P99 time.Duration
}

// HopSummary is one hop's part of a summary.
type HopSummary struct {
	Out, Back           uint64 // packets seen on the path
	DelayOut, DelayBack Delay
	Skipped             uint64 // packets that were missed here and seen further on
	Astray              uint64
	Skewed              uint64 // sightings whose time was before that of the hop before
	Reordered           uint64 // packets overtaken on their way to here; since the start
	Dropped             uint64 // by the capture; since the start
	Unmatched           Unmatched
}

// Interval is two hops between which packets were lost.
type Interval struct {
	Direction         Direction
	From, To          int
	Lost              uint64
	Crossed           uint64 // packets that were seen at To or further on
	Shortest, Longest uint32 // frames that were lost, in bytes
	LongestCrossed    uint32 // frame that was not
}

// Summary is what a set of rows says.
type Summary struct {
	From, To  int64 // times of the first and last row
	Out, Back Totals
	Neither   Totals // rows of no known direction
	Hops      []HopSummary
	Intervals []Interval // those that lost most first
}

// Summary is what the rows of the last Options.Window say, or of as much of it
// as the ring still holds. It takes about 100 ns a row; call it for the eye,
// not for each packet.
func (m *Matcher) Summary(now int64) Summary {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := newTally(len(m.hops))
	for n := m.next; n > m.first; n-- {
		if s := m.at(n - 1); s.opened > now-int64(m.options.Window) && s.opened <= now+int64(m.options.Skew) {
			t.add(m, s, false)
		}
	}
	return t.summary(m)
}

// Total is what all rows since the start say, those that left the ring too.
func (m *Matcher) Total() Summary {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.past.clone()
	for n := m.first; n < m.next; n++ {
		t.add(m, m.at(n), false)
	}
	return t.summary(m)
}

// tally sums up rows.
type tally struct {
	from, to  int64
	totals    [3]Totals // by Direction
	hops      []hopTally
	intervals []Interval // for each direction, hop and hop
}

type hopTally struct {
	seen                    [3]uint64
	furthest                [3]uint64 // packets that got here and no further
	longest                 [3]uint32 // of those
	delays                  [3]histogram
	skipped, astray, skewed uint64
}

func newTally(hops int) tally {
	return tally{hops: make([]hopTally, hops), intervals: make([]Interval, 3*hops*hops)}
}

func (t *tally) clone() tally {
	c := *t
	c.hops, c.intervals = slices.Clone(t.hops), slices.Clone(t.intervals)
	return c
}

// add counts a row; leaving says that it leaves the ring.
func (t *tally) add(m *Matcher, s *slot, leaving bool) {
	if s.seen != 0 && !m.ours(s) {
		return
	}
	for w := s.wrong; w != 0; w &= w - 1 {
		t.hops[lowest(w)].astray++
	}
	if s.seen == 0 {
		return
	}
	j := m.judge(s)
	t.count(&j, m.answered(s), leaving && !j.settled)
	when := m.timesOf(s)[j.origin]
	if t.from == 0 || when < t.from {
		t.from = when
	}
	t.to = max(t.to, when)
	if s.seen&m.path == 0 || j.verdict == Duplicate {
		return
	}
	d := j.direction
	for w := j.between; w != 0; w &= w - 1 {
		t.hops[lowest(w)].skipped++
	}
	last := &t.hops[j.last]
	last.furthest[d]++
	last.longest[d] = max(last.longest[d], s.length)
	m.delays(s, &j, func(h int, delay int64, skewed bool) {
		hop := &t.hops[h]
		hop.seen[d]++
		if skewed {
			hop.skewed++
		}
		if h != j.origin && d != NoDirection {
			hop.delays[d].add(delay)
		}
	})
	if j.verdict == Lost {
		n := len(t.hops)
		i := &t.intervals[(int(d)*n+j.from)*n+j.to]
		if i.Lost == 0 {
			*i = Interval{Direction: d, From: j.from, To: j.to, Shortest: s.length}
		}
		i.Lost++
		i.Shortest, i.Longest = min(i.Shortest, s.length), max(i.Longest, s.length)
	}
}

func (t *tally) count(j *judgement, a Answer, overrun bool) {
	c := &t.totals[j.direction]
	c.Rows++
	switch j.verdict {
	case Waiting:
		c.Waiting++
	case Delivered:
		c.Delivered++
	case Lost:
		c.Lost++
	case Unknown:
		c.Unknown++
		if j.flags&Bordering != 0 {
			c.Bordering++
		}
	case Duplicate:
		c.Duplicate++
	}
	switch a {
	case Answered:
		c.Answered++
	case Unanswered:
		c.Unanswered++
	}
	for _, f := range [...]struct {
		flag Flags
		n    *uint64
	}{
		{Resent, &c.Resent},
		{Late, &c.Late},
		{Reordered, &c.Reordered},
		{Flooded, &c.Flooded},
		{Astray, &c.Astray},
		{Appeared, &c.Appeared},
		{Guessed, &c.Guessed},
		{Reshaped, &c.Reshaped},
	} {
		if j.flags&f.flag != 0 {
			*f.n++
		}
	}
	if overrun {
		c.Overrun++
	}
}

func (t *tally) summary(m *Matcher) Summary {
	s := Summary{
		From: t.from, To: t.to, Out: t.totals[Out], Back: t.totals[Back], Neither: t.totals[NoDirection],
		Hops: make([]HopSummary, len(t.hops)),
	}
	for h := range t.hops {
		hop := &t.hops[h]
		s.Hops[h] = HopSummary{
			Out: hop.seen[Out], Back: hop.seen[Back],
			DelayOut: hop.delays[Out].summary(), DelayBack: hop.delays[Back].summary(),
			Skipped: hop.skipped, Astray: hop.astray, Skewed: hop.skewed,
			Reordered: m.reordered[h], Dropped: m.watches[h].dropped, Unmatched: m.unmatched[h],
		}
	}
	for _, i := range t.intervals {
		if i.Lost == 0 {
			continue
		}
		for h := range t.hops {
			if i.Direction == Out && h >= i.To || i.Direction == Back && h <= i.To {
				i.Crossed += t.hops[h].furthest[i.Direction]
				i.LongestCrossed = max(i.LongestCrossed, t.hops[h].longest[i.Direction])
			}
		}
		s.Intervals = append(s.Intervals, i)
	}
	slices.SortStableFunc(s.Intervals, func(a, b Interval) int { return cmp.Compare(b.Lost, a.Lost) })
	return s
}

// histogram counts times in steps of 1/16 of their size, from 1 µs (shorter
// ones together) to half a minute.
type histogram struct {
	total uint64
	steps [histogramSteps]uint64
}

const (
	histogramLow   = 10 // 2^10 ns
	histogramHigh  = 35
	histogramSteps = 1 + (histogramHigh-histogramLow)*16
)

func (h *histogram) add(d int64) {
	h.total++
	h.steps[step(d)]++
}

func step(d int64) int {
	if d < 1<<histogramLow {
		return 0
	}
	octave := bits.Len64(uint64(d)) - 1
	if octave >= histogramHigh {
		return histogramSteps - 1
	}
	return 1 + (octave-histogramLow)*16 + int(d>>(octave-4)&15)
}

// middle is the time in the middle of a step.
func middle(step int) time.Duration {
	if step == 0 {
		return 1 << (histogramLow - 1)
	}
	octave, part := (step-1)/16+histogramLow, int64((step-1)%16)
	return time.Duration((16+part)<<(octave-4) + 1<<(octave-5))
}

func (h *histogram) summary() Delay {
	return Delay{Packets: h.total, P50: h.quantile(50), P99: h.quantile(99)}
}

// quantile is the time that so many packets in a hundred did not exceed.
func (h *histogram) quantile(percent uint64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := (h.total*percent + 99) / 100
	for i, n := range h.steps {
		if rank <= n {
			return middle(i)
		}
		rank -= n
	}
	return middle(histogramSteps - 1)
}
