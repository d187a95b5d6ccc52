package explorer

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/openstack"
	"steth/themes"
	"steth/tui/findings"
	"steth/tui/page"
	"steth/tui/part"
)

// label is how wide the labels of details are.
const label = 13

// describe opens all there is to say about an object on a page of its own.
func (e *Explorer) describe(o openstack.Object) tea.Cmd {
	one, _ := page.Words(o.ObjectKind())
	now := func() openstack.Object { // it may have been read again since
		if newer, ok := e.snap.Get(o.ObjectKind(), o.ObjectID()); ok {
			return newer
		}
		return o
	}
	return page.Say(page.Read{Title: one + " " + e.snap.DisplayName(o), Object: &page.Object{
		Lines: func() []part.Spans {
			o := now()
			return append(append(e.heading(o), part.Spans{}), e.lines(o, true)...)
		},
		Act: func(name string) tea.Cmd { return e.on(name, now()) },
	}})
}

// heading is the first lines of the details: the name, how it is, the id.
func (e *Explorer) heading(o openstack.Object) []part.Spans {
	th := e.env.Theme
	one, _ := page.Words(o.ObjectKind())
	first := part.Spans{{Style: th.Strong, Text: e.snap.DisplayName(o)}}
	if f, ok := e.env.Findings.Worst(o.ObjectID()); ok {
		sign := page.VerdictSign(th, f.Verdict)
		first = append(first, part.Span{Style: sign.Style, Text: "  " + sign.Text + " " + f.Reason})
	} else if h := e.snap.State(o); h.Level != openstack.None {
		sign := page.Sign(th, h.Level)
		first = append(first, part.Span{Style: sign.Style, Text: "  " + sign.Text + " " + h.Word})
	}
	return []part.Spans{first, {{Style: th.Muted, Text: one + " " + o.ObjectID()}}}
}

// lines are the details below the heading; without all, what the heading says
// too is left out.
func (e *Explorer) lines(o openstack.Object, all bool) []part.Spans {
	var out, rest []part.Spans
	for i, s := range e.snap.Describe(o) {
		switch {
		case len(s.Rows) == 0:
		case i == 0:
			if !all {
				s.Rows = slices.DeleteFunc(slices.Clone(s.Rows), func(r openstack.Row) bool { return r.Label == "id" || r.Label == "state" })
			}
			out = e.section(s, true)
		default:
			rest = append(append(rest, part.Spans{}), e.section(s, false)...)
		}
	}
	if o.ObjectKind() == openstack.KindPort {
		out = append(out, e.truths(o)...)
		out = append(out, e.wayOf(o)...)
	}
	out = append(out, e.found(o)...)
	out = append(out, e.related(o)...)
	return append(out, rest...) // what one rarely needs comes last
}

func (e *Explorer) section(s openstack.Section, first bool) []part.Spans {
	th := e.env.Theme
	var out []part.Spans
	if s.Title != "" && !first {
		out = append(out, part.Spans{{Style: th.Strong, Text: s.Title}})
	}
	for _, r := range s.Rows {
		line := part.Spans{{Style: th.Muted, Text: padded(r.Label)}}
		value := th.Text
		if r.Health.Level != openstack.None {
			sign := page.Sign(th, r.Health.Level)
			line = append(line, sign, part.Span{Text: " "})
			if r.Health.Level != openstack.OK {
				value = sign.Style
			}
		}
		text := r.Value
		if text == "" {
			text = r.Health.Word
		}
		out = append(out, append(line, part.Span{Style: value, Text: text}))
	}
	return out
}

func padded(text string) string {
	return text + strings.Repeat(" ", max(label-part.TextWidth(text), 1))
}

// truths says the four in sentences; what nobody has looked at is unknown, and
// told as such.
func (e *Explorer) truths(o openstack.Object) []part.Spans {
	th := e.env.Theme
	out := []part.Spans{{}, {{Style: th.Strong, Text: "Four truths"}}}
	r := &rows{env: e.env, snap: e.snap}
	for _, t := range findings.Truths() {
		fact := findings.Fact{}
		if t == findings.API {
			h := e.snap.State(o)
			fact.Level, fact.Text = h.Level, h.Word
		} else {
			fact = r.fact(o, t)
		}
		sign := page.Sign(th, fact.Level)
		text, style := fact.Text, th.Text
		switch {
		case text != "" && fact.Level != openstack.OK:
			style = sign.Style
		case fact.Level == openstack.Unknown:
			text, style = "no probe has looked yet", th.Muted
		case fact.Level == openstack.None:
			text, style = "does not apply to a port that is not bound", th.Muted
		}
		line := part.Spans{{Style: th.Muted, Text: padded(t.String())}, sign, {Style: style, Text: " " + text}}
		if fact.Probe != "" {
			line = append(line, part.Span{Style: th.Muted, Text: "  " + fact.Probe + ", " + page.Ago(e.env.Now(), fact.Time) + " ago"})
		}
		out = append(out, line)
	}
	return out
}

// found lists what probes said of the object in this session.
func (e *Explorer) found(o openstack.Object) []part.Spans {
	th := e.env.Theme
	list := e.env.Findings.Of(o.ObjectID())
	if len(list) == 0 {
		return nil
	}
	out := []part.Spans{{}, {{Style: th.Strong, Text: "Findings"}}}
	for _, f := range list {
		sign := page.VerdictSign(th, f.Verdict)
		out = append(out, part.Spans{
			{Style: sign.Style, Text: padded(sign.Text + " " + f.Probe)},
			{Style: th.Text, Text: f.Reason},
			{Style: th.Muted, Text: "  " + f.Started.Format("15:04")},
		})
		for _, n := range f.Next {
			out = append(out, part.Spans{{Style: th.Muted, Text: padded("  next")}, {Style: th.Info, Text: n.Do}, {Style: th.Muted, Text: "  " + n.Why}})
		}
	}
	return out
}

// maxRelated is how many related objects of a label the details name.
const maxRelated = 4

// kin is what is related to an object. In a large cloud it is gathered outside
// the screen's goroutine, since a network may have very many ports.
type kin struct {
	snap *openstack.Snapshot
	key  string
	list []openstack.Relation
}

func (e *Explorer) selectedKey() string {
	if o := e.Selected(); o != nil {
		return keyOf(o)
	}
	return ""
}

// keyOf names an object among those of all kinds.
func keyOf(o openstack.Object) string { return string(o.ObjectKind()) + o.ObjectID() }

// relate gathers what is related to the selected object where that may take long.
func (e *Explorer) relate() tea.Cmd {
	o, key, snap := e.Selected(), e.selectedKey(), e.snap
	if o == nil || len(snap.Ports) < bigList || e.kin.snap == snap && e.kin.key == key {
		return nil
	}
	e.kin = kin{snap: snap, key: key} // asked
	return func() tea.Msg { return kin{snap, key, snap.Related(o)} }
}

func (e *Explorer) relatives(o openstack.Object) []openstack.Relation {
	if len(e.snap.Ports) < bigList {
		return e.snap.Related(o)
	}
	if e.kin.snap == e.snap && e.kin.key == keyOf(o) {
		return e.kin.list
	}
	return nil
}

func (e *Explorer) related(o openstack.Object) []part.Spans {
	th := e.env.Theme
	rel := e.relatives(o)
	if len(rel) == 0 {
		return nil
	}
	out := []part.Spans{{}, {{Style: th.Strong, Text: "Related"}, {Style: th.Muted, Text: "  " + e.env.Keys.Key(e.Scope(), "jump")}}}
	var order []string
	names, count := map[string][]string{}, map[string]int{}
	for _, r := range rel {
		if count[r.Label]++; count[r.Label] == 1 {
			order = append(order, r.Label)
		}
		if count[r.Label] <= maxRelated {
			names[r.Label] = append(names[r.Label], e.snap.DisplayName(r.Object))
		}
	}
	for _, l := range order {
		more := ""
		if n := count[l] - len(names[l]); n > 0 {
			more = "  and " + strconv.Itoa(n) + " more"
		}
		out = append(out, part.Spans{
			{Style: th.Muted, Text: padded(l)}, {Style: th.Text, Text: strings.Join(names[l], "   ")}, {Style: th.Muted, Text: more},
		})
	}
	return out
}

// jsonLines colours JSON quietly: names muted, the rest as text.
func jsonLines(th *themes.Theme, text string) []part.Spans {
	var out []part.Spans
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		indent := l[:len(l)-len(strings.TrimLeft(l, " "))]
		rest := l[len(indent):]
		if i := strings.Index(rest, `": `); i > 0 && rest[0] == '"' {
			out = append(out, part.Spans{{Style: th.Text, Text: indent}, {Style: th.Muted, Text: rest[:i+2]}, {Style: th.Text, Text: rest[i+2:]}})
			continue
		}
		out = append(out, part.Spans{{Style: th.Text, Text: l}})
	}
	return out
}
