package fleet

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

// Config says how to reach agents. Only Addresses has no default.
type Config struct {
	// TLS returns the configuration for a node's agent, anew for each dial. Nil
	// asks for plain TCP, which goes to loopback and unix sockets only.
	TLS func(node string) (*tls.Config, error)
	// Addresses returns where a node's agent may listen, the best first:
	// host:port, or unix:PATH.
	Addresses func(ctx context.Context, node string) ([]string, error)
	// Dialer makes a connection; nil for [net.Dialer].
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
	Log    *slog.Logger // nil: nothing is logged

	Limit    int           // dials at once, and agents at once in Each; 0: 32
	PerAgent time.Duration // for one dial, and for one agent in Each; 0: 10 s

	Health    time.Duration           // between two hellos, for the clock and the load; 0: 30 s. A dead peer is noticed sooner, by the session itself
	IdleAfter time.Duration           // sessions without calls are closed after so long; 0: 5 min
	Backoff   func(int) time.Duration // the pause after so many failures in a row; nil: [Backoff]
	Clock     Clock                   // nil: the system's
}

// Clock is the time as a fleet sees it.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// The shortest and the longest pause between two dials of a node.
const (
	shortestPause = time.Second
	longestPause  = 30 * time.Second
)

// Backoff returns how long to wait after the given number of failures in a row:
// doubled each time from 1 s to 30 s, of which a random part of up to a half is
// taken off, so that agents that went away together are not dialled together.
func Backoff(failures int) time.Duration {
	pause := longestPause
	if shift := failures - 1; shift < 5 {
		pause = min(shortestPause<<max(shift, 0), longestPause)
	}
	return pause - time.Duration(rand.Int64N(int64(pause/2)))
}

func (c Config) withDefaults() Config {
	if c.Dialer == nil {
		c.Dialer = new(net.Dialer).DialContext
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Limit <= 0 {
		c.Limit = 32
	}
	if c.PerAgent <= 0 {
		c.PerAgent = 10 * time.Second
	}
	if c.Health <= 0 {
		c.Health = 30 * time.Second
	}
	if c.IdleAfter <= 0 {
		c.IdleAfter = 5 * time.Minute
	}
	if c.Backoff == nil {
		c.Backoff = Backoff
	}
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	return c
}

// splitAddress tells the network of an address.
func splitAddress(address string) (network, at string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", path
	}
	return "tcp", address
}
