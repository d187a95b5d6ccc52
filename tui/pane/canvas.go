package pane

import (
	"strings"

	"steth/internal/safetext"
	"steth/themes"
)

// canvas holds the finished rows of one pane, each exactly width cells wide.
// A row is put together from left to right with text and space and closed with
// end; text that doesn't fit is cut with an ellipsis. It is used again for each
// frame, so that drawing allocates nothing once it has grown.
type canvas struct {
	theme *themes.Theme
	width int
	room  int // cells left in the row under way
	buf   []byte
	ends  []int // where each finished row ends in buf
}

// reset empties the canvas for rows of width cells.
func (c *canvas) reset(theme *themes.Theme, width int) {
	c.theme, c.width, c.room = theme, max(width, 0), max(width, 0)
	c.buf, c.ends = c.buf[:0], c.ends[:0]
}

// rows is how many rows are finished.
func (c *canvas) rows() int { return len(c.ends) }

// row returns a finished row.
func (c *canvas) row(i int) []byte {
	from := 0
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.buf[from:c.ends[i]]
}

// trim forgets rows beyond n.
func (c *canvas) trim(n int) {
	if n >= len(c.ends) {
		return
	}
	c.ends = c.ends[:max(n, 0)]
	c.buf = c.buf[:0:cap(c.buf)]
	if n > 0 {
		c.buf = c.buf[:c.ends[n-1]]
	}
}

// used is how many cells of the row under way are taken.
func (c *canvas) used() int { return c.width - c.room }

// space leaves n cells blank.
func (c *canvas) space(n int) {
	n = min(n, c.room)
	for range n {
		c.buf = append(c.buf, ' ')
	}
	c.room -= max(n, 0)
}

// to leaves cells blank up to column.
func (c *canvas) to(column int) { c.space(column - c.used()) }

// repeat puts a sign of one cell n times.
func (c *canvas) repeat(style themes.Style, sign string, n int) {
	n = min(n, c.room)
	if n <= 0 {
		return
	}
	c.buf = append(c.buf, style.Prefix...)
	for range n {
		c.buf = append(c.buf, sign...)
	}
	c.buf = append(c.buf, style.Suffix...)
	c.room -= n
}

// end fills the row with blanks and closes it.
func (c *canvas) end() {
	c.space(c.room)
	c.ends = append(c.ends, len(c.buf))
	c.room = c.width
}

// endIn closes the row and fills it with blanks on the ground of style.
func (c *canvas) endIn(style themes.Style) {
	c.repeat(style, " ", c.room)
	c.end()
}

// blank adds empty rows up to n of them.
func (c *canvas) blank(n int) {
	for c.rows() < n {
		c.end()
	}
}

// text puts s in style, cut to the room that is left.
func (c *canvas) text(style themes.Style, s string) {
	if s == "" || c.room <= 0 {
		return
	}
	fit := safetext.Cut(s, c.room, c.theme.Glyphs.Ellipsis)
	c.buf = append(c.buf, style.Prefix...)
	c.buf = append(c.buf, fit...)
	c.buf = append(c.buf, style.Suffix...)
	c.room -= safetext.Width(fit)
	if len(fit) != len(s) || fit != s {
		c.space(c.room) // a wide character that didn't fit leaves a cell
	}
}

// cut says how many bytes of s fit into room cells, and whether that is all.
func cut(s string, room int) (fit int, whole bool) {
	fit = len(safetext.Cut(s, room, ""))
	return fit, fit == len(s)
}

// spark writes values as a row of bars from 0 to top.
func spark(b *strings.Builder, steps []string, values []float64, top float64) {
	for _, v := range values {
		b.WriteString(steps[step(v, top, len(steps))])
	}
}

// step says which of n bars shows v where the tallest one shows top.
func step(v, top float64, n int) int {
	if top <= 0 || v <= 0 || v != v {
		return 0
	}
	return min(int(v/top*float64(n-1)+0.5), n-1)
}
