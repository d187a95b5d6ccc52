package agent

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"steth/agent/api"
	"steth/agent/tools"
	"steth/rpc"
)

// Config is what an agent is made of. Log, Audit and Node are needed, and
// either TLS with Identify or Plain.
type Config struct {
	Node tools.Node // Jobs, Compiles, Compiled, Contained, Walks and Reads are filled by the agent
	// TLS and Identify say which consoles are let in, and Recheck which may
	// stay, see [rpc.Server].
	TLS      *tls.Config
	Identify func(tls.ConnectionState) (rpc.Peer, error)
	Recheck  func(tls.ConnectionState) error
	Plain    *rpc.Peer
	Log      *slog.Logger // what the agent does
	Audit    *slog.Logger // one line a call
}

// Agent serves the calls of consoles. Make it with [New]. It is safe for
// concurrent use.
type Agent struct {
	cfg   Config
	node  *tools.Node
	tools map[string]tools.Tool
	jobs  *jobs
}

// How much of what costs the node happens at once, whoever asks: what people ask
// for takes milliseconds.
const (
	compiles = 2
	walks    = 2
	reads    = 1
)

// New makes an agent with the tools of [tools.All].
func New(cfg Config) *Agent { return newAgent(cfg, tools.All()) }

func newAgent(cfg Config, all []tools.Tool) *Agent {
	a := &Agent{cfg: cfg, tools: map[string]tools.Tool{}, jobs: newJobs(cfg.Node.Limits)}
	node := cfg.Node
	node.Jobs = a.jobs.count
	node.Compiles, node.Walks, node.Reads = make(tools.Slots, compiles), make(tools.Slots, walks), make(tools.Slots, reads)
	node.Compiled, node.Contained = &tools.Compiled{}, &tools.Contained{}
	a.node = &node
	for _, t := range all {
		a.tools[t.Name] = t
	}
	return a
}

// Serve undoes what a former agent left, lets consoles in on l until ctx ends,
// and returns when every call has ended. It closes l.
func (a *Agent) Serve(ctx context.Context, l net.Listener) error {
	tools.UndoLeft(a.node)
	server := &rpc.Server{
		TLS: a.cfg.TLS, Identify: a.cfg.Identify, Recheck: a.cfg.Recheck, Plain: a.cfg.Plain,
		Handler: a, Refused: a.refused, Log: a.cfg.Log,
	}
	return server.Serve(ctx, l)
}

// ServeCall serves one call of a console. It is [rpc.Handler].
func (a *Agent) ServeCall(ctx context.Context, call *rpc.Call) error {
	rec := record{peer: call.Peer(), tool: call.Tool(), start: time.Now()}
	err := a.contained(ctx, call, &rec)
	rec.write(ctx, a.cfg.Audit, err)
	return err
}

// refused records a call that was refused before its tool was known.
func (a *Agent) refused(peer rpc.Peer, err error) {
	rec := record{peer: peer, start: time.Now()}
	rec.write(context.Background(), a.cfg.Audit, err)
}

// contained serves a call; a panic ends that call alone.
func (a *Agent) contained(ctx context.Context, call *rpc.Call, rec *record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.cfg.Log.Error("a tool panicked", "tool", rec.tool, "request", abbreviate(rec.args), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = rpc.Errorf(rpc.Internal, "%s failed unexpectedly on %s: the agent's log has the details", rec.tool, a.node.Name)
		}
	}()
	return a.serve(ctx, call, rec)
}

// serve does a call and fills its record.
func (a *Agent) serve(ctx context.Context, call *rpc.Call, rec *record) error {
	tool, ok := a.tools[call.Tool()]
	if !ok {
		return rpc.Errorf(rpc.Unimplemented, "the agent of %s (version %s) has no tool %q", a.node.Name, a.node.Version, call.Tool())
	}
	job, badArgs := tool.Parse(call.Decode)
	rec.args = job.Request // also of a call that is refused
	if err := a.admit(call.Peer(), tool); err != nil {
		return err
	}
	if badArgs != nil {
		return wireError(badArgs)
	}
	if state := tool.Ready(a.node); !state.Ready {
		return rpc.Errorf(rpc.NotReady, "%s is not ready on %s: %s", tool.Name, a.node.Name, state.Reason)
	}
	if tool.Name != api.ToolHello { // a full agent must still be able to say so
		release, err := a.jobs.admit(console(call.Peer()))
		if err != nil {
			return err
		}
		defer release()
	}
	rec.accepted = true
	if tool.Name != api.ToolHello {
		rec.begin(a.cfg.Log)
	}
	if limit := a.node.Limits.Duration; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit,
			rpc.Errorf(rpc.DeadlineExceeded, "%s ended after %v, which is as long as this agent lets a call run (limits.duration)", tool.Name, limit))
		defer cancel()
	}
	return wireError(job.Run(ctx, a.node, &tally{call: call, record: rec}))
}

// admit holds the console's role and session against what a tool needs.
func (a *Agent) admit(peer rpc.Peer, tool tools.Tool) error {
	if !api.Role(peer.Role).Allows(tool.Role) {
		return rpc.Errorf(rpc.PermissionDenied, "%s needs the role %s, and the certificate of %s has the role %s", tool.Name, tool.Role, peer.Name, peer.Role)
	}
	if tool.Bulk && !peer.Bulk {
		return rpc.Errorf(rpc.InvalidArgument, "%s sends data and is called on the bulk session", tool.Name)
	}
	return nil
}

// tally is a tool's sink that counts for the record.
type tally struct {
	call   *rpc.Call
	record *record
}

func (t *tally) Event(v any) error {
	t.record.events++
	return t.call.Event(v)
}

func (t *tally) Data(p []byte) error {
	t.record.bytes += uint64(len(p))
	return t.call.Data(p)
}

func (t *tally) AddDropped(n uint64) {
	t.record.dropped += n
	t.call.AddDropped(n)
}
