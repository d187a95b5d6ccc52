package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/themes"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/part"
)

// twoColumns is the width from which on help stands in two columns.
const twoColumns = 110

// help shows what can be pressed on the page in front, and the command line.
// It is made from the tables that the code acts on.
func (a *App) help() tea.Cmd {
	front := a.front()
	var own, all []part.Spans
	for _, scope := range keys.Chain(front.Scope()) {
		block := a.keyBlock(scope)
		if scope == keys.Global {
			all = append(all, block...)
			continue
		}
		own = append(own, block...)
	}
	all = append(all, a.commandBlock()...)
	own = append(own, a.signBlock()...)
	lines := append(own, all...)
	if a.width >= twoColumns {
		lines = beside(own, all, a.width/2)
	}
	return a.open(page.Read{Title: "Help  " + front.Title(), Lines: lines})
}

// beside puts two columns of lines side by side, each at columns wide.
func beside(left, right []part.Spans, at int) []part.Spans {
	left, right = folded(left, at-3), folded(right, at-3)
	out := make([]part.Spans, max(len(left), len(right)))
	for i := range out {
		if i < len(left) {
			out[i] = left[i]
		}
		if i < len(right) && len(right[i]) > 0 {
			fill := strings.Repeat(" ", max(at-out[i].Width(), 1))
			out[i] = append(append(out[i], part.Span{Text: fill}), right[i]...)
		}
	}
	return out
}

// keyRoom is the width of the keys before what they do.
const keyRoom = 19

// folded wraps lines that are too long, under the text and not under the key.
func folded(lines []part.Spans, width int) []part.Spans {
	var out []part.Spans
	for _, l := range lines {
		out = append(out, part.Wrap(l, width, keyRoom)...)
	}
	return out
}

func (a *App) helpHeading(text string) part.Spans {
	return part.Spans{{Style: a.env.Theme.Strong, Text: text}}
}

func (a *App) helpRow(left, right string) part.Spans {
	th := a.env.Theme
	return part.Spans{{Style: th.Accent, Text: fmt.Sprintf("%-*s", keyRoom-1, left)}, {Style: th.Text, Text: " " + right}}
}

func (a *App) keyBlock(scope string) []part.Spans {
	list := a.env.Keys.In(scope)
	if len(list) == 0 {
		return nil
	}
	out := []part.Spans{a.helpHeading(scopeTitle(scope))}
	for _, b := range list {
		if len(b.Keys) > 0 {
			out = append(out, a.helpRow(b.Label(), b.Help))
		}
	}
	return append(out, part.Spans{})
}

func (a *App) commandBlock() []part.Spans {
	out := []part.Spans{a.helpHeading("Command line")}
	for _, c := range commands() {
		text := ":" + c.name
		if c.args != "" && len(text)+len(c.args) < keyRoom-1 {
			text += " " + c.args
		}
		out = append(out, a.helpRow(text, c.help))
	}
	return append(out, part.Spans{})
}

// signBlock explains the signs, and the four truths.
func (a *App) signBlock() []part.Spans {
	th := a.env.Theme
	row := func(style themes.Style, sign, text string) part.Spans {
		return part.Spans{{Style: style, Text: fmt.Sprintf("%-*s", keyRoom, sign)}, {Style: th.Text, Text: text}}
	}
	return []part.Spans{
		a.helpHeading("Signs"),
		row(th.Good, th.Glyphs.OK, "ok"), row(th.Warn, th.Glyphs.Suspicious, "suspicious"), row(th.Bad, th.Glyphs.Broken, "broken"),
		row(th.Muted, th.Glyphs.Unknown, "not known"), row(th.Muted, th.Glyphs.None, "does not apply"),
		row(th.Muted, "API", "what the API says"), row(th.Muted, "CTL", "what the control plane on the node believes"),
		row(th.Muted, "DEV", "what devices exist"), row(th.Muted, "WIRE", "what packets do"),
		{},
	}
}

func scopeTitle(scope string) string {
	switch scope {
	case keys.Explorer:
		return "On what is selected"
	case keys.Object:
		return "On this object"
	case keys.Fleet:
		return "On an agent"
	case keys.List:
		return "Lists"
	case keys.Move:
		return "Movement"
	case keys.Text, keys.Compare:
		return "This page"
	case keys.Workspace:
		return "Workspace"
	case keys.Path:
		return "The path"
	}
	return "Everywhere"
}
