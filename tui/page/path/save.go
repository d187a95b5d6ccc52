package path

import (
	"cmp"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/tui/page"
	"steth/tui/part"
)

// save writes all captures to a file. The answer is the shell's to tell, for the
// page may be left meanwhile.
func (p *Page) save() tea.Cmd {
	h, n := p.hold, p.hold.captured()
	h.Keep()
	return func() tea.Msg {
		defer h.Release() //nolint:errcheck // the file is what matters
		path, err := p.env.Backend.SavePath(p.ctx, h.Session)
		if err != nil {
			return page.Notice{Level: feed.Bad, Text: "not saved: " + err.Error()}
		}
		h.save(n)
		return page.Notice{Level: feed.Good, Text: "saved " + path}
	}
}

// command does from a shell what the page does. A recording may have come from
// anybody, and what is copied is pasted into a shell: each argument is one word.
func (p *Page) command() string {
	path := p.path
	path.From.Port = cmp.Or(path.From.Port, p.question.From)
	out := follow.Command(path)
	switch {
	case p.what == p.path.Goal.Follow(), p.what.What == "":
	case p.what.What == openstack.FollowText, p.what.What == openstack.FollowTuple:
		out += " --filter " + probes.Quote(follow.Words(p.what))
	default:
		out += " --follow " + probes.Quote(follow.Words(p.what))
	}
	return out
}

// describe is all there is to say of the path, on a page of its own.
func (p *Page) describe() tea.Cmd {
	th := p.env.Theme
	row := func(label, value string) part.Spans {
		return part.Spans{{Style: th.Muted, Text: fmt.Sprintf("  %-11s", label)}, {Style: th.Text, Text: value}}
	}
	f := p.standing.Finding
	sign := page.VerdictSign(th, f.Verdict)
	lines := []part.Spans{{sign, {Style: th.Strong, Text: " " + f.Reason}}}
	for _, n := range f.Next {
		lines = append(lines, part.Spans{{Style: th.Muted, Text: "  next  "}, {Style: th.Info, Text: n.Do}, {Style: th.Muted, Text: "  " + n.Why}})
	}
	for _, n := range p.hold.Session.Notes() {
		lines = append(lines, part.Spans{{Style: th.Text, Text: n}})
	}
	for i, h := range p.standing.Hops {
		lines = append(lines, part.Spans{}, part.Spans{{Style: th.Strong, Text: h.Name()}})
		lines = append(lines, row("what", h.What), row("state", string(h.State)))
		if h.Why != "" {
			lines = append(lines, row("why", h.Why))
		}
		if h.Netns != "" {
			lines = append(lines, row("namespace", h.Netns))
		}
		if h.Encap.Kind != "" {
			lines = append(lines, row("in", wrapping(h.Encap)))
		}
		if h.View.NAT != "" {
			lines = append(lines, row("NAT", h.View.NAT))
		}
		v, text := h.Confirmed()
		lines = append(lines, part.Spans{{Style: th.Muted, Text: fmt.Sprintf("  %-11s", "found")}, page.VerdictSign(th, v), {Style: th.Text, Text: " " + text}})
		if h.Counter != nil {
			lines = append(lines, row("counted", h.Counter.String()))
		}
		if h.Capture < 0 {
			continue
		}
		filter := h.Filter.Text
		if h.Filter.VLAN > 0 {
			filter = fmt.Sprintf("VLAN %d  %s", h.Filter.VLAN, filter)
		}
		lines = append(lines, row("filter", cmp.Or(filter, "none")))
		if h.Filter.Wide != "" {
			lines = append(lines, row("wide", h.Filter.Wide))
		}
		c := p.standing.Total.Hops[i]
		lines = append(lines, row("packets", fmt.Sprintf("%d out, %d back, %d missed and seen further on, %d gone astray", c.Out, c.Back, c.Skipped, c.Astray)))
		if c.DelayOut.Packets > 0 {
			lines = append(lines, row("delay out", fmt.Sprintf("half within %s ms, 99 of 100 within %s ms", follow.Milliseconds(c.DelayOut.P50), follow.Milliseconds(c.DelayOut.P99))))
		}
		if c.DelayBack.Packets > 0 {
			lines = append(lines, row("back", fmt.Sprintf("half within %s ms, 99 of 100 within %s ms", follow.Milliseconds(c.DelayBack.P50), follow.Milliseconds(c.DelayBack.P99))))
		}
		if c.Dropped > 0 {
			lines = append(lines, row("dropped", fmt.Sprintf("%d by the capture: what passed then is not known", c.Dropped)))
		}
	}
	return page.Say(page.Read{Title: p.Title(), Lines: lines})
}
