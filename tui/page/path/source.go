package path

import (
	"fmt"
	"slices"
	"strings"

	"steth/packets/match"
	"steth/probes/follow"
)

const (
	// batch is how many rows are read from the session at a time.
	batch = 256
	// sifted is how many rows a filter looks at in one frame, and how many of
	// those whose verdict is still open.
	sifted = 16 * batch
)

// source gives the rows of a session that pass a filter, by their numbers.
// Without a filter it reads no more than what is asked for.
type source struct {
	session *follow.Session
	hops    []follow.Hop
	words   string // lower case; a row must have them as they stand
	invert  bool
	lost    bool // only rows that were lost
	only    bool // only packets that were injected, and their answers

	passed  []uint64 // rows before settled that pass
	settled uint64   // the first whose verdict was open when the filter looked last
	open    []uint64 // those from settled on that pass, as of now
	behind  bool     // there are rows that the filter has not looked at
	buf     []match.Row
}

func (s *source) filtered() bool { return s.words != "" || s.lost || s.only }

// setFilter changes what passes.
func (s *source) setFilter(text string, invert, lost bool) {
	s.words, s.invert, s.lost = strings.ToLower(text), invert, lost
	s.passed, s.settled, s.open, s.behind = s.passed[:0], 0, s.open[:0], false
}

// passes tells whether a row passes the filter.
func (s *source) passes(r *match.Row) bool {
	if s.lost && r.Verdict != match.Lost || s.only && !s.session.Marked(r) {
		return false
	}
	if s.words == "" {
		return true
	}
	text := strings.ToLower(follow.Packet(r) + " " + follow.Became(s.hops, r) + " " + strings.Join(follow.Remarks(r), " "))
	return strings.Contains(text, s.words) != s.invert
}

// sift brings the filter up to date, as far as one frame allows.
func (s *source) sift() {
	s.behind = false
	if s.session == nil || !s.filtered() {
		return
	}
	first, next := s.session.Bounds()
	if len(s.passed) > 0 && s.passed[0] < first {
		i, _ := slices.BinarySearch(s.passed, first)
		s.passed = slices.Delete(s.passed, 0, i)
	}
	s.settled = max(s.settled, first)
	s.read()
	looked := 0
	for looked < sifted && s.settled < next {
		n := s.session.Rows(s.settled, s.buf)
		if n == 0 {
			s.settled = next
			break
		}
		looked += n
		for i := range s.buf[:n] {
			r := &s.buf[i]
			if r.Verdict == match.Waiting || r.Answer == match.Awaited {
				n = 0
				break
			}
			if s.passes(r) {
				s.passed = append(s.passed, r.Number)
			}
			s.settled = r.Number + 1
		}
		if n == 0 {
			break
		}
	}
	s.behind = looked >= sifted
	s.open = s.open[:0]
	if s.behind {
		return
	}
	from := s.settled
	if next-from > sifted { // of very many in flight the newest
		from = next - sifted
	}
	for {
		n := s.session.Rows(from, s.buf)
		if n == 0 {
			return
		}
		for i := range s.buf[:n] {
			if s.passes(&s.buf[i]) {
				s.open = append(s.open, s.buf[i].Number)
			}
		}
		from = s.buf[n-1].Number + 1
	}
}

// became sums up what the rows that pass have come to, the newest of them where
// they are very many: 5 of 5 came, 4 answered.
func (s *source) became() string {
	s.read()
	sent, came, answered, waiting := 0, 0, 0, 0
	for _, list := range [][]uint64{s.passed, s.open} {
		for _, number := range list[max(len(list)-batch, 0):] {
			r := &s.buf[0]
			if s.session.Rows(number, s.buf[:1]) == 0 || r.Number != number || r.Direction != match.Out {
				continue
			}
			sent++
			switch r.Verdict {
			case match.Delivered:
				came++
			case match.Waiting:
				waiting++
			}
			if r.Answer == match.Answered {
				answered++
			}
		}
	}
	if sent == 0 || waiting == sent {
		return ""
	}
	return fmt.Sprintf("%d of %d came, %d answered", came, sent, answered)
}

func (s *source) read() {
	if s.buf == nil {
		s.buf = make([]match.Row, batch)
	}
}

// after appends to dst the numbers of up to n rows from a number on.
func (s *source) after(from uint64, n int, dst []uint64) []uint64 {
	if s.session == nil || n <= 0 {
		return dst
	}
	if s.filtered() {
		for _, list := range [][]uint64{s.passed, s.open} {
			i, _ := slices.BinarySearch(list, from)
			for ; i < len(list) && n > 0; i, n = i+1, n-1 {
				dst = append(dst, list[i])
			}
		}
		return dst
	}
	s.read()
	for n > 0 {
		got := s.session.Rows(from, s.buf[:min(n, batch)])
		if got == 0 {
			break
		}
		for i := range s.buf[:got] {
			dst = append(dst, s.buf[i].Number)
		}
		from, n = s.buf[got-1].Number+1, n-got
	}
	return dst
}

// before gives the numbers of up to n rows before a number, in their order.
func (s *source) before(to uint64, n int) []uint64 {
	if s.session == nil || n <= 0 {
		return nil
	}
	if s.filtered() {
		var out []uint64
		for _, list := range [][]uint64{s.open, s.passed} {
			i, _ := slices.BinarySearch(list, to)
			for i--; i >= 0 && n > 0; i, n = i-1, n-1 {
				out = append(out, list[i])
			}
		}
		slices.Reverse(out)
		return out
	}
	first, next := s.session.Bounds()
	to = min(to, next)
	for reach := uint64(n) + 16; ; reach *= 4 { // numbers may be left out
		from := first
		if to > reach {
			from = max(first, to-reach)
		}
		all := s.after(from, int(to-from), nil)
		for len(all) > 0 && all[len(all)-1] >= to {
			all = all[:len(all)-1]
		}
		if len(all) >= n {
			return all[len(all)-n:]
		}
		if from == first {
			return all
		}
	}
}
