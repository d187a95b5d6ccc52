package path

import (
	"fmt"
	"strconv"
	"strings"

	"steth/openstack"
	"steth/packets/match"
	"steth/probes"
	"steth/probes/follow"
	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

// hopTable is the list of hops: which one is selected, and which are marked.
type hopTable struct {
	cursor, top, height int
	marked              map[int]bool
}

func newHopTable() hopTable { return hopTable{height: 1} }

func (t *hopTable) move(by, of int) {
	t.cursor = max(min(t.cursor+by, of-1), 0)
}

func (t *hopTable) mark(of int) {
	if t.marked == nil {
		t.marked = map[int]bool{}
	}
	if t.marked[t.cursor] = !t.marked[t.cursor]; !t.marked[t.cursor] {
		delete(t.marked, t.cursor)
	}
	t.move(1, of)
}

// scroll keeps the cursor on the screen.
func (t *hopTable) scroll(height, of int) {
	t.height = max(height, 1)
	t.top = min(t.top, t.cursor)
	t.top = max(t.top, t.cursor-t.height+1)
	t.top = max(min(t.top, of-t.height), 0)
}

// show puts a range of hops on the screen, its end rather than its start.
func (t *hopTable) show(from, to, of int) {
	t.top = min(t.top, from)
	t.top = max(min(max(t.top, to-t.height+1), of-t.height), 0)
}

// The columns of hops, in their order.
const (
	colIndex = iota
	colHost
	colHop
	colWhat
	colSeen
	colOut
	colBack
	colDelay
	colMTU
	colFound
	hopColumns
)

// calm is how much wider than its title the last column gets for hops that are
// as expected, where others ask for room.
const calm = 8

// foundShare is the part of the width that the last column asks for at most: a
// long fault stands in the conclusion, and WHAT must not jump for it.
const foundShare = 2.0 / 5

// hopColumnsOf are the columns with what the hops ask for.
func (p *Page) hopColumnsOf(hops []follow.Hop, cells [][]part.Spans, width int) []column {
	arrow := p.env.Theme.Glyphs.Arrow
	cols := []column{
		colIndex: {title: "#", right: true},
		colHost:  {title: "HOST", least: 4},
		colHop:   {title: "HOP", least: 10, rank: 1},
		colWhat:  {title: "WHAT", least: 12, rank: 5},
		colSeen:  {title: "SEEN BY", rank: 4},
		colOut:   {title: "OUT " + arrow, right: true},
		colBack:  {title: "BACK", right: true},
		colDelay: {title: "+DELAY ms", right: true, rank: 2},
		colMTU:   {title: "MTU", right: true, rank: 4},
		colFound: {title: "EXPECTED AND FOUND", least: 18, rank: 3, fill: true},
	}
	for i, h := range hops {
		for c := range cols {
			n := cells[i][c].Width()
			if v, _ := h.Confirmed(); c == colFound && (v == probes.OK || v == probes.Skip) {
				n = min(n, part.TextWidth(cols[c].title)+calm) // what is well gives way to WHAT
			} else if c == colFound {
				n = min(n, int(float64(width)*foundShare))
			}
			cols[c].want = max(cols[c].want, n)
		}
	}
	for _, c := range []int{colIndex, colSeen, colOut, colBack, colDelay, colMTU} {
		cols[c].least = max(cols[c].want, part.TextWidth(cols[c].title))
	}
	return cols
}

// blame says which hops stand in an interval of loss, and how bad that is: the
// worst one, or another.
type blame struct {
	lost  uint64
	worst bool
	text  string
}

// blames finds the hops where packets were lost.
func blames(hops []follow.Hop, sum match.Summary, back bool) map[int]blame {
	out := map[int]blame{}
	loud := true
	for _, i := range sum.Intervals {
		if i.Direction == match.Back && !back || i.From >= len(hops) || i.To >= len(hops) {
			continue
		}
		low, high := min(i.From, i.To), max(i.From, i.To)
		within := high - low - 1
		where := func(n int) string {
			switch {
			case within == 0 && i.Direction == match.Back:
				return fmt.Sprintf("lost on the way back from %d: %d", hops[i.From].Index, i.Lost)
			case within == 0:
				return fmt.Sprintf("lost on the way from %d: %d", hops[i.From].Index, i.Lost)
			case within == 1:
				return fmt.Sprintf("lost here: %d", i.Lost)
			}
			return fmt.Sprintf("lost in %d to %d: %d", hops[low+1].Index, hops[high-1].Index, i.Lost)
		}
		from, to := low+1, high-1
		if within == 0 {
			from, to = i.To, i.To
		}
		for n := from; n <= to; n++ {
			if _, told := out[n]; !told {
				out[n] = blame{i.Lost, loud, where(n)}
			}
		}
		loud = false
	}
	return out
}

// hopCells are the texts of one hop.
func (p *Page) hopCells(hops []follow.Hop, i int, sum match.HopSummary, b *blame) []part.Spans {
	th, h := p.env.Theme, hops[i]
	out := make([]part.Spans, hopColumns)
	put := func(c int, style themes.Style, text string) { out[c] = part.Spans{{Style: style, Text: text}} }
	put(colIndex, th.Text, strconv.Itoa(h.Index))
	switch {
	case h.Host == "":
		put(colHost, th.Accent, th.Glyphs.None+th.Glyphs.None+th.Glyphs.None+th.Glyphs.None)
	case i == 0 || hops[i-1].Host != h.Host:
		put(colHost, th.Accent, h.Host)
	}
	name := th.Strong
	if b != nil {
		name = th.Bad
	}
	put(colHop, name, h.Spot())
	put(colWhat, th.Muted, h.What)
	seen := h.SeenBy()
	style := th.Text
	if h.State == follow.Opening || h.State == follow.Asking {
		seen = string(h.State)
	}
	if h.Capture < 0 || h.State == follow.Broken {
		style = th.Muted
	}
	put(colSeen, style, seen)
	put(colOut, th.Muted, "?")
	put(colBack, th.Muted, "?")
	switch {
	case h.State == follow.Watching || h.State == follow.Ended || h.State == follow.Broken:
		for c, n := range map[int]uint64{colOut: sum.Out, colBack: sum.Back} {
			if put(c, th.Text, page.Count(int(n))); n == 0 {
				put(c, th.Muted, "0")
			}
		}
	case h.Counter.Read(): // about, for they are of all packets
		if h.Counter.OutPort != "" {
			put(colOut, th.Muted, "~"+page.Count(int(h.Counter.Out)))
		}
		if h.Counter.BackPort != "" {
			put(colBack, th.Muted, "~"+page.Count(int(h.Counter.Back)))
		}
	}
	if d := sum.DelayOut; d.Packets > 0 {
		put(colDelay, th.Text, follow.Milliseconds(d.P50))
	} else if sum.Out > 0 {
		put(colDelay, th.Muted, th.Glyphs.None)
	}
	if mtu := h.MTU(); mtu > 0 {
		put(colMTU, th.Muted, strconv.Itoa(mtu))
	}
	if out[colFound] = p.foundCell(hops, i, b); sum.Dropped > 0 {
		text := th.Glyphs.Suspicious + " its capture dropped " + page.Count(int(sum.Dropped))
		out[colFound] = part.Spans{{Style: th.Warn, Text: text}}
	}
	return out
}

// foundCell compares what was found with what was expected, or says what was lost.
func (p *Page) foundCell(hops []follow.Hop, i int, b *blame) part.Spans {
	th, h := p.env.Theme, hops[i]
	if b != nil {
		return part.Spans{{Style: th.Bad, Text: th.Glyphs.Broken + " " + b.text}}
	}
	v, text := h.Confirmed()
	switch {
	case h.State == follow.Asking:
		return part.Spans{{Style: th.Muted, Text: "  its host is asked"}}
	case v == probes.Skip:
		if i > 0 && h.Host != "" && h.Host == hops[i-1].Host && h.Why == hops[i-1].Why {
			text = "the same"
		}
		text = strings.TrimPrefix(text, h.Host+": ") // it stands in the same row
		return part.Spans{{Style: th.Muted, Text: th.Glyphs.Unknown + " " + text}}
	}
	if h.Seen == openstack.SeenCounters && v == probes.OK { // OUT and BACK have the rest
		text, _, _ = strings.Cut(text, ";")
	}
	if h.Device != "" { // it stands in the same row
		text = strings.ReplaceAll(text, " of "+h.Device+" in ", " in ")
	}
	sign := page.VerdictSign(th, v)
	style := th.Muted
	if v != probes.OK {
		style = sign.Style
	}
	return part.Spans{{Style: sign.Style, Text: sign.Text + " "}, {Style: style, Text: text}}
}

// hopRows is how many lines the table of hops asks for.
func hopRows(hops []follow.Hop) int { return 1 + len(hops) }

// drawHops draws headings and hops in height lines.
func (p *Page) drawHops(width, height int) []string {
	th, hops, sum := p.env.Theme, p.standing.Hops, p.standing.Total
	t := &p.hops
	t.cursor = max(min(t.cursor, len(hops)-1), 0)
	t.scroll(height-1, len(hops))
	if list := sum.Intervals; p.focus != onHops && len(list) > 0 {
		t.show(min(list[0].From, list[0].To), max(list[0].From, list[0].To), len(hops))
	}
	blamed := blames(hops, sum, len(p.path.Back) == 0)
	cells := make([][]part.Spans, len(hops))
	at := func(i int) *blame {
		if b, ok := blamed[i]; ok {
			return &b
		}
		return nil
	}
	for i := range hops {
		cells[i] = p.hopCells(hops, i, sum.Hops[i], at(i))
	}
	cols := p.hopColumnsOf(hops, cells, width)
	widths := fitted(cols, width-2)
	head := part.NewLine(width, th).Skip(1)
	lay(head, cols, widths, headings(cols, func(s string) part.Span { return part.Span{Style: th.Muted, Text: s} }))
	lines := []string{head.String()}
	for i := t.top; i < min(t.top+t.height, len(hops)); i++ {
		l := part.NewLine(width, th)
		sign, style := "", th.Accent
		if b := at(i); b != nil && b.worst {
			l.Ground = th.BadGround
		}
		if selected := i == t.cursor && p.focus == onHops; selected {
			sign, l.Ground = th.Glyphs.Bar, th.SelectedGround
		}
		if t.marked[i] {
			sign = "*"
		}
		l.Put(style, sign).To(1)
		lay(l, cols, widths, cells[i])
		lines = append(lines, l.String())
	}
	return part.Fit(lines, width, height)
}
