package main

import (
	"context"
	"errors"
	"time"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/tui"
)

// oneNode is a cloud of one node that needs no network.
type oneNode struct{ ctx context.Context }

var errNoCloud = errors.New("there is no cloud in this benchmark")

func (oneNode) Info() tui.Info      { return tui.Info{Cloud: "bench", Role: "operator", ReadOnly: true} }
func (oneNode) Unlock(string) error { return nil }
func (oneNode) Lock()               {}

func (oneNode) Snapshot() *openstack.Snapshot {
	s := openstack.NewSnapshot()
	s.Nodes = []openstack.Node{{Host: "bench-node", State: "up"}}
	for _, k := range openstack.Kinds() {
		s.Taken[k] = time.Now()
	}
	return s
}

func (o oneNode) Refresh(_ context.Context, _ []openstack.Kind, _ func(*openstack.Snapshot)) (*openstack.Snapshot, error) {
	return o.Snapshot(), nil
}

func (o oneNode) Find(_ context.Context, text string) (openstack.Found, error) {
	return openstack.Found{Text: text, Snapshot: o.Snapshot()}, nil
}

func (oneNode) Raw(context.Context, openstack.Kind, string) (string, error) { return "", errNoCloud }
func (oneNode) Agents() []tui.Agent                                         { return nil }
func (oneNode) Dial(context.Context, []string)                              {}
func (oneNode) Probes(openstack.Kind) []*probes.Probe                       { return []*probes.Probe{flood} }

func (oneNode) Form(ctx context.Context, p *probes.Probe, t probes.Target) ([]probes.Arg, error) {
	return p.Form(ctx, probes.Env{}, t)
}

func (o oneNode) Start(p *probes.Probe, t probes.Target, set map[string]string) (*probes.Run, error) {
	return p.Start(o.ctx, probes.Env{}, t, set)
}

func (oneNode) Save(context.Context, []*feed.Feed) (string, error) { return "", errNoCloud }

func (oneNode) Path(context.Context, tui.PathQuestion) (openstack.Path, error) {
	return openstack.Path{}, errNoCloud
}

func (oneNode) Inject(context.Context, *follow.Session, follow.Injection) error { return errNoCloud }

func (oneNode) Follow(follow.Plan) (*follow.Session, error) { return nil, errNoCloud }

func (oneNode) SavePath(context.Context, *follow.Session) (string, error) { return "", errNoCloud }
