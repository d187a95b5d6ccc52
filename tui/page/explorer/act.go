package explorer

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/part"
)

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
