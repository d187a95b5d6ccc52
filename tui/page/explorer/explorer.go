// Package explorer is the page that opens first: find on top, lists of the
// inventory by kind, and on the right what the selected object is.
package explorer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/tui/backend"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/part"
)

// bigList is from how many rows on a list is prepared for searching outside
// the screen's own goroutine.
const bigList = 4000

// retries are the pauses after which an API that does not answer is asked again.
var retries = [...]time.Duration{5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}

// Explorer is the page.
type Explorer struct {
	env  *page.Env
	ctx  context.Context
	snap *openstack.Snapshot

	kind   openstack.Kind
	lists  map[openstack.Kind]*list
	within openstack.Object // only its ports show
	from   openstack.Kind   // where to go back to from within
	past   []place          // where jumps came from, the last one last

	find    finder
	filter  *part.Input
	details *part.Text
	shownOf string // what details shows; "" to make it afresh
	topOf   string // what details was last scrolled for
	kin     kin
	way     way

	load  loading
	focus focus
	width int
	hot   layout
	tabs  []span // of the kinds, for the mouse
}

// focus says where keys go.
type focus uint8

const (
	onList focus = iota
	onFind
	onFilter
)

// layout remembers where things were drawn, for the mouse.
type layout struct{ findY, tabsY, listY, listW, detailsX int }

type span struct {
	from, to int
	kind     openstack.Kind
}

// list is the table of one kind.
type list struct {
	table *part.Table
	rows  *rows
}

// loading is how reading the inventory goes.
type loading struct {
	seq     uint64
	running bool
	since   time.Time
	partial atomic.Pointer[openstack.Snapshot]
	err     string // the API does not answer: why
	tries   int
	retry   time.Time
	took    time.Duration
	kinds   []openstack.Kind
}

// New makes the explorer, with the cursor in find. ctx ends its requests.
func New(ctx context.Context, env *page.Env) *Explorer {
	e := &Explorer{
		env: env, ctx: ctx, kind: openstack.KindPort, lists: map[openstack.Kind]*list{},
		find: finder{input: part.NewInput("address, MAC, name or id")}, filter: part.NewInput(""),
		details: part.NewText(env.Theme, label), snap: env.Backend.Snapshot(),
	}
	e.Find()
	e.show()
	return e
}

// Title implements [page.Page].
func (e *Explorer) Title() string { return "explorer" }

// Scope implements [page.Page].
func (e *Explorer) Scope() string { return keys.Explorer }

// Dirty implements [page.Page]: while the inventory is read, what has come so
// far shows.
func (e *Explorer) Dirty() bool { return e.takePartial() }

// Find puts the cursor into find. The text of an earlier search is marked, so
// that the next one replaces it.
func (e *Explorer) Find() {
	e.focus = onFind
	e.filter.Blur()
	e.find.input.Focus()
	e.find.input.Select()
}

// FindText looks text up as if it had been typed.
func (e *Explorer) FindText(text string) tea.Cmd {
	e.find.input.Set(text)
	return e.search()
}

// Show brings a kind to the front, with a filter.
func (e *Explorer) Show(kind openstack.Kind, filter string) tea.Cmd {
	e.leaveInput()
	e.within, e.past = nil, nil
	cmd := e.to(kind)
	if filter != "" {
		e.narrow(filter, false)
	}
	return cmd
}

// place is what the explorer shows: an object under the cursor, and what narrows
// its list.
type place struct {
	kind   openstack.Kind
	id     string
	within openstack.Object
	from   openstack.Kind
	filter string
	invert bool
}

// Jump goes to an object in its whole list, and [Explorer.Return] from there to
// what shows now.
func (e *Explorer) Jump(kind openstack.Kind, id string) tea.Cmd {
	if o := e.Selected(); o != nil {
		text, invert := e.list().table.Filter()
		e.past = append(e.past, place{e.kind, o.ObjectID(), e.within, e.from, text, invert})
	}
	cmd := e.Goto(kind, id)
	e.narrow("", false)
	return cmd
}

// narrow filters the list in front.
func (e *Explorer) narrow(text string, invert bool) {
	e.filter.Set(text)
	e.list().table.SetFilter(text, invert)
}

// Return goes back to where the last jump came from; ok is false where there
// was none.
func (e *Explorer) Return() (cmd tea.Cmd, ok bool) {
	n := len(e.past)
	if n == 0 {
		return nil, false
	}
	p := e.past[n-1]
	e.past = e.past[:n-1]
	e.leaveInput()
	e.within, e.from = p.within, p.from
	cmd = e.to(p.kind)
	e.narrow(p.filter, p.invert)
	e.list().table.Goto(p.id)
	return cmd, true
}

// Goto shows an object.
func (e *Explorer) Goto(kind openstack.Kind, id string) tea.Cmd {
	e.leaveInput()
	e.within = nil
	cmd := e.to(kind)
	e.list().table.Goto(id)
	return cmd
}

func (e *Explorer) leaveInput() {
	e.focus = onList
	e.find.input.Blur()
	e.filter.Blur()
}

// to brings a kind to the front.
func (e *Explorer) to(kind openstack.Kind) tea.Cmd {
	e.kind = kind
	cmd := e.show()
	text, _ := e.list().table.Filter()
	e.filter.Set(text)
	return cmd
}

func (e *Explorer) list() *list {
	l := e.lists[e.kind]
	if l == nil {
		l = &list{}
		l.rows = newRows(e.env, openstack.NewSnapshot(), e.kind, nil)
		l.table = part.NewTable(e.env.Theme, l.rows.columns())
		l.table.SortBy(l.rows.cols[0].Title)
		l.table.SetRows(l.rows, nil)
		e.lists[e.kind] = l
	}
	return l
}

// prepared is a list made ready outside the screen's goroutine.
type prepared struct {
	e    *Explorer
	kind openstack.Kind
	rows *rows
	hay  []string
}

// show fills the list in front from the snapshot. A very long one is made
// ready in a command, and the old rows stay until then.
func (e *Explorer) show() tea.Cmd {
	l := e.list()
	e.shownOf = ""
	r := newRows(e.env, e.snap, e.kind, e.within)
	if r.Len() < bigList {
		l.rows = r
		l.table.SetRows(r, nil)
		return nil
	}
	kind := e.kind
	return func() tea.Msg { return prepared{e, kind, r, part.Haystacks(r, len(r.cols))} }
}

// Selected is the object under the cursor, nil without one.
func (e *Explorer) Selected() openstack.Object {
	l := e.list()
	if row := l.table.Row(); row >= 0 {
		return l.rows.objects[row]
	}
	return nil
}

// Target is the object under the cursor as probes name it.
func (e *Explorer) Target() (probes.Target, bool) {
	o := e.Selected()
	if o == nil {
		return probes.Target{}, false
	}
	return page.Target(e.snap, o), true
}

// Snapshot is the inventory that shows.
func (e *Explorer) Snapshot() *openstack.Snapshot { return e.snap }

// Loading tells whether the inventory is being read.
func (e *Explorer) Loading() bool { return e.load.running }

// loaded is the answer to Refresh.
type loaded struct {
	e    *Explorer
	seq  uint64
	snap *openstack.Snapshot
	err  error
	took time.Duration
}

// Refresh reads kinds again, all when there are none; the screen goes on with
// what it has. A second call while one runs does nothing.
func (e *Explorer) Refresh(kinds ...openstack.Kind) tea.Cmd {
	if e.load.running {
		return nil
	}
	if len(kinds) == 0 {
		kinds = openstack.Kinds()
	}
	e.load.seq++
	e.load.running, e.load.since, e.load.kinds = true, e.env.Now(), kinds
	e.load.retry = time.Time{}
	seq, started := e.load.seq, e.load.since
	return func() tea.Msg {
		snap, err := e.env.Backend.Refresh(e.ctx, kinds, func(s *openstack.Snapshot) { e.load.partial.Store(s) })
		return loaded{e, seq, snap, err, e.env.Now().Sub(started)}
	}
}

// takePartial shows what has arrived of a Refresh.
func (e *Explorer) takePartial() bool {
	s := e.load.partial.Swap(nil)
	if s == nil || !e.load.running {
		return false
	}
	e.snap = s
	if len(s.List(e.kind)) < bigList {
		e.show()
	}
	return true
}

// Tick is called about once a second: ages move on, and an API that was down
// is asked again.
func (e *Explorer) Tick(now time.Time) tea.Cmd {
	e.shownOf = ""
	if !e.load.retry.IsZero() && now.After(e.load.retry) {
		return e.Refresh(e.load.kinds...)
	}
	return nil
}

// took takes the answer of a Refresh.
func (e *Explorer) took(msg loaded) tea.Cmd {
	if msg.seq != e.load.seq {
		return nil
	}
	e.load.running = false
	e.load.partial.Store(nil)
	if msg.snap != nil {
		e.snap = msg.snap
	}
	cmds := []tea.Cmd{e.show()}
	if msg.err != nil {
		if errors.Is(msg.err, context.Canceled) {
			return nil
		}
		do := e.reach("refresh") + " asks again"
		if !backend.Permanent(msg.err) {
			do = "what is on the screen stays; Steth asks again by itself, " + e.reach("refresh") + " asks now"
			e.load.retry = e.env.Now().Add(retries[min(e.load.tries, len(retries)-1)])
			e.load.tries++
		}
		if e.load.err != msg.err.Error() { // once, not at every try
			cmds = append(cmds, page.Say(page.Notice{Level: feed.Bad, Text: msg.err.Error(), Do: do}))
		}
		e.load.err = msg.err.Error()
		return tea.Batch(cmds...)
	}
	if e.load.err != "" {
		cmds = append(cmds, page.Say(page.Notice{Level: feed.Good, Text: "the API answers again"}))
	}
	e.load.err, e.load.tries, e.load.took = "", 0, msg.took
	cmds = append(cmds, page.Say(Loaded{}))
	return tea.Batch(cmds...)
}

// reach is what to press for one of the page's keys: where an input has the
// focus, it is left first.
func (e *Explorer) reach(name string) string {
	key := e.env.Keys.Key(e.Scope(), name)
	if e.focus != onList {
		return "esc " + key
	}
	return key
}

// Loaded tells the shell that the inventory was read.
type Loaded struct{}

// FindingsChanged draws afresh what findings colour.
func (e *Explorer) FindingsChanged() { e.shownOf = "" }

// ThemeChanged draws afresh what holds colours.
func (e *Explorer) ThemeChanged() { e.shownOf, e.way = "", way{} }

// Update implements [page.Page].
func (e *Explorer) Update(msg tea.Msg) tea.Cmd {
	cmd := e.update(msg)
	return tea.Batch(cmd, e.relate())
}

func (e *Explorer) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case page.SortBy:
		if t := e.list().table; msg.Table == t {
			t.SortBy(msg.Title)
		}
	case kin:
		if msg.snap == e.snap && msg.key == e.selectedKey() {
			e.kin, e.shownOf = msg, ""
		}
	case loaded:
		if msg.e == e {
			return e.took(msg)
		}
	case found:
		if msg.e == e {
			return e.arrived(msg)
		}
	case prepared:
		if msg.e == e && msg.rows.snap == e.snap {
			l := e.lists[msg.kind]
			l.rows = msg.rows
			l.table.SetRows(msg.rows, msg.hay)
			e.shownOf = ""
		}
	case tea.KeyPressMsg:
		return e.key(msg)
	case tea.PasteMsg:
		return e.paste(msg)
	case tea.MouseWheelMsg:
		e.wheel(msg)
	case tea.MouseClickMsg:
		return e.click(msg)
	}
	return nil
}

func (e *Explorer) key(msg tea.KeyPressMsg) tea.Cmd {
	switch e.focus {
	case onFind:
		return e.findKey(msg)
	case onFilter:
		return e.filterKey(msg)
	}
	name, ok := e.env.Keys.Lookup(keys.Explorer, msg.String())
	if !ok {
		return nil
	}
	if e.moved(name) {
		return nil
	}
	return e.act(name)
}

// moved handles the keys that only move.
func (e *Explorer) moved(name string) bool {
	t := e.list().table
	switch name {
	case "down", "next-hit":
		t.Move(1)
	case "up", "prev-hit":
		t.Move(-1)
	case "half-down":
		t.Move(t.Page() / 2)
	case "half-up":
		t.Move(-t.Page() / 2)
	case "page-down":
		t.Move(t.Page())
	case "page-up":
		t.Move(-t.Page())
	case "top":
		t.Top()
	case "bottom":
		t.Bottom()
	default:
		return false
	}
	return true
}

func (e *Explorer) act(name string) tea.Cmd {
	t := e.list().table
	switch name {
	case "filter":
		e.focus = onFilter
		e.filter.Focus()
		return nil
	case "invert":
		text, invert := t.Filter()
		t.SetFilter(text, !invert)
		return nil
	case "mark":
		t.Mark()
		return nil
	case "sort":
		return page.ChooseSort(e.env.Theme, t)
	case "wide":
		t.ToggleWide()
		return nil
	case "refresh":
		return e.Refresh()
	case "next-kind":
		return e.step(1)
	case "prev-kind":
		return e.step(-1)
	case "back":
		return e.back()
	}
	if list := e.marked(); len(list) > 0 && (name == "probe" || name == "capture" || name == "path") {
		return e.on(name, list[0], list[1:]...)
	}
	o := e.Selected()
	if o == nil {
		return page.Say(page.Notice{Level: feed.Info, Text: "nothing is selected here"})
	}
	return e.on(name, o)
}

// marked lists the marked objects of the list in front that are still there.
func (e *Explorer) marked() []openstack.Object {
	var out []openstack.Object
	for _, id := range e.list().table.Marked() {
		if o, ok := e.snap.Get(e.kind, id); ok {
			out = append(out, o)
		}
	}
	return out
}

// on does what a key asks of an object; a probe is asked about the others too.
func (e *Explorer) on(name string, o openstack.Object, others ...openstack.Object) tea.Cmd {
	target := page.Target(e.snap, o)
	var also []probes.Target
	for _, other := range others {
		also = append(also, page.Target(e.snap, other))
	}
	switch name {
	case "probe":
		return page.Say(page.Pick{Target: target, Also: also})
	case "capture":
		for _, p := range e.env.Backend.Probes(o.ObjectKind()) {
			if p.Name == "cap.device" {
				return page.Say(page.Pick{Target: target, Also: also, Probe: p})
			}
		}
		one, _ := page.Words(o.ObjectKind())
		return page.Say(page.Notice{Level: feed.Warn, Brief: true, Text: "a " + one + " has no device to capture on", Do: "enter lists the ports behind it"})
	case "path":
		return e.path(o, others)
	case "repeat":
		return page.Say(page.Repeat{Target: target})
	case "open":
		return e.open(o)
	case "describe":
		return e.describe(o)
	case "raw":
		kind, id := o.ObjectKind(), o.ObjectID()
		return page.Say(page.Read{Title: target.Name + " JSON", Load: func() ([]part.Spans, error) {
			text, err := e.env.Backend.Raw(e.ctx, kind, id)
			return jsonLines(e.env.Theme, text), err
		}})
	case "jump":
		return e.jump(o)
	case "copy-id":
		if ids := e.list().table.Marked(); len(ids) > 0 {
			return page.Say(page.Copy{Text: strings.Join(ids, "\n") + "\n", What: strconv.Itoa(len(ids)) + " marked ids"})
		}
		return page.Say(page.Copy{Text: o.ObjectID(), What: "the id of " + target.Name})
	case "copy-command":
		return page.Say(page.Copy{Text: fmt.Sprintf("steth show %s %s", o.ObjectKind(), probes.Quote(o.ObjectID())), What: "the command"})
	}
	return nil
}

// open goes to the ports behind an object; a port is described.
func (e *Explorer) open(o openstack.Object) tea.Cmd {
	if o.ObjectKind() == openstack.KindPort {
		return e.describe(o)
	}
	e.from, e.within = e.kind, o
	return e.to(openstack.KindPort)
}

// back lifts what narrows the view, the nearest first.
func (e *Explorer) back() tea.Cmd {
	t := e.list().table
	switch text, _ := t.Filter(); {
	case text != "":
		e.narrow("", false)
	case len(t.Marked()) > 0:
		t.Unmark()
	case e.within != nil:
		id := e.within.ObjectID()
		e.within = nil
		e.show() // the ports again, for when one comes back to them
		cmd := e.to(e.from)
		e.list().table.Goto(id)
		return cmd
	default:
		cmd, _ := e.Return()
		return cmd
	}
	return nil
}

func (e *Explorer) step(n int) tea.Cmd {
	kinds := openstack.Kinds()
	for i, k := range kinds {
		if k == e.kind {
			e.within, e.past = nil, nil
			return e.to(kinds[(i+n+len(kinds))%len(kinds)])
		}
	}
	return nil
}

// jump offers the related objects.
func (e *Explorer) jump(o openstack.Object) tea.Cmd {
	th := e.env.Theme
	var options []page.Option
	for _, r := range e.snap.Related(o) {
		options = append(options, page.Option{
			Text: page.Cells{
				{{Style: th.Muted, Text: r.Label}},
				{{Style: th.Strong, Text: e.snap.DisplayName(r.Object)}},
				{page.Sign(th, e.snap.State(r.Object).Level), {Style: th.Muted, Text: " " + e.snap.State(r.Object).Word}},
			},
			Msg: page.Goto{Kind: r.Object.ObjectKind(), ID: r.Object.ObjectID()},
		})
	}
	if len(options) == 0 {
		return page.Say(page.Notice{Level: feed.Info, Text: "nothing in the inventory is related to " + e.snap.DisplayName(o)})
	}
	return page.Say(page.Choose{Title: "related to " + e.snap.DisplayName(o), Options: options})
}

func (e *Explorer) filterKey(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "enter", "down":
		e.leaveInput()
	case "esc":
		e.leaveInput()
		e.narrow("", false)
	default:
		e.filterBy(msg)
	}
	return nil
}

func (e *Explorer) filterBy(msg tea.Msg) {
	if e.filter.Update(msg) {
		_, invert := e.list().table.Filter()
		e.list().table.SetFilter(e.filter.Value(), invert)
	}
}

func (e *Explorer) paste(msg tea.PasteMsg) tea.Cmd {
	if e.focus == onFilter {
		e.filterBy(msg)
		return nil
	}
	if e.focus == onList { // what is pasted onto a list is looked for
		e.find.input.Set("")
		e.Find()
	}
	text := strings.TrimRight(msg.Content, "\r\n")
	e.find.input.Update(tea.PasteMsg{Content: strings.TrimLeft(text, " \t\r\n")})
	e.find.note, e.find.trail = "", nil
	if text != msg.Content { // a line was copied, with its end
		return e.search()
	}
	return nil
}

func (e *Explorer) wheel(msg tea.MouseWheelMsg) {
	n := 3
	if msg.Button == tea.MouseWheelUp {
		n = -3
	}
	if e.hot.detailsX > 0 && msg.X >= e.hot.detailsX {
		e.details.Move(n)
		return
	}
	e.list().table.Scroll(n)
}

func (e *Explorer) click(msg tea.MouseClickMsg) tea.Cmd {
	switch {
	case msg.Y == e.hot.findY:
		e.Find()
	case msg.Y == e.hot.tabsY:
		for _, s := range e.tabs {
			if msg.X >= s.from && msg.X < s.to {
				e.leaveInput()
				e.within, e.past = nil, nil
				return e.to(s.kind)
			}
		}
	case msg.Y >= e.hot.listY && msg.X < e.hot.listW:
		e.leaveInput()
		e.list().table.Click(msg.Y - e.hot.listY)
	}
	return nil
}
