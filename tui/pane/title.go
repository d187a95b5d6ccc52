package pane

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"steth/feed"
	"steth/internal/safetext"
	"steth/themes"
)

// segment is one part of a title. Those with the highest rank give way first
// when a pane is narrow; rank 0 stays.
type segment struct {
	rank int
	gap  int // blanks before it
	span []span

	reason   bool   // why the stream ended
	ellipsis string // of a segment that may be shortened
}

type span struct {
	style themes.Style
	text  string
}

func (s segment) width() int {
	w := s.gap
	for _, sp := range s.span {
		w += safetext.Width(sp.text)
	}
	return w
}

// title draws the pane's first row and the rule below it.
func (p *pane) title() {
	c, th := &p.canvas, p.theme
	segs := fit(p.segments(), c.width-1)
	c.space(1)
	for _, s := range segs {
		c.space(s.gap)
		for _, sp := range s.span {
			c.text(sp.style, sp.text)
		}
	}
	c.end()
	c.space(1)
	if p.focused {
		c.repeat(th.Accent, th.Glyphs.HeavyLine, c.room)
	} else {
		c.repeat(th.Rule, th.Glyphs.HLine, c.room)
	}
	c.end()
}

// What stays of the name and of the reason of an end, however narrow the pane.
const (
	leastName   = 14
	leastReason = 20
)

// fit leaves segments out until the rest takes at most room cells, and takes
// those back that fit all the same; then the reason of an end, which comes last,
// and the name, which comes first, give way in turn.
func fit(segs []segment, room int) []segment {
	total := 0
	for _, s := range segs {
		total += s.width()
	}
	var out []int // of segs, in the order in which they were left out
	for total > room {
		worst := 0
		for i, s := range segs {
			if s.rank > 0 && s.rank >= segs[worst].rank && !slices.Contains(out, i) {
				worst = i
			}
		}
		if segs[worst].rank == 0 {
			break
		}
		total -= segs[worst].width()
		out = append(out, worst)
	}
	for k := len(out) - 1; k >= 0; k-- { // one that was long may have made room for others
		if w := segs[out[k]].width(); total+w <= room {
			total += w
			out = slices.Delete(out, k, k+1)
		}
	}
	slices.Sort(out)
	for k := len(out) - 1; k >= 0; k-- {
		segs = slices.Delete(segs, out[k], out[k]+1)
	}
	over := total - room
	if last := &segs[len(segs)-1]; last.reason {
		over -= last.shorten(over, leastReason)
	}
	segs[0].shorten(over, leastName)
	return segs
}

// shorten takes up to over cells away from the last words of s, down to least,
// and says how many it took.
func (s *segment) shorten(over, least int) int {
	text := &s.span[len(s.span)-1].text
	w := safetext.Width(*text)
	if over <= 0 || w <= least {
		return 0
	}
	*text = safetext.Cut(*text, max(w-over, least), s.ellipsis)
	return w - safetext.Width(*text)
}

// name is what a pane is called in a word: the device, or what runs.
func (p *pane) name() string {
	if p.about.Shape == feed.Packets && p.about.Device != "" {
		return p.about.Device
	}
	return p.about.Title
}

// sign says in one character whether the stream is live, or how it ended.
func (p *pane) sign() span {
	th := p.theme
	switch {
	case p.state.End != "":
		return span{th.Bad, th.Glyphs.Broken}
	case !p.state.Live:
		return span{th.Muted, th.Glyphs.Ended}
	case !p.follow:
		return span{th.Warn, th.Glyphs.Paused}
	}
	return span{th.Good, th.Glyphs.Live}
}

// segments says everything a title can say, in the order in which it stands.
func (p *pane) segments() []segment {
	th, a := p.theme, p.about
	strong := th.Strong
	if p.focused {
		strong = th.AccentStrong
	}
	number := strconv.Itoa(p.number)
	if p.of > 0 {
		number += " of " + strconv.Itoa(p.of)
	}
	segs := []segment{{span: []span{{strong, number + " " + p.name()}}, ellipsis: th.Glyphs.Ellipsis}}
	if a.Shape == feed.Packets {
		if a.Host != "" {
			segs = append(segs, segment{rank: 2, gap: 1, span: []span{{th.Text, "on " + a.Host}}})
		}
		if a.Netns != "" {
			segs = append(segs, segment{rank: 5, gap: 1, span: []span{{th.Muted, "in " + shortNetns(a.Netns)}}})
		}
		if hops := p.hops(); hops != "" {
			segs = append(segs, segment{rank: 3, gap: 2, span: []span{{th.Info, hops}}})
		}
		if a.Target != "" {
			segs = append(segs, segment{rank: 4, gap: 1, span: []span{{th.Muted, "of " + a.Target}}})
		}
	} else {
		if a.Target != "" {
			segs = append(segs, segment{rank: 2, gap: 1, span: []span{{th.Text, a.Target}}})
		}
		if from := place(a); from != "" {
			segs = append(segs, segment{rank: 5, gap: 1, span: []span{{th.Muted, from}}})
		}
	}
	if a.Filter != "" {
		segs = append(segs, segment{rank: 4, gap: 2, span: []span{{th.Muted, a.Filter}}})
	}
	if p.sieve != nil {
		words := patternText(p.filters)
		if !p.sieve.done {
			words += " " + th.Glyphs.Ellipsis
		}
		// That rows are hidden is told however narrow the pane.
		segs = append(segs,
			segment{gap: 2, span: []span{{th.Accent, "&"}}},
			segment{rank: 1, gap: 1, span: []span{{th.Accent, words}}})
	}
	if p.tally != nil {
		segs = append(segs,
			segment{rank: 1, gap: 2, span: []span{{th.Accent, "/ " + p.search.text}}},
			segment{rank: 1, gap: 1, span: []span{{th.Muted, p.hitsText()}}})
	}
	segs = append(segs, p.standing()...)
	segs = append(segs, p.series()...)
	segs = append(segs, p.losses()...)
	lockRank := 6
	if p.tight {
		lockRank = 4 // the bar has no room for it
	}
	switch {
	case p.locked:
		segs = append(segs, segment{rank: lockRank, gap: 2, span: []span{{th.Muted, "time-lock "}, {th.Good, "on"}}})
	case p.lockable:
		segs = append(segs, segment{rank: lockRank, gap: 2, span: []span{{th.Muted, "time-lock off"}}})
	}
	if why := p.state.End; why != "" && !p.concluded(why) && !p.empty() { // last, so that a long reason hides nothing
		segs = append(segs, segment{gap: 2, span: []span{{th.Bad, why}}, reason: true, ellipsis: th.Glyphs.Ellipsis})
	}
	return segs
}

// hitsText says how many hits the search has, and which of them is selected.
func (p *pane) hitsText() string {
	t := p.tally
	n := t.count()
	if !p.follow && t.whole() && n > 0 {
		if i := t.index(p.cursor); i < n && t.at(i) == p.cursor {
			return count(uint64(i+1)) + " of " + count(uint64(n))
		}
	}
	words := count(uint64(n))
	switch {
	case t.cut:
		words += "+"
	case !t.done:
		words += p.theme.Glyphs.Ellipsis
	}
	if n == 1 && t.whole() {
		return words + " hit"
	}
	return words + " hits"
}

// place says where a tool runs.
func place(a feed.About) string {
	var words []string
	if a.Netns != "" {
		words = append(words, "from "+shortNetns(a.Netns))
	}
	if a.Host != "" {
		words = append(words, "on "+a.Host)
	}
	return strings.Join(words, " ")
}

// shortNetns is a namespace's name with the id in it cut to its first eight
// characters, which tell one network or router from another: qdhcp-4a1e91c2.
func shortNetns(name string) string {
	const uuid = 36
	at := len(name) - uuid
	if at < 0 || name[at+8] != '-' || name[at+13] != '-' || name[at+18] != '-' || name[at+23] != '-' {
		return name
	}
	return name[:at+8]
}

// patternText names patterns for the title and the prompt.
func patternText(list []pattern) string {
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = f.String()
	}
	return strings.Join(words, " & ")
}

// standing says whether the stream is live, paused or ended, and how it goes.
func (p *pane) standing() []segment {
	th, st := p.theme, &p.state
	sign := p.sign()
	switch {
	case !st.Live:
		sign.text += " ended"
	case !p.follow:
		sign.text += " paused"
	}
	segs := []segment{{gap: 4, span: []span{sign}}}
	gap := 1
	if st.Live && !p.follow {
		if p.stopped != 0 {
			at := time.Unix(0, p.stopped).In(p.zone).Format("at 15:04:05")
			rank := 4
			if p.stampWidth() == stampWide { // rows say it
				rank = 7
			}
			segs = append(segs, segment{rank: rank, gap: 1, span: []span{{th.Muted, at}}})
		}
		if n := p.newer(); n > 0 {
			segs = append(segs, segment{rank: 2, gap: 1, span: []span{{th.Warn, count(n) + " newer"}}})
		}
		gap = 3
	}
	if st.Status != "" {
		segs = append(segs, segment{rank: 1, gap: gap, span: []span{{levelStyle(th, st.Level), st.Status}}})
		return segs
	}
	if st.Live {
		rank := 3
		if !p.follow { // it isn't of what is shown
			rank = 5
		}
		segs = append(segs, segment{rank: rank, gap: gap, span: []span{{th.Muted, rate(st.Rate)}}})
		top := 0.0
		for _, v := range st.Rates {
			top = max(top, v)
		}
		if top > 0 {
			var b strings.Builder
			spark(&b, th.Glyphs.Spark, st.Rates[max(len(st.Rates)-10, 0):], top)
			segs = append(segs, segment{rank: 6, gap: 1, span: []span{{th.Muted, b.String()}}})
		}
	}
	return segs
}

// series is what the samples come to.
func (p *pane) series() []segment {
	th, a := p.theme, p.about
	s := summarise(p.state.Samples)
	if a.Series == "" || s.got == 0 {
		return nil
	}
	low, mean, high := s.min, s.avg, s.max
	unit := a.Unit
	if scaled(unit) { // one prefix for all three
		v, prefix := si(high)
		if v > 0 {
			scale := high / v
			low, mean, high = low/scale, mean/scale, v
		}
		unit = prefix + unit
	}
	return []segment{{rank: 4, gap: 4, span: []span{
		{th.Muted, a.Series + " min "},
		{th.Text, number(low)},
		{th.Muted, " avg "},
		{th.Text, number(mean)},
		{th.Muted, " max "},
		{th.Text, number(high)},
		{th.Text, " " + unit},
	}}}
}

// losses says what never arrived or is no longer here. Whatever is above 0 never
// gives way.
func (p *pane) losses() (segs []segment) {
	th := p.theme
	total, where := uint64(0), []string(nil)
	for _, d := range p.state.Drops {
		total += d.Count
		where = append(where, d.Where)
	}
	switch {
	case total > 0:
		words := "dropped " + count(total)
		if len(where) > 0 {
			words += " " + strings.Join(where, ", ")
		}
		segs = append(segs, segment{rank: 0, gap: 2, span: []span{{th.Warn, words}}})
	case p.about.Shape == feed.Packets:
		segs = append(segs, segment{rank: 3, gap: 2, span: []span{{th.Muted, "dropped "}, {th.Text, "0"}}})
	}
	if n := p.state.Lost; n > 0 {
		segs = append(segs, segment{rank: 5, gap: 2, span: []span{{th.Muted, count(n) + " oldest forgotten"}}})
	}
	if p.state.Spool != "" {
		segs = append(segs, segment{rank: 2, gap: 2, span: []span{{th.Warn, "memory only"}}})
	}
	return segs
}
