package rpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
)

// ConsoleID pairs the control and the bulk session of one console. It is random
// and new for each control session.
type ConsoleID [16]byte

// NewConsoleID returns a random id.
func NewConsoleID() ConsoleID {
	var id ConsoleID
	rand.Read(id[:]) // never fails, see crypto/rand
	return id
}

// String returns the id in hexadecimal.
func (id ConsoleID) String() string { return hex.EncodeToString(id[:]) }

// DialOptions says which session [Dial] asks for.
type DialOptions struct {
	Console ConsoleID    // the same for the control and the bulk session of one pair
	Bulk    bool         // the session for calls that send data frames
	Plain   bool         // the connection is not TLS; then it must be loopback or a unix socket
	Log     *slog.Logger // nil: nothing is logged
}

// Session is the console's side of one session to an agent. It is safe for
// concurrent use.
type Session struct{}

// Dial makes a session over conn, a *tls.Conn with certificates on both sides
// (whose handshake may still be to do). Whatever the outcome, conn belongs to
// the session from now on.
func Dial(ctx context.Context, conn net.Conn, opt DialOptions) (*Session, error) {
	return nil, ErrUnimplemented
}

// Call starts tool on the agent with args, which are sent as CBOR.
func (s *Session) Call(ctx context.Context, tool string, args any) (*Stream, error) {
	return nil, ErrUnimplemented
}

// Close ends the session and every call on it.
func (s *Session) Close() error { return nil }

// Done is closed when the session has ended, for whatever reason.
func (s *Session) Done() <-chan struct{} { return nil }

// Err says why the session ended; nil while it lives.
func (s *Session) Err() error { return nil }
