package pane

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
)

const (
	// siftBatch bounds what one frame looks at in entries that just came:
	// 200,000 a second are 6,600 in a frame of 33 ms.
	siftBatch = 16384
	// digBatch bounds one step through older entries, so that the first hits
	// show soon and a cancel is quick.
	digBatch = 200_000
	// siftMost bounds the hits that a filter remembers: 16 MiB of numbers.
	siftMost = 2 << 20
)

// sieve knows which entries of a feed pass a filter. New entries are sifted a
// frame at a time, older ones in commands, from the newest to the oldest.
type sieve struct {
	feed    *feed.Feed
	matcher matcher
	patch   []feed.Entry

	from  uint64   // where it began: older ones are dug for, newer ones sifted
	next  uint64   // the first entry that wasn't sifted yet
	older []uint64 // hits before from, the newest first
	newer []uint64 // hits from then on
	dug   uint64   // entries from here to from were looked at
	done  bool     // nothing older is left to look at
	cut   bool     // older hits were left out, there are too many
}

// dugMsg is what one step through older entries found.
type dugMsg struct {
	sieve *sieve
	hits  []uint64
	down  uint64
	done  bool
}

func newSieve(f *feed.Feed, patterns []pattern) *sieve {
	_, next := f.Bounds()
	return &sieve{
		feed:    f,
		matcher: matcher{shape: f.About().Shape, patterns: patterns},
		patch:   make([]feed.Entry, 256),
		from:    next, next: next, dug: next,
	}
}

// sift looks at entries that came since, at most a batch. It says whether some
// are left.
func (s *sieve) sift() (behind bool) {
	for range siftBatch / len(s.patch) {
		n := s.feed.Read(s.next, s.patch)
		if n == 0 {
			return false
		}
		for i := range s.patch[:n] {
			if s.matcher.match(&s.patch[i]) {
				s.newer = append(s.newer, s.patch[i].Seq)
			}
		}
		s.next = s.patch[n-1].Seq + 1
	}
	if drop := len(s.newer) - siftMost; drop > siftMost/8 {
		s.newer = slices.Delete(s.newer, 0, drop)
		s.older, s.done, s.cut = nil, true, true
	}
	_, next := s.feed.Bounds()
	return s.next < next
}

// dig returns the command that looks at the next older batch.
func (s *sieve) dig(ctx context.Context) tea.Cmd {
	m := matcher{shape: s.matcher.shape, patterns: s.matcher.patterns}
	from := s.dug
	f := s.feed
	return func() tea.Msg {
		msg := dugMsg{sieve: s, down: from, done: true}
		if from == 0 {
			return msg
		}
		seen := 0
		stop, more := f.Search(ctx, from-1, false, func(e *feed.Entry) bool {
			if m.match(e) {
				msg.hits = append(msg.hits, e.Seq)
			}
			msg.down = e.Seq
			seen++
			return seen >= digBatch
		})
		if more {
			msg.down, msg.done = stop, stop == 0
		}
		return msg
	}
}

// take adds what a step found.
func (s *sieve) take(msg dugMsg) {
	s.older = append(s.older, msg.hits...)
	s.dug, s.done = msg.down, msg.done
	if !s.done && len(s.older) > siftMost {
		s.done, s.cut = true, true
	}
}

// whole says whether all hits are known.
func (s *sieve) whole() bool { return s.done && !s.cut }

// knows says whether everything from seq on was looked at.
func (s *sieve) knows(seq uint64) bool { return s.done || s.dug <= seq }

// count is how many hits are known.
func (s *sieve) count() int { return len(s.older) + len(s.newer) }

// at returns the i-th hit, the oldest first.
func (s *sieve) at(i int) uint64 {
	if i < len(s.older) {
		return s.older[len(s.older)-1-i]
	}
	return s.newer[i-len(s.older)]
}

// index returns the place of the first hit at or after seq.
func (s *sieve) index(seq uint64) int {
	if seq < s.from {
		i, _ := slices.BinarySearchFunc(s.older, seq, func(hit, seq uint64) int {
			if hit >= seq { // the newest stand first: these come before
				return -1
			}
			return 1
		})
		return len(s.older) - i
	}
	i, _ := slices.BinarySearch(s.newer, seq)
	return len(s.older) + i
}
