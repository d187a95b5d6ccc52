package explorer

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/tui/backend"
	"steth/tui/page"
	"steth/tui/part"
)

// path follows packets along the path of an object's port, or between two ports.
func (e *Explorer) path(o openstack.Object, others []openstack.Object) tea.Cmd {
	switch {
	case len(others) > 1:
		return refuse("a path has two ends, and more are marked", "space takes a mark away, esc takes all")
	case len(others) == 1:
		from, to := e.portsOf(o), e.portsOf(others[0])
		if len(from) != 1 || len(to) != 1 {
			return refuse("only of objects with one port each a path leads from one to the other", "mark two ports")
		}
		return page.Say(e.between(from[0], to[0]))
	}
	ports := e.portsOf(o)
	switch len(ports) {
	case 0:
		one, _ := page.Words(o.ObjectKind())
		return refuse(one+" "+e.snap.DisplayName(o)+" has no port whose packets could be followed", "enter lists the ports behind it")
	case 1:
		return page.Say(e.pathOf(ports[0]))
	}
	th := e.env.Theme
	options := make([]page.Option, len(ports))
	for i, p := range ports {
		var addresses []string
		for _, f := range p.Fixed {
			addresses = append(addresses, f.IP)
		}
		network := p.NetworkID
		if n, ok := e.snap.Network(p.NetworkID); ok {
			network = e.snap.DisplayName(n)
		}
		options[i] = page.Option{
			Text: page.Cells{{{Style: th.Strong, Text: strings.Join(addresses, " ")}}, {{Style: th.Text, Text: network}}, {{Style: th.Muted, Text: p.ID}}},
			Msg:  e.pathOf(p),
		}
	}
	return page.Say(page.Choose{Title: "which port of " + e.snap.DisplayName(o), Options: options})
}

func (e *Explorer) pathOf(p openstack.Port) page.Path {
	return page.Path{Question: backend.PathQuestion{From: p.ID}, Name: e.snap.DisplayName(p)}
}

func (e *Explorer) between(a, b openstack.Port) page.Path {
	return page.Path{
		Question: backend.PathQuestion{Goal: openstack.GoalPort, From: a.ID, To: b.ID},
		Name:     e.snap.DisplayName(a),
	}
}

// portsOf are the ports of an object that packets can be followed from.
func (e *Explorer) portsOf(o openstack.Object) []openstack.Port {
	switch o := o.(type) {
	case openstack.Port:
		return []openstack.Port{o}
	case openstack.Server:
		return e.snap.PortsOf(o.ID)
	case openstack.FloatingIP:
		if p, ok := e.snap.Port(o.PortID); ok {
			return []openstack.Port{p}
		}
	}
	return nil
}

func refuse(text, do string) tea.Cmd {
	return page.Say(page.Notice{Level: feed.Warn, Brief: true, Text: text, Do: do})
}

// way is the path of a port as the details tell it, for one snapshot.
type way struct {
	snap  *openstack.Snapshot
	id    string
	lines []part.Spans
}

// wayOf tells which hosts and devices the packets of a port pass, of a port's
// own devices the first.
func (e *Explorer) wayOf(o openstack.Object) []part.Spans {
	if e.way.snap == e.snap && e.way.id == o.ObjectID() {
		return e.way.lines
	}
	th := e.env.Theme
	e.way = way{snap: e.snap, id: o.ObjectID()}
	path, err := e.snap.PathOf(o.ObjectID())
	if err != nil || len(path.Hops) == 0 {
		return nil
	}
	lines := []part.Spans{{}, {
		{Style: th.Strong, Text: "Path"},
		{Style: th.Muted, Text: " to " + path.To.Name + "  "},
		{Style: th.Muted, Text: e.env.Keys.Key(e.Scope(), "path")},
	}}
	for i := 0; i < len(path.Hops); {
		h := path.Hops[i]
		if h.Host == "" { // between the hosts
			i++
			continue
		}
		var names []string
		plug := ""
		for ; i < len(path.Hops) && path.Hops[i].Host == h.Host; i++ {
			name := path.Hops[i].Device
			switch {
			case name == "":
				names = append(names, "NIC")
			case strings.HasPrefix(name, "q") && len(name) > 3 && name[3:] == plug: // qbr, qvb and qvo of one tap
			default:
				names = append(names, name)
			}
			if strings.HasPrefix(name, "tap") || strings.HasPrefix(name, "qvo") {
				plug = name[3:]
			}
		}
		lines = append(lines, part.Spans{{Style: th.Muted, Text: padded(h.Host)}, {Style: th.Text, Text: strings.Join(names, " "+th.Glyphs.Arrow+" ")}})
	}
	e.way.lines = lines
	return lines
}
