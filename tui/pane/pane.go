package pane

import (
	"context"
	"strings"
	"time"

	"steth/feed"
	"steth/internal/safetext"
	"steth/themes"
)

// pane is a window over one feed, at a leaf of the tree.
type pane struct {
	feed  *feed.Feed
	about feed.About
	run   *task // nil for a feed of its own
	judge bool  // shows what the run concluded

	tracer Tracer // nil for a capture that was taken alone

	window
	wrap    bool
	filters []pattern
	sieve   *sieve // nil without filters
	search  pattern
	tally   *sieve // counts the hits of the search; nil without one
	marks   map[string]uint64
	detail  detail
	prompt  prompt
	job     int                // the newest search
	cancel  context.CancelFunc // of the search under way, else nil

	// What follows is set for each frame.
	at       rect
	number   int
	of       int // how many there are, where the others are not seen; else 0
	focused  bool
	favoured bool // others give it room
	theme    *themes.Theme
	zone     *time.Location
	drawn    uint64 // the feed's version that is on the screen
	behind   bool   // the filter has not seen all that came
	state    feed.State
	lockable bool  // there are other captures
	tight    bool  // the screen is narrow
	locked   bool  // at the same instant as others
	level    bool  // rows are level with those of other panes
	minute   int64 // since 1970, of the last row that was given its time in this frame
	stopped  int64 // the time of the selected row

	// Buffers, used again for each frame.
	canvas  canvas
	entries []feed.Entry
	text    []byte
	column  int // how wide "from > to" is in this pane's rows
	hits    [][2]int
	matcher matcher
	seqs    []uint64 // of each row on the canvas its entry's number plus one, 0 for others
}

func newPane(f *feed.Feed, run *task) *pane {
	return &pane{
		feed: f, about: clean(f.About()), run: run,
		window: window{follow: true, height: 1},
	}
}

// clean makes names that clouds and nodes have given printable.
func clean(a feed.About) feed.About {
	for _, s := range []*string{&a.Title, &a.Target, &a.Host, &a.Netns, &a.Device, &a.Filter, &a.Series, &a.Unit} {
		*s = safetext.Clean(*s)
	}
	return a
}

// again makes another view of the same stream.
func (p *pane) again() *pane {
	q := newPane(p.feed, p.run)
	q.tracer = p.tracer
	q.window, q.wrap, q.filters, q.search, q.tally = p.window, p.wrap, p.filters, p.search, p.tally
	return q
}

// refresh reads how the feed stands, before a frame is laid out.
func (p *pane) refresh() {
	p.drawn = p.feed.Version()
	p.state = p.feed.State()
	p.behind = false
	if p.sieve != nil {
		p.behind = p.sieve.sift()
	}
	if p.tally != nil {
		p.behind = p.tally.sift() || p.behind
	}
	p.stopped = 0
	if !p.follow {
		p.stopped, _ = p.time(p.cursor)
	}
}

// time is when the entry seq was.
func (p *pane) time(seq uint64) (int64, bool) {
	var e [1]feed.Entry
	if p.feed.Read(seq, e[:]) == 0 {
		return 0, false
	}
	return e[0].Time, true
}

// parts is how the rows below the title are shared.
type parts struct{ graph, stream, detail, band, prompt int }

// measure shares the pane's rows.
func (p *pane) measure() (s parts, concluded band) {
	rest := max(p.at.h-2, 0)
	if p.prompt.shown() && rest > 0 {
		s.prompt = 1
		rest--
	}
	if p.judge && p.run != nil && p.run.judged {
		concluded = newBand(p.theme, p.run.finding, p.at.w, rest/2)
		s.band = len(concluded.lines)
	}
	rest -= s.band
	s.graph = p.graphRows(rest)
	rest -= s.graph
	s.detail = p.detailRows(rest)
	rest -= s.detail
	s.stream = rest
	p.height = max(s.stream, 1)
	return s, concluded
}

// draw draws the pane; with a level, its rows stand where that says.
func (p *pane) draw(l *level) {
	c := &p.canvas
	p.level = l != nil
	c.reset(p.theme, p.at.w)
	p.seqs = p.seqs[:0]
	p.minute = -1
	s, concluded := p.measure()
	if l != nil {
		l.settle(p)
	}
	p.title()
	p.graph(s.graph)
	end := 2 + s.graph + s.stream
	if s.stream > 0 {
		switch {
		case l != nil:
			l.body(p, end)
		default:
			p.stream(s.stream)
		}
	}
	c.trim(end)
	c.blank(end)
	end += s.detail
	p.takeApart(s.detail)
	c.blank(end)
	concluded.draw(c)
	if s.prompt > 0 {
		p.prompt.draw(c, p.theme)
	}
	c.blank(p.at.h)
	c.trim(p.at.h)
}

// stream draws the rows of the window.
func (p *pane) stream(height int) {
	list := p.seen(height)
	if len(list) == 0 {
		p.nothing()
		return
	}
	wrap := p.wrap
	if wrap && p.follow { // the newest has to be seen whole
		room := height
		from := len(list)
		for from > 0 {
			room -= p.rowsOf(&list[from-1])
			if room < 0 && from < len(list) {
				break
			}
			from--
		}
		list = list[from:]
	}
	limit := p.canvas.rows() + height
	for i := range list {
		p.row(&list[i], wrap)
		if p.canvas.rows() >= limit {
			return
		}
	}
}

// empty says whether the body of the pane has room to tell why the stream ended,
// which the title then need not.
func (p *pane) empty() bool {
	first, next := p.feed.Bounds()
	return p.sieve == nil && first == next && len(p.state.Samples) == 0 && p.height > 1
}

// concluded says whether the conclusion at the foot tells why the stream ended.
func (p *pane) concluded(why string) bool {
	return why != "" && p.judge && p.run != nil && p.run.judged && strings.Contains(p.run.finding.Reason, why)
}

// nothing says why there are no rows.
func (p *pane) nothing() {
	c, th := &p.canvas, p.theme
	words := "nothing yet"
	switch {
	case p.sieve != nil && !p.sieve.done:
		words = "looking for rows with " + patternText(p.filters)
	case p.sieve != nil:
		words = "no row with " + patternText(p.filters) + "; esc shows all"
	case p.about.Series != "" && len(p.state.Samples) > 0, p.concluded(p.state.End):
		return
	case p.state.End != "":
		for _, words := range fold(p.state.End, p.at.w-1, 3) {
			c.space(1)
			c.text(th.Bad, words)
			c.end()
		}
		return
	case p.run != nil && p.run.told:
		return
	case !p.state.Live:
		words = "nothing came"
	}
	c.space(1)
	c.text(th.Muted, words)
	c.end()
}

// line appends row y of the pane.
func (p *pane) line(out []byte, y int) []byte {
	if y < p.canvas.rows() {
		return append(out, p.canvas.row(y)...)
	}
	return out
}

// entryAt is the entry that row y of the pane shows.
func (p *pane) entryAt(y int) (seq uint64, ok bool) {
	if y < 0 || y >= len(p.seqs) || p.seqs[y] == 0 {
		return 0, false
	}
	return p.seqs[y] - 1, true
}

// setFilters shows only what passes all patterns; none shows everything. The
// cursor stays where it is, or on the nearest row that is left.
func (p *pane) setFilters(list []pattern) {
	p.filters = list
	p.sieve = nil
	p.column = 0
	p.centre = !p.follow
	if len(list) > 0 {
		p.sieve = newSieve(p.feed, list)
	}
}

// seek sets what is searched for; "" ends that.
func (p *pane) seek(text string) {
	p.search, p.tally = newPattern(text), nil
	if text != "" {
		p.tally = newSieve(p.feed, p.wanted().patterns)
	}
}

// stopSearch ends the search under way.
func (p *pane) stopSearch() (was bool) {
	if p.cancel == nil {
		return false
	}
	p.cancel()
	p.cancel = nil
	p.job++
	p.prompt.clear()
	return true
}
