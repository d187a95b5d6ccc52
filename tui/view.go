package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"steth/internal/safetext"
	"steth/themes"
	"steth/tui/dialog"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/page/fleet"
	"steth/tui/page/path"
	"steth/tui/part"
)

// The smallest screen that everything fits on: what the oldest terminals have.
const (
	leastWidth  = 80
	leastHeight = 24
)

// airy is the height from which on a blank line stands under the tabs.
const airy = 36

// places remembers where things were drawn, for the mouse.
type places struct {
	tabsY, pageY, pageH int
	boxX, boxY          int
	tabs                []extent
}

type extent struct{ from, to int }

// View implements [tea.Model]. It draws only when something changed.
func (a *App) View() tea.View {
	if a.frame.drawn && !a.frame.stale {
		return a.frame.view
	}
	a.frame.stale, a.frame.drawn = false, true
	v := tea.NewView("")
	v.AltScreen = true
	v.WindowTitle = "steth " + safetext.Clean(a.env.Backend.Info().Cloud)
	if a.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if a.width < leastWidth || a.height < leastHeight {
		v.Content = a.tooSmall()
	} else {
		v.Content, v.Cursor = a.draw()
	}
	a.frame.view = v
	return v
}

func (a *App) tooSmall() string {
	text := fmt.Sprintf("Steth needs %dx%d cells; this terminal has %dx%d", leastWidth, leastHeight, a.width, a.height)
	return part.NewLine(a.width, a.env.Theme).Put(a.env.Theme.Warn, text).String()
}

// draw puts the screen together from top to bottom.
func (a *App) draw() (string, *tea.Cursor) {
	w := a.width
	lines := make([]string, 0, a.height)
	lines = append(lines, a.topBar(w))
	a.places = places{}
	if len(a.tabs) > 0 {
		a.places.tabsY = len(lines)
		lines = append(lines, a.tabBar(w))
		if a.height >= airy {
			lines = append(lines, part.NewLine(w, a.env.Theme).String())
		}
	}
	var foot []string
	if a.line.open {
		foot = a.line.view(a.env, w)
	} else {
		foot = append(a.band.view(a.env, w, a.reach("read")), a.bottomBar(w))
	}
	a.places.pageY, a.places.pageH = len(lines), a.height-len(lines)-len(foot)
	lines = append(lines, strings.Split(a.front().View(w, a.places.pageH), "\n")...)
	lines = part.Fit(lines, w, a.height-len(foot))
	lines = append(lines, foot...)
	if n := len(a.dialogs); n > 0 {
		return a.overlay(lines, a.dialogs[n-1].View(w, a.height))
	}
	return a.grounded(lines), a.cursor()
}

// grounded lays the theme's own background under everything where the
// terminal's is of the other kind: a light theme on a dark terminal.
func (a *App) grounded(lines []string) string {
	th := a.env.Theme
	if th.Background == "" || th.Dark == a.darkTerminal {
		return strings.Join(lines, "\n")
	}
	const end = "\x1b[m"
	out := make([]string, len(lines))
	for i, l := range lines {
		l = solidEnd(l, th.Glyphs.Blank)
		out[i] = th.Ground.Prefix + strings.ReplaceAll(l, end, end+th.Ground.Prefix) + end
	}
	return strings.Join(out, "\n")
}

// solidEnd puts blank in the place of a line's last cell where that is an
// ordinary one, which would be erased and not drawn. The colours that are reset
// behind it stay.
func solidEnd(line, blank string) string {
	end := len(line)
	for {
		i := strings.LastIndexByte(line[:end], '\x1b')
		if i < 0 || ansi.Strip(line[i:end]) != "" {
			break
		}
		end = i
	}
	if end == 0 || line[end-1] != ' ' {
		return line
	}
	return line[:end-1] + blank + line[end:]
}

// cursor is the terminal's own, where text is typed.
func (a *App) cursor() *tea.Cursor {
	if a.line.open {
		return bar(a.line.cursor, a.height-1)
	}
	if t, ok := a.front().(page.Typer); ok {
		if x, y, typing := t.Typing(); typing {
			return bar(x, a.places.pageY+y)
		}
	}
	return nil
}

func bar(x, y int) *tea.Cursor {
	c := tea.NewCursor(x, y)
	c.Shape = tea.CursorBar
	return c
}

// overlay puts a dialog a little above the middle, over the page without its
// colours.
func (a *App) overlay(under []string, box dialog.Box) (string, *tea.Cursor) {
	x := max((a.width-box.Width)/2, 0)
	y := max((a.height-len(box.Lines))/3, 0)
	a.places.boxX, a.places.boxY = x, y
	lines := box.Lines[:min(len(box.Lines), a.height)]
	dim := make([]string, len(under))
	for i, l := range under {
		dim[i] = a.env.Theme.Faint.Paint(ansi.Strip(l))
	}
	top := lipgloss.NewLayer(a.grounded(lines)).X(x).Y(y).Z(1)
	canvas := lipgloss.NewCanvas(a.width, a.height)
	canvas.Compose(lipgloss.NewCompositor(lipgloss.NewLayer(a.grounded(dim)), top))
	var cur *tea.Cursor
	if box.Cursor != nil {
		cur = bar(x+box.Cursor.X, y+box.Cursor.Y)
	}
	return canvas.Render(), cur
}

// topBar says where one is and what is broken. On narrow screens the least
// important pieces give way.
func (a *App) topBar(width int) string {
	th := a.env.Theme
	info := a.env.Backend.Info()
	left := part.Spans{{Style: th.AccentStrong, Text: "steth"}, {Style: th.Strong, Text: "  " + info.Cloud}, {Style: th.Text, Text: " " + info.Project}}
	region := part.Spans{}
	if info.Region != "" {
		region = part.Spans{{Style: th.Muted, Text: " " + th.Glyphs.None + " " + info.Region}}
	}
	right := a.standing(info)
	fits := func() bool {
		n := left.Width() + region.Width() + 2
		for _, p := range right {
			if len(p) > 0 {
				n += p.Width() + 3
			}
		}
		return n <= width
	}
	for _, piece := range []int{pieceRegion, pieceRole, pieceLive, pieceTicket, pieceClock} {
		if fits() {
			break
		}
		if piece == pieceRegion {
			region = nil
			continue
		}
		right[piece] = nil
	}
	l := part.NewLine(width, th)
	l.Ground = th.BarGround
	l.Skip(1).Spans(left).Spans(region)
	var tail part.Spans
	for _, p := range right {
		if len(p) == 0 {
			continue
		}
		if len(tail) > 0 {
			tail = append(tail, part.Span{Style: th.Text, Text: "   "})
		}
		tail = append(tail, p...)
	}
	if n := tail.Width(); n+1 < l.Left() {
		l.To(width - n - 1)
	} else {
		l.Skip(2)
	}
	return l.Spans(tail).String()
}

// The pieces on the right of the top bar, in order, and the one on the left
// that goes first.
const (
	pieceAgents = iota
	pieceFound
	pieceLive
	pieceTicket
	pieceRole
	pieceMode
	pieceClock
	pieceRegion
)

// standing lists the pieces on the right of the top bar.
func (a *App) standing(info Info) []part.Spans {
	th := a.env.Theme
	up, dialled := fleet.Count(a.env.Backend.Agents())
	agents := part.Spans{{Style: th.Muted, Text: "agents "}, {Style: th.Muted, Text: "none dialled"}}
	if dialled > 0 {
		style := th.Good
		if up < dialled {
			style = th.Warn
		}
		agents = part.Spans{{Style: th.Text, Text: "agents "}, {Style: style, Text: fmt.Sprintf("%s %d of %d dialled", th.Glyphs.Dot, up, dialled)}}
	}
	var found part.Spans
	if n, worst := a.env.Findings.Count(); n > 0 {
		sign := page.VerdictSign(th, worst)
		found = part.Spans{{Style: sign.Style, Text: fmt.Sprintf("%s %d finding%s", sign.Text, n, plural(n))}}
	}
	var live part.Spans
	if n := len(a.runs.live); n > 0 {
		live = part.Spans{{Style: th.Good, Text: th.Glyphs.Live}, {Style: th.Text, Text: fmt.Sprintf(" %d", n)}}
	}
	var ticket part.Spans
	if info.Ticket != "" {
		ticket = part.Spans{{Style: th.Text, Text: info.Ticket}}
	}
	var role part.Spans
	if info.Role != "" {
		role = part.Spans{{Style: th.Muted, Text: "role " + info.Role}}
	}
	mode := part.Spans{{Style: th.Warn, Text: "READ-ONLY"}}
	if !info.ReadOnly {
		mode = part.Spans{{Style: th.Bad, Text: "READ-WRITE"}}
	}
	if !info.Recorded.IsZero() {
		mode = part.Spans{{Style: th.Warn, Text: "RECORDED " + info.Recorded.In(a.env.Now().Location()).Format("2006-01-02 15:04")}}
		agents, role = nil, nil
	}
	layout := "15:04:05"
	if a.opt.SlowTerminal {
		layout = "15:04"
	}
	clock := part.Spans{{Style: th.Muted, Text: a.env.Now().Format(layout)}}
	return []part.Spans{pieceAgents: agents, pieceFound: found, pieceLive: live, pieceTicket: ticket, pieceRole: role, pieceMode: mode, pieceClock: clock}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// tabBar lists explorer and workspaces, once there is a workspace.
func (a *App) tabBar(width int) string {
	th := a.env.Theme
	l := part.NewLine(width, th).Skip(1)
	for i := range len(a.tabs) + 1 {
		e := extent{from: l.Used()}
		style := th.Muted
		if i == a.active {
			style = th.AccentStrong
		}
		l.Put(style, a.tab(i).Title())
		e.to = l.Used()
		if a.going(a.tab(i)) {
			l.Put(th.Good, " "+th.Glyphs.Live)
		}
		l.Skip(4)
		a.places.tabs = append(a.places.tabs, e)
	}
	next, prev := a.env.Keys.Key(keys.Global, "next-tab"), a.env.Keys.Key(keys.Global, "prev-tab")
	hint := prev + " " + next + " tabs"
	if l.Left() > len(hint)+2 {
		l.To(width-part.TextWidth(hint)-1).Put(th.Muted, hint)
	}
	return l.String()
}

// bottomBar names the few keys that matter here.
func (a *App) bottomBar(width int) string {
	th := a.env.Theme
	l := part.NewLine(width, th)
	l.Ground = th.BarGround
	l.Skip(1)
	front := a.front()
	if a.typing() {
		list := [][2]string{{"enter", "done"}, {"esc", "leave"}}
		if h, ok := front.(page.Hinter); ok {
			list = h.Hints()
		}
		return hints(l, th, list)
	}
	var list [][2]string
	last := [][2]string{}
	for _, b := range a.env.Keys.On(front.Scope()) {
		text := a.barText(b)
		if text == "" || len(b.Keys) == 0 {
			continue
		}
		h := [2]string{b.Keys[0], text}
		if b.Scope == keys.Global {
			last = append(last, h)
			continue
		}
		list = append(list, h)
	}
	// help and command always fit: the page's own keys give way.
	room := width - 2
	for _, h := range last {
		room -= len(h[0]) + len(h[1]) + 4
	}
	var shown [][2]string
	for _, h := range list {
		room -= part.TextWidth(h[0]+h[1]) + 4
		if room < 0 {
			break
		}
		shown = append(shown, h)
	}
	return hints(l, th, append(shown, last...))
}

// barText is what the bar says of a binding; of one that switches something it
// says how that stands.
func (a *App) barText(b keys.Binding) string {
	if p, ok := a.front().(*path.Page); ok && b.Scope == keys.Path {
		return p.BarText(b)
	}
	bench := a.bench()
	if bench == nil || b.Scope != keys.Workspace || b.Name != "time-lock" {
		return b.Bar
	}
	if bench.Locked() {
		return b.Bar + " on"
	}
	return b.Bar + " off"
}

func hints(l *part.Line, th *themes.Theme, list [][2]string) string {
	for _, h := range list {
		l.Put(th.Accent, h[0]).Put(th.Muted, " "+h[1]).Skip(3)
	}
	return l.String()
}
