package compare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"steth/internal/safetext"
	"steth/packets"
	"steth/packets/match"
	"steth/probes/follow"
	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

const (
	narrow    = 26  // the height below which what is equal is left out at first
	airy      = 32  // the height from which on there are blank lines
	wideBytes = 152 // the width from which on 16 bytes stand in a row, else 8
	withWhy   = 112 // the width from which on reasons have a column of their own
	footRows  = 2
)

// columns is where things stand in a line of fields.
type columns struct {
	name, left, right, why int // where they begin; why is 0 without one
	nameW, valueW, whyW    int
}

func columnsFor(width int) columns {
	c := columns{name: 3, nameW: 18}
	if width >= 100 {
		c.nameW = 24
	}
	c.left = c.name + c.nameW + 1
	rest := width - c.left - 1
	if width >= withWhy {
		c.whyW = min(max((width-80)*9/20, 32), 52)
		rest -= c.whyW + 2
	}
	c.valueW = (rest - 2) / 2
	c.right = c.left + c.valueW + 2
	if c.whyW > 0 {
		c.why = c.right + c.valueW + 2
	}
	return c
}

// View implements [page.Page].
func (p *Page) View(width, height int) string {
	p.dirty = false
	perRow := 8
	if width >= wideBytes {
		perRow = 16
	}
	brief := p.brief
	if !p.asked {
		brief = height < narrow
	}
	if perRow != p.perRow || brief != p.brief {
		p.perRow, p.brief = perRow, brief
		p.relist()
		p.dirty = false
	}
	th := p.env.Theme
	empty := part.NewLine(width, th).String()
	lines := []string{p.headLine(width)}
	if height >= airy {
		lines = append(lines, empty)
	}
	lines = append(lines, p.hopLines(width)...)
	lines = append(lines, p.summary(width, max(height/10, 1))...)
	lines = append(lines, part.Rule(width, th))
	p.bodyY = len(lines)
	p.height = max(height-len(lines)-footRows-1, 1)
	lines = append(lines, p.body(width)...)
	lines = append(lines, part.Rule(width, th))
	lines = append(lines, p.foot(width)...)
	return strings.Join(part.Fit(lines, width, height), "\n")
}

// headLine names the packet, and says what became of it.
func (p *Page) headLine(width int) string {
	th := p.env.Theme
	sign, word := p.verdict()
	end := part.Spans{sign, {Style: sign.Style, Text: " " + word}}
	if a := p.row.Answer; width >= 100 && (a == match.Answered || a == match.Unanswered) {
		style := th.Muted
		if a == match.Unanswered {
			style = th.Warn
		}
		end = append(end, part.Span{Style: style, Text: ", " + strings.Replace(a.String(), "unanswered", "not answered", 1)})
	}
	name := part.Spans{{Style: th.AccentStrong, Text: "Packet"}, {Style: th.Strong, Text: "  " + follow.Packet(&p.row)}}
	l := part.NewLine(width, th).Skip(1).Cell(name, max(width-4-end.Width(), 20)).Skip(2)
	return l.Spans(end).String()
}

// verdict is the sign and the words of what became of the packet.
func (p *Page) verdict() (part.Span, string) {
	th, g := p.env.Theme, p.env.Theme.Glyphs
	switch p.row.Verdict {
	case match.Delivered:
		return part.Span{Style: th.Good, Text: g.OK}, "delivered"
	case match.Lost:
		return part.Span{Style: th.Bad, Text: g.Broken},
			follow.Became(p.hops, &p.row)
	case match.Duplicate:
		return part.Span{Style: th.Warn, Text: g.Suspicious}, "a copy that the network made"
	case match.Waiting:
		return part.Span{Style: th.Muted, Text: g.Unknown}, "under way"
	}
	return part.Span{Style: th.Muted, Text: g.Unknown}, "where it ended is not known"
}

// hopLines are the heads of the two columns, and when the packet was first seen.
func (p *Page) hopLines(width int) []string {
	th := p.env.Theme
	c := columnsFor(width)
	head, sub := part.NewLine(width, th).To(c.name), part.NewLine(width, th).To(c.name)
	seen := len(p.way())
	head.Cell(part.Spans{{Style: th.Muted, Text: fmt.Sprintf("seen at %d of %d", seen, len(p.hops))}}, c.nameW).To(c.left)
	when := time.Unix(0, p.row.Time).In(p.env.Now().Location()).Format("15:04:05.000000")
	sub.Cell(part.Spans{{Style: th.Muted, Text: when}}, c.nameW).To(c.left)
	for side := range 2 {
		name, detail := p.hopText(side)
		chosen := side == p.side && p.at[1] >= 0
		style, mark := th.Strong, part.Span{}
		if chosen {
			style, mark = th.AccentStrong, part.Span{Style: th.Accent, Text: th.Glyphs.Left + " "}
		}
		spans := part.Spans{{Style: style, Text: name}}
		if chosen {
			spans = part.Spans{mark, {Style: style, Text: name}, {Style: th.Accent, Text: " " + th.Glyphs.Right}}
		}
		if side == 1 && p.at[1] >= 0 && !p.backwards() {
			head.To(c.right-2).Put(th.Muted, th.Glyphs.Arrow)
		}
		head.To([]int{c.left, c.right}[side])
		room := c.valueW - 1
		if side == 1 {
			room = width - c.right - 1
		}
		head.Cell(fit(spans, room, th.Glyphs.Ellipsis), room)
		sub.To([]int{c.left, c.right}[side]).Cell(detail, room)
	}
	return []string{head.String(), sub.String()}
}

// fit cuts the name in the middle of three spans so that the last one stays.
func fit(spans part.Spans, room int, ellipsis string) part.Spans {
	if len(spans) == 3 && spans.Width() > room {
		rest := room - part.Spans{spans[0], spans[2]}.Width()
		spans[1].Text = safetext.Cut(safetext.Clean(spans[1].Text), max(rest, 1), ellipsis)
	}
	return spans
}

// hopText names a column's hop, and says how long the packet took to it and how
// much of it was kept.
func (p *Page) hopText(side int) (string, part.Spans) {
	th := p.env.Theme
	at := p.at[side]
	if at < 0 {
		return "no other hop", part.Spans{{Style: th.Muted, Text: "saw this packet"}}
	}
	mark, s := p.row.Marks[at], p.sights[at]
	first := "first"
	if mark.State != match.First {
		first = follow.Milliseconds(mark.Delay) + " ms"
	}
	var text part.Spans
	add := func(style themes.Style, more string) {
		if len(text) > 0 {
			more = "  " + more
		}
		text = append(text, part.Span{Style: style, Text: more})
	}
	switch { // what can be done without comes last
	case mark.State == match.Strayed:
		add(th.Warn, th.Glyphs.Suspicious+" astray")
	case !s.ok:
		add(th.Warn, th.Glyphs.Unknown+" forgotten")
	}
	if side == 1 && p.backwards() {
		add(th.Info, "earlier")
	}
	add(th.Muted, first)
	if s.ok {
		add(th.Muted, length(&s.packet))
	}
	return p.hops[at].Name(), text
}

func length(q *packets.Packet) string {
	wire := max(int(q.Length), len(q.Data))
	if len(q.Data) < wire {
		return fmt.Sprintf("%d of %d bytes", len(q.Data), wire)
	}
	return strconv.Itoa(wire) + " bytes"
}

// sign is the glyph and the colour of a judgement.
func sign(th *themes.Theme, j packets.Judgement) part.Span {
	switch j {
	case packets.Expected:
		return part.Span{Style: th.Good, Text: th.Glyphs.OK}
	case packets.Unexpected:
		return part.Span{Style: th.Bad, Text: th.Glyphs.Broken}
	}
	return part.Span{Style: th.Warn, Text: th.Glyphs.Suspicious}
}

// summary says in clauses what happened between the two hops, the worst first,
// in at most most lines.
func (p *Page) summary(width, most int) []string {
	th := p.env.Theme
	var spans part.Spans
	add := func(s part.Span, text string) {
		if len(spans) > 0 {
			spans = append(spans, part.Span{Text: "   "})
		}
		style := th.Text
		if s.Style == th.Bad {
			style = th.Bad
		}
		spans = append(spans, part.Span{Style: s.Style, Text: s.Text + "\u00a0"}, part.Span{Style: style, Text: text})
	}
	clauses := p.compared.Summary()
	slices.SortStableFunc(clauses, func(a, b packets.Verdict) int { return rank(a.Judgement) - rank(b.Judgement) })
	switch {
	case !p.both:
		add(p.why())
	case len(clauses) == 0 && p.differs():
		add(part.Span{Style: th.Good, Text: th.Glyphs.OK}, "only what follows from hardware and from what the captures kept")
	case len(clauses) == 0:
		text := "the same at both hops"
		if p.compared.Sides[0].Cut() || p.compared.Sides[1].Cut() {
			text += ", as far as it was captured"
		}
		add(part.Span{Style: th.Good, Text: th.Glyphs.OK}, text)
	}
	if p.both {
		for _, v := range clauses {
			add(sign(th, v.Judgement), v.Why)
		}
	}
	var out []string
	lines := part.Wrap(spans, width-2, 2)
	for i, w := range lines {
		if i == most-1 && len(lines) > most {
			w = append(w, part.Span{Style: th.Muted, Text: " " + th.Glyphs.Ellipsis})
		}
		if i < most {
			out = append(out, part.NewLine(width, th).Skip(1).Spans(w).String())
		}
	}
	return out
}

func rank(j packets.Judgement) int {
	return map[packets.Judgement]int{packets.Unexpected: 0, packets.Unjudged: 1, packets.Expected: 2}[j]
}

func (p *Page) differs() bool {
	return slices.ContainsFunc(p.compared.Layers, func(l packets.LayerPair) bool { return l.Likeness != packets.Same })
}

// why says why there is nothing to compare.
func (p *Page) why() (part.Span, string) {
	th := p.env.Theme
	unknown := part.Span{Style: th.Warn, Text: th.Glyphs.Unknown}
	for _, at := range p.at {
		if at >= 0 && !p.sights[at].ok {
			return unknown, "the capture at " + p.hops[at].Name() + " no longer holds this packet"
		}
	}
	if p.at[0] >= 0 {
		return part.Span{Style: th.Muted, Text: th.Glyphs.None}, "only " + p.hops[p.at[0]].Name() + " saw this packet, so there is nothing to compare it with"
	}
	return unknown, "no hop holds this packet"
}

// body draws the lines that are visible.
func (p *Page) body(width int) []string {
	p.top = max(min(p.top, p.cursor), p.cursor-p.height+1, 0)
	p.top = max(min(p.top, len(p.lines)-p.height), 0)
	if p.cursor > 0 && p.cursor == p.top && p.lines[p.cursor].kind != header && p.lines[p.cursor-1].kind == header {
		p.top-- // the name of what one looks at
	}
	out := make([]string, 0, p.height)
	for i := p.top; i < min(p.top+p.height, len(p.lines)); i++ {
		out = append(out, p.draw(i, width))
	}
	return part.Fit(out, width, p.height)
}

func (p *Page) draw(i, width int) string {
	th := p.env.Theme
	l := part.NewLine(width, th)
	if i == p.cursor {
		l.Ground = th.SelectedGround
		l.Put(th.Accent, th.Glyphs.Bar)
	}
	l.To(1)
	at := p.lines[i]
	switch at.kind {
	case header:
		p.header(l, at, columnsFor(width))
	case field:
		p.field(l, at, columnsFor(width))
	case title:
		l.To(3).Put(th.Muted, "BYTES").Skip(3).Put(th.Match, "differs").Put(th.Muted, " *").Skip(2).Put(th.Info, "at one hop only")
	case layerBytes:
		l.To(3).Put(th.Muted, p.layerName(at.layer))
	case octets:
		p.octets(l, at, width)
	}
	return l.String()
}

func (p *Page) layerName(i int) string {
	l := &p.compared.Layers[i]
	if l.Outer {
		return l.Name + " (tunnel)"
	}
	return l.Name
}

func (p *Page) header(l *part.Line, at line, c columns) {
	th := p.env.Theme
	pair := &p.compared.Layers[at.layer]
	if pair.Likeness != packets.Same {
		l.Spans(part.Spans{sign(th, pair.Judgement)})
	}
	l.To(c.name).Put(th.Strong, p.layerName(at.layer))
	if pair.Likeness == packets.OnlyFirst || pair.Likeness == packets.OnlySecond {
		x := c.left
		if pair.Likeness == packets.OnlySecond {
			x = c.right
		}
		if l.Used() < x {
			l.To(x).Put(th.Info, "only here")
		}
		if c.why > 0 {
			l.To(c.why).Cell(part.Spans{{Style: reason(th, pair.Judgement), Text: pair.Why}}, c.whyW)
		}
	}
}

// reason is the colour of the words about a difference.
func reason(th *themes.Theme, j packets.Judgement) themes.Style {
	switch j {
	case packets.Expected:
		return th.Muted
	case packets.Unexpected:
		return th.Bad
	}
	return th.Text
}

func (p *Page) field(l *part.Line, at line, c columns) {
	th := p.env.Theme
	pair := &p.compared.Layers[at.layer]
	f := &pair.Fields[at.field]
	left, right, name := th.Muted, th.Muted, th.Muted
	switch {
	case !p.both:
		left, right = th.Text, th.Text
	case f.Likeness == packets.Changed:
		l.Spans(part.Spans{sign(th, f.Judgement)})
		left, right, name = th.Strong, sign(th, f.Judgement).Style, th.Text
	case f.Likeness != packets.Same && pair.Likeness == packets.Changed:
		l.Spans(part.Spans{sign(th, f.Judgement)})
		left, right, name = th.Info, th.Info, th.Text
	case f.Likeness != packets.Same: // of a header that is there at one hop only
		left, right = th.Info, th.Info
	}
	l.To(c.name).Cell(part.Spans{{Style: name, Text: f.Name}}, c.nameW).To(c.left)
	for side, style := range [2]themes.Style{left, right} {
		l.To([2]int{c.left, c.right}[side])
		switch {
		case !p.both && !p.sightAt(side).ok:
		case f.Fields[side].Name == "":
			l.Put(th.Muted, th.Glyphs.None)
		default:
			l.Cell(part.Spans{{Style: style, Text: f.Fields[side].Value}}, c.valueW)
		}
	}
	if c.why > 0 && p.both && pair.Likeness == packets.Changed && f.Likeness != packets.Same {
		text := f.Why
		if text == "" {
			text = "differs"
		}
		l.To(c.why).Cell(part.Spans{{Style: reason(th, f.Judgement), Text: text}}, c.whyW)
	}
}

// foot says all of what the cursor is on, and where that is.
func (p *Page) foot(width int) []string {
	th := p.env.Theme
	position := ""
	if len(p.lines) > p.height {
		position = fmt.Sprintf("%d-%d of %d", p.top+1, min(p.top+p.height, len(p.lines)), len(p.lines))
	}
	if p.onlyDifferences() {
		position = "only what differs  " + position
	}
	position = strings.TrimRight(position, " ")
	lines := part.Wrap(p.selected(), max(width-2, 1), 2)
	out := make([]string, footRows)
	for i := range out {
		l := part.NewLine(width, th).Skip(1)
		room := width - 2
		if i == footRows-1 && position != "" {
			room -= len(position) + 2
		}
		if i < len(lines) {
			l.Cell(lines[i], room)
		}
		if i == footRows-1 && position != "" {
			l.To(width-len(position)-1).Put(th.Muted, position)
		}
		out[i] = l.String()
	}
	return out
}

// selected tells what the cursor is on without cutting it.
func (p *Page) selected() part.Spans {
	th := p.env.Theme
	if p.cursor >= len(p.lines) {
		return nil
	}
	at := p.lines[p.cursor]
	if at.kind == blank || at.kind == title {
		return nil
	}
	pair := &p.compared.Layers[at.layer]
	out := part.Spans{{Style: th.Strong, Text: p.layerName(at.layer)}}
	if at.kind != field {
		switch {
		case pair.Why != "":
			out = append(out, part.Span{Style: reason(th, pair.Judgement), Text: "  " + pair.Why})
		case pair.Likeness == packets.Changed:
			out = append(out, part.Span{Style: th.Text, Text: "  " + differing(pair)})
		case p.both && pair.Likeness == packets.Same:
			out = append(out, part.Span{Style: th.Muted, Text: "  the same at both hops"})
		}
		return out
	}
	f := &pair.Fields[at.field]
	out = append(out, part.Span{Style: th.Text, Text: " " + f.Name + "  "})
	value := func(side int) string {
		if f.Fields[side].Name == "" {
			return th.Glyphs.None
		}
		return f.Fields[side].Value
	}
	switch {
	case !p.both || f.Likeness == packets.Same:
		return append(out, part.Span{Style: th.Text, Text: value(0)})
	case p.backwards():
		out = append(out, part.Span{Style: th.Strong, Text: value(1) + " " + th.Glyphs.Arrow + " " + value(0)})
	default:
		out = append(out, part.Span{Style: th.Strong, Text: value(0) + " " + th.Glyphs.Arrow + " " + value(1)})
	}
	why, j := f.Why, f.Judgement
	if pair.Likeness != packets.Changed {
		why, j = pair.Why, pair.Judgement
	}
	return append(out, part.Span{Style: reason(th, j), Text: "  " + why})
}

// differing counts the values of a header that differ.
func differing(pair *packets.LayerPair) string {
	n := 0
	for i := range pair.Fields {
		if pair.Fields[i].Likeness != packets.Same {
			n++
		}
	}
	verb := "differ"
	if n == 1 {
		verb = "differs"
	}
	return fmt.Sprintf("%d of %d values %s", n, len(pair.Fields), verb)
}

var (
	_ page.Page   = (*Page)(nil)
	_ page.Ticker = (*Page)(nil)
)
