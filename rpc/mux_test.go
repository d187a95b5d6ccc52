package rpc

import (
	"net"
	"strings"
	"testing"
	"time"
)

// What ended a session is told in words that fit, also where yamux keeps its
// reason to itself.
func TestCauseOfAnEnd(t *testing.T) {
	timing := defaultTiming()
	timing.ping, timing.write = 20*time.Millisecond, 200*time.Millisecond
	for _, tt := range []struct {
		name string
		peer func(net.Conn) // its side, until the connection ends
		want string
	}{
		{"garbage", func(c net.Conn) { c.Write([]byte(strings.Repeat("\xff", 12))); drain(c) }, "broke the rules of yamux: invalid protocol version"},
		{"close", func(c net.Conn) { c.Close() }, "closed the connection"},
		{"says much, answers nothing", func(c net.Conn) {
			go drain(c)
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				answer := header(2, 2, 1<<30) // to a ping that nobody sent
				clear(answer[4:8])
				if _, err := c.Write(answer); err != nil {
					return
				}
				<-tick.C
			}
		}, "answered no ping"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			here, there := net.Pipe()
			done := make(chan struct{})
			go func() { defer close(done); tt.peer(there) }()
			m, err := newMux(here, true, timing, discard)
			if err != nil {
				t.Fatal(err)
			}
			within(t, 3*time.Second, "the end", func() { <-m.done() })
			if why := m.cause(); why == nil || !strings.Contains(why.Error(), tt.want) {
				t.Errorf("cause %v, want %q", why, tt.want)
			}
			m.close()
			<-done
		})
	}
}

func drain(c net.Conn) {
	buf := make([]byte, 1024)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}
