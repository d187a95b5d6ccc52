package follow

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"steth/agent/api"
	"steth/openstack"
	"steth/packets/craft"
	"steth/packets/match"
	"steth/probes"
	"steth/rpc"
)

// Injection is probe packets to send as if the path's first port had sent them.
// It asks the role injector of the console's certificate.
type Injection struct {
	Kind     craft.Kind    `json:"kind"`           // icmp, arp, tcp, udp or dhcp
	Count    int           `json:"count"`          // 1 to 1,000; 0: 5
	Interval time.Duration `json:"interval_ns"`    // between two, 10 ms to 1 s; 0: 200 ms
	Size     int           `json:"size,omitempty"` // bytes of payload of icmp and udp; the token takes 12 in any case
	Port     uint16        `json:"port,omitempty"` // of the far end; 0: 80 of tcp, 33434 of udp, where traceroute begins and nobody listens
	To       netip.Addr    `json:"to,omitzero"`    // the far end; zero: the path's
}

// Injected is what became of an injection.
type Injected struct {
	Injection
	What string    `json:"what"`          // what the packets are, in a few words
	Way  string    `json:"way,omitempty"` // how they came onto the path, see api.InjectRequest
	At   string    `json:"at,omitempty"`  // the bridge that took them, where one did
	Sent int       `json:"sent"`
	From time.Time `json:"from,omitzero"` // when the first was sent, on the console's clock
}

// UsualCount is how many packets are injected where no number is given.
const UsualCount = 5

const (
	// readiness is how long captures are waited for before packets are sent.
	readiness = patience + grace
	// lead is how long all have watched before the first packet, so that none is
	// at the border of the watching of a host whose clock is off.
	lead = 10 * skew
	// answering is how long after the last packet captures go on where the
	// session is about the injection: what is missing by then is missing. Agents
	// tell once a second up to when they have seen everything.
	answering = settling + time.Second + 250*time.Millisecond
)

func (i Injection) complete() Injection {
	if i.Count == 0 {
		i.Count = UsualCount
	}
	if i.Interval == 0 {
		i.Interval = 200 * time.Millisecond
	}
	if i.Port == 0 {
		i.Port = map[craft.Kind]uint16{craft.TCP: 80, craft.UDP: 33434}[i.Kind]
	}
	return i
}

// lasts is how long it takes from the first packet to the last answer.
func (i Injection) lasts() time.Duration {
	return time.Duration(i.Count)*i.Interval + answering
}

// probe builds the packets for a path.
func (i Injection) probe(path openstack.Path) (*craft.Probe, error) {
	if i.Interval < api.InjectInPause || i.Interval > time.Second {
		return nil, fmt.Errorf("inject: %v between two packets is not within %v to 1s", i.Interval, api.InjectInPause)
	}
	far := path.To.Addresses
	if i.To.IsValid() {
		far = []netip.Addr{i.To}
	} else if len(far) == 0 && path.Beyond.IsValid() {
		far = []netip.Addr{path.Beyond}
	}
	switch {
	case i.Kind == craft.DHCP && path.Goal != openstack.GoalDHCP:
		return nil, errors.New("inject: DHCP goes to the network's DHCP server: follow the path to it")
	case (i.Kind == craft.ARP || i.Kind == craft.DHCP) && i.To.IsValid():
		return nil, fmt.Errorf("inject: %s goes to the path's end: leave the address out", i.Kind)
	case i.Kind == craft.ARP && !direct(path):
		return nil, errors.New("inject: ARP does not pass a router: follow the path to the gateway")
	case i.Kind != craft.DHCP && len(far) == 0:
		return nil, fmt.Errorf("inject: the path has no address at its end (%s), so one to send to must be given", path.To.Name)
	}
	if ends := path.To.Addresses; i.To.IsValid() && len(ends) > 0 && !direct(path) && !slices.Contains(ends, i.To) {
		return nil, fmt.Errorf("inject: the path leads to %v, and packets to %v would be seen by nobody", ends[0], i.To)
	}
	f := craft.Flow{Port: i.Port, Size: i.Size, Count: i.Count}
	var err error
	if f.MAC, err = net.ParseMAC(path.From.MAC); err != nil {
		return nil, fmt.Errorf("inject: the MAC of %s is not known: %w", path.From.Name, err)
	}
	if mac := path.Hops[0].View.FarMAC; mac != "" {
		if f.To, err = net.ParseMAC(mac); err != nil {
			return nil, fmt.Errorf("inject: the MAC of the next hop: %w", err)
		}
	} else if provided(path).IsValid() {
		f.To = net.HardwareAddr(unasked[:])
	}
	f.Near, f.Far = pairOf(path.From.Addresses, far)
	p, err := craft.New(i.Kind, f)
	if err != nil {
		return nil, fmt.Errorf("inject: %w", err)
	}
	return p, nil
}

// direct tells whether the path ends in the network that it begins in.
func direct(path openstack.Path) bool {
	return path.Goal == openstack.GoalGateway || path.Goal == openstack.GoalDHCP ||
		path.To.MAC != "" && path.Hops[0].View.FarMAC == path.To.MAC
}

// pairOf takes two addresses of one family, IPv4 where there is a choice.
func pairOf(near, far []netip.Addr) (a, b netip.Addr) {
	for _, four := range []bool{true, false} {
		is := func(a netip.Addr) bool { return a.Is4() == four }
		if i, j := slices.IndexFunc(near, is), slices.IndexFunc(far, is); i >= 0 && j >= 0 {
			return near[i], far[j]
		}
	}
	if len(near) > 0 {
		a = near[0]
	}
	if len(far) > 0 {
		b = far[0]
	}
	return a, b
}

// follows is what to capture of a probe's packets and their answers.
func follows(p *craft.Probe) openstack.Follow {
	switch p.Kind {
	case craft.ARP:
		if p.Near.Is4() {
			return openstack.Follow{What: openstack.FollowARP}
		}
		return openstack.Follow{What: openstack.FollowND}
	case craft.DHCP:
		return openstack.Follow{What: openstack.FollowDHCP}
	case craft.TCP, craft.UDP:
		return openstack.Follow{
			What: openstack.FollowTuple, Proto: string(p.Kind), Errors: true,
			Near: netip.AddrPortFrom(p.Near, 0), Far: netip.AddrPortFrom(p.Far, p.Port),
		}
	}
	return openstack.Follow{What: openstack.FollowICMP}
}

// shows tells whether captures for what show packets for which want would be
// made. Of a tuple and of words nobody can say, so they may.
func shows(what, want openstack.FollowWhat) bool {
	switch what {
	case openstack.FollowAll, "":
		return want != openstack.FollowND
	case openstack.FollowICMP, openstack.FollowARP, openstack.FollowND, openstack.FollowDHCP:
		return what == want
	}
	return true
}

// Inject sends probe packets as if the path's first port had, once the captures
// watch. It returns when they are sent, which takes Count times Interval. Their
// rows are [Session.Marked]. What it changed on the host is undone when it
// returns, and by the host's agent itself if the console dies before.
func (s *Session) Inject(ctx context.Context, in Injection) error {
	if s.record != nil {
		return errors.New("inject: this is a recording")
	}
	in = in.complete()
	p, err := in.probe(s.plan.Path)
	if err != nil {
		return err
	}
	if what := s.plan.Follow.What; !shows(what, follows(p).What) {
		return fmt.Errorf("inject: this session follows %s, so nobody would see the packets (%s)", what, p.About())
	}
	return s.inject(ctx, in, p)
}

func (s *Session) inject(ctx context.Context, in Injection, p *craft.Probe) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.stop:
			cancel(probes.ErrStopped)
		case <-s.done:
			cancel(errors.New("inject: the session has ended"))
		case <-ctx.Done():
		}
	}()
	if err := s.ready(ctx); err != nil {
		return err
	}
	if bytes.Equal(p.To, unasked[:]) {
		mac, err := s.neighbour(ctx, p, provided(s.plan.Path))
		if err != nil {
			return err
		}
		p.To = mac
	}
	var at int
	s.change(func() {
		at = len(s.injected)
		s.injected = append(s.injected, Injected{Injection: in, What: p.About()})
		s.marks = append(s.marks, p)
	})
	host, req := s.plan.Path.Hops[0].Host, request(s.Hops()[0], in)
	for frames := p.Frames(); len(frames) > 0; {
		n := batchOf(frames)
		req.Frames, req.Count, frames = frames[:n], n, frames[n:]
		if err := s.send(ctx, host, req, at); err != nil {
			return err
		}
	}
	return nil
}

// request is how frames come onto the path at its first hop: as if a server had
// sent them they come in by its tap, as if a namespace of the host they go out by
// its device.
func request(first Hop, in Injection) api.InjectRequest {
	// A vhost-user port is no device, and has its name in Open vSwitch alone.
	req := api.InjectRequest{Netns: first.Netns, Device: cmp.Or(first.Device, first.Locate.Name), Interval: in.Interval, Way: api.InjectIn}
	if first.Netns != "" {
		req.Way = api.InjectOut
	}
	return req
}

// batchOf is how many of the frames fit one request.
func batchOf(frames [][]byte) int {
	n, size := 0, 0
	for ; n < len(frames) && n < api.InjectFrames; n++ {
		if size += len(frames[n]); size > api.InjectBytes {
			break
		}
	}
	return n
}

// ready waits until every capture either has watched for a while or has failed.
func (s *Session) ready(ctx context.Context) error {
	if err := s.watched(ctx); err != nil {
		return err
	}
	select {
	case <-time.After(lead):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Session) watched(ctx context.Context) error {
	limit := time.NewTimer(readiness)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		busy, watched := false, false
		for _, h := range s.Hops() {
			busy = busy || h.State == Asking || h.State == Opening
			watched = watched || h.State == Watching
		}
		if !busy && watched {
			select { // what passes within the clocks' error of a capture's beginning may have been before it
			case <-time.After(2 * skew):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit.C:
			if watched { // a host that does not answer keeps nobody waiting
				return nil
			}
			return fmt.Errorf("inject: no hop is watched after %v, so the packets would be seen by nobody", readiness)
		}
	}
}

// send has the agent of a host send frames.
func (s *Session) send(ctx context.Context, host string, req api.InjectRequest, at int) error {
	if err := req.Validate(); err != nil {
		return fmt.Errorf("inject: %w", err)
	}
	stream, err := s.env.Agents.Call(ctx, host, api.ToolInject, req)
	if err != nil {
		return fmt.Errorf("inject at %s on %s: %w", req.Device, host, err)
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	for {
		m, err := stream.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("inject at %s on %s: %w", req.Device, host, err)
		}
		var e api.InjectEvent
		if err := rpc.Decode(m.Event, &e); err != nil {
			return fmt.Errorf("inject at %s on %s: %w", req.Device, host, err)
		}
		if m := s.matcher.Load(); m != nil {
			enter(m, e.Way)
		}
		s.change(func() {
			i := &s.injected[at]
			if e.Kind == api.InjectReady {
				i.Way, i.At = e.Way, e.Bridge
			}
			if i.Sent += e.Sent; i.From.IsZero() && e.Time != 0 {
				offset, _ := s.env.Agents.Offset(host)
				i.From = time.Unix(0, e.Time).Add(-offset)
			}
		})
	}
}

// enter tells the matcher where frames come onto the path: those that a switch is
// handed appear behind the first hop, its port, which does not see them.
func enter(m *match.Matcher, way string) {
	if way == api.InjectSwitch {
		m.Enter(1)
	}
}

// Injected is what was injected so far.
func (s *Session) Injected() []Injected {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Injected{}, s.injected...)
}

// Marked tells whether a row is an injected packet or an answer to one. An ARP
// answer has no mark of its own: any that the port gets about the address that
// was asked for counts.
func (s *Session) Marked(r *match.Row) bool {
	s.mu.Lock()
	marks := s.marks
	s.mu.Unlock()
	return marked(marks, r)
}

func marked(marks []*craft.Probe, r *match.Row) bool {
	return slices.ContainsFunc(marks, func(p *craft.Probe) bool {
		part, _ := p.Know(r.Data)
		return part != craft.None
	})
}

// perform does the injection that the session is for, and ends the session when
// what it leads to has settled.
func (s *Session) perform(ctx context.Context) error {
	defer s.Stop()
	err := s.guard("the injection", func() error { return s.inject(ctx, *s.plan.Inject, s.probe) })
	switch {
	case errors.Is(err, probes.ErrStopped):
		return nil
	case errors.Is(err, context.Canceled):
		return errors.New("inject: the captures ended before all was sent")
	case err != nil:
		return err
	}
	settle := time.NewTimer(answering)
	defer settle.Stop()
	select {
	case <-settle.C:
	case <-s.stop:
	case <-ctx.Done():
	}
	return nil
}

// subject is the injection that the session is about, nil for none or before it.
func (s *Session) subject() *Injected {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe == nil || len(s.injected) == 0 {
		return nil
	}
	out := s.injected[0]
	return &out
}
