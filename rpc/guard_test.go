package rpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A peer that sends pings and reads nothing would have yamux keep a goroutine
// for each of them.
func TestPingFloodEndsTheSession(t *testing.T) {
	for _, console := range []bool{true, false} {
		here, there := net.Pipe()
		m, err := newMux(here, console, defaultTiming(), discard)
		if err != nil {
			t.Fatal(err)
		}
		before, most := runtime.NumGoroutine(), 0
		there.SetWriteDeadline(time.Now().Add(3 * time.Second))
		flood := bytes.Repeat(header(yamuxPing, yamuxSYN, 1), 64)
		for range 100 {
			if _, err := there.Write(flood); err != nil {
				break
			}
			most = max(most, runtime.NumGoroutine()-before)
		}
		within(t, 2*time.Second, "the end", func() { <-m.done() })
		if why := m.cause(); !errors.Is(why, ErrResourceExhausted) || !strings.Contains(why.Error(), "pings") {
			t.Errorf("console %v: cause %v, want that the peer floods", console, why)
		}
		if most > 2*pingBurst {
			t.Errorf("console %v: %d goroutines more", console, most)
		}
		m.close()
		there.Close()
	}
}

func TestAgentThatOpensAStream(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	m, err := newMux(here, true, defaultTiming(), discard)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	go drain(there)
	there.SetWriteDeadline(time.Now().Add(3 * time.Second))
	if _, err := there.Write(header(yamuxWindowUpdate, yamuxSYN, 0)); err != nil {
		t.Fatal(err)
	}
	within(t, 2*time.Second, "the end", func() { <-m.done() })
	if why := m.cause(); !errors.Is(why, ErrInvalidArgument) {
		t.Errorf("cause %v, want that an agent opens no streams", why)
	}
}

// However the bytes are cut, a guard counts headers and not what looks like one
// inside a body.
func TestGuardReadsAlong(t *testing.T) {
	ping := header(yamuxPing, yamuxSYN, 7)
	body := bytes.Repeat(ping, 100)
	said := append(header(yamuxData, 0, uint32(len(body))), body...)
	said = append(said, ping...)
	said = append(said, header(yamuxWindowUpdate, yamuxSYN, 1<<20)...)
	said = append(said, ping...)
	for size := 1; size < 40; size++ {
		g := newGuard(false, defaultTiming())
		for part := range slices.Chunk(said, size) {
			if err := g.see(part); err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
		}
		if g.pings.spent != 2 || g.have != 0 || g.body != 0 {
			t.Errorf("pieces of %d: %d pings, %d bytes of a header, %d of a body; want 2, 0, 0", size, g.pings.spent, g.have, g.body)
		}
	}
	g := newGuard(false, defaultTiming())
	huge := header(yamuxData, 0, 0)
	binary.BigEndian.PutUint32(huge[8:], 1<<32-1) // yamux ends the session at this, not the guard
	if err := g.see(append(huge, ping...)); err != nil || g.pings.spent != 0 {
		t.Errorf("inside a huge body: %v, %d pings", err, g.pings.spent)
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{burst: 3, every: time.Second}
		taken := func() (n int) {
			for p.take(time.Now()) {
				n++
			}
			return n
		}
		if n := taken(); n != 3 {
			t.Errorf("%d at once, want 3", n)
		}
		if wait := p.next(time.Now()); wait != time.Second {
			t.Errorf("the next after %v, want 1s", wait)
		}
		time.Sleep(2500 * time.Millisecond)
		if n := taken(); n != 2 {
			t.Errorf("%d after 2.5 s, want 2", n)
		}
		time.Sleep(500 * time.Millisecond)
		if n := taken(); n != 1 {
			t.Errorf("%d half a second later, want 1", n)
		}
		time.Sleep(time.Hour)
		if n := taken(); n != 3 {
			t.Errorf("%d after an hour, want 3", n)
		}
	})
}
