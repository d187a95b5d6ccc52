// Package page holds what the pages and dialogs share with the shell: the
// world they look at, the shape of a page, and the messages with which they
// ask the shell for something. Pages never call the shell.
package page

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/themes"
	"steth/tui/backend"
	"steth/tui/findings"
	"steth/tui/keys"
	"steth/tui/part"
)

// Env is the world of the pages. Theme is one value for all: to change the
// theme is to overwrite it.
type Env struct {
	Backend  backend.Backend
	Theme    *themes.Theme
	Keys     *keys.Table
	Findings *findings.Store
	Now      func() time.Time
}

// Page is what fills the screen between the bars.
type Page interface {
	// Title is what its tab says.
	Title() string
	// Scope names its keys in the table.
	Scope() string
	// Update takes keys, mouse events relative to the page's own corner, what
	// was pasted, and the answers to its own commands.
	Update(msg tea.Msg) tea.Cmd
	// View draws exactly height lines of at most width columns.
	View(width, height int) string
	// Dirty tells whether the View would differ from the last one though no
	// message came.
	Dirty() bool
}

// Typer is a page that may hold a text input: while it does, keys are text and
// the shell keeps its own keys away.
type Typer interface {
	// Typing gives the cursor's place on the page; ok is false while no input
	// has the focus.
	Typing() (x, y int, ok bool)
}

// Hinter is a [Typer] that names the keys of the input that has the focus, each
// with one or two words.
type Hinter interface{ Hints() [][2]string }

// Notice asks the shell to say something in the band. What is Warn or Bad stays
// until it is read, unless it is Brief; the rest goes by itself.
type Notice struct {
	Level feed.Level
	Text  string // what happened, where
	Do    string // what to do, "" when there is nothing
	// Brief marks what is of no use later: a key that does nothing here, a word
	// that was mistyped. It goes by itself, whatever its level.
	Brief bool
}

// Pick asks for the probe picker for a target; with Probe set, for the form of
// that probe, and with Set for values to begin with.
type Pick struct {
	Target probes.Target
	Also   []probes.Target // others of the same kind that the answer is for too
	Probe  *probes.Probe
	Set    map[string]string
}

// Start asks to begin a run, and one for each of Also.
type Start struct {
	Probe  *probes.Probe
	Target probes.Target
	Also   []probes.Target
	Set    map[string]string
}

// Whom names a target and how many others there are: web-1 +2.
func Whom(target probes.Target, also []probes.Target) string {
	if len(also) == 0 {
		return target.Name
	}
	return fmt.Sprintf("%s +%d", target.Name, len(also))
}

// Repeat asks to run the last probe again, on Target where that is another of
// the same kind.
type Repeat struct{ Target probes.Target }

// Ticker is a page on which something depends on the time: Tick is called about
// once a second.
type Ticker interface{ Tick() }

// Read asks for a page of text. With Lines nil, Load is called in a command
// and gives them.
type Read struct {
	Title string
	Lines []part.Spans
	Load  func() ([]part.Spans, error)
	// Object is set where the page is about an object of the inventory.
	Object *Object
}

// Object makes a page of text one about an object.
type Object struct {
	Lines func() []part.Spans       // what there is to say of it now: ages move on
	Act   func(name string) tea.Cmd // what one of the keys of [keys.Object] asks of it
}

// Open asks for a page on top of the one in front.
type Open struct{ Page Page }

// Copy asks to put Text on the clipboard; What names it in the band.
type Copy struct{ Text, What string }

// Goto asks the explorer to show an object.
type Goto struct {
	Kind openstack.Kind
	ID   string
}

// Choose asks for a list from which one row is picked.
type Choose struct {
	Title   string
	Options []Option
	// Typed turns what was typed into an answer where no option fits it; nil
	// where only options count. Free says what may be typed then.
	Typed func(text string) tea.Msg
	Free  string
}

// Option is one row of a Choose; Msg is sent when it is picked.
type Option struct {
	Text Cells
	Msg  tea.Msg
}

// Cells are the columns of an option.
type Cells []part.Spans

// SortBy orders a table by a column; by the one that orders it already, the
// other way round.
type SortBy struct {
	Table *part.Table
	Title string
}

// ChooseSort offers the columns of a table.
func ChooseSort(th *themes.Theme, t *part.Table) tea.Cmd {
	by, desc := t.SortedBy()
	var options []Option
	for _, title := range t.Titles() {
		now := ""
		switch {
		case title == by && desc:
			now = th.Glyphs.Down + " again: low to high"
		case title == by:
			now = th.Glyphs.Up + " again: high to low"
		}
		options = append(options, Option{
			Text: Cells{{{Style: th.Strong, Text: title}}, {{Style: th.Muted, Text: now}}},
			Msg:  SortBy{t, title},
		})
	}
	return Say(Choose{Title: "sort by", Options: options})
}

// Ask asks a question whose default is No; Yes is sent when the answer is yes.
type Ask struct {
	Question string
	Detail   string
	Yes      tea.Msg
}

// Path asks to follow packets along the path of a port. Name is what the port is
// called.
type Path struct {
	Question backend.PathQuestion
	Name     string
}

// Runner is a page on which something goes on by itself: while Running tells so,
// the shell looks at it for every frame.
type Runner interface{ Running() bool }

// Close asks to leave the page in front.
type Close struct{}

// Say turns a message into a command.
func Say(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// Target is an object as probes name it.
func Target(s *openstack.Snapshot, o openstack.Object) probes.Target {
	return probes.Target{Kind: o.ObjectKind(), ID: o.ObjectID(), Name: s.DisplayName(o)}
}

// Sign is the glyph and the colour of a level.
func Sign(th *themes.Theme, level openstack.Level) part.Span {
	switch level {
	case openstack.OK:
		return part.Span{Style: th.Good, Text: th.Glyphs.OK}
	case openstack.Suspicious:
		return part.Span{Style: th.Warn, Text: th.Glyphs.Suspicious}
	case openstack.Broken:
		return part.Span{Style: th.Bad, Text: th.Glyphs.Broken}
	case openstack.Unknown:
		return part.Span{Style: th.Muted, Text: th.Glyphs.Unknown}
	}
	return part.Span{Style: th.Muted, Text: th.Glyphs.None}
}

// VerdictSign is the glyph and the colour of a verdict.
func VerdictSign(th *themes.Theme, v probes.Verdict) part.Span {
	switch v {
	case probes.OK:
		return part.Span{Style: th.Good, Text: th.Glyphs.OK}
	case probes.Warn:
		return part.Span{Style: th.Warn, Text: th.Glyphs.Suspicious}
	case probes.Fail:
		return part.Span{Style: th.Bad, Text: th.Glyphs.Broken}
	case probes.Error:
		return part.Span{Style: th.Warn, Text: th.Glyphs.Unknown}
	}
	return part.Span{Style: th.Muted, Text: th.Glyphs.None}
}

// Ago writes how long ago t was, in one short word: 12 s, 3 min, 2 h, 5 d.
func Ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	if d := now.Sub(t); d >= time.Second {
		return Duration(d)
	}
	return "0 s"
}

// Plural is a kind in a sentence: ports, floating IPs.
func Plural(kind openstack.Kind) string {
	if kind == openstack.KindAgent {
		return "Neutron agents" // Steth has agents of its own
	}
	return openstack.Plural(kind)
}

// Words of kinds, as the tabs say them.
func Words(kind openstack.Kind) (one, many string) {
	switch kind {
	case openstack.KindNode:
		return "node", "Nodes"
	case openstack.KindNetwork:
		return "network", "Networks"
	case openstack.KindSubnet:
		return "subnet", "Subnets"
	case openstack.KindPort:
		return "port", "Ports"
	case openstack.KindServer:
		return "server", "Servers"
	case openstack.KindRouter:
		return "router", "Routers"
	case openstack.KindFloatingIP:
		return "floating IP", "Floating IPs"
	case openstack.KindSecurityGroup:
		return "security group", "Security groups"
	case openstack.KindAgent:
		return "Neutron agent", "Neutron agents"
	}
	return string(kind), string(kind)
}
