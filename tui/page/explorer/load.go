package explorer

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/feed"
	"steth/openstack"
	"steth/tui/backend"
	"steth/tui/page"
)

// loaded is the answer to Refresh.
type loaded struct {
	e    *Explorer
	seq  uint64
	snap *openstack.Snapshot
	err  error
	took time.Duration
}

// Refresh reads kinds again, all when there are none; the screen goes on with
// what it has. A second call while one runs does nothing.
func (e *Explorer) Refresh(kinds ...openstack.Kind) tea.Cmd {
	if e.load.running {
		return nil
	}
	if len(kinds) == 0 {
		kinds = openstack.Kinds()
	}
	e.load.seq++
	e.load.running, e.load.since, e.load.kinds = true, e.env.Now(), kinds
	e.load.retry = time.Time{}
	seq, started := e.load.seq, e.load.since
	return func() tea.Msg {
		snap, err := e.env.Backend.Refresh(e.ctx, kinds, func(s *openstack.Snapshot) { e.load.partial.Store(s) })
		return loaded{e, seq, snap, err, e.env.Now().Sub(started)}
	}
}

// takePartial shows what has arrived of a Refresh.
func (e *Explorer) takePartial() bool {
	s := e.load.partial.Swap(nil)
	if s == nil || !e.load.running {
		return false
	}
	e.snap = s
	if len(s.List(e.kind)) < bigList {
		e.show()
	}
	return true
}

// Tick is called about once a second: ages move on, and an API that was down
// is asked again.
func (e *Explorer) Tick(now time.Time) tea.Cmd {
	e.shownOf = ""
	if !e.load.retry.IsZero() && now.After(e.load.retry) {
		return e.Refresh(e.load.kinds...)
	}
	return nil
}

// took takes the answer of a Refresh.
func (e *Explorer) took(msg loaded) tea.Cmd {
	if msg.seq != e.load.seq {
		return nil
	}
	e.load.running = false
	e.load.partial.Store(nil)
	if msg.snap != nil {
		e.snap = msg.snap
	}
	cmds := []tea.Cmd{e.show()}
	if msg.err != nil {
		if errors.Is(msg.err, context.Canceled) {
			return nil
		}
		do := e.reach("refresh") + " asks again"
		if !backend.Permanent(msg.err) {
			do = "what is on the screen stays; Steth asks again by itself, " + e.reach("refresh") + " asks now"
			e.load.retry = e.env.Now().Add(retries[min(e.load.tries, len(retries)-1)])
			e.load.tries++
		}
		if e.load.err != msg.err.Error() { // once, not at every try
			cmds = append(cmds, page.Say(page.Notice{Level: feed.Bad, Text: msg.err.Error(), Do: do}))
		}
		e.load.err = msg.err.Error()
		return tea.Batch(cmds...)
	}
	if e.load.err != "" {
		cmds = append(cmds, page.Say(page.Notice{Level: feed.Good, Text: "the API answers again"}))
	}
	e.load.err, e.load.tries, e.load.took = "", 0, msg.took
	cmds = append(cmds, page.Say(Loaded{}))
	return tea.Batch(cmds...)
}

// reach is what to press for one of the page's keys: where an input has the
// focus, it is left first.
func (e *Explorer) reach(name string) string {
	key := e.env.Keys.Key(e.Scope(), name)
	if e.focus != onList {
		return "esc " + key
	}
	return key
}

// Loaded tells the shell that the inventory was read.
type Loaded struct{}
