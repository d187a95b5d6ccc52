package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"steth/agent/api"
	"steth/agent/tools"
	"steth/rpc"
)

// served is an agent on loopback with a session to it.
type served struct {
	control, bulk *rpc.Session
	log, audit    *lines
}

// serve starts an agent with tools of the test's own and dials it as a console
// of the role.
func serve(t *testing.T, role api.Role, limits api.Limits, all ...tools.Tool) served {
	t.Helper()
	s := served{log: &lines{}, audit: &lines{}}
	a := newAgent(Config{
		Node:  tools.Node{Name: "cmp1", Version: "1.2", Limits: limits},
		Plain: &rpc.Peer{Name: "alice", Role: string(role), Serial: "2a"},
		Log:   slog.New(slog.NewJSONHandler(s.log, nil)),
		Audit: slog.New(slog.NewJSONHandler(s.audit, nil)),
	}, all)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
	})
	id := rpc.NewConsoleID()
	dial := func(bulk bool) *rpc.Session {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		session, err := rpc.Dial(t.Context(), conn, rpc.DialOptions{Console: id, Bulk: bulk, Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { session.Close() })
		return session
	}
	s.control, s.bulk = dial(false), dial(true)
	return s
}

// call makes a call and reads it to its end.
func call(t *testing.T, s *rpc.Session, tool string, args any) error {
	t.Helper()
	st, err := s.Call(t.Context(), tool, args)
	if err != nil {
		return err
	}
	defer st.Close()
	for {
		if _, err := st.Next(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// lines keeps what a slog.JSONHandler writes, one object a line.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) all(t *testing.T) (out []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range strings.Lines(l.buf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		out = append(out, m)
	}
	return out
}

// eventually waits for a condition that another goroutine makes true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so: %s", what)
		}
	}
}

func isReady(*tools.Node) api.ToolState { return api.ToolState{Ready: true} }

// pingTool, linksTool and captureTool are tools of those names that do what the
// test says.
func pingTool(run func(context.Context, *tools.Node, api.PingRequest, tools.Sink) error) tools.Tool {
	return tools.Define(api.ToolPing, isReady, run)
}

func linksTool(run func(context.Context, *tools.Node, api.LinksRequest, tools.Sink) error) tools.Tool {
	return tools.Define(api.ToolLinks, isReady, run)
}

var goodPing = api.PingRequest{To: "10.0.0.2", Count: 1, Interval: time.Second, Timeout: time.Second, Size: 56}

func TestCallsThatAreRefused(t *testing.T) {
	never := pingTool(func(context.Context, *tools.Node, api.PingRequest, tools.Sink) error {
		t.Error("a refused call ran")
		return nil
	})
	notReady := tools.Define(api.ToolLinks, func(*tools.Node) api.ToolState { return api.ToolState{Reason: "nothing is installed"} },
		func(context.Context, *tools.Node, api.LinksRequest, tools.Sink) error {
			t.Error("a tool that is not ready ran")
			return nil
		})
	capture := tools.Define(api.ToolCapture, isReady, func(context.Context, *tools.Node, api.CaptureRequest, tools.Sink) error { return nil })
	for name, tt := range map[string]struct {
		role api.Role
		tool string
		args any
		want error
		says string
		to   string // of the arguments, in the audit
	}{
		"role too weak":     {api.RoleViewer, api.ToolPing, goodPing, rpc.ErrPermissionDenied, "needs the role operator", "10.0.0.2"},
		"role unknown":      {"root", api.ToolLinks, nil, rpc.ErrPermissionDenied, "has the role root", ""},
		"no such tool":      {api.RoleAdmin, "format-disk", nil, rpc.ErrUnimplemented, `no tool "format-disk"`, ""},
		"bad argument":      {api.RoleOperator, api.ToolPing, api.PingRequest{To: "-f"}, rpc.ErrInvalidArgument, `"-f"`, "-f"},
		"malformed request": {api.RoleOperator, api.ToolPing, []int{1}, rpc.ErrInvalidArgument, "ping", ""},
		"not ready":         {api.RoleViewer, api.ToolLinks, nil, rpc.ErrNotReady, "nothing is installed", ""},
		"no tool at all":    {api.RoleAdmin, "", nil, rpc.ErrInvalidArgument, "without a tool", ""},
		"a forged line":     {api.RoleAdmin, "x\"}\n{\"log\":\"audit\",\"who\":\"bob\"}\n", nil, rpc.ErrUnimplemented, "no tool", ""},
		"data on control":   {api.RoleOperator, api.ToolCapture, api.CaptureRequest{Device: "eth0"}, rpc.ErrInvalidArgument, "bulk", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tt.role, api.Limits{}, never, notReady, capture)
			err := call(t, s.control, tt.tool, tt.args)
			if !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.says)
			}
			audit := s.audit.all(t)
			if len(audit) != 1 || audit[0]["verdict"] != "refused" || audit[0]["tool"] != tt.tool || audit[0]["who"] != "alice" || audit[0]["error"] == nil {
				t.Errorf("audit: %v", audit)
			}
			args, _ := audit[0]["args"].(map[string]any)
			if got, _ := args["to"].(string); got != tt.to {
				t.Errorf("audit: to %q, want %q", got, tt.to)
			}
		})
	}
}

func TestAuditOfAcceptedCall(t *testing.T) {
	s := serve(t, api.RoleInjector, api.Limits{},
		tools.Define(api.ToolInject, isReady, func(_ context.Context, _ *tools.Node, _ api.InjectRequest, sink tools.Sink) error {
			sink.AddDropped(3)
			return sink.Event(api.InjectEvent{Sent: 1})
		}))
	req := api.InjectRequest{Device: "tap1", Frames: slices.Repeat([][]byte{make([]byte, 200)}, 6), Count: 1, Interval: time.Millisecond}
	if err := call(t, s.control, api.ToolInject, req); err != nil {
		t.Fatal(err)
	}
	audit := s.audit.all(t)
	if len(audit) != 1 {
		t.Fatalf("%d lines of audit", len(audit))
	}
	line := audit[0]
	for key, want := range map[string]any{
		"verdict": "accepted", "who": "alice", "role": "injector", "serial": "2a", "tool": "inject",
		"result": "ok", "events": 1.0, "dropped": 3.0,
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	args, _ := line["args"].(map[string]any)
	if args["device"] != "tap1" || args["interval"] != "1ms" || !strings.HasSuffix(fmt.Sprint(args["frames"]), "... (200 bytes) ... (2 more)]") || args["netns"] != nil {
		t.Errorf("args: %v", args)
	}
	began := s.log.all(t)
	if i := slices.IndexFunc(began, func(l map[string]any) bool { return l["msg"] == "job began" }); i < 0 || began[i]["who"] != "alice" || began[i]["tool"] != "inject" {
		t.Errorf("nothing was noted when it began: %v", began)
	}
	if line["start"] == nil || line["end"] == nil || line["console"] == "" || line["from"] == nil {
		t.Errorf("line: %v", line)
	}
}

func TestPanicEndsItsCallAlone(t *testing.T) {
	s := serve(t, api.RoleOperator, api.Limits{},
		pingTool(func(context.Context, *tools.Node, api.PingRequest, tools.Sink) error { panic("a defect") }),
		linksTool(func(context.Context, *tools.Node, api.LinksRequest, tools.Sink) error { return nil }))
	if err := call(t, s.control, api.ToolPing, goodPing); !errors.Is(err, rpc.ErrInternal) || strings.Contains(err.Error(), "a defect") {
		t.Errorf("%v", err)
	}
	if err := call(t, s.control, api.ToolLinks, nil); err != nil {
		t.Errorf("the next call: %v", err)
	}
	log := s.log.all(t)
	found := false
	for _, l := range log {
		found = found || l["panic"] == "a defect" && strings.Contains(fmt.Sprint(l["stack"]), "agent_test.go")
	}
	if !found {
		t.Errorf("no report in the log: %v", log)
	}
	if audit := s.audit.all(t); len(audit) != 2 || audit[0]["result"] != "internal error" {
		t.Errorf("audit: %v", audit)
	}
}

// What a request that is refused asks for must not fill the node's log: it may be
// as long as a request can be.
func TestAuditOfLongRequest(t *testing.T) {
	s := serve(t, api.RoleViewer, api.Limits{}, tools.Define(api.ToolOVSCounters, isReady, func(context.Context, *tools.Node, api.OVSCountersRequest, tools.Sink) error { return nil }))
	short, long := api.OVSPortName{Bridge: "br-int", Port: "tap1"}, strings.Repeat("\x01", 1000)
	for name, ports := range map[string][]api.OVSPortName{
		"many": slices.Repeat([]api.OVSPortName{short}, 3000),
		"long": slices.Repeat([]api.OVSPortName{{Bridge: long, Port: long}}, 30),
	} {
		if err := call(t, s.control, api.ToolOVSCounters, api.OVSCountersRequest{Ports: ports, Every: time.Second}); !errors.Is(err, rpc.ErrInvalidArgument) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	lines := s.audit.all(t)
	if len(lines) != 2 {
		t.Fatalf("%d lines of audit", len(lines))
	}
	for _, line := range lines {
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 16<<10 {
			t.Errorf("a line of %d bytes: %.80s", len(text), text)
		}
		args, _ := line["args"].(map[string]any)
		if ports := fmt.Sprint(args["ports"]); !strings.Contains(ports, "more)") {
			t.Errorf("ports: %.200s", ports)
		}
	}
}

// A panic before a job runs, say while hostile arguments are read, is audited as well.
func TestPanicBeforeTheJobIsAudited(t *testing.T) {
	s := serve(t, api.RoleOperator, api.Limits{}, tools.Define(api.ToolLinks, func(*tools.Node) api.ToolState { panic("a defect") },
		func(context.Context, *tools.Node, api.LinksRequest, tools.Sink) error { return nil }))
	if err := call(t, s.control, api.ToolLinks, nil); !errors.Is(err, rpc.ErrInternal) {
		t.Errorf("%v", err)
	}
	if audit := s.audit.all(t); len(audit) != 1 || audit[0]["verdict"] != "refused" || audit[0]["result"] != "internal error" {
		t.Errorf("audit: %v", audit)
	}
}

func TestLimits(t *testing.T) {
	begun := make(chan struct{}, 8)
	blocks := pingTool(func(ctx context.Context, _ *tools.Node, _ api.PingRequest, sink tools.Sink) error {
		if err := sink.Event(api.PingEvent{}); err != nil {
			return err
		}
		begun <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	for name, tt := range map[string]struct {
		limits api.Limits
		says   string
	}{
		"of the console": {api.Limits{JobsPerConsole: 1}, "limits.jobs_per_console"},
		"of the agent":   {api.Limits{Jobs: 1}, "limits.jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, api.RoleOperator, tt.limits, blocks, tools.All()[0])
			first, err := s.control.Call(t.Context(), api.ToolPing, goodPing)
			if err != nil {
				t.Fatal(err)
			}
			<-begun
			if err := call(t, s.control, api.ToolPing, goodPing); !errors.Is(err, rpc.ErrResourceExhausted) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("one too many: %v", err)
			}
			if err := call(t, s.control, api.ToolHello, api.HelloRequest{}); err != nil {
				t.Errorf("hello of a full agent: %v", err)
			}
			first.Close()
			eventually(t, "the job ends with its caller", func() bool { return len(s.audit.all(t)) == 3 })
			second, err := s.control.Call(t.Context(), api.ToolPing, goodPing)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			if _, err := second.Next(); err != nil {
				t.Errorf("there is room again, but: %v", err)
			}
			<-begun
		})
	}
	t.Run("of time", func(t *testing.T) {
		s := serve(t, api.RoleOperator, api.Limits{Duration: 50 * time.Millisecond}, blocks)
		err := call(t, s.control, api.ToolPing, goodPing)
		if !errors.Is(err, rpc.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "limits.duration") {
			t.Errorf("%v", err)
		}
		if audit := s.audit.all(t); len(audit) != 1 || audit[0]["result"] != "time limit exceeded" || audit[0]["verdict"] != "accepted" {
			t.Errorf("audit: %v", audit)
		}
	})
}

func TestCallerClosesEndsJob(t *testing.T) {
	ended := make(chan error, 1)
	s := serve(t, api.RoleOperator, api.Limits{},
		tools.Define(api.ToolCapture, isReady, func(ctx context.Context, _ *tools.Node, _ api.CaptureRequest, sink tools.Sink) error {
			for {
				if err := sink.Data(make([]byte, api.MaxData)); err != nil { // until the console's window is full
					ended <- err
					return err
				}
			}
		}))
	st, err := s.bulk.Call(t.Context(), api.ToolCapture, api.CaptureRequest{Device: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := st.Next(); err != nil || len(m.Data) != api.MaxData {
		t.Fatalf("%d bytes, %v", len(m.Data), err)
	}
	st.Close()
	if err := <-ended; !errors.Is(err, rpc.ErrCancelled) {
		t.Errorf("the job ended with %v", err)
	}
	eventually(t, "a line of audit says so", func() bool {
		audit := s.audit.all(t)
		return len(audit) == 1 && audit[0]["result"] == "cancelled" && audit[0]["bytes"].(float64) >= api.MaxData
	})
}

func TestErrorKinds(t *testing.T) {
	for kind, code := range map[error]rpc.Code{
		tools.ErrArgument: rpc.InvalidArgument, tools.ErrNotFound: rpc.NotFound, tools.ErrNotReady: rpc.NotReady,
		tools.ErrLimit: rpc.ResourceExhausted, tools.ErrUnavailable: rpc.Unavailable, tools.ErrTimeout: rpc.DeadlineExceeded,
		context.Canceled: rpc.Cancelled, errors.New("anything"): rpc.Internal,
		rpc.Errorf(rpc.Unimplemented, "no"): rpc.Unimplemented,
	} {
		if got := rpc.CodeOf(wireError(fmt.Errorf("do it: %w", kind))); got != code {
			t.Errorf("%v is %v, want %v", kind, got, code)
		}
	}
	if wireError(nil) != nil {
		t.Error("a good end became an error")
	}
}
