package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes"
)

// Source gives the packets of a recording in the order of their times, each with
// the index of its capture; p.Data need only be valid until the next call. The
// error is io.EOF after the last one. A [packets.Reader] is one.
type Source interface {
	Next(p *packets.Packet) (capture int, err error)
}

// Replay follows a recording instead of the network, as fast as its packets can
// be read. The session that it returns is like one of [Start]: it is read in the
// same way while the packets come, and concludes when they have all come. Its rows
// are numbered in the order of time; live ones are in that in which captures of
// several hosts brought them. No agent is asked; of env only the spool and the
// log are used. Whoever calls it waits for Done and then calls Close; src is not
// read after Done.
func Replay(ctx context.Context, env probes.Env, r Recording, src Source) (*Session, error) {
	plan := Plan{Path: r.Path, Follow: r.Follow, For: r.For}
	if err := errors.Join(plan.check(), r.Check()); err != nil {
		return nil, fmt.Errorf("this recording can't be replayed: %w", err)
	}
	env.Agents, env.Now = nil, func() time.Time { return r.Ended }
	ctx, cancel := context.WithCancelCause(ctx)
	s := newSession(env, plan, cancel)
	s.record, s.started, s.began = &r, r.Started, r.Began
	s.notes = append(s.notes, r.Notes...)
	s.sampling.shift = r.Shift
	s.remember(r.Injected)
	for i, h := range r.Path.Hops {
		s.hops[i] = r.Hops[i].restore(h)
	}
	go s.work(func() error { return s.play(ctx, src) })
	return s, nil
}

// remember has a replayed session know the packets that were injected.
func (s *Session) remember(list []RecordedInjection) {
	for _, in := range list {
		p := in.Probe
		s.injected, s.marks = append(s.injected, in.Injected), append(s.marks, &p)
		if in.Only && s.probe == nil {
			s.probe, s.plan.Inject = &p, &in.Injection
		}
	}
}

// Recorded is when the session was recorded; false of a live one.
func (s *Session) Recorded() (time.Time, bool) {
	if s.record == nil {
		return time.Time{}, false
	}
	return s.record.Ended, true
}

// restore is the hop that was recorded.
func (r RecordedHop) restore(h openstack.Hop) Hop {
	h.Netns, h.Device = r.Netns, r.Device
	out := Hop{
		Hop: h, State: r.State, Why: r.Why.Text, Check: r.Check, Filter: r.Filter, Capture: r.Capture,
		guesses: slices.Clone(r.Guesses), found: r.MTU, err: r.Why.restore(), Counter: r.Counter,
	}
	out.tell()
	return out
}

// play brings the recorded packets to the tapes, and ends them where the
// recorded ones ended.
func (s *Session) play(ctx context.Context, src Source) error {
	r := s.record
	if len(r.Captures) == 0 {
		return nil
	}
	devices := make([]*device, len(r.Captures))
	for i, c := range r.Captures {
		devices[i] = &device{host: c.Host, netns: c.Netns, name: c.Device, filter: c.Filter, hops: c.Hops}
	}
	m, err := s.lay()
	if err != nil {
		return err
	}
	s.mu.Lock()
	err = s.open(devices, m)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	p := player{session: s, devices: devices, read: make([]uint64, len(devices)), matcher: m}
	for i, c := range r.Captures {
		devices[i].tape.recorded(c)
		for _, w := range c.Watched {
			p.spans = append(p.spans, watch{devices[i].tape, w})
		}
	}
	slices.SortStableFunc(p.spans, func(a, b watch) int { return cmp.Compare(a.From, b.From) })
	if r.Live {
		p.cut = r.end()
	}
	p.run(ctx, src)
	if p.complete {
		p.begin(maxTime)
	}
	for i, c := range r.Captures {
		err = errors.Join(err, p.end(i, c))
	}
	if end := r.end(); end > 0 {
		m.End(end)
	}
	m.Advance(max(p.newest, r.Ended.UnixNano()) + int64(2*settling))
	return err
}

// recorded tells what a recorded capture told late when it was live. It is told
// before the first packet: rows that leave the matcher early are judged by it,
// too.
func (t *tape) recorded(c RecordedCapture) {
	t.clock(c.Offset, c.Spread)
	for _, g := range c.Gaps {
		t.gap(g.From, g.To, g.Dropped)
	}
	for _, d := range c.Drops {
		t.device.feed.SetDrop(d.Where, d.Count)
	}
}

// player reads a recording's packets.
type player struct {
	session *Session
	devices []*device
	matcher *match.Matcher
	spans   []watch // that have not begun yet, in the order of time
	cut     int64   // packets after it are not judged; 0: all are

	read     []uint64 // packets of each capture
	newest   int64    // time of a packet
	complete bool     // all were read
}

// watch is a time in which a capture saw everything.
type watch struct {
	tape *tape
	Span
}

// run reads until there is nothing more, and notes why where that is too early.
func (p *player) run(ctx context.Context, src Source) {
	var next int64
	var odd, late uint64
	var packet packets.Packet
	for {
		i, err := src.Next(&packet)
		switch {
		case err == nil && ctx.Err() != nil:
			err = context.Cause(ctx)
		case err == nil && (i < 0 || i >= len(p.devices)):
			err = fmt.Errorf("a packet is of capture %d, and there are %d", i+1, len(p.devices))
		}
		if p.complete = errors.Is(err, io.EOF); err != nil {
			if !p.complete {
				p.note("What was recorded after %s is not shown: %v.", time.Unix(0, p.newest).UTC().Format("15:04:05.000 MST"), err)
			}
			break
		}
		if !timely(packet.Time) {
			odd++
			continue
		}
		select {
		case <-p.session.stop:
			p.session.cancel(probes.ErrStopped)
		default:
		}
		p.newest = max(p.newest, packet.Time)
		if packet.Time >= next {
			p.matcher.Advance(packet.Time)
			next = packet.Time + int64(beat)
		}
		p.begin(packet.Time)
		p.read[i]++
		if p.cut != 0 && packet.Time > p.cut {
			p.devices[i].feed.Packet(packet)
			late++
			continue
		}
		p.devices[i].tape.packet(&packet)
	}
	if late > 0 {
		p.note("This was saved while it went on: what was seen at its very end (%d times a packet at a hop) has no row, for not every capture had told by then what it saw.", late)
	}
	if odd > 0 {
		p.note("%d packets have times that can't be right and are not shown.", odd)
	}
}

// begin tells the tapes of the times of watching that have begun until now.
func (p *player) begin(now int64) {
	for len(p.spans) > 0 && p.spans[0].From <= now {
		w := p.spans[0]
		p.spans = p.spans[1:]
		w.tape.begin(w.From)
		w.tape.end(w.To)
	}
}

// end corrects what was told of a capture where its packets did not all come. It
// is blind then: nothing is called lost there. The error says that it is too late
// for that.
func (p *player) end(i int, c RecordedCapture) error {
	d := p.devices[i]
	if c.End != "" {
		d.feed.End(c.End)
	}
	if !p.complete {
		d.tape.clip(p.newest)
		return nil
	}
	lacking := int64(c.Packets) - int64(p.read[i])
	if lacking <= 0 || len(c.Watched) == 0 {
		return nil
	}
	d.tape.gap(c.Watched[0].From, c.Watched[len(c.Watched)-1].To, uint64(lacking))
	p.note("%d of the %d packets recorded at %s on %s are not in the file, so nothing is called lost there.", lacking, c.Packets, d.where(), d.host)
	if first, _ := p.matcher.Bounds(); first > 1 { // rows have been counted already
		return fmt.Errorf("%d packets of %s on %s are not in the file any more, so what was lost can't be told", lacking, d.where(), d.host)
	}
	return nil
}

func (p *player) note(format string, args ...any) {
	p.session.change(func() { p.session.notes = append(p.session.notes, fmt.Sprintf(format, args...)) })
}
