package pane

import (
	"slices"

	"steth/feed"
	"steth/themes"
)

// tight is the width below which the bar at the bottom doesn't tell the state of
// the time-lock.
const tight = 100

// View draws the page: exactly height lines, each of width cells.
func (w *Workspace) View(width, height int) string {
	w.adopt()
	if width != w.width || height != w.height {
		w.width, w.height, w.stale = width, height, true
	}
	if w.stale && !w.own {
		w.root = arrange(w.panes, width-1)
	}
	w.stale = false
	w.drawn = w.now()
	if width <= 0 || height <= 0 {
		return ""
	}
	w.out = w.out[:0]
	if w.root == nil {
		return w.blank()
	}
	for _, p := range w.panes {
		p.theme, p.zone = w.theme, w.drawn.Location()
		p.focused = p == w.focus
		p.favoured = p.focused && !w.own
	}
	root := w.layOut()
	shown := w.visible()
	for _, p := range shown {
		p.refresh()
		p.measure()
		if p.settle() && p == w.leader() && w.level.top != 0 {
			w.level.top, _ = p.time(p.cursor)
			w.level.centre = true
		}
	}
	w.relate(w.drawn)
	lead, inLock := w.inLock()
	group := group(lead, inLock, shown)
	if len(group) > 1 {
		w.level.arrange(group, lead, w.drawn.UnixNano())
	} else {
		w.level = level{top: w.level.top}
	}
	for _, p := range shown {
		l := &w.level
		if len(group) < 2 || !within(group, p) {
			l = nil
		}
		p.lockable = w.kin.among > 1 && p.about.Shape == feed.Packets
		p.locked = within(inLock, p)
		p.tight = width < tight
		p.draw(l)
	}
	theme := newLines(w.theme)
	strip := w.stripRows()
	if strip > 0 {
		w.drawStrip()
	}
	for y := range height {
		if y > 0 {
			w.out = append(w.out, '\n')
		}
		if y >= height-strip {
			w.out = append(w.out, w.strip.row(0)...)
			continue
		}
		w.out = root.draw(w.out, y, theme)
		w.out = append(w.out, ' ') // the margin on the right
	}
	return string(w.out)
}

// layOut gives every pane its place and number, and returns what is drawn.
func (w *Workspace) layOut() *node {
	alone := w.alone()
	area := rect{0, 0, w.width - 1, w.height - w.stripRows()}
	for i, p := range w.root.panes(nil) {
		p.number, p.of = i+1, 0
		if alone && len(w.panes) > 1 {
			p.of = len(w.panes)
		}
	}
	if alone {
		single := &node{pane: w.focus}
		single.lay(area)
		return single
	}
	w.root.lay(area)
	return w.root
}

// group lists those of the panes at one instant whose rows are kept level: they
// stand side by side with the one that leads.
func group(lead *pane, list, shown []*pane) []*pane {
	return slices.DeleteFunc(slices.Clone(list), func(p *pane) bool {
		return !within(shown, lead) || !within(shown, p) || p.at.y != lead.at.y || p.at.h != lead.at.h
	})
}

func within(list []*pane, p *pane) bool {
	for _, q := range list {
		if p == q {
			return true
		}
	}
	return false
}

// blank is the page without panes.
func (w *Workspace) blank() string {
	var c canvas
	c.reset(w.theme, w.width)
	c.blank(min(1, w.height-1))
	c.space(1)
	switch {
	case len(w.tasks) > 0 && !w.Empty():
		c.text(w.theme.Muted, "starting"+w.theme.Glyphs.Ellipsis)
	default:
		c.text(w.theme.Muted, "Nothing runs here. Captures and probes started in the explorer open as panes.")
	}
	c.end()
	c.blank(w.height)
	for y := range w.height {
		if y > 0 {
			w.out = append(w.out, '\n')
		}
		w.out = append(w.out, c.row(y)...)
	}
	return string(w.out)
}

// lines are the thin lines between panes.
type lines struct {
	vertical string
	theme    *themes.Theme
}

func newLines(th *themes.Theme) lines {
	return lines{vertical: th.Rule.Paint(th.Glyphs.VLine), theme: th}
}

// horizontal appends a line of w cells; it begins below the text of rows.
func (l lines) horizontal(out []byte, w int) []byte {
	out = append(out, ' ')
	out = append(out, l.theme.Rule.Prefix...)
	for range w - 1 {
		out = append(out, l.theme.Glyphs.HLine...)
	}
	return append(out, l.theme.Rule.Suffix...)
}
