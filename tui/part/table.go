package part

import (
	"slices"
	"strings"

	"steth/internal/safetext"
	"steth/themes"
)

// Column is one column of a [Table].
type Column struct {
	Title    string
	Least    int  // columns below which its texts are not cut
	Most     int  // columns it grows to for its longest text
	Priority int  // 0 is kept longest when the screen is narrow
	Wide     bool // only in the wide view
	Fill     bool // takes what is left over at the end of the row
}

// Rows is what a [Table] shows. Row numbers are the source's own order.
type Rows interface {
	Len() int
	Key(row int) string // identity: marks and the cursor stay with it
	// Text is a cell's plain text: for sorting, filtering and widths.
	Text(row, col int) string
	// Cell is how a cell looks.
	Cell(row, col int) Spans
}

// Table shows rows of which there may be very many: it looks only at those on
// the screen, except when rows are set, filtered or sorted.
type Table struct {
	// Grey draws text muted: what shows may no longer hold.
	Grey bool

	theme   *themes.Theme
	columns []Column
	rows    Rows
	hay     []string // what a filter searches, lower case, by row
	widest  []int    // of each column, over a sample of the rows
	order   []int32  // all rows, in order
	shown   []int32  // those of order that pass the filter
	cursor  int      // in shown
	top     int      // the first of shown on the screen
	height  int      // rows on the screen, since the last View
	wide    bool
	sortCol int // -1: the source's order
	desc    bool
	filter  string
	invert  bool
	marks   map[string]int // when each was marked
	marked  int            // marks so far
	want    string         // a key to go to as soon as it is there
}

// NewTable makes an empty table.
func NewTable(theme *themes.Theme, columns []Column) *Table {
	return &Table{theme: theme, columns: columns, sortCol: -1, marks: map[string]int{}, height: 1}
}

// Haystacks prepares the search over rows. It is the slow part of
// [Table.SetRows] for very many rows and may run elsewhere beforehand.
func Haystacks(rows Rows, columns int) []string {
	hay := make([]string, rows.Len())
	var b strings.Builder
	for r := range hay {
		b.Reset()
		for c := range columns {
			b.WriteString(rows.Text(r, c))
			b.WriteByte(' ')
		}
		b.WriteString(rows.Key(r))
		hay[r] = strings.ToLower(b.String())
	}
	return hay
}

// SetRows replaces the rows; hay may be nil. The cursor stays on the object it
// was on and on the same line of the screen, marks stay with their objects.
func (t *Table) SetRows(rows Rows, hay []string) {
	key, line := t.Key(), t.cursor-t.top
	if t.want != "" {
		key = t.want
	}
	if hay == nil {
		hay = Haystacks(rows, len(t.columns))
	}
	t.rows, t.hay = rows, hay
	t.measure()
	t.sort()
	t.sift()
	if key != "" && t.seek(key) {
		t.top = t.cursor - line
		t.want = ""
	}
	t.clamp()
}

// measure finds the widest text of each column over some rows, so that
// columns don't change their width while one scrolls.
func (t *Table) measure() {
	t.widest = make([]int, len(t.columns))
	n := t.rows.Len()
	step := max(n/400, 1)
	for c := range t.columns {
		for r := 0; r < n; r += step {
			t.widest[c] = max(t.widest[c], TextWidth(t.rows.Text(r, c)))
		}
	}
}

// sort puts all rows in order.
func (t *Table) sort() {
	if t.rows == nil {
		return
	}
	n := t.rows.Len()
	t.order = slices.Grow(t.order[:0], n)
	for r := range n {
		t.order = append(t.order, int32(r))
	}
	if t.sortCol < 0 {
		return
	}
	texts := make([]string, n)
	for r := range texts {
		texts[r] = t.rows.Text(r, t.sortCol)
	}
	slices.SortStableFunc(t.order, func(a, b int32) int {
		if t.desc {
			a, b = b, a
		}
		return Natural(texts[a], texts[b])
	})
}

// sift applies the filter.
func (t *Table) sift() {
	t.shown = t.shown[:0]
	terms := strings.Fields(strings.ToLower(t.filter))
	for _, r := range t.order {
		if len(terms) == 0 || matches(t.hay[r], terms) != t.invert {
			t.shown = append(t.shown, r)
		}
	}
}

func matches(hay string, terms []string) bool {
	for _, term := range terms {
		if !strings.Contains(hay, term) {
			return false
		}
	}
	return true
}

// Natural compares texts so that numbers in them count as numbers: 10.0.0.9
// comes before 10.0.0.10. What is empty comes last.
func Natural(a, b string) int {
	if (a == "") != (b == "") {
		if a == "" {
			return 1
		}
		return -1
	}
	for a != "" && b != "" {
		if digit(a[0]) && digit(b[0]) {
			na, nb := number(a), number(b)
			va, vb := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if len(va) != len(vb) {
				return len(va) - len(vb)
			}
			if c := strings.Compare(va, vb); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		ca, cb := lower(a[0]), lower(b[0])
		if ca != cb {
			return int(ca) - int(cb)
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func number(s string) int {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return n
}

// SetFilter shows only the rows that hold every word of text, or only the
// others when invert is set. The cursor stays on its object if it still shows.
func (t *Table) SetFilter(text string, invert bool) {
	key := t.Key()
	t.filter, t.invert = text, invert
	t.sift()
	if !t.seek(key) {
		t.cursor, t.top = 0, 0
	}
	t.clamp()
}

// Filter is the text and direction of the filter.
func (t *Table) Filter() (text string, invert bool) { return t.filter, t.invert }

// Titles lists the headings of the columns that show.
func (t *Table) Titles() []string {
	var out []string
	for _, c := range t.columns {
		if t.wide || !c.Wide {
			out = append(out, c.Title)
		}
	}
	return out
}

// SortBy sorts by the column with a title, and backwards when it already does.
func (t *Table) SortBy(title string) {
	key := t.Key()
	for c := range t.columns {
		if t.columns[c].Title == title {
			t.desc = t.sortCol == c && !t.desc
			t.sortCol = c
		}
	}
	t.resort(key)
}

func (t *Table) resort(key string) {
	t.sort()
	t.sift()
	t.seek(key)
	t.clamp()
}

// SortedBy is the title of the column that orders the rows, "" for the
// source's order.
func (t *Table) SortedBy() (title string, desc bool) {
	if t.sortCol < 0 {
		return "", false
	}
	return t.columns[t.sortCol].Title, t.desc
}

// ToggleWide switches the columns of the wide view.
func (t *Table) ToggleWide() { t.wide = !t.wide }

// Move moves the cursor by n rows.
func (t *Table) Move(n int) {
	t.cursor += n
	t.clamp()
}

// Page is how many rows a page has.
func (t *Table) Page() int { return max(t.height, 1) }

// Top and Bottom go to the ends.
func (t *Table) Top() { t.cursor = 0; t.clamp() }

// Bottom goes to the last row.
func (t *Table) Bottom() { t.cursor = len(t.shown) - 1; t.clamp() }

// Scroll moves the rows under the screen by n, as a mouse wheel does.
func (t *Table) Scroll(n int) {
	t.top = max(min(t.top+n, len(t.shown)-t.height), 0)
	t.cursor = max(min(t.cursor, t.top+t.height-1), t.top)
	t.clamp()
}

// Click puts the cursor on the row that line of the View (0 is the headings)
// shows, and tells whether there is one.
func (t *Table) Click(line int) bool {
	at := t.top + line - 1
	if line < 1 || at >= len(t.shown) {
		return false
	}
	t.cursor = at
	return true
}

// Goto puts the cursor on a key, now or as soon as it comes. It lifts the
// filter when that hides it.
func (t *Table) Goto(key string) {
	t.want = ""
	if t.seek(key) {
		t.clamp()
		return
	}
	if t.filter != "" {
		t.SetFilter("", false)
		if t.seek(key) {
			t.clamp()
			return
		}
	}
	t.want = key
}

func (t *Table) seek(key string) bool {
	if key == "" {
		return false
	}
	for i, r := range t.shown {
		if t.rows.Key(int(r)) == key {
			t.cursor = i
			return true
		}
	}
	return false
}

func (t *Table) clamp() {
	t.cursor = max(min(t.cursor, len(t.shown)-1), 0)
	t.top = min(t.top, t.cursor)
	t.top = max(t.top, t.cursor-t.height+1)
	t.top = max(min(t.top, len(t.shown)-t.height), 0)
}

// Row is the row under the cursor, -1 when there is none.
func (t *Table) Row() int {
	if t.rows == nil || t.cursor >= len(t.shown) {
		return -1
	}
	return int(t.shown[t.cursor])
}

// Key is the key under the cursor, "" when there is none.
func (t *Table) Key() string {
	if r := t.Row(); r >= 0 {
		return t.rows.Key(r)
	}
	return ""
}

// Len is how many rows show, Total how many there are.
func (t *Table) Len() int { return len(t.shown) }

// Total is how many rows there are without the filter.
func (t *Table) Total() int {
	if t.rows == nil {
		return 0
	}
	return t.rows.Len()
}

// Mark marks or unmarks the row under the cursor and goes to the next.
func (t *Table) Mark() {
	if key := t.Key(); key != "" {
		if t.marks[key] > 0 {
			delete(t.marks, key)
		} else {
			t.marked++
			t.marks[key] = t.marked
		}
		t.Move(1)
	}
}

// Unmark takes all marks away.
func (t *Table) Unmark() { clear(t.marks) }

// Marked lists the keys that are marked, in the order in which they were.
func (t *Table) Marked() []string {
	out := make([]string, 0, len(t.marks))
	for k := range t.marks {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b string) int { return t.marks[a] - t.marks[b] })
	return out
}

// Blank columns between two columns, where there is room and where not.
const (
	wideGap   = 3
	narrowGap = 2
)

// layout decides which columns show, how wide each is, and the gap between them.
func (t *Table) layout(width int) (cols, widths []int, gap int) {
	want, least := make([]int, len(t.columns)), make([]int, len(t.columns))
	for c, col := range t.columns {
		title := safetext.Width(col.Title)
		want[c] = max(title, min(t.widestOf(c), max(col.Most, col.Least)))
		if c == t.sortCol {
			want[c] = max(want[c], title+1) // the arrow
		}
		least[c] = max(title, min(want[c], col.Least))
		if !col.Wide || t.wide {
			cols = append(cols, c)
		}
	}
	total := func(of []int, gap int) int {
		n := -gap
		for _, c := range cols {
			n += of[c] + gap
		}
		return n
	}
	// The least important columns go first; then long texts are cut.
	for total(least, narrowGap) > width && len(cols) > 1 {
		drop := 0
		for i, c := range cols {
			if t.columns[c].Priority >= t.columns[cols[drop]].Priority {
				drop = i
			}
		}
		cols = slices.Delete(cols, drop, drop+1)
	}
	gap = wideGap
	if total(want, gap) > width {
		gap = narrowGap
	}
	for over := total(want, gap) - width; over > 0; over-- {
		best, give := -1, 0 // the column with the most to give
		for _, c := range cols {
			if g := want[c] - least[c]; g > give {
				best, give = c, g
			}
		}
		if best < 0 {
			break
		}
		want[best]--
	}
	left := max(width-total(want, gap), 0)
	for _, c := range cols {
		w := want[c]
		if t.columns[c].Fill {
			w, left = w+left, 0
		}
		widths = append(widths, w)
	}
	return cols, widths, gap
}

func (t *Table) widestOf(c int) int {
	if c < len(t.widest) {
		return t.widest[c]
	}
	return 0
}

// View draws headings and rows: height lines of width columns. The first
// column of each line is for the bar beside the selected row; active tells
// whether the keys go to the table.
func (t *Table) View(width, height int, active bool) []string {
	t.height = max(height-1, 1)
	t.clamp()
	cols, widths, gap := t.layout(width - 2)
	th := t.theme
	lines := make([]string, 0, height)
	head := NewLine(width, th).Skip(1)
	for i, c := range cols {
		title := t.columns[c].Title
		if c == t.sortCol {
			arrow := th.Glyphs.Up
			if t.desc {
				arrow = th.Glyphs.Down
			}
			head.Cell(Spans{{th.Accent, title + arrow}}, widths[i])
		} else {
			head.Cell(Spans{{th.Muted, title}}, widths[i])
		}
		head.Skip(gap)
	}
	lines = append(lines, head.String())
	for i := t.top; i < min(t.top+t.height, len(t.shown)); i++ {
		lines = append(lines, t.row(int(t.shown[i]), i == t.cursor, active, width, cols, widths, gap))
	}
	return Fit(lines, width, height)
}

func (t *Table) row(r int, selected, active bool, width int, cols, widths []int, gap int) string {
	th := t.theme
	l := NewLine(width, th)
	sign, style := "", th.Accent
	if selected {
		sign = th.Glyphs.Bar
		l.Ground = th.SelectedGround
		if !active {
			style, l.Ground = th.Muted, themes.Style{}
		}
	}
	if t.marks[t.rows.Key(r)] > 0 {
		sign, style = "*", th.Accent
	}
	l.Put(style, sign).To(1)
	for i, c := range cols {
		cell := t.rows.Cell(r, c)
		switch {
		case t.Grey:
			cell = restyled(cell, th.Text, th.Muted)
		case selected:
			cell = restyled(cell, th.Text, th.Strong)
		}
		l.Cell(cell, widths[i]).Skip(gap)
	}
	return l.String()
}

// restyled is cell with one style in place of another; what a colour says stays.
func restyled(cell Spans, from, to themes.Style) Spans {
	out := make(Spans, len(cell))
	for i, s := range cell {
		if s.Style == from {
			s.Style = to
		}
		out[i] = s
	}
	return out
}

// Position tells which rows show, from 1, of how many that pass the filter.
func (t *Table) Position() (first, last, total int) {
	return min(t.top+1, len(t.shown)), min(t.top+t.height, len(t.shown)), len(t.shown)
}
