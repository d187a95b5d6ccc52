//go:build integration

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"steth/internal/terminal"
)

// drive is the console over the lab in a real terminal.
type drive struct {
	*testing.T
	term *terminal.Terminal
	dir  string // where it runs, and saves
}

func open(t *testing.T, cols, rows int, args ...string) drive {
	t.Helper()
	return openWith(t, cols, rows, func(words ...string) *exec.Cmd { return inLab(t.Context(), words...) }, args...)
}

// openWith is open in a lab that lab makes commands for.
func openWith(t *testing.T, cols, rows int, lab func(words ...string) *exec.Cmd, args ...string) drive {
	t.Helper()
	// What it says on standard error, a stack trace for example, goes to a file.
	words := append([]string{"--", "sh", "-c", `exec "$0" "$@" 2>stderr`, filepath.Join(bin, "steth")}, args...)
	cmd := lab(words...)
	cmd.Dir = t.TempDir()
	term, err := terminal.Start(cmd, cols, rows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { term.Close() })
	return drive{t, term, cmd.Dir}
}

func (d drive) press(keys string) {
	d.Helper()
	if err := d.term.Type(keys); err != nil {
		d.Fatal(err)
	}
}

func (d drive) see(text string) {
	d.Helper()
	if _, err := d.term.See(text, 15*time.Second); err != nil {
		d.Fatalf("%v\nwhat it was doing:\n%s", err, d.traces())
	}
}

// traces are the stacks of the console's goroutines, which end it.
func (d drive) traces() string {
	// The whole group, for what enters the lab does not pass signals on.
	if err := syscall.Kill(-d.term.Process().Pid, syscall.SIGQUIT); err != nil {
		return err.Error()
	}
	_ = d.term.Wait(5 * time.Second) // it ends badly, on purpose
	text, err := os.ReadFile(filepath.Join(d.dir, "stderr"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

const (
	enter = "\r"
	esc   = "\x1b"
	tab   = "\t"
)

// TestScreen goes the engineer's way: find a server by its address, capture on
// its tap, capture on its neighbour's, ping between them, save, quit.
func TestScreen(t *testing.T) {
	a, b := pair(t)
	d := open(t, 160, 45)
	d.see("READ-ONLY")
	d.see("3 of 3")
	for i, p := range []object{a, b} {
		if i > 0 { // it opens with the cursor in find
			d.press("s")
		}
		d.press(p["ip"] + enter)
		d.see(p["id"])
		d.press("c")
		d.see("enter runs")
		d.press(enter)
		d.see("tap" + p["id"][:11] + " on " + p["host"])
	}
	d.press(":probe l3.ping" + enter)
	d.see("enter runs")
	d.press(enter)
	d.see("bytes from")
	left := func(screen string) bool { // a packet in the pane on the left
		for line := range strings.Lines(screen) {
			if cells := []rune(line); strings.Contains(string(cells[:min(len(cells), 75)]), a["ip"]+" > ") {
				return true
			}
		}
		return false
	}
	if _, err := d.term.Until("a packet of "+a["ip"], 15*time.Second, left); err != nil {
		t.Fatal(err)
	}
	d.press("1W")
	d.see(".pcapng")
	until(t, "a saved capture", 5*time.Second, func() bool {
		found, err := filepath.Glob(filepath.Join(d.dir, "*.pcapng"))
		return err == nil && len(found) > 0
	})
	found, _ := filepath.Glob(filepath.Join(d.dir, "*.pcapng"))
	if out, err := exec.Command("tshark", "-r", found[0], "-T", "fields", "-e", "frame.interface_name").CombinedOutput(); err != nil || !strings.Contains(string(out), "tap") {
		t.Errorf("tshark can't read the saved file: %v\n%.500s", err, out)
	}
	d.press(":q" + enter)
	d.see("?")
	d.press("y")
	if err := d.term.Wait(5 * time.Second); err != nil {
		t.Error(err)
	}
}
