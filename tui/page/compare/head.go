package compare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"steth/internal/safetext"
	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
	"steth/probes/follow"
	"steth/themes"
	"steth/tui/part"
)

// headLine names the packet, and says what became of it.
func (p *Page) headLine(width int) string {
	th := p.env.Theme
	sign, word := p.verdict()
	end := part.Spans{sign, {Style: sign.Style, Text: " " + word}}
	if a := p.row.Answer; width >= 100 && (a == match.Answered || a == match.Unanswered) {
		style := th.Muted
		if a == match.Unanswered {
			style = th.Warn
		}
		end = append(end, part.Span{Style: style, Text: ", " + strings.Replace(a.String(), "unanswered", "not answered", 1)})
	}
	name := part.Spans{{Style: th.AccentStrong, Text: "Packet"}, {Style: th.Strong, Text: "  " + follow.Packet(&p.row)}}
	l := part.NewLine(width, th).Skip(1).Cell(name, max(width-4-end.Width(), 20)).Skip(2)
	return l.Spans(end).String()
}

// verdict is the sign and the words of what became of the packet.
func (p *Page) verdict() (part.Span, string) {
	th, g := p.env.Theme, p.env.Theme.Glyphs
	switch p.row.Verdict {
	case match.Delivered:
		return part.Span{Style: th.Good, Text: g.OK}, "delivered"
	case match.Lost:
		return part.Span{Style: th.Bad, Text: g.Broken},
			follow.Became(p.hops, &p.row)
	case match.Duplicate:
		return part.Span{Style: th.Warn, Text: g.Suspicious}, "a copy that the network made"
	case match.Waiting:
		return part.Span{Style: th.Muted, Text: g.Unknown}, "under way"
	}
	return part.Span{Style: th.Muted, Text: g.Unknown}, "where it ended is not known"
}

// hopLines are the heads of the two columns, and when the packet was first seen.
func (p *Page) hopLines(width int) []string {
	th := p.env.Theme
	c := columnsFor(width)
	head, sub := part.NewLine(width, th).To(c.name), part.NewLine(width, th).To(c.name)
	seen := len(p.way())
	head.Cell(part.Spans{{Style: th.Muted, Text: fmt.Sprintf("seen at %d of %d", seen, len(p.hops))}}, c.nameW).To(c.left)
	when := time.Unix(0, p.row.Time).In(p.env.Now().Location()).Format("15:04:05.000000")
	sub.Cell(part.Spans{{Style: th.Muted, Text: when}}, c.nameW).To(c.left)
	for side := range 2 {
		name, detail := p.hopText(side)
		chosen := side == p.side && p.at[1] >= 0
		style, mark := th.Strong, part.Span{}
		if chosen {
			style, mark = th.AccentStrong, part.Span{Style: th.Accent, Text: th.Glyphs.Left + " "}
		}
		spans := part.Spans{{Style: style, Text: name}}
		if chosen {
			spans = part.Spans{mark, {Style: style, Text: name}, {Style: th.Accent, Text: " " + th.Glyphs.Right}}
		}
		if side == 1 && p.at[1] >= 0 && !p.backwards() {
			head.To(c.right-2).Put(th.Muted, th.Glyphs.Arrow)
		}
		head.To([]int{c.left, c.right}[side])
		room := c.valueW - 1
		if side == 1 {
			room = width - c.right - 1
		}
		head.Cell(fit(spans, room, th.Glyphs.Ellipsis), room)
		sub.To([]int{c.left, c.right}[side]).Cell(detail, room)
	}
	return []string{head.String(), sub.String()}
}

// fit cuts the name in the middle of three spans so that the last one stays.
func fit(spans part.Spans, room int, ellipsis string) part.Spans {
	if len(spans) == 3 && spans.Width() > room {
		rest := room - part.Spans{spans[0], spans[2]}.Width()
		spans[1].Text = safetext.Cut(safetext.Clean(spans[1].Text), max(rest, 1), ellipsis)
	}
	return spans
}

// hopText names a column's hop, and says how long the packet took to it and how
// much of it was kept.
func (p *Page) hopText(side int) (string, part.Spans) {
	th := p.env.Theme
	at := p.at[side]
	if at < 0 {
		return "no other hop", part.Spans{{Style: th.Muted, Text: "saw this packet"}}
	}
	mark, s := p.row.Marks[at], p.sights[at]
	first := "first"
	if mark.State != match.First {
		first = follow.Milliseconds(mark.Delay) + " ms"
	}
	var text part.Spans
	add := func(style themes.Style, more string) {
		if len(text) > 0 {
			more = "  " + more
		}
		text = append(text, part.Span{Style: style, Text: more})
	}
	switch { // what can be done without comes last
	case mark.State == match.Strayed:
		add(th.Warn, th.Glyphs.Suspicious+" astray")
	case !s.ok:
		add(th.Warn, th.Glyphs.Unknown+" forgotten")
	}
	if side == 1 && p.backwards() {
		add(th.Info, "earlier")
	}
	if mark.State != match.Strayed { // how long it took is not counted
		add(th.Muted, first)
	}
	if s.ok {
		add(th.Muted, length(&s.packet))
	}
	return p.hops[at].Name(), text
}

func length(q *packets.Packet) string {
	wire := max(int(q.Length), len(q.Data))
	if len(q.Data) < wire {
		return fmt.Sprintf("%d of %d bytes", len(q.Data), wire)
	}
	return strconv.Itoa(wire) + " bytes"
}

// sign is the glyph and the colour of a judgement.
func sign(th *themes.Theme, j packets.Judgement) part.Span {
	switch j {
	case packets.Expected:
		return part.Span{Style: th.Good, Text: th.Glyphs.OK}
	case packets.Unexpected:
		return part.Span{Style: th.Bad, Text: th.Glyphs.Broken}
	}
	return part.Span{Style: th.Warn, Text: th.Glyphs.Suspicious}
}

// summary says in clauses what happened between the two hops, the worst first,
// in at most most lines.
func (p *Page) summary(width, most int) []string {
	th := p.env.Theme
	var spans part.Spans
	add := func(s part.Span, text string) {
		if len(spans) > 0 {
			spans = append(spans, part.Span{Text: "   "})
		}
		style := th.Text
		if s.Style == th.Bad {
			style = th.Bad
		}
		spans = append(spans, part.Span{Style: s.Style, Text: s.Text + "\u00a0"}, part.Span{Style: style, Text: text})
	}
	for _, at := range p.at {
		if at >= 0 && p.row.Marks[at].State == match.Strayed {
			h := p.hops[at]
			add(part.Span{Style: th.Warn, Text: th.Glyphs.Suspicious}, "at "+h.Name()+" packets of this path have "+clothes(h.Encap))
		}
	}
	clauses := p.compared.Summary()
	slices.SortStableFunc(clauses, func(a, b packets.Verdict) int { return rank(a.Judgement) - rank(b.Judgement) })
	switch {
	case !p.both:
		add(p.why())
	case len(clauses) == 0 && p.differs():
		add(part.Span{Style: th.Good, Text: th.Glyphs.OK}, "only what follows from hardware and from what the captures kept")
	case len(clauses) == 0:
		text := "the same at both hops"
		if p.compared.Sides[0].Cut() || p.compared.Sides[1].Cut() {
			text += ", as far as it was captured"
		}
		add(part.Span{Style: th.Good, Text: th.Glyphs.OK}, text)
	}
	if p.both {
		for _, v := range clauses {
			add(sign(th, v.Judgement), v.Why)
		}
	}
	var out []string
	lines := part.Wrap(spans, width-2, 2)
	for i, w := range lines {
		if i == most-1 && len(lines) > most {
			w = append(w, part.Span{Style: th.Muted, Text: " " + th.Glyphs.Ellipsis})
		}
		if i < most {
			out = append(out, part.NewLine(width, th).Skip(1).Spans(w).String())
		}
	}
	return out
}

// clothes says what belongs around the packets of the path at a hop.
func clothes(e openstack.Encap) string {
	var out string
	switch e.Kind {
	case openstack.EncapVLAN:
		return fmt.Sprintf("VLAN tag %d", e.ID)
	case openstack.EncapVXLAN:
		out = fmt.Sprintf("VXLAN %d", e.ID)
	case openstack.EncapGRE:
		out = fmt.Sprintf("GRE key %d", e.ID)
	case openstack.EncapGeneve:
		out = fmt.Sprintf("Geneve %d", e.ID)
	default:
		return "no tunnel"
	}
	if e.Local.IsValid() && e.Remote.IsValid() {
		out += fmt.Sprintf(" between %s and %s", e.Local, e.Remote)
	}
	return out
}

func rank(j packets.Judgement) int {
	return map[packets.Judgement]int{packets.Unexpected: 0, packets.Unjudged: 1, packets.Expected: 2}[j]
}

func (p *Page) differs() bool {
	return slices.ContainsFunc(p.compared.Layers, func(l packets.LayerPair) bool { return l.Likeness != packets.Same })
}

// why says why there is nothing to compare.
func (p *Page) why() (part.Span, string) {
	th := p.env.Theme
	unknown := part.Span{Style: th.Warn, Text: th.Glyphs.Unknown}
	for _, at := range p.at {
		if at >= 0 && !p.sights[at].ok {
			return unknown, "the capture at " + p.hops[at].Name() + " no longer holds this packet"
		}
	}
	if p.at[0] >= 0 {
		return part.Span{Style: th.Muted, Text: th.Glyphs.None}, "only " + p.hops[p.at[0]].Name() + " saw this packet, so there is nothing to compare it with"
	}
	return unknown, "no hop holds this packet"
}
