package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"steth/feed"
	"steth/tui/page"
)

// mostCopied is how many bytes one copy takes: the sequence that carries them
// may have 100,000 characters before terminals drop it, and base64 makes four
// of three.
const mostCopied = 74_994

// copy puts text on the clipboard of the terminal that the engineer sits at,
// with OSC 52, which goes through SSH. tmux and screen pass it on when it is
// wrapped; tmux also takes the plain one where set-clipboard is on.
func (a *App) copy(c page.Copy) tea.Cmd {
	text, told := c.Text, ""
	if len(text) > mostCopied {
		text = text[:mostCopied]
		if i := strings.LastIndexByte(text, '\n'); i > 0 {
			text = text[:i+1]
		}
		told = fmt.Sprintf(": only the first %d kB of %d, which is as much as terminals take", len(text)/1000, len(c.Text)/1000)
	}
	level := feed.Good
	if told != "" {
		level = feed.Warn
	}
	a.say(page.Notice{Level: level, Text: "copied " + c.What + told})
	plain := ansi.SetSystemClipboard(text)
	switch {
	case a.opt.Getenv("TMUX") != "":
		return tea.Raw(plain + ansi.TmuxPassthrough(plain))
	case a.opt.Getenv("STY") != "":
		return tea.Raw(ansi.ScreenPassthrough(plain, 0))
	}
	return tea.Raw(plain)
}
