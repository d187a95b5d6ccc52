package tui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/probes"
	"steth/tui/dialog"
	"steth/tui/page"
	"steth/tui/pane"
)

// mostRuns is how many runs one workspace takes before the next begins.
const mostRuns = 6

// fitWait bounds how long the arguments of one more target may take.
const fitWait = 10 * time.Second

// runs are the runs that were begun here and whose findings are not in yet.
type runs struct {
	live []*probes.Run
	last *page.Start
	// sets remembers the arguments of each probe: those of the same target, and
	// the newest of any.
	sets map[string]map[string]string
}

func newRuns() runs { return runs{sets: map[string]map[string]string{}} }

// remember keeps what a run was begun with.
func (r *runs) remember(s page.Start) {
	r.last = &s
	r.sets[s.Probe.Name] = s.Set
	r.sets[s.Probe.Name+" "+s.Target.ID] = s.Set
}

// recall gives the arguments to begin a form with. For another target only
// those that don't depend on it are taken over.
func (r *runs) recall(p *probes.Probe, target probes.Target) map[string]string {
	if set, ok := r.sets[p.Name+" "+target.ID]; ok {
		return set
	}
	return portable(p, r.sets[p.Name])
}

// portable leaves out of arguments those that depend on the target.
func portable(p *probes.Probe, set map[string]string) map[string]string {
	set = maps.Clone(set)
	for _, a := range p.Args() {
		switch a.Type {
		case probes.Host, probes.Device, probes.Netns, probes.IP:
			delete(set, a.Name)
		}
	}
	return set
}

// finished takes out the runs that have ended.
func (r *runs) finished() []probes.Finding {
	var out []probes.Finding
	r.live = slices.DeleteFunc(r.live, func(run *probes.Run) bool {
		f, ended := run.Finding()
		if ended {
			out = append(out, f)
		}
		return ended
	})
	return out
}

// stop ends all runs and waits until they are gone, no longer than wait.
func (r *runs) stop(wait time.Duration) {
	for _, run := range r.live {
		run.Stop()
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for _, run := range r.live {
		select {
		case <-run.Done():
		case <-late.C:
			return
		}
	}
}

// pick opens the probe picker for a target, or the form of a probe.
func (a *App) pick(p page.Pick) tea.Cmd {
	if n := 1 + len(p.Also); n > mostRuns {
		a.say(page.Notice{
			Level: feed.Warn, Brief: true, Text: fmt.Sprintf("%d are marked, and at most %d probes begin at once", n, mostRuns),
			Do: "space takes a mark away, esc takes all",
		})
		return nil
	}
	if p.Probe != nil {
		return a.form(p)
	}
	th := a.env.Theme
	list := a.env.Backend.Probes(p.Target.Kind)
	if len(list) == 0 {
		one, _ := page.Words(p.Target.Kind)
		a.say(page.Notice{Level: feed.Warn, Brief: true, Text: "no probe asks about a " + one, Do: "enter lists the ports behind it"})
		return nil
	}
	locked := a.env.Backend.Info().ReadOnly
	options := make([]page.Option, len(list))
	for i, pr := range list {
		mark := ""
		switch {
		case pr.Sends && locked:
			mark = "needs :rw"
		case pr.Live:
			mark = "until stopped"
		}
		style := th.Muted
		if mark == "needs :rw" {
			style = th.Warn
		}
		options[i] = page.Option{
			Text: page.Cells{{{Style: th.Strong, Text: pr.Name}}, {{Style: style, Text: mark}}, {{Style: th.Text, Text: pr.Ask}}},
			Msg:  page.Pick{Target: p.Target, Also: p.Also, Probe: pr},
		}
	}
	a.push(dialog.NewList(th, page.Choose{Title: "probe  " + page.Whom(p.Target, p.Also), Options: options}))
	return nil
}

func (a *App) form(p page.Pick) tea.Cmd {
	if p.Probe.Sends && a.env.Backend.Info().ReadOnly {
		n := page.Notice{Level: feed.Warn, Brief: true, Text: p.Probe.Name + " sends packets, and the console is read-only", Do: ":rw [TICKET] unlocks it"}
		if a.stuck != nil {
			n.Text, n.Do = n.Text+": "+a.stuck.Error(), ""
		}
		a.say(n)
		return nil
	}
	if p.Set == nil {
		p.Set = a.runs.recall(p.Probe, p.Target)
	}
	f, cmd := dialog.NewForm(a.env, p)
	a.push(f)
	return cmd
}

// repeat runs the last probe again; on another resource its form comes first.
func (a *App) repeat(target probes.Target) tea.Cmd {
	last := a.runs.last
	switch {
	case last == nil:
		a.say(page.Notice{Level: feed.Info, Text: "nothing was run yet", Do: "p picks a probe"})
		return nil
	case target.ID == "" || target.ID == last.Target.ID:
		return a.start(*last)
	case !last.Probe.About(target.Kind):
		one, _ := page.Words(target.Kind)
		a.say(page.Notice{Level: feed.Warn, Brief: true, Text: last.Probe.Name + " can't be asked about a " + one, Do: "p shows what can"})
		return nil
	}
	return a.form(page.Pick{Target: target, Probe: last.Probe})
}

// start begins a run, and then one for each of the other targets.
func (a *App) start(s page.Start) tea.Cmd {
	also := s.Also
	s.Also = nil
	a.begin(s)
	if len(also) == 0 {
		return nil
	}
	return func() tea.Msg {
		var list starts
		for _, t := range also {
			list = append(list, page.Start{Probe: s.Probe, Target: t, Set: a.fitted(s, t)})
		}
		return list
	}
}

// starts are runs to begin, ready to go.
type starts []page.Start

// fitted are the arguments of a run for another target: hosts, devices and
// addresses are those its own form would begin with. What is missing after that
// the run complains of.
func (a *App) fitted(s page.Start, target probes.Target) map[string]string {
	ctx, cancel := context.WithTimeout(a.ctx, fitWait)
	defer cancel()
	args, _ := a.env.Backend.Form(ctx, s.Probe, target) // an error is one of choices; a form opens with it too
	set := map[string]string{}
	for _, arg := range args {
		set[arg.Name] = arg.Default
	}
	maps.Copy(set, portable(s.Probe, s.Set))
	return set
}

// begin begins a run and shows it in a workspace: the one used last, while it
// has room.
func (a *App) begin(s page.Start) {
	run, err := a.env.Backend.Start(s.Probe, s.Target, s.Set)
	if err != nil {
		a.say(page.Notice{Level: feed.Bad, Text: s.Probe.Name + " was not started: " + err.Error()})
		return
	}
	a.runs.remember(s)
	a.runs.live = append(a.runs.live, run)
	i := a.roomy()
	if i == 0 {
		i = a.newBench()
	}
	b := a.tabs[i-1].(*bench)
	b.Add(run)
	b.runs = append(b.runs, run)
	a.over = nil
	a.goTab(i)
}

// roomy is the tab of the workspace to add to, 0 when none has room.
func (a *App) roomy() int {
	for _, i := range []int{a.active, a.lastTab, len(a.tabs)} {
		if b, ok := a.tab(i).(*bench); ok && b.hold == nil && len(b.runs) < mostRuns {
			return i
		}
	}
	return 0
}

func (a *App) newBench() int {
	return a.addTab(&bench{Workspace: pane.New(pane.Options{Theme: a.env.Theme, Now: a.opt.Now, Keys: a.env.Keys})})
}

// conclude takes what ended runs found into the store and the band.
func (a *App) conclude() bool {
	list := a.runs.finished()
	for _, f := range list {
		a.env.Findings.Add(f)
		n := page.Notice{Level: levelOf(f.Verdict), Text: f.Target + ": " + f.Reason}
		if f.Target == "" {
			n.Text = f.Reason
		}
		if len(f.Next) > 0 {
			n.Do = f.Next[0].Do
		}
		a.band.add(entry{Notice: n, time: a.env.Now(), from: f.Probe})
	}
	paths := a.concludePaths()
	if len(list) > 0 || paths {
		a.explorer.FindingsChanged()
	}
	return len(list) > 0 || paths
}

func levelOf(v probes.Verdict) feed.Level {
	switch v {
	case probes.OK:
		return feed.Good
	case probes.Warn, probes.Error:
		return feed.Warn
	case probes.Fail:
		return feed.Bad
	}
	return feed.Muted
}
