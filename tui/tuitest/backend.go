package tuitest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/tui/backend"
)

// Backend is a recorded world. Its exported fields are set before it is used;
// what changes on the way goes through methods.
type Backend struct {
	Cloud *openstack.Snapshot // what Refresh brings
	First *openstack.Snapshot // what is known before; nil: nothing
	Set   *probes.Set
	Now   func() time.Time
	Gate  chan struct{} // when not nil, Refresh and Find wait for it to close
	Hosts probes.Agents // on which paths are followed; nil: none answers

	mu     sync.Mutex
	snap   *openstack.Snapshot
	info   backend.Info
	down   error // what Refresh and Find answer
	locked error // what Unlock answers
	agents []backend.Agent
	asked  []string // texts given to Find
	runs   []*probes.Run
	paths  []*follow.Session
	ctx    context.Context
	end    context.CancelFunc
}

// New makes a backend of the sample cloud. pace is the pause between two lines
// of its probes; with 0 they write a few at once and wait to be stopped.
func New(pace time.Duration) *Backend {
	b := &Backend{Cloud: Cloud(), Set: Probes(pace), Now: func() time.Time { return Noon }}
	b.info = backend.Info{Cloud: "prod-eu1", Project: "admin", Region: "RegionOne", User: "ops", Role: "operator", ReadOnly: true}
	for i, n := range []string{"cmp1", "cmp2", "net0"} {
		b.agents = append(b.agents, backend.Agent{Node: n, Address: fmt.Sprintf("10.98.0.1%d", (i+1)%3), State: "idle"})
	}
	b.ctx, b.end = context.WithCancel(context.Background())
	return b
}

// Close stops every run and waits for it.
func (b *Backend) Close() {
	b.end()
	for _, r := range b.runs {
		<-r.Done()
		for _, f := range r.Feeds() {
			f.Close()
		}
	}
	for _, s := range b.Followed() {
		<-s.Done()
	}
}

// Fail makes the APIs fail with err, or answer again with nil.
func (b *Backend) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = err
}

// Refuse makes Unlock fail with err.
func (b *Backend) Refuse(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.locked = err
}

// Asked lists what was looked up.
func (b *Backend) Asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.asked...)
}

// Runs lists what was begun.
func (b *Backend) Runs() []*probes.Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*probes.Run(nil), b.runs...)
}

// Info implements [backend.Backend].
func (b *Backend) Info() backend.Info {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.info
}

// Record makes all of it something that was saved at a time.
func (b *Backend) Record(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.info.Recorded = at
}

// Unlock implements [backend.Backend].
func (b *Backend) Unlock(ticket string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.locked != nil {
		return b.locked
	}
	b.info.ReadOnly, b.info.Ticket = false, ticket
	return nil
}

// Lock implements [backend.Backend].
func (b *Backend) Lock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.info.ReadOnly = true
}

// Snapshot implements [backend.Backend].
func (b *Backend) Snapshot() *openstack.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.snap == nil {
		b.snap = b.First
		if b.snap == nil {
			b.snap = openstack.NewSnapshot()
		}
	}
	return b.snap
}

// Refresh implements [backend.Backend].
func (b *Backend) Refresh(ctx context.Context, _ []openstack.Kind, _ func(*openstack.Snapshot)) (*openstack.Snapshot, error) {
	if err := b.wait(ctx); err != nil {
		return b.Snapshot(), err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.snap = b.Cloud
	return b.snap, nil
}

func (b *Backend) wait(ctx context.Context) error {
	if b.Gate != nil {
		select {
		case <-b.Gate:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.down
}

// Find implements [backend.Backend].
func (b *Backend) Find(ctx context.Context, text string) (openstack.Found, error) {
	b.mu.Lock()
	b.asked = append(b.asked, text)
	b.mu.Unlock()
	if err := b.wait(ctx); err != nil {
		return openstack.Found{}, err
	}
	s := b.Cloud
	f := openstack.Found{Text: text, Snapshot: s, Took: 300 * time.Millisecond}
	f.Hits = append(s.ByIP(text), s.ByMAC(text)...)
	for _, k := range openstack.Kinds() {
		if o, ok := s.Get(k, text); ok {
			f.Hits = append(f.Hits, o)
		}
		f.Hits = append(f.Hits, s.ByName(k, text)...)
	}
	for _, k := range openstack.Kinds() { // starts of names come after whole ones
		for _, o := range s.List(k) {
			if name := o.ObjectName(); len(name) > len(text) && strings.EqualFold(name[:len(text)], text) {
				f.Hits = append(f.Hits, o)
			}
		}
	}
	for _, h := range f.Hits {
		if fip, ok := h.(openstack.FloatingIP); ok {
			f.Hits = []openstack.Object{fip}
			f.Trail = append(f.Trail, fip)
			if p, ok := s.Port(fip.PortID); ok {
				f.Trail = append(f.Trail, p)
			}
			if r, ok := s.Router(fip.RouterID); ok {
				f.Trail = append(f.Trail, r)
			}
			if n, ok := s.Node("net0"); ok {
				f.Trail = append(f.Trail, n)
			}
			break
		}
	}
	return f, nil
}

// Raw implements [backend.Backend].
func (b *Backend) Raw(_ context.Context, kind openstack.Kind, id string) (string, error) {
	if _, ok := b.Snapshot().Get(kind, id); !ok {
		return "", errors.New("the API does not know it")
	}
	return fmt.Sprintf("{\n  %q: {\n    \"id\": %q,\n    \"status\": \"ACTIVE\",\n    \"tags\": []\n  }\n}\n", kind, id), nil
}

// Agents implements [backend.Backend].
func (b *Backend) Agents() []backend.Agent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]backend.Agent(nil), b.agents...)
}

// SetAgent replaces the agent of a node.
func (b *Backend) SetAgent(a backend.Agent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.agents {
		if b.agents[i].Node == a.Node {
			b.agents[i] = a
		}
	}
}

// Dial implements [backend.Backend].
func (b *Backend) Dial(_ context.Context, nodes []string) {
	for _, a := range b.Agents() {
		if nodes != nil && !strings.Contains(" "+strings.Join(nodes, " ")+" ", " "+a.Node+" ") || a.State == "down" {
			continue
		}
		a.State, a.Since, a.RTT, a.Offset, a.Spread = "up", Noon, 420*time.Microsecond, 1300*time.Microsecond, 200*time.Microsecond
		a.Version, a.Load, a.Jobs = "0.1.0", 0.42, 1
		if a.Node == "net0" {
			a.Missing = []string{"iperf: iperf3 is not installed; apt install iperf3"}
		}
		b.SetAgent(a)
	}
}

// Probes implements [backend.Backend].
func (b *Backend) Probes(kind openstack.Kind) []*probes.Probe { return b.Set.For(kind) }

// Form implements [backend.Backend].
func (b *Backend) Form(ctx context.Context, p *probes.Probe, target probes.Target) ([]probes.Arg, error) {
	return p.Form(ctx, b.env(), target)
}

func (b *Backend) env() probes.Env {
	return probes.Env{Inventory: b.Snapshot, Now: b.Now, Spool: feed.Options{Spool: -1}}
}

// Start implements [backend.Backend].
func (b *Backend) Start(p *probes.Probe, target probes.Target, set map[string]string) (*probes.Run, error) {
	if p.Sends && b.Info().ReadOnly {
		return nil, errors.New("the console is read-only")
	}
	r, err := p.Start(b.ctx, b.env(), target, set)
	if err == nil {
		b.mu.Lock()
		b.runs = append(b.runs, r)
		b.mu.Unlock()
	}
	return r, err
}

// Path implements [backend.Backend].
func (b *Backend) Path(ctx context.Context, q backend.PathQuestion) (openstack.Path, error) {
	if err := b.wait(ctx); err != nil {
		return openstack.Path{}, err
	}
	return q.Ask(b.Cloud)
}

// Follow implements [backend.Backend].
func (b *Backend) Follow(plan follow.Plan) (*follow.Session, error) {
	env := b.env()
	if env.Agents = b.Hosts; b.Hosts == nil {
		env.Agents = nobody{}
	}
	s, err := follow.Start(b.ctx, env, plan)
	if err == nil {
		b.mu.Lock()
		b.paths = append(b.paths, s)
		b.mu.Unlock()
	}
	return s, err
}

// Followed lists the sessions that were begun.
func (b *Backend) Followed() []*follow.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*follow.Session(nil), b.paths...)
}

// Inject implements [backend.Backend].
func (b *Backend) Inject(ctx context.Context, s *follow.Session, in follow.Injection) error {
	if b.Info().ReadOnly {
		return errors.New("the console is read-only")
	}
	return s.Inject(ctx, in)
}

// SavePath implements [backend.Backend].
func (b *Backend) SavePath(ctx context.Context, s *follow.Session) (string, error) {
	return b.Save(ctx, s.Feeds())
}

// nobody are the agents of hosts that don't answer.
type nobody struct{}

func (nobody) Call(_ context.Context, node, _ string, _ any) (probes.Stream, error) {
	return nil, fmt.Errorf("no agent on %s", node)
}
func (nobody) Address(context.Context, string) (string, error) { return "", nil }
func (nobody) Offset(string) (offset, spread time.Duration)    { return 0, 0 }

// Save implements [backend.Backend].
func (b *Backend) Save(_ context.Context, feeds []*feed.Feed) (string, error) {
	return fmt.Sprintf("steth-%d.pcapng", len(feeds)), nil
}
