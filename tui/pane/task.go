package pane

import (
	"steth/feed"
	"steth/probes"
)

// Run is what a workspace needs of a run of a probe; *probes.Run is one.
type Run interface {
	Target() probes.Target
	Feeds() []*feed.Feed
	Version() uint64 // rises when a feed was opened or the run ended
	Done() <-chan struct{}
	Finding() (probes.Finding, bool)
	Stop()
	Shell() string
}

var _ Run = (*probes.Run)(nil)

// task is a run with what the workspace knows of it.
type task struct {
	Run
	seen    uint64 // the version that is on the screen
	looked  bool
	taken   int // feeds that have, or had, a pane
	finding probes.Finding
	judged  bool
	told    bool // in a pane of its own, because no feed was opened
}

// live says whether the run goes on.
func (t *task) live() bool {
	if t == nil {
		return false
	}
	select {
	case <-t.Done():
		return false
	default:
		return true
	}
}

// changed says whether there is more than is on the screen.
func (t *task) changed() bool { return !t.looked || t.Version() != t.seen }

// look takes in what is new and returns the feeds that were opened since.
func (t *task) look() []*feed.Feed {
	if !t.changed() {
		return nil
	}
	t.seen, t.looked = t.Version(), true
	t.finding, t.judged = t.Finding()
	feeds := t.Feeds()
	fresh := feeds[min(t.taken, len(feeds)):]
	t.taken = len(feeds)
	return fresh
}
