package tools

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stopGrace is how long a program may take to end after it was asked to. The
	// agent promises that nothing is left 3 s after a call.
	stopGrace = time.Second
	// maxLine is the longest line handed on in one piece, in bytes.
	maxLine = 16 << 10
	// maxOutput is how much a program may print, in bytes, unless its command
	// says otherwise.
	maxOutput = 64 << 20
)

// programDirs is where programs are looked for. The agent's own PATH is not
// asked: whoever starts the agent should not choose what runs as root.
func programDirs() []string {
	return []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"}
}

// findProgram returns the path of an installed program, or an error that names
// the Debian package to install.
func findProgram(name, debian string) (string, error) {
	return findIn(programDirs(), name, debian)
}

// findIn passes over what others than its owner can write, or put there: on
// Debian that may be true of /usr/local and the group staff.
func findIn(dirs []string, name, debian string) (string, error) {
	exposed := ""
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		st, err := os.Stat(path)
		if err != nil || !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
			continue
		}
		if parent, err := os.Stat(dir); err != nil || (st.Mode()|parent.Mode())&0o022 != 0 {
			exposed = path
			continue
		}
		return path, nil
	}
	if exposed != "" {
		return "", failf(ErrNotReady, "%s can be replaced by others than its owner, so it is not run: take the group's and others' right to write from it and its directory, or apt install %s", exposed, debian)
	}
	return "", failf(ErrNotReady, "%s is not installed on this node: apt install %s", name, debian)
}

// command is a program to run with a fixed list of arguments. There is no
// shell, and no argument may be a caller's text that could be taken for an option.
type command struct {
	program string
	debian  string // the package it comes in
	args    []string
	netns   *os.File // to run in; nil: the agent's own
	// confined runs it as nobody, or without any capability where there is no
	// such user, because it reads what strangers wrote.
	confined bool
	// keeps are the capabilities of a program that can't be confined; nil leaves
	// it all of the agent's.
	keeps []capability
	// isolated runs it in a new, empty network namespace.
	isolated bool
	stop     syscall.Signal // asks it to end; 0: SIGTERM
	output   int64          // bytes that it may print; 0: maxOutput
}

// line is one line that a program printed, without its end.
type line struct {
	text   string
	stderr bool
}

// run starts the program, calls handle with each line as it comes, and returns
// its exit status. When ctx ends or handle fails, the program is asked to end,
// then killed; lines that it prints meanwhile are still handled, so that a
// summary isn't lost. The program and its whole process group are gone when run
// returns, and when the agent itself is killed.
func (c command) run(ctx context.Context, handle func(line) error) (exit int, err error) {
	path, err := findProgram(c.program, c.debian)
	if err != nil {
		return -1, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	lines := make(chan line, 64)
	limit := cmp.Or(c.output, maxOutput)
	out := &lineSplitter{lines: lines, left: limit, tooMuch: func() {
		cancel(failf(ErrLimit, "%s printed more than %d bytes", c.program, limit))
	}}
	stdout, stderr := &stream{to: out}, &stream{to: out, stderr: true}

	t := startThread(func() error {
		defer close(lines)
		if err := c.prepareThread(); err != nil {
			return err
		}
		cmd := exec.Command(path, c.args...)
		cmd.Dir = "/"
		cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
		cmd.Stdout, cmd.Stderr = stdout, stderr
		cmd.WaitDelay = stopGrace // for output held open by what left the process group
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: c.credential()}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start %s: %w", c.program, err)
		}
		supervise(ctx, cmd.Process.Pid, c.stop)
		err := cmd.Wait()
		stdout.flush()
		stderr.flush()
		return err
	})
	// A handle that panics must leave nothing behind either.
	defer func() {
		cancel(nil)
		for range lines { // so that the writers can end
		}
		<-t.done
	}()

	for l := range lines {
		if err := handle(l); err != nil {
			cancel(err)
			break
		}
	}
	for range lines { // what comes after handle failed
	}
	err = t.wait()
	if cause := context.Cause(ctx); cause != nil {
		return -1, cause
	}
	var status *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &status):
		return status.ExitCode(), nil
	}
	return -1, err
}

// supervise returns once process pid has ended and its group has been killed.
// The process is then still a zombie, so that no signal can have hit a stranger
// that was given the same id.
func supervise(ctx context.Context, pid int, stop syscall.Signal) {
	if stop == 0 {
		stop = syscall.SIGTERM
	}
	exited := make(chan struct{})
	var stopper sync.WaitGroup
	stopper.Go(func() {
		select {
		case <-exited:
		case <-ctx.Done():
			_ = syscall.Kill(-pid, stop)
			grace := time.NewTimer(stopGrace)
			defer grace.Stop()
			select {
			case <-exited:
			case <-grace.C:
			}
		}
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	})
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	close(exited)
	stopper.Wait()
}

// prepareThread gives the calling thread what the program shall inherit.
func (c command) prepareThread() error {
	if c.netns != nil {
		if err := enter(c.netns); err != nil {
			return err
		}
	}
	if c.isolated {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return failf(ErrNotReady, "make an empty network namespace for %s: %w", c.program, err)
		}
	}
	var err error
	if c.confined || c.keeps != nil {
		err = bindCapabilities(c.keeps...)
	}
	if err == nil && c.confined && c.credential() == nil {
		err = dropCapabilities()
	}
	if err != nil {
		return failf(ErrNotReady, "take capabilities from %s: %w", c.program, err)
	}
	return nil
}

func (c command) credential() *syscall.Credential {
	if !c.confined || os.Geteuid() != 0 || !idMapped("/proc/self/uid_map", nobody) || !idMapped("/proc/self/gid_map", nobody) {
		return nil
	}
	return &syscall.Credential{Uid: nobody, Gid: nobody}
}

// lineSplitter gathers the lines of a program's two outputs.
type lineSplitter struct {
	mu      sync.Mutex
	lines   chan<- line
	left    int64
	tooMuch func()
}

// stream is one of the two outputs. exec.Cmd copies each in a goroutine of its own.
type stream struct {
	to      *lineSplitter
	stderr  bool
	partial []byte
}

func (s *stream) Write(p []byte) (int, error) {
	s.to.mu.Lock()
	s.to.left -= int64(len(p))
	over := s.to.left < 0
	s.to.mu.Unlock()
	if over {
		s.to.tooMuch()
		return len(p), nil
	}
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			s.partial = append(s.partial, rest...)
			if len(s.partial) > maxLine {
				s.flush()
			}
			break
		}
		s.partial = append(s.partial, rest[:i]...)
		s.emit()
		rest = rest[i+1:]
	}
	return len(p), nil
}

func (s *stream) emit() {
	text := s.partial
	if len(text) > maxLine {
		text = text[:maxLine]
	}
	s.to.lines <- line{text: validText(string(bytes.TrimSuffix(text, []byte("\r")))), stderr: s.stderr}
	s.partial = s.partial[:0]
}

// flush hands on a last line that has no end.
func (s *stream) flush() {
	if len(s.partial) > 0 {
		s.emit()
	}
}
