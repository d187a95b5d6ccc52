//go:build integration

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bin is the directory of the programs under test.
var bin = binaries()

func binaries() string {
	if b := os.Getenv("STETH_BIN"); b != "" {
		return b
	}
	b, err := filepath.Abs("../bin")
	if err != nil {
		panic(err)
	}
	return b
}

// TestMain brings one lab up for all tests, in a state directory of its own,
// and takes it down.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "send" {
		os.Exit(sender(os.Args[2:]))
	}
	os.Exit(withLab(m))
}

func withLab(m *testing.M) int {
	dir, err := os.MkdirTemp("", "steth-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Setenv("STETH_LAB_DIR", filepath.Join(dir, "lab"))
	out, err := exec.Command(filepath.Join(bin, "steth"), "lab", "up", "--lifetime", "20m").CombinedOutput()
	defer func() {
		if out, err := exec.Command(filepath.Join(bin, "steth"), "lab", "down").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "lab down: %v\n%s", err, out)
		}
	}()
	if err != nil {
		fmt.Fprintf(os.Stderr, "lab up: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// inLab is a command inside the lab: args as `steth lab exec` takes them.
func inLab(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, filepath.Join(bin, "steth"), append([]string{"lab", "exec"}, args...)...)
}

// steth is the program under test, run inside the lab.
func steth(ctx context.Context, args ...string) *exec.Cmd {
	return inLab(ctx, append([]string{"--", filepath.Join(bin, "steth")}, args...)...)
}

// output runs cmd and returns its standard output.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, stderr.String())
	}
	return string(out)
}

// object is a row of a list in JSON.
type object map[string]string

// list is what `steth VERB -f json` lists.
func list(t *testing.T, verb string) []object {
	t.Helper()
	var all []object
	text := output(t, steth(t.Context(), verb, "-f", "json"))
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("steth %s -f json: %v\n%s", verb, err, text)
	}
	return all
}

// serverPorts are the ports of servers on a host, on one network each.
func serverPorts(t *testing.T, host string) []object {
	t.Helper()
	var out []object
	for _, p := range list(t, "ports") {
		if p["host"] == host && strings.HasPrefix(p["owner"], "compute:") {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		t.Fatalf("the lab has no server on %s", host)
	}
	return out
}

// pair is two ports of servers on one network, on cmp1 and cmp2.
func pair(t *testing.T) (a, b object) {
	t.Helper()
	for _, a := range serverPorts(t, "cmp1") {
		for _, b := range serverPorts(t, "cmp2") {
			if a["network"] == b["network"] {
				return a, b
			}
		}
	}
	t.Fatal("no network of the lab has servers on both cmp1 and cmp2")
	return nil, nil
}

// until polls a condition.
func until(t *testing.T, what string, limit time.Duration, met func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in %v", what, limit)
		}
		<-tick.C
	}
}
