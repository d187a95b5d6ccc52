package follow

import (
	"sync"
	"time"

	"steth/packets"
	"steth/packets/match"
)

// tape brings what one capture tells to the matcher and to its feed, with times
// on the console's clock. A live capture and a recorded one write the same tape,
// so they give the same rows; what the matcher was told besides packets is kept
// for [Session.Recording]. One goroutine writes it, any may read.
type tape struct {
	device  *device
	matcher *match.Matcher

	mu      sync.Mutex    // guards what follows
	offset  time.Duration // the host's clock minus the console's, already taken off all times
	spread  time.Duration // within how much offset is right
	watched []Span        // as the matcher was told; the last one may have no end yet
	told    int64         // up to when the capture has told what it dropped
	newest  int64         // packet
	gaps    []Gap
}

// hop is any hop of the device: the matcher finds the right one itself.
func (t *tape) hop() int { return t.device.hops[0] }

// clock notes by how much the host's clock was corrected, and within how much
// that is right. Of two hosts the errors add up.
func (t *tape) clock(offset, spread time.Duration) {
	t.matcher.Widen(min(2*spread, settling))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offset, t.spread = offset, max(t.spread, spread)
}

// corrected is what clock has noted.
func (t *tape) corrected() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.offset
}

// begin says that everything is seen from a moment on. A capture that begins
// anew does so more than once.
func (t *tape) begin(at int64) {
	t.matcher.Start(t.hop(), at)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.watched) == maxWatched {
		t.watched = t.watched[1:]
	}
	t.watched = append(t.watched, Span{From: at})
}

// packet takes what was captured; p.Data may be used again afterwards.
func (t *tape) packet(p *packets.Packet) {
	t.mu.Lock()
	t.newest = max(t.newest, p.Time)
	t.mu.Unlock()
	t.device.feed.Packet(*p)
	t.matcher.See(t.hop(), p)
}

// gap says that n packets were dropped between two times.
func (t *tape) gap(from, to int64, n uint64) {
	if n == 0 {
		return
	}
	t.matcher.Gap(t.hop(), from, to, n)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gaps = addGap(t.gaps, Gap{From: from, To: to, Dropped: n})
}

// drops is how much was lost where since the start.
func (t *tape) drops(kernel, agent uint64) {
	t.device.feed.SetDrop("kernel", kernel)
	t.device.feed.SetDrop("agent", agent)
}

// tick says that nothing was dropped up to a moment besides what was told.
func (t *tape) tick(now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = max(t.told, now)
}

// end says up to when all was seen. A capture that never began has no end.
func (t *tape) end(until int64) {
	t.mu.Lock()
	n := len(t.watched)
	if n > 0 {
		t.watched[n-1].To = max(until, 1)
	}
	t.mu.Unlock()
	if n > 0 {
		t.matcher.Stop(t.hop(), until)
	}
}

// clip says that nothing was seen after a moment, whatever was told before.
func (t *tape) clip(to int64) {
	t.mu.Lock()
	n := len(t.watched)
	beyond := n > 0 && t.watched[n-1].To > to
	t.mu.Unlock()
	if beyond {
		t.end(to)
	}
}

// maxWatched is how many times of watching a recording has: captures begin anew
// only when fewer packets are followed.
const maxWatched = 64

// maxGaps is how many gaps of a capture a recording has. More are joined, from
// the oldest on, as the matcher does.
const maxGaps = 128

// addGap puts in a gap that is not older than those before it, and joins what
// overlaps.
func addGap(gaps []Gap, g Gap) []Gap {
	for len(gaps) > 0 && g.From <= gaps[len(gaps)-1].To {
		last := gaps[len(gaps)-1]
		g = Gap{From: min(g.From, last.From), To: max(g.To, last.To), Dropped: g.Dropped + last.Dropped}
		gaps = gaps[:len(gaps)-1]
	}
	gaps = append(gaps, g)
	if len(gaps) > maxGaps {
		gaps[1].From, gaps[1].Dropped = gaps[0].From, gaps[0].Dropped+gaps[1].Dropped
		gaps = gaps[1:]
	}
	return gaps
}
