// Package fleet keeps a console's sessions to all agents.
package fleet

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"steth/agent/api"
	"steth/rpc"
)

// Config says how to reach agents.
type Config struct {
	TLS       func(node string) (*tls.Config, error)                            // nil: plain TCP, loopback or unix socket only
	Addresses func(ctx context.Context, node string) ([]string, error)          // host:port, or unix:PATH, best first
	Dialer    func(ctx context.Context, network, addr string) (net.Conn, error) // nil: net.Dialer
	Log       *slog.Logger
	Limit     int           // dials and fan-out at once; 0: 32
	PerAgent  time.Duration // deadline of one agent in Each and of a dial; 0: 10 s
}

// Phase is where a node's connection stands.
type Phase string

// The phases.
const (
	Idle     Phase = "idle"
	Dialling Phase = "dialling"
	Up       Phase = "up"
	Down     Phase = "down"
)

// State is what the screen shows of one node's agent.
type State struct {
	Node    string
	Address string
	Phase   Phase
	Since   time.Time
	RTT     time.Duration
	Offset  time.Duration // the node's clock minus the console's
	Spread  time.Duration // Offset is right within this much
	Hello   *api.Hello    // the last one; read-only
	Err     error         // why it's down
	Retry   time.Time     // when it's tried again
}

// Fleet keeps two sessions to each agent, one for control and one for bulk
// data, so that a capture never delays a ping. It is safe for concurrent use.
type Fleet struct{}

func New(cfg Config) *Fleet { return &Fleet{} }

func (f *Fleet) Call(ctx context.Context, node, tool string, args any) (*rpc.Stream, error) {
	return nil, rpc.ErrUnimplemented
}
func (f *Fleet) Dial(ctx context.Context, node string) error { return rpc.ErrUnimplemented }
func (f *Fleet) Each(ctx context.Context, nodes []string, fn func(ctx context.Context, node string) error) map[string]error {
	return nil
}
func (f *Fleet) State(node string) State                                       { return State{} }
func (f *Fleet) States() []State                                               { return nil }
func (f *Fleet) Offset(node string) (offset, spread time.Duration, known bool) { return 0, 0, false }
func (f *Fleet) Version() uint64                                               { return 0 }
func (f *Fleet) Changed() <-chan struct{}                                      { return nil }
func (f *Fleet) Close() error                                                  { return nil }
