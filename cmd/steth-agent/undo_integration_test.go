//go:build integration

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"steth/agent/api"
	"steth/rpc"
)

// bridged is a namespace whose v0 is in a bridge, as a server's tap is.
func bridged(t *testing.T) string {
	t.Helper()
	ns := namespace(t)
	sh(t, "ip -n "+ns+" link add br0 type bridge")
	sh(t, "ip -n "+ns+" link set br0 up")
	sh(t, "ip -n "+ns+" link set v0 master br0")
	return ns
}

// comeIn begins to have frames come in by v0, and returns once the device for
// it has been made.
func comeIn(t *testing.T, s *rpc.Session, ns string) {
	t.Helper()
	frame := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 7}, make([]byte, 48)...)
	st, err := s.Call(t.Context(), api.ToolInject, api.InjectRequest{
		Netns: ns, Device: "v0", Way: api.InjectIn, Frames: [][]byte{frame}, Count: 100, Interval: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if ev, err := rpc.Recv[api.InjectEvent](st); err != nil || ev.Kind != api.InjectReady || ev.Way != api.InjectRedirect {
		t.Fatalf("%+v, %v", ev, err)
	}
}

func links(t *testing.T, ns string) string {
	t.Helper()
	out, err := exec.Command("ip", "-n", ns, "-o", "link").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// scratches counts the devices that injection makes.
func scratches(t *testing.T, ns string) int {
	t.Helper()
	return strings.Count(links(t, ns), ": sth")
}

func awaitScratches(t *testing.T, ns string, want int, limit time.Duration) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(limit); scratches(t, ns) != want; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v there are %d devices, want %d", limit, scratches(t, ns), want)
		}
	}
}

func journalled(t *testing.T, dir string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// awaitNone waits until the journal knows nothing.
func awaitNone(t *testing.T, state string, limit time.Duration) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(limit); journalled(t, state) > 0; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v the journal still knows %d devices", limit, journalled(t, state))
		}
	}
}

// TestInjectIsUndone ends a call that has made a device in every way that the
// agent survives, or is asked to end.
func TestInjectIsUndone(t *testing.T) {
	for name, end := range map[string]func(p *process, control *rpc.Session){
		"the session is lost":       func(_ *process, control *rpc.Session) { control.Close() },
		"the agent is asked to end": func(p *process, _ *rpc.Session) { _ = p.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			ns, state := bridged(t), filepath.Join(t.TempDir(), "state")
			p := startAgent(t, "--state", state)
			control, _ := p.dial(t, "injector")
			comeIn(t, control, ns)
			if n := scratches(t, ns); n != 1 || journalled(t, state) != 1 {
				t.Fatalf("%d devices, %d in the journal", n, journalled(t, state))
			}
			end(p, control)
			awaitScratches(t, ns, 0, 3*time.Second)
			awaitNone(t, state, 3*time.Second)
		})
	}
}

// TestKilledAgentIsUndone kills the agent in the middle of a call, and starts
// it again: its device goes, and one of somebody else's that is called alike
// stays.
func TestKilledAgentIsUndone(t *testing.T) {
	ns, state := bridged(t), filepath.Join(t.TempDir(), "state")
	p := startAgent(t, "--state", state)
	control, _ := p.dial(t, "injector")
	comeIn(t, control, ns)
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // killed
	if n := scratches(t, ns); n != 1 || journalled(t, state) != 1 {
		t.Fatalf("after the kill there are %d devices, %d in the journal", n, journalled(t, state))
	}
	sh(t, "ip -n "+ns+" link add sth999999999999 type veth peer name stp999999999999")
	startAgent(t, "--state", state)
	awaitNone(t, state, 3*time.Second)
	if n := scratches(t, ns); n != 1 {
		t.Errorf("the next agent leaves %d devices", n)
	}
	if !strings.Contains(links(t, ns), "sth999999999999") {
		t.Error("somebody else's device was removed")
	}
}

// TestWithoutState: an agent that can't note anything changes nothing.
func TestWithoutState(t *testing.T) {
	ns, state := bridged(t), filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := startAgent(t, "--state", state)
	control, _ := p.dial(t, "injector")
	frame := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 7}, make([]byte, 48)...)
	for way, works := range map[string]bool{api.InjectIn: false, api.InjectOut: true} {
		st, err := control.Call(t.Context(), api.ToolInject, api.InjectRequest{
			Netns: ns, Device: "v0", Way: way, Frames: [][]byte{frame}, Count: 1, Interval: time.Second,
		})
		if err == nil {
			_, err = st.Next()
			st.Close()
		}
		if works != (err == nil) || !works && !strings.Contains(err.Error(), "state:") {
			t.Errorf("way %q: %v", way, err)
		}
	}
}
