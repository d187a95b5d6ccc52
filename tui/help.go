package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/part"
)

// help shows what can be pressed on the page in front, and the command line.
// It is made from the tables that the code acts on.
func (a *App) help() tea.Cmd {
	th := a.env.Theme
	front := a.front()
	var lines []part.Spans
	heading := func(text string) {
		if len(lines) > 0 {
			lines = append(lines, part.Spans{})
		}
		lines = append(lines, part.Spans{{Style: th.Strong, Text: text}})
	}
	row := func(left, right string) {
		lines = append(lines, part.Spans{{Style: th.Accent, Text: fmt.Sprintf("%-18s", left)}, {Style: th.Text, Text: " " + right}})
	}
	for _, scope := range keys.Chain(front.Scope()) {
		list := a.env.Keys.In(scope)
		if len(list) == 0 {
			continue
		}
		heading(scopeTitle(scope))
		for _, b := range list {
			row(b.Label(), b.Help)
		}
	}
	heading("Command line")
	for _, c := range commands() {
		text := ":" + c.name
		if c.args != "" {
			text += " " + c.args
		}
		row(text, c.help)
	}
	heading("Signs")
	lines = append(lines, part.Spans{
		{Style: th.Good, Text: th.Glyphs.OK + " ok   "},
		{Style: th.Warn, Text: th.Glyphs.Suspicious + " suspicious   "},
		{Style: th.Bad, Text: th.Glyphs.Broken + " broken   "},
		{Style: th.Muted, Text: th.Glyphs.Unknown + " not known   " + th.Glyphs.None + " does not apply"},
	})
	lines = append(lines, part.Spans{{Style: th.Muted, Text: "API is what the API says, CTL what the control plane on the node believes, DEV what devices exist, WIRE what packets do."}})
	return a.open(page.Read{Title: "Help  " + front.Title(), Lines: lines})
}

func scopeTitle(scope string) string {
	switch scope {
	case keys.Explorer:
		return "On what is selected"
	case keys.Fleet:
		return "On an agent"
	case keys.List:
		return "Lists"
	case keys.Move:
		return "Movement"
	case keys.Text:
		return "This page"
	case keys.Workspace:
		return "Workspace"
	}
	return "Everywhere"
}
