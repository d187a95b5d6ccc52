package path

import (
	"fmt"
	"strings"
	"time"

	"steth/openstack"
	"steth/packets/match"
	"steth/probes/follow"
	"steth/tui/page"
	"steth/tui/part"
)

const (
	airy     = 30 // the height from which on there are blank lines
	fewRows  = 5  // packets that always show, as far as the screen has room
	manyRows = 10 // packets that show before all hops do, on an airy page
	fewHops  = 4  // hops that always show
	mostNote = 2  // notes that show on an airy page
)

// View implements [page.Page].
func (p *Page) View(width, height int) string {
	p.hot = places{}
	if p.hold == nil {
		return p.waiting(width, height)
	}
	p.drawn = p.hold.Session.Version()
	p.look()
	p.rows.session, p.rows.hops = p.hold.Session, p.standing.Hops
	lines := []string{p.titleLine(width)}
	roomy := height >= airy
	blank := func() {
		if roomy {
			lines = append(lines, part.NewLine(width, p.env.Theme).String())
		}
	}
	blank()
	lines = append(lines, p.band(width, max(height/8, 1))...)
	blank()

	foot := p.footRows(roomy)
	hops := hopRows(p.standing.Hops)
	least := fewRows
	if roomy {
		least = manyRows
	}
	rules := 2
	room := height - len(lines) - rules - foot - 1 // a line of headings over the packets
	hops = max(min(hops, room-least), min(hops, 1+fewHops))
	p.hot.hopsY, p.hot.hopsH = len(lines), hops
	lines = append(lines, p.drawHops(width, hops)...)
	lines = append(lines, p.ruleLine(width))
	rows := max(height-len(lines)-foot-1, 1)
	p.hot.rowsY, p.hot.rowsH = len(lines), rows
	lines = append(lines, p.drawPackets(width, rows)...)
	lines = append(lines, part.Rule(width, p.env.Theme))
	lines = append(lines, p.foot(width, roomy)...)
	return strings.Join(part.Fit(lines, width, height), "\n")
}

// waiting is the page before its path is followed, or where it can't be.
func (p *Page) waiting(width, height int) string {
	th := p.env.Theme
	head := part.NewLine(width, th).Skip(1).Put(th.AccentStrong, "Path").Skip(2).Put(th.Strong, p.name)
	lines := []string{head.String(), part.NewLine(width, th).String()}
	if p.err == nil {
		lines = append(lines, part.NewLine(width, th).Skip(1).Put(th.Muted, "working out which devices its packets pass").String())
		return strings.Join(part.Fit(lines, width, height), "\n")
	}
	for i, w := range part.Wrap(part.Spans{{Style: th.Bad, Text: th.Glyphs.Broken + " " + p.err.Error()}}, width-2, 2) {
		if i > height/2 {
			break
		}
		lines = append(lines, part.NewLine(width, th).Skip(1).Spans(w).String())
	}
	lines = append(lines, part.NewLine(width, th).String(), part.NewLine(width, th).Skip(1).
		Put(th.Accent, p.key("restart")).Put(th.Muted, " tries again   ").
		Put(th.Accent, p.key("goal")).Put(th.Muted, " another way   ").
		Put(th.Accent, "esc").Put(th.Muted, " leaves").String())
	return strings.Join(part.Fit(lines, width, height), "\n")
}

func (p *Page) key(name string) string { return p.env.Keys.Key(p.Scope(), name) }

// end writes one end of the path: name, address, host.
func (p *Page) end(e openstack.End, address, host bool) part.Spans {
	th := p.env.Theme
	out := part.Spans{{Style: th.Strong, Text: e.Name}}
	if address && len(e.Addresses) > 0 && e.Addresses[0].String() != e.Name {
		out = append(out, part.Span{Style: th.Muted, Text: " " + e.Addresses[0].String()})
	}
	if host && e.Host != "" {
		out = append(out, part.Span{Style: th.Muted, Text: " on " + e.Host})
	}
	return out
}

// titleLine says what is followed, how long for, and what was counted. What
// matters least goes first where the screen is narrow.
func (p *Page) titleLine(width int) string {
	th := p.env.Theme
	var clock, counts part.Spans
	following := part.Spans{{Style: th.Muted, Text: "following "}, {Style: th.Info, Text: follow.Words(p.what)}}
	var ends part.Spans
	total := func() int { return 1 + ends.Width() + following.Width() + clock.Width() + counts.Width() + 3*3 }
	for _, detail := range [][5]bool{ // addresses, hosts, the word, all counts, all of the clock
		{true, true, true, true, true},
		{true, false, true, true, true},
		{true, false, true, true, false},
		{false, false, true, true, true},
		{false, false, false, true, true},
		{},
	} {
		clock, counts = p.clock(detail[4]), p.counts(detail[3])
		ends = nil
		if detail[2] {
			ends = part.Spans{{Style: th.AccentStrong, Text: "Path"}, {Style: th.Text, Text: "  "}}
		}
		ends = append(ends, p.end(p.path.From, detail[0], detail[1])...)
		ends = append(ends, part.Span{Style: th.Muted, Text: "  " + th.Glyphs.Arrow + "  "})
		ends = append(ends, p.end(p.path.To, detail[0], detail[1])...)
		if total() <= width {
			break
		}
	}
	if total() > width {
		following = part.Spans{{Style: th.Info, Text: follow.Words(p.what)}}
	}
	l := part.NewLine(width, th).Skip(1)
	spare := max(width-total(), 0) / 3
	for i, s := range []part.Spans{ends, following, clock, counts} {
		if i > 0 {
			l.Skip(3 + min(spare, 5))
		}
		if i == 0 && total() > width { // names are cut, counts are not
			l.Cell(s, max(width-(total()-ends.Width()), 12))
			continue
		}
		l.Spans(s)
	}
	return l.String()
}

// clock says whether packets come, since when and, with all, how long still.
func (p *Page) clock(whole bool) part.Spans {
	th, s := p.env.Theme, p.hold.Session
	began, ok := s.Began()
	all := s.Plan().For
	at, recorded := s.Recorded()
	switch {
	case recorded && p.Running():
		return part.Spans{{Style: th.Good, Text: th.Glyphs.Live + " reading"}}
	case recorded:
		return part.Spans{{Style: th.Muted, Text: th.Glyphs.Ended + " recorded " + at.In(p.env.Now().Location()).Format("2006-01-02 15:04") + ", " + clock(p.standing.Finding.Duration)}}
	case !p.Running() || p.standing.Ended:
		f := p.standing.Finding
		return part.Spans{{Style: th.Muted, Text: th.Glyphs.Ended + " ended after " + clock(f.Duration)}}
	case !ok:
		return part.Spans{{Style: th.Muted, Text: th.Glyphs.Live + " starting"}}
	}
	out := part.Spans{{Style: th.Good, Text: th.Glyphs.Live + " live "}}
	if n := p.rows.newer(); p.rows.frozen() {
		out = part.Spans{{Style: th.Warn, Text: th.Glyphs.Paused + " paused "}}
		if whole && n > 0 {
			out = append(out, part.Span{Style: th.Muted, Text: page.Count(int(n)) + " newer  "})
		}
	}
	out = append(out, part.Span{Style: th.Strong, Text: clock(p.env.Now().Sub(began))})
	if all > 0 && whole {
		out = append(out, part.Span{Style: th.Muted, Text: " of " + clock(all)})
	}
	return out
}

// clock writes a length of time as minutes and seconds.
func clock(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// counts are the packets of the way out, and what became of all.
func (p *Page) counts(whole bool) part.Spans {
	th, sum := p.env.Theme, p.standing.Total
	number := func(t match.Totals) int { return int(t.Rows - t.Duplicate - t.Bordering) }
	seen := number(sum.Out)
	if seen == 0 {
		seen = number(sum.Back) + number(sum.Neither)
	}
	out := part.Spans{{Style: th.Muted, Text: "seen "}, {Style: th.Strong, Text: page.Count(seen)}}
	switch n := number(sum.Back); {
	case !whole:
	case sum.Out.Answered+sum.Out.Unanswered > 0: // not every packet asks for an answer
		out = append(out, part.Span{Style: th.Muted, Text: "   answered "}, part.Span{Style: th.Strong, Text: page.Count(int(sum.Out.Answered))},
			part.Span{Style: th.Muted, Text: " of " + page.Count(int(sum.Out.Answered+sum.Out.Unanswered))})
	case n > 0 && seen != n:
		out = append(out, part.Span{Style: th.Muted, Text: "   back "}, part.Span{Style: th.Strong, Text: page.Count(n)})
	}
	back := sum.Back.Lost
	if len(p.path.Back) > 0 {
		back = 0
	}
	switch {
	case sum.Out.Lost > 0 && back > 0:
		out = append(out, part.Span{Style: th.Muted, Text: "   "}, part.Span{Style: th.Bad, Text: fmt.Sprintf("lost %s, %s back", page.Count(int(sum.Out.Lost)), page.Count(int(back)))})
	case back > 0:
		out = append(out, part.Span{Style: th.Muted, Text: "   "}, part.Span{Style: th.Bad, Text: fmt.Sprintf("lost %s back", page.Count(int(back)))})
	case sum.Out.Lost > 0:
		out = append(out, part.Span{Style: th.Muted, Text: "   "}, part.Span{Style: th.Bad, Text: "lost " + page.Count(int(sum.Out.Lost))})
	default:
		out = append(out, part.Span{Style: th.Muted, Text: "   lost "}, part.Span{Style: th.Strong, Text: "0"})
	}
	if n := p.hold.Session.Sampled(); n > 1 {
		out = append(out, part.Span{Style: th.Muted, Text: "   "}, part.Span{Style: th.Warn, Text: "1 in " + page.Count(n)})
	}
	if n := sum.Out.Unknown + sum.Back.Unknown - sum.Out.Bordering - sum.Back.Bordering; n > 0 && whole {
		out = append(out, part.Span{Style: th.Muted, Text: "   unknown "}, part.Span{Style: th.Warn, Text: page.Count(int(n))})
	}
	return out
}

// ruleLine is the thin line over the packets, with the filter in it, and which
// hops are on the screen where not all are.
func (p *Page) ruleLine(width int) string {
	th := p.env.Theme
	shown := ""
	if n := len(p.standing.Hops); n > p.hops.height {
		shown = fmt.Sprintf(" hops %d-%d of %d ", p.hops.top+1, p.hops.top+p.hops.height, n)
	}
	if !p.typing && !p.rows.filtered() {
		if shown == "" {
			return part.Rule(width, th)
		}
		l := part.NewLine(width, th)
		return l.Put(th.Rule, strings.Repeat(th.Glyphs.HLine, max(width-part.TextWidth(shown)-2, 0))).Put(th.Muted, shown).
			Put(th.Rule, strings.Repeat(th.Glyphs.HLine, 2)).String()
	}
	p.hot.filterY = p.hot.hopsY + p.hot.hopsH
	l := part.NewLine(width, th).Put(th.Rule, strings.Repeat(th.Glyphs.HLine, 2)).Skip(1)
	not := ""
	if p.rows.invert {
		not = "!"
	}
	switch {
	case p.typing:
		l.Put(th.Accent, "/ "+not)
		text, x := p.filter.View(40, th.Strong, th)
		p.typedX = l.Used() + x
		l.Raw(text, 40)
	default:
		if p.rows.only {
			l.Put(th.Info, "only injected").Skip(2).Put(th.Text, p.rows.became()).Skip(2)
		}
		if p.rows.lost {
			l.Put(th.Bad, "only lost").Skip(2)
		}
		if p.rows.text != "" {
			l.Put(th.Muted, "/ ").Put(th.Strong, not+p.rows.text).Skip(2)
		}
		l.Put(th.Accent, "esc").Put(th.Muted, " all packets").Skip(1)
	}
	l.Put(th.Rule, strings.Repeat(th.Glyphs.HLine, max(l.Left()-1-part.TextWidth(shown), 0))).Put(th.Muted, shown)
	return l.String()
}
