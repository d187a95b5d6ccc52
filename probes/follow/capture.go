package follow

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"steth/agent/api"
	"steth/feed"
	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/capture"
)

// device is one device with a capture, and the hops that it is: a NIC can be
// two, with other packets each time.
type device struct {
	host, netns, name string
	hops              []int
	guess             bool // it may not be its hop's device
	filter            string
	vlan, snap        int
	seconds           int // to run; 0: until it is ended
	feed              *feed.Feed
	tape              *tape
}

// arrange gives every hop of a host that has a device a capture, one for each
// device that is known, and notes in the hops which: of all captures they come
// behind the first so many. It opens nothing.
func arrange(hops []Hop, host string, first int, what openstack.Follow) []*device {
	var out []*device
	for i := range hops {
		h := &hops[i]
		if h.Host != host || h.State != Opening {
			continue
		}
		h.Filter = h.Hop.Filter(what)
		if h.Filter.Skip != "" {
			h.State, h.Why = Unseen, h.Filter.Skip
			continue
		}
		snap := api.SnapHeaders
		if what.What == openstack.FollowDHCP { // what kind of message it is stands in its options
			snap = keepDHCP
		}
		if h.Encap.Tunnel() {
			snap += api.SnapUnderlay - api.SnapHeaders
		}
		made := func(name string, guess bool) int {
			out = append(out, &device{
				host: h.Host, netns: h.Netns, name: name, guess: guess,
				filter: h.Filter.Text, vlan: h.Filter.VLAN, snap: snap, hops: []int{i},
			})
			return first + len(out) - 1
		}
		if h.guesses != nil { // each has a ring of its own, whose packets are the hop's alone
			h.Capture = first + len(out)
			for _, name := range h.guesses {
				made(name, true)
			}
			continue
		}
		at := slices.IndexFunc(out, func(d *device) bool {
			return !d.guess && d.netns == h.Netns && d.name == h.Device
		})
		if at < 0 {
			h.Capture = made(h.Device, false)
			continue
		}
		d := out[at]
		h.Capture = first + at
		d.join(h.Filter.Text, h.Filter.VLAN, snap)
		d.hops = append(d.hops, i)
	}
	return out
}

// join widens a capture so that it also takes what another hop asks for.
func (d *device) join(filter string, vlan, snap int) {
	d.snap = max(d.snap, snap)
	if d.vlan != vlan {
		d.vlan = 0
	}
	switch {
	case d.filter == filter:
	case d.filter == "" || filter == "":
		d.filter = ""
	default:
		d.filter = fmt.Sprintf("(%s) or (%s)", d.filter, filter)
	}
}

func (d *device) where() string { return probes.Where{Netns: d.netns, Device: d.name}.String() }

// request asks for one packet in 1<<shift of those that the device's hops want.
func (d *device) request(hops []Hop, shift, seconds int) (api.CaptureRequest, error) {
	narrow := device{snap: d.snap}
	for n, i := range d.hops {
		f := hops[i].Hop.Sample(hops[i].Filter, shift)
		if f.Skip != "" {
			return api.CaptureRequest{}, errors.New(f.Skip)
		}
		if n == 0 {
			narrow.filter, narrow.vlan = f.Text, f.VLAN
		} else {
			narrow.join(f.Text, f.VLAN, d.snap)
		}
	}
	return api.CaptureRequest{Netns: d.netns, Device: d.name, Filter: narrow.filter, VLAN: narrow.vlan, Snap: d.snap, Seconds: seconds}, nil
}

const (
	// keepDHCP is how much of a packet is kept where DHCP is followed: headers, the
	// message's 240 bytes up to its options (RFC 2131) and as many of those.
	keepDHCP = 14 + 20 + 8 + 2*240
	// backlog is how long a packet can lie in an agent's ring before it is
	// counted as dropped: a ring holds half a second of the fastest stream.
	backlog = time.Second
	// unread is what an agent leaves in the ring at a capture's end: a block is
	// handed over after 20 ms.
	unread = 50 * time.Millisecond
)

// watcher brings one live capture to its tape, with times on the console's clock.
type watcher struct {
	session *Session
	device  *device
	tape    *tape
	offset  int64
	seconds int // that this capture is to run; 0: until it is ended

	counts  capture.Counts // as last told
	before  capture.Counts // of captures before this one
	started int64          // this capture
	begun   bool           // the first one has started
	told    [2]int64       // when the counters were told, the last time and before
	newest  int64          // packet
	proven  bool           // of a guess: packets that fit have passed
	until   int64          // all was seen; valid once run has returned
	err     error          // of run
}

// run reads the capture to its end, and begins it anew when fewer packets are to
// be followed. It returns why it ended too early, or nil.
func (w *watcher) run(ctx context.Context) error {
	for {
		shift, changed := w.session.sampling.now()
		one, end := context.WithCancelCause(ctx)
		stop := make(chan struct{})
		var waiting sync.WaitGroup
		waiting.Go(func() {
			select {
			case <-changed:
				end(errThinner)
			case <-stop:
			}
		})
		err := w.once(one, shift)
		again := context.Cause(one) == errThinner
		close(stop)
		waiting.Wait()
		end(nil)
		if err != nil || !again || ctx.Err() != nil {
			return err
		}
		if w.seconds > 0 && w.started != 0 {
			gone := time.Duration(w.session.env.Now().UnixNano() - w.started)
			w.seconds = max(1, w.seconds-int(gone/time.Second))
		}
		w.before.Kernel += w.counts.Kernel
		w.before.Queue += w.counts.Queue
		w.counts, w.started, w.told = capture.Counts{}, 0, [2]int64{}
	}
}

// once reads one capture to its end.
func (w *watcher) once(ctx context.Context, shift int) error {
	d := w.device
	req, err := d.request(w.session.Hops(), shift, w.seconds)
	if err == nil {
		err = req.Validate()
	}
	if err != nil {
		return err
	}
	stream, err := w.session.env.Agents.Call(ctx, d.host, api.ToolCapture, req)
	if err != nil {
		return err
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	offset, spread := w.session.env.Agents.Offset(d.host)
	if offset.Abs() <= spread {
		offset = 0 // as far as anybody can tell: to correct it would only add that error
	}
	w.offset = int64(offset)
	w.tape.clock(offset, spread)
	_, err = capture.Follow(stream, w.take, w.tell)
	if ctx.Err() != nil {
		err = nil // ended on purpose
	} else if err == nil && w.seconds == 0 {
		err = errGone
	}
	w.until = w.sure(err)
	if w.started != 0 && (err != nil || context.Cause(ctx) == errThinner) {
		w.tape.end(w.until)
	}
	return err
}

func (w *watcher) take(p packets.Packet) error {
	p.Time -= w.offset
	if !timely(p.Time) {
		return errTime
	}
	w.newest = max(w.newest, p.Time)
	if w.device.guess && !w.proven {
		w.proven = true
		w.tape.begin(w.started)
		w.session.proven(w.device)
	}
	w.tape.packet(&p)
	return nil
}

// tell takes the agent's counters: the capture's start, and later its drops,
// which happened since it told before.
func (w *watcher) tell(c capture.Counts) {
	now := c.Time - w.offset
	if !timely(now) {
		now = w.session.env.Now().UnixNano()
	}
	switch {
	case !c.Started:
		return
	case w.started == 0:
		w.started = now
		if !w.device.guess || w.proven {
			w.tape.begin(now)
		}
		if !w.begun {
			w.begun = true
			w.session.watching(w.device)
		}
	default:
		lost := c.Kernel + c.Queue - min(w.counts.Kernel+w.counts.Queue, c.Kernel+c.Queue) // an agent's word
		w.tape.gap(max(w.started, w.told[0]-int64(backlog)), now, lost)
		w.tape.drops(w.before.Kernel+c.Kernel, w.before.Queue+c.Queue)
		if took := time.Duration(now - w.told[0]); took >= time.Second/2 {
			passed := c.Packets - w.counts.Packets + lost
			w.session.thin(w, float64(passed)/took.Seconds(), lost > 0)
		}
	}
	w.tape.tick(now)
	w.counts = c
	if now != w.told[0] {
		w.told = [2]int64{now, w.told[0]}
	}
}

// sure is up to when the capture has seen everything: to its end, or as far as
// its counters tell. One that broke may have been blind since before it said so.
func (w *watcher) sure(err error) int64 {
	switch last := w.told[0]; {
	case err != nil:
		return max(w.newest, w.told[1])
	case w.seconds > 0:
		return max(w.newest, min(last, w.started+int64(time.Duration(w.seconds)*time.Second-unread)))
	default:
		return max(w.newest, last)
	}
}

// finish ends the tapes of the captures that ended as they should: all at the
// moment up to which the first of them is sure, so that what was lost after it
// is blamed on no hop rather than on a wide interval.
func finish(m *match.Matcher, all []*watcher) {
	end := int64(math.MaxInt64)
	for _, w := range all {
		if w.started != 0 && w.err == nil {
			end = min(end, w.until)
		}
	}
	for _, w := range all {
		if w.started != 0 && w.err == nil {
			w.tape.end(end)
		}
	}
	if end != math.MaxInt64 {
		m.End(end)
	}
}

// glance counts what passes a device whatever it is, for a short time. It's for
// an engineer whose filter matches nothing.
func (s *Session) glance(ctx context.Context, d *device) (string, error) {
	const seconds, most = 2, 2000
	stream, err := s.env.Agents.Call(ctx, d.host, api.ToolCapture, api.CaptureRequest{
		Netns: d.netns, Device: d.name, Snap: api.SnapUnderlay, Seconds: seconds, Packets: most,
	})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	var counts [packets.Malformed + 1]int
	_, err = capture.Follow(stream, func(p packets.Packet) error {
		counts[min(packets.Classify(&p), packets.Malformed)]++
		return nil
	}, func(capture.Counts) {})
	if err != nil {
		return "", err
	}
	return census(counts[:], seconds), nil
}

// census tells counts by protocol, the most frequent first.
func census(counts []int, seconds int) string {
	order := make([]int, 0, len(counts))
	for p, n := range counts {
		if n > 0 {
			order = append(order, p)
		}
	}
	if len(order) == 0 {
		return fmt.Sprintf("no packet at all in %d s", seconds)
	}
	slices.SortStableFunc(order, func(a, b int) int { return counts[b] - counts[a] })
	parts := make([]string, len(order))
	for i, p := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[p], packets.Proto(p))
	}
	return fmt.Sprintf("%s in %d s", strings.Join(parts, ", "), seconds)
}

// errTime says that an agent's times make no sense, and what would be saved of
// them could not be replayed.
var errTime = errors.New("the agent tells of packets at times that can't be right")

// errGone says that an agent ended a capture that nobody had bounded.
var errGone = errors.New("the agent ended the capture")
