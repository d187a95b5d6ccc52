package path

import (
	"steth/tui/part"
)

// column is one column of a grid.
type column struct {
	title string
	want  int // columns that its longest text takes
	least int // to which it is cut at most
	rank  int // 0 stays longest; columns of the highest rank go first
	right bool
	fill  bool // takes what is left over
}

// gap is between two columns.
const gap = 2

// fitted gives each column its width, 0 for one that must go: first texts give
// way, those of high ranks before those of low ones, then columns go.
func fitted(cols []column, width int) []int {
	out := make([]int, len(cols))
	total, worst := -gap, 0
	for i, c := range cols {
		out[i] = max(c.want, part.TextWidth(c.title))
		total += out[i] + gap
		worst = max(worst, c.rank)
	}
	for rank := worst; rank >= 0 && total > width; rank-- {
		for i, c := range cols {
			if c.rank != rank || total <= width {
				continue
			}
			give := min(out[i]-max(min(c.least, out[i]), min(part.TextWidth(c.title), out[i])), total-width)
			out[i], total = out[i]-give, total-give
		}
	}
	for rank := worst; rank > 0 && total > width; rank-- {
		for i, c := range cols {
			if c.rank == rank && total > width {
				total -= out[i] + gap
				out[i] = 0
			}
		}
	}
	// What went may have made room for what was cut.
	for i, c := range cols {
		if room := width - total; out[i] > 0 && room > 0 {
			more := min(room, max(c.want-out[i], 0))
			out[i], total = out[i]+more, total+more
		}
	}
	for i, c := range cols {
		if c.fill && out[i] > 0 && total < width {
			out[i], total = out[i]+width-total, width
		}
	}
	return out
}

// lay writes the cells of one row into a line.
func lay(l *part.Line, cols []column, widths []int, cells []part.Spans) {
	first := true
	for i, w := range widths {
		if w == 0 {
			continue
		}
		if !first {
			l.Skip(gap)
		}
		first = false
		cell := cells[i]
		if cols[i].right {
			l.Skip(max(w-cell.Width(), 0))
			l.Cell(cell, min(w, cell.Width()))
			continue
		}
		l.Cell(cell, w)
	}
}

// headings are the titles of columns as a row.
func headings(cols []column, style func(string) part.Span) []part.Spans {
	out := make([]part.Spans, len(cols))
	for i, c := range cols {
		out[i] = part.Spans{style(c.title)}
	}
	return out
}
