package keys

// Default lists the console's own keys, without the panes', which package pane
// adds. Movement keys are never anything else.
func Default() []Binding {
	return []Binding{
		{"probe", []string{"p"}, "pick a probe for what is selected, or for each that is marked", Explorer, "probe"},
		{"capture", []string{"c"}, "capture on a device of what is selected, or of each that is marked", Explorer, "capture"},
		{"repeat", []string{"."}, "run the last probe again", Explorer, ""},
		{"open", []string{"enter"}, "open: look at it, or at the ports behind it", Explorer, "open"},
		{"describe", []string{"d"}, "describe on a page of its own", Explorer, ""},
		{"raw", []string{"y"}, "the API's own JSON", Explorer, ""},
		{"jump", []string{"J"}, "jump to a related object", Explorer, "related"},
		{"copy-id", []string{"ctrl+y"}, "copy the id, or those of all that is marked", Explorer, ""},
		{"copy-command", []string{"Y"}, "copy the shell command that shows the same", Explorer, ""},
		{"next-kind", []string{"tab", "right", "l"}, "next kind of object", Explorer, ""},
		{"prev-kind", []string{"shift+tab", "left", "h"}, "previous kind of object", Explorer, ""},

		{"probe", []string{"p"}, "pick a probe for this object", Object, "probe"},
		{"capture", []string{"c"}, "capture on a device of it", Object, "capture"},
		{"repeat", []string{"."}, "run the last probe again", Object, ""},
		{"raw", []string{"y"}, "the API's own JSON", Object, ""},
		{"jump", []string{"J"}, "jump to a related object", Object, "related"},

		{"open", []string{"enter", "d"}, "what the agent says of itself", Fleet, "describe"},
		{"dial", []string{"D"}, "dial this agent, or those marked", Fleet, "dial"},

		{"filter", []string{"/"}, "filter as you type", List, "filter"},
		{"invert", []string{"!"}, "turn the filter round", List, ""},
		{"next-hit", []string{"n"}, "next row that the filter hits", List, ""},
		{"prev-hit", []string{"N"}, "previous row that the filter hits", List, ""},
		{"mark", []string{"space"}, "mark or unmark", List, ""},
		{"sort", []string{"S"}, "sort by a column; by the same one again: turned round", List, ""},
		{"wide", []string{"w"}, "more columns or fewer", List, ""},
		{"refresh", []string{"R"}, "read again", List, ""},

		{"search", []string{"/"}, "search", Text, "search"},
		{"next-hit", []string{"n"}, "next hit", Text, ""},
		{"prev-hit", []string{"N"}, "previous hit", Text, ""},
		{"copy-all", []string{"Y", "ctrl+y"}, "copy the page", Text, "copy"},

		{"down", []string{"j", "down"}, "down", Move, ""},
		{"up", []string{"k", "up"}, "up", Move, ""},
		{"half-down", []string{"ctrl+d"}, "half a page down", Move, ""},
		{"half-up", []string{"ctrl+u"}, "half a page up", Move, ""},
		{"page-down", []string{"pgdown", "ctrl+f"}, "a page down", Move, ""},
		{"page-up", []string{"pgup"}, "a page up", Move, ""},
		{"top", []string{"g", "home"}, "to the top", Move, ""},
		{"bottom", []string{"G", "end"}, "to the bottom", Move, ""},

		{"find", []string{"s"}, "find an address, MAC, name or id anywhere", Global, "find"},
		{"command", []string{":"}, "command line", Global, "command"},
		{"help", []string{"?"}, "what can be pressed here", Global, "help"},
		{"back", []string{"esc"}, "back; never quits", Global, ""},
		{"close", []string{"q"}, "close this view", Global, ""},
		{"last", []string{"-"}, "the view before this one", Global, ""},
		{"next-tab", []string{"]"}, "next tab", Global, ""},
		{"prev-tab", []string{"["}, "previous tab", Global, ""},
		{"stop", []string{"ctrl+c"}, "stop the focused probe; when nothing runs, ask to quit", Global, ""},
		{"read", []string{"backspace"}, "take the message that shows off the band", Global, ""},
		{"mouse", []string{"f2"}, "mouse on or off (off: the terminal selects text)", Global, ""},
		{"redraw", []string{"ctrl+l"}, "draw the screen afresh", Global, ""},
	}
}
