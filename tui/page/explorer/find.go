package explorer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/tui/page"
	"steth/tui/part"
)

// findWait bounds one search.
const findWait = 20 * time.Second

// finder is the line that finds anything.
type finder struct {
	input  *part.Input
	seq    uint64
	asking string // the text that is looked up, "" when none is
	cancel context.CancelFunc
	trail  []openstack.Object
	note   string // instead of a trail: nothing found, an error
	bad    bool   // note is an error
	took   time.Duration
}

// found is the answer to a search.
type found struct {
	e     *Explorer
	seq   uint64
	found openstack.Found
	err   error
	took  time.Duration
}

// Passes tells whether a key is none of find's, although it has the focus:
// nothing that one looks for begins with a colon or a question mark, and where
// nothing stands there is nothing to take away.
func (e *Explorer) Passes(stroke string) bool {
	return e.focus == onFind && e.find.input.Value() == "" && (stroke == ":" || stroke == "?" || stroke == "backspace")
}

func (e *Explorer) findKey(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "enter":
		if strings.TrimSpace(e.find.input.Value()) == "" {
			e.leaveInput()
			return nil
		}
		return e.search()
	case "esc", "down", "tab":
		e.leaveInput()
		return nil
	}
	if e.find.input.Update(msg) {
		e.find.note, e.find.trail = "", nil
	}
	return nil
}

// search looks the text up: at once in what is known, and with filtered
// queries at the APIs.
func (e *Explorer) search() tea.Cmd {
	text := strings.TrimSpace(e.find.input.Value())
	if text == "" {
		return nil
	}
	if e.find.cancel != nil {
		e.find.cancel()
	}
	ctx, cancel := context.WithTimeout(e.ctx, findWait)
	e.find.seq++
	e.find.asking, e.find.cancel, e.find.trail, e.find.note = text, cancel, nil, ""
	seq, started := e.find.seq, e.env.Now()
	ask := func() tea.Msg {
		defer cancel()
		f, err := e.env.Backend.Find(ctx, text)
		return found{e, seq, f, err, e.env.Now().Sub(started)}
	}
	if hits := known(e.snap, text); len(hits) == 1 {
		e.find.trail = hits
		return tea.Batch(e.Goto(hits[0].ObjectKind(), hits[0].ObjectID()), ask)
	}
	return ask
}

// known is what the inventory at hand has under exactly this text.
func known(s *openstack.Snapshot, text string) []openstack.Object {
	if hits := s.ByIP(text); len(hits) > 0 {
		return hits
	}
	if hits := s.ByMAC(text); len(hits) > 0 {
		return hits
	}
	var hits []openstack.Object
	for _, k := range openstack.Kinds() {
		if o, ok := s.Get(k, text); ok {
			return []openstack.Object{o}
		}
		hits = append(hits, s.ByName(k, text)...)
	}
	return hits
}

func (e *Explorer) arrived(msg found) tea.Cmd {
	if msg.seq != e.find.seq {
		return nil
	}
	e.find.asking, e.find.took = "", msg.took
	if errors.Is(msg.err, openstack.ErrNotFound) {
		e.find.note, e.find.bad = "nothing found", true
		e.find.input.Select()
		return page.Say(page.Notice{Level: feed.Warn, Text: msg.err.Error()})
	}
	if msg.err != nil {
		e.find.note, e.find.bad = "could not ask", true
		return page.Say(page.Notice{Level: feed.Bad, Text: msg.err.Error(), Do: "enter in find asks again"})
	}
	var cmds []tea.Cmd
	if s := msg.found.Snapshot; s != nil && !e.load.running {
		e.snap = s
		cmds = append(cmds, e.show())
	}
	hits := msg.found.Hits
	if len(hits) == 0 {
		e.find.note, e.find.bad = "no address, MAC, name or id like this", true
		e.Find()
		return tea.Batch(cmds...)
	}
	e.find.trail = msg.found.Trail
	if len(e.find.trail) == 0 {
		e.find.trail = hits[:1]
	}
	same := 0
	for _, h := range hits {
		if h.ObjectKind() == hits[0].ObjectKind() {
			same++
		}
	}
	if same > 1 {
		e.leaveInput()
		return tea.Batch(append(cmds, e.chooseHit(msg.found.Text, hits))...)
	}
	best := landing(hits, msg.found.Trail)
	return tea.Batch(append(cmds, e.Goto(best.ObjectKind(), best.ObjectID()))...)
}

// landing is where the cursor goes: to the port that the search led to, since
// that is what can be probed, else to the best hit.
func landing(hits, trail []openstack.Object) openstack.Object {
	for _, o := range append(append([]openstack.Object{}, hits[0]), trail...) {
		if o.ObjectKind() == openstack.KindPort {
			return o
		}
	}
	return hits[0]
}

func (e *Explorer) chooseHit(text string, hits []openstack.Object) tea.Cmd {
	th := e.env.Theme
	var options []page.Option
	for _, h := range hits {
		one, _ := page.Words(h.ObjectKind())
		where := ""
		if p, ok := h.(openstack.Port); ok {
			where = p.IP()
			if n, ok := e.snap.Network(p.NetworkID); ok {
				where += " in " + n.Name
			}
			if p.Host != "" {
				where += " on " + p.Host
			}
		}
		options = append(options, page.Option{
			Text: page.Cells{
				{{Style: th.Muted, Text: one}},
				{{Style: th.Strong, Text: e.snap.DisplayName(h)}},
				{{Style: th.Text, Text: where}},
				{{Style: th.Muted, Text: h.ObjectID()}},
			},
			Msg: page.Goto{Kind: h.ObjectKind(), ID: h.ObjectID()},
		})
	}
	return page.Say(page.Choose{Title: fmt.Sprintf("%d found for %s", len(hits), text), Options: options})
}

// trailSpans is what stands to the right of the input.
func (e *Explorer) trailSpans() part.Spans {
	th := e.env.Theme
	switch {
	case e.find.note != "":
		if e.find.bad {
			return part.Spans{{Style: th.Warn, Text: th.Glyphs.Suspicious + " " + e.find.note}}
		}
		return part.Spans{{Style: th.Muted, Text: e.find.note}}
	case len(e.find.trail) > 0:
		var out part.Spans
		for i, o := range e.find.trail {
			if i > 0 {
				out = append(out, part.Span{Style: th.Muted, Text: "  " + th.Glyphs.Arrow + "  "})
			}
			one, _ := page.Words(o.ObjectKind())
			out = append(out, part.Span{Style: th.Muted, Text: one + " "}, part.Span{Style: th.Text, Text: e.snap.DisplayName(o)})
			if p, ok := o.(openstack.Port); ok && p.IP() != "" {
				out = append(out, part.Span{Style: th.Text, Text: " " + p.IP()})
			}
		}
		return out
	case e.find.asking != "":
		return part.Spans{{Style: th.Muted, Text: "asking the APIs" + th.Glyphs.Ellipsis}}
	}
	return nil
}
