package pane

import (
	"math"
	"slices"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/tui/page"
)

// closeMsg is the yes to closing a pane whose packets nobody has saved.
type closeMsg struct{ pane *pane }

// Unsaved counts the packets that the workspace's panes hold and that no file
// has: what would be gone with it. Lines of
// tools don't count, nor packets that their feed has forgotten by itself.
func (w *Workspace) Unsaved() int {
	n := 0
	for i, p := range w.panes {
		if !slices.ContainsFunc(w.panes[:i], func(q *pane) bool { return q.feed == p.feed }) {
			n += w.unsaved(p.feed)
		}
	}
	return n
}

// unsaved counts the packets of one feed.
func (w *Workspace) unsaved(f *feed.Feed) int {
	if f.About().Shape != feed.Packets {
		return 0
	}
	first, next := f.Bounds()
	return int(next - min(max(first, w.saved[f]), next))
}

// save asks the shell to save feeds, and says how far they reach now.
func (w *Workspace) save(list ...*feed.Feed) tea.Cmd {
	m := SaveMsg{Feeds: list}
	for _, f := range list {
		_, next := f.Bounds()
		m.reach = append(m.reach, next)
	}
	return send(m)
}

// Saved notes that what m asked for is in a file.
func (w *Workspace) Saved(m SaveMsg) {
	for i, f := range m.Feeds {
		if slices.ContainsFunc(w.panes, func(p *pane) bool { return p.feed == f }) {
			w.saved[f] = max(w.saved[f], m.reach[i])
		}
	}
}

// Kept notes that the packets of a feed come from a file: nothing of them is
// gone with the workspace.
func (w *Workspace) Kept(f *feed.Feed) { w.saved[f] = math.MaxUint64 }

// askToClose closes a pane, and asks before it where that was the last view of
// packets that nobody has saved.
func (w *Workspace) askToClose(p *pane) tea.Cmd {
	n := w.unsaved(p.feed)
	if n == 0 || slices.ContainsFunc(w.panes, func(q *pane) bool { return q != p && q.feed == p.feed }) {
		w.close(p)
		return nil
	}
	detail := count(uint64(n)) + " packets were not saved and will be gone."
	if n == 1 {
		detail = "One packet was not saved and will be gone."
	}
	if p.run.live() && !slices.ContainsFunc(w.panes, func(q *pane) bool { return q != p && q.run == p.run }) {
		detail += " Its probe stops."
	}
	return send(page.Ask{Question: "Close this pane?", Detail: detail, Yes: closeMsg{p}})
}
