// Package backend is the small interface between the screens and the world:
// what the console's program fills with a cloud, a fleet and the probes, and
// what a test or a replay fills with something recorded.
package backend

import (
	"context"
	"errors"
	"time"

	"steth/feed"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
)

// Backend is all that the screens know of the world. cmd/steth makes one of a
// cloud, a fleet and the probes; a test or a replay makes one of something
// recorded. Methods with a context may take long and are called in commands
// only, never in Update or View; the others answer at once from memory. All
// are safe for concurrent use.
type Backend interface {
	// Info says which cloud this is and what the engineer may do.
	Info() Info
	// Unlock ends read-only mode as far as the certificate's role allows; the
	// ticket, which may be "", goes into the audit and every bundle. Lock goes back.
	Unlock(ticket string) error
	Lock()

	// Snapshot is the inventory as far as it is known; never nil.
	Snapshot() *openstack.Snapshot
	// Refresh reads kinds whole from the APIs and returns the new snapshot.
	// partial is called, possibly from other goroutines, with snapshots on the way.
	// What the user may not see is in Snapshot.Missing, not an error.
	Refresh(ctx context.Context, kinds []openstack.Kind, partial func(*openstack.Snapshot)) (*openstack.Snapshot, error)
	// Find looks text up with filtered queries: an address, a MAC, an id or a name.
	Find(ctx context.Context, text string) (openstack.Found, error)
	// Raw is the API's own JSON of an object, indented.
	Raw(ctx context.Context, kind openstack.Kind, id string) (string, error)

	// Agents tells how each known node's agent stands.
	Agents() []Agent
	// Dial asks the agents of nodes to answer; nil means all nodes. It returns
	// when each did or failed; Agents has the result.
	Dial(ctx context.Context, nodes []string)

	// Probes lists what can be asked about a kind.
	Probes(kind openstack.Kind) []*probes.Probe
	// Form gives the arguments of a probe for a target, with defaults and choices.
	Form(ctx context.Context, p *probes.Probe, target probes.Target) ([]probes.Arg, error)
	// Start begins a run. It returns at once; the run's feeds appear as it opens them.
	Start(p *probes.Probe, target probes.Target, set map[string]string) (*probes.Run, error)
	// Path works out which hops the packets of a port pass. It may read what the
	// inventory lacks for that.
	Path(ctx context.Context, q PathQuestion) (openstack.Path, error)
	// Follow begins to watch packets at every hop of a path. It returns at once;
	// whoever calls it closes the session.
	Follow(plan follow.Plan) (*follow.Session, error)
	// Inject sends probe packets along the path of a session, see
	// [follow.Session.Inject]. It fails while the console is read-only.
	Inject(ctx context.Context, s *follow.Session, in follow.Injection) error
	// SavePath writes what the captures of a session hold to a pcapng file, with
	// what it takes to replay it beside it, and returns the path of the former.
	SavePath(ctx context.Context, s *follow.Session) (path string, err error)

	// Save writes what feeds hold to a file: one pcapng with an interface for
	// each packet feed, or text. It returns the path.
	Save(ctx context.Context, feeds []*feed.Feed) (path string, err error)
}

// Permanent tells whether err says of itself that asking again won't help until
// somebody changes something: a wrong password, tried often, locks an account.
// Such an error has a method Permanent() bool.
func Permanent(err error) bool {
	p, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok && p.Permanent()
}

// PathQuestion asks for the path of a port.
type PathQuestion struct {
	Goal openstack.Goal // "" for what says most about the port, see [openstack.Snapshot.PathOf]
	From string         // id of a port
	To   string         // id of another one, where Goal is [openstack.GoalPort]
}

// Ask answers the question from a snapshot.
func (q PathQuestion) Ask(s *openstack.Snapshot) (openstack.Path, error) {
	switch q.Goal {
	case openstack.GoalPort:
		return s.PathBetween(q.From, q.To)
	case openstack.GoalDHCP:
		return s.PathToDHCP(q.From)
	case openstack.GoalGateway:
		return s.PathToGateway(q.From)
	case openstack.GoalOutside:
		return s.PathOut(q.From)
	}
	return s.PathOf(q.From)
}

// Info is what the bars show.
type Info struct {
	Cloud, Project, Region, User string
	Role                         string // of the certificate: viewer, operator, injector, admin; "" without one
	ReadOnly                     bool
	Ticket                       string
	Recorded                     time.Time // when all this was saved; zero for what is live
}

// Agent is how the agent of one node stands.
type Agent struct {
	Node    string
	Address string
	State   string // idle: never dialled; dialling; up; down
	Since   time.Time
	RTT     time.Duration
	Offset  time.Duration // the node's clock minus ours
	Spread  time.Duration // how sure Offset is, plus or minus
	Version string
	Load    float64
	Jobs    int
	Missing []string // tools that are not ready, each with its reason
	Err     string   // why it is down, and what to do
	Retry   time.Time
}
