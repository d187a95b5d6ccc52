package compare

import (
	"strings"

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

var (
	_ page.Page   = (*Page)(nil)
	_ page.Ticker = (*Page)(nil)
)
