package match

import (
	"strconv"
	"time"
)

// Direction is which way a packet goes along the path.
type Direction uint8

const (
	NoDirection Direction = iota // nobody can say
	Out                          // from hop 0 on
	Back                         // towards hop 0
)

// String is "out", "back" or "?".
func (d Direction) String() string { return name(d, "?", "out", "back") }

// Verdict is what became of a packet.
type Verdict uint8

const (
	// Waiting: it may still come.
	Waiting Verdict = iota
	// Delivered: the last hop of the path saw it, or it was answered.
	Delivered
	// Lost: somewhere between Row.From, which saw it, and Row.To, which was
	// watching and did not.
	Lost
	// Unknown: it was not seen at the end, and nobody is to blame for sure.
	Unknown
	// Duplicate: a copy that the network made of another row.
	Duplicate
)

// String is the verdict in a word.
func (v Verdict) String() string {
	return name(v, "waiting", "delivered", "lost", "unknown", "duplicate")
}

// Answer is what became of a question: an echo request, a SYN, an ARP, DNS,
// DHCP or neighbour discovery request.
type Answer uint8

const (
	NoAnswer   Answer = iota // it isn't a question, or nobody can say
	Awaited                  // it may still come
	Answered                 // somewhere on the path; whether it came back the answer's own row says
	Unanswered               // a hop watched all the time, and there was none
)

// String is the answer in a word, or empty.
func (a Answer) String() string { return name(a, "", "awaited", "answered", "unanswered") }

// Flags are what else is to be said of a row.
type Flags uint16

const (
	Resent    Flags = 1 << iota // its sender sent it before; Row.Of is that row
	Late                        // it took longer than Settle
	Reordered                   // another packet overtook it
	Flooded                     // it was seen beside the path, too
	Astray                      // somewhere it had another tag, tunnel or network than the path's
	Appeared                    // first seen in the middle, although hops before were watching
	Guessed                     // one of several equal packets; order and time decided which
	Crowded                     // more equal packets than can be told apart
	Fragment                    // part of a datagram
	Oversize                    // larger than the MTU where it was seen: not yet segmented
	Reshaped                    // it may have passed other hops cut, joined or reassembled
	Bypassed                    // a hop in the middle missed it
	Bordering                   // not known, for it passed before the last hop was watched or as the watching ended
)

// Names are the flags that are set, a word each.
func (f Flags) Names() []string {
	var out []string
	for i, n := range [...]string{
		"resent", "late", "reordered", "flooded", "astray", "appeared", "guessed", "crowded",
		"fragment", "oversize", "reshaped", "bypassed", "bordering",
	} {
		if f&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// MarkState is what one hop has to say of one packet.
type MarkState uint8

const (
	Blind    MarkState = iota // it can't see
	NotKnown                  // it might have: it was not watching, dropped something, or the packet changed its form
	Pending                   // not yet
	First                     // where the packet came from, as far as anybody saw
	Seen                      // Mark.Delay after that
	Missed                    // it should have come by, and did not
	Skipped                   // missed, but seen further on
	Before                    // not seen, but first seen further on, or sent behind this hop
	Strayed                   // seen, but not as it should have been there
	Quiet                     // beside the path, and nothing was there
)

// String is the state in a word.
func (s MarkState) String() string {
	return name(s, "blind", "unknown", "pending", "first", "seen", "missed", "skipped", "before", "astray", "quiet")
}

// Mark is one hop's column of a row.
type Mark struct {
	State MarkState
	// Delay counts from the First mark and never falls on the packet's way,
	// whatever the hosts' clocks say.
	Delay time.Duration
	// Time is the hop's own, corrected; 0 where it didn't see the packet. It
	// finds the packet in the hop's capture.
	Time int64
}

// Row is one packet.
type Row struct {
	Number    uint64 // rises from 1 in the order in which rows were opened, which is nearly that of time
	Time      int64  // at the First mark
	Direction Direction
	Verdict   Verdict
	From, To  int // hops; of a lost packet the interval, else the first and last that saw it
	Answer    Answer
	Mate      uint64 // the answer's row, or the question's; 0: none
	Of        uint64 // the row that this one repeats or copies; 0: none
	Flags     Flags
	Length    uint32 // of the frame on the wire, without tags and tunnels
	Marks     []Mark // one a hop
	// Data is the packet as the endpoints see it: an Ethernet frame without
	// tags and tunnel, cut to Options.Keep, from the first hop of the path that
	// saw it, so with the addresses that hop sees.
	Data []byte
}

// Bounds says which rows are kept: first <= number < next.
func (m *Matcher) Bounds() (first, next uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first, m.next
}

// Rows fills dst with rows from the given number on and returns how many.
// Slices of dst are used again where they have room. Packets that were only
// ever seen astray, or only by hops that are Wide, or that Options.Only refuses,
// have no row, so numbers may be left out.
func (m *Matcher) Rows(from uint64, dst []Row) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for number := max(from, m.first); number < m.next && n < len(dst); number++ {
		if s := m.at(number); m.ours(s) {
			m.read(s, &dst[n])
			n++
		}
	}
	return n
}

func (m *Matcher) read(s *slot, r *Row) {
	j := m.judge(s)
	marks := r.Marks[:0]
	if cap(marks) < len(m.hops) {
		marks = make([]Mark, 0, len(m.hops))
	}
	*r = Row{
		Number: s.number, Time: m.timesOf(s)[j.origin], Direction: j.direction, Verdict: j.verdict,
		From: j.from, To: j.to, Answer: m.answered(s), Mate: s.mate, Flags: j.flags,
		Length: s.length, Marks: marks[:len(m.hops)],
		Data: append(r.Data[:0], m.dataOf(s)...),
	}
	switch {
	case j.verdict == Duplicate:
		r.Of = s.twin
	case j.flags&Resent != 0:
		r.Of = s.sent
	}
	times := m.timesOf(s)
	for h := range r.Marks {
		r.Marks[h] = Mark{State: m.mark(s, &j, h)}
		if (s.seen|s.wrong)&(1<<h) != 0 {
			r.Marks[h].Time = times[h]
		}
	}
	m.delays(s, &j, func(h int, d int64, _ bool) { r.Marks[h].Delay = time.Duration(d) })
	for aside := s.seen &^ m.path; aside != 0; aside &= aside - 1 {
		h := lowest(aside)
		r.Marks[h].Delay = time.Duration(max(0, times[h]-r.Time))
	}
}

func (m *Matcher) mark(s *slot, j *judgement, h int) MarkState {
	bit := uint32(1) << h
	switch {
	case h == j.origin:
		return First
	case s.seen&bit != 0:
		return Seen
	case s.wrong&bit != 0:
		return Strayed
	case m.hops[h].Blind:
		return Blind
	case m.path&bit == 0:
		return Quiet
	case j.before&bit != 0, j.direction == Out && h < m.entry && h < j.origin:
		return Before
	case j.between&bit != 0:
		return Skipped
	case j.after&bit != 0 && j.settled:
		return Missed
	case j.after&bit != 0:
		return Pending
	}
	return NotKnown
}

func name[T ~uint8](v T, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return strconv.Itoa(int(v))
}
