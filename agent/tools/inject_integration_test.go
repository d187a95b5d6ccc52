//go:build integration

package tools

import (
	"errors"
	"testing"
	"time"

	"steth/agent/api"
)

// TestInjectRate: neither one job nor one after the other sends more than the
// agent's rate.
func TestInjectRate(t *testing.T) {
	r := newRig(t)
	node := testNode()
	node.Limits.InjectRate = 20
	req := api.InjectRequest{Netns: r.left, Device: "l0", Frames: [][]byte{make([]byte, 60)}, Count: 1, Interval: time.Millisecond}
	began := time.Now()
	for range 4 {
		if err := run(t.Context(), t, node, inject(), req, newMemory()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("4 frames in %v, with 20 a second allowed", took)
	}
	req.Count = 2
	if err := run(t.Context(), t, node, inject(), req, newMemory()); !errors.Is(err, ErrLimit) {
		t.Errorf("a frame each millisecond: %v", err)
	}
}
