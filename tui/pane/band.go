package pane

import (
	"strings"

	"steth/internal/safetext"
	"steth/probes"
	"steth/themes"
)

const (
	bandText = 3 // rows of the sentence at most
	bandNext = 2 // next steps shown
)

// verdict is how a finding is shown.
func verdict(th *themes.Theme, v probes.Verdict) (glyph, word string, band themes.Style) {
	g := th.Glyphs
	switch v {
	case probes.OK:
		return g.OK, "ok", th.BandGood
	case probes.Warn:
		return g.Suspicious, "suspicious", th.BandWarn
	case probes.Fail:
		return g.Broken, "broken", th.BandBad
	case probes.Skip:
		return g.None, "skipped", th.Bar
	}
	return g.Unknown, "could not run", th.BandWarn
}

// band is what a run concluded, in rows on a ground of their own: the sentence,
// and what to do next.
type band struct {
	style themes.Style
	lines []bandLine
}

type bandLine struct {
	indent        int
	strong, quiet string
}

// newBand makes at most most rows for a pane of some width.
func newBand(th *themes.Theme, f probes.Finding, cells, most int) band {
	glyph, word, style := verdict(th, f.Verdict)
	sentence := glyph + " " + safetext.Clean(f.Reason)
	switch {
	case f.Reason == "":
		sentence = glyph + " " + word
	case f.Verdict == probes.Error:
		sentence = glyph + " " + word + ": " + safetext.Clean(f.Reason)
	}
	b := band{style: style}
	if most < 1 {
		return b
	}
	for i, text := range fold(sentence, cells-3, min(bandText, most)) {
		indent := 0
		if i > 0 {
			indent = 2 // below the words, not the sign
		}
		b.lines = append(b.lines, bandLine{indent: indent, strong: text})
	}
	for i, next := range f.Next {
		if i == bandNext || len(b.lines) >= most {
			break
		}
		line := bandLine{indent: 2, strong: th.Glyphs.Arrow + " " + safetext.Clean(next.Do)}
		if next.Why != "" {
			line.quiet = "  " + safetext.Clean(next.Why)
		}
		b.lines = append(b.lines, line)
	}
	return b
}

func (b band) draw(c *canvas) {
	quiet := plain(b.style)
	for _, l := range b.lines {
		c.space(1)
		c.repeat(b.style, " ", l.indent)
		c.text(b.style, l.strong)
		c.text(quiet, l.quiet)
		c.endIn(b.style)
	}
}

// plain is style without weight.
func plain(s themes.Style) themes.Style {
	s.Prefix = strings.Replace(s.Prefix, "\x1b[1;", "\x1b[", 1)
	return s
}

// fold breaks a sentence between words into rows of at most room cells; what
// doesn't fit into most rows stays in the last one, to be cut there.
func fold(s string, room, most int) []string {
	var list []string
	room = max(room, 1)
	for len(list) < most-1 {
		fit, whole := cut(s, room)
		if whole {
			break
		}
		if i := strings.LastIndexByte(s[:fit], ' '); i > 0 {
			list = append(list, s[:i])
			s = s[i+1:]
			continue
		}
		if fit == 0 {
			break
		}
		list = append(list, s[:fit])
		s = s[fit:]
	}
	return append(list, s)
}
