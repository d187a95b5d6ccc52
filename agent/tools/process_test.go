package tools

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommandLines(t *testing.T) {
	var got []line
	exit, err := command{program: "sh", args: []string{"-c", `echo one; printf 'two\r\nthree'; echo oops >&2; echo $LC_ALL$HOME; exit 3`}}.
		run(t.Context(), func(l line) error { got = append(got, l); return nil })
	if err != nil || exit != 3 {
		t.Fatalf("status %d, %v", exit, err)
	}
	var out, bad []string
	for _, l := range got {
		if l.stderr {
			bad = append(bad, l.text)
		} else {
			out = append(out, l.text)
		}
	}
	if strings.Join(out, "|") != "one|two|threeC" || strings.Join(bad, "|") != "oops" {
		t.Errorf("output %q, errors %q", out, bad)
	}
}

// A line of a program is text, whatever strangers had it print: the wire
// carries nothing else, and the call would end at it.
func TestCommandPrintsBytes(t *testing.T) {
	var got string
	if _, err := (command{program: "sh", args: []string{"-c", `printf 'a\377\000b\n'`}}).
		run(t.Context(), func(l line) error { got = l.text; return nil }); err != nil {
		t.Fatal(err)
	}
	if want := "a\uFFFD\x00b"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a program may do is set before it starts, and for all that it starts itself.
func TestCommandRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: there is nothing to take from another user")
	}
	for name, tt := range map[string]struct {
		command command
		want    string
	}{
		"confined":       {command{confined: true}, "CapPrm 0000000000000000 CapEff 0000000000000000 CapBnd 0000000000000000 NoNewPrivs 1"},
		"one capability": {command{keeps: []capability{capNetRaw()}}, "CapPrm 0000000000002000 CapEff 0000000000002000 CapBnd 0000000000002000 NoNewPrivs 1"},
	} {
		c := tt.command
		c.program, c.args = "sh", []string{"-c", "cat /proc/self/status"}
		var got []string
		if _, err := c.run(t.Context(), func(l line) error {
			if key, value, _ := strings.Cut(l.text, ":"); key == "NoNewPrivs" || key == "CapPrm" || key == "CapEff" || key == "CapBnd" {
				got = append(got, key, strings.TrimSpace(value))
			}
			return nil
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s: %s\nwant %s", name, got, tt.want)
		}
	}
}

func TestCommandMissing(t *testing.T) {
	_, err := command{program: "no-such-program", debian: "a-package"}.run(t.Context(), nil)
	if !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "apt install a-package") {
		t.Errorf("%v", err)
	}
}

func TestFindProgram(t *testing.T) {
	put := func(dir, file os.FileMode) string {
		t.Helper()
		in := t.TempDir()
		path := filepath.Join(in, "tool")
		for _, err := range []error{os.WriteFile(path, nil, 0o600), os.Chmod(path, file), os.Chmod(in, dir)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return in
	}
	good, shared, writable, data := put(0o755, 0o755), put(0o775, 0o755), put(0o755, 0o757), put(0o755, 0o644)
	if path, err := findIn([]string{shared, writable, data, good}, "tool", "a-package"); err != nil || path != filepath.Join(good, "tool") {
		t.Errorf("%s, %v; want that in %s", path, err, good)
	}
	for _, dir := range []string{shared, writable} {
		if path, err := findIn([]string{dir}, "tool", "a-package"); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "replaced by others") {
			t.Errorf("%s, %v", path, err)
		}
	}
	if _, err := findIn([]string{data}, "tool", "a-package"); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("%v", err)
	}
}

// TestCommandCancelled runs programs that end when asked, only when killed, and
// with a child of their own.
func TestCommandCancelled(t *testing.T) {
	for name, script := range map[string]string{
		"ends when asked": `echo $$; exec sleep 100`,
		"must be killed":  `trap '' TERM; echo $$; while :; do sleep 100; done`,
		"has a child":     `sleep 100 & echo $!; wait`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			why := errors.New("enough")
			pid := ""
			begin := time.Now()
			_, err := command{program: "sh", args: []string{"-c", script}}.run(ctx, func(l line) error {
				pid = l.text
				cancel(why)
				return nil
			})
			if !errors.Is(err, why) {
				t.Errorf("%v", err)
			}
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			// A child's child is killed with the group, but not waited for by us.
			for deadline := time.Now().Add(2 * time.Second); alive(pid); runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Fatalf("process %s is left", pid)
				}
			}
		})
	}
}

// alive tells whether a process is there and no zombie that waits for another parent.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestCommandHandleFails(t *testing.T) {
	why := errors.New("the console is gone")
	_, err := command{program: "yes"}.run(t.Context(), func(line) error { return why })
	if !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

func TestCommandPrintsTooMuch(t *testing.T) {
	_, err := command{program: "yes", output: 1000}.run(t.Context(), func(line) error { return nil })
	if !errors.Is(err, ErrLimit) {
		t.Errorf("%v", err)
	}
}

func TestCommandLongLine(t *testing.T) {
	n := 0
	_, err := command{program: "head", args: []string{"-c", "100000", "/dev/zero"}}.run(t.Context(), func(l line) error {
		n++
		if len(l.text) > maxLine {
			t.Errorf("a piece of %d bytes", len(l.text))
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d pieces, %v", n, err)
	}
}

// TestCommandHandlePanics: a parser's defect leaves no process.
func TestCommandHandlePanics(t *testing.T) {
	pid := ""
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_, _ = command{program: "sh", args: []string{"-c", `echo $$; exec sleep 100`}}.run(t.Context(), func(l line) error {
			pid = l.text
			panic("a defect")
		})
	}()
	if alive(pid) {
		t.Errorf("process %s is left", pid)
	}
}

func TestThreadPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic in the caller")
		}
	}()
	_ = onThread(func() error { panic("a defect") })
}

func TestCommandStopSignal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []string
	_, err := command{
		program: "sh", stop: syscall.SIGINT,
		args: []string{"-c", `trap 'echo summary; exit' INT; echo ready; while :; do sleep 0.05; done`},
	}.run(ctx, func(l line) error {
		got = append(got, l.text)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || strings.Join(got, " ") != "ready summary" {
		t.Errorf("%q, %v", got, err)
	}
}
