package follow

import (
	"errors"
	"fmt"
	"time"

	"steth/feed"
	"steth/openstack"
	"steth/packets/craft"
	"steth/packets/match"
	"steth/rpc"
)

// Recording is all of a session but its packets: what was asked for, what was
// found, and what the matcher was told besides packets. Together with the
// packets of [Session.Feeds], in the order of their times, [Replay] makes the
// same rows and the same finding of it. Times are on the clock of the console
// that recorded.
type Recording struct {
	Path   openstack.Path   `json:"path"` // as expected
	Follow openstack.Follow `json:"follow"`
	For    time.Duration    `json:"for_ns"` // as asked for; 0: until stopped

	Started time.Time `json:"started"`        // the session
	Began   time.Time `json:"began,omitzero"` // the first capture; zero: none did
	Ended   time.Time `json:"ended"`          // the session, or when it was saved
	// Live says that the session went on when it was saved.
	Live bool `json:"live,omitempty"`
	// Shift says that 1 in 1<<Shift packets was followed in the end.
	Shift int `json:"sample_shift,omitempty"`

	Hops     []RecordedHop       `json:"hops"`     // in the order of Path.Hops
	Captures []RecordedCapture   `json:"captures"` // in the order of Session.Feeds
	Injected []RecordedInjection `json:"injected,omitempty"`
	Notes    []string            `json:"notes"`
	Err      RecordedError       `json:"error,omitzero"` // why nothing could be followed
}

// RecordedInjection is an injection with all that it takes to know its packets.
type RecordedInjection struct {
	Injected
	Probe craft.Probe `json:"probe"`
	// Only says that the session was about nothing else, see [Plan].Inject.
	Only bool `json:"only,omitempty"`
}

// RecordedHop is what was found of a hop of the path.
type RecordedHop struct {
	Netns   string                 `json:"netns,omitempty"`
	Device  string                 `json:"device,omitempty"`
	State   State                  `json:"state"` // Ended, Broken or Unseen
	Why     RecordedError          `json:"why,omitzero"`
	Check   openstack.Confirmation `json:"check"`
	Filter  openstack.Filter       `json:"filter"`
	Capture int                    `json:"capture"` // an index of Captures; -1: none
	Guesses []string               `json:"guesses,omitempty"`
	MTU     int                    `json:"mtu,omitempty"` // as found; 0: not known
	Counter *Counter               `json:"counter,omitempty"`
}

// RecordedCapture is one capture without its packets.
type RecordedCapture struct {
	Host   string `json:"host"`
	Netns  string `json:"netns,omitempty"`
	Device string `json:"device"`
	Filter string `json:"filter,omitempty"`
	Hops   []int  `json:"hops"` // indexes of Recording.Hops
	// Offset is the host's clock minus the console's. It has been taken off all
	// times, also those of the packets.
	Offset time.Duration `json:"clock_offset_ns"`
	// Spread is within how much Offset is right, or was when it was measured.
	Spread time.Duration `json:"clock_spread_ns,omitempty"`
	// Watched are the times in which everything was seen that is no gap, the
	// oldest first.
	Watched []Span      `json:"watched,omitempty"`
	Gaps    []Gap       `json:"gaps,omitempty"`
	Drops   []feed.Drop `json:"drops,omitempty"`
	Packets uint64      `json:"packets"`       // that were kept
	End     string      `json:"end,omitempty"` // why it ended too early
}

// Span is a time in which a capture saw everything, in Unix nanoseconds.
type Span struct {
	From int64 `json:"from_unix_ns"`
	To   int64 `json:"to_unix_ns"`
}

// Gap is a time in which a capture dropped packets, in Unix nanoseconds.
type Gap struct {
	From    int64  `json:"from_unix_ns"`
	To      int64  `json:"to_unix_ns"`
	Dropped uint64 `json:"dropped"`
}

// RecordedError is an error's sentence, and its code where an agent gave one.
type RecordedError struct {
	Text string   `json:"text,omitempty"`
	Code rpc.Code `json:"code,omitempty"`
}

func recordError(err error) RecordedError {
	if err == nil {
		return RecordedError{}
	}
	return RecordedError{Text: err.Error(), Code: rpc.CodeOf(err)}
}

// restore is an error that is judged as the recorded one was; nil for none.
func (e RecordedError) restore() error {
	if e.Text == "" || e.Code == rpc.OK {
		return nil
	}
	return rpc.Errorf(e.Code, "%s", e.Text)
}

// Recording is the session as it stands, without its packets. It may be asked
// for at any time: what goes on ends in it where all captures are sure to have
// seen everything. Of a replayed session it is what was replayed.
func (s *Session) Recording() Recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record != nil {
		return *s.record
	}
	now := s.env.Now()
	shift, _ := s.sampling.now()
	r := Recording{
		Path: s.plan.Path, Follow: s.plan.Follow, For: s.plan.For,
		Started: s.started, Began: s.began, Ended: now, Live: !s.ended, Shift: shift,
		Notes: append([]string{}, s.notes...), Err: recordError(s.err),
		Hops: make([]RecordedHop, len(s.hops)), Captures: make([]RecordedCapture, len(s.devices)),
	}
	if s.ended {
		r.Ended = s.finding.Started.Add(s.finding.Duration)
	}
	for i, in := range s.injected {
		r.Injected = append(r.Injected, RecordedInjection{Injected: in, Probe: *s.marks[i], Only: s.marks[i] == s.probe})
	}
	for i := range s.hops {
		r.Hops[i] = s.hops[i].record(len(s.devices))
	}
	for i, d := range s.devices {
		c := d.record()
		if len(c.Watched) > 0 && c.lost > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("The first %d packets at %s on %s were no longer kept when this was saved; it begins later there.", c.lost, d.where(), d.host))
		}
		r.Captures[i] = c.RecordedCapture
	}
	r.cut()
	return r
}

// record is the hop in a recording with so many captures.
func (h Hop) record(captures int) RecordedHop {
	out := RecordedHop{
		Netns: h.Netns, Device: h.Device, State: h.State, Why: RecordedError{Text: h.Why}, Check: h.Check,
		Filter: h.Filter, Capture: h.Capture, Guesses: h.guesses, MTU: h.found, Counter: h.Counter,
	}
	if h.err != nil {
		out.Why.Code = rpc.CodeOf(h.err)
	}
	switch h.State {
	case Watching:
		out.State = Ended
	case Asking:
		out.State, out.Why.Text = Unseen, "its host had not answered yet when this was saved"
	case Opening:
		out.State, out.Why.Text = Unseen, "its capture had not begun when this was saved"
	}
	if h.Capture >= captures {
		out.Capture = -1
	}
	return out
}

// kept is a capture as it is kept, and how many of its oldest packets aren't.
type kept struct {
	RecordedCapture
	lost uint64
}

func (d *device) record() kept {
	first, next := d.feed.Bounds()
	state := d.feed.State()
	out := kept{lost: first, RecordedCapture: RecordedCapture{
		Host: d.host, Netns: d.netns, Device: d.name, Filter: d.filter, Hops: append([]int{}, d.hops...),
		Packets: next - first, Drops: state.Drops, End: state.End,
	}}
	t := d.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	out.Offset, out.Spread = t.offset, t.spread
	out.Gaps = append(out.Gaps, t.gaps...)
	var from int64
	if oldest := make([]feed.Entry, 1); first > 0 && d.feed.Read(first, oldest) > 0 {
		from = oldest[0].Time
	}
	for _, w := range t.watched {
		if w.To == 0 {
			w.To = max(t.newest, t.told, w.From)
		}
		if w.From = max(w.From, from); w.From <= w.To {
			out.Watched = append(out.Watched, w)
		}
	}
	return out
}

// cut lets the captures of a session that went on end together, as those of one
// that ended do.
func (r *Recording) cut() {
	if !r.Live {
		return
	}
	end := r.end()
	for i := range r.Captures {
		c := &r.Captures[i]
		for j := range c.Watched {
			if w := &c.Watched[j]; c.End == "" {
				w.To = max(w.From, min(w.To, end))
			}
		}
	}
}

// end is up to when all captures that did not break have seen everything; 0
// where there are none.
func (r *Recording) end() int64 {
	var end int64
	for _, c := range r.Captures {
		if n := len(c.Watched); n > 0 && c.End == "" && (end == 0 || c.Watched[n-1].To < end) {
			end = c.Watched[n-1].To
		}
	}
	return end
}

// The most that a recording may hold: what a session can, and no more.
const (
	maxCaptures = 1024
	maxDrops    = 16      // places where a capture loses packets
	maxList     = 1024    // notes, injections, and what a hop has several of
	maxTime     = 1 << 62 // Unix nanoseconds, in the year 2116; differences of two times don't overflow
)

// Check tells whether the recording can be replayed. One that a session made
// can be; a file may say anything.
func (r *Recording) Check() error {
	switch n := len(r.Path.Hops); {
	case n == 0 || n > match.MaxHops:
		return fmt.Errorf("its path has %d hops; 1 to %d can be followed", n, match.MaxHops)
	case len(r.Hops) != n:
		return fmt.Errorf("its path has %d hops, and %d are told of", n, len(r.Hops))
	case len(r.Path.Back) > match.MaxHops || len(r.Notes) > maxList || len(r.Injected) > maxList:
		return fmt.Errorf("it has %d hops of answers, %d notes and %d injections; %d, %d and %d are possible",
			len(r.Path.Back), len(r.Notes), len(r.Injected), match.MaxHops, maxList, maxList)
	case len(r.Captures) > maxCaptures:
		return fmt.Errorf("it has %d captures, more than %d", len(r.Captures), maxCaptures)
	case r.Shift < 0 || r.Shift > openstack.MaxSample:
		return fmt.Errorf("1 in 2^%d packets was followed; that is no sample", r.Shift)
	case !timely(r.Started.UnixNano()) || !timely(r.Ended.UnixNano()) || r.Ended.Before(r.Started):
		return errors.New("the times at which it was recorded can't be right")
	}
	for i := range r.Injected {
		if err := r.Injected[i].Probe.Check(); err != nil {
			return fmt.Errorf("injection %d: %w", i+1, err)
		}
	}
	for i, h := range r.Hops {
		if err := h.check(i, r); err != nil {
			return fmt.Errorf("hop %d: %w", i+1, err)
		}
	}
	for i, c := range r.Captures {
		if err := c.check(len(r.Hops)); err != nil {
			return fmt.Errorf("capture %d: %w", i+1, err)
		}
	}
	return nil
}

func timely(t int64) bool { return t >= 0 && t < maxTime }

func (h *RecordedHop) check(i int, r *Recording) error {
	switch {
	case r.Path.Hops[i].Index != i+1:
		return fmt.Errorf("it says of itself that it is %d", r.Path.Hops[i].Index)
	case h.State != Ended && h.State != Broken && h.State != Unseen:
		return fmt.Errorf("its state %q is none of a recording", h.State)
	case h.Capture < -1 || h.Capture >= len(r.Captures):
		return fmt.Errorf("capture %d of %d", h.Capture, len(r.Captures))
	case h.Capture < 0 && h.State != Unseen:
		return errors.New("it was seen without a capture")
	case len(h.Check.Faults) > maxList || len(h.Guesses) > maxList:
		return fmt.Errorf("it differs in %d ways and may be %d devices", len(h.Check.Faults), len(h.Guesses))
	case h.MTU < 0:
		return fmt.Errorf("its MTU is %d", h.MTU)
	}
	return nil
}

func (c *RecordedCapture) check(hops int) error {
	switch {
	case len(c.Hops) == 0 || len(c.Hops) > hops:
		return fmt.Errorf("it is of %d hops", len(c.Hops))
	case len(c.Drops) > maxDrops:
		return fmt.Errorf("it dropped packets in %d places", len(c.Drops))
	case len(c.Watched) > maxWatched:
		return fmt.Errorf("it began %d times, more than %d", len(c.Watched), maxWatched)
	case len(c.Gaps) > maxGaps:
		return fmt.Errorf("it has %d gaps, more than %d", len(c.Gaps), maxGaps)
	}
	for _, h := range c.Hops {
		if h < 0 || h >= hops {
			return fmt.Errorf("hop %d of %d", h+1, hops)
		}
	}
	for i, w := range c.Watched {
		if !timely(w.From) || !timely(w.To) || w.To < w.From || i > 0 && w.From < c.Watched[i-1].From {
			return errors.New("its times can't be right")
		}
	}
	for _, g := range c.Gaps {
		if !timely(g.From) || !timely(g.To) || g.To < g.From {
			return errors.New("the times of a gap can't be right")
		}
	}
	return nil
}
