package tui

import (
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/internal/safetext"
	"steth/tui/page"
	"steth/tui/page/text"
	"steth/tui/part"
)

const (
	// fleeting is how long a message that needs no reading stays.
	fleeting = 6 * time.Second
	// logged is how many messages the log keeps.
	logged = 1000
	// bandRows is how many lines one message may take.
	bandRows = 3
)

// entry is one message of the log.
type entry struct {
	page.Notice
	time time.Time
	from string // the probe that concluded it, "" for the console
}

// band holds what is said at the bottom: what is bad stays until it is read,
// the rest goes by itself; the log keeps all.
type band struct {
	unread []entry // the oldest first
	brief  *entry
	log    []entry
}

func (b *band) add(e entry) {
	b.log = append(b.log, e)
	if len(b.log) > logged {
		b.log = b.log[len(b.log)-logged:]
	}
	if e.Brief || e.Level != feed.Warn && e.Level != feed.Bad {
		b.pass(e)
		return
	}
	b.brief = nil
	b.unread = append(b.unread, e)
}

// pass shows a message for a moment, and does not log it.
func (b *band) pass(e entry) { b.brief = &e }

// tick takes away what has stood long enough.
func (b *band) tick(now time.Time) {
	if b.brief != nil && now.Sub(b.brief.time) > fleeting {
		b.brief = nil
	}
}

// read takes the message that shows away.
func (b *band) read() {
	switch n := len(b.unread); {
	case b.brief != nil:
		b.brief = nil
	case n > 0:
		b.unread = b.unread[:n-1]
	}
}

func (b *band) shown() *entry {
	switch n := len(b.unread); {
	case b.brief != nil:
		return b.brief
	case n > 0:
		return &b.unread[n-1]
	}
	return nil
}

// view draws the message that shows: one line at least, so that the page above
// does not jump. read is what to press to take it away.
func (b *band) view(env *page.Env, width int, read string) []string {
	th := env.Theme
	e := b.shown()
	if e == nil {
		return []string{part.NewLine(width, th).String()}
	}
	right := part.Spans{}
	if n := len(b.unread); e == b.brief && n > 0 {
		right = part.Spans{{Style: th.Warn, Text: strconv.Itoa(n) + " unread  "}, {Style: th.Info, Text: ":log"}}
	} else if n > 1 {
		right = part.Spans{{Style: th.Muted, Text: strconv.Itoa(n-1) + " more  "}, {Style: th.Info, Text: ":log"}}
	} else if n == 1 && width >= 100 {
		right = part.Spans{{Style: th.Muted, Text: read + " when read  "}, {Style: th.Info, Text: ":log"}}
	}
	room := width - right.Width() - 4
	if room < 40 {
		right, room = nil, width-2
	}
	var lines []string
	for i, w := range part.Wrap(e.spans(env), max(room, 1), 2) {
		if i == bandRows {
			break
		}
		l := part.NewLine(width, th).Skip(1).Spans(w)
		if i == 0 && len(right) > 0 {
			l.To(width - right.Width() - 1).Spans(right)
		}
		lines = append(lines, l.String())
	}
	return lines
}

// spans are the message with its sign, what to do, and where it came from.
func (e *entry) spans(env *page.Env) part.Spans {
	th := env.Theme
	sign := text.LevelSign(env, e.Level)
	style := th.Text
	if e.Level == feed.Bad {
		style = th.Strong
	}
	out := part.Spans{{Style: sign.Style, Text: sign.Text + " "}, {Style: style, Text: safetext.Clean(e.Text)}}
	if e.from != "" {
		out = append(out, part.Span{Style: th.Muted, Text: " (" + e.from + ", " + e.time.Format("15:04") + ")"})
	}
	if e.Do != "" {
		out = append(out, part.Span{Style: th.Muted, Text: "  " + th.Glyphs.Arrow + " "}, part.Span{Style: th.Info, Text: e.Do})
	}
	return out
}

// lines are the log, the newest first.
func (b *band) lines(env *page.Env) []part.Spans {
	th := env.Theme
	if len(b.log) == 0 {
		return []part.Spans{{{Style: th.Muted, Text: "nothing was said yet"}}}
	}
	out := make([]part.Spans, 0, len(b.log))
	for i := len(b.log) - 1; i >= 0; i-- {
		e := b.log[i]
		out = append(out, append(part.Spans{{Style: th.Muted, Text: e.time.Format("15:04:05  ")}}, e.spans(env)...))
	}
	return out
}

// say puts a message of the console into the band and the log.
func (a *App) say(n page.Notice) {
	a.band.add(entry{Notice: n, time: a.env.Now()})
}

// openLog shows the log, and with that all of it is read.
func (a *App) openLog() tea.Cmd {
	lines := a.band.lines(a.env)
	a.band.unread, a.band.brief = nil, nil
	return a.open(page.Read{Title: "Log", Lines: lines})
}
