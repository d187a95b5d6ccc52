package rpc

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// maxPending is how many bytes wait in a line before its writer does; two of
// the largest frames and some.
const maxPending = 192 << 10

// What a line must know of yamux's header (12 bytes: version, type, flags 2,
// stream 4, length 4; its spec.md) to tell whether more bytes follow at once.
const (
	yamuxHeader       = 12
	yamuxData         = 0
	yamuxWindowUpdate = 1
	yamuxSYNorACK     = 1 | 2
)

// line is the connection as yamux sees it. It mends two things, and has a
// [guard] look at what comes.
//
// yamux writes the 12 bytes of a header and then the body, each of which would
// become a TLS record. A line collects what is written while the connection is
// busy, and holds a header until its body is there (and the opening of a stream
// until its first frame, for timing.hold at most). So a small frame is one
// record, and many small frames under load are one as well.
//
// A peer that died without a word is noticed: each side pings, so one that is
// alive is heard of in timing.silence. Likewise a peer that takes no bytes for
// timing.write is given up.
type line struct {
	net.Conn
	timing timing

	mu      sync.Mutex
	cond    sync.Cond // a change of any field below
	pending []byte    // written by yamux, not yet by us
	due     bool      // pending should go out as soon as the connection is free
	torn    bool      // pending ends in a header whose body comes with the next Write
	closing bool
	err     error // what ended the line; sticky

	timer   *time.Timer   // makes due what was held too long
	flushed chan struct{} // closed when the flusher has ended

	// The reader's alone.
	armed time.Time // when the read deadline was last moved
	guard guard
}

func newLine(conn net.Conn, console bool, t timing) *line {
	l := &line{Conn: conn, timing: t, guard: newGuard(console, t), flushed: make(chan struct{})}
	l.cond.L = &l.mu
	l.timer = time.AfterFunc(time.Hour, l.release)
	l.timer.Stop()
	go l.flush()
	return l
}

// Write hands p to the flusher. It waits only while maxPending bytes are before it.
func (l *line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) >= maxPending && l.err == nil && !l.closing {
		l.cond.Wait()
	}
	if l.err != nil {
		return 0, l.err
	}
	if l.closing {
		return 0, net.ErrClosed
	}
	body := l.torn
	l.torn = false
	l.pending = append(l.pending, p...)
	switch {
	case !body && isHeader(p) && p[1] == yamuxData && binary.BigEndian.Uint32(p[8:]) > 0:
		l.torn = true
	case !body && isHeader(p) && p[1] == yamuxWindowUpdate && binary.BigEndian.Uint16(p[2:])&yamuxSYNorACK != 0:
		if !l.due {
			l.timer.Reset(l.timing.hold)
		}
	default:
		l.due = true
		l.cond.Broadcast()
	}
	return len(p), nil
}

func isHeader(p []byte) bool { return len(p) == yamuxHeader && p[0] == 0 }

// release is the timer's: what was held has waited long enough.
func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 0 {
		l.due = true
		l.cond.Broadcast()
	}
}

// flush writes what is due until the line closes or fails.
func (l *line) flush() {
	defer close(l.flushed)
	var out []byte
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for (!l.due || l.torn) && !l.closing && l.err == nil {
			l.cond.Wait()
		}
		if l.err != nil || len(l.pending) == 0 && l.closing {
			return
		}
		out, l.pending = l.pending, out[:0]
		l.due = false
		limit := l.timing.write
		if l.closing {
			limit = l.timing.linger
		}
		l.cond.Broadcast()
		l.mu.Unlock()
		l.Conn.SetWriteDeadline(time.Now().Add(limit))
		_, err := l.Conn.Write(out)
		l.mu.Lock()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = Errorf(Unavailable, "the peer took nothing for %v", limit)
			}
			l.fail(err)
			beneath(l.Conn).Close() // wakes the reader
			return
		}
	}
}

// Read reads from the connection, for timing.silence at most.
func (l *line) Read(p []byte) (int, error) {
	// Moving a deadline costs more than reading a small record, so it is moved
	// now and then only.
	if now := time.Now(); now.Sub(l.armed) > l.timing.silence/16 {
		l.Conn.SetReadDeadline(now.Add(l.timing.silence))
		l.armed = now
	}
	n, err := l.Conn.Read(p)
	if bad := l.guard.see(p[:n]); bad != nil {
		n, err = 0, bad
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = Errorf(Unavailable, "the peer said nothing for %v", l.timing.silence)
		}
		l.mu.Lock()
		l.fail(err)
		l.mu.Unlock()
	}
	return n, err
}

// fail notes why the line ended. l.mu is held.
func (l *line) fail(err error) {
	if l.err == nil && !l.closing {
		l.err = err
	}
	l.cond.Broadcast()
}

// cause says why the line ended, nil when this side closed it.
func (l *line) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close writes what is pending, for timing.linger at most, and closes the
// connection. It returns when the flusher has ended.
func (l *line) Close() error {
	l.mu.Lock()
	first := !l.closing
	l.closing = true
	l.timer.Stop()
	l.cond.Broadcast()
	l.mu.Unlock()
	if first {
		// A Write that is under way gets the shorter limit too.
		l.Conn.SetWriteDeadline(time.Now().Add(l.timing.linger))
	}
	<-l.flushed
	// TLS says goodbye, and would wait 5 s for a peer that does not listen.
	last := time.AfterFunc(l.timing.linger, func() { beneath(l.Conn).Close() })
	defer last.Stop()
	return l.Conn.Close()
}
