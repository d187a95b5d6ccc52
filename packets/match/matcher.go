package match

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
	"sync"
	"time"

	"steth/packets"
)

// maxEqual is how many equal packets in flight are told apart.
const maxEqual = 64

// Matcher makes rows of sightings. It is safe for concurrent use.
type Matcher struct {
	mu      sync.Mutex
	hops    []Hop
	options Options
	groups  [][]int // for each hop, the hops that its capture feeds
	path    uint32  // hops on the path; one bit each, as in all masks
	sees    uint32  // those of them that can see
	narrow  uint32  // hops, beside the path too, that see nothing but packets of the path

	now     int64
	over    int64 // when the watching ended, 0 while it goes on
	version uint64
	entry   int // see Enter
	watches []watch
	usual   [3][]delay  // by direction: from one hop (times hops) to another
	learnt  uint64      // rows that usual was learnt from, or could have been
	latest  [3][]uint64 // by direction: the row last seen at a hop
	frame   frame
	identifier

	// Rows are numbered from 1; first <= number < next are kept, each in the
	// slot number % len(slots). settling is the first that was not yet settled
	// when Advance looked last.
	first, next, settling uint64
	slots                 []slot
	times                 []int64 // of a slot, at each hop
	kept                  []byte  // Keep bytes a slot
	byKey, byPair, again  index
	shapes                shapes

	past      tally // rows that have left
	unmatched []Unmatched
	reordered []uint64
}

// slot is a row as it is stored: facts, no verdict.
type slot struct {
	identity
	number uint64
	opened int64  // the earliest time at which it was seen
	seen   uint32 // hops
	wrong  uint32 // hops where it was seen, but not as it should have been
	flags  Flags
	votes  int8  // for the way out, against the way back
	source uint8 // the hop whose bytes are kept
	size   uint16
	twin   uint64 // a row with the same key, or 0
	mate   uint64 // the answer, or the question
	sent   uint64 // the row that this one is a repetition of
}

// New is a matcher for a path of these hops, in the order of the way out.
func New(hops []Hop, o Options) (*Matcher, error) {
	if len(hops) == 0 || len(hops) > MaxHops {
		return nil, fmt.Errorf("match: a path of %d hops; 1 to %d can be followed", len(hops), MaxHops)
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	n := len(hops)
	m := &Matcher{
		options: o,
		watches: make([]watch, n), first: 1, next: 1, settling: 1,
		slots: make([]slot, o.Rows), times: make([]int64, o.Rows*n), kept: make([]byte, o.Rows*o.Keep),
		byKey: newIndex(o.Rows), byPair: newIndex(o.Rows), again: newIndex(o.Rows),
		shapes: newShapes(int64(o.Horizon)), past: newTally(n),
		unmatched: make([]Unmatched, n), reordered: make([]uint64, n),
	}
	m.identifier = identifier{seed: maphash.MakeSeed(), options: &m.options, scratch: make([]byte, 0, maxPrefix+256)}
	for d := range m.usual {
		m.usual[d] = make([]delay, n*n)
		m.latest[d] = make([]uint64, n)
	}
	m.lay(hops)
	return m, nil
}

// SetHops says what has become known of the hops, as New was told of them and as
// many: that one can't see after all, say. Rows are judged anew; those that have
// left the ring stay counted as they were.
func (m *Matcher) SetHops(hops []Hop) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(hops) == len(m.hops) {
		m.lay(hops)
		m.version++
	}
}

// lay sets the path. m.mu is held, or m is new.
func (m *Matcher) lay(hops []Hop) {
	m.hops, m.groups = slices.Clone(hops), make([][]int, len(hops))
	m.path, m.sees, m.narrow = 0, 0, 0
	for i := range m.hops {
		h := &m.hops[i]
		if h.MTU == 0 {
			h.MTU = defaultMTU
		}
		if !h.Wide {
			m.narrow |= 1 << i
		}
		if !h.Aside {
			m.path |= 1 << i
			if !h.Blind {
				m.sees |= 1 << i
			}
		}
		for j := range m.hops {
			if i == j || h.Capture != 0 && m.hops[j].Capture == h.Capture {
				m.groups[i] = append(m.groups[i], j)
			}
		}
	}
}

// Start says that the hop's capture sees everything from t on. Before it, and
// for a hop that is never started, nothing is called missing there. After Stop
// the capture goes on, and what passed in between is not known.
func (m *Matcher) Start(hop int, t int64) {
	m.change(hop, func(w *watch) {
		if w.started == 0 || w.ended == 0 {
			w.started = max(t, 1)
		} else {
			w.gaps = w.gaps.add(w.ended, t, 0)
		}
		w.ended = 0
	})
}

// Stop says that the hop's capture sees nothing any more from t on.
func (m *Matcher) Stop(hop int, t int64) {
	m.change(hop, func(w *watch) { w.ended = max(t, 1) })
}

// End says that the watching ended at t: what passed less than Settle before it
// is not to be expected everywhere ([Bordering]).
func (m *Matcher) End(t int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = max(t, 1)
	m.version++
}

// Gap says that the hop's capture dropped n packets between two times. It may
// come late: rows are judged anew.
func (m *Matcher) Gap(hop int, from, to int64, n uint64) {
	if n == 0 {
		return
	}
	m.change(hop, func(w *watch) {
		w.gaps = w.gaps.add(from, to, 0)
		w.dropped += n
	})
}

func (m *Matcher) change(hop int, f func(*watch)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if hop < 0 || hop >= len(m.hops) {
		return
	}
	for _, h := range m.groups[hop] {
		f(&m.watches[h])
	}
	m.version++
}

// Enter says that packets on the way out may be sent behind the hops before
// this one, as those are that somebody injects into a switch: what first shows
// there or later is judged as if the hops before could not see it.
func (m *Matcher) Enter(hop int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entry = hop
	m.version++
}

// Advance says that it is now, in Unix nanoseconds on the clock that the
// sightings' times were corrected to. Rows older than Settle are called lost
// when they are missing. Time never goes back.
func (m *Matcher) Advance(now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = max(m.now, now)
	before := m.settling
	for m.settling < m.next && m.settled(m.at(m.settling)) {
		s := m.at(m.settling)
		m.mend(s)
		m.learn(s)
		m.settling++
	}
	if m.settling != before {
		m.version++
	}
}

// Widen says that two hosts' clocks may be further apart than thought,
// [Options].Skew. It never becomes less.
func (m *Matcher) Widen(skew time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if skew > m.options.Skew {
		m.options.Skew = skew
		m.version++
	}
}

// Version rises with every change that a reader could see.
func (m *Matcher) Version() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version
}

// See tells that a hop saw a packet; p.Time is corrected to the console's
// clock. It keeps nothing of p. The sightings of one hop should come in the
// order in which they were captured; those of different hops may come in any.
func (m *Matcher) See(hop int, p *packets.Packet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if hop < 0 || hop >= len(m.hops) {
		return
	}
	m.version++
	hop, clothes, bad := m.place(hop, p)
	var id identity
	if bad == none {
		bad = m.identify(&m.hops[hop], &m.frame, &id)
	}
	if bad != none {
		m.unmatched[hop].add(bad)
		return
	}
	s := sighting{hop: hop, time: p.Time, outgoing: p.Type == outgoing, clothes: clothes, identity: &id}
	s.vote = m.vote(&s)
	at, twin, crowded := m.find(&s)
	switch {
	case crowded:
		m.unmatched[hop].Crowded++
		return
	case at < 0:
		at = m.open(&s, twin)
	}
	if clothes == fits && m.slots[at].twin != 0 {
		m.part(&m.slots[at], &s)
	}
	m.attach(at, &s, p)
}

// sighting is one packet at one hop.
type sighting struct {
	*identity
	hop      int
	time     int64
	outgoing bool
	vote     int // for the way out, or against it
	clothes  fit
}

func (s *sighting) bit() uint32 { return 1 << s.hop }

// place takes p apart and finds the hop, of those that the capture feeds, that
// it belongs to.
func (m *Matcher) place(hop int, p *packets.Packet) (int, fit, problem) {
	worst, bad := astray, none
	for _, h := range m.groups[hop] {
		e := &m.hops[h].Encap
		if bad = m.frame.strip(p, e.Tunnel); bad != none {
			return hop, worst, bad
		}
		switch e.judge(&m.frame) {
		case fits:
			return h, fits, none
		case copied:
			hop, worst = h, copied
		}
	}
	if len(m.groups[hop]) > 1 {
		bad = m.frame.strip(p, m.hops[hop].Encap.Tunnel)
	}
	return hop, worst, bad
}

func (m *Matcher) vote(s *sighting) int {
	v := s.origin
	switch m.hops[s.hop].Passing {
	case Entering, Leaving:
		if s.outgoing == (m.hops[s.hop].Passing == Leaving) {
			v++
		} else {
			v--
		}
	}
	return min(max(v, -1), 1)
}

func (m *Matcher) at(number uint64) *slot { return &m.slots[number%uint64(len(m.slots))] }

// ours tells whether a slot is a row: seen somewhere, not only where strangers
// pass too, and one of those that alone are wanted.
func (m *Matcher) ours(s *slot) bool {
	if s.seen == 0 || (s.seen|s.wrong)&m.narrow == 0 {
		return false
	}
	return m.options.Only == nil || m.options.Only(m.dataOf(s))
}

// row is the slot of a row that is still kept, or nil.
func (m *Matcher) row(number uint64) *slot {
	if number < m.first || number >= m.next {
		return nil
	}
	return m.at(number)
}

// dataOf is what is kept of a row's packet.
func (m *Matcher) dataOf(s *slot) []byte {
	return m.kept[int(s.number%uint64(len(m.slots)))*m.options.Keep:][:s.size]
}

func (m *Matcher) timesOf(s *slot) []int64 {
	i := int(s.number%uint64(len(m.slots))) * len(m.hops)
	return m.times[i : i+len(m.hops)]
}

func (m *Matcher) settled(s *slot) bool { return m.now-s.opened >= int64(m.options.Settle) }

// open makes a row. Twin is a row with an equal key, or 0.
func (m *Matcher) open(g *sighting, twin uint64) int {
	if m.next-m.first == uint64(len(m.slots)) {
		m.evict()
	}
	i := int(m.next % uint64(len(m.slots)))
	s := &m.slots[i]
	*s = slot{identity: *g.identity, number: m.next, opened: g.time, source: MaxHops, twin: twin}
	m.next++
	if t := m.row(twin); t != nil {
		t.twin = s.number
	}
	m.byKey.add(i, s.key.hash)
	if s.pair != 0 {
		m.answer(s)
		m.byPair.add(i, s.pair)
	}
	if s.identity.again != 0 {
		m.repeat(s)
		m.again.add(i, s.identity.again)
	}
	return i
}

// evict takes the oldest row out.
func (m *Matcher) evict() {
	s := m.at(m.first)
	m.past.add(m, s, true)
	i := int(m.first % uint64(len(m.slots)))
	m.byKey.remove(i, s.key.hash)
	if s.pair != 0 {
		m.byPair.remove(i, s.pair)
	}
	if s.identity.again != 0 {
		m.again.remove(i, s.identity.again)
	}
	m.first++
	m.settling = max(m.settling, m.first)
}

// answer links a question with its answer, whichever comes first.
func (m *Matcher) answer(s *slot) {
	var best *slot
	near := int64(m.options.Horizon)
	i := m.byPair.first(s.pair)
	for n := 0; i >= 0 && n < maxEqual; i = m.byPair.next(i) {
		o := &m.slots[i]
		if o.pair != s.pair {
			continue
		}
		n++
		if d := abs(o.opened - s.opened); o.role != s.role && o.mate == 0 && d <= near {
			best, near = o, d
		}
	}
	if best != nil {
		best.mate, s.mate = s.number, best.number
	}
}

// repeat puts s between the row that it repeats and the one that repeats it:
// of all that its sender sent alike, those nearest to it in time. Captures of
// two hosts don't arrive together, so the later one may be known first.
func (m *Matcher) repeat(s *slot) {
	var before, after *slot
	i := m.again.first(s.identity.again)
	for n := 0; i >= 0 && n < maxEqual; i = m.again.next(i) {
		o := &m.slots[i]
		if o.identity.again != s.identity.again {
			continue
		}
		n++
		switch {
		case abs(o.opened-s.opened) > int64(m.options.Horizon):
		case o.opened <= s.opened && (before == nil || o.opened >= before.opened):
			before = o
		case o.opened > s.opened && (after == nil || o.opened < after.opened):
			after = o
		}
	}
	if before != nil {
		s.sent = before.number
	}
	if after != nil {
		if was := m.row(after.sent); was == nil || was.opened <= s.opened {
			after.sent = s.number
		}
	}
}

// attach adds a sighting to a row.
func (m *Matcher) attach(i int, g *sighting, p *packets.Packet) {
	s := &m.slots[i]
	bit := g.bit()
	switch {
	case g.clothes == copied: // the one for this path is seen by itself
		s.flags |= Flooded
		return
	case g.clothes == astray && s.seen&bit != 0:
		s.flags |= Astray // there is a right one, too
		return
	case g.clothes == astray:
		s.wrong |= bit
	default:
		s.wrong &^= bit
		s.seen |= bit
	}
	m.timesOf(s)[g.hop] = g.time
	if s.votes += int8(g.vote); s.votes > 32 || s.votes < -32 {
		s.votes -= int8(g.vote)
	}
	s.opened = min(s.opened, g.time)
	if g.hop < int(s.source) {
		m.keep(s, g.hop, p)
	}
	m.shape(s, g)
	d := way(s.votes)
	if s.seen&bit != 0 {
		m.order(s, g, d)
	}
}

// keep copies the packet as the endpoints see it.
func (m *Matcher) keep(s *slot, hop int, p *packets.Packet) {
	f := &m.frame
	b := m.kept[int(s.number%uint64(len(m.slots)))*m.options.Keep:][:m.options.Keep]
	s.source = uint8(hop)
	if len(b) < ethernet {
		return
	}
	clear(b[:12])
	copy(b, f.head)
	be.PutUint16(b[12:], f.kind)
	s.size = uint16(ethernet + copy(b[ethernet:], f.body))
}

// way is the index of a direction in arrays: not known, out, back.
func way(votes int8) int {
	switch {
	case votes > 0:
		return 1
	case votes < 0:
		return 2
	}
	return 0
}

func abs(n int64) int64 { return max(n, -n) }

// lowest and highest are the hops at the ends of a mask that isn't empty.
func lowest(mask uint32) int  { return bits.TrailingZeros32(mask) }
func highest(mask uint32) int { return 31 - bits.LeadingZeros32(mask) }

// reach is how far from where it is usual the next sighting of a row may be. A
// packet that may have equals is only joined at once if it's near; what is
// further apart waits for mend.
func (m *Matcher) reach(s *slot) int64 {
	if s.strong && s.twin == 0 {
		return int64(m.options.Horizon)
	}
	return int64(m.options.Skew)
}

// Window is how far back Summary looks.
func (m *Matcher) Window() time.Duration { return m.options.Window }
