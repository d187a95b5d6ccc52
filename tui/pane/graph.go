package pane

import (
	"strings"

	"steth/feed"
	"steth/internal/safetext"
	"steth/themes"
)

const (
	strip     = 60 // samples in a graph of one row: a minute of pings
	chartMost = 9  // rows of a tall graph
	chartWide = 3  // cells of a sample in a tall graph while there is room
)

// summary is what a series comes to.
type summary struct {
	min, avg, max float64
	lost, got     int
}

func summarise(samples []feed.Sample) (s summary) {
	for _, v := range samples {
		if v.Lost {
			s.lost++
			continue
		}
		if s.got == 0 || v.Value < s.min {
			s.min = v.Value
		}
		s.max = max(s.max, v.Value)
		s.avg += v.Value
		s.got++
	}
	if s.got > 0 {
		s.avg /= float64(s.got)
	}
	return s
}

// tall says whether the series is worth a graph of several rows: a load that is
// measured, rather than a time that accompanies lines.
func (p *pane) tall() bool { return scaled(p.about.Unit) }

// graphRows is how many of height rows the graph takes.
func (p *pane) graphRows(height int) int {
	switch {
	case p.about.Series == "" || len(p.state.Samples) == 0:
		return 0
	case !p.tall():
		return min(1, max(height-1, 0))
	case height < 4:
		return min(1, height)
	}
	// A blank row stands below the chart.
	return min(chartMost, max(3, height*3/5)) + 1
}

// graph draws the series in rows rows.
func (p *pane) graph(rows int) {
	switch {
	case rows <= 0:
	case rows < 3:
		p.stripChart()
	default:
		p.areaChart(rows - 1)
		p.canvas.end()
	}
}

// stripChart draws the newest samples in one row, with what a whole bar is.
func (p *pane) stripChart() {
	c, th := &p.canvas, p.theme
	all := p.state.Samples
	label := p.about.Series
	c.space(1)
	c.text(th.Muted, label)
	c.to(1 + max(safetext.Width(label)+3, 6))
	room := min(strip, c.room-14)
	if room < 4 {
		c.end()
		return
	}
	left := c.used()
	all = all[max(len(all)-room, 0):]
	top := ceiling(summarise(all).max)
	p.bars(all, func(v float64) string { return th.Glyphs.Spark[step(v, top, len(th.Glyphs.Spark))] })
	c.to(left + room)
	c.space(3)
	c.text(th.Muted, quantity(top, p.about.Unit))
	c.end()
}

// bars puts one sign for each sample: glyph gives it for those that came.
func (p *pane) bars(samples []feed.Sample, glyph func(float64) string) {
	var run strings.Builder
	th := p.theme
	flush := func() {
		p.canvas.text(th.Info, run.String())
		run.Reset()
	}
	for _, s := range samples {
		if s.Lost {
			flush()
			p.canvas.text(th.Bad, th.Glyphs.Broken)
			continue
		}
		run.WriteString(glyph(s.Value))
	}
	flush()
}

// areaChart draws the newest samples as an area with an axis on its left.
func (p *pane) areaChart(rows int) {
	c, th := &p.canvas, p.theme
	const axis = 12
	room := c.width - axis - 2
	all := p.state.Samples
	wide := chartWide
	if len(all)*wide > room {
		wide = 1
	}
	all = all[max(len(all)-max(room/wide, 0), 0):]
	top := ceiling(summarise(all).max)
	steps := th.Glyphs.Spark
	for r := range rows {
		label := ""
		switch r {
		case 0:
			label = quantity(top, p.about.Unit)
		case rows / 2:
			if rows >= 5 && rows%2 == 1 {
				label = quantity(top/2, p.about.Unit)
			}
		case rows - 1:
			label = "0"
		}
		c.space(axis - 1 - safetext.Width(label))
		c.text(th.Muted, label)
		c.space(1)
		c.text(th.Rule, th.Glyphs.VLine)
		low := rows - 1 - r // this row shows from low to low+1 of rows
		p.areaRow(all, wide, func(s feed.Sample) (themes.Style, string) {
			eighths := s.Value/top*float64(rows*len(steps)) - float64(low*len(steps))
			switch {
			case s.Lost && low == 0:
				return th.Bad, th.Glyphs.Broken
			case s.Lost || eighths < 0.5:
				return th.Info, " "
			}
			return th.Info, steps[min(int(eighths+0.5), len(steps))-1]
		})
		c.end()
	}
}

// areaRow puts wide signs for each sample, in as few sequences as it can.
func (p *pane) areaRow(samples []feed.Sample, wide int, sign func(feed.Sample) (themes.Style, string)) {
	var run strings.Builder
	var style themes.Style
	for _, s := range samples {
		st, glyph := sign(s)
		if st != style && run.Len() > 0 {
			p.canvas.text(style, run.String())
			run.Reset()
		}
		style = st
		for i := range wide {
			if s.Lost && i > 0 {
				glyph = " "
			}
			run.WriteString(glyph)
		}
	}
	p.canvas.text(style, run.String())
}
