package explorer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"steth/openstack"
	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

const (
	// detailsFrom is the width from which on details stand beside the list.
	detailsFrom = 110
	// airyFrom is the height from which on blank lines set things apart.
	airyFrom = 30
	// old is the age from which on data tells how old it is.
	old = 2 * time.Minute
	// findAt is the column at which the text of find begins.
	findAt = 8
)

// View implements [page.Page].
func (e *Explorer) View(width, height int) string {
	e.takePartial()
	e.width = width
	th := e.env.Theme
	lines := make([]string, 0, height)
	e.hot = layout{findY: 0}
	lines = append(lines, e.findLine(width))
	if height >= airyFrom {
		lines = append(lines, part.NewLine(width, th).String())
	}
	e.hot.tabsY = len(lines)
	tabs, from, to := e.kindTabs(width)
	listW := width
	if width >= detailsFrom {
		listW = width - max(width*3/8, 46) - 2
		e.hot.detailsX = listW + 1
	}
	lines = append(lines, tabs, e.rule(width, listW, from, to))
	e.hot.listY, e.hot.listW = len(lines), listW
	body := height - len(lines) - 1
	left := e.listView(listW, body)
	if listW == width {
		lines = append(lines, left...)
		lines = append(lines, e.foot(width, width))
		return strings.Join(part.Fit(lines, width, height), "\n")
	}
	right := e.detailsView(width-listW-2, body)
	sep := th.Rule.Paint(th.Glyphs.VLine)
	for i := range left {
		lines = append(lines, left[i]+sep+" "+right[i])
	}
	lines = append(lines, e.foot(width, listW))
	return strings.Join(part.Fit(lines, width, height), "\n")
}

// Typing implements [page.Typer].
func (e *Explorer) Typing() (x, y int, ok bool) {
	switch e.focus {
	case onFind:
		_, c := e.find.input.View(e.findRoom(), e.env.Theme.Strong, e.env.Theme)
		return findAt + c, e.hot.findY, true
	case onFilter:
		_, c := e.filter.View(e.filterRoom(), e.env.Theme.Strong, e.env.Theme)
		return 3 + c, e.hot.tabsY, true
	}
	return 0, 0, false
}

// Hints implements [page.Hinter].
func (e *Explorer) Hints() [][2]string {
	if e.focus == onFilter {
		return [][2]string{{"enter", "keep"}, {"esc", "all again"}, {"ctrl+u", "clear"}}
	}
	return [][2]string{{"enter", "look up"}, {"down", "to the list"}, {"ctrl+u", "clear"}}
}

// findRoom leaves the rest of the line to the trail.
func (e *Explorer) findRoom() int {
	n := part.TextWidth(e.find.input.Value()) + 1
	return max(min(max(n, 24), e.width-findAt-2), 1)
}

func (e *Explorer) filterRoom() int { return max(e.width/3, 10) }

func (e *Explorer) findLine(width int) string {
	th := e.env.Theme
	l := part.NewLine(width, th).Skip(1)
	prompt := th.Muted
	if e.focus == onFind {
		prompt = th.Accent
	}
	l.Put(prompt, "find ").Put(prompt, th.Glyphs.Prompt).To(findAt)
	room := e.findRoom()
	text, _ := e.find.input.View(room, th.Strong, th)
	l.Raw(text, room)
	right := e.freshness()
	l.Skip(3)
	rest := max(l.Left()-right.Width()-3, 0)
	l.Cell(e.trailSpans(rest), rest)
	if right.Width()+1 <= l.Left() {
		l.To(width - right.Width() - 1).Spans(right)
	}
	return l.String()
}

// freshness says how the data stands: being read, down, old, or how long the
// API took.
func (e *Explorer) freshness() part.Spans {
	th := e.env.Theme
	now := e.env.Now()
	switch {
	case e.load.running && now.Sub(e.load.since) > 400*time.Millisecond:
		return part.Spans{{Style: th.Muted, Text: "reading " + e.readingWhat() + th.Glyphs.Ellipsis}}
	case e.load.err != "":
		text := th.Glyphs.Broken + " could not be read"
		if !e.load.retry.IsZero() {
			if d := e.load.retry.Sub(now); d > 0 {
				text += ", asked again in " + strconv.Itoa(int(d.Seconds())+1) + " s"
			}
		}
		return part.Spans{{Style: th.Bad, Text: text}}
	}
	if taken := e.snap.Taken[e.kind]; !taken.IsZero() && now.Sub(taken) > old {
		return part.Spans{{Style: th.Muted, Text: "read " + page.Ago(now, taken) + " ago  "}, {Style: th.Accent, Text: e.env.Keys.Key(e.Scope(), "refresh")}}
	}
	took := e.load.took
	if e.find.took > 0 {
		took = e.find.took
	}
	if took > 0 {
		return part.Spans{{Style: th.Muted, Text: "API answered in " + page.Duration(max(took, 100*time.Millisecond))}}
	}
	return nil
}

func (e *Explorer) readingWhat() string {
	if len(e.load.kinds) == 1 {
		return page.Plural(e.load.kinds[0])
	}
	return "the inventory"
}

// kindTabs draws the tabs, or in their place the filter that is being typed,
// and tells from which column to which the active one stands.
func (e *Explorer) kindTabs(width int) (line string, from, to int) {
	th := e.env.Theme
	l := part.NewLine(width, th).Skip(1)
	e.tabs = e.tabs[:0]
	if e.focus == onFilter {
		sign := "/ "
		room := e.filterRoom()
		text, _ := e.filter.View(room, th.Strong, th)
		l.Put(th.Accent, sign).Raw(text, room).Skip(2).Spans(e.counted())
		return l.String(), 1, 3 + room
	}
	kinds := openstack.Kinds()
	for _, shape := range []struct {
		gap    int
		counts bool
		short  bool
	}{{4, true, false}, {2, true, false}, {2, true, true}, {1, false, true}} {
		if e.tabsWidth(kinds, shape.gap, shape.counts, shape.short) > width-2 && shape.gap > 1 {
			continue
		}
		for i, k := range kinds {
			if i > 0 {
				l.Skip(shape.gap)
			}
			s := span{l.Used(), 0, k}
			name, count := e.tabText(k, shape.counts, shape.short)
			style := th.Muted
			if k == e.kind {
				style = th.AccentStrong
			}
			l.Put(style, name+count)
			s.to = l.Used()
			e.tabs = append(e.tabs, s)
			if k == e.kind {
				from, to = s.from, s.to
			}
		}
		break
	}
	if chips := e.chips(); len(chips) > 0 && l.Left() > chips.Width()+2 {
		l.To(width - chips.Width() - 1).Spans(chips)
	}
	return l.String(), from, to
}

func (e *Explorer) tabsWidth(kinds []openstack.Kind, gap int, counts, short bool) int {
	n := 0
	for _, k := range kinds {
		name, count := e.tabText(k, counts, short)
		n += part.TextWidth(name+count) + gap
	}
	if chips := e.chips(); len(chips) > 0 {
		n += chips.Width() + 2
	}
	return n - gap
}

func (e *Explorer) tabText(k openstack.Kind, counts, short bool) (name, count string) {
	_, name = page.Words(k)
	if short {
		name = map[openstack.Kind]string{
			openstack.KindNetwork: "Nets", openstack.KindSubnet: "Subn", openstack.KindServer: "Srv", openstack.KindRouter: "Rtr",
			openstack.KindFloatingIP: "FIPs", openstack.KindSecurityGroup: "SGs", openstack.KindAgent: "Neutron",
		}[k]
		if name == "" {
			_, name = page.Words(k)
		}
	}
	if !counts {
		return name, ""
	}
	n := e.count(k)
	if n == 0 && e.snap.Missing[k] != "" {
		return name, " " + e.env.Theme.Glyphs.Unknown
	}
	if _, taken := e.snap.Taken[k]; !taken && n == 0 {
		return name, " " + e.env.Theme.Glyphs.None
	}
	return name, " " + strconv.Itoa(n)
}

func (e *Explorer) count(k openstack.Kind) int {
	switch k {
	case openstack.KindNode:
		return len(e.snap.Nodes)
	case openstack.KindNetwork:
		return len(e.snap.Networks)
	case openstack.KindSubnet:
		return len(e.snap.Subnets)
	case openstack.KindPort:
		return len(e.snap.Ports)
	case openstack.KindServer:
		return len(e.snap.Servers)
	case openstack.KindRouter:
		return len(e.snap.Routers)
	case openstack.KindFloatingIP:
		return len(e.snap.FloatingIPs)
	case openstack.KindSecurityGroup:
		return len(e.snap.SecurityGroups)
	case openstack.KindAgent:
		return len(e.snap.Agents)
	}
	return 0
}

// chips say what esc lifts: an object whose ports show, marks, a filter; or
// where it goes back to.
func (e *Explorer) chips() part.Spans {
	th := e.env.Theme
	var out part.Spans
	if e.within != nil {
		one, _ := page.Words(e.within.ObjectKind())
		out = append(out, part.Span{Style: th.Muted, Text: "of " + one + " "}, part.Span{Style: th.Strong, Text: e.snap.DisplayName(e.within)})
	}
	gap := func() {
		if len(out) > 0 {
			out = append(out, part.Span{Text: "   "})
		}
	}
	if n := len(e.list().table.Marked()); n > 0 {
		gap()
		out = append(out, part.Span{Style: th.Accent, Text: "*"}, part.Span{Style: th.Strong, Text: " " + strconv.Itoa(n) + " marked"})
	}
	if text, _ := e.list().table.Filter(); text != "" {
		gap()
		out = append(out, e.counted()...)
	}
	if n := len(e.past); n > 0 && len(out) == 0 {
		if o, ok := e.snap.Get(e.past[n-1].kind, e.past[n-1].id); ok {
			out = append(out, part.Span{Style: th.Muted, Text: "from "}, part.Span{Style: th.Strong, Text: e.snap.DisplayName(o)})
		}
	}
	if len(out) > 0 {
		out = append(out, part.Span{Style: th.Accent, Text: "  esc"})
	}
	return out
}

// counted says how many rows pass the filter.
func (e *Explorer) counted() part.Spans {
	th := e.env.Theme
	t := e.list().table
	text, invert := t.Filter()
	not := ""
	if invert {
		not = "not "
	}
	count := strconv.Itoa(t.Len()) + " of " + strconv.Itoa(t.Total())
	if e.focus == onFilter {
		return part.Spans{{Style: th.Muted, Text: not + count}}
	}
	return part.Spans{{Style: th.Muted, Text: "/ " + not}, {Style: th.Strong, Text: text}, {Style: th.Muted, Text: " " + count}}
}

// rule is the line under the tabs, heavy under the active one, with a tee
// where the line beside the details begins.
func (e *Explorer) rule(width, listW, from, to int) string {
	th := e.env.Theme
	return ruled(th, width, listW, th.Glyphs.TeeDown, from, to)
}

func ruled(th *themes.Theme, width, tee int, sign string, from, to int) string {
	var b strings.Builder
	piece := func(style themes.Style, glyph string, n int) {
		if n > 0 {
			b.WriteString(style.Paint(strings.Repeat(glyph, n)))
		}
	}
	to = min(to, width)
	from = min(from, to)
	thin := func(a, z int) {
		if tee >= a && tee < z {
			piece(th.Rule, th.Glyphs.HLine, tee-a)
			piece(th.Rule, sign, 1)
			piece(th.Rule, th.Glyphs.HLine, z-tee-1)
			return
		}
		piece(th.Rule, th.Glyphs.HLine, z-a)
	}
	thin(0, from)
	piece(th.Accent, th.Glyphs.HeavyLine, to-from)
	thin(to, width)
	return b.String()
}

// foot is the line under the list; it says which rows show where not all do.
func (e *Explorer) foot(width, listW int) string {
	th := e.env.Theme
	t := e.list().table
	first, last, total := t.Position()
	if total <= t.Page() {
		return ruled(th, width, listW, th.Glyphs.TeeUp, 0, 0)
	}
	at := fmt.Sprintf(" %d-%d of %d ", first, last, total)
	before := listW - len(at) - 1
	if listW == width {
		before--
	}
	l := part.NewLine(width, th).Raw(part.Rule(before, th), before).Put(th.Muted, at)
	rest := width - before - len(at)
	return l.Raw(ruled(th, rest, listW-before-len(at), th.Glyphs.TeeUp, 0, 0), rest).String()
}

// listView draws the table, or in its place why there is nothing.
func (e *Explorer) listView(width, height int) []string {
	l := e.list()
	l.table.Grey = e.load.err != ""
	lines := l.table.View(width, height, e.focus != onFind || e.find.input.Value() == "" || len(e.find.trail) > 0)
	if l.table.Len() > 0 {
		if why := e.snap.Missing[e.kind]; why != "" && height > 4 {
			return e.say(lines, min(l.table.Len()+2, height-2), width, "some are missing: "+why, true)
		}
		return lines
	}
	many := page.Plural(e.kind)
	text, _ := l.table.Filter()
	switch {
	case e.snap.Missing[e.kind] != "":
		return e.say(lines, 2, width, e.snap.Missing[e.kind], true)
	case text != "":
		return e.say(lines, 2, width, "no "+many+" match; esc lifts the filter", false)
	case e.load.running:
		return e.say(lines, 2, width, "reading the "+many+" "+e.env.Theme.Glyphs.Ellipsis+" find works meanwhile", false)
	case e.snap.Taken[e.kind].IsZero():
		return e.say(lines, 2, width, "not read yet; "+e.env.Keys.Key(e.Scope(), "refresh")+" reads them, find asks for one", false)
	case e.within != nil:
		return e.say(lines, 2, width, "it has no "+many, false)
	}
	return e.say(lines, 2, width, "the cloud has no "+many+" that this user may see", false)
}

// say writes a sentence over the lines from at on.
func (e *Explorer) say(lines []string, at, width int, text string, trouble bool) []string {
	th := e.env.Theme
	spans := part.Spans{{Style: th.Muted, Text: text}}
	if trouble {
		spans = append(part.Spans{{Style: th.Warn, Text: th.Glyphs.Unknown + " "}}, spans...)
	}
	for i, w := range part.Wrap(spans, max(min(width-3, 76), 1), 2) {
		if at+i < len(lines) {
			lines[at+i] = part.NewLine(width, th).Skip(1).Spans(w).String()
		}
	}
	return lines
}

// detailsView draws the right side.
func (e *Explorer) detailsView(width, height int) []string {
	o := e.Selected()
	if o == nil {
		return part.Fit(nil, width, height)
	}
	key := e.selectedKey()
	if e.topOf != key {
		e.details.Top()
		e.topOf = key
	}
	if e.shownOf != key {
		e.details.Set(append(append(e.heading(o), part.Spans{}), e.lines(o, false)...))
		e.shownOf = key
	}
	return e.details.View(width, height)
}
