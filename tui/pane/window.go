package pane

import "steth/feed"

// window is the part of a feed that a pane shows: the newest rows, or those
// from top on while it stands still.
type window struct {
	follow bool
	held   bool   // stopped by space: moving past the newest doesn't follow again
	top    uint64 // the first row, while it stands still
	cursor uint64 // the selected row, while it stands still
	bottom uint64 // the last row on the screen, while it stands still
	centre bool   // the rows around the cursor have changed: show it in the middle
	height int    // rows, as last drawn
}

// hold stops at what is shown now, with the cursor on the newest row.
func (p *pane) hold() {
	if !p.follow {
		return
	}
	last, ok := p.last()
	if !ok {
		return
	}
	p.follow = false
	p.cursor = last
	p.top = p.topFor(last)
}

// chase follows the newest again.
func (p *pane) chase() { p.follow, p.held = true, false }

// last is the newest row that passes the filter.
func (p *pane) last() (seq uint64, ok bool) {
	if p.sieve != nil {
		if n := p.sieve.count(); n > 0 {
			return p.sieve.at(n - 1), true
		}
		return 0, false
	}
	first, next := p.feed.Bounds()
	if first == next {
		return 0, false
	}
	return next - 1, true
}

// step is the row n rows after seq, or before it where n is negative, as far
// as there are rows.
func (p *pane) step(seq uint64, n int) uint64 {
	first, next := p.feed.Bounds()
	if p.sieve != nil {
		count := p.sieve.count()
		if count == 0 {
			return seq
		}
		i := p.sieve.index(max(seq, first)) + n
		return p.sieve.at(max(min(i, count-1), min(p.sieve.index(first), count-1)))
	}
	if first == next {
		return seq
	}
	seq = min(max(seq, first), next-1)
	if n < 0 {
		return seq - min(uint64(-n), seq-first)
	}
	return seq + min(uint64(n), next-1-seq)
}

// topFor is the first row of a window that ends with seq.
func (p *pane) topFor(seq uint64) uint64 {
	if !p.wrap {
		return p.step(seq, 1-p.height)
	}
	top, room := seq, p.height-p.wrapped(seq)
	for room > 0 {
		up := p.step(top, -1)
		if up == top {
			break
		}
		if room -= p.wrapped(up); room >= 0 {
			top = up
		}
	}
	return top
}

// wrapped is how many rows the entry seq takes.
func (p *pane) wrapped(seq uint64) int {
	var e [1]feed.Entry
	if p.feed.Read(seq, e[:]) == 0 {
		return 1
	}
	return p.rowsOf(&e[0])
}

// show brings the cursor into the window.
func (p *pane) show() {
	if p.cursor < p.top {
		p.top = p.cursor
		return
	}
	if low := p.topFor(p.cursor); low > p.top {
		p.top = low
	}
}

// move takes the cursor n rows on; page moves the window along with it.
func (p *pane) move(n int, page bool) {
	wasLast := p.follow
	p.hold()
	if p.follow {
		return // nothing is there yet
	}
	last, ok := p.last()
	if !ok {
		return
	}
	if n > 0 && (wasLast || p.cursor >= last) {
		if !p.held {
			p.chase()
		}
		return
	}
	p.cursor = p.step(p.cursor, n)
	if page {
		p.top = min(p.step(p.top, n), p.topFor(last))
	}
	p.show()
}

// scroll moves the window by n rows and leaves the cursor where it is as long
// as it is seen.
func (p *pane) scroll(n int) {
	p.hold()
	last, ok := p.last()
	if p.follow || !ok {
		return
	}
	lowest := p.topFor(last)
	if n > 0 && p.top >= lowest && !p.held {
		p.chase()
		return
	}
	p.top = min(p.step(p.top, n), lowest)
	p.cursor = min(max(p.cursor, p.top), p.step(p.top, p.height-1))
}

// jump puts the cursor on a row, in the middle when it wasn't seen.
func (p *pane) jump(seq uint64) {
	p.hold()
	p.follow = false
	p.cursor = p.step(seq, 0)
	if p.cursor < p.top || p.cursor > p.step(p.top, p.height-1) {
		p.top = p.step(p.cursor, -p.height/2)
		if last, ok := p.last(); ok {
			p.top = min(p.top, p.topFor(last))
		}
	}
	p.show()
}

// seen reads the rows of the window into p.entries, at most n.
func (p *pane) seen(n int) []feed.Entry {
	if n <= 0 {
		return nil
	}
	if len(p.entries) < n {
		p.entries = make([]feed.Entry, n)
	}
	last, ok := p.last()
	if !ok {
		return nil
	}
	switch {
	case p.follow:
		return p.read(p.step(last, 1-n), p.entries[:n])
	case !p.placed():
		return nil
	}
	return p.read(p.top, p.entries[:n])
}

// placed says whether it is known where the window stands; with a filter that
// looks for older hits it may not be yet.
func (p *pane) placed() bool { return p.sieve == nil || p.sieve.knows(p.cursor) }

// settle brings the window to where there are rows: the oldest may be gone,
// the pane may have grown, and the filter may be another one; then it says so.
func (p *pane) settle() (moved bool) {
	last, ok := p.last()
	if p.follow || !ok || !p.placed() {
		return false
	}
	p.cursor = p.step(p.cursor, 0)
	if p.centre {
		p.top, p.centre, moved = p.step(p.cursor, -p.height/2), false, true
	}
	p.top = min(p.step(p.top, 0), p.topFor(last))
	p.show()
	p.bottom = p.step(p.top, p.height-1)
	return moved
}

// read fills dst with rows from seq on.
func (p *pane) read(seq uint64, dst []feed.Entry) []feed.Entry {
	if p.sieve == nil {
		return dst[:p.feed.Read(seq, dst)]
	}
	n := 0
	for i := p.sieve.index(seq); i < p.sieve.count() && n < len(dst); i++ {
		want := p.sieve.at(i)
		if p.feed.Read(want, dst[n:n+1]) == 1 && dst[n].Seq == want {
			n++
		}
	}
	return dst[:n]
}

// newer is how many rows came after those that are shown.
func (p *pane) newer() uint64 {
	last, ok := p.last()
	if p.follow || !ok || !p.placed() {
		return 0
	}
	if p.sieve != nil {
		return uint64(max(p.sieve.count()-1-p.sieve.index(p.bottom), 0))
	}
	return last - min(p.bottom, last)
}
