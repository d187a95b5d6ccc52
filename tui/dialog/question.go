package dialog

import (
	tea "charm.land/bubbletea/v2"

	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

// Question asks for yes or no. No is the default: enter alone never does harm.
type Question struct {
	theme *themes.Theme
	ask   page.Ask
	yes   bool
}

// NewQuestion makes the dialog for ask.
func NewQuestion(theme *themes.Theme, ask page.Ask) *Question {
	return &Question{theme: theme, ask: ask}
}

// Update implements [Dialog].
func (q *Question) Update(msg tea.Msg) (tea.Cmd, bool) {
	key, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil, false
	}
	switch key.String() {
	case "y", "Y":
		return page.Say(q.ask.Yes), true
	case "n", "N", "esc", "q", "ctrl+c":
		return nil, true
	case "left", "right", "tab", "shift+tab", "h", "l":
		q.yes = !q.yes
	case "enter":
		if q.yes {
			return page.Say(q.ask.Yes), true
		}
		return nil, true
	}
	return nil, false
}

// View implements [Dialog].
func (q *Question) View(width, _ int) Box {
	th := q.theme
	inner := min(width-8, max(part.TextWidth(q.ask.Question), 44))
	lines := append([]string{blank(th, inner)}, wrapped(th, th.Strong, q.ask.Question, inner)...)
	if q.ask.Detail != "" {
		lines = append(lines, wrapped(th, th.Muted, q.ask.Detail, inner)...)
	}
	l := part.NewLine(inner, th)
	button := func(text string, on bool) {
		if on {
			l.Put(themes.Style{Prefix: th.SelectedGround.Prefix + th.AccentStrong.Prefix, Suffix: "\x1b[m"}, th.Glyphs.Prompt+" "+text+" ")
		} else {
			l.Put(th.Muted, "  "+text+" ")
		}
		l.Skip(2)
	}
	button("No", !q.yes)
	button("Yes", q.yes)
	lines = append(lines, blank(th, inner), l.String())
	return frame(th, "", "y yes   n no   enter takes the marked one", lines, inner)
}

func blank(th *themes.Theme, width int) string { return part.NewLine(width, th).String() }
