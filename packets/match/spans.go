package match

// maxSpans is how many spans a hop remembers. More are joined, which makes
// more rows unknown, never more of them lost.
const maxSpans = 128

// span is a time in which something can't be known, both ends included.
type span struct{ from, to int64 }

// spans are a few spans in order of time, never overlapping.
type spans []span

// add puts a span in and joins those that touch or are closer than near.
func (s spans) add(from, to, near int64) spans {
	if to < from {
		from, to = to, from
	}
	at := len(s)
	for at > 0 && s[at-1].from > from {
		at--
	}
	s = append(s, span{})
	copy(s[at+1:], s[at:])
	s[at] = span{from, to}
	kept := s[:1]
	for _, next := range s[1:] {
		if last := &kept[len(kept)-1]; next.from-near <= last.to {
			last.to = max(last.to, next.to)
		} else {
			kept = append(kept, next)
		}
	}
	for len(kept) > maxSpans { // the oldest matter least
		kept[1].from = kept[0].from
		kept = append(kept[:0], kept[1:]...)
	}
	return kept
}

// touch says whether any span has a moment in from..to.
func (s spans) touch(from, to int64) bool {
	for i := len(s) - 1; i >= 0 && s[i].to >= from; i-- {
		if s[i].from <= to {
			return true
		}
	}
	return false
}

// watch is what is known of one hop's capture.
type watch struct {
	started, ended int64 // 0: not yet
	gaps           spans // packets were dropped
	joined         spans // packets larger than the MTU passed
	dropped        uint64
}

// all says whether the hop saw all that passed it from one moment to another.
func (w *watch) all(from, to int64) bool {
	return w.started != 0 && w.started <= from && (w.ended == 0 || w.ended >= to) && !w.gaps.touch(from, to)
}
