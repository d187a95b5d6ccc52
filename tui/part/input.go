package part

import (
	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"steth/internal/safetext"
	"steth/themes"
)

// Input is one line of text that can be edited. Bubbles' text input edits; the
// drawing is ours, so that the terminal's own cursor is used and colours come
// from the theme.
type Input struct {
	Placeholder string
	m           textinput.Model
	selected    bool // the whole text: what is typed next replaces it
}

// NewInput makes an input without focus.
func NewInput(placeholder string) *Input {
	m := textinput.New()
	m.SetVirtualCursor(false)
	m.CharLimit = 512
	none := key.NewBinding(key.WithDisabled())
	m.KeyMap.Paste = none // the terminal pastes; the console's host has no clipboard of the user
	m.KeyMap.AcceptSuggestion, m.KeyMap.NextSuggestion, m.KeyMap.PrevSuggestion = none, none, none
	return &Input{Placeholder: placeholder, m: m}
}

// Focus makes the input take keys; Blur ends that.
func (i *Input) Focus() { i.m.Focus() }

// Blur makes the input ignore keys.
func (i *Input) Blur() {
	i.m.Blur()
	i.selected = false
}

// Select marks the whole text, so that what is typed or pasted next replaces
// it. A key that only moves takes the mark away.
func (i *Input) Select() {
	i.selected = i.m.Value() != ""
	i.m.CursorEnd()
}

// Focused tells whether the input takes keys.
func (i *Input) Focused() bool { return i.m.Focused() }

// Value is the text.
func (i *Input) Value() string { return i.m.Value() }

// Set replaces the text and puts the cursor at its end.
func (i *Input) Set(text string) {
	i.m.SetValue(text)
	i.m.CursorEnd()
}

// Update edits; it tells whether the text changed. Line breaks in what is
// pasted become blanks.
func (i *Input) Update(msg tea.Msg) (changed bool) {
	before := i.m.Value()
	if i.selected {
		if i.replaces(msg) {
			i.m.SetValue("")
		}
		i.selected = false
	}
	i.m, _ = i.m.Update(msg)
	return i.m.Value() != before
}

// replaces tells whether msg puts something in the place of what is marked.
func (i *Input) replaces(msg tea.Msg) bool {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		return true
	case tea.KeyPressMsg:
		return msg.Text != "" || key.Matches(msg, i.m.KeyMap.DeleteCharacterBackward, i.m.KeyMap.DeleteCharacterForward)
	}
	return false
}

// View draws the text in exactly width columns and tells in which of them the
// cursor stands.
func (i *Input) View(width int, style themes.Style, theme *themes.Theme) (text string, cursor int) {
	l := NewLine(width, theme)
	value := i.m.Value()
	if value == "" {
		l.Put(theme.Muted, i.Placeholder)
		return l.String(), 0
	}
	runes := []rune(value)
	pos := min(i.m.Position(), len(runes))
	// Scroll so that the cursor is always in view.
	start := 0
	for start < pos && safetext.Width(safetext.Clean(string(runes[start:pos]))) >= width {
		start++
	}
	if i.selected {
		style = theme.Match
	}
	l.Put(style, string(runes[start:]))
	return l.String(), min(safetext.Width(safetext.Clean(string(runes[start:pos]))), max(width-1, 0))
}
