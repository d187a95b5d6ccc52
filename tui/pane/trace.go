package pane

import (
	"strconv"
	"strings"

	"steth/feed"
	"steth/packets"
)

// Tracer knows the packets of captures that were taken together: which are one
// packet, whatever tunnel, tag or NAT changed of it, and which one of the
// captures missed. The screen asks it for each row that it draws.
type Tracer interface {
	// Trace is the number of a packet that f holds, the same in all captures; 0
	// where it isn't known.
	Trace(f *feed.Feed, p *packets.Packet) uint64
	// Absent tells whether a packet is known to have passed without f seeing it,
	// and if not, whether that may yet be told.
	Absent(number uint64, f *feed.Feed) (missed, pending bool)
}

// Placer is a [Tracer] that knows at which hops of a path its captures were
// taken, by the numbers that people see.
type Placer interface {
	HopsOf(f *feed.Feed) []int
}

// hops names the hops at which the pane's capture was taken: "hop 7", "hops 9, 16".
func (p *pane) hops() string {
	placer, ok := p.tracer.(Placer)
	if !ok {
		return ""
	}
	var list []string
	for _, n := range placer.HopsOf(p.feed) {
		list = append(list, strconv.Itoa(n))
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return "hop " + list[0]
	}
	return "hops " + strings.Join(list, ", ")
}

// AddTraced shows a capture that belongs to someone else, who closes it. Those
// with the same tracer are at the same instant from the start, their rows level.
func (w *Workspace) AddTraced(t Tracer, f *feed.Feed) {
	p := newPane(f, nil)
	p.tracer = t
	w.place(p)
}

// sibling tells whether two captures were taken together.
func (p *pane) sibling(q *pane) bool { return p.tracer != nil && p.tracer == q.tracer }

// identify makes the identity of an entry of the pane's capture.
func (p *pane) identify(e *feed.Entry) identity {
	id := identify(&e.Packet)
	if p.tracer != nil {
		if n := p.tracer.Trace(p.feed, &e.Packet); n != 0 {
			id.tracer, id.number = p.tracer, n
		}
	}
	return id
}

// is tells whether two identities are the same packet's. Where both are traced,
// bytes don't count.
func (a *identity) is(b *identity) bool {
	if a.tracer != nil && a.tracer == b.tracer {
		return a.number == b.number
	}
	return a.key != 0 && a.key == b.key
}
