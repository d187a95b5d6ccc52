//go:build integration

package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

// setting returns the value of a key of the packaged unit.
func setting(t *testing.T, key string) string {
	t.Helper()
	unit, err := os.ReadFile("../../packaging/steth-agent.service")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(unit)) {
		if v, ok := strings.CutPrefix(l, key+"="); ok {
			return strings.TrimSpace(v)
		}
	}
	t.Fatalf("the unit has no %s", key)
	return ""
}

// TestUnitRights runs every tool with no more capabilities than the unit
// grants, so that neither the set is too small nor something stays out of it
// unseen. It is what can be had of the unit without systemd.
func TestUnitRights(t *testing.T) {
	ns := bridged(t)
	bounds := "-all"
	for _, c := range strings.Fields(setting(t, "CapabilityBoundingSet")) {
		bounds += ",+" + strings.ToLower(strings.TrimPrefix(c, "CAP_"))
	}
	p := startAgentWith(t, []string{"setpriv", "--bounding-set", bounds, "--inh-caps", "-all", "--no-new-privs"})
	control, bulk := startJobs(t, p, ns)

	// A namespace that only a process of another user holds.
	holder := exec.Command("ip", "netns", "exec", ns, "setpriv", "--reuid", "65534", "sleep", "60")
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }()
	injector, _ := p.dial(t, "injector")
	for _, c := range []struct {
		tool string
		args any
	}{
		{api.ToolHello, api.HelloRequest{}},
		{api.ToolLinks, api.LinksRequest{}},
		{api.ToolInject, api.InjectRequest{Netns: ns, Device: "v0", Frames: [][]byte{make([]byte, 60)}, Count: 1, Interval: time.Second}},
		{api.ToolInject, api.InjectRequest{Netns: ns, Device: "v0", Way: api.InjectIn, Frames: [][]byte{append([]byte{0, 0, 0, 0, 0, 1, 2}, make([]byte, 53)...)}, Count: 1, Interval: time.Second}},
		{api.ToolPing, api.PingRequest{To: "127.0.0.1", From: "lo", Count: 2, Interval: 10 * time.Millisecond, Timeout: time.Second, DF: true, TTL: 3}},
		{api.ToolIperfClient, api.IperfClientRequest{Netns: ns, To: "10.78.0.1", Port: 5201, Seconds: 1, Protocol: api.IperfTCP, Parallel: 1, Bits: 1_000_000}},
	} {
		st, err := injector.Call(t.Context(), c.tool, c.args)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = st.Next()
		}
		st.Close()
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", c.tool, err)
		}
	}
	control.Close()
	bulk.Close()
	goneWithin(t, ns, 3*time.Second, "sleep")
}
