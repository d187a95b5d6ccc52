package tui

import (
	"errors"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/tui/dialog"
	"steth/tui/page"
	"steth/tui/page/path"
	"steth/tui/pane"
)

// closePath asks to take the page of a path away.
type closePath struct{ page *path.Page }

// openPath follows packets along a path, in a tab of its own.
func (a *App) openPath(msg page.Path) tea.Cmd {
	for i := range a.tabs { // the agents have only so many captures
		if p, ok := a.tabs[i].(*path.Page); ok && p.Running() && p.Follows(msg.Question) {
			a.goTab(i + 1)
			return nil
		}
	}
	p, cmd := path.New(a.ctx, a.env, msg.Question, msg.Name)
	a.goTab(a.addTab(p))
	return cmd
}

// present shows what the console was begun with.
func (a *App) present() {
	if s := a.opt.Path; s != nil {
		p := path.Show(a.ctx, a.env, s)
		a.holds = append(a.holds, p.Hold())
		a.goTab(a.addTab(p))
	}
	if list := a.opt.Captures; len(list) > 0 {
		b := &bench{Workspace: pane.New(pane.Options{Theme: a.env.Theme, Now: a.opt.Now, Keys: a.env.Keys}), name: "captures"}
		b.Lock() // they are of one file
		for _, f := range list {
			b.AddFeed(f)
			b.Kept(f)
		}
		a.goTab(a.addTab(b))
	}
	for _, n := range a.opt.Notes {
		a.say(page.Notice{Level: feed.Warn, Text: n})
	}
}

// pathPages are the paths among the tabs.
func (a *App) pathPages() []*path.Page {
	var out []*path.Page
	for _, t := range a.tabs {
		if p, ok := t.(*path.Page); ok {
			out = append(out, p)
		}
	}
	return out
}

// followed takes what a page has begun, and closes it where the page is gone.
func (a *App) followed(msg path.Followed) tea.Cmd {
	if msg.Hold != nil {
		a.holds = append(slices.DeleteFunc(a.holds, closed), msg.Hold)
	}
	return msg.Page.Take(msg)
}

// concludePaths takes what followed paths have come to into the store; their
// pages tell it themselves.
func (a *App) concludePaths() bool {
	any := false
	for _, h := range a.holds {
		if f, ok := h.Concluded(); ok {
			a.env.Findings.Add(f)
			any = true
		}
	}
	return any
}

func closed(h *path.Hold) bool {
	select {
	case <-h.Gone():
		return true
	default:
		return false
	}
}

// leavePath leaves a path; it asks first where packets that were lost would be
// gone unsaved.
func (a *App) leavePath(p *path.Page) tea.Cmd {
	if p.Recorded() { // it can't be opened again from here
		a.goTab(0)
		return nil
	}
	if n := p.Unsaved(); n > 0 {
		a.push(dialog.NewQuestion(a.env.Theme, page.Ask{Question: "Leave this path?", Detail: losses(0, n), Yes: closePath{p}}))
		return nil
	}
	return a.dropPath(p)
}

func (a *App) dropPath(p *path.Page) tea.Cmd {
	if !slices.Contains(a.tabs, page.Page(p)) {
		return nil
	}
	a.dropTab(p)
	a.goTab(0)
	return p.Leave()
}

// showCaptures shows captures of a path in a workspace of their own.
func (a *App) showCaptures(msg path.Captures) {
	msg.Hold.Keep()
	ws := pane.New(pane.Options{Theme: a.env.Theme, Now: a.opt.Now, Keys: a.env.Keys})
	_, recorded := msg.Hold.Session.Recorded()
	b := &bench{Workspace: ws, name: msg.Name, hold: msg.Hold}
	for _, f := range msg.Feeds {
		ws.AddTraced(msg.Hold.Session, f)
		if recorded {
			ws.Kept(f)
		}
	}
	a.goTab(a.addTab(b))
}

// unsaved is how many packets would be gone with a workspace: those of a path
// stay while its page is open.
func (a *App) unsaved(b *bench) int {
	switch {
	case b.hold == nil:
		return b.Unsaved()
	case slices.ContainsFunc(a.pathPages(), func(p *path.Page) bool { return p.Hold() == b.hold }):
		return 0
	}
	return min(b.Unsaved(), b.hold.Unsaved())
}

// home is the tab to which one comes back from a workspace: that of the path
// whose captures it shows, while it is open, else the explorer.
func (a *App) home(b *bench) int {
	for i, t := range a.tabs {
		if p, ok := t.(*path.Page); ok && b.hold != nil && p.Hold() == b.hold {
			return i + 1
		}
	}
	return 0
}

// letGo releases what a workspace has shown of a path.
func letGo(h *path.Hold) tea.Cmd {
	if h == nil {
		return nil
	}
	return func() tea.Msg {
		h.Release() //nolint:errcheck // nobody is left to be told
		return nil
	}
}

// closePaths ends all that is followed and waits until it is gone, no longer
// than wait.
func (a *App) closePaths(wait time.Duration) {
	for _, h := range a.holds {
		go h.Close() //nolint:errcheck // the console ends
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for _, h := range a.holds {
		select {
		case <-h.Gone():
		case <-late.C:
			return
		}
	}
}

// going tells whether something goes on in a tab.
func (a *App) going(p page.Page) bool {
	switch p := p.(type) {
	case *bench:
		return p.live() > 0
	case *path.Page:
		return p.Running()
	}
	return false
}

// running tells whether something goes on by itself on the page in front. A
// workspace tells by its runs and feeds.
func (a *App) running() bool {
	switch p := a.front().(type) {
	case *bench:
		return p.hold != nil && p.hold.Running()
	case page.Runner:
		return p.Running()
	}
	return false
}

// portNames offers ports by name, for one end of a path and then for the other.
func portNames(a *App) []string {
	_, arg, _ := strings.Cut(a.line.input.Value(), " ")
	snap := a.env.Backend.Snapshot()
	lead := ""
	if first, _, second := strings.Cut(arg, " "); second {
		if _, err := snap.Resolve(openstack.KindPort, first); err == nil {
			lead = first + " "
		}
	}
	var out []string
	for _, p := range snap.Ports {
		name := snap.DisplayName(p)
		if name == "" || strings.Contains(name, " ") || p.Host == "" {
			name = p.ID
		}
		if name = lead + name; strings.HasPrefix(name, arg) {
			out = append(out, name)
		}
	}
	for _, g := range pathGoals {
		if name := lead + g; lead != "" && strings.HasPrefix(name, arg) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pathGoals are the words for where a path leads that is no port's.
var pathGoals = []string{string(openstack.GoalDHCP), string(openstack.GoalGateway), string(openstack.GoalOutside)}

// pathNamed follows packets along the path of a port, from one to another, or
// to one of pathGoals. These go before ports of the same name.
func (a *App) pathNamed(arg string) tea.Cmd {
	snap := a.env.Backend.Snapshot()
	names := strings.Fields(arg)
	if o, err := snap.Resolve(openstack.KindPort, arg); err == nil && arg != "" { // a name may have blanks in it
		names = []string{o.ObjectID()}
	}
	if len(names) == 0 || len(names) > 2 {
		return a.refuse(errors.New("say which port, or which two: :path web-1 db-2, or :path web-1 outside"))
	}
	goal := openstack.Goal("")
	if len(names) == 2 && slices.Contains(pathGoals, names[1]) {
		goal, names = openstack.Goal(names[1]), names[:1]
	}
	var ports []openstack.Object
	for _, n := range names {
		o, err := snap.Resolve(openstack.KindPort, n)
		if err != nil {
			return a.refuse(err)
		}
		ports = append(ports, o)
	}
	q := PathQuestion{Goal: goal, From: ports[0].ObjectID()}
	if len(ports) == 2 {
		q.Goal, q.To = openstack.GoalPort, ports[1].ObjectID()
	}
	return a.openPath(page.Path{Question: q, Name: snap.DisplayName(ports[0])})
}
