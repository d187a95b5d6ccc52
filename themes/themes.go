// Package themes holds the colours of the console: a few tokens with a fixed
// meaning, and the built-in palettes.
//
// Four colours mean something: accent (where the cursor is, keys), good,
// suspicious and broken. Everything else is text or muted text. State is never
// colour alone; a glyph of [Glyphs] and a word go with it.
//
// A token is a pair of escape sequences made once, so that the rows of a live
// pane are coloured without any work. Palettes are 24 bit; the terminal
// library brings them down to what the terminal shows, and drops them for
// NO_COLOR.
package themes

import (
	"fmt"
	"strings"
)

// Style is a token ready to use: Prefix, the text, Suffix.
type Style struct{ Prefix, Suffix string }

// Paint puts s between the token's sequences.
func (s Style) Paint(text string) string {
	if s.Prefix == "" {
		return text
	}
	return s.Prefix + text + s.Suffix
}

// Theme is a set of tokens.
type Theme struct {
	Name string
	Dark bool
	// Background is the hex colour the palette was made for; the console sets
	// it only where asked to.
	Background string

	Text, Strong, Muted     Style // Strong: names, what the eye looks for
	Faint                   Style // the page behind a dialog
	Accent, Good, Warn, Bad Style
	AccentStrong            Style // the active tab, the focused pane's number
	Info                    Style // a second reading colour for values and packet text; carries no state
	Rule                    Style // thin lines
	Selected, SelectedMuted Style // the selected row
	Bar                     Style // text on the ground of the bars
	// Grounds set the background only, so that any foreground token can stand on
	// them: write the ground's Prefix before the token's.
	BarGround, SelectedGround   Style
	Ground                      Style // the whole screen, where the terminal's own background does not suit
	BandBad, BandWarn, BandGood Style // the conclusion's band
	BadGround                   Style // the ground of BandBad alone, for rows where packets are lost
	Match                       Style // a hit of a search
	Cursor                      Style // the cell under the text cursor

	Glyphs Glyphs
}

// Glyphs are the signs that go with a state, one column wide each.
type Glyphs struct {
	OK, Suspicious, Broken, Unknown, None string // ✓ ▲ ✗ ? ·
	Bar                                   string // beside the selected row
	Live, Paused, Ended                   string
	VLine, HLine, Cross, HeavyLine        string
	Arrow, Ellipsis, Prompt               string
	Dot                                   string // a lamp: an agent that is up
	ASCII                                 bool   // nothing outside ASCII is in the set
	Up, Down                              string // the order of a column
	Left, Right                           string // beside a value that left and right change
	Blank                                 string // a blank that terminals don't take for the unused end of a line
	TeeDown, TeeUp                        string // where a vertical line meets a horizontal one
	TopLeft, TopRight                     string // of a box
	BottomLeft, BottomRight               string
	Spark                                 []string // eight steps, low to high
}

// Unicode is the usual set.
var unicode = Glyphs{
	OK: "✓", Suspicious: "▲", Broken: "✗", Unknown: "?", None: "·", Bar: "▌",
	Live: "▶", Paused: "‖", Ended: "■",
	VLine: "│", HLine: "─", Cross: "┼", HeavyLine: "━",
	Arrow: "→", Ellipsis: "…", Prompt: "▸", Dot: "●", Blank: "\u00a0", Left: "◂", Right: "▸", Up: "▴", Down: "▾",
	TeeDown: "┬", TeeUp: "┴", TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯",
	Spark: []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
}

// ascii is for fonts and terminals that lack the others.
var ascii = Glyphs{
	OK: "+", Suspicious: "!", Broken: "x", Unknown: "?", None: ".", Bar: ">",
	Live: ">", Paused: "=", Ended: "#",
	VLine: "|", HLine: "-", Cross: "+", HeavyLine: "=",
	Arrow: ">", Ellipsis: "~", Prompt: ">", Dot: "*", Blank: " ", Left: "<", Right: ">", ASCII: true, Up: "^", Down: "v",
	TeeDown: "+", TeeUp: "+", TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
	Spark: []string{"_", "_", ".", ".", "-", "-", "=", "#"},
}

// palette is what a theme is made from; colours are RRGGBB.
type palette struct {
	name                           string
	dark                           bool
	background, text, strong       string
	muted, accent, good, warn, bad string
	info, rule, bar, selected      string
	faint                          string
	bandBad, bandWarn, bandGood    string
	match                          string
}

var dark = palette{
	name: "dark", dark: true, background: "16181d", text: "c8ced9", strong: "eceff4", muted: "7d8696",
	accent: "7aa2f7", good: "9ece6a", warn: "e0af68", bad: "f7768e", info: "7dcfff",
	rule: "3b414d", bar: "1d222b", selected: "30343c", faint: "565d6b", bandBad: "3b1f2b", bandWarn: "382e1c", bandGood: "1f3326", match: "5a4a1e",
}

var light = palette{
	name: "light", background: "fbfaf7", text: "33353a", strong: "0d1117", muted: "6c6c6c",
	accent: "1f5fbf", good: "0a620e", warn: "8f5b00", bad: "b8141f", info: "0b6b80",
	rule: "cfd3d9", bar: "eceae4", selected: "d8dce3", faint: "a6a6a6", bandBad: "f8dde0", bandWarn: "f7efc0", bandGood: "dcefdf", match: "f3e08a",
}

func (p palette) theme(g Glyphs) Theme {
	on := func(bg string, fg string, bold bool) Style { return sgr(fg, bg, bold) }
	return Theme{
		Name: p.name, Dark: p.dark, Background: p.background, Glyphs: g,
		Text: on("", p.text, false), Strong: on("", p.strong, true), Muted: on("", p.muted, false), Faint: on("", p.faint, false),
		Accent: on("", p.accent, false), Good: on("", p.good, false), Warn: on("", p.warn, false), Bad: on("", p.bad, false),
		AccentStrong: on("", p.accent, true), Info: on("", p.info, false), Rule: on("", p.rule, false),
		Selected: on(p.selected, p.strong, true), SelectedMuted: on(p.selected, p.muted, false),
		Bar: on(p.bar, p.text, false), BarGround: on(p.bar, "", false), SelectedGround: on(p.selected, "", false), Ground: on(p.background, "", false),
		BandBad: on(p.bandBad, p.bad, true), BandWarn: on(p.bandWarn, p.warn, true), BandGood: on(p.bandGood, p.good, true),
		BadGround: on(p.bandBad, "", false),
		Match:     on(p.match, p.strong, false), Cursor: Style{"\x1b[7m", "\x1b[27m"},
	}
}

// mono uses weight and reverse only, for terminals and eyes without colour.
func mono(g Glyphs) Theme {
	plain, bold, faint, rev := Style{}, Style{"\x1b[1m", "\x1b[m"}, Style{"\x1b[2m", "\x1b[m"}, Style{"\x1b[7m", "\x1b[m"}
	revBold := Style{"\x1b[1;7m", "\x1b[m"}
	return Theme{
		Name: "mono", Dark: true, Glyphs: g,
		Text: plain, Strong: bold, Muted: faint, Faint: faint, Accent: bold, Good: plain, Warn: bold, Bad: revBold,
		AccentStrong: Style{"\x1b[1;4m", "\x1b[m"}, Info: plain, Rule: faint,
		SelectedGround: rev,
		Selected:       rev, SelectedMuted: rev, BandBad: revBold, BandWarn: bold, BandGood: plain, BadGround: rev,
		Match: Style{"\x1b[4m", "\x1b[m"}, Cursor: Style{"\x1b[7m", "\x1b[27m"},
	}
}

// Names lists the built-in themes.
func Names() []string { return []string{"dark", "light", "mono"} }

// Get returns the built-in theme called name; asciiOnly replaces every sign
// outside ASCII.
func Get(name string, asciiOnly bool) (Theme, error) {
	g := unicode
	if asciiOnly {
		g = ascii
	}
	switch name {
	case "dark":
		return dark.theme(g), nil
	case "light":
		return light.theme(g), nil
	case "mono":
		return mono(g), nil
	}
	return Theme{}, fmt.Errorf("theme %q is not known; there are %s", name, strings.Join(Names(), ", "))
}

// sgr makes a token of RRGGBB colours; "" leaves the terminal's own.
func sgr(fg, bg string, bold bool) Style {
	var parts []string
	if bold {
		parts = append(parts, "1")
	}
	if fg != "" {
		parts = append(parts, "38;2;"+triple(fg))
	}
	if bg != "" {
		parts = append(parts, "48;2;"+triple(bg))
	}
	return Style{"\x1b[" + strings.Join(parts, ";") + "m", "\x1b[m"}
}

func triple(hex string) string {
	var r, g, b uint8
	fmt.Sscanf(hex, "%02x%02x%02x", &r, &g, &b) // palettes are constants; themes_test checks them
	return fmt.Sprintf("%d;%d;%d", r, g, b)
}
