package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"steth/agent/journal"
	"steth/rpc/pki"
)

// asAgent, set in the environment, makes the test's binary the agent itself.
const asAgent = "STETH_TEST_AS_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) != "" {
		main()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// nodeBundle makes the certificates of node cmp1 and of consoles.
func nodeBundle(t *testing.T) (dir, node string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "pki")
	if _, err := pki.Init(dir, []string{"viewer", "operator", "injector"}); err != nil {
		t.Fatal(err)
	}
	node, err := pki.Issue(dir, "cmp1", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return dir, node
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPackagedConfig: what the example says is what holds without it.
func TestPackagedConfig(t *testing.T) {
	got, err := load(flags{config: "../../packaging/agent.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	if got.Limits != want.Limits || got.Listen != want.Listen || got.PKI != want.PKI || got.IperfPorts != want.IperfPorts ||
		got.RingMiB != want.RingMiB || strings.Join(got.Namespaces, " ") != strings.Join(want.Namespaces, " ") ||
		strings.Join(got.OpenVSwitch, " ") != strings.Join(want.OpenVSwitch, " ") {
		t.Errorf("packaging/agent.yaml says %+v, the defaults are %+v", got, want)
	}
}

func TestLoad(t *testing.T) {
	path := writeConfig(t, "listen: 10.0.0.1:9698\nlimits: {jobs: 5, duration: 90s}\n")
	got, err := load(flags{config: path, pki: "/elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Listen != "10.0.0.1:9698" || got.PKI != "/elsewhere" || got.Limits.Jobs != 5 || got.Limits.Duration != 90*time.Second || got.Limits.JobsPerConsole != 32 {
		t.Errorf("%+v", got)
	}
	if got, _ := load(flags{config: path, listen: ":1"}); got.Listen != ":1" {
		t.Errorf("the flag does not win: %s", got.Listen)
	}
}

func TestLoadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"limts: {}":                     `did you mean "limits"?`,
		"limits: {job: 5}":              `did you mean "jobs"?`,
		"limits: {jobs: -1}":            "limits.jobs",
		"listen: nowhere":               "listen",
		"namespaces: [netns]":           "absolute",
		"iperf_ports: [80, 90]":         "iperf_ports",
		"ring_mib: 0":                   "ring_mib",
		"limits: {duration: 5 parsecs}": "unknown unit",
	} {
		if _, err := load(flags{config: writeConfig(t, text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
	if _, err := load(flags{config: "/no/such/file"}); err == nil {
		t.Error("a file that was asked for may be missing")
	}
}

func TestCheck(t *testing.T) {
	_, node := nodeBundle(t)
	var out bytes.Buffer
	state := filepath.Join(t.TempDir(), "state")
	err := run(context.Background(), []string{"--check", "--pki", node, "--listen", "127.0.0.1:0", "--state", state}, &out, &out)
	if !strings.Contains(out.String(), "certificate    node cmp1, until ") || !strings.Contains(out.String(), "ok       state") {
		t.Errorf("%v\n%s", err, out.String())
	}
	out.Reset()
	running, err := journal.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	err = run(context.Background(), []string{"--check", "--pki", "/no/such/directory", "--state", state}, &out, &out)
	if err == nil || !strings.Contains(out.String(), "missing  certificate") || !strings.Contains(out.String(), "which an agent has that runs") {
		t.Errorf("%v\n%s", err, out.String())
	}
	out.Reset()
	err = run(context.Background(), []string{"--check", "--pki", node, "--state", "/dev/null"}, &out, &out)
	if err == nil || !strings.Contains(out.String(), "missing  state") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestRunRefuses(t *testing.T) {
	_, node := nodeBundle(t)
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no certificate":       {[]string{"--pki", "/no/such/directory"}, "certificate of this node"},
		"another node's":       {[]string{"--pki", node, "--node", "cmp2"}, "is of node cmp1, not of cmp2"},
		"plain, not loopback":  {[]string{"--plain", "viewer", "--listen", "0.0.0.0:0"}, "loopback"},
		"plain, unknown role":  {[]string{"--plain", "root"}, "not one of the roles"},
		"an argument too many": {[]string{"start"}, `unknown argument "start"`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), tt.args, &out, &out); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
}
