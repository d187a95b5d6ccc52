package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
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
	// control session is lost, and when the server ends; its cause says which.
	ServeCall(ctx context.Context, call *Call) error
}

// Server is the agent's side of the wire. Its fields are set before Serve and
// not changed after.
type Server struct {
	// TLS has certificates for both sides; what is below TLS 1.3 or without a
	// verified certificate of the console is refused whatever it says.
	TLS *tls.Config
	// Identify fills Name, Role and Serial from a verified certificate. Its
	// error ends the connection.
	Identify func(tls.ConnectionState) (Peer, error)
	// Recheck judges the connection of an open session again, every 10 s. Its
	// error ends the session: a certificate may be revoked meanwhile, or expire.
	// Nil lets every session stay.
	Recheck func(tls.ConnectionState) error
	// Plain asks for plain TCP instead of TLS, on loopback or a unix socket
	// only: whoever connects is this peer.
	Plain   *Peer
	Handler Handler
	// Refused is told of each call that never reached Handler because its
	// console has too many or its request can't be read; nil for nobody.
	Refused func(Peer, error)
	Log     *slog.Logger // nil: nothing is logged
	Limits  Limits
}

// Limits bounds what strangers and consoles can take up. A zero has the default
// that its comment names.
type Limits struct {
	Handshakes     int // connections that have not yet proved who they are: 64
	Sessions       int // of all consoles, control and bulk: 128
	PerCertificate int // sessions of one certificate: 32
	Calls          int // at once, of one console, both its sessions together: 256
	CallRate       int // begun a second on one session, beyond Calls at once; more have to wait: 25
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, to int) {
		if *v <= 0 {
			*v = to
		}
	}
	set(&l.Handshakes, 64)
	set(&l.Sessions, 128)
	set(&l.PerCertificate, 32)
	set(&l.Calls, 256)
	set(&l.CallRate, 25)
	return l
}

// callRate is the pace at which the calls of one session begin.
func (l Limits) callRate() pace {
	return pace{burst: l.Calls, every: time.Second / time.Duration(l.CallRate)}
}

// errServerEnds is what cancels calls when the agent stops.
var errServerEnds = Errorf(Unavailable, "the agent is stopping")

// Serve accepts connections from l until ctx ends, and returns nil when every
// session and every handler has ended. It closes l. No peer can end it: it
// fails only for a wrong configuration or a listener that broke.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, defaultTiming())
}

func (s *Server) serve(ctx context.Context, l net.Listener, t timing) error {
	defer l.Close()
	if err := s.check(l.Addr()); err != nil {
		return fmt.Errorf("serve on %v: %w", l.Addr(), err)
	}
	run := newServing(s, t)
	stopped := ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(stopped, func() {
		cancel(errServerEnds)
		l.Close()
	})
	defer run.wait.Wait()
	defer cancel(errServerEnds)
	defer unhook()

	var pause time.Duration // after a passing failure, such as no file descriptors left
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			run.wait.Go(func() { run.connection(ctx, conn) })
		case stopped.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on %v: %w", l.Addr(), err)
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			run.log.Warn("accept failed, trying again", "in", pause, "error", err)
			select {
			case <-time.After(pause):
			case <-stopped.Done():
			}
		}
	}
}

// check refuses a configuration that would let strangers in.
func (s *Server) check(addr net.Addr) error {
	switch {
	case s.Handler == nil:
		return errors.New("no handler")
	case s.Plain != nil && s.TLS != nil:
		return errors.New("plain TCP and TLS exclude each other")
	case s.Plain != nil:
		return checkLocal(addr)
	case s.TLS == nil || s.Identify == nil:
		return errors.New("TLS needs certificates and a way to identify a console")
	}
	return nil
}

// serving is one run of Serve.
type serving struct {
	server   *Server
	timing   timing
	log      *slog.Logger
	porch    *porch
	refusals *damper // of the log: why connections were refused
	sessions *damper // of the log: sessions that came and went
	consoles *consoles
	wait     sync.WaitGroup
}

func newServing(s *Server, t timing) *serving {
	log := s.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	limits := s.Limits.withDefaults()
	return &serving{
		server:   s,
		timing:   t,
		log:      log,
		porch:    newPorch(limits.Handshakes),
		refusals: &damper{pace: pace{burst: 32, every: time.Second}},
		sessions: &damper{pace: pace{burst: 256, every: 100 * time.Millisecond}},
		consoles: newConsoles(limits),
	}
}

// connection serves one connection from its first byte to its last.
func (r *serving) connection(ctx context.Context, conn net.Conn) {
	log := r.log.With("remote", conn.RemoteAddr().String())
	conn, link, err := r.admit(ctx, conn)
	if err != nil {
		r.refusals.log(log, slog.LevelWarn, "connection refused", "error", err)
		beneath(conn).Close()
		return
	}
	defer r.consoles.leave(link)
	log = log.With("console", link.peer.Name, "id", link.peer.Console, "bulk", link.peer.Bulk)
	tuneSocket(conn)
	m, err := newMux(conn, false, r.timing, log)
	if err != nil {
		log.Error("session refused", "error", err)
		return
	}
	r.sessions.log(log, slog.LevelInfo, "session opened")
	why := r.session(link, m, log, r.recheck(conn))
	r.sessions.log(log, slog.LevelInfo, "session ended", "reason", why)
}

// recheck returns what judges conn again; nil when nothing does.
func (r *serving) recheck(conn net.Conn) func() error {
	secured, ok := conn.(*tls.Conn)
	if !ok || r.server.Recheck == nil {
		return nil
	}
	return func() error { return r.server.Recheck(secured.ConnectionState()) }
}

// await waits until ctx ends, or for what recheck, which may be nil, finds.
func (r *serving) await(ctx context.Context, recheck func() error) error {
	if recheck == nil {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(r.timing.recheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := recheck(); err != nil {
				return Errorf(PermissionDenied, "the agent lets this console in no longer: %w", err)
			}
		}
	}
}

// session serves the streams of one session and says why it ended.
func (r *serving) session(link *link, m mux, log *slog.Logger, recheck func() error) error {
	ctx, cancel := context.WithCancelCause(link.ctx)
	defer cancel(nil)

	var (
		accepting, calls sync.WaitGroup
		mu               sync.Mutex
		ending           bool // no call begins any more; mu
	)
	accepting.Go(func() {
		for rate := r.consoles.limits.callRate(); ; {
			rate.wait(ctx, m.done())
			raw, err := m.accept()
			if err != nil {
				why := m.cause()
				if why == nil {
					why = err
				}
				cancel(Errorf(Unavailable, "the session was lost: %w", why))
				return
			}
			mu.Lock()
			if ending {
				raw.Close()
			} else {
				calls.Go(func() { r.stream(ctx, link, raw, log) })
			}
			mu.Unlock()
		}
	})

	if refused := r.await(ctx, recheck); refused != nil {
		cancel(refused)
	}
	mu.Lock()
	ending = true
	mu.Unlock()
	if !link.peer.Bulk {
		link.console.end(errControlLost)
	}
	ended := make(chan struct{})
	go func() { // ends with the calls, which are waited for below
		defer close(ended)
		calls.Wait()
	}()
	select {
	case <-ended:
	case <-m.done():
	case <-time.After(r.timing.grace):
	}
	m.close()
	accepting.Wait()
	<-ended
	return context.Cause(ctx)
}

func (r *serving) stream(ctx context.Context, link *link, raw muxStream, log *slog.Logger) {
	defer raw.Close()
	if !link.console.begin() {
		r.refuse(raw, link.peer, Errorf(ResourceExhausted, "this console has %d calls running, which is the agent's limit: end some first", link.console.limit))
		return
	}
	defer link.console.finish()
	raw.SetReadDeadline(time.Now().Add(r.timing.request))
	frames := frameReader{r: raw}
	call, err := readRequest(&frames)
	switch {
	case errors.Is(err, io.EOF): // opened and closed: nothing was asked
	case err != nil:
		r.refuse(raw, link.peer, err)
	default:
		raw.SetReadDeadline(time.Time{})
		call.peer = link.peer
		serveCall(ctx, raw, &frames, call, r.server.Handler, r.timing, log)
	}
}

// refuse ends a stream that never became a call.
func (r *serving) refuse(raw muxStream, peer Peer, err error) {
	if r.server.Refused != nil {
		r.server.Refused(peer, err)
	}
	raw.SetWriteDeadline(time.Now().Add(r.timing.grace))
	_ = newFrameWriter(raw, r.timing).finish(endOf(context.Background(), err, 0)) // best effort: the stream is closed next
}
