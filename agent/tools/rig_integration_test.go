//go:build integration

package tools

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"steth/agent/api"
)

// rig is two namespaces joined by a veth pair: left (10.77.0.1, fd77::1) has
// device l0, right (10.77.0.2, fd77::2) has r0.
type rig struct{ left, right string }

func newRig(t *testing.T) rig {
	t.Helper()
	r := rig{
		left:  fmt.Sprintf("steth-%d-l", os.Getpid()),
		right: fmt.Sprintf("steth-%d-r", os.Getpid()),
	}
	for _, ns := range []string{r.left, r.right} {
		sh(t, "ip netns add "+ns)
		t.Cleanup(func() { sh(t, "ip netns delete "+ns) })
		sh(t, "ip -n "+ns+" link set lo up")
		// Otherwise the kernel's own multicast would be among the packets counted.
		sh(t, "ip netns exec "+ns+" sysctl -qw net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.accept_dad=0")
	}
	sh(t, "ip -n "+r.left+" link add l0 type veth peer name r0 netns "+r.right)
	for ns, dev := range map[string]string{r.left: "l0", r.right: "r0"} {
		n := map[string]string{"l0": "1", "r0": "2"}[dev]
		sh(t, "ip -n "+ns+" addr add 10.77.0."+n+"/24 dev "+dev)
		sh(t, "ip -n "+ns+" addr add fd77::"+n+"/64 dev "+dev+" nodad")
		sh(t, "ip -n "+ns+" link set "+dev+" up")
	}
	return r
}

// awaitIPv6 waits for the first answer over IPv6, which is slow to begin.
func (r rig) awaitIPv6(t *testing.T) {
	t.Helper()
	sh(t, "ip netns exec "+r.left+" ping -6 -c 1 -W 10 fd77::2")
}

// sh runs a command line without quoting of its own.
func sh(t *testing.T, line string) string {
	t.Helper()
	args := strings.Fields(line)
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

func testNode() *Node {
	return &Node{
		Name:       "test",
		Started:    time.Now(),
		Namespaces: []string{"/run/netns"},
		IperfPorts: [2]int{5201, 5210},
		Log:        slog.New(slog.DiscardHandler),
	}
}

// run runs a tool as the agent does.
func run(ctx context.Context, t *testing.T, node *Node, tool Tool, req any, sink Sink) error {
	t.Helper()
	job, err := tool.Parse(func(into any) error {
		switch into := into.(type) {
		case *api.PingRequest:
			*into = req.(api.PingRequest)
		case *api.LinksRequest:
			*into = req.(api.LinksRequest)
		case *api.IperfServerRequest:
			*into = req.(api.IperfServerRequest)
		case *api.IperfClientRequest:
			*into = req.(api.IperfClientRequest)
		case *api.CaptureRequest:
			*into = req.(api.CaptureRequest)
		case *api.OVSCountersRequest:
			*into = req.(api.OVSCountersRequest)
		case *api.InjectRequest:
			*into = req.(api.InjectRequest)
		case *api.HelloRequest:
			*into = req.(api.HelloRequest)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return job.Run(ctx, node, sink)
}

// memory is a Sink that keeps all it gets.
type memory struct {
	mu      sync.Mutex
	events  []any
	packets []api.Packet
	dropped uint64
	changed chan struct{}
	slow    chan struct{} // when set, Data waits for it
}

func newMemory() *memory { return &memory{changed: make(chan struct{}, 1)} }

func (m *memory) notify() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func (m *memory) Event(v any) error {
	m.mu.Lock()
	m.events = append(m.events, v)
	m.mu.Unlock()
	m.notify()
	return nil
}

func (m *memory) Data(p []byte) error {
	if m.slow != nil {
		<-m.slow
	}
	p = append([]byte(nil), p...)
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(p) > 0 {
		pkt, rest, err := api.NextPacket(p)
		if err != nil {
			return err
		}
		m.packets = append(m.packets, pkt)
		p = rest
	}
	m.notify()
	return nil
}

func (m *memory) AddDropped(n uint64) {
	m.mu.Lock()
	m.dropped += n
	m.mu.Unlock()
}

// until waits until ok says so of what came so far.
func (m *memory) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		m.mu.Lock()
		good := ok()
		m.mu.Unlock()
		if good {
			return
		}
		select {
		case <-m.changed:
		case <-deadline:
			m.mu.Lock()
			defer m.mu.Unlock()
			t.Fatalf("no %s; events %+v, %d packets", what, m.events, len(m.packets))
		}
	}
}

// eventsOf returns the events of one type.
func eventsOf[T any](m *memory) []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []T
	for _, e := range m.events {
		if v, ok := e.(T); ok {
			out = append(out, v)
		}
	}
	return out
}
