package part

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"steth/themes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func theme(t testing.TB) *themes.Theme {
	t.Helper()
	th, err := themes.Get("dark", false)
	if err != nil {
		t.Fatal(err)
	}
	return &th
}

func plain(s string) string { return strings.ReplaceAll(ansi.Strip(s), "\u00a0", " ") }

func TestLineIsAsWideAsItShouldBe(t *testing.T) {
	th := theme(t)
	texts := []string{"", "short", strings.Repeat("long ", 30), "漢字漢字漢字漢字", "\x1b[31mred\x1b[m", "a\u202eb", "é́́́", "👩‍👩‍👧‍👦x", "\xff\xfe", "tab\tnew\nline"}
	for _, width := range []int{0, 1, 2, 3, 7, 20, 200} {
		for _, text := range texts {
			for name, l := range map[string]*Line{
				"put":  NewLine(width, th).Put(th.Text, text),
				"cell": NewLine(width, th).Cell(Spans{{th.Good, text}, {th.Bad, "end"}}, 12).Put(th.Muted, text),
				"to":   NewLine(width, th).Put(th.Text, text).To(5).Skip(500),
			} {
				l.Ground = th.BarGround
				if got := ansi.StringWidthWc(l.String()); got != width {
					t.Errorf("%s of %q in %d columns takes %d", name, text, width, got)
				}
			}
		}
	}
}

func TestLineMakesHostileTextVisible(t *testing.T) {
	th := theme(t)
	got := NewLine(40, th).Put(themes.Style{}, "a\x1b]0;title\x07b\x1b[2J").String()
	if strings.ContainsAny(got, "\x1b\x07") {
		t.Errorf("an escape sequence came through: %q", got)
	}
}

func TestCellTellsThatMoreWasToCome(t *testing.T) {
	th := theme(t)
	got := plain(NewLine(10, th).Cell(Spans{{th.Text, "12345"}, {th.Text, "678"}}, 5).String())
	if got != "1234…     " {
		t.Errorf("%q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text        string
		width, hang int
		want        []string
	}{
		{"one two three", 20, 0, []string{"one two three"}},
		{"one two three", 8, 0, []string{"one two", "three"}},
		{"one two three", 8, 2, []string{"one two", "  three"}},
		{"abcdefghij", 4, 0, []string{"abcd", "efgh", "ij"}},
		{"ab abcdefghij", 6, 2, []string{"ab", "  abcd", "  efgh", "  ij"}},
		{"", 5, 0, []string{""}},
		{"漢字漢字", 5, 0, []string{"漢字", "漢字"}},
	} {
		var got []string
		for _, l := range Wrap(Spans{{Text: c.text}}, c.width, c.hang) {
			got = append(got, strings.TrimRight(l.Plain(), " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("Wrap(%q, %d, %d) = %q, want %q", c.text, c.width, c.hang, got, c.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two three", 8, 2)
	f.Add("漢字\x1b[31m👩‍👩‍👧‍👦", 1, 0)
	f.Fuzz(func(t *testing.T, text string, width, hang int) {
		width, hang = width%200, hang%50
		if width < 2 || hang < 0 {
			return
		}
		for _, l := range Wrap(Spans{{Text: text}}, width, hang) {
			if l.Width() > width {
				t.Errorf("%q takes %d columns of %d", l.Plain(), l.Width(), width)
			}
		}
	})
}

func TestNatural(t *testing.T) {
	list := []string{"", "10.20.0.11", "10.20.0.2", "web-10", "Web-9", "10.20.0.2", "a", "10.3.0.1"}
	slices.SortStableFunc(list, Natural)
	want := []string{"10.3.0.1", "10.20.0.2", "10.20.0.2", "10.20.0.11", "a", "Web-9", "web-10", ""}
	if !slices.Equal(list, want) {
		t.Errorf("%q, want %q", list, want)
	}
}

// sample is rows with a key, a number and a long text.
type sample struct {
	th   *themes.Theme
	keys []string
}

func (s sample) Len() int           { return len(s.keys) }
func (s sample) Key(row int) string { return s.keys[row] }
func (s sample) Text(row, col int) string {
	return []string{s.keys[row], fmt.Sprint(len(s.keys) - row), "a text that is long enough to be cut somewhere"}[col]
}
func (s sample) Cell(row, col int) Spans { return Spans{{s.th.Text, s.Text(row, col)}} }

func table(t testing.TB, keys ...string) *Table {
	th := theme(t)
	tb := NewTable(th, []Column{{Title: "NAME", Least: 4, Most: 20}, {Title: "N", Priority: 1}, {Title: "TEXT", Least: 10, Most: 80, Priority: 2}})
	tb.SetRows(sample{th, keys}, nil)
	return tb
}

func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%03d", i)
	}
	return keys
}

func TestTableKeepsCursorAndPlace(t *testing.T) {
	tb := table(t, numbered(100)...)
	tb.View(80, 21, true)
	tb.Move(50)
	tb.Scroll(5)
	key, line := tb.Key(), tb.cursor-tb.top
	tb.SetRows(sample{tb.theme, append([]string{"a", "b", "c"}, numbered(100)...)}, nil)
	if tb.Key() != key || tb.cursor-tb.top != line {
		t.Errorf("after new rows: %s on line %d, was %s on %d", tb.Key(), tb.cursor-tb.top, key, line)
	}
	tb.SetRows(sample{tb.theme, numbered(3)}, nil) // its row is gone
	tb.View(80, 21, true)
	if tb.Key() == "" || tb.top != 0 {
		t.Errorf("cursor on %q, top %d", tb.Key(), tb.top)
	}
	tb.SetRows(sample{tb.theme, nil}, nil)
	if tb.Key() != "" || tb.Row() != -1 {
		t.Error("a cursor on nothing")
	}
}

func TestTableFilter(t *testing.T) {
	tb := table(t, "web-1", "web-2", "db-1", "DB-2")
	for _, c := range []struct {
		text   string
		invert bool
		want   int
	}{{"web", false, 2}, {"WEB 1", false, 1}, {"db", false, 2}, {"db", true, 2}, {"nothing", false, 0}, {"", false, 4}, {"", true, 4}} {
		tb.SetFilter(c.text, c.invert)
		if tb.Len() != c.want {
			t.Errorf("filter %q, turned %v: %d rows, want %d", c.text, c.invert, tb.Len(), c.want)
		}
	}
	tb.SetFilter("web", false)
	tb.Goto("db-1") // lifts the filter
	if tb.Key() != "db-1" || tb.Len() != 4 {
		t.Errorf("on %s of %d rows", tb.Key(), tb.Len())
	}
	tb.Goto("late")
	tb.SetRows(sample{tb.theme, []string{"early", "late"}}, nil)
	if tb.Key() != "late" {
		t.Errorf("on %s after what was asked for came", tb.Key())
	}
}

func TestTableSort(t *testing.T) {
	tb := table(t, "b", "a", "c")
	first := func() string { return tb.rows.Key(int(tb.shown[0])) }
	tb.SortBy("NAME")
	if tb.Key() != "b" || first() != "a" {
		t.Errorf("by name: first %s, cursor on %s", first(), tb.Key())
	}
	tb.SortBy("NAME")
	if first() != "c" {
		t.Errorf("by name, turned: first %s", first())
	}
	tb.SortBy("N")
	if first() != "c" {
		t.Errorf("by number: first %s", first())
	}
	if title, desc := tb.SortedBy(); title != "N" || desc {
		t.Errorf("sorted by %q, backwards %v", title, desc)
	}
}

func TestTableGivesWayByPriority(t *testing.T) {
	tb := table(t, numbered(30)...)
	for _, c := range []struct {
		width      int
		has, lacks string
	}{{120, "NAME N TEXT", ""}, {40, "NAME N TEXT", ""}, {16, "NAME N", "TEXT"}, {6, "NAME", "N "}} {
		lines := tb.View(c.width, 10, true)
		head := plain(lines[0])
		for _, w := range strings.Fields(c.has) {
			if !slices.Contains(strings.Fields(head), w) {
				t.Errorf("%d columns: %q lacks %s", c.width, head, w)
			}
		}
		if c.lacks != "" && strings.Contains(strings.Replace(head, "NAME", "", 1), c.lacks) {
			t.Errorf("%d columns: %q has %s", c.width, head, c.lacks)
		}
		for _, l := range lines {
			if got := ansi.StringWidthWc(l); got != c.width {
				t.Errorf("%d columns: a line takes %d: %q", c.width, got, plain(l))
			}
		}
	}
}

func TestTableMarksAndClicks(t *testing.T) {
	tb := table(t, "a", "b", "c")
	tb.View(40, 10, true)
	tb.Mark()
	tb.Mark()
	if got := tb.Marked(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("marked %q", got)
	}
	if !tb.Click(1) || tb.Key() != "a" {
		t.Errorf("a click on the first row is on %q", tb.Key())
	}
	if tb.Click(0) || tb.Click(9) {
		t.Error("a click on the headings or below the rows hit")
	}
	tb.Mark()
	if got := tb.Marked(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("marked %q", got)
	}
}

func TestTextSearchAndScroll(t *testing.T) {
	th := theme(t)
	x := NewText(th, 4)
	var lines []Spans
	for i := range 100 {
		lines = append(lines, Spans{{th.Text, fmt.Sprintf("line %d", i)}})
	}
	x.Set(lines)
	x.View(40, 10)
	if hits := x.Search("LINE 77"); hits != 1 {
		t.Errorf("%d hits", hits)
	}
	if got := strings.Join(x.View(40, 10), "\n"); !strings.Contains(plain(got), "line 77") || !strings.Contains(got, th.Match.Prefix) {
		t.Errorf("the hit does not show:\n%s", plain(got))
	}
	x.Bottom()
	if first, last, total := x.Position(); last != 100 || total != 100 || first != 91 {
		t.Errorf("at the end: %d-%d of %d", first, last, total)
	}
	x.Top()
	x.Move(-5)
	if first, _, _ := x.Position(); first != 1 {
		t.Errorf("before the start: %d", first)
	}
}

func TestInput(t *testing.T) {
	th := theme(t)
	in := NewInput("hint")
	if text, _ := in.View(10, th.Text, th); plain(text) != "hint      " {
		t.Errorf("empty: %q", plain(text))
	}
	in.Update(tea.KeyPressMsg{Code: 'x', Text: "x"})
	if in.Value() != "" {
		t.Error("it took a key without the focus")
	}
	in.Focus()
	in.Update(tea.PasteMsg{Content: "10.0.0.1\n10.0.0.2"})
	if strings.ContainsAny(in.Value(), "\n\r") {
		t.Errorf("a line break came in: %q", in.Value())
	}
	in.Set("a text that is longer than its place")
	text, cursor := in.View(10, th.Text, th)
	if cursor != 9 || !strings.HasSuffix(strings.TrimRight(plain(text), " "), "place") || ansi.StringWidthWc(text) != 10 {
		t.Errorf("%q, cursor in %d", plain(text), cursor)
	}
}

func BenchmarkTableView(b *testing.B) {
	tb := table(b, numbered(50_000)...)
	for b.Loop() {
		tb.Move(1)
		tb.View(160, 45, true)
	}
}

func BenchmarkTableFilter(b *testing.B) {
	tb := table(b, numbered(50_000)...)
	for b.Loop() {
		tb.SetFilter("k49", false)
		tb.SetFilter("k4", false)
	}
}

func BenchmarkTableSetRows(b *testing.B) {
	tb := table(b, numbered(50_000)...)
	tb.SortBy("NAME")
	hay := Haystacks(tb.rows, len(tb.columns))
	for b.Loop() {
		tb.SetRows(tb.rows, hay)
	}
}

func TestSelectedTextIsReplaced(t *testing.T) {
	typed := func(s string) tea.Msg { return tea.KeyPressMsg{Code: []rune(s)[0], Text: s} }
	for name, c := range map[string]struct {
		msg  tea.Msg
		want string
	}{
		"by a letter":        {typed("x"), "x"},
		"by a paste":         {tea.PasteMsg{Content: "10.0.0.5"}, "10.0.0.5"},
		"by backspace":       {tea.KeyPressMsg{Code: tea.KeyBackspace}, ""},
		"not by a movement":  {tea.KeyPressMsg{Code: tea.KeyLeft}, "203.0.113.5"},
		"not when it is new": {nil, "203.0.113.5"},
	} {
		t.Run(name, func(t *testing.T) {
			in := NewInput("")
			in.Focus()
			in.Set("203.0.113.5")
			in.Select()
			in.Update(c.msg)
			if in.Value() != c.want {
				t.Errorf("text is %q, want %q", in.Value(), c.want)
			}
			before := in.Value()
			in.Update(typed("y")) // the mark lasts for one key
			if len(in.Value()) != len(before)+1 {
				t.Errorf("a second key left %q", in.Value())
			}
		})
	}
}
