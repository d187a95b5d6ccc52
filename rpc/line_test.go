package rpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sink is a connection that records each write. It has no peer.
type sink struct {
	net.Conn // for the methods that no test calls

	mu     sync.Mutex
	writes [][]byte
	stall  chan struct{} // a write waits until it's closed, nil: none does
	closed chan struct{}
}

func newSink() *sink { return &sink{closed: make(chan struct{})} }

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.writes = append(s.writes, bytes.Clone(p))
	stall := s.stall
	s.mu.Unlock()
	if stall != nil {
		<-stall
	}
	return len(p), nil
}

func (s *sink) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.writes
	s.writes = nil
	return w
}

func (s *sink) Read([]byte) (int, error)         { <-s.closed; return 0, io.EOF }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }
func (s *sink) SetReadDeadline(time.Time) error  { return nil }
func (s *sink) Close() error                     { close(s.closed); return nil }

// header is a header of yamux's.
func header(kind byte, flags uint16, length uint32) []byte {
	b := make([]byte, yamuxHeader)
	b[1] = kind
	binary.BigEndian.PutUint16(b[2:], flags)
	binary.BigEndian.PutUint32(b[4:], 1)
	binary.BigEndian.PutUint32(b[8:], length)
	return b
}

// onLine runs body with a line in a bubble, where time passes only when
// everything waits.
func onLine(t *testing.T, body func(t *testing.T, l *line, s *sink)) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink()
		l := newLine(s, false, defaultTiming())
		body(t, l, s)
		l.Close()
	})
}

func write(t *testing.T, l *line, parts ...[]byte) {
	t.Helper()
	for _, p := range parts {
		if n, err := l.Write(p); n != len(p) || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
		synctest.Wait()
	}
}

func TestLineHoldsAHeaderForItsBody(t *testing.T) {
	onLine(t, func(t *testing.T, l *line, s *sink) {
		write(t, l, header(yamuxData, 0, 5))
		if w := s.take(); len(w) != 0 {
			t.Fatalf("the header went alone: %x", w)
		}
		write(t, l, []byte("hello"))
		if w := s.take(); len(w) != 1 || len(w[0]) != yamuxHeader+5 {
			t.Fatalf("got %d writes %x, want one", len(w), w)
		}
		// A body that looks like a header is none.
		write(t, l, header(yamuxData, 0, yamuxHeader), header(yamuxData, 0, 99))
		if w := s.take(); len(w) != 1 || len(w[0]) != 2*yamuxHeader {
			t.Fatalf("got %d writes %x, want one", len(w), w)
		}
	})
}

func TestLineHoldsAnOpeningForItsFirstFrame(t *testing.T) {
	onLine(t, func(t *testing.T, l *line, s *sink) {
		write(t, l, header(yamuxWindowUpdate, 1, 0), header(yamuxData, 0, 2), []byte("hi"))
		if w := s.take(); len(w) != 1 || len(w[0]) != 2*yamuxHeader+2 {
			t.Fatalf("got %d writes, want one", len(w))
		}
		write(t, l, header(yamuxWindowUpdate, 2, 0))
		time.Sleep(19 * time.Millisecond)
		if w := s.take(); len(w) != 0 {
			t.Fatalf("written before its time: %x", w)
		}
		time.Sleep(2 * time.Millisecond)
		if w := s.take(); len(w) != 1 {
			t.Fatalf("%d writes after 21 ms, want 1", len(w))
		}
		write(t, l, header(yamuxWindowUpdate, 4, 0)) // a close is never held
		if w := s.take(); len(w) != 1 {
			t.Fatalf("%d writes after a close, want 1", len(w))
		}
	})
}

func TestLineCollectsWhileBusy(t *testing.T) {
	onLine(t, func(t *testing.T, l *line, s *sink) {
		s.stall = make(chan struct{})
		write(t, l, []byte("first"))
		for range 100 {
			write(t, l, []byte("0123456789"))
		}
		close(s.stall)
		s.mu.Lock()
		s.stall = nil
		s.mu.Unlock()
		synctest.Wait()
		if w := s.take(); len(w) != 2 || len(w[1]) != 1000 {
			t.Fatalf("%d writes, want the first and one with all the others", len(w))
		}
	})
}

func TestLineIsBounded(t *testing.T) {
	onLine(t, func(t *testing.T, l *line, s *sink) {
		s.stall = make(chan struct{})
		write(t, l, []byte("first"), make([]byte, maxPending))
		blocked := make(chan error, 1)
		go func() {
			_, err := l.Write([]byte("more"))
			blocked <- err
		}()
		synctest.Wait()
		select {
		case err := <-blocked:
			t.Fatalf("a write beyond the bound did not wait: %v", err)
		default:
		}
		close(s.stall)
		if err := <-blocked; err != nil {
			t.Errorf("after the bound: %v", err)
		}
	})
}

func TestLineCloseWritesWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink()
		l := newLine(s, false, defaultTiming())
		write(t, l, header(yamuxWindowUpdate, 2, 0)) // held
		l.Close()
		if w := s.take(); len(w) != 1 {
			t.Errorf("%d writes, want the one that was held", len(w))
		}
		if _, err := l.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a write after Close: %v", err)
		}
	})
}

// The bounds on a peer of a line, without yamux's own on top.
func TestLineGivesUpADeadPeer(t *testing.T) {
	for name, use := range map[string]func(*line) error{
		"takes nothing": func(l *line) error {
			_, err := l.Write([]byte("x"))
			<-l.flushed
			return err
		},
		"says nothing": func(l *line) error {
			_, err := l.Read(make([]byte, 1))
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("says nothing: Read returned %v", err)
			}
			return nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			defer there.Close()
			l := newLine(here, false, defaultTiming())
			defer l.Close()
			began := time.Now()
			if err := use(l); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < 8*time.Second || took > 10*time.Second {
				t.Errorf("a peer that %s was given up after %v", name, took)
			}
			if err := l.cause(); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "nothing for 9s") {
				t.Errorf("a peer that %s: %v", name, err)
			}
		})
	}
}

// A peer that vanished without a word: no FIN, no RST, nothing.
func TestDeadPeerIsNoticed(t *testing.T) {
	short := defaultTiming()
	if short.silence > 10*time.Second || short.write > 10*time.Second || 3*short.ping > short.silence {
		t.Errorf("a dead peer is not noticed within 10 s: %+v", short)
	}
	short.silence, short.ping, short.write = 500*time.Millisecond, 50*time.Millisecond, 500*time.Millisecond
	overEach(t, func(t *testing.T, n network) {
		t.Parallel() // it mostly waits
		r := start(t, n, testTools, func(_ *Server, set *timing) { *set = short })
		cut := make(chan struct{})
		r.dial = cutting(r.dial, cut)
		s := r.control()
		st := r.call(s, "wait", nil)
		if _, err := st.Next(); err != nil {
			t.Fatal(err)
		}
		// While the peer is silent but alive, nothing happens.
		select {
		case <-s.Done():
			t.Fatalf("a live peer was given up: %v", s.Err())
		case <-time.After(short.silence * 5 / 4):
		}
		close(cut)
		within(t, 2*time.Second, "noticing", func() { <-s.Done() })
		if err := s.Err(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("session: %v", err)
		}
		if _, err := st.Next(); !errors.Is(err, ErrUnexpectedEnd) {
			t.Errorf("call: %v, want an unexpected end", err)
		}
	})
}

// cutting makes connections that lose every byte, both ways, once cut is closed.
func cutting(dial func(testing.TB) net.Conn, cut <-chan struct{}) func(testing.TB) net.Conn {
	return func(t testing.TB) net.Conn {
		return lossy{dial(t), cut}
	}
}

type lossy struct {
	net.Conn
	cut <-chan struct{}
}

func (c lossy) gone() bool {
	select {
	case <-c.cut:
		return true
	default:
		return false
	}
}

func (c lossy) Write(p []byte) (int, error) {
	if c.gone() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c lossy) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n == 0 || !c.gone() {
			return n, err
		}
	}
}
