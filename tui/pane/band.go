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

// bandLines makes the band's rows for a pane of some width.
func (p *pane) bandLines(cells, most int) []bandLine {
	f, ok := p.conclusion()
	if !ok || most < 1 {
		return nil
	}
	glyph, word, _ := verdict(p.theme, f.Verdict)
	sentence := glyph + " " + safetext.Clean(f.Reason)
	switch {
	case f.Reason == "":
		sentence = glyph + " " + word
	case f.Verdict == probes.Error:
		sentence = glyph + " " + word + ": " + safetext.Clean(f.Reason)
	}
	var list []bandLine
	for i, text := range fold(sentence, cells-3, min(bandText, most)) {
		indent := 1
		if i > 0 {
			indent = 3
		}
		list = append(list, bandLine{indent: indent, strong: text})
	}
	for i, next := range f.Next {
		if i == bandNext || len(list) >= most {
			break
		}
		line := bandLine{indent: 3, strong: p.theme.Glyphs.Arrow + " " + safetext.Clean(next.Do)}
		if next.Why != "" {
			line.quiet = "  " + safetext.Clean(next.Why)
		}
		list = append(list, line)
	}
	return list
}

// conclusion is what the run found, shown in the first of its panes.
func (p *pane) conclusion() (probes.Finding, bool) {
	if p.run == nil || !p.run.judged || !p.judge {
		return probes.Finding{}, false
	}
	return p.run.finding, true
}

type bandLine struct {
	indent        int
	strong, quiet string
}

// band draws what the run concluded at the pane's foot.
func (p *pane) band(list []bandLine) {
	if len(list) == 0 {
		return
	}
	c := &p.canvas
	_, _, style := verdict(p.theme, p.run.finding.Verdict)
	quiet := plain(style)
	for _, l := range list {
		c.space(1)
		c.repeat(style, " ", l.indent-1)
		c.text(style, l.strong)
		c.text(quiet, l.quiet)
		c.endIn(style)
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
