package tools

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"steth/agent/api"
	"steth/agent/journal"
)

// Sink takes what a tool finds. Its methods may block while the console is
// slow, and fail once the call has been cancelled; a tool ends with that error.
// One goroutine at a time may use a Sink.
type Sink interface {
	// Event sends one typed event of package api.
	Event(v any) error
	// Data sends packet records, at most [api.MaxData] bytes. The Sink does not
	// keep p.
	Data(p []byte) error
	// AddDropped counts packets that the console will never get. It never blocks.
	AddDropped(n uint64)
}

// Node is the machine that tools run on: what its administrator allows, and
// what hello tells about it. It does not change while the agent runs and is
// safe for concurrent use.
type Node struct {
	Name    string // in the agent's certificate
	Version string
	Commit  string
	Started time.Time
	Jobs    func() int // running now
	// Compiles bounds how many filters are compiled at once: libpcap takes
	// hundreds of megabytes for the worst. Walks bounds how many namespaces are
	// read at once: a node may have a thousand, and who may only look asks for all.
	// Reads bounds how many heavy reads of Open vSwitch run at once.
	Compiles, Walks, Reads Slots
	Compiled               *Compiled
	Contained              *Contained

	// Namespaces are the directories that hold named network namespaces; the
	// first is where ip-netns(8) and Neutron put them.
	Namespaces []string
	// OpenVSwitch are the directories that may hold the sockets of Open vSwitch.
	OpenVSwitch []string
	// Journal is where changes of the node are noted before they are made; nil:
	// none can be made.
	Journal *journal.Journal
	Limits  api.Limits
	Ring    Ring
	// IperfPorts is the range that an iperf server takes a free port from.
	IperfPorts [2]int
	// SessionPort is the TCP port that consoles reach this agent on. Captures
	// leave it out, see [filter].
	SessionPort int
	// ClockOffset is added to every time that the node tells. Only tests set it,
	// to have hosts with different clocks on one machine.
	ClockOffset time.Duration
	Log         *slog.Logger
}

func (n *Node) now() int64 { return time.Now().Add(n.ClockOffset).UnixNano() }

// Tool is one thing the agent can do. Make it with [Define].
type Tool struct {
	api.Tool
	ready func(*Node) api.ToolState
	parse func(decode func(any) error) (Job, error)
}

// Job is a tool with a request that has been read and checked.
type Job struct {
	Request any // a request of package api, for the audit
	run     func(context.Context, *Node, Sink) error
}

// Ready tells whether the tool can run on node and, if not, why.
func (t Tool) Ready(node *Node) api.ToolState {
	state := t.ready(node)
	state.Name = t.Name
	return state
}

// Parse reads a request with decode and checks it again, as the console did:
// the agent trusts nobody. Errors are of the kind [ErrArgument]; the Job of one
// that was read and is wrong still has its Request.
func (t Tool) Parse(decode func(any) error) (Job, error) { return t.parse(decode) }

// Run does the job until it is done or ctx ends. It returns nil for a good end
// and context.Cause(ctx) when ctx ended it. Every process, thread and socket
// of the job is gone when it returns.
func (j Job) Run(ctx context.Context, node *Node, sink Sink) error { return j.run(ctx, node, sink) }

// All lists every tool that this agent has.
func All() []Tool {
	return []Tool{
		hello(),
		links(),
		ovs(),
		ovsCounters(),
		ping(),
		iperfServer(),
		iperfClient(),
		capture(),
		inject(),
	}
}

// Request is a request type of package api.
type Request interface{ Validate() error }

// Define makes a tool of a function that takes the request R. Its row is the
// one of that name in [api.Tools]; a test holds [All] and that table together.
func Define[R Request](name string, ready func(*Node) api.ToolState, run func(context.Context, *Node, R, Sink) error) Tool {
	row, _ := api.FindTool(name)
	return Tool{
		Tool:  row,
		ready: ready,
		parse: func(decode func(any) error) (Job, error) {
			var req R
			if err := decode(&req); err != nil {
				return Job{}, fmt.Errorf("read the request of %s: %w", name, err)
			}
			if err := req.Validate(); err != nil {
				return Job{Request: req}, failf(ErrArgument, "%s: %w", name, err)
			}
			return Job{Request: req, run: func(ctx context.Context, node *Node, sink Sink) error {
				return run(ctx, node, req, sink)
			}}, nil
		},
	}
}
