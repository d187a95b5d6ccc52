package tui

import (
	"context"
	"runtime"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
)

// still is a world in which nothing happens.
type still struct{ Backend }

func (still) Info() Info                            { return Info{Cloud: "still"} }
func (still) Snapshot() *openstack.Snapshot         { return openstack.NewSnapshot() }
func (still) Agents() []Agent                       { return nil }
func (still) Probes(openstack.Kind) []*probes.Probe { return nil }

// clock counts the ticks that were asked for, and never ticks.
type clock struct{ pauses []time.Duration }

func (c *clock) tick(d time.Duration, _ func(time.Time) tea.Msg) tea.Cmd {
	c.pauses = append(c.pauses, d)
	return func() tea.Msg { return nil }
}

func app(t *testing.T, slow bool) (*App, *clock) {
	t.Helper()
	c := &clock{}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	a := New(t.Context(), still{}, Options{
		NoLoad: true, SlowTerminal: slow, Tick: c.tick,
		Now: func() time.Time { return now }, Getenv: func(string) string { return "" },
	})
	return a, c
}

// worker begins a run that writes one line for each word on the channel.
func worker(t *testing.T, a *App, words <-chan string) *probes.Run {
	t.Helper()
	type none struct{}
	p := probes.Define(probes.Spec[none]{Name: "test.words", Ask: "What?", Run: func(ctx context.Context, job *probes.Job, _ none) (probes.Finding, error) {
		f, err := job.Feed(feed.About{Title: "words"})
		if err != nil {
			return probes.Finding{}, err
		}
		for w := range words {
			f.Line(0, feed.Plain, w)
		}
		return probes.Finding{Verdict: probes.OK, Reason: "said"}, nil
	}})
	run, err := p.Start(t.Context(), probes.Env{Inventory: openstack.NewSnapshot, Spool: feed.Options{Spool: -1}}, probes.Target{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.runs.live = append(a.runs.live, run)
	i := a.newBench()
	a.tabs[i-1].(*bench).Add(run)
	a.goTab(i)
	return run
}

func TestFrameClockStandsStillWhenNothingCanChange(t *testing.T) {
	a, c := app(t, false)
	a.View()
	a.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	if len(c.pauses) != 0 {
		t.Errorf("frames were asked for: %v", c.pauses)
	}
	first := a.View()
	if again := a.View(); again.Content != first.Content {
		t.Error("two views of the same screen differ")
	}
}

func TestFrameClockFollowsARun(t *testing.T) {
	a, c := app(t, false)
	words := make(chan string)
	run := worker(t, a, words)
	words <- "one"
	a.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	if len(c.pauses) != 1 || c.pauses[0] != framePause {
		t.Fatalf("pauses %v, want one of %v", c.pauses, framePause)
	}
	a.View()
	for range idleAfter + 2 { // nothing is written
		a.Update(frameMsg{})
		a.View()
	}
	if last := c.pauses[len(c.pauses)-1]; last != frameSlow {
		t.Errorf("a quiet run is looked at every %v, want %v", last, frameSlow)
	}
	for range busyAfter + 2 { // something at every frame
		words <- "more"
		for !a.front().Dirty() { // the run is writing it just now
			runtime.Gosched()
		}
		a.Update(frameMsg{})
		a.View()
	}
	if last := c.pauses[len(c.pauses)-1]; last != frameBusy {
		t.Errorf("a busy run is looked at every %v, want %v", last, frameBusy)
	}
	close(words)
	<-run.Done()
	a.Update(frameMsg{})
	a.View()
	n := len(c.pauses)
	for range 3 { // the finding came in; the last state is drawn
		a.Update(frameMsg{})
		a.View()
	}
	if len(c.pauses) > n+1 {
		t.Errorf("the clock goes on after the run: %v", c.pauses[n:])
	}
	if len(a.band.log) != 1 {
		t.Errorf("the log has %d entries, want the finding", len(a.band.log))
	}
	a.benches()[0].Close()
}

func TestSlowTerminal(t *testing.T) {
	a, c := app(t, true)
	words := make(chan string)
	run := worker(t, a, words)
	a.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	if len(c.pauses) != 1 || c.pauses[0] != frameSlow {
		t.Errorf("pauses %v, want %v", c.pauses, frameSlow)
	}
	close(words)
	<-run.Done()
	a.benches()[0].Close()
}

func TestBandKeepsWhatIsBad(t *testing.T) {
	a, _ := app(t, false)
	now := a.env.Now()
	a.band.add(entry{time: now})
	a.band.tick(now.Add(fleeting + time.Second))
	if a.band.shown() != nil {
		t.Error("a passing word stays")
	}
	e := entry{time: now}
	e.Level, e.Text = feed.Bad, "broken"
	a.band.add(e)
	a.band.add(entry{time: now}) // on top for a moment
	if got := a.band.shown(); got.Text != "" {
		t.Errorf("%q hides what was just said", got.Text)
	}
	a.band.tick(now.Add(time.Hour))
	if got := a.band.shown(); got == nil || got.Text != "broken" {
		t.Error("what is bad went by itself")
	}
	a.band.read()
	if a.band.shown() != nil || len(a.band.log) != 3 {
		t.Error("it was read, and the log keeps it")
	}
}
