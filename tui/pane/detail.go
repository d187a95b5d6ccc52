package pane

import (
	"fmt"

	"steth/feed"
	"steth/internal/safetext"
	"steth/packets"
	"steth/themes"
)

// detail is the selected packet taken apart: its layers, and its bytes beside
// them.
type detail struct {
	open   bool
	inside bool // movement goes from field to field rather than from row to row
	seq    uint64
	have   bool // layers are those of seq
	packet packets.Packet
	layers []packets.Layer
	field  int // selected one, counted over all layers
	top    int // first line shown
}

// look takes the packet seq apart, once.
func (d *detail) look(f *feed.Feed, seq uint64) {
	if d.have && d.seq == seq {
		return
	}
	var e [1]feed.Entry
	if f.Read(seq, e[:]) == 0 || e[0].Seq != seq {
		d.have, d.layers, d.packet = false, nil, packets.Packet{}
		return
	}
	d.have, d.seq, d.packet = true, seq, e[0].Packet
	d.layers = packets.Layers(&d.packet)
	d.field = min(d.field, max(d.fields()-1, 0))
}

func (d *detail) fields() int {
	n := 0
	for _, l := range d.layers {
		n += len(l.Fields)
	}
	return n
}

// move selects another field.
func (d *detail) move(n int) {
	d.field = max(min(d.field+n, d.fields()-1), 0)
}

// marked is where the selected field stands among the bytes.
func (d *detail) marked() (from, to int) {
	i := d.field
	for _, l := range d.layers {
		if i < len(l.Fields) {
			f := l.Fields[i]
			return f.Offset, f.Offset + f.Length
		}
		i -= len(l.Fields)
	}
	return 0, 0
}

// detailRows is how many of height rows the open packet takes.
func (p *pane) detailRows(height int) int {
	if !p.detail.open || height < 6 {
		return 0
	}
	return height * 3 / 5
}

// line of a packet's layers: a layer's name or one of its fields.
type layerLine struct {
	layer string
	field packets.Field
	index int // of the field; -1 for a layer
}

func (d *detail) lines() []layerLine {
	var list []layerLine
	i := 0
	for _, l := range d.layers {
		list = append(list, layerLine{layer: l.Name, index: -1})
		for _, f := range l.Fields {
			list = append(list, layerLine{field: f, index: i})
			i++
		}
	}
	return list
}

// takeApart draws the selected packet in rows rows.
func (p *pane) takeApart(rows int) {
	if rows <= 0 {
		return
	}
	c, th, d := &p.canvas, p.theme, &p.detail
	c.space(1)
	style := th.Rule
	if d.inside && p.focused {
		style = th.Accent
	}
	c.repeat(style, th.Glyphs.HLine, c.room)
	c.end()
	rows--

	d.look(p.feed, p.cursor)
	list := d.lines()
	if !d.have {
		c.space(1)
		c.text(th.Muted, "no packet is selected")
		c.end()
		return
	}
	at := 0
	for i, l := range list {
		if l.index == d.field {
			at = i
		}
	}
	d.top = max(min(d.top, at), at-rows+1)
	d.top = max(min(d.top, len(list)-rows), 0)

	label, want := fieldsShape(list, c.width)
	perRow, left := hexShape(c.width, want)
	firstByte := d.firstByte(perRow, rows)
	for r := range rows {
		if i := d.top + r; i < len(list) {
			p.layerLine(list[i], label, left)
		}
		if perRow > 0 {
			c.to(left)
			p.hex(firstByte+r*perRow, perRow)
		}
		c.end()
	}
}

const (
	leastFields = 32 // cells that the layers have at least before bytes stand beside them
	mostFields  = 64 // and at most: what is longer is cut for the bytes
)

// fieldsShape says how wide the names of fields are, and how many cells the
// layers want so that no value of usual length is cut.
func fieldsShape(list []layerLine, cells int) (label, want int) {
	value := 0
	for _, l := range list {
		label = max(label, safetext.Width(l.field.Name))
		value = max(value, safetext.Width(l.field.Value))
	}
	label = min(label, cells/2)
	const around = 1 + 2 + 2 // the gutter, and the blanks before name and value
	return label, max(min(around+label+value, mostFields), leastFields)
}

// hexShape says how many bytes stand in a row, none where there is no room for
// them beside what the layers want, and where they begin.
func hexShape(cells, want int) (perRow, left int) {
	const offset, gap = 6, 3
	for _, n := range []int{16, 8} {
		w := offset + 3*n + 2 + n
		if n == 16 {
			w++ // between the two halves
		}
		if left = cells - w - gap; left >= want {
			return n, min(left, mostFields) + gap
		}
	}
	return 0, cells + 2 // all the way to the edge
}

// firstByte is the first byte shown, so that the selected field is seen.
func (d *detail) firstByte(perRow, rows int) int {
	if perRow == 0 {
		return 0
	}
	from, _ := d.marked()
	row := from / perRow
	return max(row-rows+1, 0) * perRow
}

func (p *pane) layerLine(l layerLine, label, limit int) {
	c, th := &p.canvas, p.theme
	room := c.room
	c.room = min(c.room, limit-2) // leave the bytes their place
	taken := room - c.room
	if l.index < 0 {
		c.space(1)
		c.text(th.Strong, safetext.Clean(l.layer))
		c.room += taken
		return
	}
	selected := l.index == p.detail.field && p.detail.inside
	p.gutter(selected && p.focused)
	name, value := th.Muted, th.Text
	if selected {
		name, value = th.SelectedMuted, th.Selected
	}
	c.repeat(name, " ", 2)
	before := c.room
	c.text(name, safetext.Clean(l.field.Name))
	c.repeat(name, " ", label-(before-c.room))
	c.repeat(name, " ", 2)
	c.text(value, safetext.Clean(l.field.Value))
	c.room += taken
}

// hex draws one row of bytes, those of the selected field marked.
func (p *pane) hex(from, perRow int) {
	c, th, data := &p.canvas, p.theme, p.detail.packet.Data
	if from >= len(data) {
		return
	}
	c.text(th.Muted, fmt.Sprintf("%04x", from))
	c.space(2)
	markFrom, markTo := 0, 0
	if p.detail.inside {
		markFrom, markTo = p.detail.marked()
	}
	style := func(i int) themes.Style {
		if i >= markFrom && i < markTo {
			return th.Match
		}
		return th.Text
	}
	start := c.used()
	for i := from; i < min(from+perRow, len(data)); i++ {
		if perRow == 16 && i-from == 8 {
			c.space(1)
		}
		c.text(style(i), fmt.Sprintf("%02x", data[i]))
		if i+1 >= markFrom && i+1 < markTo && i >= markFrom && i+1 < from+perRow && !(perRow == 16 && i-from == 7) {
			c.text(th.Match, " ")
		} else {
			c.space(1)
		}
	}
	c.to(start + 3*perRow + perRow/16 + 1)
	for i := from; i < min(from+perRow, len(data)); i++ {
		b := data[i]
		st := style(i)
		if b < 0x20 || b > 0x7e {
			b = '.'
			if st == th.Text {
				st = th.Muted
			}
		}
		c.text(st, string(rune(b)))
	}
}
