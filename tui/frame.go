package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// The pauses between two frames.
const (
	framePause = 16 * time.Millisecond  // few rows change
	frameBusy  = 33 * time.Millisecond  // every frame changes
	frameSlow  = 100 * time.Millisecond // a slow terminal, or nothing to see just now
)

const (
	busyAfter = 8  // frames in a row that changed
	idleAfter = 30 // frames in a row that did not
)

// frame is the one clock of the screen. It runs while something may change by
// itself, and stops otherwise.
type frame struct {
	running bool
	changed int // frames in a row that changed; below 0: that did not
	stale   bool
	view    tea.View
	drawn   bool
}

type frameMsg struct{}

// secondMsg moves the clock and the ages.
type secondMsg struct{}

func (a *App) second() tea.Cmd {
	now := a.env.Now()
	pause := now.Truncate(time.Second).Add(time.Second).Sub(now) // when the clock's next second begins
	if a.opt.SlowTerminal {
		pause = 10 * time.Second
	}
	return a.opt.Tick(pause, func(time.Time) tea.Msg { return secondMsg{} })
}

// lively tells whether the screen may change without a message.
func (a *App) lively() bool {
	return len(a.runs.live) > 0 || a.explorer.Loading() || a.running() || a.front().Dirty()
}

// wake starts the clock where it is needed.
func (a *App) wake() tea.Cmd {
	if a.frame.running || !a.lively() {
		return nil
	}
	a.frame.running = true
	return a.opt.Tick(a.pause(), func(time.Time) tea.Msg { return frameMsg{} })
}

func (a *App) pause() time.Duration {
	switch {
	case a.opt.SlowTerminal, a.frame.changed < -idleAfter, a.bench() == nil && !a.running():
		return frameSlow
	case a.frame.changed > busyAfter:
		return frameBusy
	}
	return framePause
}

// tick is one frame: what changed by itself is drawn.
func (a *App) tick() {
	a.frame.running = false
	dirty := a.front().Dirty()
	if a.conclude() {
		dirty = true
	}
	switch {
	case dirty:
		a.frame.stale = true
		a.frame.changed = max(a.frame.changed, 0) + 1
	default:
		a.frame.changed = min(a.frame.changed, 0) - 1
	}
}
