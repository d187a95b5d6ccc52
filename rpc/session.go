package rpc

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/fxamacker/cbor/v2"
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
// concurrent use. Close it also when it has ended by itself.
type Session struct {
	mux     mux
	timing  timing
	streams atomic.Int64
	buffers sync.Pool // of *bytes.Buffer, for requests
}

// Dial makes a session over conn, a *tls.Conn with certificates on both sides
// (whose handshake may still be to do). Whatever the outcome, conn belongs to
// the session from now on.
//
// The error is an [*Error] wherever the peer or its certificate was the reason:
// VersionMismatch, PermissionDenied (a certificate), ResourceExhausted (the
// agent's limits), Unavailable.
func Dial(ctx context.Context, conn net.Conn, opt DialOptions) (*Session, error) {
	return dial(ctx, conn, opt, defaultTiming())
}

func dial(ctx context.Context, conn net.Conn, opt DialOptions, t timing) (*Session, error) {
	if err := introduce(ctx, conn, opt, t); err != nil {
		conn.Close()
		return nil, err
	}
	log := opt.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	tuneSocket(conn)
	m, err := newMux(conn, true, t, log)
	if err != nil {
		return nil, err
	}
	return newSession(m, t), nil
}

// introduce does what comes before yamux: the handshake and the preface, in
// timing.handshake or as soon as ctx ends.
func introduce(ctx context.Context, conn net.Conn, opt DialOptions, t timing) (err error) {
	ctx, cancel := context.WithTimeout(ctx, t.handshake)
	defer cancel()
	unhook := interruptible(ctx, conn)
	defer func() {
		if interrupted := unhook(); interrupted != nil && err != nil {
			err = fmt.Errorf("open a session: %w", interrupted)
		}
	}()
	if err = secure(ctx, conn, opt.Plain); err == nil {
		if err = greet(conn, opt.Console, opt.Bulk); err != nil {
			err = explainHandshake(err) // under TLS 1.3 the agent's alert comes only now
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return WithCause(Unavailable, err, "the agent closed the connection before it answered: it is stopping, too busy, or no agent; its log says why")
	}
	return err
}

// secure sees to it that conn is TLS 1.3, or plain on purpose and local.
func secure(ctx context.Context, conn net.Conn, plain bool) error {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		if !plain {
			return Errorf(PermissionDenied, "the connection is not TLS, and plain TCP was not asked for")
		}
		return checkLocal(conn.RemoteAddr())
	}
	if err := secured.HandshakeContext(ctx); err != nil {
		return explainHandshake(err)
	}
	if v := secured.ConnectionState().Version; v < tls.VersionTLS13 {
		return Errorf(VersionMismatch, "the peer speaks %s, at least TLS 1.3 is needed", tls.VersionName(v))
	}
	return nil
}

func newSession(m mux, t timing) *Session {
	s := &Session{mux: m, timing: t}
	s.buffers.New = func() any { return new(bytes.Buffer) }
	return s
}

// Call starts tool on the agent with args, which are sent as CBOR (nil: none).
// The call lives until its stream has ended or is closed, or ctx ends: close
// the stream in any case.
func (s *Session) Call(ctx context.Context, tool string, args any) (*Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("call %s: %w", tool, context.Cause(ctx))
	}
	buf := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(buf)
	buf.Reset()
	if err := encodeFrame(buf, kindRequest, requestOf(tool, args)); err != nil {
		return nil, Errorf(InvalidArgument, "call %s: %w", tool, err)
	}
	raw, err := s.mux.open()
	if err != nil {
		return nil, s.lost(tool, err)
	}
	if _, err := raw.Write(buf.Bytes()); err != nil {
		raw.Close()
		return nil, s.lost(tool, err)
	}
	s.streams.Add(1)
	st := &Stream{
		tool:    tool,
		session: s,
		raw:     raw,
		frames:  frameReader{r: bufio.NewReaderSize(raw, streamBuffer)},
	}
	st.hook.Lock()
	st.unhook = context.AfterFunc(ctx, func() { st.cancel(context.Cause(ctx)) })
	st.hook.Unlock()
	return st, nil
}

// outgoing is [request] with arguments that are not encoded yet.
type outgoing struct {
	Tool string `cbor:"1,keyasint"`
	Args any    `cbor:"2,keyasint"`
}

func requestOf(tool string, args any) any {
	if args == nil {
		return request{Tool: tool}
	}
	if raw, ok := args.(cbor.RawMessage); ok {
		return request{Tool: tool, Args: raw}
	}
	return outgoing{Tool: tool, Args: args}
}

// Streams returns how many calls are open.
func (s *Session) Streams() int { return int(s.streams.Load()) }

// Close ends the session and every call on it, and waits for its goroutines.
func (s *Session) Close() error {
	s.mux.close()
	return nil
}

// Done is closed when the session has ended, for whatever reason.
func (s *Session) Done() <-chan struct{} { return s.mux.done() }

// errSessionClosed is what a session that its own side closed ends with.
var errSessionClosed = Errorf(Cancelled, "the session was closed")

// Err says why the session ended; nil while it lives.
func (s *Session) Err() error {
	select {
	case <-s.mux.done():
	default:
		return nil
	}
	if err := s.mux.cause(); err != nil {
		return Errorf(Unavailable, "the session was lost: %w", err)
	}
	return errSessionClosed
}

// lost explains err, which opening a stream failed with.
func (s *Session) lost(tool string, err error) error {
	if ended := s.Err(); ended != nil {
		err = ended
	}
	return Errorf(Unavailable, "call %s: %w", tool, err)
}
