package part

import (
	"strings"

	"steth/themes"
)

// Text is a page of lines that scrolls and is searched. Long lines are
// wrapped, never cut.
type Text struct {
	theme  *themes.Theme
	source []Spans
	hang   int

	lines  []Spans // wrapped
	width  int
	top    int
	height int
	search string
}

// NewText makes an empty page; hang is how far the rest of a wrapped line is
// indented.
func NewText(theme *themes.Theme, hang int) *Text {
	return &Text{theme: theme, hang: hang}
}

// Set replaces the lines. The page stays where it is.
func (t *Text) Set(lines []Spans) {
	t.source = lines
	t.width = 0
}

// Plain is the text without styles, for the clipboard.
func (t *Text) Plain() string {
	var b strings.Builder
	for _, l := range t.source {
		b.WriteString(strings.TrimRight(l.Plain(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// Move scrolls by n lines.
func (t *Text) Move(n int) { t.top = max(min(t.top+n, len(t.lines)-t.height), 0) }

// Page is how many lines a page has.
func (t *Text) Page() int { return max(t.height, 1) }

// Top goes to the first line, Bottom to the last page.
func (t *Text) Top() { t.top = 0 }

// Bottom goes to the last page.
func (t *Text) Bottom() { t.Move(len(t.lines)) }

// Search marks every hit of text and goes to the first at or after the top.
// It returns how many lines hold it.
func (t *Text) Search(text string) int {
	t.search = strings.ToLower(text)
	if t.search == "" {
		return 0
	}
	hits := 0
	for _, l := range t.source {
		if t.hit(l) {
			hits++
		}
	}
	if hits > 0 && !t.visible() {
		t.Next(1)
	}
	return hits
}

func (t *Text) visible() bool {
	for i := t.top; i < min(t.top+t.height, len(t.lines)); i++ {
		if t.hit(t.lines[i]) {
			return true
		}
	}
	return false
}

func (t *Text) hit(l Spans) bool {
	return t.search != "" && strings.Contains(strings.ToLower(l.Plain()), t.search)
}

// Next goes to the next hit, or with -1 to the one before, round the ends.
func (t *Text) Next(step int) {
	n := len(t.lines)
	if n == 0 || t.search == "" {
		return
	}
	for k := 1; k <= n; k++ {
		i := ((t.top+step*k)%n + n) % n
		if t.hit(t.lines[i]) {
			t.top = i
			t.Move(0)
			return
		}
	}
}

func (t *Text) wrap(width int) {
	if t.width == width {
		return
	}
	t.width = width
	t.lines = t.lines[:0]
	for _, l := range t.source {
		t.lines = append(t.lines, Wrap(l, width, t.hang)...)
	}
}

// Position tells which lines show, from 1, of how many.
func (t *Text) Position() (first, last, total int) {
	return min(t.top+1, len(t.lines)), min(t.top+t.height, len(t.lines)), len(t.lines)
}

// View draws height lines of width columns.
func (t *Text) View(width, height int) []string {
	t.height = max(height, 1)
	t.wrap(max(width-2, 1))
	t.Move(0)
	out := make([]string, 0, height)
	for i := t.top; i < min(t.top+height, len(t.lines)); i++ {
		l := NewLine(width, t.theme).Skip(1)
		for _, s := range t.lines[i] {
			t.putSearched(l, s)
		}
		out = append(out, l.String())
	}
	return Fit(out, width, height)
}

func (t *Text) putSearched(l *Line, s Span) {
	if t.search == "" {
		l.Put(s.Style, s.Text)
		return
	}
	rest := s.Text
	for rest != "" {
		low := strings.ToLower(rest)
		i := strings.Index(low, t.search)
		if i < 0 || len(low) != len(rest) {
			break
		}
		l.Put(s.Style, rest[:i])
		l.Put(t.theme.Match, rest[i:i+len(t.search)])
		rest = rest[i+len(t.search):]
	}
	l.Put(s.Style, rest)
}
