// Package dialog holds what stands in front of a page until it is answered: a
// question, a list to choose from, the form of a probe's arguments. The one on
// top gets every key.
package dialog

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/internal/safetext"
	"steth/themes"
	"steth/tui/part"
)

// Dialog is one of them.
type Dialog interface {
	// Update takes a message; done means that it has its answer, or was left,
	// and is to be taken away. cmd may carry the answer.
	Update(msg tea.Msg) (cmd tea.Cmd, done bool)
	// View draws it for a screen of width by height.
	View(width, height int) Box
}

// Box is a drawn dialog.
type Box struct {
	Lines  []string // all of Width columns
	Width  int
	Cursor *Point // in the box, nil without a text cursor
	Hot    int    // the line where lists begin, for the mouse
}

// Point is a place in cells, from the top left corner.
type Point struct{ X, Y int }

// frame puts a thin line with a title around lines of inner columns and a foot
// with the keys.
func frame(th *themes.Theme, title, foot string, lines []string, inner int) Box {
	g := th.Glyphs
	out := make([]string, 0, len(lines)+2)
	out = append(out, edge(th, g.TopLeft, title, th.AccentStrong, g.TopRight, inner+2))
	side := th.Rule.Paint(g.VLine)
	for _, l := range lines {
		out = append(out, side+" "+l+" "+side)
	}
	out = append(out, edge(th, g.BottomLeft, foot, th.Muted, g.BottomRight, inner+2))
	return Box{Lines: out, Width: inner + 4}
}

func edge(th *themes.Theme, left, text string, style themes.Style, right string, width int) string {
	text = safetext.Cut(safetext.Clean(text), max(width-4, 0), th.Glyphs.Ellipsis)
	n := width
	var b strings.Builder
	b.WriteString(th.Rule.Paint(left + th.Glyphs.HLine))
	n--
	if text != "" {
		b.WriteString(style.Paint(" " + text + " "))
		n -= safetext.Width(text) + 2
	}
	b.WriteString(th.Rule.Paint(strings.Repeat(th.Glyphs.HLine, max(n, 0)) + right))
	return b.String()
}

// wrapped draws text in lines of width columns.
func wrapped(th *themes.Theme, style themes.Style, text string, width int) []string {
	var out []string
	for _, w := range part.Wrap(part.Spans{{Style: style, Text: text}}, width, 0) {
		out = append(out, part.NewLine(width, th).Spans(w).String())
	}
	return out
}
