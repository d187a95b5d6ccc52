package rpc

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// admit does everything before yamux, in timing.handshake.
func (r *serving) admit(ctx context.Context, conn net.Conn) (net.Conn, *link, error) {
	leave := r.porch.enter(conn)
	defer leave()
	handshake, cancel := context.WithTimeout(ctx, r.timing.handshake)
	defer cancel()
	unhook := interruptible(handshake, conn)
	link, secured, err := r.welcome(ctx, handshake, conn)
	if late := unhook(); late != nil && err == nil {
		err = late
	} else if late != nil {
		err = fmt.Errorf("%w (%w)", late, err)
	}
	if err != nil && link != nil {
		r.consoles.leave(link)
	}
	return secured, link, err
}

// welcome shakes hands under the shorter context and joins the console's
// sessions under the server's.
func (r *serving) welcome(ctx, handshake context.Context, conn net.Conn) (*link, net.Conn, error) {
	conn, peer, print, err := r.identify(handshake, conn)
	if err != nil {
		return nil, conn, err
	}
	peer.Remote = conn.RemoteAddr()
	hello, err := readClientPreface(conn)
	if err != nil {
		return nil, conn, err
	}
	link, refusal := r.join(ctx, hello, peer, print)
	if err := answer(conn, refusal); err != nil || refusal != nil {
		return link, conn, errors.Join(refusal, err)
	}
	return link, conn, nil
}

func (r *serving) join(ctx context.Context, hello clientPreface, peer Peer, print fingerprint) (*link, error) {
	if _, err := commonVersion(hello.lowest, hello.highest, "console"); err != nil {
		return nil, err
	}
	switch hello.kind {
	case sessionControl, sessionBulk:
	default:
		return nil, Errorf(InvalidArgument, "preface: %d is no kind of session", hello.kind)
	}
	peer.Console, peer.Bulk = hello.console.String(), hello.kind == sessionBulk
	return r.consoles.join(ctx, consoleKey{id: hello.console, cert: print}, peer)
}

// fingerprint tells certificates apart; zero on plain connections.
type fingerprint [sha256.Size]byte

// identify finds out who is at the other end.
func (r *serving) identify(ctx context.Context, conn net.Conn) (net.Conn, Peer, fingerprint, error) {
	if r.server.Plain != nil {
		return conn, *r.server.Plain, fingerprint{}, checkLocal(conn.RemoteAddr())
	}
	secured := tls.Server(conn, r.server.TLS)
	if err := secure(ctx, secured, false); err != nil {
		return secured, Peer{}, fingerprint{}, err
	}
	state := secured.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return secured, Peer{}, fingerprint{}, Errorf(PermissionDenied, "the console's certificate was not verified: the server's TLS configuration must ask for that")
	}
	peer, err := r.server.Identify(state)
	return secured, peer, sha256.Sum256(state.PeerCertificates[0].Raw), err
}
