// Package explorer is the page that opens first: find on top, lists of the
// inventory by kind, and on the right what the selected object is.
package explorer

import (
	"context"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/openstack"
	"steth/probes"
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

// FindingsChanged draws afresh what findings colour.
func (e *Explorer) FindingsChanged() { e.shownOf = "" }

// ThemeChanged draws afresh what holds colours.
func (e *Explorer) ThemeChanged() { e.shownOf, e.way = "", way{} }
