package pane

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/tui/keys"
)

// SaveMsg asks the shell to save what feeds hold to one file, and to tell
// [Workspace.Saved] when that is done.
type SaveMsg struct {
	Feeds []*feed.Feed
	reach []uint64 // how far each feed reached
}

// CopyMsg asks the shell to put Text on the clipboard; What names it.
type CopyMsg struct{ Text, What string }

// foundMsg is what a search came to.
type foundMsg struct {
	pane *pane
	job  int
	seq  uint64
	ok   bool
	miss string // what to say without a hit
}

// Update takes keys, mouse events relative to the page's own corner, pasted
// text, and the answers to the workspace's own commands; the shell gives it all
// messages that it doesn't know itself, and those of another workspace leave it
// as it is.
func (w *Workspace) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return w.key(msg)
	case tea.PasteMsg:
		if w.focus != nil && (w.focus.prompt.asks == searching || w.focus.prompt.asks == filtering) {
			w.focus.prompt.add(msg.Content)
		}
	case tea.MouseMsg:
		w.mouse(msg)
	case dugMsg:
		return w.dug(msg)
	case foundMsg:
		w.found(msg)
	case closeMsg:
		if slices.Contains(w.panes, msg.pane) {
			w.stale = true
			w.close(msg.pane)
		}
	}
	return nil
}

// dug takes in hits among older entries, and looks for more as long as a pane
// shows them.
func (w *Workspace) dug(msg dugMsg) tea.Cmd {
	if !slices.ContainsFunc(w.panes, func(p *pane) bool { return p.sieve == msg.sieve || p.tally == msg.sieve }) {
		return nil
	}
	w.stale = true
	msg.sieve.take(msg)
	if msg.sieve.done {
		return nil
	}
	return msg.sieve.dig(w.ctx)
}

// Typing gives the cursor's place while a pane's prompt takes keys as text. A
// letter that is awaited for a mark counts as text too.
func (w *Workspace) Typing() (x, y int, ok bool) {
	if w.focus == nil || w.focus.prompt.asks == nothing {
		return 0, 0, false
	}
	p := w.focus
	return p.at.x + min(p.prompt.x, max(p.at.w-1, 0)), p.at.y + p.at.h - 1, true
}

// Hints names the keys of the prompt that takes keys as text.
func (w *Workspace) Hints() [][2]string {
	if w.focus == nil {
		return nil
	}
	return w.focus.prompt.hints()
}

// Back takes one step back inside the page: a search under way, an open packet,
// hits, filters and zoom end, in this order. It is false when there was nothing
// to go back from.
func (w *Workspace) Back() bool {
	p := w.focus
	if p == nil {
		return false
	}
	w.stale = true
	switch {
	case p.prompt.asks != nothing:
		p.prompt.clear()
	case p.stopSearch():
	case p.detail.inside:
		p.detail.inside = false
	case p.detail.open:
		p.detail = detail{}
	case p.search.text != "":
		p.seek("")
		p.prompt.clear()
	case len(p.filters) > 0:
		p.setFilters(nil)
	case w.zoom:
		w.zoom = false
	default:
		return false
	}
	return true
}

func (w *Workspace) key(msg tea.KeyPressMsg) tea.Cmd {
	p := w.focus
	if p == nil {
		return nil
	}
	w.stale = true
	if p.prompt.asks != nothing {
		return w.typed(p, msg)
	}
	if p.cancel == nil {
		p.prompt.clear() // a note was read
	}
	stroke := msg.String()
	name, ok := w.keys.Lookup(keys.Workspace, stroke)
	if !ok {
		return nil
	}
	if w.arrangeKey(p, name, stroke) || w.moveKey(p, name) {
		return nil
	}
	return w.streamKey(p, name)
}

// arrangeKey does what changes the order of the panes.
func (w *Workspace) arrangeKey(p *pane, name, stroke string) bool {
	order := w.root.panes(nil)
	at := slices.Index(order, p)
	switch name {
	case "next-pane":
		w.focus = order[(at+1)%len(order)]
	case "prev-pane":
		w.focus = order[(at+len(order)-1)%len(order)]
	case "pane":
		if n := int(stroke[len(stroke)-1] - '0'); n >= 1 && n <= len(order) {
			w.focus = order[n-1]
		}
	case "zoom":
		w.zoom = !w.zoom
	case "split-beside":
		w.split(p, beside)
	case "split-below":
		w.split(p, below)
	case "narrower":
		w.resize(p, -1)
	case "wider":
		w.resize(p, 1)
	case "back":
		w.Back()
	case "stop":
		if p.run != nil {
			p.run.Stop()
		}
	default:
		return false
	}
	return true
}

// split opens another view of p's stream.
func (w *Workspace) split(p *pane, way way) {
	q := p.again()
	w.own, w.zoom = true, false
	w.panes = append(w.panes, q)
	w.root = w.root.split(p, way, q)
	w.focus = q
	if len(q.filters) > 0 {
		// Both views look at the same hits: nothing is searched twice.
		q.sieve = p.sieve
	}
}

// resize gives p more room, or less: along the nearest split above it.
func (w *Workspace) resize(p *pane, way int) {
	leaf, above := w.root.find(p)
	if leaf == nil || len(above) == 0 || w.alone() {
		return
	}
	up := above[len(above)-1]
	cells := way
	if up.way == beside {
		cells *= 4
	}
	i := up.index(leaf)
	if i == len(up.kids)-1 {
		i, cells = i-1, -cells
	}
	w.own = true
	up.resize(i, cells)
}

// moveKey does what moves the window. While a packet's fields have the keys,
// movement goes there.
func (w *Workspace) moveKey(p *pane, name string) bool {
	half, page := max(p.height/2, 1), max(p.height-1, 1)
	steps := map[string]int{
		"down": 1, "up": -1, "half-down": half, "half-up": -half, "page-down": page, "page-up": -page,
	}
	n, ok := steps[name]
	if p.detail.open && p.detail.inside {
		switch {
		case ok:
			p.detail.move(n)
			return true
		case name == "top":
			p.detail.move(-1 << 20)
			return true
		case name == "bottom":
			p.detail.move(1 << 20)
			return true
		}
	}
	switch {
	case ok && n*n == 1:
		p.move(n, false)
	case ok:
		w.page(p, n)
	case name == "top":
		p.hold()
		first, _ := p.feed.Bounds()
		p.jump(first)
	case name == "bottom":
		p.chase()
	case name == "pause":
		if p.follow {
			p.hold()
			p.held = !p.follow
		} else {
			p.chase()
		}
	default:
		return false
	}
	w.sync(p)
	return true
}

// page moves the window and the cursor by n rows.
func (w *Workspace) page(p *pane, n int) {
	p.move(n, true)
	w.sync(p)
	w.level.shift(p, n)
}

// streamKey does the rest.
func (w *Workspace) streamKey(p *pane, name string) tea.Cmd {
	switch name {
	case "time-lock":
		w.toggleLock()
	case "wrap":
		p.wrap = !p.wrap
	case "search":
		p.stopSearch()
		p.prompt.ask(searching)
	case "filter":
		p.prompt.ask(filtering)
	case "invert":
		if n := len(p.filters); n > 0 {
			list := slices.Clone(p.filters)
			list[n-1].not = !list[n-1].not
			return w.filter(p, list)
		}
		p.prompt.say(feed.Muted, "no filter to turn round; & makes one")
	case "next-hit", "prev-hit":
		if p.search.text == "" {
			p.prompt.say(feed.Muted, "nothing was searched for; / searches")
			return nil
		}
		return w.find(p, p.wanted(), name == "next-hit", "hit of "+p.search.text)
	case "next-error", "prev-error":
		m := matcher{shape: p.about.Shape, patterns: p.filters, errors: true}
		return w.find(p, m, name == "next-error", "error")
	case "mark":
		p.prompt.ask(marking)
	case "go-mark":
		p.prompt.ask(jumping)
	case "open":
		w.open(p)
	case "close-pane":
		return w.askToClose(p)
	case "save":
		return w.save(p.feed)
	case "save-all":
		var list []*feed.Feed
		for _, q := range w.root.panes(nil) {
			if !slices.Contains(list, q.feed) {
				list = append(list, q.feed)
			}
		}
		return w.save(list...)
	case "copy-command":
		if text := w.Shell(); text != "" {
			return send(CopyMsg{Text: text, What: "the command"})
		}
		p.prompt.say(feed.Muted, "this pane comes from no command")
	}
	return nil
}

func send(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// roomy is how many rows a pane needs for an open packet; with fewer it has the
// page for itself.
const roomy = 14

// open takes the selected packet apart; again, movement goes through its fields.
func (w *Workspace) open(p *pane) {
	if p.about.Shape != feed.Packets {
		return
	}
	p.hold()
	switch {
	case p.follow:
		return // no packet came yet
	case !p.detail.open:
		p.detail.open = true
		w.zoom = w.zoom || p.at.h < roomy
	default:
		p.detail.inside = !p.detail.inside
	}
	w.sync(p)
}

// typed gives a key to the pane's prompt.
func (w *Workspace) typed(p *pane, msg tea.KeyPressMsg) tea.Cmd {
	stroke := msg.String()
	if stroke == "esc" || stroke == "ctrl+c" {
		p.prompt.clear()
		return nil
	}
	switch asks := p.prompt.asks; asks {
	case marking, jumping:
		p.prompt.clear()
		if len(msg.Text) == 1 && msg.Text != " " {
			w.marked(p, asks, msg.Text)
		}
		return nil
	case searching, filtering:
		if stroke != "enter" {
			p.prompt.edit(msg)
			return nil
		}
		text := p.prompt.text
		p.prompt.clear()
		if asks == filtering {
			if text == "" {
				return w.filter(p, nil)
			}
			return w.filter(p, append(slices.Clone(p.filters), newPattern(text)))
		}
		p.seek(text)
		if text == "" {
			return nil
		}
		return tea.Batch(w.find(p, p.wanted(), false, "hit of "+text), p.tally.dig(w.ctx))
	}
	return nil
}

// marked sets or goes to a mark.
func (w *Workspace) marked(p *pane, asks asking, letter string) {
	if asks == jumping {
		seq, ok := p.marks[letter]
		if !ok {
			p.prompt.say(feed.Warn, "there is no mark "+letter+"; m sets one")
			return
		}
		p.jump(seq)
		w.sync(p)
		return
	}
	p.hold()
	if p.follow {
		return
	}
	if p.marks == nil {
		p.marks = map[string]uint64{}
	}
	p.marks[letter] = p.cursor
	p.prompt.say(feed.Muted, "marked "+letter+"; '"+letter+" comes back here")
	w.sync(p)
}

// filter shows only what passes list.
func (w *Workspace) filter(p *pane, list []pattern) tea.Cmd {
	p.setFilters(list)
	w.sync(p)
	var cmds []tea.Cmd
	if p.sieve != nil {
		cmds = append(cmds, p.sieve.dig(w.ctx))
	}
	if p.tally != nil {
		p.seek(p.search.text) // among what is shown now
		cmds = append(cmds, p.tally.dig(w.ctx))
	}
	return tea.Batch(cmds...)
}

// wanted matches what is searched for among what is shown.
func (p *pane) wanted() matcher {
	return matcher{shape: p.about.Shape, patterns: append(slices.Clone(p.filters), p.search)}
}

// find looks for the next entry in a command. From the newest on there is only
// the way back.
func (w *Workspace) find(p *pane, m matcher, forward bool, what string) tea.Cmd {
	p.stopSearch()
	first, next := p.feed.Bounds()
	if first == next {
		p.prompt.say(feed.Muted, "nothing came yet")
		return nil
	}
	from := next - 1
	if p.follow {
		forward = false
	} else {
		from = p.cursor
		onHit := false
		var e [1]feed.Entry
		if p.feed.Read(from, e[:]) == 1 && m.match(&e[0]) {
			onHit = true
		}
		switch {
		case onHit && forward:
			from++
		case onHit && from == first:
			p.prompt.say(feed.Warn, "no older "+what)
			return nil
		case onHit:
			from--
		}
	}
	ctx, cancel := context.WithCancel(w.ctx)
	p.cancel = cancel
	p.job++
	p.prompt.say(feed.Muted, "searching, esc stops")
	msg := foundMsg{pane: p, job: p.job, miss: "no older " + what}
	if forward {
		msg.miss = "no newer " + what
	}
	f := p.feed
	return func() tea.Msg {
		defer cancel()
		msg.seq, msg.ok = f.Search(ctx, from, forward, m.match)
		return msg
	}
}

// found goes to the hit of a search.
func (w *Workspace) found(msg foundMsg) {
	p := msg.pane
	if !slices.Contains(w.panes, p) || p.job != msg.job || p.cancel == nil {
		return
	}
	w.stale = true
	p.cancel = nil
	p.prompt.clear()
	if !msg.ok {
		p.prompt.say(feed.Warn, msg.miss)
		return
	}
	p.jump(msg.seq)
	w.sync(p)
}
