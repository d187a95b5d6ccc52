package explorer

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	at     string // the key of what the search led to: the trail shows while it is selected
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
		return tea.Batch(e.land(hits[0]), ask)
	}
	return ask
}

// known is what the inventory at hand has under this address, MAC or id, or
// with names that begin so.
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
		hits = append(hits, named(text, s.List(k))...)
	}
	return hits
}

// named are the objects whose names begin with text, whatever the case.
func named(text string, objects []openstack.Object) []openstack.Object {
	var out []openstack.Object
	for _, o := range objects {
		if name := o.ObjectName(); len(name) >= len(text) && strings.EqualFold(name[:len(text)], text) {
			out = append(out, o)
		}
	}
	return out
}

// rivals are the hits between which only the engineer can choose. Names that
// begin alike are: what has exactly this name need not be what is looked for,
// and servers and ports, which most often are, come first. Of what goes by an
// address or an id, only several of the best kind are.
func rivals(text string, hits []openstack.Object) []openstack.Object {
	if list := withoutOwn(named(text, hits)); len(list) > 0 {
		slices.SortStableFunc(list, func(a, b openstack.Object) int { return probed(b) - probed(a) })
		return list
	}
	var list []openstack.Object
	for _, h := range hits {
		if h.ObjectKind() == hits[0].ObjectKind() {
			list = append(list, h)
		}
	}
	return list
}

// withoutOwn leaves out the ports of servers that are in the list themselves:
// who looks for a server means its port as well.
func withoutOwn(list []openstack.Object) []openstack.Object {
	servers := map[string]bool{}
	for _, o := range list {
		if o.ObjectKind() == openstack.KindServer {
			servers[o.ObjectID()] = true
		}
	}
	return slices.DeleteFunc(list, func(o openstack.Object) bool {
		p, ok := o.(openstack.Port)
		return ok && servers[p.DeviceID]
	})
}

// probed is how often a kind is what somebody calls about.
func probed(o openstack.Object) int {
	switch o.ObjectKind() {
	case openstack.KindServer:
		return 2
	case openstack.KindPort:
		return 1
	}
	return 0
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
	if list := rivals(msg.found.Text, hits); len(list) > 1 {
		e.leaveInput()
		return tea.Batch(append(cmds, e.chooseHit(msg.found.Text, list))...)
	}
	best := landing(hits, msg.found.Trail)
	return tea.Batch(append(cmds, e.land(best))...)
}

// land goes to what a search led to.
func (e *Explorer) land(o openstack.Object) tea.Cmd {
	e.find.at = keyOf(o)
	return e.Goto(o.ObjectKind(), o.ObjectID())
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

// trailSpans is what stands to the right of the input, in at most room columns.
func (e *Explorer) trailSpans(room int) part.Spans {
	th := e.env.Theme
	switch {
	case e.find.note != "" && e.find.bad:
		return part.Spans{{Style: th.Warn, Text: th.Glyphs.Suspicious + " " + e.find.note}}
	case e.find.note != "":
		return part.Spans{{Style: th.Muted, Text: e.find.note}}
	case len(e.find.trail) > 0 && e.find.at == e.selectedKey():
		return e.hops(room)
	case e.find.asking != "":
		return part.Spans{{Style: th.Muted, Text: "asking the APIs" + th.Glyphs.Ellipsis}}
	}
	return nil
}

// leastHop is how much of an object's kind and name must fit, for it to be named.
const leastHop = 12

// hops are the objects on the way of a search; the last one may be cut short,
// but so that it can still be told.
func (e *Explorer) hops(room int) part.Spans {
	th := e.env.Theme
	var out part.Spans
	for i, o := range e.find.trail {
		one, _ := page.Words(o.ObjectKind())
		hop := part.Spans{{Style: th.Muted, Text: one + " "}, {Style: th.Text, Text: e.snap.DisplayName(o)}}
		if p, ok := o.(openstack.Port); ok && p.IP() != "" {
			hop = append(hop, part.Span{Style: th.Text, Text: " " + p.IP()})
		}
		if i > 0 {
			arrow := part.Span{Style: th.Muted, Text: "  " + th.Glyphs.Arrow + "  "}
			if out.Width()+part.TextWidth(arrow.Text)+min(hop.Width(), leastHop) > room {
				break
			}
			out = append(out, arrow)
		}
		out = append(out, hop...)
	}
	return out
}
