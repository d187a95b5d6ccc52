//go:build integration

package tools

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

func TestIperf(t *testing.T) {
	r := newRig(t)
	r.awaitIPv6(t)
	tests := map[string]struct {
		req   api.IperfClientRequest
		check func(t *testing.T, client, server api.IperfEvent)
	}{
		"TCP": {
			api.IperfClientRequest{Protocol: api.IperfTCP, Parallel: 1, Bits: 20_000_000},
			func(t *testing.T, client, server api.IperfEvent) {
				near(t, "client's rate", client.Bits, 20e6)
				near(t, "receiver's rate at the client", client.Received, 20e6)
				near(t, "receiver's rate at the server", server.Received, 20e6)
			},
		},
		"UDP over IPv6, two streams, reverse": {
			api.IperfClientRequest{To: "fd77::2", Protocol: api.IperfUDP, Parallel: 2, Bits: 4_000_000, Reverse: true},
			func(t *testing.T, client, server api.IperfEvent) {
				near(t, "receiver's rate at the client", client.Received, 4e6)
				if client.Datagrams == 0 || client.Lost != 0 {
					t.Errorf("client: %+v", client)
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.req.To == "" {
				tt.req.To = "10.77.0.2"
			}
			tt.req.Netns, tt.req.Seconds = r.left, 2
			server := newMemory()
			done := make(chan error, 1)
			go func() {
				done <- run(t.Context(), t, testNode(), iperfServer(),
					api.IperfServerRequest{Netns: r.right, Bind: tt.req.To, Seconds: 20}, server)
			}()
			server.until(t, "listening server", func() bool { return len(server.events) > 0 })
			first := eventsOf[api.IperfEvent](server)[0]
			if first.Kind != api.IperfReady || first.Port < 5201 || first.Port > 5210 {
				t.Fatalf("first event of the server: %+v", first)
			}
			tt.req.Port = first.Port
			client := newMemory()
			if err := run(t.Context(), t, testNode(), iperfClient(), tt.req, client); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			c, s := eventsOf[api.IperfEvent](client), eventsOf[api.IperfEvent](server)
			if len(c) != 3 || c[0].Kind != api.IperfInterval || c[2].Kind != api.IperfEnd {
				t.Fatalf("client's events: %+v", c)
			}
			if tt.req.Protocol == api.IperfTCP && c[0].RTT <= 0 {
				t.Errorf("no round-trip time: %+v", c[0])
			}
			tt.check(t, c[2], s[len(s)-1])
			for _, ns := range []string{r.left, r.right} {
				if left := programsIn(t, ns); len(left) > 0 {
					t.Errorf("left after the calls: %v", left)
				}
			}
		})
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if got < 0.8*want || got > 1.2*want {
		t.Errorf("%s is %.0f, want about %.0f", what, got, want)
	}
}

func TestIperfServerAlone(t *testing.T) {
	r := newRig(t)
	sink := newMemory()
	err := run(t.Context(), t, testNode(), iperfServer(), api.IperfServerRequest{Netns: r.right, Bind: "10.77.0.2", Seconds: 1}, sink)
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
	if left := programsIn(t, r.right); len(left) > 0 {
		t.Errorf("left after the call: %v", left)
	}
}

// A server takes no port outside of the agent's range, and nobody gets more out
// of it than the agent's limit: anybody can connect to it.
func TestIperfServerWithinLimits(t *testing.T) {
	r := newRig(t)
	err := run(t.Context(), t, testNode(), iperfServer(), api.IperfServerRequest{Netns: r.right, Bind: "10.77.0.2", Port: 9696, Seconds: 1}, newMemory())
	if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "iperf_ports") {
		t.Errorf("a port of its own: %v", err)
	}
	node := testNode()
	node.Limits.IperfBits = 8_000_000
	server := newMemory()
	done := make(chan error, 1)
	go func() {
		done <- run(t.Context(), t, node, iperfServer(), api.IperfServerRequest{Netns: r.right, Bind: "10.77.0.2", Port: 5204, Seconds: 20}, server)
	}()
	server.until(t, "listening server", func() bool { return len(server.events) > 0 })
	stranger := exec.CommandContext(t.Context(), "ip", "netns", "exec", r.left, "iperf3", "-c", "10.77.0.2", "-p", "5204", "-R", "-t", "15")
	began := time.Now()
	out, err := stranger.CombinedOutput()
	if err == nil || time.Since(began) > 8*time.Second {
		t.Errorf("a stranger's test ran for %v: %v\n%s", time.Since(began), err, out)
	}
	if err := <-done; !errors.Is(err, ErrUnavailable) {
		t.Errorf("the server ended with %v", err)
	}
}

func TestIperfErrors(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := run(ctx, t, testNode(), iperfClient(), api.IperfClientRequest{
		Netns: r.left, To: "10.77.0.2", Port: 5209, Seconds: 1, Protocol: api.IperfTCP, Parallel: 1,
	}, newMemory())
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("nobody listens: %v", err)
	}
	err = run(ctx, t, testNode(), iperfServer(), api.IperfServerRequest{Netns: r.right, Bind: "10.99.0.2", Seconds: 1}, newMemory())
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("an address that is not there: %v", err)
	}
}
