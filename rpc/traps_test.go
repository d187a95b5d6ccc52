package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/yamux"
)

// Each of yamux's traps that spec.md lists has its test here. Every one was
// seen failing with its mend removed; the comment says which line that is.

// Trap 1: a peer's Close is half a close. A handler that writes fills the
// window and hangs. (serveCall: without the watcher, or without the past
// write deadline, the handler never ends.)
func TestTrap1CallersCloseEndsABlockedWriter(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		type outcome struct {
			err, cause error
		}
		ended := make(chan outcome, 1)
		var sent atomic.Int64
		r := start(t, n, func(ctx context.Context, call *Call) error {
			p := make([]byte, MaxData)
			for {
				if err := call.Data(p); err != nil {
					ended <- outcome{err, context.Cause(ctx)}
					return err
				}
				sent.Add(1)
			}
		})
		st := r.call(r.control(), "flood", nil)
		if _, err := st.Next(); err != nil {
			t.Fatal(err)
		}
		waitUntilStuck(t, &sent)
		st.Close()
		within(t, time.Second, "the handler's end", func() {
			got := <-ended
			if got.cause != errCallerClosed || !errors.Is(got.err, ErrCancelled) {
				t.Errorf("Data returned %v, the cause is %v; want that the caller closed", got.err, got.cause)
			}
		})
	})
}

// waitUntilStuck returns when n has stopped rising: the writer is blocked.
func waitUntilStuck(t *testing.T, n *atomic.Int64) {
	t.Helper()
	last, since := n.Load(), time.Now()
	eventually(t, "a full window", func() bool {
		if now := n.Load(); now != last {
			last, since = now, time.Now()
		}
		return last > 0 && time.Since(since) > 50*time.Millisecond
	})
}

// Trap 2: one's own Close does not wake one's own Read. (yamuxStream.Close:
// without the past deadline Next sleeps on.)
func TestTrap2OwnCloseWakesNext(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		release := make(chan struct{})
		r := start(t, n, func(context.Context, *Call) error {
			<-release // not even the caller's close makes the agent answer
			return nil
		})
		defer close(release)
		st := r.call(r.control(), "silent", nil)
		woken := make(chan error, 1)
		go func() {
			_, err := st.Next()
			woken <- err
		}()
		st.Close()
		within(t, time.Second, "waking Next", func() {
			if err := <-woken; !errors.Is(err, ErrCancelled) {
				t.Errorf("Next: %v, want cancelled", err)
			}
		})
	})
}

// Trap 3: after ErrConnectionWriteTimeout the message is still queued and the
// peer may wait for the rest of it for ever. (yamuxMux.check: without it the
// session stays open.)
func TestTrap3WriteTimeoutEndsTheSession(t *testing.T) {
	here, there := net.Pipe() // nobody reads there
	defer there.Close()
	timing := defaultTiming()
	timing.ping, timing.linger = time.Hour, time.Millisecond
	m := testMux(t, here, timing, func(c *yamux.Config) { c.ConnectionWriteTimeout = 50 * time.Millisecond })
	var streams []muxStream
	for range 4 { // more than a line holds back
		s, err := m.open()
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	var wg sync.WaitGroup
	timeouts := make(chan error, len(streams))
	for _, s := range streams {
		wg.Go(func() {
			_, err := s.Write(make([]byte, 200<<10))
			timeouts <- err
		})
	}
	within(t, 3*time.Second, "the session's end", func() { <-m.done() })
	wg.Wait()
	if err := m.cause(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("cause %v, want that the peer took nothing", err)
	}
}

// testMux is newMux with a hand on yamux's configuration.
func testMux(t *testing.T, conn net.Conn, timing timing, change func(*yamux.Config)) *yamuxMux {
	t.Helper()
	config := yamuxConfig(true, timing, discard)
	change(config)
	line := newLine(conn, true, timing)
	session, err := yamux.Client(line, config)
	if err != nil {
		t.Fatal(err)
	}
	m := &yamuxMux{session: session, line: line}
	t.Cleanup(m.close)
	return m
}

// Trap 4: yamux writes header and body apart, which makes two TLS records of
// each small write. (line.Write: without the hold the opening of a stream
// travels alone. That header and body stay together is left to chance here and
// made sure of by TestLineHoldsAHeaderForItsBody.)
func TestTrap4ASmallWriteIsOneRecord(t *testing.T) {
	records := &recorder{}
	r := start(t, network{start: func(t testing.TB) (net.Listener, func(testing.TB) net.Conn, Server) {
		l, dial, server := startTCP(t)
		return l, func(t testing.TB) net.Conn { return recorded{dial(t), records} }, server
	}}, testTools, func(_ *Server, t *timing) { t.hold = time.Second }) // on a busy machine 20 ms may pass between two steps
	s := r.control()
	for range 20 {
		records.reset()
		st := r.call(s, "wait", echo{Text: "small"})
		if _, err := st.Next(); err != nil {
			t.Fatal(err)
		}
		// Opening the stream, its header and the request: one write.
		out, in := records.get()
		if out != 1 {
			t.Errorf("a request took %d writes, want 1", out)
		}
		// The stream's acknowledgement, the header and the event: one read.
		if in != 1 {
			t.Errorf("an event took %d reads, want 1", in)
		}
		st.Close()
		eventually(t, "both sides' closes have passed", func() bool {
			out, in := records.get()
			return out >= 2 && in >= 2
		})
	}
}

// recorder counts writes, and reads that brought something, of a connection.
type recorder struct{ out, in atomic.Int64 }

func (r *recorder) reset()             { r.out.Store(0); r.in.Store(0) }
func (r *recorder) get() (out, in int) { return int(r.out.Load()), int(r.in.Load()) }

type recorded struct {
	net.Conn
	*recorder
}

func (c recorded) Write(p []byte) (int, error) {
	c.out.Add(1)
	return c.Conn.Write(p)
}

func (c recorded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.in.Add(1)
	}
	return n, err
}

// Trap 5: yamux's global pool of timers does not go with testing/synctest, so
// that only mux.go may know it. (Import yamux anywhere else to see it fail.)
func TestTrap5OnlyTheMuxKnowsYamux(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file == "mux.go" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), `"github.com/hashicorp/yamux"`) {
			t.Errorf("%s imports yamux", file)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports " "}}`, "./pki", "./fleet").Output()
	if err != nil || strings.Contains(string(out), "yamux") {
		t.Errorf("a package beside rpc imports yamux: %s%v", out, err)
	}
}

// Trap 6: yamux keeps a half-closed stream for five minutes. (yamuxConfig:
// without StreamCloseTimeout the stream stays.)
func TestTrap6HalfClosedStreamsAreForgotten(t *testing.T) {
	if fin := defaultTiming().fin; fin > 10*time.Second {
		t.Errorf("half-closed streams are kept for %v", fin)
	}
	here, there := net.Pipe()
	timing := defaultTiming()
	timing.fin = 50 * time.Millisecond
	client, err := newMux(here, true, timing, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer client.close()
	server, err := newMux(there, false, timing, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	s, err := client.open()
	if err != nil {
		t.Fatal(err)
	}
	peer, err := server.accept()
	if err != nil {
		t.Fatal(err)
	}
	s.Close() // and the peer never does
	eventually(t, "the stream is forgotten", func() bool { return client.session.NumStreams() == 0 })
	within(t, time.Second, "the peer's end", func() {
		for {
			if _, err := peer.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
				return // reset
			}
		}
	})
}
