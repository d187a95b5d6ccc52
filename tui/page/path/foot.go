package path

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"steth/openstack"
	"steth/packets/match"
	"steth/probes/follow"
	"steth/tui/page"
	"steth/tui/part"
)

// footRows is how many lines foot takes.
func (p *Page) footRows(roomy bool) int {
	notes := len(p.hold.Session.Notes())
	if roomy {
		return 2 + min(notes, mostNote)
	}
	if p.dropped() {
		return 2
	}
	return 1 + min(notes, 1)
}

// dropped tells whether a capture has dropped packets, which always shows.
func (p *Page) dropped() bool {
	return slices.ContainsFunc(p.standing.Total.Hops, func(h match.HopSummary) bool { return h.Dropped > 0 })
}

// foot tells more of what is selected, and what the tables don't tell.
func (p *Page) foot(width int, roomy bool) []string {
	th := p.env.Theme
	var spans []part.Spans
	if p.focus == onHops {
		spans = append(spans, p.aboutHop())
	} else if r, ok := p.rows.selected(); ok {
		spans = append(spans, p.aboutPacket(r))
	} else {
		spans = append(spans, part.Spans{{Style: th.Muted, Text: "no packet is selected"}})
	}
	if roomy || p.dropped() {
		spans = append(spans, p.aboutCaptures())
	}
	notes := p.hold.Session.Notes() // the newest are those that matter
	for _, n := range notes[max(len(notes)-(p.footRows(roomy)-len(spans)), 0):] {
		spans = append(spans, part.Spans{{Style: th.Muted, Text: n}})
	}
	var lines []string
	for i, s := range spans {
		l := part.NewLine(width, th).Skip(1).Spans(s)
		if legend := p.legend(); i == 1 && roomy && l.Left() > legend.Width() {
			l.To(width - legend.Width() - 1).Spans(legend)
		}
		lines = append(lines, l.String())
	}
	return lines
}

// aboutPacket is the selected packet in full, and how it stands in its tunnel.
func (p *Page) aboutPacket(r *match.Row) part.Spans {
	th, hops := p.env.Theme, p.standing.Hops
	out := part.Spans{{Style: th.Muted, Text: fmt.Sprintf("%d  ", r.Number)}, {Style: th.Text, Text: follow.Packet(r)}}
	said := []string{follow.Became(hops, r)}
	if !p.young(r) { // a hop that has not told yet has not missed it
		said = append(said, follow.Remarks(r)...)
	}
	if r.Answer == match.Answered {
		said = append(said, fmt.Sprintf("answered by %d", r.Mate))
	}
	style := th.Muted
	if r.Verdict == match.Lost {
		style = th.Bad
	}
	out = append(out, part.Span{Style: th.Muted, Text: "   "}, part.Span{Style: style, Text: strings.Join(said, ", ")})
	for i, m := range r.Marks {
		if e := hops[i].Encap; (m.State == match.First || m.State == match.Seen) && e.Kind != "" {
			out = append(out, part.Span{Style: th.Muted, Text: fmt.Sprintf("   at %d in ", hops[i].Index)}, part.Span{Style: th.Text, Text: wrapping(e)})
			break
		}
	}
	return out
}

// wrapping says how packets are wrapped.
func wrapping(e openstack.Encap) string {
	text := fmt.Sprintf("%s %d", e.Kind, e.ID)
	if e.Local.IsValid() && e.Remote.IsValid() {
		text += fmt.Sprintf(" %s > %s", e.Local, e.Remote)
	}
	return text
}

// aboutHop is the selected hop in full.
func (p *Page) aboutHop() part.Spans {
	th, hops := p.env.Theme, p.standing.Hops
	if len(hops) == 0 {
		return nil
	}
	h := hops[p.hops.cursor]
	out := part.Spans{{Style: th.Text, Text: h.Name()}}
	if h.Device != "" {
		out = append(out, part.Span{Style: th.Muted, Text: "  " + h.What})
	}
	if h.Encap.Kind != "" {
		out = append(out, part.Span{Style: th.Muted, Text: "  in " + wrapping(h.Encap)})
	}
	switch {
	case h.Counter != nil:
		out = append(out, part.Span{Style: th.Muted, Text: "  " + h.Counter.String()})
	case h.Capture < 0:
		out = append(out, part.Span{Style: th.Muted, Text: "  not captured: " + cmp.Or(h.Why, string(h.State))})
	case h.Filter.Text == "":
		out = append(out, part.Span{Style: th.Muted, Text: "  captured without a filter"})
	default:
		out = append(out, part.Span{Style: th.Muted, Text: "  filter "}, part.Span{Style: th.Text, Text: h.Filter.Text})
	}
	return out
}

// aboutCaptures tells how far the clocks of the hosts are off, and what the
// captures dropped or could not tell.
func (p *Page) aboutCaptures() part.Spans {
	th, hops := p.env.Theme, p.standing.Hops
	var clocks, dropped []string
	worst := false
	for _, c := range p.hold.Session.Clocks() {
		way := "ahead"
		if c.Offset < 0 {
			way = "behind"
		}
		if d := c.Offset.Abs(); d >= 100*time.Microsecond {
			clocks = append(clocks, fmt.Sprintf("%s %s %s", c.Host, page.Duration(d), way))
		}
	}
	text := "clocks: alike"
	if len(clocks) > 0 {
		text = "clocks: " + strings.Join(clocks, ", ") + ", corrected"
	}
	out := part.Spans{{Style: th.Muted, Text: text}}
	var other uint64
	for i, h := range p.standing.Total.Hops {
		if h.Dropped > 0 {
			dropped = append(dropped, fmt.Sprintf("%s at %d", page.Count(int(h.Dropped)), hops[i].Index))
			worst = true
		}
		other += h.Unmatched.Sum()
	}
	drops := "none"
	style := th.Muted
	if worst {
		drops, style = strings.Join(dropped, ", "), th.Warn
	}
	out = append(out, part.Span{Style: th.Muted, Text: "      "}, part.Span{Style: style, Text: "dropped: " + drops})
	if other > 0 {
		out = append(out, part.Span{Style: th.Muted, Text: fmt.Sprintf("      %s not understood", page.Count(int(other)))})
	}
	return out
}
