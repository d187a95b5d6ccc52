package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/themes"
	"steth/tui/dialog"
	"steth/tui/findings"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/page/explorer"
	"steth/tui/page/path"
	"steth/tui/pane"
)

// Options say how the console looks and begins. The zero value is good.
type Options struct {
	Theme string              // a name of package themes; "" follows the terminal's background
	ASCII bool                // no sign outside ASCII
	Keys  map[string][]string // keys by the name of a binding, in place of the usual ones

	Find    string           // looked up at once, as if typed into find
	Load    []openstack.Kind // what is read whole at the start; nil: everything
	NoLoad  bool             // reads nothing at the start: for very large clouds
	DialAll int              // dials every agent after the first reading where there are no more nodes than this; 0: 16, negative: never

	// Path is a session to begin with, on a page of its own; the console closes it.
	Path *follow.Session
	// Captures are feeds to begin with, side by side; who gives them closes them.
	Captures []*feed.Feed
	Notes    []string // what else there is to say of these

	NoMouse      bool // the terminal keeps the mouse; F2 switches
	SlowTerminal bool // ten frames a second at most, and a clock without seconds
	SyncOutput   bool // asks for synchronised output over SSH too
	Now          func() time.Time
	// Tick makes a command that sends what a function returns after a while;
	// tests replace it.
	Tick   func(time.Duration, func(time.Time) tea.Msg) tea.Cmd
	Getenv func(string) string // TMUX, STY, NO_COLOR
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tick == nil {
		o.Tick = tea.Tick
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.DialAll == 0 {
		o.DialAll = 16
	}
	return o
}

// App is the shell, and the only Bubble Tea model.
type App struct {
	ctx context.Context
	env *page.Env
	opt Options

	width, height int
	explorer      *explorer.Explorer
	tabs          []page.Page // workspaces and paths, after the explorer
	active        int         // tab: 0 is the explorer
	lastTab       int
	jumped        bool        // the explorer in front went from one object to another
	over          []page.Page // pages opened on top of the tab; the last is in front
	dialogs       []dialog.Dialog
	line          commandLine
	band          band
	runs          runs
	holds         []*path.Hold // sessions that were not closed when it was last looked
	frame         frame
	places        places
	mouse         bool
	stuck         error // why :rw was refused; nil while it may help
	ready         bool  // the theme is settled
	darkTerminal  bool  // its background, as far as it told
	quitting      bool
}

// bench is a workspace in a tab.
type bench struct {
	*pane.Workspace
	runs []*probes.Run // begun in it so far
	name string        // "" to be named by them
	hold *path.Hold    // of the path whose captures it shows, or nil
}

// Title names a workspace by what was probed in it: web-1, web-1 ↔ db-2,
// web-1 +2.
func (b *bench) Title() string {
	if b.name != "" {
		return b.name
	}
	var names []string
	for _, r := range b.runs {
		if name := r.Target().Name; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch n := len(names); n {
	case 0:
		return b.Workspace.Title()
	case 1, 2:
		return strings.Join(names, " ↔ ")
	default:
		return fmt.Sprintf("%s +%d", names[0], n-1)
	}
}

// New makes the console's model. It does nothing slow: the first View needs
// nothing but the Backend's memory.
func New(ctx context.Context, b Backend, opt Options) *App {
	opt = opt.withDefaults()
	table, clashes := keys.New(append(keys.Default(), pane.Bindings()...), opt.Keys)
	theme, err := themes.Get(firstTheme(opt), opt.ASCII)
	if err != nil {
		theme, _ = themes.Get("dark", opt.ASCII)
	}
	env := &page.Env{Backend: b, Theme: &theme, Keys: table, Findings: findings.New(), Now: opt.Now}
	a := &App{
		ctx: ctx, env: env, opt: opt, width: 80, height: 24,
		explorer: explorer.New(ctx, env), mouse: !opt.NoMouse,
		line: newCommandLine(), runs: newRuns(), ready: opt.Theme != "", darkTerminal: true,
	}
	if err != nil {
		a.say(page.Notice{Level: feed.Warn, Text: err.Error(), Do: ":theme NAME changes it"})
	}
	for _, c := range clashes {
		a.say(page.Notice{Level: feed.Warn, Text: c.Error()})
	}
	a.present()
	return a
}

func firstTheme(opt Options) string {
	switch {
	case opt.Theme != "":
		return opt.Theme
	case opt.Getenv("NO_COLOR") != "":
		return "mono"
	}
	return "dark"
}

// Init implements [tea.Model].
func (a *App) Init() tea.Cmd {
	cmds := []tea.Cmd{a.second()}
	if a.opt.Getenv("NO_COLOR") == "" {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	if !a.opt.NoLoad {
		cmds = append(cmds, a.explorer.Refresh(a.opt.Load...))
	}
	if a.opt.Find != "" {
		cmds = append(cmds, a.explorer.FindText(a.opt.Find))
	}
	cmds = append(cmds, a.wake())
	return tea.Batch(cmds...)
}

// setTheme changes the colours of everything at once.
func (a *App) setTheme(name string) error {
	t, err := themes.Get(name, a.opt.ASCII)
	if err != nil {
		return err
	}
	*a.env.Theme = t
	a.explorer.ThemeChanged()
	for _, b := range a.benches() {
		b.SetTheme(a.env.Theme)
	}
	return nil
}

// front is the page that shows.
func (a *App) front() page.Page {
	if n := len(a.over); n > 0 {
		return a.over[n-1]
	}
	return a.tab(a.active)
}

func (a *App) tab(i int) page.Page {
	if i > 0 && i <= len(a.tabs) {
		return a.tabs[i-1]
	}
	return a.explorer
}

// bench is the workspace in front, nil when another page is.
func (a *App) bench() *bench {
	b, _ := a.front().(*bench)
	return b
}

// benches are the workspaces among the tabs.
func (a *App) benches() []*bench {
	var out []*bench
	for _, t := range a.tabs {
		if b, ok := t.(*bench); ok {
			out = append(out, b)
		}
	}
	return out
}

// addTab puts a page behind the other tabs and returns which one it is.
func (a *App) addTab(p page.Page) int {
	a.tabs = append(a.tabs, p)
	return len(a.tabs)
}

// dropTab takes a tab away; the one before it comes to the front.
func (a *App) dropTab(p page.Page) {
	i := slices.Index(a.tabs, p)
	if i < 0 {
		return
	}
	a.tabs = slices.Delete(a.tabs, i, i+1)
	if a.active > i {
		a.active--
	}
	a.lastTab = 0
}

// target is what probes are asked about: what the explorer has selected.
func (a *App) target() (probes.Target, bool) { return a.explorer.Target() }

// Run shows the console until it is left or ctx ends. Runs that are still live
// are stopped, and waited for.
func Run(ctx context.Context, b Backend, opt Options) error {
	opt = opt.withDefaults()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	a := New(inner, b, opt)
	p := tea.NewProgram(a, tea.WithContext(inner), tea.WithEnvironment(environment(opt)))
	_, err := p.Run()
	cancel()
	a.runs.stop(stopWait)
	a.closePaths(stopWait)
	if err == nil || ctx.Err() != nil || errors.Is(err, tea.ErrInterrupted) {
		return nil // left, or told to end by a signal
	}
	return fmt.Errorf("the screen: %w", err)
}

// stopWait is how long leaving waits for runs to undo what they did.
const stopWait = 3 * time.Second

// environment is the process's own, without the variable for which Bubble Tea
// does not ask for synchronised output where that is wanted nevertheless.
func environment(opt Options) []string {
	env := os.Environ()
	if !opt.SyncOutput {
		return env
	}
	var out []string
	for _, e := range env {
		if len(e) < 8 || e[:8] != "SSH_TTY=" {
			out = append(out, e)
		}
	}
	return out
}
