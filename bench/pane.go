package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"steth/feed"
	"steth/internal/terminal"
	"steth/openstack"
	"steth/probes"
	"steth/tui"
)

const (
	feedRate  = 200_000 // lines a second
	feedTime  = 60 * time.Second
	paneKeys  = 40
	paneLimit = 5 * time.Second
)

// benchPane types keys into the real screen, in a terminal, while one of its
// panes is fed, and measures until the screen shows the answer.
func benchPane(ctx context.Context, b *bench) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t, err := terminal.Start(exec.CommandContext(ctx, self, "feed-pane"), 160, 45)
	if err != nil {
		return err
	}
	defer t.Close()
	steps := []struct{ keys, see string }{
		{"\x1b", "READ-ONLY"}, // out of the find line
		{":nodes\r", "bench-node"},
		{"p", "bench.flood"},
		{"\r", "enter runs"}, // the form
		{"\r", "line "},
	}
	for _, s := range steps {
		if err := t.Type(s.keys); err != nil {
			return err
		}
		if _, err := t.See(s.see, paneLimit); err != nil {
			return err
		}
	}
	// Let the feed reach its rate before anything is measured.
	if _, err := t.Until("the feed at its rate", 10*time.Second, func(s string) bool { return newest(s) > 2*feedRate }); err != nil {
		return err
	}
	var answers []time.Duration
	before, start := newest(t.Screen()), time.Now()
	for i := range paneKeys {
		// Space pauses the pane, and lets it go on.
		paused := i%2 == 0
		if err := t.Type(" "); err != nil {
			return err
		}
		took, err := t.Until("the answer to a key", paneLimit, func(s string) bool { return strings.Contains(s, "paused") == paused })
		if err != nil {
			return err
		}
		answers = append(answers, took)
		if !paused {
			now := newest(t.Screen())
			if _, err := t.Until("a newer line", paneLimit, func(s string) bool { return newest(s) > now }); err != nil {
				return err
			}
		}
	}
	rate := float64(newest(t.Screen())-before) / time.Since(start).Seconds()
	slices.Sort(answers)
	row("lines fed", "%.0f lines/s", rate)
	row("a key's answer on the screen", "p50 %v  p99 %v  worst %v", quantile(answers, 0.5).Round(100*time.Microsecond),
		quantile(answers, 0.99).Round(100*time.Microsecond), answers[len(answers)-1].Round(100*time.Microsecond))
	return nil
}

// newest is the highest number of a line on the screen.
func newest(screen string) int {
	best := -1
	for _, l := range strings.Split(screen, "\n") {
		var n int
		if _, rest, ok := strings.Cut(l, "line "); ok {
			if _, err := fmt.Sscanf(rest, "%d", &n); err == nil {
				best = max(best, n)
			}
		}
	}
	return best
}

type floodArgs struct {
	Lines int `arg:"lines" help:"lines a second" default:"200000" min:"1" max:"10000000"`
}

// flood is a probe that writes lines at a steady rate.
var flood = probes.Define(probes.Spec[floodArgs]{
	Name: "bench.flood", Ask: "How does a pane bear many lines?", Live: true,
	Kinds: []openstack.Kind{openstack.KindNode},
	Codes: []probes.Code{{Name: "done", Verdict: probes.OK, Means: "the time is over"}},
	Run: func(ctx context.Context, job *probes.Job, a floodArgs) (probes.Finding, error) {
		f, err := job.Feed(feed.About{Title: "flood", Host: job.Target.Name})
		if err != nil {
			return probes.Finding{}, err
		}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		n := 0
		for start := time.Now(); time.Since(start) < feedTime; {
			select {
			case <-ctx.Done():
				return probes.Finding{Verdict: probes.OK, Code: "done", Reason: "stopped"}, nil
			case now := <-tick.C:
				for due := int(now.Sub(start).Seconds() * float64(a.Lines)); n < due; n++ {
					f.Line(now.UnixNano(), feed.Plain, fmt.Sprintf("line %d of a stream that never waits for its reader", n))
				}
			}
		}
		return probes.Finding{Verdict: probes.OK, Code: "done", Reason: "the time is over"}, nil
	},
})

// feedPane is the console over one node, with flood as its only probe.
func feedPane([]string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return tui.Run(ctx, &oneNode{ctx: ctx}, tui.Options{Theme: "dark"})
}
