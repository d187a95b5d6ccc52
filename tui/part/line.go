// Package part holds the pieces that pages and dialogs are drawn with: a line
// that can't grow beyond its width, a table that draws only the rows one sees,
// a page of text, a text input.
//
// All text reaches the screen through [Line], which makes hostile text visible
// and cuts what does not fit. Colours are a theme's ready-made sequences.
package part

import (
	"strings"

	"steth/internal/safetext"
	"steth/themes"
)

// Span is a piece of text with its style.
type Span struct {
	Style themes.Style
	Text  string
}

// Spans is a line, or a cell, of differently styled pieces.
type Spans []Span

// Plain is the text alone.
func (s Spans) Plain() string {
	if len(s) == 1 {
		return s[0].Text
	}
	var b strings.Builder
	for _, sp := range s {
		b.WriteString(sp.Text)
	}
	return b.String()
}

// Width is how many columns the text takes on the screen.
func (s Spans) Width() int {
	n := 0
	for _, sp := range s {
		n += TextWidth(sp.Text)
	}
	return n
}

// TextWidth is how many columns text takes once it is safe to print.
func TextWidth(text string) int {
	if plainASCII(text) {
		return len(text)
	}
	return safetext.Width(safetext.Clean(text))
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Line is one row of the screen while it is put together from left to right.
// It takes no more than its width; what does not fit is cut, with an ellipsis.
type Line struct {
	// Ground is laid under everything, blanks too. Set it before the first Put.
	Ground themes.Style

	b           strings.Builder
	width, used int
	ellipsis    string
	last        string // the blank that ends a line with a ground
	ascii       bool
}

// NewLine starts a line of width columns.
func NewLine(width int, theme *themes.Theme) *Line {
	return &Line{width: max(width, 0), ellipsis: theme.Glyphs.Ellipsis, last: theme.Glyphs.Blank, ascii: theme.Glyphs.ASCII}
}

// Put writes text after what is there.
func (l *Line) Put(style themes.Style, text string) *Line {
	l.put(style, text, l.width-l.used)
	return l
}

// Spans writes pieces one after the other.
func (l *Line) Spans(spans Spans) *Line {
	for _, s := range spans {
		l.Put(s.Style, s.Text)
	}
	return l
}

// Cell writes spans into exactly width columns, as far as the line has them.
func (l *Line) Cell(spans Spans, width int) *Line {
	end := min(l.used+width, l.width)
	for i, s := range spans {
		room := end - l.used
		if room <= 0 {
			break
		}
		// A piece that just fits must give way when more is to come.
		if w := TextWidth(s.Text); w == room && i < len(spans)-1 && spans[i+1:].Width() > 0 {
			l.put(s.Style, s.Text+" ", room)
			break
		}
		l.put(s.Style, s.Text, room)
	}
	return l.To(end)
}

func (l *Line) put(style themes.Style, text string, room int) {
	if room <= 0 || text == "" {
		return
	}
	w := len(text)
	if !plainASCII(text) {
		text = safetext.Clean(text)
		if l.ascii {
			text = spellSigns(text)
		}
		w = safetext.Width(text)
	}
	if w > room {
		text = safetext.Cut(text, room, l.ellipsis)
		w = safetext.Width(text)
	}
	l.used += w
	if l.Ground.Prefix == "" {
		l.b.WriteString(style.Paint(text))
		return
	}
	l.b.WriteString(l.Ground.Prefix)
	l.b.WriteString(style.Prefix)
	l.b.WriteString(text)
	l.b.WriteString(l.Ground.Suffix)
}

// spellSigns writes the signs that the console's own sentences use in ASCII,
// each in its own width. Names of strangers stay as they are.
func spellSigns(text string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '·':
			return '.'
		case '→':
			return '>'
		case '↔':
			return '-'
		case '±':
			return '~'
		case '…':
			return '~'
		}
		return r
	}, text)
}

// Skip leaves n columns blank.
func (l *Line) Skip(n int) *Line { return l.To(l.used + n) }

// To leaves blank what lies before column col. On a ground the last blank of
// the line is one that is really written: a ground that ends in erased cells is
// lost in terminals that don't keep the colour of what they erase.
func (l *Line) To(col int) *Line {
	col = min(col, l.width)
	n := col - l.used
	if n <= 0 {
		return l
	}
	l.used = col
	switch {
	case l.Ground.Prefix == "":
		l.b.WriteString(blanks(n))
	case col == l.width:
		l.b.WriteString(l.Ground.Paint(blanks(n-1) + l.last))
	default:
		l.b.WriteString(l.Ground.Paint(blanks(n)))
	}
	return l
}

// Raw takes text that is ready for the screen and width columns wide, such as
// a line that another part drew.
func (l *Line) Raw(text string, width int) *Line {
	l.b.WriteString(text)
	l.used += width
	return l
}

// Used is the number of columns written so far; Left is what remains.
func (l *Line) Used() int { return l.used }

// Left is the number of columns that are still free.
func (l *Line) Left() int { return l.width - l.used }

// String ends the line: blank up to its width.
func (l *Line) String() string {
	l.To(l.width)
	return l.b.String()
}

const blank = "                                                                                                                                "

func blanks(n int) string {
	if n <= len(blank) {
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// Rule is a thin horizontal line of width columns.
func Rule(width int, theme *themes.Theme) string {
	return theme.Rule.Paint(strings.Repeat(theme.Glyphs.HLine, max(width, 0)))
}

// Fit makes exactly height lines of lines, each of which must be width columns.
func Fit(lines []string, width, height int) []string {
	if len(lines) > height {
		return lines[:max(height, 0)]
	}
	for len(lines) < height {
		lines = append(lines, blanks(width))
	}
	return lines
}

// Wrap breaks a line into lines of at most width columns; those after the
// first are indented by hang columns.
func Wrap(spans Spans, width, hang int) []Spans {
	if width <= 0 {
		return nil
	}
	hang = min(hang, width/2)
	var out []Spans
	var line Spans
	used := 0
	flush := func() {
		out = append(out, line)
		line, used = Spans{{Text: blanks(hang)}}, hang
		if hang == 0 {
			line = nil
		}
	}
	for _, s := range spans {
		text := safetext.Clean(s.Text)
		for text != "" {
			room := width - used
			if safetext.Width(text) <= room {
				line, used = append(line, Span{s.Style, text}), used+safetext.Width(text)
				break
			}
			head := breakAt(text, room, used > hang)
			if head == "" {
				if used <= hang { // not even one rune fits
					head = safetext.Cut(text, 1, "")
					if head == "" {
						break
					}
				} else {
					flush()
					continue
				}
			}
			line = append(line, Span{s.Style, strings.TrimRight(head, " ")})
			text = strings.TrimLeft(text[len(head):], " ")
			flush()
		}
	}
	if len(line) > 0 || len(out) == 0 {
		out = append(out, line)
	}
	return out
}

// breakAt gives the start of text that fits room, up to a blank where there is
// one; "" asks for a fresh line first.
func breakAt(text string, room int, something bool) string {
	head := safetext.Cut(text, room, "")
	if len(head) < len(text) && text[len(head)] == ' ' {
		return head
	}
	if i := strings.LastIndexByte(head, ' '); i > 0 {
		return head[:i+1]
	}
	if something {
		return ""
	}
	return head
}
