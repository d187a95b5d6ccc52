package path

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/packets/match"
	"steth/probes"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/page/compare"
)

// Captures asks the shell to show captures of a session in a workspace; with
// two or more they are time-locked.
type Captures struct {
	Hold  *Hold
	Feeds []*feed.Feed
	Name  string // of the workspace
}

// Update implements [page.Page].
func (p *Page) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return p.press(msg)
	case tea.PasteMsg:
		if p.typing && p.filter.Update(msg) {
			p.sieve(p.filter.Value(), p.rows.invert, p.rows.lost)
		}
	case tea.MouseWheelMsg:
		by := 3
		if msg.Button == tea.MouseWheelUp {
			by = -3
		}
		if msg.Y >= p.hot.hopsY && msg.Y < p.hot.hopsY+p.hot.hopsH {
			p.hops.move(by, len(p.standing.Hops))
		} else {
			p.rows.move(by)
		}
	case tea.MouseClickMsg:
		p.click(msg.Y)
	case followWhat:
		if msg.page == p {
			return p.follow(msg.text)
		}
	case wanted:
		if msg.page == p {
			return p.chosen(msg)
		}
	case toGoal:
		if msg.page == p {
			if p.what == p.question.Goal.Follow() {
				p.what = msg.question.Goal.Follow()
			}
			p.question = msg.question
			return p.begin()
		}
	}
	return nil
}

// click puts the cursor on what was clicked.
func (p *Page) click(y int) {
	switch at := y - p.hot.hopsY - 1; {
	case at >= 0 && y < p.hot.hopsY+p.hot.hopsH:
		p.focus = onHops
		p.hops.cursor = min(p.hops.top+at, len(p.standing.Hops)-1)
		return
	}
	if at := y - p.hot.rowsY - 1; at >= 0 && at < p.rows.n {
		p.focus = onPackets
		p.rows.hold()
		p.rows.cursor = p.rows.rows[at].Number
	}
}

func (p *Page) press(msg tea.KeyPressMsg) tea.Cmd {
	if p.typing {
		p.typed(msg)
		return nil
	}
	name, ok := p.env.Keys.Lookup(p.Scope(), msg.String())
	if !ok {
		return nil
	}
	switch name { // what needs no session
	case "back":
		return p.back()
	case "goal":
		return p.askGoal()
	case "restart":
		return p.again()
	}
	if p.hold == nil {
		return say(feed.Info, "nothing is followed yet", "")
	}
	if p.moved(name) {
		return nil
	}
	return p.act(name)
}

// typed is a key while the filter has the focus.
func (p *Page) typed(msg tea.KeyPressMsg) {
	switch msg.String() {
	case "enter", "down":
		p.typing = false
		p.filter.Blur()
	case "esc":
		p.typing = false
		p.filter.Blur()
		p.filter.Set("")
		p.sieve("", false, p.rows.lost)
	default:
		if p.filter.Update(msg) {
			p.sieve(p.filter.Value(), p.rows.invert, p.rows.lost)
		}
	}
}

func (p *Page) sieve(text string, invert, lost bool) { p.rows.setFilter(text, invert, lost) }

// BarText is what the bar says of one of the page's keys: some do another thing
// among the hops, or once it is held, and some do nothing before there is a
// session, when it has ended, or of a recording: those it leaves out.
func (p *Page) BarText(b keys.Binding) string {
	hops, again := p.focus == onHops, p.question.From != ""
	switch {
	case p.hold == nil && b.Name != "goal" && b.Name != "restart":
		return ""
	case b.Name == "goal" || b.Name == "follow-what":
		if !again {
			return ""
		}
	case b.Name == "restart" && again && !p.Running():
		return "follow again"
	case b.Name == "inject" && !(again && p.Running()):
		return ""
	case b.Name == "table" && hops:
		return "packets"
	case b.Name == "open" && hops:
		return "capture"
	case b.Name == "pause" && hops:
		return "mark"
	case b.Name == "pause" && p.rows.frozen():
		return "go on"
	case b.Name == "only-lost" && p.rows.lost:
		return "all"
	}
	return b.Bar
}

// moved handles the keys that only move.
func (p *Page) moved(name string) bool {
	by := map[string]int{
		"down": 1, "up": -1, "half-down": p.span() / 2, "half-up": -p.span() / 2, "page-down": p.span(), "page-up": -p.span(),
	}
	step, ok := by[name]
	switch {
	case ok && p.focus == onHops:
		p.hops.move(step, len(p.standing.Hops))
	case ok:
		p.rows.move(step)
	case name == "top" && p.focus == onHops:
		p.hops.cursor = 0
	case name == "bottom" && p.focus == onHops:
		p.hops.move(len(p.standing.Hops), len(p.standing.Hops))
	case name == "top":
		p.rows.first()
	case name == "bottom":
		p.rows.follow()
	default:
		return false
	}
	return true
}

// span is how many rows a page of the table with the focus has.
func (p *Page) span() int {
	if p.focus == onHops {
		return p.hops.height
	}
	return p.rows.height
}

func (p *Page) act(name string) tea.Cmd {
	switch name {
	case "pause":
		switch {
		case p.focus == onHops:
			p.hops.mark(len(p.standing.Hops))
		case p.rows.frozen():
			p.rows.follow()
		default:
			p.rows.hold()
		}
	case "table":
		p.focus = onHops - p.focus
	case "filter":
		p.typing = true
		p.filter.Set(p.rows.text)
		p.filter.Focus()
	case "invert":
		p.sieve(p.rows.text, !p.rows.invert, p.rows.lost)
	case "only-lost":
		p.sieve(p.rows.text, p.rows.invert, !p.rows.lost)
	case "only-injected":
		p.rows.only = !p.rows.only
		p.sieve(p.rows.text, p.rows.invert, p.rows.lost)
	case "next-lost", "prev-lost":
		return p.toLost(name)
	case "open":
		if p.focus == onHops {
			return p.openHop()
		}
		return p.openPacket()
	case "beside":
		return p.beside()
	case "follow-what":
		return p.askWhat()
	case "save":
		return p.save()
	case "describe":
		return p.describe()
	case "inject":
		return p.inject()
	case "probe":
		if id := p.path.From.Port; id != "" {
			return page.Say(page.Pick{Target: probes.Target{Kind: openstack.KindPort, ID: id, Name: p.path.From.Name}})
		}
	case "copy-command":
		return page.Say(page.Copy{Text: p.command(), What: "the command"})
	case "stop":
		return p.stop()
	}
	return nil
}

// back lifts what narrows the view, the nearest first, and then leaves.
func (p *Page) back() tea.Cmd {
	switch {
	case p.rows.filtered():
		p.filter.Set("")
		p.rows.only = false
		p.sieve("", false, false)
	case len(p.hops.marked) > 0:
		p.hops.marked = nil
	default:
		return page.Say(page.Close{})
	}
	return nil
}

func (p *Page) toLost(name string) tea.Cmd {
	by := 1
	if name == "prev-lost" {
		by = -1
	}
	lost := func(r *match.Row) bool { return r.Verdict == match.Lost }
	if p.rows.following { // from the newest on there is none
		by = -1
	}
	if !p.rows.seek(by, lost) {
		return say(feed.Info, "no packet was lost from here on", p.key("prev-lost")+" looks the other way")
	}
	p.focus = onPackets
	return nil
}

// stop ends the captures and stays on the page.
func (p *Page) stop() tea.Cmd {
	p.hold.Session.Stop()
	return nil
}

// again follows the same path from the start.
func (p *Page) again() tea.Cmd {
	if p.question.From == "" {
		return say(feed.Info, "this was recorded: there is nothing to follow again", "")
	}
	return p.begin()
}

// openPacket takes the selected packet apart, hop against hop.
func (p *Page) openPacket() tea.Cmd {
	row, ok := p.rows.selected()
	if !ok {
		return say(feed.Info, "no packet is selected", "")
	}
	return page.Say(page.Open{Page: compare.New(p.env, p.hold.Session, *row)})
}

// openHop shows the capture of the selected hop.
func (p *Page) openHop() tea.Cmd {
	if len(p.standing.Hops) == 0 {
		return nil
	}
	h := p.standing.Hops[p.hops.cursor]
	if h.Capture < 0 {
		return say(feed.Info, h.Name()+" has no capture: "+h.Why, "")
	}
	return p.show(h.Name(), h.Capture)
}

// beside shows two captures: of the marked hops, of those around the worst loss,
// or of the first and the last that see.
func (p *Page) beside() tea.Cmd {
	hops := p.standing.Hops
	var of []int
	for i := range hops {
		if p.hops.marked[i] && hops[i].Capture >= 0 {
			of = append(of, i)
		}
	}
	if len(of) < 2 {
		of = nil
		for i := range hops {
			if hops[i].Capture >= 0 {
				of = append(of, i)
			}
		}
		if len(of) > 2 {
			of = []int{of[0], of[len(of)-1]}
		}
		if list := p.standing.Total.Intervals; len(list) > 0 {
			of = []int{min(list[0].From, list[0].To), max(list[0].From, list[0].To)}
		}
	}
	if len(of) == 0 {
		return say(feed.Info, "no hop is captured", "")
	}
	var captures []int
	var names []string
	for _, i := range of {
		captures = append(captures, hops[i].Capture)
		names = append(names, fmt.Sprint(hops[i].Index))
	}
	return p.show("hops "+strings.Join(names, ", "), captures...)
}

// show asks for a workspace with captures.
func (p *Page) show(name string, captures ...int) tea.Cmd {
	all := p.hold.Session.Feeds()
	var list []*feed.Feed
	seen := map[int]bool{}
	for _, c := range captures {
		if c < len(all) && !seen[c] {
			list = append(list, all[c])
		}
		seen[c] = true
	}
	return page.Say(Captures{Hold: p.hold, Feeds: list, Name: name})
}

func say(level feed.Level, text, do string) tea.Cmd {
	return page.Say(page.Notice{Level: level, Text: text, Do: do, Brief: true})
}
