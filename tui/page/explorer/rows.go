package explorer

import (
	"slices"

	"steth/openstack"
	"steth/tui/findings"
	"steth/tui/page"
	"steth/tui/part"
)

// rows shows the objects of one kind as a table. It belongs to one snapshot
// and never changes.
type rows struct {
	env     *page.Env
	snap    *openstack.Snapshot
	objects []openstack.Object
	cols    []column
}

// column is a column of the table with how its cells are made. Where cell is
// nil the text is shown plainly.
type column struct {
	part.Column
	text func(*rows, openstack.Object) string
	cell func(*rows, openstack.Object) part.Spans
}

// columnsOf lists the columns of a kind: those of the inventory, the state
// with its sign, the four truths for a port, and the worst finding.
func columnsOf(kind openstack.Kind) []column {
	var cols []column
	state := stateColumn()
	placed := kind == openstack.KindPort // a port's state is the truth called API
	for _, c := range openstack.Columns(kind) {
		if isState(c.Key) {
			if !placed {
				cols = append(cols, state)
				placed = true
			}
			continue
		}
		cols = append(cols, column{
			Column: part.Column{Title: c.Title, Least: least(c), Most: max(c.Width, 24), Priority: c.Priority, Wide: c.Wide},
			text:   func(r *rows, o openstack.Object) string { return c.Value(r.snap, o) },
		})
	}
	if !placed {
		cols = append(cols, state)
	}
	if kind == openstack.KindPort {
		// The signs stand before the columns of the wide view.
		at := slices.IndexFunc(cols, func(c column) bool { return c.Wide })
		if at < 0 {
			at = len(cols)
		}
		cols = slices.Insert(cols, at, truthColumns()...)
	}
	return append(cols, findingColumn())
}

// least is how far a column's texts may be cut: an address not at all, since
// its end tells it from the others.
func least(c openstack.Column) int {
	switch c.Key {
	case "ip", "cidr", "mac", "fixed_ip":
		return min(c.Width, 17)
	}
	return min(c.Width, 8)
}

func isState(key string) bool { return key == "state" || key == "status" || key == "alive" }

func stateColumn() column {
	return column{
		Column: part.Column{Title: "STATE", Least: 8, Most: 16, Priority: 1},
		text:   func(r *rows, o openstack.Object) string { return "  " + r.snap.State(o).Word },
		cell: func(r *rows, o openstack.Object) part.Spans {
			h := r.snap.State(o)
			sign := page.Sign(r.env.Theme, h.Level)
			word := part.Span{Style: r.env.Theme.Text, Text: " " + h.Word}
			if h.Level != openstack.OK {
				word.Style = sign.Style
			}
			return part.Spans{sign, word}
		},
	}
}

func truthColumns() []column {
	var cols []column
	for _, t := range findings.Truths() {
		fact := func(r *rows, o openstack.Object) openstack.Level {
			if t == findings.API {
				return r.snap.State(o).Level
			}
			return r.fact(o, t).Level
		}
		cols = append(cols, column{
			Column: part.Column{Title: t.String(), Priority: 2},
			text: func(r *rows, o openstack.Object) string {
				// Broken sorts before well.
				return string(rune('9' - fact(r, o)))
			},
			cell: func(r *rows, o openstack.Object) part.Spans {
				return part.Spans{page.Sign(r.env.Theme, fact(r, o))}
			},
		})
	}
	return cols
}

// fact is what the probes know of a truth; what is not bound has none.
func (r *rows) fact(o openstack.Object, t findings.Truth) findings.Fact {
	if p, ok := o.(openstack.Port); ok && p.Host == "" {
		return findings.Fact{Level: openstack.None}
	}
	return r.env.Findings.Fact(o.ObjectID(), t)
}

// findingColumn says the worst of what probes found, else what the API's state
// is when it is not well.
func findingColumn() column {
	return column{
		Column: part.Column{Title: "FINDING", Least: 10, Most: 24, Priority: 3, Fill: true},
		text:   func(r *rows, o openstack.Object) string { return finding(r, o).Plain() },
		cell:   finding,
	}
}

func finding(r *rows, o openstack.Object) part.Spans {
	th := r.env.Theme
	if f, ok := r.env.Findings.Worst(o.ObjectID()); ok {
		return part.Spans{
			{Style: page.VerdictSign(th, f.Verdict).Style, Text: f.Probe},
			{Style: th.Text, Text: " " + f.Reason},
		}
	}
	if o.ObjectKind() != openstack.KindPort {
		return nil // the state column says it
	}
	switch h := r.snap.State(o); h.Level {
	case openstack.Suspicious, openstack.Broken:
		return part.Spans{{Style: page.Sign(th, h.Level).Style, Text: h.Word}}
	case openstack.None, openstack.Unknown:
		return part.Spans{{Style: th.Muted, Text: h.Word}}
	}
	return nil
}

func newRows(env *page.Env, snap *openstack.Snapshot, kind openstack.Kind, within openstack.Object) *rows {
	r := &rows{env: env, snap: snap, cols: columnsOf(kind)}
	if within != nil && kind == openstack.KindPort {
		for _, p := range behind(snap, within) {
			r.objects = append(r.objects, p)
		}
	} else {
		r.objects = snap.List(kind)
	}
	return r
}

// behind lists the ports of what has ports.
func behind(s *openstack.Snapshot, o openstack.Object) []openstack.Port {
	switch o := o.(type) {
	case openstack.Node:
		return s.PortsOn(o.Host)
	case openstack.Network:
		return s.PortsIn(o.ID)
	case openstack.Server:
		return s.PortsOf(o.ID)
	case openstack.Router:
		return s.PortsOf(o.ID)
	case openstack.Subnet:
		return slices.DeleteFunc(s.PortsIn(o.NetworkID), func(p openstack.Port) bool {
			return !slices.ContainsFunc(p.Fixed, func(a openstack.Address) bool { return a.SubnetID == o.ID })
		})
	case openstack.FloatingIP:
		if p, ok := s.Port(o.PortID); ok {
			return []openstack.Port{p}
		}
	case openstack.SecurityGroup:
		var out []openstack.Port
		for _, p := range s.Ports {
			if slices.Contains(p.SecurityGroups, o.ID) {
				out = append(out, p)
			}
		}
		return out
	case openstack.Agent:
		return s.PortsOn(o.Host)
	}
	return nil
}

func (r *rows) columns() []part.Column {
	out := make([]part.Column, len(r.cols))
	for i, c := range r.cols {
		out[i] = c.Column
	}
	return out
}

// Len implements [part.Rows].
func (r *rows) Len() int { return len(r.objects) }

// Key implements [part.Rows].
func (r *rows) Key(row int) string { return r.objects[row].ObjectID() }

// Text implements [part.Rows].
func (r *rows) Text(row, col int) string { return r.cols[col].text(r, r.objects[row]) }

// Cell implements [part.Rows].
func (r *rows) Cell(row, col int) part.Spans {
	c := r.cols[col]
	if c.cell != nil {
		return c.cell(r, r.objects[row])
	}
	return part.Spans{{Style: r.env.Theme.Text, Text: c.text(r, r.objects[row])}}
}
