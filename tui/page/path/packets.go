package path

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"steth/packets/match"
	"steth/probes/follow"
	"steth/themes"
	"steth/tui/part"
)

// packetGrid says how wide the parts of a packet's row are.
type packetGrid struct {
	time, packet, bytes int
	hops                []int // with the gap before each; equal for hops that see
	lead                int   // blanks before each
	narrow              bool  // no delays: there is room for signs alone
	verdict             int
}

const (
	timeWide    = len("15:04:05.000")
	timeNarrow  = len("04:05.000")
	markWide    = len("+0.31")
	verdictWide = len("lost after 13, at or before 15")
	verdictLess = len("lost 13 to 15")
	packetLeast = 16
	packetGood  = 36 // an echo request, in full
	packetMost  = 64
)

// gridOf shares a width out. The marks come first: they are what the page is
// for. Then the start of the packet, the verdict, and the rest of the packet.
func gridOf(hops []follow.Hop, width int) packetGrid {
	g := packetGrid{time: timeWide, bytes: 5, hops: make([]int, len(hops)), lead: gap, verdict: verdictWide}
	if width < 110 {
		g.time = timeNarrow
	}
	marks := g.marks(hops)
	left := func() int { return width - g.time - gap - g.bytes - 1 - marks - gap - g.verdict }
	if left() < packetGood {
		g.verdict = verdictLess
	}
	if left() < packetLeast {
		g.lead = 1
		marks = g.marks(hops)
	}
	if left() < packetLeast {
		g.bytes = -1
	}
	if left() < packetLeast {
		g.time = timeNarrow
	}
	if left() < packetLeast {
		g.narrow = true
		marks = g.marks(hops)
	}
	if left() < packetLeast {
		g.verdict = 0
	}
	g.packet = max(min(left(), packetMost), 1)
	return g
}

// marks sets the columns of the hops and returns how wide they are together.
func (g *packetGrid) marks(hops []follow.Hop) int {
	total := 0
	for i, h := range hops {
		w := len(strconv.Itoa(h.Index))
		if h.Capture >= 0 && !g.narrow {
			w = max(w, markWide)
		}
		g.hops[i] = g.lead + w
		total += g.hops[i]
	}
	return total
}

// drawPackets draws the headings and the rows in height lines.
func (p *Page) drawPackets(width, height int) []string {
	th, hops := p.env.Theme, p.standing.Hops
	g := gridOf(hops, width-2)
	head := part.NewLine(width, th).Skip(1)
	head.Cell(part.Spans{{Style: th.Muted, Text: "TIME"}}, g.time).Skip(gap)
	head.Cell(part.Spans{{Style: th.Muted, Text: "PACKET"}}, g.packet)
	if g.bytes > 0 {
		head.Skip(1).Cell(part.Spans{{Style: th.Muted, Text: "BYTES"}}, g.bytes)
	}
	for i, h := range hops {
		style := th.Muted
		if p.hops.marked[i] || p.focus == onHops && i == p.hops.cursor {
			style = th.AccentStrong
		}
		head.Skip(g.lead).Cell(part.Spans{{Style: style, Text: strconv.Itoa(h.Index)}}, g.hops[i]-g.lead)
	}
	lines := []string{head.String()}
	p.injected = len(p.hold.Session.Injected()) > 0
	p.rows.fill(height - 1)
	for i := range p.rows.rows[:p.rows.n] {
		lines = append(lines, p.packetLine(&p.rows.rows[i], g, width))
	}
	if p.rows.n == 0 && height > 2 {
		lines = append(lines, part.NewLine(width, th).Skip(1).Put(th.Muted, p.none()).String())
	}
	return part.Fit(lines, width, height)
}

// legend explains the marks.
func (p *Page) legend() part.Spans {
	th := p.env.Theme
	var out part.Spans
	for _, s := range []struct {
		style      themes.Style
		sign, text string
	}{
		{th.Good, th.Glyphs.Dot, "first seen"},
		{th.Text, "+ms", "after that"},
		{th.Bad, th.Glyphs.Broken, "missed"},
		{th.Muted, th.Glyphs.Unknown, "can't be seen"},
	} {
		out = append(out, part.Span{Style: th.Muted, Text: "   "}, part.Span{Style: s.style, Text: s.sign}, part.Span{Style: th.Muted, Text: " " + s.text})
	}
	return out
}

// none says why there is no row.
func (p *Page) none() string {
	switch {
	case p.rows.filtered() && p.rows.behind:
		return "looking for packets that pass the filter"
	case p.rows.filtered():
		return "no packet passes the filter; esc shows all"
	case p.Running():
		return "no packet yet"
	}
	return "no packet was seen"
}

// packetLine draws one packet.
func (p *Page) packetLine(r *match.Row, g packetGrid, width int) string {
	th := p.env.Theme
	l := part.NewLine(width, th)
	text, sign := th.Text, ""
	if r.Number == p.rows.cursor {
		sign, text = th.Glyphs.Bar, th.Strong
		bar := th.Muted
		if p.focus == onPackets {
			bar, l.Ground = th.Accent, th.SelectedGround
		}
		l.Put(bar, sign)
	}
	l.To(1)
	layout := "15:04:05.000"
	if g.time == timeNarrow {
		layout = "04:05.000"
	}
	when := time.Unix(0, r.Time).In(p.env.Now().Location())
	l.Put(th.Muted, when.Format(layout)).Skip(gap)
	said := shorten(follow.Packet(r), p.path.From.Addresses, p.path.To.Addresses)
	if g.packet < packetGood {
		said = brief(said)
	}
	if r.Direction == match.Back {
		said = "  " + said
	}
	if text == th.Text && p.injected && p.hold.Session.Marked(r) {
		text = th.Info
	}
	l.Cell(part.Spans{{Style: text, Text: said}}, g.packet)
	if g.bytes > 0 {
		size := strconv.FormatUint(uint64(r.Length), 10)
		l.Skip(1).Skip(max(g.bytes-len(size), 0)).Put(th.Muted, size)
	}
	young := p.young(r)
	for i, m := range r.Marks {
		if i >= len(g.hops) {
			break
		}
		l.Skip(g.lead).Cell(part.Spans{p.mark(m, g.narrow, young)}, g.hops[i]-g.lead)
	}
	if g.verdict > 0 {
		l.Skip(gap).Spans(p.verdict(r, g.verdict < verdictWide, young))
	}
	return l.String()
}

// settles is how long sightings of a packet may still be on their way here. The
// captures of several hosts don't arrive together.
const settles = time.Second

// young tells whether a hop that has not seen a packet yet still may.
func (p *Page) young(r *match.Row) bool {
	return p.Running() && p.env.Now().UnixNano()-r.Time < int64(settles)
}

// mark is what one hop says of a packet.
func (p *Page) mark(m match.Mark, narrow, young bool) part.Span {
	th := p.env.Theme
	if young && (m.State == match.Skipped || m.State == match.Before || m.State == match.Missed) {
		return part.Span{Style: th.Muted, Text: th.Glyphs.Ellipsis}
	}
	switch m.State {
	case match.First:
		return part.Span{Style: th.Good, Text: th.Glyphs.Dot}
	case match.Seen:
		if narrow {
			return part.Span{Style: th.Text, Text: "+"}
		}
		return part.Span{Style: th.Text, Text: delay(m.Delay)}
	case match.Missed:
		return part.Span{Style: th.Bad, Text: th.Glyphs.Broken}
	case match.Skipped:
		return part.Span{Style: th.Warn, Text: th.Glyphs.Broken}
	case match.Strayed:
		return part.Span{Style: th.Warn, Text: th.Glyphs.Suspicious}
	case match.Before, match.Quiet:
		return part.Span{Style: th.Muted, Text: th.Glyphs.None}
	case match.Pending:
		return part.Span{Style: th.Muted, Text: th.Glyphs.Ellipsis}
	}
	return part.Span{Style: th.Muted, Text: th.Glyphs.Unknown}
}

// verdict says what became of a packet, nothing where all is well.
func (p *Page) verdict(r *match.Row, short, young bool) part.Spans {
	th := p.env.Theme
	if young {
		return nil
	}
	var out part.Spans
	switch r.Verdict {
	case match.Lost:
		text := follow.Became(p.standing.Hops, r)
		if short {
			text = "lost " + strconv.Itoa(p.standing.Hops[r.From].Index) + " to " + strconv.Itoa(p.standing.Hops[r.To].Index)
		}
		return part.Spans{{Style: th.Bad, Text: text}}
	case match.Waiting:
	case match.Delivered:
		if r.Answer == match.Unanswered {
			return part.Spans{{Style: th.Warn, Text: "not answered"}}
		}
	default:
		out = part.Spans{{Style: th.Muted, Text: r.Verdict.String()}}
	}
	if remarks := follow.Remarks(r); len(remarks) > 0 {
		lead := ""
		if len(out) > 0 {
			lead = ", "
		}
		out = append(out, part.Span{Style: th.Muted, Text: lead + strings.Join(remarks, ", ")})
	}
	return out
}

// delay writes a time in five columns: milliseconds with as many digits as fit,
// or seconds.
func delay(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 9.995:
		return "+" + strconv.FormatFloat(ms, 'f', 2, 64)
	case ms < 99.95:
		return "+" + strconv.FormatFloat(ms, 'f', 1, 64)
	case ms < 999.5:
		return "+" + strconv.FormatFloat(ms, 'f', 0, 64)
	case ms < 9_950:
		return "+" + strconv.FormatFloat(ms/1000, 'f', 1, 64) + "s"
	}
	return "+" + strconv.FormatFloat(min(ms/1000, 999), 'f', 0, 64) + "s"
}

// shorten leaves out of a packet's row the addresses of the path's own ends,
// which the title says, and those of ARP and DHCP, which say it all in words.
// Ports stay.
func shorten(row string, near, far []netip.Addr) string {
	ends, rest, ok := strings.Cut(row, "  ")
	if !ok {
		return row
	}
	from, to, ok := strings.Cut(ends, " > ")
	switch {
	case !ok:
		return row
	case strings.HasPrefix(rest, "ARP ") || strings.HasPrefix(rest, "DHCP "):
		return rest
	}
	a, mine := bare(from, near, far)
	b, yours := bare(to, near, far)
	switch {
	case mine && yours && a == "" && b == "":
		return rest
	case mine && yours:
		return a + " > " + b + "  " + rest
	case mine:
		return "> " + to + "  " + rest
	case yours:
		return from + " >  " + rest
	}
	return row
}

// brief is a shortened row where there is room for a few words: of an echo which
// one and how long it is, and of a segment its flags before its ends.
func brief(row string) string {
	for long, short := range map[string]string{"ICMP echo request ": "echo ", "ICMP echo reply ": "reply "} {
		if before, after, ok := strings.Cut(row, long); ok {
			after, _, _ = strings.Cut(after, " id ")
			return before + short + after
		}
	}
	ends, rest, ok := strings.Cut(row, "  ")
	if flags, _, closed := strings.Cut(rest, "]"); ok && closed && strings.HasPrefix(flags, "TCP [") {
		return flags + "] " + ends
	}
	return row
}

// bare is the port of an end, and whether its address is one of the path's.
func bare(end string, lists ...[]netip.Addr) (string, bool) {
	for _, list := range lists {
		for _, a := range list {
			text := a.String()
			if end == text {
				return "", true
			}
			if port, ok := strings.CutPrefix(end, text+"."); ok && !strings.Contains(port, ".") {
				return port, true
			}
		}
	}
	return "", false
}
