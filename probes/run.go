package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"steth/feed"
	"steth/openstack"
	"steth/rpc"
)

// Stream is the answer of one tool as it comes; *rpc.Stream is one.
type Stream interface {
	Next() (rpc.Message, error)
	Close() error
}

// Agents is how a probe reaches the agents; a fleet is one.
type Agents interface {
	// Call asks a tool of a node's agent.
	Call(ctx context.Context, node, tool string, args any) (Stream, error)
	// Address is where the node's agent is reached, without the port.
	Address(ctx context.Context, node string) (string, error)
	// Offset is the node's clock minus ours, and within how much that is right.
	// Both are 0 as long as nothing is known.
	Offset(node string) (offset, spread time.Duration)
}

// Env is the world a probe runs in.
type Env struct {
	Agents    Agents
	Inventory func() *openstack.Snapshot // never nil
	Spool     feed.Options               // for the feeds of runs
	Now       func() time.Time
	Log       *slog.Logger
}

// Job is what the run function of a probe works with.
type Job struct {
	Env
	Target Target
	run    *Run
}

// Feed opens a live feed of the run: one pane on the screen.
func (j *Job) Feed(about feed.About) (*feed.Feed, error) {
	f, err := feed.New(about, j.Spool)
	if err != nil {
		return nil, fmt.Errorf("open a feed for %s: %w", about.Title, err)
	}
	j.run.mu.Lock()
	j.run.feeds = append(j.run.feeds, f)
	j.run.mu.Unlock()
	j.run.version.Add(1)
	return f, nil
}

// Call asks a tool of a node's agent. The stream ends with ctx, which also
// ends the job on the node.
func (j *Job) Call(ctx context.Context, node, tool string, args any) (Stream, error) {
	s, err := j.Agents.Call(ctx, node, tool, args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tool, err) // which names the node
	}
	return &stopping{
		Stream: s, ctx: ctx, what: tool + " on " + node,
		release: context.AfterFunc(ctx, func() { s.Close() }),
	}, nil
}

// stopping is a stream that closes itself when its context ends, and whose
// errors say what was asked where.
type stopping struct {
	Stream
	ctx     context.Context // of the call
	what    string
	release func() bool
}

func (s *stopping) Next() (rpc.Message, error) {
	m, err := s.Stream.Next()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return m, err
	case s.ctx.Err() != nil:
		return m, context.Cause(s.ctx)
	case errors.Is(err, errAway), errors.Is(err, rpc.ErrUnavailable), errors.Is(err, rpc.ErrUnexpectedEnd), errors.Is(err, rpc.ErrCancelled):
		return m, fmt.Errorf("%s: %w (%w); does steth-agent still run there?", s.what, errAway, err)
	}
	return m, fmt.Errorf("%s: %w", s.what, err)
}

// errAway says that an agent ended a call that nobody here had stopped.
var errAway = errors.New("the agent went away in the middle")

func (s *stopping) Close() error {
	s.release()
	return s.Stream.Close()
}

// Run is one run of a probe. Its methods are safe for concurrent use and
// answer at once, except for waiting on Done.
type Run struct {
	probe   *Probe
	target  Target
	set     map[string]string
	cancel  context.CancelCauseFunc
	done    chan struct{}
	version atomic.Uint64

	mu      sync.Mutex
	feeds   []*feed.Feed
	finding Finding
	ended   bool
}

// ErrStopped is the cause with which [Run.Stop] ends a run.
var ErrStopped = errors.New("stopped by the user")

// Start begins p for a target. set holds arguments by name; those it lacks have
// their defaults for this target, which the caller had from [Probe.Form]. It
// fails only on arguments that don't check; everything later is in the finding.
func (p *Probe) Start(ctx context.Context, env Env, target Target, set map[string]string) (*Run, error) {
	full, err := p.complete(set)
	if err != nil {
		return nil, err
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &Run{probe: p, target: target, set: full, cancel: cancel, done: make(chan struct{})}
	job := &Job{Env: env, Target: target, run: r}
	go r.work(ctx, job)
	return r, nil
}

func (r *Run) work(ctx context.Context, job *Job) {
	defer close(r.done)
	defer r.cancel(nil)
	started := job.Now()
	f, err := r.call(ctx, job)
	if err != nil {
		f = failed(f, err, ctx.Err() != nil)
	}
	f.Probe, f.Inputs, f.Started, f.Duration = r.probe.Name, r.set, started, job.Now().Sub(started)
	f.Target, f.TargetID = r.target.Name, r.target.ID
	f.Reason = shorten(f.Reason)
	job.Log.Info("probe", "probe", f.Probe, "target", f.TargetID, "verdict", f.Verdict, "code", f.Code, "took", f.Duration)
	r.mu.Lock()
	r.finding, r.ended = f, true
	feeds := slices.Clone(r.feeds)
	r.mu.Unlock()
	end := ""
	if f.Verdict == Error {
		end = f.Reason
	}
	for _, feed := range feeds {
		feed.End(end)
	}
	r.version.Add(1)
}

// maxReason is how long a finding's sentence may be, in bytes. Parts of it are an
// agent's words, and the screen draws it again and again.
const maxReason = 4096

func shorten(s string) string {
	if len(s) <= maxReason {
		return s
	}
	return strings.ToValidUTF8(s[:maxReason], "") + "…"
}

// call runs the probe's function, and turns a panic into an error: a defect in
// one probe must not take the console and its other captures with it.
func (r *Run) call(ctx context.Context, job *Job) (f Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			job.Log.Error("probe panicked", "probe", r.probe.Name, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("a defect in the probe itself: %v (the log has the details)", p)
		}
	}()
	return r.probe.run(ctx, job, r.set)
}

// failed is the finding of a probe that could not run, because it was stopped
// here or for another reason.
func failed(f Finding, err error, stopped bool) Finding {
	f.Verdict, f.Reason = Error, err.Error()
	switch {
	case stopped:
		f.Verdict, f.Code, f.Reason = Skip, CodeStopped, "stopped before there was anything to judge"
	case errors.Is(err, rpc.ErrPermissionDenied):
		f.Code = CodeDenied
	case errors.Is(err, rpc.ErrInvalidArgument), errors.Is(err, rpc.ErrNotFound):
		f.Code = CodeBadArgument
	case errors.Is(err, rpc.ErrNotReady), errors.Is(err, rpc.ErrUnimplemented):
		f.Code = CodeNotReady
	case errors.Is(err, rpc.ErrResourceExhausted):
		f.Code = CodeLimit
	case errors.Is(err, errAway), errors.Is(err, rpc.ErrUnavailable), errors.Is(err, rpc.ErrUnexpectedEnd), errors.Is(err, context.DeadlineExceeded):
		f.Code = CodeUnreachable
	default:
		f.Code = CodeCouldNotRun
	}
	return f
}

// The reason codes that any probe can end with.
const (
	CodeStopped     = "stopped"
	CodeDenied      = "denied"
	CodeBadArgument = "bad-argument"
	CodeNotReady    = "not-ready"
	CodeLimit       = "limit"
	CodeUnreachable = "agent-unreachable"
	CodeCouldNotRun = "could-not-run"
)

// CommonCodes explains the reason codes that any probe can end with.
func CommonCodes() []Code {
	return []Code{
		{CodeStopped, Skip, "the engineer stopped it before there was anything to judge"},
		{CodeDenied, Error, "the console's certificate has a role that may not ask this"},
		{CodeBadArgument, Error, "an argument was refused, or names something that the node doesn't have"},
		{CodeNotReady, Error, "the node lacks a program or a right that the tool needs; the reason says which"},
		{CodeLimit, Error, "the agent's limits don't allow one more job, or so large a one"},
		{CodeUnreachable, Error, "a node's agent does not answer"},
		{CodeCouldNotRun, Error, "the probe could not run for another reason"},
	}
}

// Probe is what runs.
func (r *Run) Probe() *Probe { return r.probe }

// Target is what the run is about.
func (r *Run) Target() Target { return r.target }

// Args are the arguments of the run, with defaults filled in.
func (r *Run) Args() map[string]string { return r.set }

// Feeds are the feeds opened so far, in order.
func (r *Run) Feeds() []*feed.Feed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.feeds)
}

// Version rises when a feed was opened or the run ended.
func (r *Run) Version() uint64 { return r.version.Load() }

// Done is closed when the finding is there and nothing of the run is left.
func (r *Run) Done() <-chan struct{} { return r.done }

// Finding is what the run concluded; false while it runs.
func (r *Run) Finding() (Finding, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.finding, r.ended
}

// Stop ends the run. It returns at once; Done tells when all is gone.
func (r *Run) Stop() { r.cancel(ErrStopped) }

// Shell is the command that does the same from a shell.
func (r *Run) Shell() string { return r.probe.Command(r.target, r.set) }
