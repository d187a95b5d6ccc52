package tools

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestCompiledOnce has many captures begin together with two different filters.
func TestCompiledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Compiled
		var runs atomic.Int32
		var captures sync.WaitGroup
		for i := range 10 {
			captures.Go(func() {
				prog, err := c.do(t.Context(), []string{"icmp", "arp"}[i%2], dltEthernet, func() (program, error) {
					runs.Add(1)
					time.Sleep(time.Second)
					return returns(uint32(1 + i%2)), nil
				})
				if err != nil || len(prog) != 1 || prog[0].K != uint32(1+i%2) {
					t.Errorf("capture %d has %v, %v", i, prog, err)
				}
			})
		}
		captures.Wait()
		if n := runs.Load(); n != 2 {
			t.Errorf("tcpdump ran %d times for two filters", n)
		}
		if _, err := c.do(t.Context(), "icmp", dltRaw, func() (program, error) { runs.Add(1); return nil, nil }); err != nil || runs.Load() != 3 {
			t.Error("plain IP has the program of Ethernet")
		}
	})
}

// TestCompiledAgain: what failed for one is tried by the next, and who waits can
// give up.
func TestCompiledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Compiled
		var captures sync.WaitGroup
		slow := errors.New("too slow")
		captures.Go(func() {
			if _, err := c.do(t.Context(), "icmp", dltEthernet, func() (program, error) { time.Sleep(time.Second); return nil, slow }); !errors.Is(err, slow) {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.do(impatient, "icmp", dltEthernet, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up: %v", err)
		}
		if prog, err := c.do(t.Context(), "icmp", dltEthernet, func() (program, error) { return returns(7), nil }); err != nil || len(prog) != 1 {
			t.Errorf("the next: %v, %v", prog, err)
		}
		captures.Wait()
	})
}

func TestCompiledIsBounded(t *testing.T) {
	var c Compiled
	for i := range 3 * maxCompiled {
		text := fmt.Sprintf("port %d", i)
		for range 2 {
			if _, err := c.do(t.Context(), text, dltEthernet, func() (program, error) { return returns(1), nil }); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.do(t.Context(), "icmp", dltEthernet, func() (program, error) {
			if i > 0 {
				t.Fatal("what is asked for again and again is forgotten")
			}
			return returns(1), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.list) != maxCompiled {
		t.Errorf("%d programs are remembered, want %d", len(c.list), maxCompiled)
	}
}
