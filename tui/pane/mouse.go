package pane

import tea "charm.land/bubbletea/v2"

// wheelRows is how far one notch of the wheel goes.
const wheelRows = 3

// drag is a dividing line on its way with the mouse.
type drag struct {
	split *node // nil while nothing is dragged
	part  int
	x, y  int
}

func (w *Workspace) mouse(msg tea.MouseMsg) {
	m := msg.Mouse()
	w.stale = true
	switch msg.(type) {
	case tea.MouseWheelMsg:
		w.wheel(m)
	case tea.MouseClickMsg:
		if m.Button == tea.MouseLeft {
			w.click(m.X, m.Y)
		}
	case tea.MouseMotionMsg:
		if d := &w.drag; d.split != nil && m.Button == tea.MouseLeft {
			cells := m.X - d.x
			if d.split.way == below {
				cells = m.Y - d.y
			}
			d.x, d.y = m.X, m.Y
			w.own = true
			d.split.resize(d.part, cells)
		}
	case tea.MouseReleaseMsg:
		w.drag = drag{}
	}
}

// under is the pane at a place on the page.
func (w *Workspace) under(x, y int) *pane {
	for _, p := range w.visible() {
		if p.at.holds(x, y) {
			return p
		}
	}
	return nil
}

// wheel scrolls the pane under the pointer, wherever the focus is.
func (w *Workspace) wheel(m tea.Mouse) {
	p := w.under(m.X, m.Y)
	if p == nil {
		return
	}
	n := wheelRows
	switch m.Button {
	case tea.MouseWheelUp:
		n = -n
	case tea.MouseWheelDown:
	default:
		return
	}
	if p.level { // the cursor goes along: it says where all panes stand
		w.page(p, n)
		return
	}
	p.scroll(n)
	w.sync(p)
}

// click gives a pane the focus; in the focused one it selects a row. On a
// dividing line it begins to drag that.
func (w *Workspace) click(x, y int) {
	if !w.alone() {
		if split, part := w.root.line(x, y); split != nil {
			w.drag = drag{split, part, x, y}
			return
		}
	}
	if y >= w.height-w.stripRows() {
		w.clickStrip(x)
		return
	}
	p := w.under(x, y)
	if p == nil {
		return
	}
	if p != w.focus {
		w.focus = p
		return
	}
	if seq, ok := p.entryAt(y - p.at.y); ok {
		p.hold()
		p.cursor = seq
		p.show()
		w.sync(p)
	}
}
