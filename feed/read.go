package feed

import (
	"cmp"
	"context"
	"slices"
)

// Version rises with every change. The screen compares it once a frame.
func (f *Feed) Version() uint64 { return f.version.Load() }

// Bounds says what can be read: entries with first <= seq < next.
func (f *Feed) Bounds() (first, next uint64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.first, f.next
}

// Read fills dst from entry from on, or from the oldest that is left where
// that is forgotten, and returns how many it filled. Text and data of entries
// stay valid, also after they are forgotten, and must not be changed.
func (f *Feed) Read(from uint64, dst []Entry) int {
	n := 0
	for n < len(dst) {
		b, first, ok := f.block(from, true)
		if !ok {
			break
		}
		if first > from { // from was forgotten
			if n > 0 {
				break // what is in dst would no longer be without a gap
			}
			from = first
		}
		for i := int(from - first); i < len(b.offsets) && n < len(dst); i++ {
			b.decode(i, from, &dst[n])
			from++
			n++
		}
	}
	return n
}

// block returns the records of the segment that holds seq, or of the oldest
// one that is left, and its first number. It is false when seq is not there
// yet. Keep says whether a block from the disk is remembered.
func (f *Feed) block(seq uint64, keep bool) (b block, first uint64, ok bool) {
	for {
		f.mu.RLock()
		if max(seq, f.first) >= f.next {
			f.mu.RUnlock()
			return block{}, 0, false
		}
		s := f.find(max(seq, f.first))
		b, first = s.block, s.first
		file, off, size, count := s.file, s.off, s.size, s.count
		f.mu.RUnlock()
		if file == nil {
			return b, first, true
		}
		if b, ok = f.cache.get(s); ok {
			return b, first, true
		}

		data := make([]byte, size)
		_, err := file.ReadAt(data, off)

		// While the disk was read, the writer may have taken the place. It
		// forgets a segment before it writes over it.
		f.mu.RLock()
		gone := s.first < f.first
		f.mu.RUnlock()
		if gone {
			continue
		}
		if err != nil {
			f.lose(s)
			continue
		}
		b = index(data, count)
		if keep {
			f.cache.put(s, b)
		}
		return b, first, true
	}
}

// find returns the segment that holds seq, which is within bounds. f.mu is held.
func (f *Feed) find(seq uint64) *segment {
	i, ok := slices.BinarySearchFunc(f.segments, seq, func(s *segment, seq uint64) int {
		return cmp.Compare(s.first, seq)
	})
	if !ok {
		i--
	}
	return f.segments[i]
}

// lose forgets a segment that the disk doesn't give back, and all before it.
func (f *Feed) lose(s *segment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.spooled > 0 && f.segments[0].first <= s.first {
		f.forget()
		f.spooled--
	}
	f.trouble = "older entries can't be read back from the spool file"
}

// SeekTime returns the first entry at or after t, Unix nanoseconds, or next of
// Bounds when there is none.
func (f *Feed) SeekTime(t int64) uint64 {
	for {
		f.mu.RLock()
		seq := f.next
		for _, s := range f.segments {
			if s.count > 0 && s.newest >= t {
				seq = s.first
				break
			}
		}
		end := f.next
		f.mu.RUnlock()
		if seq == end {
			return end
		}
		b, first, ok := f.block(seq, true)
		if !ok {
			return end
		}
		for i := range b.offsets {
			if b.time(i) >= t {
				return first + uint64(i)
			}
		}
		// The segment was forgotten and an older-timed one came in its place.
	}
}

// Search looks for the first entry that match wants, from entry from on
// towards the newest, or towards the oldest when forward is false. It ends
// without a hit at the end of the feed or when ctx does. The entry is only
// lent to match.
func (f *Feed) Search(ctx context.Context, from uint64, forward bool, match func(*Entry) bool) (seq uint64, ok bool) {
	var e Entry
	if forward {
		for ctx.Err() == nil {
			b, first, ok := f.block(from, false)
			if !ok {
				return 0, false
			}
			from = max(from, first)
			for i := int(from - first); i < len(b.offsets); i++ {
				b.decode(i, from, &e)
				if match(&e) {
					return from, true
				}
				from++
			}
		}
		return 0, false
	}

	first, next := f.Bounds()
	if next == 0 {
		return 0, false
	}
	from = min(from, next-1)
	for ctx.Err() == nil && from >= first {
		b, begin, ok := f.block(from, false)
		if !ok || begin > from {
			return 0, false
		}
		for i := int(from - begin); i >= 0; i-- {
			b.decode(i, begin+uint64(i), &e)
			if match(&e) {
				return e.Seq, true
			}
		}
		if begin == 0 {
			return 0, false
		}
		from = begin - 1
		first, _ = f.Bounds()
	}
	return 0, false
}

// State says how the feed stands. Its slices are copies.
func (f *Feed) State() State {
	now := f.opt.Now().UnixNano()
	f.mu.RLock()
	defer f.mu.RUnlock()
	s := State{
		Live:    f.ended == 0 && !f.closed,
		Status:  f.status,
		Level:   f.level,
		End:     f.end,
		Lost:    f.first,
		Bytes:   f.bytes,
		Spool:   f.trouble,
		Samples: make([]Sample, 0, len(f.samples)),
	}
	if f.ended != 0 {
		now = f.ended
	} else {
		s.Rate = f.meter.rate(now)
	}
	s.Rates = f.meter.seconds(now)
	s.Samples = append(s.Samples, f.samples[f.oldest:]...)
	s.Samples = append(s.Samples, f.samples[:f.oldest]...)
	for _, d := range f.drops {
		if d.Count > 0 {
			s.Drops = append(s.Drops, d)
		}
	}
	return s
}
