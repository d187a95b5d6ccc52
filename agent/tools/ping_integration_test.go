//go:build integration

package tools

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

func pingRequest(r rig, to string) api.PingRequest {
	return api.PingRequest{
		Netns: r.left, To: to, Count: 5, Interval: 20 * time.Millisecond, Timeout: 300 * time.Millisecond, Size: 56,
	}
}

func TestPingAnswers(t *testing.T) {
	r := newRig(t)
	r.awaitIPv6(t)
	for name, to := range map[string]string{"IPv4": "10.77.0.2", "IPv6": "fd77::2"} {
		t.Run(name, func(t *testing.T) {
			sink := newMemory()
			if err := run(t.Context(), t, testNode(), ping(), pingRequest(r, to), sink); err != nil {
				t.Fatal(err)
			}
			evs := eventsOf[api.PingEvent](sink)
			if len(evs) != 6 {
				t.Fatalf("%d events, want 5 replies and a summary: %+v", len(evs), evs)
			}
			for i, e := range evs[:5] {
				if e.Kind != api.PingReply || e.Seq != i+1 || e.From != to || e.Bytes != 64 || e.TTL != 64 || e.RTT <= 0 {
					t.Errorf("event %d: %+v", i, e)
				}
			}
			end := evs[5]
			if end.Sent != 5 || end.Received != 5 || end.Min <= 0 || end.Avg < end.Min || end.Max < end.Avg {
				t.Errorf("summary: %+v", end)
			}
		})
	}
}

func TestPingWithoutAnswer(t *testing.T) {
	r := newRig(t)
	req := pingRequest(r, "10.77.0.9")
	req.Count = 3
	sink := newMemory()
	if err := run(t.Context(), t, testNode(), ping(), req, sink); err != nil {
		t.Fatal(err)
	}
	silent := map[int]bool{}
	var end api.PingEvent
	for _, e := range eventsOf[api.PingEvent](sink) {
		switch e.Kind {
		case api.PingNoReply:
			silent[e.Seq] = true
		case api.PingSummary:
			end = e
		}
	}
	if len(silent) != 3 || end.Sent != 3 || end.Received != 0 {
		t.Errorf("requests without answer %v, summary %+v", silent, end)
	}
}

func TestPingTooBig(t *testing.T) {
	r := newRig(t)
	req := pingRequest(r, "10.77.0.2")
	req.Count, req.Size, req.DF = 1, 3000, true
	sink := newMemory()
	if err := run(t.Context(), t, testNode(), ping(), req, sink); err != nil {
		t.Fatal(err)
	}
	evs := eventsOf[api.PingEvent](sink)
	if evs[0].Kind != api.PingError || !strings.Contains(evs[0].Text, "mtu=1500") {
		t.Errorf("%+v", evs)
	}
}

func TestPingWithoutRoute(t *testing.T) {
	r := newRig(t)
	err := run(t.Context(), t, testNode(), ping(), pingRequest(r, "192.0.2.1"), newMemory())
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "Network is unreachable") {
		t.Errorf("%v", err)
	}
	req := pingRequest(r, "10.77.0.2")
	req.Netns = "no-such"
	if err := run(t.Context(), t, testNode(), ping(), req, newMemory()); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestPingCancelled(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := pingRequest(r, "10.77.0.2")
	req.Count = 100_000
	sink := newMemory()
	done := make(chan error, 1)
	go func() { done <- run(ctx, t, testNode(), ping(), req, sink) }()
	sink.until(t, "third reply", func() bool { return len(sink.events) >= 3 })
	if len(programsIn(t, r.left)) != 1 {
		t.Errorf("programs in the namespace: %v, want the ping", programsIn(t, r.left))
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left := programsIn(t, r.left); len(left) > 0 {
		t.Errorf("left after the call: %v", left)
	}
	evs := eventsOf[api.PingEvent](sink)
	end := evs[len(evs)-1]
	if end.Kind != api.PingSummary || end.Sent < 3 || end.Received < 3 || end.Avg == 0 {
		t.Errorf("last event %+v", end)
	}
}

// programsIn lists the processes in a namespace.
func programsIn(t *testing.T, ns string) []string {
	t.Helper()
	want, err := os.Stat("/run/netns/" + ns)
	if err != nil {
		t.Fatal(err)
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var out []string
	for _, dir := range dirs {
		st, err := os.Stat(dir + "/ns/net")
		if err != nil || !os.SameFile(st, want) {
			continue
		}
		cmd, _ := os.ReadFile(dir + "/cmdline")
		out = append(out, filepath.Base(dir)+" "+strings.ReplaceAll(string(cmd), "\x00", " "))
	}
	return out
}
