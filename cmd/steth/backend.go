package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"steth/agent/api"
	"steth/evidence"
	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/rpc/fleet"
	"steth/tui"
)

// backend shows a world to the screens.
type backend struct {
	*world
	ctx context.Context // of the whole console: runs end with it

	mu     sync.Mutex
	rw     bool
	ticket string
}

var _ tui.Backend = (*backend)(nil)

func (b *backend) Info() tui.Info {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := tui.Info{Cloud: b.conf.Cloud, Role: b.role, ReadOnly: !b.rw, Ticket: b.ticket}
	if c := b.signedIn(); c != nil {
		a := c.About()
		i.Cloud, i.Project, i.Region, i.User = a.Cloud, a.Project, a.Region, a.User
	}
	return i
}

func (b *backend) Unlock(ticket string) error {
	if b.pkiErr != nil {
		return b.pkiErr
	}
	if api.Role(b.role) == api.RoleViewer {
		return errors.New("this console's certificate has the role viewer, which changes nothing; use one of the role operator or above")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rw, b.ticket = true, ticket
	return nil
}

func (b *backend) Lock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rw = false
}

func (b *backend) Snapshot() *openstack.Snapshot { return b.snapshot() }

func (b *backend) Refresh(ctx context.Context, kinds []openstack.Kind, partial func(*openstack.Snapshot)) (*openstack.Snapshot, error) {
	return b.load(ctx, kinds, partial)
}

func (b *backend) Find(ctx context.Context, text string) (openstack.Found, error) {
	c, err := b.connect(ctx)
	if err != nil {
		return openstack.Found{Text: text, Snapshot: b.snapshot()}, err
	}
	found, err := c.Find(ctx, b.snapshot(), text)
	if found.Snapshot != nil {
		b.keep(found.Snapshot)
	}
	return found, err
}

func (b *backend) Raw(ctx context.Context, kind openstack.Kind, id string) (string, error) {
	c, err := b.connect(ctx)
	if err != nil {
		return "", err
	}
	return c.Raw(ctx, kind, id)
}

func (b *backend) Agents() []tui.Agent {
	var out []tui.Agent
	for _, node := range b.nodes() {
		out = append(out, agent(node, b.fleet.State(node)))
	}
	return out
}

func agent(node string, s fleet.State) tui.Agent {
	a := tui.Agent{
		Node: node, Address: s.Address, State: string(s.Phase), Since: s.Since,
		RTT: s.RTT, Offset: s.Offset, Spread: s.Spread, Retry: s.Retry,
	}
	if a.State == "" {
		a.State = string(fleet.Idle)
	}
	if s.Err != nil {
		a.Err = s.Err.Error()
	}
	if s.Hello != nil {
		a.Version, a.Load, a.Jobs = s.Hello.Version, s.Hello.Load[0], s.Hello.Jobs
		for _, t := range s.Hello.Tools {
			if !t.Ready && !t.Absent {
				a.Missing = append(a.Missing, t.Name+": "+t.Reason)
			}
		}
	}
	return a
}

func (b *backend) Dial(ctx context.Context, nodes []string) {
	if nodes == nil {
		nodes = b.nodes()
	}
	b.fleet.Each(ctx, nodes, b.fleet.Dial)
}

func (b *backend) Probes(kind openstack.Kind) []*probes.Probe { return b.probes.For(kind) }

func (b *backend) Form(ctx context.Context, p *probes.Probe, target probes.Target) ([]probes.Arg, error) {
	return p.Form(ctx, b.env(), target)
}

func (b *backend) Start(p *probes.Probe, target probes.Target, set map[string]string) (*probes.Run, error) {
	b.mu.Lock()
	rw := b.rw
	b.mu.Unlock()
	if p.Sends && !rw {
		return nil, fmt.Errorf("%s loads or changes the network, and the console is read-only: unlock it with :rw", p.Name)
	}
	return p.Start(b.ctx, b.env(), target, set)
}

func (b *backend) Path(ctx context.Context, q tui.PathQuestion) (openstack.Path, error) {
	snap := b.snapshot()
	unread := slices.ContainsFunc(wiring(), func(k openstack.Kind) bool { return snap.Taken[k].IsZero() })
	for _, id := range []string{q.From, q.To} {
		if _, known := snap.Port(id); id == "" || known && !unread {
			continue
		}
		if _, err := b.resolve(ctx, openstack.KindPort, id); err != nil {
			return openstack.Path{}, err
		}
	}
	return q.Ask(b.snapshot())
}

func (b *backend) Follow(plan follow.Plan) (*follow.Session, error) {
	return follow.Start(b.ctx, b.env(), plan)
}

func (b *backend) Inject(ctx context.Context, s *follow.Session, in follow.Injection) error {
	if b.Info().ReadOnly {
		return errors.New("injecting changes the network, and the console is read-only: unlock it with :rw")
	}
	return s.Inject(ctx, in)
}

func (b *backend) SavePath(ctx context.Context, s *follow.Session) (string, error) {
	base, err := newFile()
	if err != nil {
		return "", err
	}
	return evidence.SavePath(ctx, base, s, b.snapshot())
}

func (b *backend) Save(ctx context.Context, feeds []*feed.Feed) (string, error) {
	base, err := newFile()
	if err != nil {
		return "", err
	}
	return evidence.Save(ctx, base, feeds)
}

// newFile names a file to save to, without its ending.
func newFile() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("save: %w", err)
	}
	return filepath.Join(dir, "steth-"+time.Now().Format("20060102-150405")), nil
}
