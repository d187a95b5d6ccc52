package compare

import (
	"fmt"
	"strings"

	"steth/packets"
	"steth/themes"
	"steth/tui/part"
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
