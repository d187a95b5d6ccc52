package tools

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"steth/agent/api"
)

// hello tells who the agent is, what time it has, and what it can do.
func hello() Tool { return Define(api.ToolHello, ready, runHello) }

func runHello(_ context.Context, node *Node, req api.HelloRequest, sink Sink) error {
	answer := api.Hello{
		Sent:    req.Sent,
		Node:    node.Name,
		Version: node.Version,
		Commit:  node.Commit,
		Arch:    runtime.GOARCH,
		Uptime:  time.Since(node.Started),
		Limits:  node.Limits,
	}
	if node.Jobs != nil {
		answer.Jobs = node.Jobs()
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		release, _, _ := bytes.Cut(uts.Release[:], []byte{0})
		answer.Kernel = string(release)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Sscan(string(load), &answer.Load[0], &answer.Load[1], &answer.Load[2])
	}
	for _, t := range All() {
		answer.Tools = append(answer.Tools, t.Ready(node))
	}
	answer.Clock = node.now() // last: the console measures clocks with it
	return sink.Event(answer)
}
