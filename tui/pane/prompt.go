package pane

import (
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/internal/safetext"
	"steth/themes"
)

// asking is what a prompt is for.
type asking uint8

const (
	nothing   asking = iota
	searching        // text to search for
	filtering        // text that rows must have
	marking          // a letter to put on the cursor's row
	jumping          // a letter to go to
)

// prompt is the row at a pane's foot: a question with the text typed so far, or
// a note that stays until the next key.
type prompt struct {
	asks  asking
	text  string
	note  string
	level feed.Level
	x     int // where the cursor stands, as last drawn
}

const promptMost = 200 // bytes typed

func (p *prompt) shown() bool { return p.asks != nothing || p.note != "" }

func (p *prompt) clear() { *p = prompt{} }

func (p *prompt) ask(what asking) { *p = prompt{asks: what} }

func (p *prompt) say(level feed.Level, note string) { *p = prompt{level: level, note: note} }

// edit changes the text by a key.
func (p *prompt) edit(msg tea.KeyPressMsg) {
	switch msg.String() {
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(p.text)
		p.text = p.text[:len(p.text)-n]
	case "ctrl+u":
		p.text = ""
	default:
		p.add(msg.Text)
	}
}

func (p *prompt) add(text string) {
	if text = safetext.Clean(text); len(p.text)+len(text) <= promptMost {
		p.text += text
	}
}

func (p *prompt) draw(c *canvas, th *themes.Theme) {
	c.space(1)
	if p.asks == nothing {
		c.text(levelStyle(th, p.level), p.note)
		c.end()
		return
	}
	label := ""
	switch p.asks {
	case searching:
		label = "/"
	case filtering:
		label = "&"
	case marking:
		label = "mark"
	case jumping:
		label = "go to mark"
	}
	c.text(th.Accent, label)
	c.space(1)
	// A long text shows its end, where the cursor is.
	text := p.text
	for safetext.Width(text) > max(c.room-2, 0) && text != "" {
		_, n := utf8.DecodeRuneInString(text)
		text = text[n:]
	}
	c.text(th.Text, text)
	p.x = c.used()
	c.end()
}

// hints names the keys that matter while a prompt asks, for the bar at the
// bottom.
func (p *prompt) hints() [][2]string {
	switch p.asks {
	case searching:
		return [][2]string{{"enter", "find"}, {"esc", "leave"}, {"ctrl+u", "clear"}}
	case filtering:
		return [][2]string{{"enter", "only rows with this"}, {"empty", "all rows"}, {"esc", "leave"}, {"ctrl+u", "clear"}}
	case marking:
		return [][2]string{{"a letter", "names this row"}, {"esc", "leave"}}
	case jumping:
		return [][2]string{{"its letter", "goes there"}, {"esc", "leave"}}
	}
	return nil
}
