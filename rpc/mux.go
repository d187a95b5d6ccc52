package rpc

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// mux is what the rest of the package knows of yamux: streams over one
// connection. Nothing else imports it, because its global pool of timers can't
// be tested with testing/synctest.
type mux interface {
	open() (muxStream, error)
	accept() (muxStream, error)
	// close ends every stream, waits for the goroutines and closes the connection.
	close()
	done() <-chan struct{}
	// cause says what ended the mux; nil when close did.
	cause() error
}

// muxStream is one stream. Close wakes this side's Read and Write, and the
// peer reads EOF after what was written before.
type muxStream interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// The windows of a stream: bytes that a sender may be ahead of the receiver. A
// console grants more, since a capture over a long way needs it; what an agent
// receives is one request.
const (
	consoleWindow = 1 << 20
	agentWindow   = 256 << 10 // yamux's least
)

type yamuxMux struct {
	session *yamux.Session
	line    *line

	mu     sync.Mutex
	closed bool  // by this side, on purpose
	broken error // why this side gave the session up, nil when it did not
}

// newMux starts yamux on conn, as the opening side (console) or the accepting
// side (agent).
func newMux(conn net.Conn, console bool, t timing, log *slog.Logger) (*yamuxMux, error) {
	side := yamux.Server
	if console {
		side = yamux.Client
	}
	line := newLine(conn, console, t)
	session, err := side(line, yamuxConfig(console, t, log))
	if err != nil {
		line.Close()
		return nil, fmt.Errorf("start yamux: %w", err)
	}
	return &yamuxMux{session: session, line: line}, nil
}

func yamuxConfig(console bool, t timing, log *slog.Logger) *yamux.Config {
	config := yamux.DefaultConfig()
	config.KeepAliveInterval = t.ping
	config.ConnectionWriteTimeout = t.write
	config.StreamOpenTimeout = t.silence
	config.StreamCloseTimeout = t.fin // yamux's own is five minutes
	config.LogOutput = nil
	config.Logger = yamuxLog{log}
	config.MaxStreamWindowSize = agentWindow
	if console {
		config.MaxStreamWindowSize = consoleWindow
	}
	return config
}

func (m *yamuxMux) open() (muxStream, error)   { return m.stream(m.session.OpenStream()) }
func (m *yamuxMux) accept() (muxStream, error) { return m.stream(m.session.AcceptStream()) }
func (m *yamuxMux) done() <-chan struct{}      { return m.session.CloseChan() }

func (m *yamuxMux) cause() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.line.cause()
	switch {
	case m.broken != nil:
		return m.broken
	case m.closed:
		return nil
	case errors.Is(err, io.EOF):
		return errors.New("the peer closed the connection")
	case err == nil:
		return m.verdict()
	}
	return err
}

// verdict asks yamux why it gave up a session whose connection was fine. The
// way to its reason is an Accept on the dead session, which may first return
// streams that nobody accepted.
func (m *yamuxMux) verdict() error {
	const tries = 8
	for range tries {
		_, err := m.session.AcceptStream()
		switch {
		case err == nil, errors.Is(err, yamux.ErrSessionShutdown):
		case errors.Is(err, yamux.ErrKeepAliveTimeout):
			return Errorf(Unavailable, "the peer answered no ping for %v", m.line.timing.write)
		default:
			return fmt.Errorf("the peer broke the rules of yamux: %w", err)
		}
	}
	return errors.New("the peer broke the rules of yamux")
}

func (m *yamuxMux) close() {
	m.mu.Lock()
	if !m.session.IsClosed() {
		m.closed = true
	}
	m.mu.Unlock()
	m.session.Close()
	m.line.Close() // waits also where yamux closed the session by itself
}

func (m *yamuxMux) stream(s *yamux.Stream, err error) (muxStream, error) {
	if err != nil {
		return nil, m.check(err)
	}
	return &yamuxStream{Stream: s, mux: m}, nil
}

// check closes the session after a write timeout: yamux leaves the half-sent
// message in its queue, and the peer's Read may wait for the rest for ever.
func (m *yamuxMux) check(err error) error {
	if errors.Is(err, yamux.ErrConnectionWriteTimeout) {
		m.mu.Lock()
		if m.broken == nil && !m.closed {
			m.broken = Errorf(Unavailable, "the peer took nothing for %v", m.line.timing.write)
		}
		m.mu.Unlock()
		m.session.Close()
	}
	return err
}

// yamuxStream mends what yamux leaves to its users.
type yamuxStream struct {
	*yamux.Stream
	mux *yamuxMux
}

func (s *yamuxStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	return n, s.mux.check(err)
}

func (s *yamuxStream) Write(p []byte) (int, error) {
	n, err := s.Stream.Write(p)
	return n, s.mux.check(err)
}

// Close also wakes a Read or Write of this side, which yamux's own leaves asleep.
func (s *yamuxStream) Close() error {
	s.Stream.SetDeadline(longAgo)
	return s.Stream.Close()
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// yamuxLog passes on what yamux prints. Everything of it that matters comes
// back as an error too, so it is for debugging only.
type yamuxLog struct{ log *slog.Logger }

func (l yamuxLog) Print(v ...any)                 { l.log.Debug(fmt.Sprint(v...)) }
func (l yamuxLog) Printf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l yamuxLog) Println(v ...any)               { l.log.Debug(fmt.Sprint(v...)) }
