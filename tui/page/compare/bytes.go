package compare

import (
	"fmt"

	"steth/packets"
	"steth/themes"
	"steth/tui/part"
)

const hexDigits = "0123456789abcdef"

// octets draws a row of bytes of both columns: those at the same place of the
// same header, so that a tunnel or a tag at one hop does not shift the rest.
func (p *Page) octets(l *part.Line, at line, width int) {
	th := p.env.Theme
	right := (width + 4) / 2
	if p.perRow == 16 {
		right = width/2 + 1
	}
	if p.differsIn(at) {
		l.Put(th.Text, "*")
	}
	for side, x := range [2]int{3, right} {
		if p.both || p.sightAt(side).ok {
			p.row8(l.To(x), at, side)
		}
	}
}

// row8 draws one column's offset, bytes and their characters.
func (p *Page) row8(l *part.Line, at line, side int) {
	th := p.env.Theme
	pair := &p.compared.Layers[at.layer]
	layer := pair.Layers[side]
	data := p.compared.Sides[side].Bytes(layer)
	if at.field >= len(data) {
		return
	}
	l.Put(th.Muted, fmt.Sprintf("%04x", layer.Offset+at.field)).Skip(2)
	end := min(at.field+p.perRow, len(data))
	x := l.Used()
	for i := at.field; i < end; i++ {
		if p.perRow == 16 && i-at.field == 8 {
			l.Skip(1)
		}
		l.Put(p.byteStyle(at.layer, side, i), string([]byte{hexDigits[data[i]>>4], hexDigits[data[i]&15]}))
		if i+1 < end {
			l.Skip(1)
		}
	}
	l.To(x + 3*p.perRow + p.perRow/16)
	for i := at.field; i < end; i++ {
		style, c := p.byteStyle(at.layer, side, i), data[i]
		if c < ' ' || c > '~' {
			c = '.'
			if style == th.Text {
				style = th.Muted
			}
		}
		l.Put(style, string([]byte{c}))
	}
}

// byteStyle is the colour of a byte of a header.
func (p *Page) byteStyle(layer, side, i int) themes.Style {
	th := p.env.Theme
	pair := &p.compared.Layers[layer]
	switch {
	case p.byteDiffers(layer, side, i):
		return th.Match
	case p.isSelected(layer, side, i):
		return th.AccentStrong
	case pair.Likeness == packets.OnlyFirst || pair.Likeness == packets.OnlySecond:
		return th.Info
	}
	return th.Text
}

// byteDiffers tells whether a byte is another one at the other hop. What the
// other capture did not keep is no difference.
func (p *Page) byteDiffers(layer, side, i int) bool {
	pair := &p.compared.Layers[layer]
	if pair.Layers[0] == nil || pair.Layers[1] == nil {
		return false
	}
	mine, other := p.compared.Sides[side].Bytes(pair.Layers[side]), p.compared.Sides[1-side].Bytes(pair.Layers[1-side])
	if i >= len(other) {
		return !p.compared.Sides[1-side].Cut()
	}
	return mine[i] != other[i]
}

// isSelected tells whether a byte is of the field under the cursor.
func (p *Page) isSelected(layer, side, i int) bool {
	if p.cursor >= len(p.lines) || p.lines[p.cursor].kind != field || p.lines[p.cursor].layer != layer {
		return false
	}
	pair := &p.compared.Layers[layer]
	f := pair.Fields[p.lines[p.cursor].field].Fields[side]
	at := pair.Layers[side].Offset + i
	return f.Length > 0 && f.Offset <= at && at < f.Offset+f.Length
}

// differsIn tells whether any byte of a row differs.
func (p *Page) differsIn(at line) bool {
	pair := &p.compared.Layers[at.layer]
	for side, l := range pair.Layers {
		for i := at.field; l != nil && i < min(at.field+p.perRow, l.Length); i++ {
			if p.byteDiffers(at.layer, side, i) {
				return true
			}
		}
	}
	return false
}
