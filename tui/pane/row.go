package pane

import (
	"bytes"
	"time"

	"steth/feed"
	"steth/packets"
	"steth/themes"
)

// How wide the time column is, with the blank behind it, in panes of some width:
// 03:12:33.204 where there is room for it; else the minute is told in the first
// row and where it changes, and the second in each.
const (
	stampWide   = 14 // "03:12:33.204  "
	stampNarrow = 10 // "12:33.204 ", "   33.204 "
	wideFrom    = 90 // cells of a pane with whole times
	stampFrom   = 40 // cells of a pane whose lines have times at all; packets always do
)

// stampWidth is how wide the time column is in this pane. It doesn't depend on
// whether the pane stands still, so that a pause moves no text.
func (p *pane) stampWidth() int {
	switch {
	case p.at.w >= wideFrom:
		return stampWide
	case p.about.Shape == feed.Packets || p.at.w >= stampFrom:
		return stampNarrow
	}
	return 0
}

// indent is where the text of rows begins.
func (p *pane) indent() int { return 1 + p.stampWidth() }

// appendTwo appends n with two digits.
func appendTwo(buf []byte, n int) []byte {
	return append(buf, byte('0'+n/10%10), byte('0'+n%10))
}

// appendSecond appends the second and its thousandths: 33.204.
func appendSecond(buf []byte, t time.Time) []byte {
	ms := t.Nanosecond() / 1e6
	buf = append(appendTwo(buf, t.Second()), '.', byte('0'+ms/100))
	return appendTwo(buf, ms)
}

// appendStamp appends a time as the column of width cells shows it; minute says
// whether a narrow one tells the minute too.
func appendStamp(buf []byte, t time.Time, width int, minute bool) []byte {
	h, m, _ := t.Clock()
	switch {
	case width >= stampWide:
		buf = append(appendTwo(buf, h), ':')
		return append(appendSecond(append(appendTwo(buf, m), ':'), t), "  "...)
	case minute:
		return append(appendSecond(append(appendTwo(buf, m), ':'), t), ' ')
	}
	return append(appendSecond(append(buf, "   "...), t), ' ')
}

// longestPair is the longest "from > to" that sets the column of what packets
// say: two IPv4 addresses with ports fit mostly, two MACs don't, so that one
// ARP does not push all other rows aside.
const longestPair = 34

// words makes the text of an entry as it is shown, and says in which colour. For
// a packet, head is how much of it says from where to where; what it says then
// begins in the same column in all rows, unless the addresses are very long.
func (p *pane) words(e *feed.Entry) (text string, head int, style themes.Style) {
	if p.about.Shape != feed.Packets {
		return e.Text, 0, levelStyle(p.theme, e.Level)
	}
	var proto packets.Proto
	p.text, proto = packets.Describe(p.text[:0], &e.Packet)
	if p.tracer != nil {
		p.text = innerFirst(p.text)
	}
	style = protoStyle(p.theme, proto)
	head = pairEnd(p.text)
	if head == 0 {
		return string(p.text), 0, style
	}
	most := min(longestPair, (p.at.w-p.indent())*2/5)
	if head <= most {
		p.column = max(p.column, head)
	}
	pad := max(p.column-head, 0)
	n := len(p.text)
	for range pad {
		p.text = append(p.text, ' ')
	}
	copy(p.text[head+pad:], p.text[head:n])
	for i := range pad {
		p.text[head+i] = ' '
	}
	return string(p.text), head, style
}

// pairEnd is where "from > to" ends in a packet's summary, before two blanks;
// 0 if it doesn't begin with that.
func pairEnd(row []byte) int {
	end := bytes.Index(row, []byte("  "))
	if end < 0 || !bytes.Contains(row[:end], []byte(" > ")) {
		return 0
	}
	return end
}

// protoStyle is the colour of what a packet says.
func protoStyle(th *themes.Theme, proto packets.Proto) themes.Style {
	switch proto {
	case packets.ICMPRequest, packets.ARP, packets.ND, packets.DHCP, packets.DNS:
		return th.Info
	case packets.ICMPReply:
		return th.Good
	case packets.ICMPError, packets.TCPReset, packets.Malformed:
		return th.Bad
	case packets.LLDP, packets.STP, packets.IGMP, packets.VRRP:
		return th.Muted
	}
	return th.Text
}

// levelStyle is the colour of a level.
func levelStyle(th *themes.Theme, level feed.Level) themes.Style {
	switch level {
	case feed.Muted:
		return th.Muted
	case feed.Info:
		return th.Info
	case feed.Good:
		return th.Good
	case feed.Warn:
		return th.Warn
	case feed.Bad:
		return th.Bad
	}
	return th.Text
}

// row draws an entry: one row, or as many as it takes with wrap.
func (p *pane) row(e *feed.Entry, wrap bool) {
	c, th := &p.canvas, p.theme
	selected := !p.follow && e.Seq == p.cursor && (p.focused || !p.level)
	text, head, rest := p.words(e)
	pair, quiet := th.Text, th.Muted
	ground := th.Selected
	if !p.focused { // the instant at which another pane stands
		ground = th.SelectedMuted
	}
	if selected {
		pair, rest, quiet = ground, ground, th.SelectedMuted
	}
	p.findHits(text)

	for from, first := 0, true; first || from < len(text); first = false {
		p.gutter(selected && p.focused)
		p.stampAt(first, e.Time, quiet)
		to := len(text)
		if wrap {
			if fit, _ := cut(text[from:], c.room); fit > 0 {
				to = from + fit
			}
		}
		p.emit(pair, text, from, min(max(head, from), to))
		p.emit(rest, text, max(from, min(head, to)), to)
		if selected {
			c.endIn(ground)
		} else {
			c.end()
		}
		from = to
		for len(p.seqs) < c.rows()-1 {
			p.seqs = append(p.seqs, 0)
		}
		p.seqs = append(p.seqs, e.Seq+1)
	}
}

// stampAt puts the time before the first row of an entry.
func (p *pane) stampAt(first bool, t int64, style themes.Style) {
	c, width := &p.canvas, p.stampWidth()
	if !first || width == 0 {
		c.repeat(style, " ", width)
		return
	}
	at := time.Unix(0, t).In(p.zone)
	minute := at.Unix() / 60
	var buf [stampWide]byte
	c.text(style, string(appendStamp(buf[:0], at, width, minute != p.minute)))
	p.minute = minute
}

// gutter begins a row: blank, or the bar beside the selected one.
func (p *pane) gutter(selected bool) {
	if selected {
		p.canvas.text(p.theme.Accent, p.theme.Glyphs.Bar)
		return
	}
	p.canvas.space(1)
}

// rowsOf is how many rows an entry takes when rows are wrapped.
func (p *pane) rowsOf(e *feed.Entry) int {
	text, _, _ := p.words(e)
	room := p.at.w - p.indent()
	n := 1
	for from := 0; ; n++ {
		fit, whole := cut(text[from:], room)
		if whole || fit == 0 {
			return n
		}
		from += fit
	}
}

// findHits notes where the search hits text.
func (p *pane) findHits(text string) {
	p.hits = p.hits[:0]
	if p.search.text == "" || p.search.not {
		return
	}
	for from := 0; len(p.hits) < 64; {
		start, end := p.matcher.next(p.search, text, from)
		if end == 0 {
			return
		}
		p.hits = append(p.hits, [2]int{start, end})
		from = end
	}
}

// emit puts text[from:to] in style, and hits of the search in theirs.
func (p *pane) emit(style themes.Style, text string, from, to int) {
	for _, hit := range p.hits {
		start, end := max(hit[0], from), min(hit[1], to)
		if start >= end {
			continue
		}
		p.canvas.text(style, text[from:start])
		p.canvas.text(p.theme.Match, text[start:end])
		from = end
	}
	if from < to {
		p.canvas.text(style, text[from:to])
	}
}
