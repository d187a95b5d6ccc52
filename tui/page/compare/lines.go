package compare

import (
	"steth/packets"
)

// line is one row of the page's body.
type line struct {
	kind  kind
	layer int // of compared.Layers
	field int // of the layer; of bytes the first one's place in the layer
}

type kind uint8

const (
	blank      kind = iota
	header          // a header's name
	field           // one value
	title           // over the bytes
	layerBytes      // a header's name over its bytes
	octets          // a row of bytes
)

// relist makes the lines of what is compared. The cursor stays on its field.
func (p *Page) relist() {
	was, had := line{}, p.cursor < len(p.lines)
	if had {
		was = p.lines[p.cursor]
	}
	p.dirty = true
	p.lines = p.lines[:0]
	brief := p.onlyDifferences()
	for i := range p.compared.Layers {
		l := &p.compared.Layers[i]
		alone := l.Likeness == packets.OnlyFirst || l.Likeness == packets.OnlySecond
		if brief && l.Likeness == packets.Same {
			continue
		}
		if len(p.lines) > 0 && !(brief && alone && p.lines[len(p.lines)-1].kind == header) {
			p.lines = append(p.lines, line{kind: blank})
		}
		p.lines = append(p.lines, line{kind: header, layer: i})
		for k := range l.Fields {
			if !brief || !alone && l.Fields[k].Likeness != packets.Same {
				p.lines = append(p.lines, line{kind: field, layer: i, field: k})
			}
		}
	}
	p.listBytes(brief)
	p.cursor = 0
	for i, l := range p.lines {
		if had && l == was {
			p.cursor = i
			break
		}
	}
	p.move(0)
}

// onlyDifferences tells whether what is equal is left out; where nothing differs
// all shows.
func (p *Page) onlyDifferences() bool { return p.brief && p.both && p.differs() }

// listBytes adds the rows of bytes, header by header, so that what belongs
// together is level.
func (p *Page) listBytes(brief bool) {
	if p.perRow == 0 || len(p.compared.Layers) == 0 {
		return
	}
	begun := false
	for i := range p.compared.Layers {
		l := &p.compared.Layers[i]
		n := 0
		for _, side := range l.Layers {
			if side != nil {
				n = max(n, side.Length)
			}
		}
		if n == 0 || brief && l.Likeness == packets.Same {
			continue
		}
		if !begun {
			begun = true
			p.lines = append(p.lines, line{kind: blank}, line{kind: title})
		}
		p.lines = append(p.lines, line{kind: layerBytes, layer: i})
		for at := 0; at < n; at += p.perRow {
			p.lines = append(p.lines, line{kind: octets, layer: i, field: at})
		}
	}
}

// move moves the cursor by n lines, over those that say nothing.
func (p *Page) move(n int) {
	p.dirty = true
	last := len(p.lines) - 1
	if last < 0 {
		p.cursor, p.top = 0, 0
		return
	}
	by := 1
	if n < 0 {
		by = -1
	}
	at := max(min(p.cursor+n, last), 0)
	for at > 0 && at < last && p.lines[at].kind == blank {
		at += by
	}
	p.cursor = at
}

// toBytes goes to the bytes of the header under the cursor, or from there back
// to its fields.
func (p *Page) toBytes() {
	if p.cursor >= len(p.lines) {
		return
	}
	here := p.lines[p.cursor]
	want := layerBytes
	if here.kind >= title {
		want = header
	}
	for i, l := range p.lines {
		if l.kind == want && (l.layer == here.layer || here.kind == title) {
			p.cursor, p.top, p.dirty = i, i, true
			return
		}
	}
}

// click puts the cursor on the line under the mouse.
func (p *Page) click(_, y int) {
	if i := p.top + y - p.bodyY; y >= p.bodyY && y < p.bodyY+p.height && i < len(p.lines) {
		p.cursor, p.dirty = i, true
	}
}
