package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/tui/dialog"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/page/explorer"
	"steth/tui/page/fleet"
	"steth/tui/page/path"
	"steth/tui/page/text"
	"steth/tui/pane"
)

// Update implements [tea.Model].
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(frameMsg); ok {
		a.tick()
		return a, a.wake()
	}
	a.frame.stale = true
	a.frame.changed = 0
	cmd := a.take(msg)
	if a.quitting {
		return a, tea.Quit
	}
	return a, tea.Batch(cmd, a.wake())
}

// take hands a message to whom it concerns.
func (a *App) take(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.width, a.height = msg.Width, msg.Height
		return nil
	case tea.BackgroundColorMsg:
		a.darkTerminal = msg.IsDark()
		if !a.ready {
			a.ready = true
			if !a.darkTerminal {
				return a.fail(a.setTheme("light"))
			}
		}
		return nil
	case secondMsg:
		return a.everySecond()
	case tea.KeyPressMsg:
		return a.key(msg)
	case tea.PasteMsg:
		return a.paste(msg)
	case tea.MouseMsg:
		return a.mouseAt(msg)
	}
	if cmd, mine := a.wish(msg); mine {
		return cmd
	}
	return a.deliver(msg)
}

// deliver gives an answer to everyone who may have asked; each knows its own.
func (a *App) deliver(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for i := len(a.dialogs) - 1; i >= 0; i-- {
		d := a.dialogs[i]
		cmd, done := d.Update(msg)
		cmds = append(cmds, cmd)
		if done {
			a.dialogs = slices.DeleteFunc(a.dialogs, func(o dialog.Dialog) bool { return o == d })
		}
	}
	cmds = append(cmds, a.explorer.Update(msg))
	for _, t := range a.tabs {
		cmds = append(cmds, t.Update(msg))
	}
	for _, p := range a.over {
		cmds = append(cmds, p.Update(msg))
	}
	return tea.Batch(cmds...)
}

// wish does what a page or dialog asked of the shell.
func (a *App) wish(msg tea.Msg) (cmd tea.Cmd, mine bool) {
	switch msg := msg.(type) {
	case page.Notice:
		a.say(msg)
	case page.Pick:
		return a.pick(msg), true
	case page.Start:
		return a.start(msg), true
	case starts:
		for _, s := range msg {
			a.begin(s)
		}
	case page.Repeat:
		return a.repeat(msg.Target), true
	case page.Read:
		return a.open(msg), true
	case page.Open:
		a.over = append(a.over, msg.Page)
	case page.Copy:
		return a.copy(msg), true
	case pane.CopyMsg:
		return a.copy(page.Copy{Text: msg.Text, What: msg.What}), true
	case pane.SaveMsg:
		return a.save(msg), true
	case page.Choose:
		a.push(dialog.NewList(a.env.Theme, msg))
	case page.Ask:
		a.push(dialog.NewQuestion(a.env.Theme, msg))
	case page.Goto:
		a.goTab(0)
		a.jumped = true
		return a.explorer.Jump(msg.Kind, msg.ID), true
	case page.Close:
		return a.close(), true
	case explorer.Loaded:
		return a.dialSome(), true
	case saved:
		a.saved(msg)
	case dialled: // to be drawn
	case quitMsg:
		a.quitting = true
	case closeBench:
		return a.dropBench(msg.bench), true
	case closePath:
		return a.dropPath(msg.page), true
	case path.Followed:
		return a.followed(msg), true
	case path.Captures:
		a.showCaptures(msg)
	case page.Path:
		return a.openPath(msg), true
	default:
		return nil, false
	}
	return nil, true
}

// everySecond moves what depends on the time.
func (a *App) everySecond() tea.Cmd {
	a.band.tick(a.env.Now())
	a.conclude() // the frame clock stands still where nothing moves
	for _, p := range a.over {
		if t, ok := p.(page.Ticker); ok {
			t.Tick()
		}
	}
	return tea.Batch(a.second(), a.explorer.Tick(a.env.Now()))
}

// dialSome dials the agents of a small cloud once its nodes are known; in a
// large one they are dialled when a probe or the fleet page needs them.
func (a *App) dialSome() tea.Cmd {
	var idle []string
	agents := a.env.Backend.Agents()
	for _, ag := range agents {
		if ag.State == "idle" {
			idle = append(idle, ag.Node)
		}
	}
	if len(agents) > a.opt.DialAll || len(idle) == 0 {
		return nil
	}
	return a.dial(idle)
}

// dialled tells that dialling came to an end; how, Backend.Agents knows.
type dialled struct{}

func (a *App) dial(nodes []string) tea.Cmd {
	return func() tea.Msg {
		a.env.Backend.Dial(a.ctx, nodes)
		return dialled{}
	}
}

// key hands a key on: dialog, command line, focused input, global keys, page.
func (a *App) key(msg tea.KeyPressMsg) tea.Cmd {
	if n := len(a.dialogs); n > 0 {
		return a.toDialog(msg)
	}
	if a.line.open {
		return a.lineKey(msg)
	}
	stroke := msg.String()
	front := a.front()
	switch {
	case a.typing() && stroke == "ctrl+c":
		return a.stop()
	case a.isText(stroke):
		return front.Update(msg)
	}
	name, ok := a.env.Keys.Lookup(front.Scope(), stroke)
	switch b := a.bench(); {
	case !ok:
		a.unbound(stroke)
		return nil
	case a.global(name):
		return a.act(name, msg)
	case b != nil && name == "back":
		if !b.Back() {
			a.goTab(a.home(b))
		}
		return nil
	}
	return front.Update(msg)
}

// typing tells whether an input of the page in front has the focus.
func (a *App) typing() bool {
	t, ok := a.front().(page.Typer)
	if !ok {
		return false
	}
	_, _, ok = t.Typing()
	return ok
}

// isText tells whether a key goes into such an input.
func (a *App) isText(stroke string) bool {
	return a.typing() && !(a.front() == page.Page(a.explorer) && a.explorer.Passes(stroke))
}

// reach is what to press for one of the shell's own keys from where one is now.
func (a *App) reach(name string) string {
	key := a.env.Keys.Key(keys.Global, name)
	if a.isText(key) {
		return "esc " + key
	}
	return key
}

// unbound says that a key does nothing here, so that nobody waits for it.
func (a *App) unbound(stroke string) {
	a.band.pass(entry{time: a.env.Now(), Notice: page.Notice{
		Level: feed.Muted, Text: stroke + " does nothing here", Do: a.env.Keys.Key(keys.Global, "help") + " shows what does",
	}})
}

// global tells whether a key is the shell's own on every page.
func (a *App) global(name string) bool {
	return name != "back" && slices.ContainsFunc(a.env.Keys.In(keys.Global), func(b keys.Binding) bool { return b.Name == name })
}

func (a *App) act(name string, msg tea.KeyPressMsg) tea.Cmd {
	switch name {
	case "find":
		a.over = nil
		a.goTab(0)
		a.explorer.Find()
	case "command":
		a.line.start("")
	case "help":
		return a.help()
	case "close":
		return a.close()
	case "last":
		return a.last()
	case "next-tab":
		a.goTab((a.active + 1) % (len(a.tabs) + 1))
	case "prev-tab":
		a.goTab((a.active + len(a.tabs)) % (len(a.tabs) + 1))
	case "stop":
		if r, ok := a.front().(page.Runner); ok && r.Running() {
			return a.front().Update(msg)
		}
		return a.stop()
	case "read":
		a.band.read()
	case "mouse":
		a.mouse = !a.mouse
		if a.mouse {
			a.say(page.Notice{Level: feed.Info, Text: "the mouse is the console's: click, wheel, drag a split"})
		} else {
			a.say(page.Notice{Level: feed.Info, Text: "the mouse is the terminal's: it selects text"})
		}
	case "redraw":
		return tea.ClearScreen
	}
	return nil
}

// paste goes where text goes, and to find where no input has the focus: callers
// give addresses.
func (a *App) paste(msg tea.PasteMsg) tea.Cmd {
	switch {
	case len(a.dialogs) > 0:
		return a.toDialog(msg)
	case a.line.open:
		a.line.edit(msg)
		return nil
	case !a.typing():
		a.goTab(0)
	}
	return a.front().Update(msg)
}

func (a *App) push(d dialog.Dialog) { a.dialogs = append(a.dialogs, d) }

func (a *App) toDialog(msg tea.Msg) tea.Cmd {
	d := a.dialogs[len(a.dialogs)-1]
	cmd, done := d.Update(msg)
	if done {
		a.dialogs = slices.DeleteFunc(a.dialogs, func(o dialog.Dialog) bool { return o == d })
	}
	return cmd
}

// open puts a page of text in front.
func (a *App) open(r page.Read) tea.Cmd {
	p, cmd := text.New(a.env, r)
	a.over = append(a.over, p)
	return cmd
}

// openFleet puts the page of the agents in front.
func (a *App) openFleet() tea.Cmd {
	for i, p := range a.over {
		if _, ok := p.(*fleet.Page); ok {
			a.over = a.over[:i+1]
			return nil
		}
	}
	p, cmd := fleet.New(a.ctx, a.env)
	a.over = append(a.over, p)
	return cmd
}

// goTab brings a tab to the front.
func (a *App) goTab(i int) {
	a.jumped = false
	if i != a.active {
		a.lastTab, a.active = a.active, i
	}
	a.over = nil
}

// last goes back to what was in front before: below a page of text that is its
// tab, after a jump the object it came from, else the tab before this one.
func (a *App) last() tea.Cmd {
	switch n := len(a.over); {
	case n > 0:
		a.over = a.over[:n-1]
	case a.jumped:
		cmd, more := a.explorer.Return()
		a.jumped = more
		return cmd
	case a.lastTab <= len(a.tabs):
		a.goTab(a.lastTab)
	}
	return nil
}

// closeBench asks to take a workspace away.
type closeBench struct{ bench *bench }

// quitMsg asks to leave.
type quitMsg struct{}

// close leaves the page in front; the explorer is the last, and leaving it is
// to quit.
func (a *App) close() tea.Cmd {
	if n := len(a.over); n > 0 {
		a.over = a.over[:n-1]
		return nil
	}
	if p, ok := a.front().(*path.Page); ok {
		return a.leavePath(p)
	}
	b := a.bench()
	if b == nil {
		return a.quit(true)
	}
	if detail := losses(b.live(), a.unsaved(b)); detail != "" {
		a.push(dialog.NewQuestion(a.env.Theme, page.Ask{Question: "Close this workspace?", Detail: detail, Yes: closeBench{b}}))
		return nil
	}
	return a.dropBench(b)
}

// losses says what closing something would end and lose, "" for nothing.
func losses(live, unsaved int) string {
	var out []string
	switch {
	case live == 1:
		out = append(out, "One probe runs; it is stopped, and what it changed is undone.")
	case live > 1:
		out = append(out, "Probes run; they are stopped, and what they changed is undone.")
	}
	switch {
	case unsaved == 1:
		out = append(out, "One packet was not saved and will be gone.")
	case unsaved > 1:
		out = append(out, page.Count(unsaved)+" packets were not saved and will be gone.")
	}
	return strings.Join(out, " ")
}

func (a *App) dropBench(b *bench) tea.Cmd {
	if !slices.Contains(a.tabs, page.Page(b)) {
		return nil
	}
	b.Close()
	a.dropTab(b)
	return letGo(b.hold)
}

// stop is ctrl+c where nothing in front runs.
func (a *App) stop() tea.Cmd { return a.quit(true) }

// quit leaves at once, or asks first: always where ask is set, and where
// something would be lost.
func (a *App) quit(ask bool) tea.Cmd {
	unsaved := 0
	for _, b := range a.benches() {
		unsaved += a.unsaved(b)
	}
	live := len(a.runs.live)
	for _, p := range a.pathPages() {
		if unsaved += p.Unsaved(); p.Running() && !p.Recorded() {
			live++
		}
	}
	detail := losses(live, unsaved)
	if detail == "" && !ask {
		a.quitting = true
		return nil
	}
	a.push(dialog.NewQuestion(a.env.Theme, page.Ask{Question: "Leave Steth?", Detail: detail, Yes: quitMsg{}}))
	return nil
}

// fail says an error, if there is one.
func (a *App) fail(err error) tea.Cmd {
	if err != nil {
		a.say(page.Notice{Level: feed.Bad, Text: err.Error()})
	}
	return nil
}

// refuse says why what was just typed is not done, if there is an error: the
// engineer looks at it now, and later it is of no use.
func (a *App) refuse(err error) tea.Cmd {
	if err != nil {
		a.say(page.Notice{Level: feed.Bad, Text: err.Error(), Brief: true})
	}
	return nil
}

// saved is the answer to a save.
type saved struct {
	what pane.SaveMsg
	path string
	err  error
}

func (a *App) save(what pane.SaveMsg) tea.Cmd {
	return func() tea.Msg {
		path, err := a.env.Backend.Save(a.ctx, what.Feeds)
		return saved{what, path, err}
	}
}

func (a *App) saved(msg saved) {
	if msg.err != nil {
		a.say(page.Notice{Level: feed.Bad, Text: "not saved: " + msg.err.Error()})
		return
	}
	for _, b := range a.benches() {
		b.Saved(msg.what)
	}
	a.say(page.Notice{Level: feed.Good, Text: "saved " + msg.path})
}

// live counts the runs of the workspace that go on.
func (b *bench) live() int {
	n := 0
	for _, r := range b.runs {
		if _, ended := r.Finding(); !ended {
			n++
		}
	}
	return n
}

// mouseAt hands a mouse event on, with coordinates of the page's own.
func (a *App) mouseAt(msg tea.MouseMsg) tea.Cmd {
	m := msg.Mouse()
	if n := len(a.dialogs); n > 0 {
		return a.toDialog(moved(msg, -a.places.boxX, -a.places.boxY))
	}
	if _, click := msg.(tea.MouseClickMsg); click && a.places.tabsY > 0 && m.Y == a.places.tabsY {
		for i, s := range a.places.tabs {
			if m.X >= s.from && m.X < s.to {
				a.goTab(i)
			}
		}
		return nil
	}
	if m.Y < a.places.pageY || m.Y >= a.places.pageY+a.places.pageH {
		if _, release := msg.(tea.MouseReleaseMsg); !release {
			return nil
		}
	}
	return a.front().Update(moved(msg, 0, -a.places.pageY))
}

// moved is the same event seen from another corner.
func moved(msg tea.MouseMsg, dx, dy int) tea.Msg {
	m := msg.Mouse()
	m.X, m.Y = m.X+dx, m.Y+dy
	switch msg.(type) {
	case tea.MouseClickMsg:
		return tea.MouseClickMsg(m)
	case tea.MouseReleaseMsg:
		return tea.MouseReleaseMsg(m)
	case tea.MouseWheelMsg:
		return tea.MouseWheelMsg(m)
	}
	return tea.MouseMotionMsg(m)
}
