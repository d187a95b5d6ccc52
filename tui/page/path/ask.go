package path

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/probes/follow"
	"steth/tui/backend"
	"steth/tui/page"
)

// followWhat is the answer to what to follow.
type followWhat struct {
	page *Page
	text string
}

// toGoal is the answer to where to.
type toGoal struct {
	page     *Page
	question backend.PathQuestion
}

// askWhat offers what can be followed. What is typed and fits none of it is
// followed as it stands.
func (p *Page) askWhat() tea.Cmd {
	th := p.env.Theme
	option := func(text, help string) page.Option {
		now := ""
		if text == follow.Words(p.what) {
			now = "now"
		}
		return page.Option{
			Text: page.Cells{{{Style: th.Strong, Text: text}}, {{Style: th.Muted, Text: help}}, {{Style: th.Accent, Text: now}}},
			Msg:  followWhat{p, text},
		}
	}
	options := []page.Option{
		option("all", "every packet between the ends"),
		option("icmp", "pings and errors"),
		option("arp", "who has which address; does not pass a router"),
		option("dhcp", "leases; does not pass a router"),
	}
	for _, o := range p.connections() {
		options = append(options, option(o, "a connection that was seen"))
	}
	return page.Say(page.Choose{
		Title: "follow", Options: options, Free: "or type: tcp NEAR:PORT FAR:PORT with * for any, or tcpdump's words",
		Typed: func(text string) tea.Msg { return followWhat{p, text} },
	})
}

// connections are those of the packets on the screen, at most six.
func (p *Page) connections() []string {
	var out []string
	for i := range p.rows.rows[:p.rows.n] {
		row := follow.Packet(&p.rows.rows[i])
		ends, rest, _ := strings.Cut(row, "  ")
		from, to, ok := strings.Cut(ends, " > ")
		proto, _, _ := strings.Cut(rest, " ")
		proto = strings.ToLower(proto)
		if !ok || proto != "tcp" && proto != "udp" {
			continue
		}
		a, mine := bare(from, p.path.From.Addresses)
		if !mine {
			from, to = to, from
			if a, mine = bare(from, p.path.From.Addresses); !mine {
				continue
			}
		}
		near, far := socketOf(from), socketOf(to)
		if a == "" || near == "" || far == "" {
			continue
		}
		text := proto + " " + near + " " + far
		if len(out) < 6 && !contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}

// socketOf turns tcpdump's 10.0.0.1.80 into 10.0.0.1:80.
func socketOf(end string) string {
	i := strings.LastIndexByte(end, '.')
	if i < 0 {
		return ""
	}
	return end[:i] + ":" + end[i+1:]
}

// follow begins again with other packets.
func (p *Page) follow(text string) tea.Cmd {
	what, err := openstack.ParseFollow(text)
	if err != nil {
		return say(feed.Bad, err.Error(), "")
	}
	if p.question.From == "" {
		return say(feed.Info, "this was recorded: nothing else can be followed", p.key("filter")+" filters what there is")
	}
	p.what = what
	return p.begin()
}

// askGoal offers where the path may lead.
func (p *Page) askGoal() tea.Cmd {
	snap := p.env.Backend.Snapshot()
	if p.question.From == "" {
		return say(feed.Info, "this was recorded: its path is what it is", "")
	}
	return page.Say(page.Choose{
		Title:   "path of " + p.fromName() + " to",
		Options: Goals(p.env, snap, p.question.From, func(q backend.PathQuestion) tea.Msg { return toGoal{p, q} }),
	})
}

func (p *Page) fromName() string {
	if p.path.From.Name != "" {
		return p.path.From.Name
	}
	return p.name
}

// Goals lists where the path of a port may lead: what is sensible first, then
// every other port of the inventory that has a host.
func Goals(env *page.Env, snap *openstack.Snapshot, from string, msg func(backend.PathQuestion) tea.Msg) []page.Option {
	th := env.Theme
	option := func(q backend.PathQuestion, name, what, where string) page.Option {
		return page.Option{
			Text: page.Cells{{{Style: th.Strong, Text: name}}, {{Style: th.Muted, Text: what}}, {{Style: th.Muted, Text: where}}},
			Msg:  msg(q),
		}
	}
	var out []page.Option
	for _, g := range []struct {
		goal openstack.Goal
		what string
	}{
		{openstack.GoalOutside, "out of the cloud, by floating IP, SNAT or a provider network"},
		{openstack.GoalGateway, "the gateway of its subnet"},
		{openstack.GoalDHCP, "the DHCP server of its network"},
	} {
		q := backend.PathQuestion{Goal: g.goal, From: from}
		path, err := q.Ask(snap)
		if err != nil {
			continue
		}
		out = append(out, option(q, path.To.Name, g.what, path.To.Host))
	}
	for _, port := range snap.Ports {
		if port.ID == from || port.Host == "" {
			continue
		}
		var addresses []string
		for _, f := range port.Fixed {
			addresses = append(addresses, f.IP)
		}
		if n, ok := snap.Network(port.NetworkID); ok && n.Name != "" { // every network has its gateway
			addresses = append(addresses, "in "+n.Name)
		}
		q := backend.PathQuestion{Goal: openstack.GoalPort, From: from, To: port.ID}
		out = append(out, option(q, snap.DisplayName(port), strings.Join(addresses, " "), port.Host))
	}
	return out
}
