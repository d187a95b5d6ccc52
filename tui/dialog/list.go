package dialog

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

// List lets one row be chosen; what is typed filters the rows.
type List struct {
	theme  *themes.Theme
	choose page.Choose
	input  *part.Input
	shown  []int
	cursor int
	top    int
	rows   int // on the screen
}

// NewList makes the dialog for choose.
func NewList(theme *themes.Theme, choose page.Choose) *List {
	l := &List{theme: theme, choose: choose, input: part.NewInput("type to filter"), rows: 1}
	l.input.Focus()
	l.filter()
	return l
}

func (l *List) filter() {
	terms := strings.Fields(strings.ToLower(l.input.Value()))
	l.shown = l.shown[:0]
	for i, o := range l.choose.Options {
		hay := ""
		for _, c := range o.Text {
			hay += strings.ToLower(c.Plain()) + " "
		}
		hit := true
		for _, t := range terms {
			hit = hit && strings.Contains(hay, t)
		}
		if hit {
			l.shown = append(l.shown, i)
		}
	}
	l.cursor, l.top = 0, 0
}

// Update implements [Dialog].
func (l *List) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		switch msg.String() {
		case "esc", "ctrl+c":
			return nil, true
		case "enter":
			if l.cursor < len(l.shown) {
				return page.Say(l.choose.Options[l.shown[l.cursor]].Msg), true
			}
			if text := strings.TrimSpace(l.input.Value()); text != "" && l.choose.Typed != nil {
				return page.Say(l.choose.Typed(text)), true
			}
			return nil, false
		case "down", "ctrl+n", "tab":
			l.move(1)
			return nil, false
		case "up", "ctrl+p", "shift+tab":
			l.move(-1)
			return nil, false
		case "pgdown":
			l.move(l.rows)
			return nil, false
		case "pgup":
			l.move(-l.rows)
			return nil, false
		}
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelDown {
			l.move(1)
		} else {
			l.move(-1)
		}
		return nil, false
	case tea.MouseClickMsg:
		at := l.top + msg.Y - 3 // under the frame, the input and a blank line
		if msg.Y < 3 || at >= len(l.shown) || msg.Y-3 >= l.rows {
			return nil, false
		}
		if at == l.cursor {
			return page.Say(l.choose.Options[l.shown[at]].Msg), true
		}
		l.cursor = at
		return nil, false
	}
	if l.input.Update(msg) {
		l.filter()
	}
	return nil, false
}

func (l *List) move(n int) { l.cursor = max(min(l.cursor+n, len(l.shown)-1), 0) }

// View implements [Dialog].
func (l *List) View(width, height int) Box {
	th := l.theme
	widths := l.columns()
	want := 2
	for _, w := range widths {
		want += w + 3
	}
	want = max(want, part.TextWidth(l.choose.Free)+2)
	inner := min(width-8, max(want, 48))
	l.rows = max(min(len(l.choose.Options), height-9), 1)
	l.top = max(min(l.top, l.cursor), l.cursor-l.rows+1)
	text, x := l.input.View(inner-2, th.Strong, th)
	lines := []string{
		part.NewLine(inner, th).Put(th.Accent, th.Glyphs.Prompt+" ").Raw(text, inner-2).String(),
		blank(th, inner),
	}
	for i := l.top; i < min(l.top+l.rows, len(l.shown)); i++ {
		row := part.NewLine(inner, th)
		sign := ""
		if i == l.cursor {
			row.Ground, sign = th.SelectedGround, th.Glyphs.Bar
		}
		row.Put(th.Accent, sign).To(2)
		for c, cell := range l.choose.Options[l.shown[i]].Text {
			row.Cell(cell, widths[c]).Skip(3)
		}
		lines = append(lines, row.String())
	}
	if len(l.shown) == 0 {
		text := "nothing matches"
		if l.choose.Typed != nil {
			text = "enter takes it as it stands"
		}
		lines = append(lines, part.NewLine(inner, th).Skip(2).Put(th.Muted, text).String())
	}
	lines = part.Fit(lines, inner, l.rows+2)
	if l.choose.Free != "" {
		lines = append(lines, part.NewLine(inner, th).Skip(2).Put(th.Muted, l.choose.Free).String())
	}
	foot := "enter chooses   esc leaves"
	if more := len(l.shown) - l.rows; more > 0 {
		foot = fmt.Sprintf("%d more   %s", more, foot)
	}
	box := frame(th, l.choose.Title, foot, lines, inner)
	box.Cursor = &Point{4 + x, 1}
	return box
}

func (l *List) columns() []int {
	var widths []int
	for _, o := range l.choose.Options {
		for c, cell := range o.Text {
			if c == len(widths) {
				widths = append(widths, 0)
			}
			widths[c] = max(widths[c], cell.Width())
		}
	}
	return widths
}
