package tools

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

// Between looking and entering, a process id may have passed to a process in
// another namespace.
func TestOpenOfAnotherNamespace(t *testing.T) {
	own := inspect("", ownNetns)
	f, err := own.open()
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	own.inode++
	if f, err := own.open(); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "another") {
		t.Errorf("%v, %v", f, err)
	}
}

// slowSink is a console that takes nothing.
type slowSink struct {
	began   chan struct{}
	release chan struct{}
}

func (s slowSink) Event(any) error {
	s.began <- struct{}{}
	<-s.release
	return errors.New("gone")
}
func (slowSink) Data([]byte) error { return nil }
func (slowSink) AddDropped(uint64) {}

// TestWalksAreBounded: who waits for a slot can be cancelled, and a console that
// takes nothing keeps none.
func TestWalksAreBounded(t *testing.T) {
	node := &Node{Walks: make(Slots, 1)}
	own := ""
	req := api.LinksRequest{Netns: &own}
	sink := slowSink{make(chan struct{}, 1), make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- runLinks(t.Context(), node, req, sink) }()
	select {
	case <-sink.began:
	case <-time.After(5 * time.Second):
		t.Fatal("no event")
	}
	node.Walks <- struct{}{} // there is room, though the console has not taken its event
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("gave up")
	cancel(gaveUp)
	if err := runLinks(ctx, node, req, sink); !errors.Is(err, gaveUp) {
		t.Errorf("while another walks: %v", err)
	}
	close(sink.release)
	if err := <-done; err == nil {
		t.Error("the console's error was lost")
	}
}
