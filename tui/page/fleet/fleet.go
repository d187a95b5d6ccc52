// Package fleet is the page of the agents: which answer and how fast, their
// clocks, their load, and what they lack.
package fleet

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/tui/backend"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/part"
)

// skewed is the clock difference from which on captures of two nodes can't be
// ordered by time alone.
const skewed = 100 * time.Millisecond

// Page is the page.
type Page struct {
	env    *page.Env
	ctx    context.Context
	table  *part.Table
	rows   *rows
	filter *part.Input
	typing bool
	tableY int
}

type rows struct {
	env    *page.Env
	agents []backend.Agent
}

type column struct {
	part.Column
	cell func(*rows, backend.Agent) part.Spans
}

// columns lists what the table says of an agent.
func columns() []column {
	plain := func(title string, least, priority int, text func(backend.Agent) string) column {
		return column{part.Column{Title: title, Least: least, Most: 40, Priority: priority}, func(r *rows, a backend.Agent) part.Spans {
			return part.Spans{{Style: r.env.Theme.Text, Text: text(a)}}
		}}
	}
	up := func(text func(backend.Agent) string) func(backend.Agent) string {
		return func(a backend.Agent) string {
			if a.State != "up" {
				return ""
			}
			return text(a)
		}
	}
	return []column{
		plain("NODE", 12, 0, func(a backend.Agent) string { return a.Node }),
		{part.Column{Title: "STATE", Least: 9, Most: 12, Priority: 0}, state},
		plain("ADDRESS", 14, 4, func(a backend.Agent) string { return a.Address }),
		plain("RTT", 8, 2, up(func(a backend.Agent) string { return page.Duration(a.RTT) })),
		{part.Column{Title: "CLOCK", Least: 16, Most: 20, Priority: 3}, clock},
		plain("LOAD", 5, 4, up(func(a backend.Agent) string { return fmt.Sprintf("%.2f", a.Load) })),
		plain("JOBS", 4, 5, up(func(a backend.Agent) string { return fmt.Sprint(a.Jobs) })),
		plain("VERSION", 9, 6, func(a backend.Agent) string { return a.Version }),
		{part.Column{Title: "MISSING", Least: 16, Most: 24, Priority: 1, Fill: true}, missing},
	}
}

func level(a backend.Agent) openstack.Level {
	switch a.State {
	case "up":
		return openstack.OK
	case "down":
		return openstack.Broken
	}
	return openstack.Unknown
}

func state(r *rows, a backend.Agent) part.Spans {
	sign := page.Sign(r.env.Theme, level(a))
	return part.Spans{sign, {Style: sign.Style, Text: " " + a.State}}
}

func clock(r *rows, a backend.Agent) part.Spans {
	th := r.env.Theme
	if a.State != "up" {
		return nil
	}
	style := th.Text
	if a.Offset.Abs() > skewed {
		style = th.Warn
	}
	sign := "+"
	if a.Offset < 0 {
		sign = "-"
	}
	return part.Spans{{Style: style, Text: sign + page.Duration(a.Offset.Abs())}, {Style: th.Muted, Text: " ±" + page.Duration(a.Spread)}}
}

func missing(r *rows, a backend.Agent) part.Spans {
	th := r.env.Theme
	switch {
	case a.State == "down":
		return part.Spans{{Style: th.Bad, Text: a.Err}}
	case len(a.Missing) > 0:
		return part.Spans{{Style: th.Warn, Text: strings.Join(a.Missing, "; ")}}
	case a.State == "idle":
		return part.Spans{{Style: th.Muted, Text: "not dialled yet"}}
	}
	return nil
}

// Len implements [part.Rows].
func (r *rows) Len() int { return len(r.agents) }

// Key implements [part.Rows].
func (r *rows) Key(row int) string { return r.agents[row].Node }

// Text implements [part.Rows].
func (r *rows) Text(row, col int) string { return r.Cell(row, col).Plain() }

// Cell implements [part.Rows].
func (r *rows) Cell(row, col int) part.Spans { return columns()[col].cell(r, r.agents[row]) }

// New makes the page; opening it dials the agents that were never asked.
func New(ctx context.Context, env *page.Env) (*Page, tea.Cmd) {
	var cols []part.Column
	for _, c := range columns() {
		cols = append(cols, c.Column)
	}
	p := &Page{env: env, ctx: ctx, table: part.NewTable(env.Theme, cols), filter: part.NewInput("")}
	p.Tick()
	var idle []string
	for _, a := range p.rows.agents {
		if a.State == "idle" {
			idle = append(idle, a.Node)
		}
	}
	if len(idle) == 0 {
		return p, nil
	}
	return p, p.dial(idle)
}

type dialled struct{}

func (p *Page) dial(nodes []string) tea.Cmd {
	return func() tea.Msg {
		p.env.Backend.Dial(p.ctx, nodes)
		return dialled{}
	}
}

// Tick reads how the agents stand.
func (p *Page) Tick() {
	p.rows = &rows{p.env, p.env.Backend.Agents()}
	p.table.SetRows(p.rows, nil)
}

// Title implements [page.Page].
func (p *Page) Title() string { return "fleet" }

// Scope implements [page.Page].
func (p *Page) Scope() string { return keys.Fleet }

// Dirty implements [page.Page].
func (p *Page) Dirty() bool { return false }

// Typing implements [page.Typer].
func (p *Page) Typing() (x, y int, ok bool) {
	if !p.typing {
		return 0, 0, false
	}
	_, c := p.filter.View(30, p.env.Theme.Strong, p.env.Theme)
	return 3 + c, 0, true
}

// Update implements [page.Page].
func (p *Page) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case dialled:
		p.Tick()
	case page.SortBy:
		if msg.Table == p.table {
			p.table.SortBy(msg.Title)
		}
	case tea.KeyPressMsg:
		return p.key(msg)
	case tea.PasteMsg:
		if p.typing && p.filter.Update(msg) {
			p.table.SetFilter(p.filter.Value(), false)
		}
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelUp {
			p.table.Scroll(-3)
		} else {
			p.table.Scroll(3)
		}
	case tea.MouseClickMsg:
		p.table.Click(msg.Y - p.tableY)
	}
	return nil
}

func (p *Page) key(msg tea.KeyPressMsg) tea.Cmd {
	if p.typing {
		switch msg.String() {
		case "enter", "down":
			p.typing = false
			p.filter.Blur()
		case "esc":
			p.typing = false
			p.filter.Blur()
			p.filter.Set("")
			p.table.SetFilter("", false)
		default:
			if p.filter.Update(msg) {
				_, invert := p.table.Filter()
				p.table.SetFilter(p.filter.Value(), invert)
			}
		}
		return nil
	}
	name, _ := p.env.Keys.Lookup(keys.Fleet, msg.String())
	t := p.table
	switch name {
	case "down", "next-hit":
		t.Move(1)
	case "up", "prev-hit":
		t.Move(-1)
	case "half-down", "page-down":
		t.Move(t.Page())
	case "half-up", "page-up":
		t.Move(-t.Page())
	case "top":
		t.Top()
	case "bottom":
		t.Bottom()
	case "filter":
		p.typing = true
		p.filter.Focus()
	case "invert":
		text, invert := t.Filter()
		t.SetFilter(text, !invert)
	case "mark":
		t.Mark()
	case "sort":
		return page.ChooseSort(p.env.Theme, t)
	case "wide":
		t.ToggleWide()
	case "refresh":
		return p.dial(nil)
	case "dial":
		nodes := t.Marked()
		if len(nodes) == 0 && t.Key() != "" {
			nodes = []string{t.Key()}
		}
		return tea.Batch(p.dial(nodes), page.Say(page.Notice{Level: feed.Info, Text: "dialling " + strings.Join(nodes, ", ")}))
	case "open":
		if r := t.Row(); r >= 0 {
			return page.Say(page.Read{Title: "agent of " + p.rows.agents[r].Node, Lines: Describe(p.env, p.rows.agents[r])})
		}
	case "back":
		if text, _ := t.Filter(); text != "" {
			p.filter.Set("")
			t.SetFilter("", false)
			return nil
		}
		return page.Say(page.Close{})
	}
	return nil
}

// Describe is all that is known of an agent.
func Describe(env *page.Env, a backend.Agent) []part.Spans {
	th := env.Theme
	sign := page.Sign(th, level(a))
	row := func(label, value string) part.Spans {
		return part.Spans{{Style: th.Muted, Text: fmt.Sprintf("%-10s", label)}, {Style: th.Text, Text: value}}
	}
	since := ""
	if !a.Since.IsZero() {
		since = "  for " + page.Ago(env.Now(), a.Since)
	}
	out := []part.Spans{
		{{Style: th.Muted, Text: fmt.Sprintf("%-10s", "state")}, sign, {Style: sign.Style, Text: " " + a.State}, {Style: th.Muted, Text: since}},
		row("address", a.Address),
	}
	if a.State == "up" {
		out = append(out,
			row("version", a.Version), row("rtt", page.Duration(a.RTT)),
			row("clock", fmt.Sprintf("%s from ours, plus or minus %s", page.Duration(a.Offset), page.Duration(a.Spread))),
			row("load", fmt.Sprintf("%.2f", a.Load)), row("jobs", fmt.Sprint(a.Jobs)))
	}
	if a.Err != "" {
		out = append(out, part.Spans{}, part.Spans{{Style: th.Bad, Text: th.Glyphs.Broken + " " + a.Err}})
		if !a.Retry.IsZero() {
			out = append(out, part.Spans{{Style: th.Muted, Text: "dialled again at " + a.Retry.Format("15:04:05")}})
		}
	}
	out = append(out, part.Spans{}, part.Spans{{Style: th.Strong, Text: "Tools that are not ready"}})
	if len(a.Missing) == 0 {
		text := "none: every tool is ready"
		if a.State != "up" {
			text = "known once it answers"
		}
		out = append(out, part.Spans{{Style: th.Muted, Text: text}})
	}
	for _, m := range a.Missing {
		out = append(out, part.Spans{{Style: th.Warn, Text: th.Glyphs.Suspicious + " "}, {Style: th.Text, Text: m}})
	}
	return out
}

// View implements [page.Page].
func (p *Page) View(width, height int) string {
	th := p.env.Theme
	head := part.NewLine(width, th).Skip(1)
	if p.typing {
		text, _ := p.filter.View(30, th.Strong, th)
		head.Put(th.Accent, "/ ").Raw(text, 30)
	} else {
		up, dialled := Count(p.rows.agents)
		head.Put(th.AccentStrong, "Fleet").Put(th.Muted, fmt.Sprintf("  %d nodes, %d of %d dialled are up", len(p.rows.agents), up, dialled))
		if text, _ := p.table.Filter(); text != "" {
			head.Put(th.Muted, "   / ").Put(th.Strong, text).Put(th.Accent, "  esc")
		}
	}
	lines := []string{head.String(), part.Rule(width, th)}
	p.tableY = len(lines)
	body := p.table.View(width, max(height-3, 1), !p.typing)
	if p.table.Len() == 0 && len(body) > 2 {
		body[2] = part.NewLine(width, th).Skip(1).Put(th.Muted, "no nodes are known yet; they come with the inventory").String()
	}
	lines = append(lines, body...)
	lines = append(lines, part.Rule(width, th))
	return strings.Join(part.Fit(lines, width, height), "\n")
}

// Count tells how many agents are up, and how many were dialled at all.
func Count(agents []backend.Agent) (up, dialled int) {
	for _, a := range agents {
		if a.State != "idle" {
			dialled++
		}
		if a.State == "up" {
			up++
		}
	}
	return up, dialled
}
