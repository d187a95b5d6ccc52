// Package rpc is the wire between the console and the agents: mutual TLS, a
// preface that settles the version, yamux below, and on top of it one stream
// for each call. spec.md beside this file is the authority on every byte.
//
// A console opens a [Session] with [Dial] over a connection that it made, and
// starts calls with [Session.Call]. What comes back is a [Stream] of events
// (CBOR) and data frames (raw bytes), ended by an end frame that is never
// missing: a stream that stops without one reports [ErrUnexpectedEnd].
//
//	stream, err := session.Call(ctx, "ping", request)
//	defer stream.Close() // ends the job on the node
//	for {
//		event, err := rpc.Recv[api.PingEvent](stream)
//		if errors.Is(err, io.EOF) { break }
//		...
//	}
//
// An agent runs a [Server], which calls its [Handler] once for each call. The
// handler's context ends as soon as the caller closes its stream, the session
// breaks or the console's control session is lost.
//
// The package knows no tool and judges nobody's role: requests are opaque CBOR
// and a [Peer] is what [Server.Identify] makes of a certificate. Nothing here
// blocks for ever on a peer: every read, write and handshake has a bound.
package rpc
