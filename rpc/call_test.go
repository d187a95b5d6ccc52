package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

type echo struct {
	Text string `cbor:"1,keyasint"`
	N    int    `cbor:"2,keyasint,omitempty"`
}

// testTools is a handler with what the tests need.
func testTools(ctx context.Context, call *Call) error {
	var args echo
	if err := call.Decode(&args); err != nil {
		return err
	}
	switch call.Tool() {
	case "echo":
		return call.Event(args)
	case "count":
		for i := range args.N {
			if err := call.Event(echo{N: i}); err != nil {
				return err
			}
		}
		call.AddDropped(7)
		return nil
	case "data":
		p := bytes.Repeat([]byte{0xa5}, MaxData)
		for range args.N {
			if err := call.Data(p); err != nil {
				return err
			}
		}
		return nil
	case "who":
		p := call.Peer()
		return call.Event(echo{Text: fmt.Sprintf("%s %s bulk=%v", p.Name, p.Role, p.Bulk)})
	case "fail":
		return Errorf(NotFound, "no device %q on this node", args.Text)
	case "raw":
		return fmt.Errorf("read flows of %s: %w", args.Text, io.ErrClosedPipe)
	case "panic":
		panic("boom")
	case "wait":
		if err := call.Event(echo{Text: "waiting"}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}
	return Errorf(Unimplemented, "no tool %q", call.Tool())
}

func TestCall(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		r := start(t, n, testTools)
		s := r.control()

		t.Run("event and end", func(t *testing.T) {
			st := r.call(s, "echo", echo{Text: "hi", N: 3})
			got, err := Recv[echo](st)
			if err != nil || got != (echo{"hi", 3}) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if _, err := st.Next(); err != io.EOF {
				t.Fatalf("end: got %v, want io.EOF", err)
			}
			if _, err := st.Next(); err != io.EOF {
				t.Fatalf("after the end: got %v, want io.EOF again", err)
			}
		})
		t.Run("many events in order, dropped at the end", func(t *testing.T) {
			st := r.call(s, "count", echo{N: 5000})
			for i := range 5000 {
				if got, err := Recv[echo](st); err != nil || got.N != i {
					t.Fatalf("event %d: got %+v, %v", i, got, err)
				}
			}
			if _, err := st.Next(); err != io.EOF {
				t.Fatal(err)
			}
			if st.Dropped() != 7 {
				t.Errorf("dropped %d, want 7", st.Dropped())
			}
		})
		t.Run("data", func(t *testing.T) {
			st := r.call(s, "data", echo{N: 40})
			for i := range 40 {
				m, err := st.Next()
				if err != nil || len(m.Data) != MaxData || m.Event != nil || m.Data[MaxData-1] != 0xa5 {
					t.Fatalf("frame %d: %d bytes, %v", i, len(m.Data), err)
				}
			}
			if _, err := st.Next(); err != io.EOF {
				t.Fatal(err)
			}
		})
		t.Run("typed errors", func(t *testing.T) {
			for tool, want := range map[string]error{
				"fail": ErrNotFound, "raw": ErrInternal, "panic": ErrInternal, "nothing": ErrUnimplemented,
			} {
				_, err := r.call(s, tool, echo{Text: "tap0"}).Next()
				if !errors.Is(err, want) {
					t.Errorf("%s: got %v, want %v", tool, err, want)
				}
				if errors.Is(err, ErrPermissionDenied) {
					t.Errorf("%s: %v matches another code", tool, err)
				}
			}
			_, err := r.call(s, "fail", echo{Text: "tap0"}).Next()
			if err.Error() != `no device "tap0" on this node` {
				t.Errorf("message: %q", err)
			}
		})
		t.Run("unknown argument", func(t *testing.T) {
			_, err := r.call(s, "echo", map[int]int{99: 1}).Next()
			if !errors.Is(err, ErrInvalidArgument) {
				t.Errorf("got %v, want InvalidArgument", err)
			}
		})
		t.Run("64 at once", func(t *testing.T) {
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					st, err := s.Call(context.Background(), "echo", echo{N: i})
					if err != nil {
						t.Error(err)
						return
					}
					defer st.Close()
					if got, err := Recv[echo](st); err != nil || got.N != i {
						t.Errorf("call %d: got %+v, %v", i, got, err)
					}
				})
			}
			wg.Wait()
		})
		eventually(t, "every stream is given back", func() bool { return s.Streams() == 0 })
	})
}

func TestCallerContextCancels(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		ended := make(chan error, 1)
		r := start(t, n, func(ctx context.Context, call *Call) error {
			err := testTools(ctx, call)
			ended <- context.Cause(ctx)
			return err
		})
		s := r.control()
		ctx, cancel := context.WithCancel(context.Background())
		st, err := s.Call(ctx, "wait", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Next(); err != nil {
			t.Fatal(err)
		}
		cancel()
		within(t, 2*time.Second, "the handler's end", func() {
			if why := <-ended; !errors.Is(why, ErrCancelled) {
				t.Errorf("cause %v, want cancelled", why)
			}
		})
		if _, err := st.Next(); !errors.Is(err, context.Canceled) {
			t.Errorf("Next: %v, want context.Canceled", err)
		}
		if _, err := s.Call(ctx, "wait", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Call with a dead context: %v", err)
		}
	})
}

// A context may end at any moment of Call.
func TestContextEndsDuringCall(t *testing.T) {
	r := start(t, networks()[1], testTools)
	s := r.control()
	for range 300 {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		st, err := s.Call(ctx, "wait", nil)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			continue
		}
		for err == nil {
			_, err = st.Next()
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	eventually(t, "every stream is given back", func() bool { return s.Streams() == 0 })
}

func TestServerEndIsTold(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		r := start(t, n, testTools)
		s := r.control()
		st := r.call(s, "wait", nil)
		if _, err := st.Next(); err != nil {
			t.Fatal(err)
		}
		go r.stop()
		_, err := st.Next()
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "stopping") {
			t.Errorf("got %v, want that the agent is stopping", err)
		}
		within(t, 2*time.Second, "the session's end", func() { <-s.Done() })
		if !errors.Is(s.Err(), ErrUnavailable) {
			t.Errorf("session: %v", s.Err())
		}
		if _, err := s.Call(context.Background(), "echo", nil); !errors.Is(err, ErrUnavailable) {
			t.Errorf("call on a lost session: %v", err)
		}
	})
}

func TestOversizedEventIsTheHandlersError(t *testing.T) {
	r := start(t, networks()[1], func(_ context.Context, call *Call) error {
		if err := call.Event(echo{Text: strings.Repeat("x", MaxEvent)}); !errors.Is(err, ErrResourceExhausted) {
			return fmt.Errorf("event: %v", err)
		}
		if err := call.Data(make([]byte, MaxData+1)); !errors.Is(err, ErrResourceExhausted) {
			return fmt.Errorf("data: %v", err)
		}
		return call.Event(echo{Text: "still fine"})
	})
	s := r.control()
	got, err := Recv[echo](r.call(s, "x", nil))
	if err != nil || got.Text != "still fine" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.Call(context.Background(), "x", echo{Text: strings.Repeat("x", MaxRequest)}); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("oversized request: %v", err)
	}
}

func TestSlowReaderBlocksOnlyItself(t *testing.T) {
	overEach(t, func(t *testing.T, n network) {
		r := start(t, n, testTools)
		s := r.control()
		slow := r.call(s, "data", echo{N: 1000}) // 64 MB, never read
		if _, err := slow.Next(); err != nil {
			t.Fatal(err)
		}
		within(t, 5*time.Second, "calls beside a slow reader", func() {
			for i := range 50 {
				if got, err := Recv[echo](r.call(s, "echo", echo{N: i})); err != nil || got.N != i {
					t.Errorf("call %d: %+v, %v", i, got, err)
				}
			}
		})
	})
}
