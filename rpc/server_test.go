package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// console returns the pair of sessions of a new console.
func (r *rig) pair() (control, bulk *Session) {
	r.t.Helper()
	id := NewConsoleID()
	return r.session(DialOptions{Console: id}), r.session(DialOptions{Console: id, Bulk: true})
}

// waiting starts a call that lasts until it's cancelled.
func (r *rig) waiting(s *Session) *Stream {
	r.t.Helper()
	st := r.call(s, "wait", nil)
	if _, err := st.Next(); err != nil {
		r.t.Fatalf("a waiting call: %v", err)
	}
	return st
}

func TestPairing(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		causes := make(chan error, 8)
		undo := make(chan struct{})
		timing := defaultTiming()
		r := start(t, n, func(ctx context.Context, call *Call) error {
			if call.Tool() == "undo" { // takes its time after the cancel
				err := call.Event(echo{})
				<-undo
				return err
			}
			err := testTools(ctx, call)
			if call.Tool() == "wait" {
				causes <- context.Cause(ctx)
			}
			return err
		})

		t.Run("bulk needs control", func(t *testing.T) {
			_, err := r.trySession(DialOptions{Console: NewConsoleID(), Bulk: true})
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "control session") {
				t.Errorf("got %v", err)
			}
		})
		t.Run("peer", func(t *testing.T) {
			_, bulk := r.pair()
			got, err := Recv[echo](r.call(bulk, "who", nil))
			if err != nil || !strings.HasSuffix(got.Text, " admin bulk=true") {
				t.Errorf("got %+v, %v", got, err)
			}
		})
		t.Run("losing control cancels everything", func(t *testing.T) {
			control, bulk := r.pair()
			r.waiting(control)
			st := r.waiting(bulk)
			control.Close()
			within(t, 2*time.Second, "both handlers' ends", func() { <-causes; <-causes })
			if _, err := st.Next(); !errors.Is(err, ErrCancelled) {
				t.Errorf("the bulk call: %v", err)
			}
			within(t, 2*time.Second, "the bulk session's end", func() { <-bulk.Done() })
		})
		t.Run("losing control cancels bulk before control's own calls have ended", func(t *testing.T) {
			control, bulk := r.pair()
			undoing := r.call(control, "undo", nil)
			if _, err := undoing.Next(); err != nil {
				t.Fatal(err)
			}
			r.waiting(bulk)
			control.Close()
			within(t, timing.grace/2, "the bulk handler's end", func() { <-causes })
			undo <- struct{}{}
		})
		t.Run("losing bulk ends only its calls", func(t *testing.T) {
			control, bulk := r.pair()
			st := r.waiting(control)
			r.waiting(bulk)
			bulk.Close()
			within(t, 2*time.Second, "the bulk handler's end", func() { <-causes })
			if got, err := Recv[echo](r.call(control, "echo", echo{N: 1})); err != nil || got.N != 1 {
				t.Errorf("control afterwards: %+v, %v", got, err)
			}
			select {
			case why := <-causes:
				t.Errorf("the control call was cancelled: %v", why)
			default:
			}
			st.Close()
			<-causes
		})
		t.Run("the newest wins", func(t *testing.T) {
			id := NewConsoleID()
			old := r.session(DialOptions{Console: id})
			r.waiting(old)
			oldBulk := r.session(DialOptions{Console: id, Bulk: true})
			newBulk := r.session(DialOptions{Console: id, Bulk: true})
			within(t, 2*time.Second, "the replaced bulk session's end", func() { <-oldBulk.Done() })
			r.session(DialOptions{Console: id})
			within(t, 2*time.Second, "the replaced sessions' end", func() { <-old.Done(); <-newBulk.Done() })
			if why := <-causes; !errors.Is(why, ErrCancelled) || !strings.Contains(why.Error(), "newer") {
				t.Errorf("the replaced call's cause: %v", why)
			}
		})
	})
}

// The id alone is not enough: another certificate can't join a console.
func TestPairingNeedsTheSameCertificate(t *testing.T) {
	cs := newConsoles(Limits{}.withDefaults())
	id := NewConsoleID()
	if _, err := cs.join(t.Context(), consoleKey{id: id, cert: fingerprint{1}}, Peer{}); err != nil {
		t.Fatal(err)
	}
	if _, err := cs.join(t.Context(), consoleKey{id: id, cert: fingerprint{2}}, Peer{Bulk: true}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("another certificate joined: %v", err)
	}
	if _, err := cs.join(t.Context(), consoleKey{id: id, cert: fingerprint{1}}, Peer{Bulk: true}); err != nil {
		t.Errorf("the same certificate: %v", err)
	}
}

func TestLimits(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		r := start(t, n, testTools, func(s *Server, _ *timing) {
			s.Limits = Limits{Sessions: 5, PerCertificate: 4, Calls: 3}
		})
		control, bulk := r.pair()
		r.waiting(control)
		first := r.waiting(bulk)
		r.waiting(control)
		_, err := r.call(control, "wait", nil).Next()
		if !errors.Is(err, ErrResourceExhausted) || !strings.Contains(err.Error(), "3 calls") {
			t.Errorf("the fourth call of both sessions: %v", err)
		}
		first.Close()
		eventually(t, "room for a call", func() bool {
			_, err := Recv[echo](r.call(control, "echo", nil))
			return err == nil
		})

		other, _ := r.pair()
		_, err = r.trySession(DialOptions{Console: NewConsoleID()})
		if !errors.Is(err, ErrResourceExhausted) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("the fifth session of one certificate: %v", err)
		}
		other.Close()
		eventually(t, "room for a session", func() bool {
			s, err := r.trySession(DialOptions{Console: NewConsoleID()})
			if err == nil {
				s.Close()
			}
			return err == nil
		})
	})
}

// A console whose certificate is revoked loses its sessions and what runs on them.
func TestRecheckEndsTheSessions(t *testing.T) {
	var revoked atomic.Bool
	ended := make(chan error, 2)
	r := start(t, network{start: startTLS}, func(ctx context.Context, call *Call) error {
		call.Event(echo{})
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return context.Cause(ctx)
	}, func(s *Server, t *timing) {
		t.recheck = 5 * time.Millisecond
		s.Recheck = func(cs tls.ConnectionState) error {
			if revoked.Load() {
				return errors.New(cs.PeerCertificates[0].Subject.CommonName + " is revoked")
			}
			return nil
		}
	})
	control, bulk := r.pair()
	st := r.waiting(control)
	r.waiting(bulk)
	revoked.Store(true)
	within(t, 3*time.Second, "the calls' end", func() { <-ended; <-ended })
	if _, err := st.Next(); !errors.Is(err, ErrPermissionDenied) || !strings.Contains(err.Error(), "alice is revoked") {
		t.Errorf("the console was told %v", err)
	}
	within(t, 3*time.Second, "the sessions' end", func() { <-control.Done(); <-bulk.Done() })
}

// Calls that never reach the handler are told too, for the audit: those over
// the limit and those that can't be read.
func TestRefusedCallsAreTold(t *testing.T) {
	type refusal struct {
		who  string
		code Code
	}
	told := make(chan refusal, 8)
	next := func() (got refusal) {
		t.Helper()
		within(t, 3*time.Second, "telling", func() { got = <-told })
		return got
	}
	r := start(t, network{start: startTLS}, testTools, func(s *Server, _ *timing) {
		s.Limits = Limits{Calls: 1}
		s.Refused = func(p Peer, err error) { told <- refusal{p.Name, CodeOf(err)} }
	})
	m := r.raw()
	first, err := m.open()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(first, "\x01\x00\x00\x00\x07\xa1\x01\x64wait")
	frames := frameReader{r: first}
	if kind, _, err := frames.next(); err != nil || kind != kindEvent {
		t.Fatalf("got kind %d, %v; want an event", kind, err)
	}
	second, err := m.open()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if got, want := next(), (refusal{"alice", ResourceExhausted}); got != want {
		t.Errorf("over the limit: %v, want %v", got, want)
	}
	first.Close()
	eventually(t, "a malformed request that is told", func() bool {
		s, err := m.open()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		io.WriteString(s, "\x01\x00\x00\x00\x02\xff\xff")
		return next() == refusal{"alice", InvalidArgument}
	})
}

// A console that opens calls without end is served them at a pace, so that
// neither the audit nor what streams leave behind grows without bound.
func TestCallsArePaced(t *testing.T) {
	var served atomic.Int64
	r := start(t, network{start: startTLS}, func(ctx context.Context, call *Call) error {
		served.Add(1)
		return nil
	}, func(s *Server, _ *timing) { s.Limits = Limits{Calls: 8, CallRate: 20} })
	m := r.raw()
	began := time.Now()
	for range 14 {
		s, err := m.open()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(s, "\x01\x00\x00\x00\x07\xa1\x01\x64echo")
		s.Close()
	}
	eventually(t, "all calls served", func() bool { return served.Load() == 14 })
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("14 calls took %v; want 8 at once and then 20 a second", took)
	}
}

// raw does what dial does up to yamux, so that a test can break the rules after it.
func (r *rig) raw() *yamuxMux {
	r.t.Helper()
	conn := r.dial(r.t)
	if err := greet(conn, NewConsoleID(), false); err != nil {
		r.t.Fatal(err)
	}
	m, err := newMux(conn, true, r.timing, discard)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(m.close)
	return m
}

func TestHostileConsoles(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		t.Parallel() // it mostly waits
		var served atomic.Int64
		r := start(t, n, func(ctx context.Context, call *Call) error {
			served.Add(1)
			return testTools(ctx, call)
		}, func(s *Server, t *timing) {
			s.Limits.Handshakes = 8
			t.handshake, t.request = 300*time.Millisecond, 200*time.Millisecond
			t.silence, t.write, t.ping = 500*time.Millisecond, 500*time.Millisecond, 100*time.Millisecond
		})
		// healthy has a good console get an answer. Like any console it dials again
		// when it's turned away: with so little time for everything a busy machine
		// alone can be the reason.
		healthy := func(t *testing.T) {
			t.Helper()
			var last error
			defer func() {
				if t.Failed() {
					t.Logf("a good console got %v", last)
				}
			}()
			eventually(t, "a good console's call", func() bool {
				s, err := r.trySession(DialOptions{Console: NewConsoleID()})
				if last = err; err != nil {
					return false
				}
				defer s.Close()
				st, err := s.Call(context.Background(), "echo", echo{N: 1})
				if last = err; err != nil {
					return false
				}
				defer st.Close()
				got, err := Recv[echo](st)
				last = err
				return err == nil && got.N == 1
			})
		}
		// underneath is the connection without TLS.
		underneath := func(t *testing.T) net.Conn {
			conn := beneath(r.dial(t))
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		closed := func(t *testing.T, conn net.Conn) {
			t.Helper()
			within(t, 2*time.Second, "closing a hostile connection", func() { io.Copy(io.Discard, conn) })
		}

		t.Run("silence", func(t *testing.T) {
			conn := underneath(t)
			healthy(t)
			closed(t, conn)
		})
		t.Run("a slow loris", func(t *testing.T) {
			conn := underneath(t)
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for range 200 {
					if _, err := conn.Write([]byte{magic[0]}); err != nil {
						return
					}
					<-tick.C
				}
			}()
			healthy(t)
			closed(t, conn)
			conn.Close()
			<-gone
		})
		t.Run("garbage", func(t *testing.T) {
			for _, text := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("\x16\x03\x01\xff\xff", 20), strings.Repeat("\x00", 64)} {
				conn := underneath(t)
				conn.SetWriteDeadline(time.Now().Add(time.Second))
				io.WriteString(conn, text)
				closed(t, conn)
			}
			healthy(t)
		})
		t.Run("too many connections", func(t *testing.T) {
			var crowd []net.Conn
			for range 40 { // five times the room
				crowd = append(crowd, underneath(t))
			}
			healthy(t)
			for _, conn := range crowd {
				conn.Close()
			}
		})
		t.Run("garbage instead of yamux", func(t *testing.T) {
			conn := r.dial(t)
			if err := greet(conn, NewConsoleID(), false); err != nil {
				t.Fatal(err)
			}
			conn.SetWriteDeadline(time.Now().Add(time.Second))
			io.WriteString(conn, strings.Repeat("\xff", 400))
			closed(t, conn)
			conn.Close()
			healthy(t)
		})
		t.Run("a stream without a request", func(t *testing.T) {
			m := r.raw()
			s, err := m.open()
			if err != nil {
				t.Fatal(err)
			}
			within(t, 2*time.Second, "giving up the stream", func() {
				frames := frameReader{r: s}
				kind, _, err := frames.next()
				if err != nil || kind != kindEnd {
					t.Errorf("got kind %d, %v; want an end", kind, err)
				}
			})
			healthy(t)
		})
		t.Run("malformed frames", func(t *testing.T) {
			before := served.Load()
			m := r.raw()
			for name, frame := range map[string]string{
				"unknown kind":       "\x09\x00\x00\x00\x00",
				"too long":           "\x01\xff\xff\xff\xff",
				"an event first":     "\x02\x00\x00\x00\x01\xa0",
				"not CBOR":           "\x01\x00\x00\x00\x02\xff\xff",
				"no tool":            "\x01\x00\x00\x00\x01\xa0",
				"duplicate keys":     "\x01\x00\x00\x00\x07\xa2\x01\x61a\x01\x61b",
				"indefinite length":  "\x01\x00\x00\x00\x05\xbf\x01\x61a\xff",
				"bytes after it":     "\x01\x00\x00\x00\x05\xa1\x01\x61a\x00",
				"ignorable, too big": "\x80\x7f\xff\xff\xff",
			} {
				s, err := m.open()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if _, err := io.WriteString(s, frame); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				within(t, 2*time.Second, name, func() {
					frames := frameReader{r: s}
					if kind, _, err := frames.next(); err != nil || kind != kindEnd {
						t.Errorf("%s: got kind %d, %v; want an end", name, kind, err)
					}
				})
				s.Close()
			}
			if served.Load() != before {
				t.Error("a malformed request reached the handler")
			}
			healthy(t)
		})
		t.Run("an ignorable frame", func(t *testing.T) {
			m := r.raw()
			s, err := m.open()
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(s, "\x81\x00\x00\x00\x03abc\x01\x00\x00\x00\x07\xa1\x01\x64echo")
			frames := frameReader{r: s}
			if kind, _, err := frames.next(); err != nil || kind != kindEvent {
				t.Errorf("got kind %d, %v; want the event", kind, err)
			}
		})
		t.Run("a frame after the request", func(t *testing.T) {
			m := r.raw()
			s, err := m.open()
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(s, "\x01\x00\x00\x00\x07\xa1\x01\x64wait"+"\x03\x00\x00\x00\x01x")
			frames := frameReader{r: s}
			for {
				kind, payload, err := frames.next()
				if err != nil {
					t.Fatal(err)
				}
				if kind == kindEnd {
					var e end
					if err := Decode(payload, &e); err != nil || e.Code != InvalidArgument {
						t.Errorf("end: %+v, %v", e, err)
					}
					break
				}
			}
		})
		t.Run("a peer that never reads", func(t *testing.T) {
			conn := r.dial(t)
			if err := greet(conn, NewConsoleID(), false); err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			// Stream 1: open, ask for more data than any buffer holds, and say
			// a ping now and then so that silence is not the reason.
			ask := "\x01\x00\x00\x00\x0f\xa2\x01\x64data\x02\xa1\x02\x1a\x00\x01\x00\x00"
			before := served.Load()
			io.WriteString(conn, string(header(yamuxWindowUpdate, 1, 64<<20))+string(header(yamuxData, 0, uint32(len(ask))))+ask)
			eventually(t, "the call is served", func() bool { return served.Load() > before })
			gave := make(chan struct{})
			go func() {
				defer close(gave)
				tick := time.NewTicker(50 * time.Millisecond)
				defer tick.Stop()
				for {
					ping := header(2, 1, 7)
					clear(ping[4:8])
					conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
					if _, err := conn.Write(ping); err != nil {
						return
					}
					<-tick.C
				}
			}()
			healthy(t)
			within(t, 5*time.Second, "giving up a peer that never reads", func() { <-gave })
		})
	})
}

// Strangers can't flood the log, and with it push out the audit.
func TestLogIsDamped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		d := newServing(&Server{}, defaultTiming()).refusals
		for range 1000 {
			d.log(log, slog.LevelWarn, "connection refused", "error", "no")
		}
		if n := strings.Count(out.String(), "connection refused"); n != 32 {
			t.Errorf("%d lines of 1000, want 32", n)
		}
		time.Sleep(time.Second)
		d.log(log, slog.LevelWarn, "connection refused")
		if want := "unlogged=968"; !strings.Contains(out.String(), want) {
			t.Errorf("no %s in what follows", want)
		}
	})
}

func TestPorchPushesOutTheCrowd(t *testing.T) {
	p := newPorch(3)
	from := func(ip string, port int) *visitorConn {
		return &visitorConn{addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: port}}
	}
	good := from("10.0.0.1", 1)
	leave := p.enter(good)
	var crowd []*visitorConn
	for i := range 10 {
		c := from("2001:db8::"+fmt.Sprint(i+1), 2) // one /64
		crowd = append(crowd, c)
		p.enter(c)
	}
	if good.closed {
		t.Error("a crowd from one place pushed out somebody else")
	}
	for i, c := range crowd {
		if want := i < 8; c.closed != want {
			t.Errorf("visitor %d of the crowd: closed %v, want %v", i, c.closed, want)
		}
	}
	leave()
	if len(p.waiting) != 2 {
		t.Errorf("%d wait, want 2", len(p.waiting))
	}
}

type visitorConn struct {
	net.Conn
	addr   net.Addr
	closed bool
}

func (c *visitorConn) RemoteAddr() net.Addr { return c.addr }
func (c *visitorConn) Close() error         { c.closed = true; return nil }

// failingListener fails a few times as a machine without file descriptors does.
type failingListener struct {
	net.Listener
	failures atomic.Int32
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAcceptGoesOn(t *testing.T) {
	r := start(t, network{start: func(t testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) {
		l, dial, server := startTCP(t)
		failing := &failingListener{Listener: l}
		failing.failures.Store(3)
		return failing, dial, server
	}}, testTools)
	if got, err := Recv[echo](r.call(r.control(), "echo", echo{N: 2})); err != nil || got.N != 2 {
		t.Errorf("after failures of accept: %+v, %v", got, err)
	}
}

func TestPlainIsLocalAndExplicit(t *testing.T) {
	far := &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 9698}
	for _, tt := range []struct {
		addr net.Addr
		ok   bool
	}{
		{&net.UnixAddr{Name: "/run/x"}, true},
		{&net.TCPAddr{IP: net.ParseIP("127.0.0.1")}, true},
		{&net.TCPAddr{IP: net.IPv6loopback}, true},
		{&net.TCPAddr{IP: net.IPv4zero}, false},
		{&net.TCPAddr{}, false},
		{far, false},
		{nil, false},
	} {
		if err := checkLocal(tt.addr); (err == nil) != tt.ok {
			t.Errorf("%v: %v", tt.addr, err)
		}
	}
	here, there := net.Pipe()
	defer there.Close()
	if _, err := Dial(t.Context(), here, DialOptions{}); !errors.Is(err, ErrPermissionDenied) {
		t.Errorf("dial without TLS and without asking: %v", err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	for name, server := range map[string]Server{
		"plain on every address": {Plain: &Peer{}, Handler: handlerFunc(testTools)},
		"nothing":                {Handler: handlerFunc(testTools)},
		"no identity":            {TLS: &tls.Config{}, Handler: handlerFunc(testTools)},
		"both":                   {TLS: &tls.Config{}, Plain: &Peer{}, Handler: handlerFunc(testTools)},
		"no handler":             {Plain: &Peer{}},
	} {
		if err := server.Serve(t.Context(), l); err == nil {
			t.Errorf("%s: served", name)
		}
	}
}

// A server whose TLS configuration forgets to ask for certificates lets nobody in.
func TestUnverifiedConsoleIsRefused(t *testing.T) {
	r := start(t, network{start: func(t testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) {
		l, dial, server := startTLS(t)
		server.TLS.ClientAuth = tls.RequestClientCert
		return l, dial, server
	}}, testTools)
	if s, err := r.trySession(DialOptions{Console: NewConsoleID()}); err == nil {
		s.Close()
		t.Error("a console that nobody verified was let in")
	}
}

func TestDialIsInterrupted(t *testing.T) {
	l := listen(t)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		cancel() // it's connected, and will never be answered
		io.Copy(io.Discard, conn)
		conn.Close()
	})
	within(t, 2*time.Second, "an interrupted dial", func() {
		if _, err := Dial(ctx, dialTCP(t, l), DialOptions{Plain: true}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	wg.Wait()
}
