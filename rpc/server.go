package rpc

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
)

// Peer is the console at the other end of a session.
type Peer struct {
	Name    string   // from its certificate
	Role    string   // from its certificate
	Serial  string   // of its certificate
	Console string   // the id that its control and bulk sessions share
	Bulk    bool     // the call came on the bulk session
	Remote  net.Addr // where it connected from
}

// Handler serves the calls of an agent.
type Handler interface {
	// ServeCall serves one call; what it returns becomes the call's end. ctx
	// ends when the caller closes its stream, when the session or the console's
	// control session is lost, and when the server ends.
	ServeCall(ctx context.Context, call *Call) error
}

// Server is the agent's side of the wire.
type Server struct {
	TLS      *tls.Config                             // certificates on both sides, TLS 1.3
	Identify func(tls.ConnectionState) (Peer, error) // fills Name, Role and Serial from a verified certificate
	Plain    *Peer                                   // explicit plain TCP: everyone is this peer; loopback or unix socket only
	Handler  Handler
	Log      *slog.Logger
	Limits   Limits
}

// Limits bounds what strangers and consoles can take up. Zero values have
// defaults.
type Limits struct {
	Handshakes int // connections that have not yet proved who they are; 64
	Sessions   int // of all consoles; 128
	Calls      int // at once, of one console, both its sessions; 256
}

// Serve accepts connections from l until ctx ends, and returns when every
// session and every handler has ended. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error { return ErrUnimplemented }
