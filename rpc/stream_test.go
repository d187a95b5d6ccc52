package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// agentThat is a session to an agent that answers a call with bytes of its own
// and closes the stream.
func agentThat(t *testing.T, says string) *Session {
	t.Helper()
	here, there := net.Pipe()
	timing := defaultTiming()
	agent, err := newMux(there, false, timing, discard)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for {
			raw, err := agent.accept()
			if err != nil {
				return
			}
			frames := frameReader{r: raw}
			frames.next()
			io.WriteString(raw, says)
			raw.Close()
		}
	}()
	m, err := newMux(here, true, timing, discard)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(m, timing)
	t.Cleanup(func() {
		s.Close()
		agent.close()
		<-answered
	})
	return s
}

func TestAnswersThatBreakTheRules(t *testing.T) {
	event := "\x02\x00\x00\x00\x01\xa0"
	for _, tt := range []struct {
		name, says string
		messages   int
		want       string
	}{
		{"nothing", "", 0, "without an end"},
		{"an event and nothing", event, 1, "without an end"},
		{"a cut event", event + event[:4], 1, "without an end"},
		{"a cut payload", "\x03\x00\x00\x01\x00abc", 0, "without an end"},
		{"a request", "\x01\x00\x00\x00\x01\xa0", 0, "frame of kind 1"},
		{"an unknown kind", "\x10\x00\x00\x00\x00", 0, "unknown kind 0x10"},
		{"a huge frame", "\x03\x00\x01\x00\x01", 0, "at most 65536"},
		{"a malformed end", "\x04\x00\x00\x00\x01\xff", 0, "malformed end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, err := agentThat(t, tt.says).Call(t.Context(), "links", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			for range tt.messages {
				if _, err := st.Next(); err != nil {
					t.Fatal(err)
				}
			}
			_, err = st.Next()
			if !errors.Is(err, ErrUnexpectedEnd) || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "links: ") {
				t.Errorf("got %v, want an unexpected end that says %q", err, tt.want)
			}
			if _, again := st.Next(); again != err {
				t.Errorf("then %v", again)
			}
		})
	}
}

func TestAnswersOfANewerAgent(t *testing.T) {
	var says bytes.Buffer
	putFrame(&says, 0x90, []byte("something to come"))
	putFrame(&says, kindEvent, []byte("\xa2\x01\x61a\x18\x63\x00")) // with a field to come
	putFrame(&says, kindEnd, []byte("\xa3\x01\x19\x03\xe7\x02\x61x\x18\x63\x00"))
	st, err := agentThat(t, says.String()).Call(t.Context(), "links", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if got, err := Recv[echo](st); err != nil || got.Text != "a" {
		t.Errorf("event: %+v, %v", got, err)
	}
	_, err = st.Next()
	if CodeOf(err) != 999 || err.Error() != "x" {
		t.Errorf("a code to come: %v (%v)", err, CodeOf(err))
	}
}

func TestRecvWantsAnEvent(t *testing.T) {
	st, err := agentThat(t, "\x03\x00\x00\x00\x01x").Call(t.Context(), "links", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := Recv[echo](st); !errors.Is(err, ErrInvalidArgument) {
		t.Errorf("got %v", err)
	}
}

func TestClosedSession(t *testing.T) {
	s := agentThat(t, "")
	if err := s.Err(); err != nil {
		t.Errorf("a live session: %v", err)
	}
	s.Close()
	within(t, time.Second, "Done", func() { <-s.Done() })
	if err := s.Err(); !errors.Is(err, ErrCancelled) {
		t.Errorf("a session that we closed: %v", err)
	}
	if _, err := s.Call(context.Background(), "links", nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a call on it: %v", err)
	}
}
