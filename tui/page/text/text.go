// Package text is a page of text: a description, raw JSON, the log, help.
package text

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/part"
)

// Page is one page of text.
type Page struct {
	env     *page.Env
	read    page.Read
	text    *part.Text
	search  *part.Input
	typing  bool
	hits    int
	loading bool
	failed  string
	height  int
}

type loaded struct {
	page  *Page
	lines []part.Spans
	err   error
}

// New makes a page, and the command that brings its text where it is not there yet.
func New(env *page.Env, read page.Read) (*Page, tea.Cmd) {
	p := &Page{env: env, read: read, text: part.NewText(env.Theme, 12), search: part.NewInput("")}
	p.Tick()
	if p.read.Lines != nil || read.Load == nil {
		return p, nil
	}
	p.loading = true
	return p, func() tea.Msg {
		lines, err := read.Load()
		return loaded{p, lines, err}
	}
}

// Tick implements [page.Ticker]: what is said of an object is said afresh.
func (p *Page) Tick() {
	if p.read.Object != nil {
		p.read.Lines = p.read.Object.Lines()
	}
	p.text.Set(p.read.Lines)
}

// Title implements [page.Page].
func (p *Page) Title() string { return p.read.Title }

// Scope implements [page.Page].
func (p *Page) Scope() string {
	if p.read.Object != nil {
		return keys.Object
	}
	return keys.Text
}

// Dirty implements [page.Page].
func (p *Page) Dirty() bool { return false }

// Typing implements [page.Typer].
func (p *Page) Typing() (x, y int, ok bool) {
	if !p.typing {
		return 0, 0, false
	}
	_, c := p.search.View(30, p.env.Theme.Strong, p.env.Theme)
	return 3 + c, p.height - 1, true
}

// Update implements [page.Page].
func (p *Page) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case loaded:
		if msg.page == p {
			p.loading = false
			p.read.Lines = msg.lines
			p.text.Set(msg.lines)
			if msg.err != nil {
				p.failed = msg.err.Error()
			}
		}
	case tea.KeyPressMsg:
		if p.typing {
			return p.searchKey(msg)
		}
		if name, ok := p.env.Keys.Lookup(p.Scope(), msg.String()); ok {
			return p.act(name)
		}
	case tea.PasteMsg:
		if p.typing && p.search.Update(msg) {
			p.hits = p.text.Search(p.search.Value())
		}
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelUp {
			p.text.Move(-3)
		} else {
			p.text.Move(3)
		}
	}
	return nil
}

func (p *Page) searchKey(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "enter", "down":
		p.typing = false
		p.search.Blur()
	case "esc":
		p.typing = false
		p.search.Blur()
		p.search.Set("")
		p.text.Search("")
	default:
		if p.search.Update(msg) {
			p.hits = p.text.Search(p.search.Value())
		}
	}
	return nil
}

func (p *Page) act(name string) tea.Cmd {
	switch name {
	case "down":
		p.text.Move(1)
	case "up":
		p.text.Move(-1)
	case "half-down":
		p.text.Move(p.text.Page() / 2)
	case "half-up":
		p.text.Move(-p.text.Page() / 2)
	case "page-down":
		p.text.Move(p.text.Page())
	case "page-up":
		p.text.Move(-p.text.Page())
	case "top":
		p.text.Top()
	case "bottom":
		p.text.Bottom()
	case "search":
		p.typing = true
		p.search.Focus()
	case "next-hit":
		p.text.Next(1)
	case "prev-hit":
		p.text.Next(-1)
	case "copy-all":
		return page.Say(page.Copy{Text: p.text.Plain(), What: p.read.Title})
	case "back":
		if p.search.Value() != "" {
			p.search.Set("")
			p.text.Search("")
			return nil
		}
		return page.Say(page.Close{})
	default:
		if p.read.Object != nil {
			return p.read.Object.Act(name)
		}
	}
	return nil
}

// View implements [page.Page].
func (p *Page) View(width, height int) string {
	th := p.env.Theme
	p.height = height
	head := part.NewLine(width, th).Skip(1).Put(th.Strong, p.read.Title)
	lines := []string{head.String(), part.Rule(width, th)}
	body := p.text.View(width, max(height-4, 1))
	switch {
	case p.loading:
		body[0] = part.NewLine(width, th).Skip(1).Put(th.Muted, "asking the API"+th.Glyphs.Ellipsis).String()
	case p.failed != "":
		for i, w := range part.Wrap(part.Spans{{Style: th.Bad, Text: th.Glyphs.Broken + " " + p.failed}}, max(width-2, 1), 2) {
			if i < len(body) {
				body[i] = part.NewLine(width, th).Skip(1).Spans(w).String()
			}
		}
	}
	lines = append(lines, body...)
	lines = append(lines, part.Rule(width, th), p.foot(width))
	return strings.Join(part.Fit(lines, width, height), "\n")
}

// foot says where one is, or what is searched.
func (p *Page) foot(width int) string {
	th := p.env.Theme
	l := part.NewLine(width, th).Skip(1)
	if p.typing || p.search.Value() != "" {
		text, _ := p.search.View(30, th.Strong, th)
		l.Put(th.Accent, "/ ").Raw(text, 30).Skip(2)
		if p.search.Value() != "" {
			hits := strconv.Itoa(p.hits) + " lines"
			if p.hits == 1 {
				hits = "1 line"
			}
			l.Put(th.Muted, hits)
		}
	}
	first, last, total := p.text.Position()
	if total > p.text.Page() {
		at := fmt.Sprintf("%d-%d of %d", first, last, total)
		l.To(width-len(at)-1).Put(th.Muted, at)
	}
	return l.String()
}

// LevelSign is the sign and colour of a line's level.
func LevelSign(env *page.Env, level feed.Level) part.Span {
	th := env.Theme
	switch level {
	case feed.Good:
		return part.Span{Style: th.Good, Text: th.Glyphs.OK}
	case feed.Warn:
		return part.Span{Style: th.Warn, Text: th.Glyphs.Suspicious}
	case feed.Bad:
		return part.Span{Style: th.Bad, Text: th.Glyphs.Broken}
	}
	return part.Span{Style: th.Muted, Text: th.Glyphs.None}
}
