//go:build integration

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"steth/agent/api"
	"steth/rpc"
	"steth/rpc/pki"
)

// process is an agent that runs as a process of its own.
type process struct {
	cmd  *exec.Cmd
	addr string
	pki  string

	mu  sync.Mutex
	log []map[string]any
}

func startAgent(t *testing.T, args ...string) *process {
	t.Helper()
	return startAgentWith(t, nil, args...)
}

// startAgentWith has launcher, a program and its arguments, start the agent.
func startAgentWith(t *testing.T, launcher []string, args ...string) *process {
	t.Helper()
	dir, node := nodeBundle(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := slices.Concat(launcher, []string{self, "--pki", node, "--listen", "127.0.0.1:0", "--state", filepath.Join(t.TempDir(), "state")}, args)
	p := &process{pki: dir, cmd: exec.Command(argv[0], argv[1:]...)}
	p.cmd.Env = append(os.Environ(), asAgent+"=1")
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			var m map[string]any
			if json.Unmarshal(s.Bytes(), &m) != nil {
				m = map[string]any{"msg": s.Text()}
			}
			p.mu.Lock()
			p.log = append(p.log, m)
			p.mu.Unlock()
			if m["msg"] == "listening" {
				listening <- m["address"].(string)
			}
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-read
		_ = p.cmd.Wait() // a test may have ended it
	})
	select {
	case p.addr = <-listening:
	case <-read:
		t.Fatalf("the agent ended: %v", p.log)
	}
	return p
}

// audit returns the lines of audit so far.
func (p *process) audit() (out []map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.log {
		if m["msg"] == "call" {
			out = append(out, m)
		}
	}
	return out
}

// dial opens a console's control and bulk session.
func (p *process) dial(t *testing.T, role string) (control, bulk *rpc.Session) {
	t.Helper()
	bundle, err := pki.LoadBundle(filepath.Join(p.pki, "console-"+role))
	if err != nil {
		t.Fatal(err)
	}
	id := rpc.NewConsoleID()
	one := func(bulk bool) *rpc.Session {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		s, err := rpc.Dial(t.Context(), tls.Client(conn, pki.ClientTLS(bundle, "cmp1")), rpc.DialOptions{Console: id, Bulk: bulk})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	return one(false), one(true)
}

// A console that is revoked while it is in loses its sessions without a restart
// of the agent.
func TestRevokedWhileIn(t *testing.T) {
	t.Parallel() // it mostly waits
	p := startAgent(t)
	control, _ := p.dial(t, "viewer")
	st, err := control.Call(t.Context(), api.ToolHello, api.HelloRequest{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := rpc.Recv[api.Hello](st); err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(3 * time.Second); len(p.audit()) == 0; {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal("no audit of the call")
		}
	}
	serial, _ := p.audit()[0]["serial"].(string)
	if err := os.WriteFile(filepath.Join(p.pki, "node-cmp1", "revoked"), []byte(serial+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-control.Done():
	case <-time.After(15 * time.Second):
		t.Error("the session is still open")
	}
}

func sh(t *testing.T, line string) {
	t.Helper()
	args := strings.Fields(line)
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// namespace makes a network namespace with one end of a veth pair, 10.78.0.1,
// and the other end, 10.78.0.2, in a second one.
func namespace(t *testing.T) string {
	t.Helper()
	a, b := fmt.Sprintf("steth-%d-a", os.Getpid()), fmt.Sprintf("steth-%d-b", os.Getpid())
	for _, ns := range []string{a, b} {
		sh(t, "ip netns add "+ns)
		t.Cleanup(func() { sh(t, "ip netns delete "+ns) })
	}
	sh(t, "ip -n "+a+" link set lo up")
	sh(t, "ip -n "+a+" link add v0 type veth peer name v1 netns "+b)
	sh(t, "ip -n "+a+" addr add 10.78.0.1/24 dev v0")
	sh(t, "ip -n "+b+" addr add 10.78.0.2/24 dev v1")
	sh(t, "ip -n "+a+" link set v0 up")
	sh(t, "ip -n "+b+" link set v1 up")
	return a
}

// remains lists what there is of jobs in a namespace: processes, packet sockets
// and listeners.
func remains(t *testing.T, ns string) []string {
	t.Helper()
	want, err := os.Stat("/run/netns/" + ns)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if st, err := os.Stat(dir + "/ns/net"); err == nil && os.SameFile(st, want) {
			name, _ := os.ReadFile(dir + "/comm")
			out = append(out, strings.TrimSpace(string(name)))
		}
	}
	// One command in the namespace, itself not counted.
	text, err := exec.Command("ip", "netns", "exec", ns, "sh", "-c", "tail -n +2 /proc/net/packet; tail -n +2 /proc/net/tcp").Output()
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(text)) {
		if f := strings.Fields(l); len(f) > 3 && f[3] != "06" { // TIME_WAIT is the kernel's, nobody's
			out = append(out, strings.TrimSpace(l))
		}
	}
	return out
}

// startJobs starts a ping, an iperf server and a capture and returns when all
// three have told something.
func startJobs(t *testing.T, p *process, ns string) (control, bulk *rpc.Session) {
	t.Helper()
	control, bulk = p.dial(t, "operator")
	for _, c := range []struct {
		session *rpc.Session
		tool    string
		args    any
	}{
		{bulk, api.ToolCapture, api.CaptureRequest{Netns: ns, Device: "v0", Filter: "icmp"}},
		{control, api.ToolPing, api.PingRequest{Netns: ns, To: "10.78.0.2", Count: 10_000, Interval: 20 * time.Millisecond, Timeout: time.Second, Size: 56}},
		{control, api.ToolIperfServer, api.IperfServerRequest{Netns: ns, Bind: "10.78.0.1", Seconds: 600}},
	} {
		st, err := c.session.Call(t.Context(), c.tool, c.args)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Next(); err != nil {
			t.Fatalf("%s: %v", c.tool, err)
		}
	}
	text := strings.Join(remains(t, ns), "\n")
	for _, part := range []string{"ping", "iperf3", "0003 "} { // ETH_P_ALL of the capture's socket
		if !strings.Contains(text, part) {
			t.Fatalf("no %s among\n%s", part, text)
		}
	}
	return control, bulk
}

// goneWithin waits until nothing of jobs is left in a namespace but the
// programs of those names.
func goneWithin(t *testing.T, ns string, limit time.Duration, but ...string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for {
		left := slices.DeleteFunc(remains(t, ns), func(s string) bool { return slices.Contains(but, s) })
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("left after %v: %q", limit, left)
		}
	}
}

// TestNothingOutlives ends the agent or its console in every way that there is.
func TestNothingOutlives(t *testing.T) {
	for name, end := range map[string]func(p *process, control, bulk *rpc.Session){
		"the agent is killed":         func(p *process, _, _ *rpc.Session) { _ = p.cmd.Process.Kill() },
		"the agent is asked to end":   func(p *process, _, _ *rpc.Session) { _ = p.cmd.Process.Signal(syscall.SIGTERM) },
		"the control session is lost": func(_ *process, control, _ *rpc.Session) { control.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ns := namespace(t)
			p := startAgent(t)
			control, bulk := startJobs(t, p, ns)
			end(p, control, bulk)
			goneWithin(t, ns, 3*time.Second)
		})
	}
}

func TestEndsGracefully(t *testing.T) {
	ns := namespace(t)
	p := startAgent(t)
	startJobs(t, p, ns)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
}

// TestRoles goes through certificates, the wire and the table of roles.
func TestRoles(t *testing.T) {
	ns := namespace(t)
	p := startAgent(t, "--clock-offset", "1h")
	viewer, _ := p.dial(t, "viewer")

	st, err := viewer.Call(t.Context(), api.ToolHello, api.HelloRequest{Sent: 5})
	if err != nil {
		t.Fatal(err)
	}
	hello, err := rpc.Recv[api.Hello](st)
	if err != nil || hello.Node != "cmp1" || hello.Sent != 5 || time.Until(time.Unix(0, hello.Clock)) < 59*time.Minute {
		t.Errorf("%+v, %v", hello, err)
	}
	for _, tool := range hello.Tools {
		if !tool.Ready && !tool.Absent {
			t.Errorf("%+v", tool)
		}
	}
	st.Close()

	st, err = viewer.Call(t.Context(), api.ToolLinks, api.LinksRequest{Netns: &ns})
	if err != nil {
		t.Fatal(err)
	}
	links, err := rpc.Recv[api.Namespace](st)
	if err != nil || links.Name != ns || len(links.Links) != 2 {
		t.Errorf("%+v, %v", links, err)
	}
	if _, err := st.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
	st.Close()

	operator, _ := p.dial(t, "operator")
	frame := make([]byte, 60)
	for _, c := range []struct {
		session *rpc.Session
		tool    string
		args    any
	}{
		{viewer, api.ToolPing, api.PingRequest{Netns: ns, To: "10.78.0.2", Count: 1, Interval: time.Second, Timeout: time.Second}},
		{operator, api.ToolInject, api.InjectRequest{Netns: ns, Device: "v0", Frames: [][]byte{frame}, Count: 1, Interval: time.Second}},
	} {
		st, err := c.session.Call(t.Context(), c.tool, c.args)
		if err == nil {
			_, err = st.Next()
			st.Close()
		}
		if !errors.Is(err, rpc.ErrPermissionDenied) {
			t.Errorf("%s: %v", c.tool, err)
		}
	}
	injector, _ := p.dial(t, "injector")
	st, err = injector.Call(t.Context(), api.ToolInject, api.InjectRequest{Netns: ns, Device: "v0", Frames: [][]byte{frame}, Count: 2, Interval: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if ev, err := rpc.Recv[api.InjectEvent](st); err != nil || ev.Kind != api.InjectReady {
		t.Errorf("%+v, %v", ev, err)
	}
	if ev, err := rpc.Recv[api.InjectEvent](st); err != nil || ev.Sent != 2 {
		t.Errorf("%+v, %v", ev, err)
	}
	if _, err := st.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
	want := "viewer hello accepted, viewer links accepted, viewer ping refused, operator inject refused, injector inject accepted"
	got := ""
	for deadline := time.Now().Add(5 * time.Second); got != want && time.Now().Before(deadline); runtime.Gosched() {
		var lines []string
		for _, line := range p.audit() {
			lines = append(lines, fmt.Sprint(line["who"], " ", line["tool"], " ", line["verdict"]))
		}
		got = strings.Join(lines, ", ")
	}
	if got != want {
		t.Errorf("the audit has %s\nwant %s", got, want)
	}
}

// TestCaptureLeavesItsSessionOut captures on the device that carries the
// session itself, which would feed on its own packets.
func TestCaptureLeavesItsSessionOut(t *testing.T) {
	p := startAgent(t)
	_, bulk := p.dial(t, "operator")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	st, err := bulk.Call(ctx, api.ToolCapture, api.CaptureRequest{Device: "lo", Seconds: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	_, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := st.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for rest := m.Data; len(rest) > 0; {
			var pkt api.Packet
			if pkt, rest, err = api.NextPacket(rest); err != nil {
				t.Fatal(err)
			}
			if len(pkt.Data) < 38 || pkt.Data[23] != 6 {
				continue
			}
			for _, at := range []int{34, 36} {
				if fmt.Sprint(int(pkt.Data[at])<<8|int(pkt.Data[at+1])) == port {
					t.Fatal("a packet of the session was captured")
				}
			}
		}
	}
}
