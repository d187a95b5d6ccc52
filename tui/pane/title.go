package pane

import (
	"strconv"
	"strings"
	"time"

	"steth/feed"
	"steth/themes"
)

// segment is one part of a title. Those with the highest rank give way first
// when a pane is narrow; rank 0 stays.
type segment struct {
	rank int
	gap  int // blanks before it
	span []span
}

type span struct {
	style themes.Style
	text  string
}

func (s segment) width() int {
	w := s.gap
	for _, sp := range s.span {
		w += width(sp.text)
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

// fit leaves segments out until the rest takes at most room cells; then the
// name, which comes first, is shortened.
func fit(segs []segment, room int) []segment {
	total := 0
	for _, s := range segs {
		total += s.width()
	}
	for total > room {
		worst := 0
		for i, s := range segs {
			if s.rank > 0 && s.rank >= segs[worst].rank {
				worst = i
			}
		}
		if segs[worst].rank == 0 {
			break
		}
		total -= segs[worst].width()
		segs = append(segs[:worst], segs[worst+1:]...)
	}
	if over := total - room; over > 0 && len(segs) > 1 {
		const least = 8
		name := &segs[0].span[len(segs[0].span)-1]
		keep := max(width(name.text)-over-1, least)
		if n, _, whole := cut(name.text, keep); !whole {
			name.text = name.text[:n]
		}
	}
	return segs
}

// segments says everything a title can say, in the order in which it stands.
func (p *pane) segments() []segment {
	th, a := p.theme, p.about
	strong := th.Strong
	if p.focused {
		strong = th.AccentStrong
	}
	name := a.Device
	if a.Shape != feed.Packets || name == "" {
		name = a.Title
	}
	segs := []segment{{0, 0, []span{{strong, strconv.Itoa(p.number) + " " + name}}}}
	if a.Shape == feed.Packets {
		if a.Host != "" {
			segs = append(segs, segment{2, 1, []span{{th.Text, "on " + a.Host}}})
		}
		if a.Netns != "" {
			segs = append(segs, segment{5, 1, []span{{th.Muted, "in " + a.Netns}}})
		}
	} else {
		if a.Target != "" {
			segs = append(segs, segment{2, 1, []span{{th.Text, a.Target}}})
		}
		if from := place(a); from != "" {
			segs = append(segs, segment{5, 1, []span{{th.Muted, from}}})
		}
	}
	if a.Filter != "" {
		segs = append(segs, segment{4, 2, []span{{th.Muted, a.Filter}}})
	}
	if p.sieve != nil {
		words := "& " + patternText(p.filters)
		if !p.sieve.done {
			words += " …"
		}
		segs = append(segs, segment{1, 2, []span{{th.Accent, words}}})
	}
	segs = append(segs, p.standing()...)
	segs = append(segs, p.series()...)
	segs = append(segs, p.losses()...)
	if why := p.state.End; why != "" { // last, so that a long reason hides nothing
		segs = append(segs, segment{0, 2, []span{{th.Bad, why}}})
	}
	return segs
}

// place says where a tool runs.
func place(a feed.About) string {
	var words []string
	if a.Netns != "" {
		words = append(words, "from "+a.Netns)
	}
	if a.Host != "" {
		words = append(words, "on "+a.Host)
	}
	return strings.Join(words, " ")
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
	var sign []span
	switch {
	case st.End != "":
		sign = []span{{th.Bad, th.Glyphs.Broken + " ended"}}
	case !st.Live:
		sign = []span{{th.Muted, th.Glyphs.Ended + " ended"}}
	case !p.follow:
		words := th.Glyphs.Paused + " paused"
		if n := p.newer(); n > 0 {
			words += ", " + count(n) + " newer"
		}
		sign = []span{{th.Warn, words}}
	default:
		sign = []span{{th.Good, th.Glyphs.Live}}
	}
	segs := []segment{{0, 4, sign}}
	if !p.follow && p.stopped != 0 {
		at := time.Unix(0, p.stopped).In(p.zone).Format("at 15:04:05")
		segs = append(segs, segment{3, 1, []span{{th.Muted, at}}})
	}
	if st.Status != "" {
		segs = append(segs, segment{1, 1, []span{{levelStyle(th, st.Level), st.Status}}})
		return segs
	}
	if st.Live {
		segs = append(segs, segment{3, 1, []span{{th.Muted, rate(st.Rate)}}})
		top := 0.0
		for _, v := range st.Rates {
			top = max(top, v)
		}
		if top > 0 {
			var b strings.Builder
			spark(&b, th.Glyphs.Spark, st.Rates[max(len(st.Rates)-10, 0):], top)
			segs = append(segs, segment{5, 1, []span{{th.Muted, b.String()}}})
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
	return []segment{{4, 4, []span{
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
		segs = append(segs, segment{0, 2, []span{{th.Warn, words}}})
	case p.about.Shape == feed.Packets:
		segs = append(segs, segment{6, 2, []span{{th.Muted, "dropped "}, {th.Text, "0"}}})
	}
	if n := p.state.Lost; n > 0 {
		segs = append(segs, segment{5, 2, []span{{th.Muted, count(n) + " oldest forgotten"}}})
	}
	if p.state.Spool != "" {
		segs = append(segs, segment{2, 2, []span{{th.Warn, "memory only"}}})
	}
	return segs
}
