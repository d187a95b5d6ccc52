package compare

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/packets"
	"steth/packets/match"
	"steth/probes/follow"
	"steth/tui/keys"
	"steth/tui/page"
)

// Page is the page.
type Page struct {
	env     *page.Env
	session *follow.Session
	hops    []follow.Hop
	row     match.Row
	sights  []sight // one a hop
	at      [2]int  // the hops in the two columns
	side    int     // the column that left and right change

	compared packets.Comparison
	both     bool // compared has two sides
	brief    bool // only what differs
	asked    bool // brief is as the engineer wants it; else as the screen has room
	lines    []line
	cursor   int // in lines
	top      int
	height   int // of the lines, as last drawn
	bodyY    int
	perRow   int // bytes
	dirty    bool
}

// sight is a packet as a hop saw it.
type sight struct {
	packet packets.Packet
	ok     bool // packet is there
	seen   bool // the hop saw it, though its capture may have forgotten it
}

// New compares a row's packet at two hops: of a lost one at the last that saw it
// and the one before, of others at the first and the last that saw it. The row
// may be used again by its owner.
func New(env *page.Env, s *follow.Session, row match.Row) page.Page {
	p := &Page{env: env, session: s, at: [2]int{-1, -1}, side: 1}
	p.load(row)
	p.choose()
	return p
}

// load takes a row and its packet at all hops.
func (p *Page) load(row match.Row) {
	row.Marks, row.Data = slices.Clone(row.Marks), slices.Clone(row.Data)
	fresh := row.Number != p.row.Number || p.sights == nil
	p.row, p.hops = row, p.session.Hops()
	if fresh {
		p.sights = make([]sight, len(p.hops))
	}
	for i := range p.hops {
		v := &p.sights[i]
		if v.seen = i < len(row.Marks) && row.Marks[i].Time != 0; v.seen && !v.ok {
			v.packet, v.ok = p.session.PacketAt(&row, i)
		}
	}
	p.dirty = true
}

// choose sets the columns to the hops that are usually asked for.
func (p *Page) choose() {
	way := p.way()
	switch n := len(way); {
	case n == 0:
		p.at = [2]int{-1, -1}
	case n == 1:
		p.at = [2]int{way[0], -1}
	case p.row.Verdict == match.Lost:
		p.at = [2]int{way[n-2], way[n-1]}
	default:
		p.at = [2]int{way[0], way[n-1]}
	}
	p.rebuild()
}

// way are the hops that saw the packet, in the order in which it passed them.
func (p *Page) way() []int {
	var out []int
	for i, v := range p.sights {
		if v.seen {
			out = append(out, i)
		}
	}
	switch p.row.Direction {
	case match.Back:
		slices.Reverse(out)
	case match.NoDirection:
		slices.SortStableFunc(out, func(a, b int) int { return int(p.row.Marks[a].Time - p.row.Marks[b].Time) })
	}
	return out
}

// rebuild compares the two columns anew.
func (p *Page) rebuild() {
	first, second := p.sightAt(0), p.sightAt(1)
	p.both = first.ok && second.ok
	turned := p.backwards()
	switch {
	case p.both && turned:
		p.compared = packets.Compare(&second.packet, &first.packet)
		p.compared.Swap()
	case p.both:
		p.compared = packets.Compare(&first.packet, &second.packet)
	case first.ok:
		p.compared = packets.Compare(&first.packet, &first.packet)
	case second.ok:
		p.compared = packets.Compare(&second.packet, &second.packet)
	default:
		p.compared = packets.Comparison{}
	}
	p.dirty = true
	p.relist()
}

func (p *Page) sightAt(side int) sight {
	if i := p.at[side]; i >= 0 && i < len(p.sights) {
		return p.sights[i]
	}
	return sight{}
}

// backwards tells whether the right column is before the left on the way.
func (p *Page) backwards() bool {
	way := p.way()
	return p.at[0] >= 0 && p.at[1] >= 0 && slices.Index(way, p.at[0]) > slices.Index(way, p.at[1])
}

// Title implements [page.Page].
func (p *Page) Title() string { return "Packet at two hops" }

// Scope implements [page.Page].
func (p *Page) Scope() string { return keys.Compare }

// Dirty implements [page.Page].
func (p *Page) Dirty() bool { return p.dirty }

// Tick implements [page.Ticker]: a packet that was under way may have come to
// more hops since.
func (p *Page) Tick() {
	var row [1]match.Row
	if p.session.Rows(p.row.Number, row[:]) == 0 || row[0].Number != p.row.Number {
		return
	}
	if row[0].Verdict == p.row.Verdict && row[0].Answer == p.row.Answer && row[0].Mate == p.row.Mate && slices.Equal(row[0].Marks, p.row.Marks) {
		return
	}
	p.load(row[0])
	if p.at[1] < 0 {
		p.choose()
	}
}

// Update implements [page.Page].
func (p *Page) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		if name, ok := p.env.Keys.Lookup(p.Scope(), msg.String()); ok {
			return p.act(name)
		}
	case found:
		return p.take(msg)
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelUp {
			p.move(-3)
		} else {
			p.move(3)
		}
	case tea.MouseClickMsg:
		p.click(msg.X, msg.Y)
	}
	return nil
}

func (p *Page) act(name string) tea.Cmd {
	page := max(p.height-1, 1)
	switch name {
	case "down":
		p.move(1)
	case "up":
		p.move(-1)
	case "half-down":
		p.move(page / 2)
	case "half-up":
		p.move(-page / 2)
	case "page-down":
		p.move(page)
	case "page-up":
		p.move(-page)
	case "top":
		p.move(-len(p.lines))
	case "bottom":
		p.move(len(p.lines))
	case "column":
		p.side, p.dirty = 1-p.side, true
	case "next-hop":
		return p.step(1)
	case "prev-hop":
		return p.step(-1)
	case "next-packet":
		return p.neighbour(1, "packet", whatever)
	case "prev-packet":
		return p.neighbour(-1, "packet", whatever)
	case "next-lost":
		return p.neighbour(1, "packet that was lost", lost)
	case "prev-lost":
		return p.neighbour(-1, "packet that was lost", lost)
	case "answer":
		return p.answer()
	case "equal":
		p.brief, p.asked = !p.brief, true
		p.relist()
	case "bytes":
		p.toBytes()
	case "copy":
		return copyText(p.text(), "the comparison")
	case "copy-bytes":
		return copyText(p.dump(), "the packet's bytes")
	case "back":
		return closePage()
	}
	return nil
}

// step shows the next hop that saw the packet in the column that is changed, in
// the order of the path.
func (p *Page) step(by int) tea.Cmd {
	if p.at[1] < 0 {
		return say("only one hop saw this packet", "")
	}
	for i := p.at[p.side] + by; i >= 0 && i < len(p.sights); i += by {
		if p.sights[i].seen && i != p.at[1-p.side] {
			p.at[p.side] = i
			p.rebuild()
			return nil
		}
	}
	return say("no hop further on saw this packet", p.env.Keys.Key(p.Scope(), "column")+" changes the other column")
}

// found is the answer to a search for another packet.
type found struct {
	page *Page
	from uint64 // the row it was looked for from
	by   int
	what string
	row  match.Row
	ok   bool
}

// neighbour goes to the next packet of the session that is wanted, or with -1 to
// the one before. It may have to look at all that are kept, so it's a command.
func (p *Page) neighbour(by int, what string, want func(*match.Row) bool) tea.Cmd {
	s, from := p.session, p.row.Number
	return func() tea.Msg {
		row, ok := find(s, from, by, want)
		return found{p, from, by, what, row, ok}
	}
}

// take shows what was found, unless one has gone elsewhere meanwhile.
func (p *Page) take(f found) tea.Cmd {
	switch {
	case f.page != p || f.from != p.row.Number:
		return nil
	case f.ok:
		p.show(f.row)
		return nil
	case f.by > 0:
		return say("no "+f.what+" after this one", "")
	}
	return say("no "+f.what+" that is kept before this one", "")
}

func whatever(*match.Row) bool { return true }

func lost(r *match.Row) bool { return r.Verdict == match.Lost || r.Answer == match.Unanswered }

// find is the first row after a number that is wanted, or with -1 before it.
func find(s *follow.Session, number uint64, by int, want func(*match.Row) bool) (match.Row, bool) {
	const batch = 256
	rows := make([]match.Row, batch)
	if by > 0 {
		for from := number + 1; ; {
			n := s.Rows(from, rows)
			for i := range rows[:n] {
				if want(&rows[i]) {
					return rows[i], true
				}
			}
			if n == 0 {
				return match.Row{}, false
			}
			from = rows[n-1].Number + 1
		}
	}
	first, _ := s.Bounds()
	for end := number; end > first; { // numbers may be left out
		from := max(first, end-min(batch, end))
		n := s.Rows(from, rows)
		for i := n - 1; i >= 0; i-- {
			if rows[i].Number < end && want(&rows[i]) {
				return rows[i], true
			}
		}
		end = from
	}
	return match.Row{}, false
}

// answer goes to the answer of a question, or back.
func (p *Page) answer() tea.Cmd {
	var one [1]match.Row
	switch {
	case p.row.Mate == 0:
		return say("this packet is no question that was answered, and no answer", "")
	case p.session.Rows(p.row.Mate, one[:]) == 0 || one[0].Number != p.row.Mate:
		return say(fmt.Sprintf("packet %d, which belongs to it, is no longer kept", p.row.Mate), "")
	}
	p.show(one[0])
	return nil
}

// show goes to another packet, and keeps the two hops where both saw it.
func (p *Page) show(row match.Row) {
	at := p.at
	p.load(row)
	for _, i := range at {
		if i < 0 || i >= len(p.sights) || !p.sights[i].seen {
			p.choose()
			return
		}
	}
	p.rebuild()
}

func say(text, do string) tea.Cmd {
	return page.Say(page.Notice{Level: feed.Info, Text: text, Do: do, Brief: true})
}

func copyText(text, what string) tea.Cmd { return page.Say(page.Copy{Text: text, What: what}) }

func closePage() tea.Cmd { return page.Say(page.Close{}) }
