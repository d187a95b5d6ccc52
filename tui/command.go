package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/themes"
	"steth/tui/page"
	"steth/tui/part"
)

// command is one word of the command line.
type command struct {
	name string
	args string // how its arguments are written, "" without any
	help string
	// complete offers what may follow, nil for nothing.
	complete func(*App) []string
	run      func(*App, string) tea.Cmd
}

// commands lists what the command line knows. A list of the inventory goes by
// its plural, with a filter behind it.
func commands() []command {
	var list []command
	for _, k := range openstack.Kinds() {
		name := strings.ToLower(strings.ReplaceAll(openstack.Plural(k), " ", ""))
		list = append(list, command{
			name, "[FILTER]", "list the " + page.Plural(k), nil,
			func(a *App, arg string) tea.Cmd {
				a.goTab(0)
				return a.explorer.Show(k, arg)
			},
		})
	}
	return append(
		list,
		command{"find", "TEXT", "find an address, MAC, name or id", nil, (*App).findText},
		command{"probe", "NAME", "ask a probe about what is selected", probeNames, (*App).probeNamed},
		command{"path", "PORT [TO]", "follow packets at every hop; TO: port, dhcp, outside", portNames, (*App).pathNamed},
		command{"fleet", "", "the agents: up, round trip, clock, tools", nil, func(a *App, _ string) tea.Cmd { return a.openFleet() }},
		command{"dial", "[NODE...]", "dial agents, all without a name", nodeNames, (*App).dialNamed},
		command{"new", "", "a workspace of its own for the next probe", nil, (*App).newTab},
		command{"rw", "[TICKET]", "end read-only mode; the ticket goes into the audit", nil, (*App).unlock},
		command{"ro", "", "back to read-only mode", nil, (*App).lock},
		command{"theme", "NAME", "change the colours", func(*App) []string { return themes.Names() }, (*App).themeNamed},
		command{"log", "", "all that was said here", nil, func(a *App, _ string) tea.Cmd { return a.openLog() }},
		command{"refresh", "", "read the inventory again", nil, func(a *App, _ string) tea.Cmd { return a.explorer.Refresh() }},
		command{"close", "", "close this view", nil, func(a *App, _ string) tea.Cmd { return a.close() }},
		command{"help", "", "what can be pressed and typed", nil, func(a *App, _ string) tea.Cmd { return a.help() }},
		command{"q", "", "leave", nil, func(a *App, _ string) tea.Cmd { return a.quit(false) }},
	)
}

func (a *App) findText(arg string) tea.Cmd {
	a.goTab(0)
	if arg == "" {
		a.explorer.Find()
		return nil
	}
	return a.explorer.FindText(arg)
}

func probeNames(a *App) []string {
	var out []string
	if t, ok := a.target(); ok {
		for _, p := range a.env.Backend.Probes(t.Kind) {
			out = append(out, p.Name)
		}
	}
	return out
}

func nodeNames(a *App) []string {
	var out []string
	for _, ag := range a.env.Backend.Agents() {
		out = append(out, ag.Node)
	}
	return out
}

func (a *App) probeNamed(name string) tea.Cmd {
	t, ok := a.target()
	if !ok {
		a.say(page.Notice{Level: feed.Warn, Brief: true, Text: "nothing is selected to ask a probe about", Do: "s finds it"})
		return nil
	}
	if name == "" {
		return a.pick(page.Pick{Target: t})
	}
	for _, p := range a.env.Backend.Probes(t.Kind) {
		if p.Name == name {
			return a.form(page.Pick{Target: t, Probe: p})
		}
	}
	one, _ := page.Words(t.Kind)
	a.say(page.Notice{Level: feed.Warn, Brief: true, Text: fmt.Sprintf("no probe called %q asks about a %s", name, one), Do: "p shows those that do"})
	return nil
}

func (a *App) dialNamed(arg string) tea.Cmd {
	var nodes []string // none named: all
	if arg != "" {
		nodes = strings.Fields(arg)
	}
	return a.dial(nodes)
}

func (a *App) newTab(string) tea.Cmd {
	a.goTab(a.newBench())
	return nil
}

func (a *App) unlock(ticket string) tea.Cmd {
	a.stuck = a.env.Backend.Unlock(ticket)
	if a.stuck != nil {
		return a.refuse(a.stuck)
	}
	a.say(page.Notice{Level: feed.Info, Text: "read-write: probes may now send and load the network", Do: ":ro goes back"})
	return nil
}

func (a *App) lock(string) tea.Cmd {
	a.env.Backend.Lock()
	a.say(page.Notice{Level: feed.Good, Text: "read-only"})
	return nil
}

func (a *App) themeNamed(name string) tea.Cmd { return a.refuse(a.setTheme(name)) }

// commandLine is the line that ":" opens at the bottom.
type commandLine struct {
	open    bool
	input   *part.Input
	cursor  int
	history []string
	at      int      // in history, len(history) for the line being typed
	typed   string   // what was typed before going through the history
	offers  []string // completions
	offer   int      // the one taken, -1 for none
}

func newCommandLine() commandLine { return commandLine{input: part.NewInput("")} }

func (c *commandLine) start(text string) {
	c.open, c.at, c.typed, c.offer = true, len(c.history), "", -1
	c.input.Set(text)
	c.input.Focus()
	c.offers = nil
}

func (c *commandLine) stop() {
	c.open = false
	c.input.Blur()
}

func (c *commandLine) edit(msg tea.Msg) {
	if c.input.Update(msg) {
		c.offers, c.offer = nil, -1
	}
}

// back and forth go through what was entered before.
func (c *commandLine) past(step int) {
	if c.at == len(c.history) {
		c.typed = c.input.Value()
	}
	c.at = max(min(c.at+step, len(c.history)), 0)
	if c.at == len(c.history) {
		c.input.Set(c.typed)
		return
	}
	c.input.Set(c.history[c.at])
}

func (a *App) lineKey(msg tea.KeyPressMsg) tea.Cmd {
	c := &a.line
	switch msg.String() {
	case "esc", "ctrl+c":
		c.stop()
	case "enter":
		text := strings.TrimSpace(c.input.Value())
		c.stop()
		return a.execute(text)
	case "tab", "shift+tab":
		step := 1
		if msg.String() == "shift+tab" {
			step = -1
		}
		a.complete(step)
	case "up", "ctrl+p":
		c.past(-1)
	case "down", "ctrl+n":
		c.past(1)
	case "backspace":
		if c.input.Value() == "" {
			c.stop()
			return nil
		}
		c.edit(msg)
	default:
		c.edit(msg)
	}
	return nil
}

// execute runs a line. The start of a command's name is enough where it is one
// command's alone.
func (a *App) execute(line string) tea.Cmd {
	if line == "" {
		return nil
	}
	if n := len(a.line.history); n == 0 || a.line.history[n-1] != line {
		a.line.history = append(a.line.history, line)
	}
	name, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	var near []command
	for _, c := range commands() {
		if c.name == name {
			return c.run(a, arg)
		}
		if strings.HasPrefix(c.name, name) {
			near = append(near, c)
		}
	}
	switch len(near) {
	case 1:
		return near[0].run(a, arg)
	case 0:
		a.say(page.Notice{Level: feed.Warn, Brief: true, Text: fmt.Sprintf("there is no command %q", name), Do: ":help lists them"})
	default:
		var names []string
		for _, c := range near {
			names = append(names, c.name)
		}
		a.say(page.Notice{Level: feed.Warn, Brief: true, Text: fmt.Sprintf("%q may be %s", name, strings.Join(names, ", "))})
	}
	return nil
}

// complete goes through what the line may become.
func (a *App) complete(step int) {
	c := &a.line
	if c.offers == nil {
		c.offers = a.offers(c.input.Value())
		c.offer = -1
		if step < 0 {
			c.offer = 0
		}
	}
	if len(c.offers) == 0 {
		return
	}
	c.offer = (c.offer + step + len(c.offers)) % len(c.offers)
	offers, offer := c.offers, c.offer
	c.input.Set(offers[offer])
	c.offers, c.offer = offers, offer
}

// offers lists the lines that begin as text does.
func (a *App) offers(text string) []string {
	name, arg, spaced := strings.Cut(text, " ")
	var out []string
	for _, c := range commands() {
		switch {
		case !spaced && strings.HasPrefix(c.name, name):
			line := c.name
			if c.args != "" {
				line += " "
			}
			out = append(out, line)
		case spaced && c.name == name && c.complete != nil:
			for _, o := range c.complete(a) {
				if strings.HasPrefix(o, arg) {
					out = append(out, c.name+" "+o)
				}
			}
		}
	}
	return out
}

// view draws two lines: what it may become, and the line itself.
func (c *commandLine) view(env *page.Env, width int) []string {
	th := env.Theme
	above := part.NewLine(width, th).Skip(1)
	text := c.input.Value()
	switch {
	case len(c.offers) > 0:
		for i, o := range c.offers {
			style := th.Muted
			if i == c.offer {
				style = th.AccentStrong
			}
			above.Put(style, strings.TrimSpace(o)).Skip(3)
		}
	case text == "":
		above.Put(th.Muted, "tab completes   up goes back   esc leaves")
	default:
		name, _, _ := strings.Cut(text, " ")
		list := slices.DeleteFunc(commands(), func(c command) bool { return !strings.HasPrefix(c.name, name) })
		for _, k := range list {
			above.Put(th.Text, k.name)
			if k.args != "" {
				above.Put(th.Muted, " "+k.args)
			}
			if len(list) <= 3 {
				above.Put(th.Muted, "  "+k.help)
			}
			above.Skip(3)
		}
	}
	l := part.NewLine(width, th).Put(th.Accent, " :")
	body, x := c.input.View(width-3, th.Strong, th)
	c.cursor = 2 + x
	return []string{above.String(), l.Raw(body, width-3).String()}
}
