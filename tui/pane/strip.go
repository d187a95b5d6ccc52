package pane

import (
	"strconv"

	"steth/internal/safetext"
	"steth/tui/keys"
)

// stripFrom is the height of a page from which on a pane that has it for itself
// leaves a row to name the others.
const stripFrom = 8

// tag is where the strip names a pane.
type tag struct {
	pane     *pane
	from, to int
}

// stripRows is how many rows the strip takes.
func (w *Workspace) stripRows() int {
	if w.alone() && len(w.panes) > 1 && w.height >= stripFrom {
		return 1
	}
	return 0
}

// drawStrip names all panes and says how each stands, while only one is seen.
func (w *Workspace) drawStrip() {
	c, th := &w.strip, w.theme
	c.reset(th, w.width)
	w.tags = w.tags[:0]
	hint := ""
	if key := w.keys.Key(keys.Workspace, "zoom"); w.zoom && key != "" {
		hint = key + " shows all"
	}
	order := w.root.panes(nil)
	const around = 5 // the number, the sign and the blanks of a tag
	room := max((w.width-safetext.Width(hint)-3)/len(order)-around, 4)
	c.space(1)
	for _, p := range order {
		if p != w.focus {
			p.drawn, p.state = p.feed.Version(), p.feed.State()
		}
		name, number := th.Text, th.Muted
		if p == w.focus {
			name, number = th.AccentStrong, th.AccentStrong
		}
		from := c.used()
		c.text(number, strconv.Itoa(p.number)+" ")
		c.text(name, safetext.Cut(p.name(), room, th.Glyphs.Ellipsis))
		c.space(1)
		sign := p.sign()
		c.text(sign.style, sign.text)
		w.tags = append(w.tags, tag{p, from, c.used()})
		c.space(2)
	}
	if n := safetext.Width(hint); n > 0 && n+1 < c.room {
		c.to(w.width - n - 1)
		c.text(th.Muted, hint)
	}
	c.end()
}

// clickStrip gives the focus to the pane named at x.
func (w *Workspace) clickStrip(x int) {
	for _, t := range w.tags {
		if x >= t.from && x < t.to && within(w.panes, t.pane) {
			w.focus = t.pane
		}
	}
}
