package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"steth/feed"
	"steth/packets/craft"
	"steth/packets/match"
	"steth/probes"
	"steth/rpc"
)

const (
	// skew is how far two hosts' clocks are trusted to be apart after correction.
	skew = 5 * time.Millisecond
	// settling is how long a packet may take to a hop before it's missing there.
	settling = time.Second
	// tail is how long captures go on after Stop: what passed before it is on
	// its way still, in the ring (20 ms), the agent's buffers (20 ms) and on the
	// network.
	tail = 150 * time.Millisecond
	// grace is how long after their time captures are waited for.
	grace = 3 * time.Second
	// silence is after how long without a packet it's looked at what passes.
	silence = 5 * time.Second
	// beat is how often the matcher is told the time.
	beat = 50 * time.Millisecond
)

// Session is one path being followed. Its methods are safe for concurrent use
// and answer at once, except for waiting on Done.
type Session struct {
	plan   Plan
	env    probes.Env
	cancel context.CancelCauseFunc
	stop   chan struct{} // closed by Stop
	once   sync.Once
	done   chan struct{}

	version  atomic.Uint64
	matcher  atomic.Pointer[match.Matcher] // nil until the hosts were asked
	sampling sampling

	record  *Recording // what is replayed, nil of a live session
	started time.Time
	probe   *craft.Probe // of the plan's injection

	mu       sync.Mutex // guards what follows
	hops     []Hop
	devices  []*device
	began    time.Time // the first capture's start
	notes    []string
	injected []Injected
	marks    []*craft.Probe // beside injected
	err      error          // why nothing could be followed
	finding  probes.Finding
	ended    bool
}

// Start begins to follow a path. It fails on a plan that is wrong in itself;
// everything later is in the finding. Whoever calls it waits for Done and then
// calls Close.
func Start(ctx context.Context, env probes.Env, plan Plan) (*Session, error) {
	if err := plan.check(); err != nil {
		return nil, err
	}
	var probe *craft.Probe
	if plan.Inject != nil {
		var err error
		if plan, probe, err = plan.inject(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s := newSession(env, plan, cancel)
	s.probe = probe
	s.notes = append(s.notes, plan.Path.Notes...)
	for i, h := range plan.Path.Hops {
		s.hops[i] = begin(h)
	}
	if len(plan.Path.Back) > 0 {
		s.notes = append(s.notes, "Answers come back by other devices than the packets go out; they are shown where both ways meet, and not judged.")
	}
	go s.work(func() error { return s.follow(ctx) })
	return s, nil
}

func newSession(env probes.Env, plan Plan, cancel context.CancelCauseFunc) *Session {
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	return &Session{
		plan: plan, env: env, started: env.Now(), cancel: cancel, stop: make(chan struct{}), done: make(chan struct{}),
		hops: make([]Hop, len(plan.Path.Hops)), notes: []string{},
	}
}

// work does what a session is for, judges, and ends the feeds.
func (s *Session) work(do func() error) {
	defer close(s.done)
	defer s.cancel(nil)
	err := s.guard("the path", do)
	if s.record != nil && err == nil {
		err = s.record.Err.restore()
	}
	f := s.conclude(err)
	f.Started, f.Duration = s.started, s.env.Now().Sub(s.started)
	s.env.Log.Info("path", "from", f.TargetID, "verdict", f.Verdict, "code", f.Code, "took", f.Duration)
	s.change(func() { s.finding, s.ended, s.err = f, true, err })
	for _, f := range s.Feeds() {
		f.End("")
	}
}

// errOver says why a host isn't waited for any longer.
var errOver = errors.New("its agent had not answered when the time was over")

// follow asks the hosts, opens the captures of each as soon as it has answered,
// and waits for their end.
func (s *Session) follow(ctx context.Context) error {
	m, err := s.lay()
	if err != nil {
		return err
	}
	watching, end := context.WithCancelCause(ctx)
	defer end(nil)
	asking, giveUp := context.WithCancelCause(watching)
	defer giveUp(nil)
	var captures sync.WaitGroup
	var watchers []*watcher // guarded by s.mu while captures may begin
	var counts sync.WaitGroup
	counting := map[string][]gauge{} // by host; guarded by s.mu while hosts are asked
	all := make(chan struct{})
	go func() {
		defer close(all)
		s.survey(asking, func(host string, list []gauge) {
			if len(list) > 0 {
				s.mu.Lock()
				counting[host] = list
				s.mu.Unlock()
				counts.Go(func() { s.count(watching, host, list) })
			}
			devices, failed := s.arrange(host, m)
			if failed != nil {
				end(failed)
			}
			for _, d := range devices {
				w := &watcher{session: s, device: d, tape: d.tape, seconds: d.seconds}
				s.mu.Lock()
				watchers = append(watchers, w)
				s.mu.Unlock()
				captures.Go(func() {
					w.err = s.guard(d.where()+" on "+d.host, func() error { return w.run(watching) })
					s.over(d, w.err)
					if began, ok := s.beganAt(); ok && w.err == nil && s.plan.left(s.env.Now().Sub(began)) == 0 {
						giveUp(errOver)
					}
				})
			}
		})
		captures.Wait()
	}()
	var injecting sync.WaitGroup
	var failed error // of the injection
	if s.plan.Inject != nil {
		injecting.Go(func() { failed = s.perform(watching) })
	}
	again := &rechecker{lost: s.lost, ask: func() { s.recheck(ctx) }}
	s.pace(watching, end, m, again, all)
	<-all
	injecting.Wait()
	finish(m, watchers)
	m.Advance(s.env.Now().Add(2 * settling).UnixNano())
	counts.Wait()
	s.countLast(ctx, counting)
	again.finish()
	broken := context.Cause(watching)
	switch {
	case ctx.Err() == nil && broken != context.Canceled && !errors.Is(broken, probes.ErrStopped):
		return broken
	case len(watchers) == 0: // the hops say why
		return nil
	}
	return failed
}

// pace tells the matcher the time until all captures have ended, and ends those
// that were stopped or that outlast their time.
func (s *Session) pace(ctx context.Context, end context.CancelCauseFunc, m *match.Matcher, again *rechecker, all <-chan struct{}) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var late, looked <-chan time.Time
	var looking sync.WaitGroup
	defer looking.Wait()
	stop := s.stop
	for {
		select {
		case <-all:
			end(nil)
			return
		case <-stop:
			stop = nil
			late = time.After(tail)
		case <-late:
			end(probes.ErrStopped)
			late = nil
		case <-ticker.C:
			m.Advance(s.env.Now().UnixNano())
			again.tick(s.env.Now())
			began, ok := s.beganAt()
			if ok && looked == nil {
				looked = time.After(silence)
				if s.plan.For > 0 && late == nil {
					late = time.After(time.Duration(s.plan.seconds())*time.Second + grace - s.env.Now().Sub(began))
				}
			}
		case <-looked:
			if s.Rows(0, make([]match.Row, 1)) == 0 {
				looking.Go(func() { s.look(ctx) })
			}
		}
	}
}

// look says what passes the first device that is watched, when nothing fits.
func (s *Session) look(ctx context.Context) {
	s.mu.Lock()
	at := slices.IndexFunc(s.hops, func(h Hop) bool { return h.State == Watching })
	var hop Hop
	var d *device
	if at >= 0 {
		hop = s.hops[at]
		d = s.devices[hop.Capture]
	}
	s.mu.Unlock()
	if d == nil {
		return
	}
	var seen string
	err := s.guard("a glance", func() (err error) {
		seen, err = s.glance(ctx, d)
		return err
	})
	if err != nil {
		s.env.Log.Warn("path: glance", "device", d.where(), "host", d.host, "err", err)
		return
	}
	s.change(func() {
		s.notes = append(s.notes, fmt.Sprintf("Nothing that fits passed in %v; without the filter %s showed %s.", silence, hop.Name(), seen))
	})
}

// guard runs f and turns a panic into an error: a defect here must not take the
// console with it.
func (s *Session) guard(what string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.env.Log.Error("path panicked", "at", what, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("a defect in steth itself at %s: %v (the log has the details)", what, p)
		}
	}()
	return f()
}

// change changes what readers see.
func (s *Session) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.version.Add(1)
}

// lay makes the matcher, of a path on which any hop may yet see packets.
func (s *Session) lay() (*match.Matcher, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hops, options := matching(s.hops, s.plan.Follow)
	if s.probe != nil {
		options.Only = func(frame []byte) bool {
			part, _ := s.probe.Know(frame)
			return part != craft.None
		}
	}
	m, err := match.New(hops, options)
	if err != nil {
		return nil, err
	}
	for _, in := range s.injected { // of a recording
		enter(m, in.Way)
	}
	s.matcher.Store(m)
	return m, nil
}

// arrange makes the captures of a host's hops, which are settled. The matcher
// learns which of them are.
func (s *Session) arrange(host string, m *match.Matcher) ([]*device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.version.Add(1)
	seconds := s.plan.seconds()
	if seconds > 0 && !s.began.IsZero() { // it ends with the others
		if seconds = s.plan.left(s.env.Now().Sub(s.began)); seconds == 0 {
			for i := range s.hops {
				if h := &s.hops[i]; h.Host == host && h.State == Opening {
					h.State, h.Why = Unseen, errOver.Error()
				}
			}
		}
	}
	devices := arrange(s.hops, host, len(s.devices), s.plan.Follow)
	if err := s.open(devices, m); err != nil {
		return nil, err
	}
	for _, d := range devices {
		d.seconds = seconds
	}
	s.order()
	hops, _ := matching(s.hops, s.plan.Follow)
	m.SetHops(hops)
	return devices, nil
}

// order puts the devices into the order of the path. s.mu is held.
func (s *Session) order() {
	before := slices.Clone(s.devices)
	slices.SortStableFunc(s.devices, func(a, b *device) int { return a.hops[0] - b.hops[0] })
	for i := range s.hops {
		if h := &s.hops[i]; h.Capture >= 0 {
			h.Capture = slices.Index(s.devices, before[h.Capture])
		}
	}
}

// open makes a feed for each device, and a tape that leads to it and to the
// matcher. s.mu is held.
func (s *Session) open(devices []*device, m *match.Matcher) error {
	for _, d := range devices {
		f, err := feed.New(feed.About{
			Title: "path", Target: s.plan.Path.From.Name + " → " + s.plan.Path.To.Name,
			Host: d.host, Netns: d.netns, Device: d.name, Filter: d.filter, Shape: feed.Packets,
		}, s.env.Spool)
		if err != nil {
			return fmt.Errorf("open a feed for %s of %s: %w", d.where(), d.host, err)
		}
		d.feed, d.tape = f, &tape{device: d, matcher: m}
		s.devices = append(s.devices, d)
	}
	return nil
}

// watching notes that a capture has begun.
func (s *Session) watching(d *device) {
	s.change(func() {
		if s.began.IsZero() {
			s.began = s.env.Now()
		}
		for _, i := range d.hops {
			if s.hops[i].State == Opening { // of a hop's guesses another may have been first
				s.hops[i].State = Watching
			}
		}
	})
}

// proven notes that packets have told which device a hop is.
func (s *Session) proven(d *device) {
	s.change(func() {
		for _, i := range d.hops {
			h := &s.hops[i]
			h.Device, h.guesses = d.name, nil
			h.Capture = slices.Index(s.devices, d)
		}
	})
}

// over notes that a capture has ended, and why where it was too early.
func (s *Session) over(d *device, err error) {
	s.change(func() {
		for _, i := range d.hops {
			h := &s.hops[i]
			switch {
			case h.guesses == nil && h.Device != d.name: // another was the right one
			case err == nil && h.guesses != nil:
				h.State, h.Why = Unseen, "nothing that fits passed "+h.Device+", and OVSDB wasn't asked which NIC it is"
			case err == nil:
				h.State = Ended
			case h.State == Watching:
				h.State, h.Why, h.err = Broken, broke(d.host, err), err
			default:
				h.State, h.Why, h.err = Unseen, err.Error(), err
			}
		}
	})
	if err != nil {
		d.feed.End(err.Error())
		s.env.Log.Warn("path: capture", "device", d.where(), "host", d.host, "err", err)
	}
}

// broke says in words why a capture ended before its time.
func broke(host string, err error) string {
	if errors.Is(err, rpc.ErrUnexpectedEnd) {
		return "the agent on " + host + " stopped answering"
	}
	return err.Error()
}

func (s *Session) beganAt() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.began, !s.began.IsZero()
}

// Plan is what was asked for.
func (s *Session) Plan() Plan { return s.plan }

// Hops are the hops as they stand.
func (s *Session) Hops() []Hop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hops)
}

// Began is when the first capture began; false before.
func (s *Session) Began() (time.Time, bool) { return s.beganAt() }

// Notes are what the hops don't tell, a sentence each.
func (s *Session) Notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.notes...)
}

// Feeds are the captures as they were taken, one a device in the order of the
// path; [Hop].Capture is an index of them. As long as hosts are asked there may
// come more, and then indexes change.
func (s *Session) Feeds() []*feed.Feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*feed.Feed, len(s.devices))
	for i, d := range s.devices {
		out[i] = d.feed
	}
	return out
}

// Clock is by how much a host's clock was corrected.
type Clock struct {
	Host   string
	Offset time.Duration // the host's minus the console's
}

// Clocks are those of the hosts with captures, in the order of the path.
func (s *Session) Clocks() []Clock {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Clock
	for _, d := range s.devices {
		if !slices.ContainsFunc(out, func(c Clock) bool { return c.Host == d.host }) {
			out = append(out, Clock{d.host, d.tape.corrected()})
		}
	}
	return out
}

// Bounds says which rows are kept: first <= number < next.
func (s *Session) Bounds() (first, next uint64) {
	if m := s.matcher.Load(); m != nil {
		return m.Bounds()
	}
	return 1, 1
}

// Rows fills dst with rows from the given number on, see [match.Matcher.Rows].
// Marks stand in the order of Hops. Packets that only hops with a wide filter
// have seen are left out, here and in what is counted: they are others'.
func (s *Session) Rows(from uint64, dst []match.Row) int {
	if m := s.matcher.Load(); m != nil {
		return m.Rows(from, dst)
	}
	return 0
}

// Window is how far back Summary looks.
const Window = 10 * time.Second

// Summary is what the rows of the last seconds say.
func (s *Session) Summary() match.Summary {
	if m := s.matcher.Load(); m != nil {
		now := s.env.Now().UnixNano()
		return m.Summary(now)
	}
	return match.Summary{Hops: make([]match.HopSummary, len(s.plan.Path.Hops))}
}

// Total is what all rows since the start say.
func (s *Session) Total() match.Summary {
	if m := s.matcher.Load(); m != nil {
		return m.Total()
	}
	return match.Summary{Hops: make([]match.HopSummary, len(s.plan.Path.Hops))}
}

// Standing is how things stand at one moment.
type Standing struct {
	Hops    []Hop
	Total   match.Summary // see [Session.Total]
	Finding probes.Finding
	Ended   bool // nothing can change the finding
}

// Standing reads all of it together, which costs what Total alone does: about
// 100 ns a row. It's for the eye, a few times a second.
func (s *Session) Standing() Standing {
	s.mu.Lock()
	out := Standing{Finding: s.finding, Ended: s.ended}
	s.mu.Unlock()
	out.Hops, out.Total = s.Hops(), s.Total()
	if !out.Ended {
		out.Finding = s.judged(out.Hops, out.Total, nil)
	}
	return out
}

// Version rises with everything that a reader could see.
func (s *Session) Version() uint64 {
	v := s.version.Load()
	if m := s.matcher.Load(); m != nil {
		v += m.Version()
	}
	return v
}

// Done is closed when all captures have ended and the finding is there.
func (s *Session) Done() <-chan struct{} { return s.done }

// Finding is what can be concluded so far; true once nothing can change it.
func (s *Session) Finding() (probes.Finding, bool) {
	s.mu.Lock()
	f, ended := s.finding, s.ended
	s.mu.Unlock()
	if ended {
		return f, true
	}
	return s.conclude(nil), false
}

// Stop ends the captures once what has passed until now has arrived. It returns
// at once.
func (s *Session) Stop() { s.once.Do(func() { close(s.stop) }) }

// Close ends everything at once, waits for it, and forgets the captures.
func (s *Session) Close() error {
	s.cancel(probes.ErrStopped)
	<-s.done
	var errs []error
	for _, f := range s.Feeds() {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
