package pane

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

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
	c.buf = append(c.buf, style.Prefix...)
	if fit, cells, whole := cut(s, c.room); whole {
		c.buf = append(c.buf, s...)
		c.room -= cells
	} else {
		if cells == c.room {
			fit, cells, _ = cut(s, c.room-1)
		}
		c.buf = append(c.buf, s[:fit]...)
		c.buf = append(c.buf, c.theme.Glyphs.Ellipsis...)
		for range c.room - cells - 1 {
			c.buf = append(c.buf, ' ') // a wide character did not fit
		}
		c.room = 0
	}
	c.buf = append(c.buf, style.Suffix...)
}

// cut says how many bytes of s fit into room cells, how many cells those take,
// and whether that is all of s.
func cut(s string, room int) (fit, cells int, whole bool) {
	for fit < len(s) {
		size, w := 1, 1
		// A combining mark may follow an ASCII letter and change its width.
		if s[fit] >= utf8.RuneSelf || fit+1 < len(s) && s[fit+1] >= utf8.RuneSelf {
			size, w = cluster(s[fit:])
		}
		if cells+w > room {
			return fit, cells, false
		}
		fit += size
		cells += w
	}
	return fit, cells, true
}

// cluster measures the first character of s as a person counts. Terminals
// don't agree whether the width of a character made of several code points is
// that of the picture or the sum of its parts, so that the larger one counts:
// a row may then end early, and never runs over.
func cluster(s string) (size, cells int) {
	c, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	if len(c) == 0 {
		return 1, 1
	}
	return len(c), max(w, ansi.StringWidthWc(c))
}

// width is how many cells s takes at most.
func width(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			_, cells, _ := cut(s, 1<<30)
			return cells
		}
	}
	return len(s)
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
