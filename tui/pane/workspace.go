package pane

import (
	"cmp"
	"context"
	"slices"
	"time"

	"steth/feed"
	"steth/internal/safetext"
	"steth/themes"
	"steth/tui/keys"
)

// Options says what a workspace works with.
type Options struct {
	Theme *themes.Theme
	Now   func() time.Time // nil: time.Now; its location is that of times on the screen
	Keys  *keys.Table      // nil: the keys as they are by default
}

// Workspace is a page of panes.
type Workspace struct {
	theme *themes.Theme
	now   func() time.Time
	keys  *keys.Table

	tasks  []*task
	panes  []*pane // in the order in which they came
	root   *node   // the tree of the same panes; nil without any
	own    bool    // the engineer has changed the tree
	focus  *pane   // nil only without panes
	zoom   bool
	lock   locking
	kin    kin
	level  level
	drag   drag
	saved  map[*feed.Feed]uint64 // up to which entry each feed was handed to the shell
	width  int                   // as last drawn
	height int

	stale bool // changed since the last View by something else than a feed
	drawn time.Time
	ctx   context.Context // of searches; ends with Close
	end   context.CancelFunc
	out   []byte
	strip canvas // the row that names all panes while one is seen
	tags  []tag
}

// New makes an empty workspace. Close ends it.
func New(opt Options) *Workspace {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Keys == nil {
		opt.Keys, _ = keys.New(append(keys.Default(), Bindings()...), nil) // a test sees that nothing clashes
	}
	w := &Workspace{theme: opt.Theme, now: opt.Now, keys: opt.Keys, saved: map[*feed.Feed]uint64{}, stale: true}
	w.ctx, w.end = context.WithCancel(context.Background())
	return w
}

// Add shows a run: a pane for each of its feeds, as the run opens them. The
// workspace owns the run from here on: it is stopped with its last pane, and
// its feeds are closed then.
func (w *Workspace) Add(run Run) {
	w.tasks = append(w.tasks, &task{Run: run})
	w.adopt()
}

// AddFeed shows a feed that belongs to someone else, who closes it.
func (w *Workspace) AddFeed(f *feed.Feed) { w.place(newPane(f, nil)) }

// adopt gives panes to feeds that runs have opened since. A run that ended
// before it opened one gets a pane that tells why.
func (w *Workspace) adopt() {
	for _, t := range w.tasks {
		first := t.taken == 0
		for i, f := range t.look() {
			p := newPane(f, t)
			p.judge = first && i == 0
			w.place(p)
		}
		if t.judged && t.taken == 0 && !t.told {
			t.told = true
			about := feed.About{Title: t.finding.Probe, Target: t.finding.Target, Host: t.finding.Host}
			if f, err := feed.New(about, feed.Options{Spool: -1, Now: w.now}); err == nil { // nothing in it can fail
				f.End("")
				p := newPane(f, t)
				p.judge = true
				w.place(p)
			}
		}
	}
}

// place puts a new pane on the page. The first pane of a run gets the focus,
// unless someone is typing elsewhere.
func (w *Workspace) place(p *pane) {
	w.stale = true
	fresh := p.run != nil && !slices.ContainsFunc(w.panes, func(q *pane) bool { return q.run == p.run })
	w.panes = append(w.panes, p)
	if w.focus == nil || fresh && w.focus.prompt.asks == nothing {
		w.focus = p
		w.zoom = false
	}
	if w.own {
		w.root = join(w.root, p, w.width)
	} else {
		w.root = arrange(w.panes, w.width-1)
	}
	if lead := w.leader(); w.lock == locked && p.about.Shape == feed.Packets && lead != p && !lead.follow {
		w.follow(lead, p)
	}
}

// SetTheme changes the colours.
func (w *Workspace) SetTheme(theme *themes.Theme) { w.theme, w.stale = theme, true }

// Scope names the workspace's keys in the table.
func (w *Workspace) Scope() string { return keys.Workspace }

// Empty tells whether there is nothing to show: no pane, and no run that may
// still open one.
func (w *Workspace) Empty() bool {
	return len(w.panes) == 0 && !slices.ContainsFunc(w.tasks, (*task).live)
}

// Panes is how many panes there are.
func (w *Workspace) Panes() int { return len(w.panes) }

// Title says in a few words what the workspace shows.
func (w *Workspace) Title() string {
	for _, t := range w.tasks {
		if name := t.Target().Name; name != "" {
			return safetext.Clean(name)
		}
	}
	if len(w.panes) > 0 {
		a := w.panes[0].about
		return cmp.Or(a.Target, a.Device, a.Title)
	}
	return "workspace"
}

// Running tells whether the run of the focused pane goes on, so that there is
// something to stop.
func (w *Workspace) Running() bool { return w.focus != nil && w.focus.run.live() }

// Shell is the command that does from a shell what the focused pane's run does;
// "" where there is none.
func (w *Workspace) Shell() string {
	if w.focus == nil || w.focus.run == nil {
		return ""
	}
	return w.focus.run.Shell()
}

// Stop ends the runs of all panes. What they have shown stays on the screen.
func (w *Workspace) Stop() {
	for _, t := range w.tasks {
		t.Stop()
	}
}

// Close stops all runs, waits for none of them, and forgets what they showed.
func (w *Workspace) Close() {
	w.Stop()
	w.end()
	for _, t := range w.tasks {
		closeFeeds(t)
	}
	w.tasks, w.panes, w.root, w.focus = nil, nil, nil, nil
	w.stale = true
}

// closeFeeds gives back the room of a run's feeds. A writer that is still on
// its way writes into the void.
func closeFeeds(t *task) {
	for _, f := range t.Feeds() {
		f.Close() //nolint:errcheck // the spool is gone from the disk since it was opened
	}
}

// Dirty tells whether View would differ from the last one although no message
// came: something was written to a feed that is seen, a run opened a feed or
// ended, or a second has passed in which a rate changes.
func (w *Workspace) Dirty() bool {
	if w.stale || slices.ContainsFunc(w.tasks, (*task).changed) {
		return true
	}
	moving := w.level.wait
	for _, p := range w.visible() {
		if p.feed.Version() != p.drawn || p.behind {
			return true
		}
		moving = moving || p.state.Live && (p.state.Rate > 0 || slices.ContainsFunc(p.state.Rates, func(v float64) bool { return v > 0 }))
	}
	if w.stripRows() > 0 {
		moving = moving || slices.ContainsFunc(w.panes, func(p *pane) bool { return p.feed.Version() != p.drawn })
	}
	return moving && w.now().Unix() != w.drawn.Unix()
}

// visible lists the panes that are on the screen.
func (w *Workspace) visible() []*pane {
	if w.alone() {
		return []*pane{w.focus}
	}
	return w.panes
}

// alone says whether only the focused pane is shown: zoomed, or because there
// is no room for all.
func (w *Workspace) alone() bool {
	if w.root == nil {
		return false
	}
	needW, needH := w.root.least()
	return w.zoom || w.width-1 < needW || w.height < needH
}

// close takes a pane away; with a run's last one, the run ends.
func (w *Workspace) close(p *pane) {
	p.stopSearch()
	order := w.root.panes(nil)
	at := slices.Index(order, p)
	w.panes = slices.DeleteFunc(w.panes, func(q *pane) bool { return q == p })
	if w.own {
		w.root = w.root.without(p)
	} else {
		w.root = arrange(w.panes, w.width-1)
	}
	if w.focus == p {
		w.focus = nil
		if order = slices.Delete(order, at, at+1); len(order) > 0 {
			w.focus = order[min(at, len(order)-1)]
		}
	}
	w.zoom = w.zoom && w.focus != nil
	w.heir(p)
}

// heir sees to the run that p was a view of.
func (w *Workspace) heir(p *pane) {
	if p.run == nil {
		return
	}
	for _, q := range w.panes {
		if q.run == p.run {
			q.judge = q.judge || p.judge
			p.judge = false
			return
		}
	}
	p.run.Stop()
	closeFeeds(p.run)
	for _, f := range p.run.Feeds() {
		delete(w.saved, f)
	}
	w.tasks = slices.DeleteFunc(w.tasks, func(t *task) bool { return t == p.run })
}

// leader is the pane whose place in time the others take.
func (w *Workspace) leader() *pane {
	if w.focus != nil && w.focus.about.Shape == feed.Packets {
		return w.focus
	}
	for _, p := range w.panes {
		if p.about.Shape == feed.Packets {
			return p
		}
	}
	return nil
}

// sync brings the other panes to the instant of p.
func (w *Workspace) sync(p *pane) {
	if p.about.Shape != feed.Packets || !slices.ContainsFunc(w.panes, func(q *pane) bool { return q != p && w.bound(p, q) }) {
		return
	}
	if p.follow {
		w.level.top = 0
	} else if w.level.top == 0 {
		w.level.top, _ = p.time(p.top)
		if len(w.level.rows) > 0 {
			w.level.top = w.level.rows[0].time
		}
	}
	for _, q := range w.panes {
		if q != p && w.bound(p, q) {
			w.follow(p, q)
		}
	}
}

// follow brings q to the instant of p.
func (w *Workspace) follow(p, q *pane) {
	if p.follow {
		q.chase()
		return
	}
	t, ok := p.time(p.cursor)
	if !ok {
		return
	}
	if _, any := q.last(); !any {
		return
	}
	q.follow, q.held = false, p.held
	q.cursor = q.step(q.feed.SeekTime(t), 0)
	above := 0 // rows of p above its cursor, as many as those of q
	for above < p.height && p.step(p.top, above) < p.cursor {
		above++
	}
	q.top = q.step(q.cursor, -above)
	if last, ok := q.last(); ok {
		q.top = min(q.top, q.topFor(last))
	}
}
