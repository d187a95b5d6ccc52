package pane

import (
	"maps"
	"time"

	"steth/feed"
)

// locking says whether the panes are kept at the same instant.
type locking uint8

const (
	related  locking = iota // those of captures that have something in common, while they have
	locked                  // all, by hand
	unlocked                // none, by hand
)

const (
	// kinship is how long two captures count as related after they last saw a
	// flow in common, so that a pause in it doesn't make the rows jump.
	kinship = 30 * time.Second
	// lately is how many of a capture's newest packets are looked at.
	lately = 64
	// endedTogether is how far apart the last packets of two ended captures may
	// be for their last rows to be worth comparing.
	endedTogether = int64(10 * time.Second)
)

// kin remembers which captures belong together.
type kin struct {
	since   map[[2]*pane]time.Time // when two of them last had something in common
	looked  int64                  // the second of the last look
	among   int                    // captures there were then
	entries []feed.Entry
}

// Locked tells whether panes are kept at the same instant: by hand, or because
// two captures have the same filter or see mostly packets between the same
// addresses, or were taken together.
func (w *Workspace) Locked() bool {
	return w.lock == locked || w.lock == related && len(w.kin.since) > 0
}

// Lock keeps all captures at the same instant, as if by hand.
func (w *Workspace) Lock() { w.lock = locked }

// toggleLock turns the time-lock over; from then on it is as the engineer wants
// it.
func (w *Workspace) toggleLock() {
	if w.Locked() {
		w.lock = unlocked
	} else {
		w.lock = locked
	}
	w.level = level{}
	if lead := w.leader(); lead != nil {
		w.sync(lead)
	}
}

// captures lists the panes of packets.
func (w *Workspace) captures() []*pane {
	var list []*pane
	for _, p := range w.panes {
		if p.about.Shape == feed.Packets {
			list = append(list, p)
		}
	}
	return list
}

// relate looks which captures belong together: once a second, and only while
// they are followed, so that nothing moves under someone who reads.
func (w *Workspace) relate(now time.Time) {
	list := w.captures()
	if len(list) < 2 {
		w.kin = kin{}
		return
	}
	if lead := w.leader(); now.Unix() == w.kin.looked && len(list) == w.kin.among || !lead.follow && w.kin.since != nil {
		return
	}
	w.kin.looked, w.kin.among = now.Unix(), len(list)
	if w.kin.since == nil {
		w.kin.since = map[[2]*pane]time.Time{}
		w.kin.entries = make([]feed.Entry, lately)
	}
	flows := make([]map[uint64]int, len(list))
	live := map[*pane]bool{}
	for i, p := range list {
		flows[i], live[p] = w.flows(p, now), p.feed.State().Live
	}
	for i, a := range list {
		for j, b := range list[:i] {
			if a.feed == b.feed || !a.sibling(b) && (!live[a] || !live[b]) {
				continue
			}
			if a.sibling(b) || a.about.Filter != "" && a.about.Filter == b.about.Filter || common(flows[i], flows[j]) {
				w.kin.since[[2]*pane{b, a}] = now
			}
		}
	}
	maps.DeleteFunc(w.kin.since, func(pair [2]*pane, at time.Time) bool {
		gone := !within(list, pair[0]) || !within(list, pair[1])
		return gone || live[pair[0]] && live[pair[1]] && now.Sub(at) > kinship
	})
}

// flows counts the packets that p saw lately, by the addresses between which
// they went. What goes to all, or to a group, makes no capture the relative of
// another.
func (w *Workspace) flows(p *pane, now time.Time) map[uint64]int {
	seen := map[uint64]int{}
	_, next := p.feed.Bounds()
	n := p.feed.Read(next-min(next, lately), w.kin.entries)
	for i := range w.kin.entries[:n] {
		e := &w.kin.entries[i]
		if e.Time < now.Add(-kinship).UnixNano() || len(e.Packet.Data) > 0 && e.Packet.Data[0]&1 != 0 {
			continue
		}
		if id := identify(&e.Packet); id.key != 0 {
			seen[id.pair]++
		}
	}
	return seen
}

// common says whether at least half of what one of two captures saw went
// between addresses that the other saw too. With less, rows that are kept level
// are mostly blank.
func common(a, b map[uint64]int) bool {
	var ofA, sharedA, ofB, sharedB int
	for flow, n := range a {
		if ofA += n; b[flow] > 0 {
			sharedA += n
		}
	}
	for flow, n := range b {
		if ofB += n; a[flow] > 0 {
			sharedB += n
		}
	}
	return sharedA > 0 && (2*sharedA >= ofA || 2*sharedB >= ofB)
}

// bound says whether q is kept at the instant of p.
func (w *Workspace) bound(p, q *pane) bool {
	if w.lock != related {
		return w.lock == locked
	}
	for pair := range w.kin.since {
		if pair[0] != p && pair[1] != p {
			continue
		}
		if q.about.Shape != feed.Packets || pair[0] == q || pair[1] == q {
			return true
		}
	}
	return false
}

// abreast says whether q has something to show at the instant at which lead
// is. A capture that ended beside one that goes on would stay blank.
func abreast(lead, q *pane) bool {
	if q == lead || q.sibling(lead) || lead.state.Live && q.state.Live {
		return true
	}
	first, last, ok := q.span()
	if !ok {
		return false
	}
	if lead.follow {
		_, other, ok := lead.span()
		return ok && !lead.state.Live && !q.state.Live && max(last-other, other-last) <= endedTogether
	}
	at, _ := lead.time(lead.cursor)
	return first-together <= at && (q.state.Live || at <= last+together)
}

// span is when the oldest and the newest entry were.
func (p *pane) span() (first, last int64, ok bool) {
	from, next := p.feed.Bounds()
	if from == next {
		return 0, 0, false
	}
	first, _ = p.time(from)
	last, ok = p.time(next - 1)
	return first, last, ok
}

// inLock lists the captures that are at the same instant, and the one that
// says at which: the leader, or where that stands alone, the first that has
// company.
func (w *Workspace) inLock() (lead *pane, list []*pane) {
	if !w.Locked() {
		return nil, nil
	}
	captures := w.captures()
	first := w.leader()
	for _, lead := range append([]*pane{first}, captures...) {
		list = list[:0]
		for _, q := range captures {
			if q == lead || q != first && w.bound(lead, q) && abreast(lead, q) {
				list = append(list, q)
			}
		}
		if len(list) > 1 {
			return lead, list
		}
	}
	return nil, nil
}
