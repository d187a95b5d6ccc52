package pane

import "steth/tui/keys"

// Bindings lists the keys of the workspace, for the shell's table. Those of the
// bar come first, in the order in which it drops them from the end when it is
// narrow.
func Bindings() []keys.Binding {
	b := func(name, help, bar string, ks ...string) keys.Binding {
		return keys.Binding{Name: name, Keys: ks, Help: help, Scope: keys.Workspace, Bar: bar}
	}
	return []keys.Binding{
		b("pause", "stand still, or go on", "pause", "space"),
		b("search", "search in memory and on disk", "search", "/"),
		b("filter", "only rows with a text; again narrows further", "filter", "&"),
		b("save", "save this pane: pcapng, or text", "save", "W"),
		b("time-lock", "panes at the same instant, rows level; by itself while captures have a filter or flows in common", "time-lock", "T"),
		b("next-pane", "next pane", "pane", "tab"),
		b("zoom", "this pane alone, or all again", "zoom", "f"),
		b("invert", "turn the last filter round", "invert", "!"),
		b("split-beside", "another view of this stream beside it", "split", "|"),
		b("close-pane", "close this pane; its probe stops with its last pane", "close", "X"),

		b("prev-pane", "previous pane", "", "shift+tab"),
		b("pane", "pane with this number", "", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
		b("split-below", "another view of this stream below it", "", "_"),
		b("narrower", "less room for this pane", "", "<"),
		b("wider", "more room for this pane", "", ">"),

		b("down", "a row down", "", "j", "down"),
		b("up", "a row up", "", "k", "up"),
		b("half-down", "half a page down", "", "ctrl+d"),
		b("half-up", "half a page up", "", "ctrl+u"),
		b("page-down", "a page down", "", "pgdown", "ctrl+f"),
		b("page-up", "a page up", "", "pgup"),
		b("top", "to the oldest row", "", "g", "home"),
		b("bottom", "to the newest row, and follow", "", "G", "end"),
		b("wrap", "wrap long rows, or cut them", "", "w"),

		b("next-hit", "next hit", "", "n"),
		b("prev-hit", "previous hit", "", "N"),
		b("next-error", "next error", "", "e"),
		b("prev-error", "previous error", "", "E"),
		b("mark", "mark this row with a letter", "", "m"),
		b("go-mark", "go to a mark", "", "'"),
		b("open", "take the selected packet apart; again: go through its fields", "", "enter"),

		b("save-all", "save all panes into one file", "", "ctrl+w"),
		b("copy-command", "copy the shell command that does the same", "", "Y"),
	}
}
