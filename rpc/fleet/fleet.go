package fleet

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"steth/agent/api"
	"steth/rpc"
)

// Fleet keeps two sessions to each agent, one for control and one for bulk
// data, so that a capture never delays a ping. It is safe for concurrent use.
type Fleet struct {
	cfg    Config
	ctx    context.Context // ends with Close
	cancel context.CancelCauseFunc
	wait   sync.WaitGroup // keepers and dials
	slots  chan struct{}  // dials at once

	mu      sync.Mutex // guards what follows and every node; never held during I/O
	nodes   map[string]*node
	version uint64
	changed chan struct{} // closed and replaced at each change
}

// errClosed is what a closed fleet answers.
var errClosed = rpc.Errorf(rpc.Cancelled, "the fleet is closed")

// New makes a fleet. It dials nothing. Close it.
func New(cfg Config) *Fleet {
	cfg = cfg.withDefaults()
	f := &Fleet{
		cfg:     cfg,
		slots:   make(chan struct{}, cfg.Limit),
		nodes:   map[string]*node{},
		changed: make(chan struct{}),
	}
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
	return f
}

// Call starts tool on node, on the session that fits the tool, which is dialled
// when needed. Arguments with a Validate method are checked before anything
// leaves. The errors are [rpc.Error]s.
func (f *Fleet) Call(ctx context.Context, node, tool string, args any) (*rpc.Stream, error) {
	spec, ok := api.FindTool(tool)
	if !ok {
		return nil, rpc.Errorf(rpc.Unimplemented, "%s: there is no tool %q", node, tool)
	}
	if v, ok := args.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return nil, rpc.Errorf(rpc.InvalidArgument, "%s on %s: %w", tool, node, err)
		}
	}
	for again := false; ; again = true {
		session, err := f.session(ctx, node, spec.Bulk, false)
		if err != nil {
			return nil, err
		}
		stream, err := session.Call(ctx, tool, args)
		switch {
		case err == nil:
			return stream, nil
		case session.Err() != nil && !again:
			continue // it broke unnoticed: nothing of the call has left, so it is safe to dial anew
		case ctx.Err() != nil:
			return nil, explain(node, "", context.Cause(ctx))
		}
		return nil, rpc.WithCause(rpc.CodeOf(err), err, fmt.Sprintf("%s: %v", node, err))
	}
}

// Dial opens the control session to node if it is not open. Unlike Call it
// tries even when the last dial has just failed.
func (f *Fleet) Dial(ctx context.Context, node string) error {
	_, err := f.session(ctx, node, false, true)
	return err
}

// Each runs fn for each node, Config.Limit at a time, with a deadline of
// Config.PerAgent for each, and returns the errors by node. It returns when
// every fn has; a slow agent never takes another's time.
func (f *Fleet) Each(ctx context.Context, nodes []string, fn func(ctx context.Context, node string) error) map[string]error {
	var (
		mu     sync.Mutex
		failed = map[string]error{}
		group  errgroup.Group
	)
	group.SetLimit(f.cfg.Limit)
	for _, node := range nodes {
		group.Go(func() error {
			ctx, cancel := context.WithTimeoutCause(ctx, f.cfg.PerAgent,
				rpc.Errorf(rpc.DeadlineExceeded, "%s: no answer within %v", node, f.cfg.PerAgent))
			defer cancel()
			err := context.Cause(ctx)
			if err == nil {
				err = fn(ctx, node)
			}
			if err != nil {
				mu.Lock()
				failed[node] = err
				mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait() // the functions above return nil
	return failed
}

// Close ends every session, and with them what runs on the nodes, and waits for
// the fleet's goroutines.
func (f *Fleet) Close() error {
	f.mu.Lock()
	f.cancel(errClosed)
	f.mu.Unlock() // from here on no keeper and no dial begins
	f.wait.Wait()
	f.mu.Lock()
	var open []*rpc.Session
	for _, n := range f.nodes {
		open = append(open, f.drop(n, Idle)...)
	}
	f.mu.Unlock()
	closeAll(open)
	return nil
}

// closeAll closes sessions, all at once since each may take a moment to say so.
func closeAll(sessions []*rpc.Session) {
	var wait sync.WaitGroup
	for _, s := range sessions {
		wait.Go(func() { s.Close() })
	}
	wait.Wait()
}
