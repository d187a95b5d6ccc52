// Package terminal runs a program in a pseudo-terminal, types keys, and reads
// what its screen shows. Tests and benchmarks drive the real console with it.
package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// Terminal is a running program and its screen. Close it when done.
type Terminal struct {
	cmd  *exec.Cmd
	pty  *os.File
	done chan struct{} // closed when the program's output has ended

	mu      sync.Mutex
	vt      vt10x.Terminal
	changed chan struct{} // closed and made anew whenever the screen may have changed
}

// Start runs cmd on a screen of cols by rows characters.
func Start(cmd *exec.Cmd, cols, rows int) (*Terminal, error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "TERM=xterm-256color", "COLORTERM=truecolor")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		return nil, fmt.Errorf("start %s in a terminal: %w", cmd.Path, err)
	}
	t := &Terminal{
		cmd: cmd, pty: f, done: make(chan struct{}), changed: make(chan struct{}),
		vt: vt10x.New(vt10x.WithSize(cols, rows), vt10x.WithWriter(f)),
	}
	go t.read()
	return t, nil
}

func (t *Terminal) read() {
	defer close(t.done)
	buf := make([]byte, 64<<10)
	for {
		n, err := t.pty.Read(buf)
		t.mu.Lock()
		_, _ = t.vt.Write(buf[:n]) // an emulator in memory does not fail
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Type sends text or control sequences as a keyboard would.
func (t *Terminal) Type(keys string) error {
	_, err := t.pty.WriteString(keys)
	return err
}

// Screen is the text on the screen, a line a row.
func (t *Terminal) Screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen()
}

func (t *Terminal) screen() string {
	cols, rows := t.vt.Size()
	var b bytes.Buffer
	for y := range rows {
		var line []rune
		for x := range cols {
			if c := t.vt.Cell(x, y).Char; c != 0 {
				line = append(line, c)
			} else {
				line = append(line, ' ')
			}
		}
		b.WriteString(strings.TrimRight(string(line), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// Until waits until the screen fits, for at most limit, and returns how long
// that took. The error holds the screen.
func (t *Terminal) Until(what string, limit time.Duration, fits func(screen string) bool) (time.Duration, error) {
	start := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		t.mu.Lock()
		screen, changed := t.screen(), t.changed
		t.mu.Unlock()
		if fits(screen) {
			return time.Since(start), nil
		}
		select {
		case <-changed:
		case <-t.done:
			return 0, fmt.Errorf("%s never came before the program ended; the screen:\n%s", what, t.Screen())
		case <-timer.C:
			return 0, fmt.Errorf("%s did not come in %v; the screen:\n%s", what, limit, screen)
		}
	}
}

// See waits until text is on the screen.
func (t *Terminal) See(text string, limit time.Duration) (time.Duration, error) {
	return t.Until(fmt.Sprintf("%q", text), limit, func(s string) bool { return strings.Contains(s, text) })
}

// Resize changes the size of the screen.
func (t *Terminal) Resize(cols, rows int) error {
	t.mu.Lock()
	t.vt.Resize(cols, rows)
	t.mu.Unlock()
	return pty.Setsize(t.pty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
}

// Process is the program, to send it signals.
func (t *Terminal) Process() *os.Process { return t.cmd.Process }

// Wait waits for the program's own end and returns how it ended.
func (t *Terminal) Wait(limit time.Duration) error {
	select {
	case <-t.done:
		return t.cmd.Wait()
	case <-time.After(limit):
		return fmt.Errorf("the program did not end in %v; the screen:\n%s", limit, t.Screen())
	}
}

// Close ends the program if it still runs.
func (t *Terminal) Close() error {
	if t.cmd.ProcessState == nil {
		if err := t.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		_ = t.cmd.Wait() // killed on purpose
	}
	err := t.pty.Close()
	<-t.done
	return err
}
