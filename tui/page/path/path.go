package path

import (
	"context"
	"fmt"
	"math"
	"time"

	tea "charm.land/bubbletea/v2"

	"steth/openstack"
	"steth/packets/match"
	"steth/probes/follow"
	"steth/tui/backend"
	"steth/tui/keys"
	"steth/tui/page"
	"steth/tui/part"
)

const (
	// lasts is how long a path is followed: long enough for what comes and goes,
	// and an end for what was forgotten.
	lasts = 10 * time.Minute
	// glance is the least time between two readings of the sums, which cost
	// more than rows do.
	glance = 200 * time.Millisecond
)

// focus says which of the two tables the keys go to.
type focus uint8

const (
	onPackets focus = iota
	onHops
)

// Page is the page.
type Page struct {
	env      *page.Env
	ctx      context.Context
	question backend.PathQuestion
	what     openstack.Follow
	name     string // of the port, until its path is known

	path  openstack.Path
	hold  *Hold // nil until the path is followed
	err   error // why it isn't
	start int   // counts what was begun; answers to an older one are dropped
	left  bool

	standing follow.Standing
	recent   match.Summary // of the last seconds, where packets were lost before
	shown    uint64        // version of the session that standing tells
	drawn    uint64        // version that the rows on the screen tell
	read     time.Time
	pause    time.Duration // until standing is read again
	second   int64         // on the screen

	injected bool // packets were
	agreed   bool // that packets are injected; asked once a session
	focus    focus
	hops     hopTable
	rows     rowTable
	filter   *part.Input
	typing   bool
	typedX   int
	hot      places
}

// places remembers where things were drawn, for the mouse.
type places struct{ filterY, hopsY, hopsH, rowsY, rowsH int }

// New makes the page for a question and asks it; name is what the port is
// called until its path is known. ctx ends its requests.
func New(ctx context.Context, env *page.Env, q backend.PathQuestion, name string) (*Page, tea.Cmd) {
	p := &Page{
		env: env, ctx: ctx, question: q, name: name, what: q.Goal.Follow(),
		filter: part.NewInput("words of a packet or its verdict"), hops: newHopTable(), rows: newRowTable(),
	}
	return p, p.begin()
}

// Show makes the page of a session that is there already; the page holds it from
// here on.
func Show(ctx context.Context, env *page.Env, s *follow.Session) *Page {
	plan := s.Plan()
	q := backend.PathQuestion{Goal: plan.Path.Goal, From: plan.Path.From.Port, To: plan.Path.To.Port}
	_, recorded := s.Recorded()
	if recorded {
		q = backend.PathQuestion{} // there is nothing that can be asked again
	}
	p, _ := New(ctx, env, q, plan.Path.From.Name)
	p.what = plan.Follow
	p.take(Followed{Page: p, start: p.start, Path: plan.Path, Hold: NewHold(s)})
	if recorded {
		p.hold.save(math.MaxUint64)
	}
	return p
}

// Recorded tells whether the page shows a recording.
func (p *Page) Recorded() bool {
	if p.hold == nil {
		return false
	}
	_, ok := p.hold.Session.Recorded()
	return ok
}

// Followed is the answer to what a page has begun. The shell gives it to the
// page, or releases Hold where the page was closed meanwhile.
type Followed struct {
	Page  *Page
	Path  openstack.Path
	Hold  *Hold
	Err   error
	start int
}

// begin works out the path and follows it; what was followed before ends first.
func (p *Page) begin() tea.Cmd {
	p.start++
	start, q, what, old := p.start, p.question, p.what, p.hold
	p.hold, p.err, p.agreed = nil, nil, false
	p.rows.only = false
	p.standing, p.shown, p.drawn = follow.Standing{}, 0, 0
	p.rows.reset()
	return func() tea.Msg {
		if old != nil { // an agent has only so many captures
			old.Session.Stop()
			<-old.Session.Done()
			old.Release() //nolint:errcheck // what it had is gone either way
		}
		out := Followed{Page: p, start: start}
		if out.Path, out.Err = p.env.Backend.Path(p.ctx, q); out.Err != nil {
			return out
		}
		s, err := p.env.Backend.Follow(follow.Plan{Path: out.Path, Follow: what, For: lasts})
		if err != nil {
			out.Err = err
			return out
		}
		out.Hold = NewHold(s)
		return out
	}
}

// take takes what was begun. It tells whether the answer is the page's still.
func (p *Page) take(f Followed) bool {
	if f.start != p.start || p.left {
		return false
	}
	p.path, p.hold, p.err = f.Path, f.Hold, f.Err
	p.read = time.Time{}
	p.hops.marked = nil
	return true
}

// Take gives the page the answer to what it has begun. What it does not want
// any more is released by the command.
func (p *Page) Take(f Followed) tea.Cmd {
	if p.take(f) || f.Hold == nil {
		return nil
	}
	return release(f.Hold)
}

func release(h *Hold) tea.Cmd {
	return func() tea.Msg {
		h.Release() //nolint:errcheck // nobody is left to be told
		return nil
	}
}

// Leave ends the page: its captures end at once, and its session closes when
// nobody else shows it.
func (p *Page) Leave() tea.Cmd {
	if p.left {
		return nil
	}
	p.left = true
	if p.hold == nil {
		return nil
	}
	p.hold.Session.Stop()
	return release(p.hold)
}

// Follows tells whether the page is about a question.
func (p *Page) Follows(q backend.PathQuestion) bool { return p.question == q }

// Hold is what keeps the session of the page, nil while there is none.
func (p *Page) Hold() *Hold { return p.hold }

// Running tells whether packets may come.
func (p *Page) Running() bool {
	if p.hold == nil {
		return p.err == nil && !p.left
	}
	return p.hold.Running()
}

// Unsaved is how many packets would be gone with the page, as far as they
// matter: where nothing was lost there is nothing to prove.
func (p *Page) Unsaved() int {
	if p.hold == nil || p.standing.Total.Out.Lost+p.standing.Total.Back.Lost == 0 {
		return 0
	}
	return p.hold.Unsaved()
}

// Title implements [page.Page].
func (p *Page) Title() string {
	if p.path.From.Name == "" {
		return "path " + p.name
	}
	return fmt.Sprintf("path %s %s %s", p.path.From.Name, p.env.Theme.Glyphs.Arrow, p.path.To.Name)
}

// Scope implements [page.Page].
func (p *Page) Scope() string { return keys.Path }

// Dirty implements [page.Page].
func (p *Page) Dirty() bool {
	if p.hold == nil {
		return false
	}
	v := p.hold.Session.Version()
	switch {
	case v != p.drawn && !p.rows.frozen(), p.rows.behind:
		return true
	case v != p.shown:
		return time.Since(p.read) >= p.pause
	}
	return p.Running() && p.env.Now().Unix() != p.second
}

// look reads how things stand, not too often.
func (p *Page) look() {
	s := p.hold.Session
	p.second = p.env.Now().Unix()
	v, began := s.Version(), time.Now()
	over := !p.Running() && !p.standing.Ended                                            // what it came to does not wait
	ages := p.recent.Out.Rows+p.recent.Back.Rows > 0 && began.Sub(p.read) >= time.Second // what was recent is no more
	if v == p.shown && !p.read.IsZero() && !ages || began.Sub(p.read) < p.pause && !over {
		return
	}
	p.standing, p.shown, p.read = s.Standing(), v, began
	if p.recent = (match.Summary{}); p.standing.Finding.Code == "lost" && p.Running() {
		p.recent = s.Summary()
	}
	p.pause = max(glance, 20*time.Since(began))
}

// Typing implements [page.Typer].
func (p *Page) Typing() (x, y int, ok bool) {
	return p.typedX, p.hot.filterY, p.typing
}

// Hints implements [page.Hinter].
func (p *Page) Hints() [][2]string { return [][2]string{{"enter", "done"}, {"esc", "all packets"}} }

// Row is the packet that is selected; false where there is none.
func (p *Page) Row() (*match.Row, bool) { return p.rows.selected() }
