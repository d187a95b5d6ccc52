package path

import (
	"fmt"

	"steth/probes"
	"steth/probes/follow"
	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

// band is the conclusion, in a band of its own over most lines: as things
// stand, or for good.
func (p *Page) band(width, most int) []string {
	th := p.env.Theme
	f := p.standing.Finding
	text := f.Reason
	sign, style, ground := th.Glyphs.None, th.Muted, themes.Style{}
	switch early := p.early(); {
	case early != "":
		text = early
	case f.Verdict == probes.Fail:
		sign, style, ground = th.Glyphs.Broken, th.Bad, th.BadGround
	case f.Verdict == probes.Warn:
		sign, style = th.Glyphs.Suspicious, th.Warn // the ground is for losses alone
	case f.Verdict == probes.Error:
		sign, style = th.Glyphs.Unknown, th.Warn
	case f.Verdict == probes.OK:
		sign, style = th.Glyphs.OK, th.Good // calm: nothing asks for the eye
	}
	next := p.next(f)
	room := width - 3
	words := part.Spans{{Style: style, Text: sign + " "}, {Style: style, Text: text}}
	if f.Verdict == probes.Fail {
		words = append(p.loud(text, sign), p.mended()...)
	}
	beside := words.Width()+next.Width()+6 <= room
	wrapped := part.Wrap(words, room, 2)
	if len(wrapped) > most {
		wrapped = wrapped[:most]
		wrapped[most-1] = append(wrapped[most-1], part.Span{Style: style, Text: " " + th.Glyphs.Ellipsis})
	}
	var lines []string
	for i, w := range wrapped {
		l := part.NewLine(width, th)
		l.Ground = ground
		l.Skip(1).Spans(w)
		if left := l.Left() - next.Width() - 1; i == len(wrapped)-1 && (beside || left >= 3) {
			l.To(l.Used() + left).Spans(next)
			next = nil
		}
		lines = append(lines, l.String())
	}
	if len(next) > 0 && len(lines) < most {
		l := part.NewLine(width, th)
		l.Ground = ground
		lines = append(lines, l.Skip(3).Spans(next).String())
	}
	return lines
}

// early says what goes on before there can be a conclusion.
func (p *Page) early() string {
	if p.standing.Ended || p.standing.Finding.Code != "nothing-seen" && p.watched() > 0 {
		return ""
	}
	asking, opening := 0, 0
	for _, h := range p.standing.Hops {
		switch h.State {
		case follow.Asking:
			asking++
		case follow.Opening:
			opening++
		}
	}
	began, ok := p.hold.Session.Began()
	switch {
	case asking > 0:
		return "asking the hosts for their devices"
	case opening > 0:
		return fmt.Sprintf("opening %d captures", opening)
	case p.watched() > 0 && ok && p.env.Now().Sub(began) < patience:
		return fmt.Sprintf("watching %d of %d hops; no packet yet", p.watched(), len(p.standing.Hops))
	}
	return ""
}

// patience is how many seconds without a packet nothing is concluded from that.
const patience = 5e9

// watched is how many hops are watched now.
func (p *Page) watched() int {
	n := 0
	for _, h := range p.standing.Hops {
		if h.State == follow.Watching {
			n++
		}
	}
	return n
}

// loud sets the numbers and the places of a sentence off: they are what the eye
// looks for.
func (p *Page) loud(text, sign string) part.Spans {
	th := p.env.Theme
	return append(part.Spans{{Style: th.Bad, Text: sign + " "}}, split(text, p.standing.Hops, th.Bad, th.Strong)...)
}

// mended says that for some time nothing was lost any more: what was done has
// helped.
func (p *Page) mended() part.Spans {
	out, back := p.recent.Out, p.recent.Back
	settled := out.Rows + back.Rows - out.Waiting - back.Waiting
	if settled == 0 || out.Lost+back.Lost > 0 {
		return nil
	}
	return part.Spans{{Style: p.env.Theme.Good, Text: fmt.Sprintf("; none of %s in the last %d s", page.Count(int(settled)), int(follow.Window.Seconds()))}}
}

// split gives the names of hops in a sentence another style.
func split(text string, hops []follow.Hop, style, name themes.Style) part.Spans {
	var out part.Spans
	start := 0
	for at := 0; at < len(text); {
		n := 0
		if at == 0 || text[at-1] == ' ' {
			for _, h := range hops {
				if s := h.Name(); len(s) > n && len(text)-at >= len(s) && text[at:at+len(s)] == s {
					n = len(s)
				}
			}
		}
		if n == 0 {
			at++
			continue
		}
		out = append(out, part.Span{Style: style, Text: text[start:at]}, part.Span{Style: name, Text: text[at : at+n]})
		at += n
		start = at
	}
	return append(out, part.Span{Style: style, Text: text[start:]})
}

// next are the keys that go on from a conclusion.
func (p *Page) next(f probes.Finding) part.Spans {
	th := p.env.Theme
	var list [][2]string
	switch f.Code {
	case "lost":
		list = [][2]string{{p.key("beside"), "captures around it"}, {p.key("next-lost"), "next lost"}, {p.key("save"), "save"}}
	case "nothing-seen":
		if p.early() == "" && p.question.From != "" { // of a recording there is no more
			list = [][2]string{{p.key("follow-what"), "follow something else"}, {p.key("inject"), "inject"}}
		}
	case "device-missing", "device-differs", "not-followed":
		list = [][2]string{{p.key("describe"), "all of it"}}
	}
	var out part.Spans
	for i, h := range list {
		if i > 0 {
			out = append(out, part.Span{Style: th.Muted, Text: "   "})
		}
		out = append(out, part.Span{Style: th.Info, Text: h[0]}, part.Span{Style: th.Muted, Text: " " + h[1]})
	}
	return out
}
