package main

import (
	"context"
	"errors"
	"time"

	"steth/evidence"
	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/catalog"
	"steth/probes/follow"
	"steth/tui"
)

// recorded shows the screens what was saved. It has no cloud and no agents.
type recorded struct {
	name      string // of the file
	at        time.Time
	inventory *openstack.Snapshot
	probes    *probes.Set
}

var _ tui.Backend = (*recorded)(nil)

func newRecorded(name string, at time.Time, inventory *openstack.Snapshot) *recorded {
	return &recorded{name: name, at: at, inventory: inventory, probes: catalog.All()}
}

// errRecorded is why what needs the cloud or its agents can't be done.
var errRecorded = errors.New("this is a recording: start steth without replay to ask the cloud and its agents")

func (r *recorded) Info() tui.Info {
	return tui.Info{Cloud: r.name, ReadOnly: true, Recorded: r.at}
}

func (r *recorded) Unlock(string) error { return errRecorded }

func (r *recorded) Lock() {}

func (r *recorded) Snapshot() *openstack.Snapshot { return r.inventory }

func (r *recorded) Refresh(context.Context, []openstack.Kind, func(*openstack.Snapshot)) (*openstack.Snapshot, error) {
	return r.inventory, nil
}

func (r *recorded) Find(_ context.Context, text string) (openstack.Found, error) {
	return r.inventory.Find(text)
}

func (r *recorded) Raw(context.Context, openstack.Kind, string) (string, error) {
	return "", errors.New("the API's own JSON was not recorded")
}

func (r *recorded) Agents() []tui.Agent { return nil }

func (r *recorded) Dial(context.Context, []string) {}

func (r *recorded) Probes(kind openstack.Kind) []*probes.Probe { return r.probes.For(kind) }

func (r *recorded) Form(context.Context, *probes.Probe, probes.Target) ([]probes.Arg, error) {
	return nil, errRecorded
}

func (r *recorded) Start(*probes.Probe, probes.Target, map[string]string) (*probes.Run, error) {
	return nil, errRecorded
}

func (r *recorded) Path(_ context.Context, q tui.PathQuestion) (openstack.Path, error) {
	return q.Ask(r.inventory)
}

func (r *recorded) Follow(follow.Plan) (*follow.Session, error) { return nil, errRecorded }

func (r *recorded) Inject(context.Context, *follow.Session, follow.Injection) error {
	return errRecorded
}

func (r *recorded) SavePath(ctx context.Context, s *follow.Session) (string, error) {
	base, err := newFile()
	if err != nil {
		return "", err
	}
	return evidence.SavePath(ctx, base, s, r.inventory)
}

func (r *recorded) Save(ctx context.Context, feeds []*feed.Feed) (string, error) {
	base, err := newFile()
	if err != nil {
		return "", err
	}
	return evidence.Save(ctx, base, feeds)
}
