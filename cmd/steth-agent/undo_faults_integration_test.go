//go:build integration

package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"steth/agent/api"
	"steth/rpc"
)

// injectIn has one frame come in by v0.
func injectIn(t *testing.T, s *rpc.Session, ns string) error {
	frame := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 7}, make([]byte, 48)...)
	st, err := s.Call(t.Context(), api.ToolInject, api.InjectRequest{
		Netns: ns, Device: "v0", Way: api.InjectIn, Frames: [][]byte{frame}, Count: 1, Interval: time.Second,
	})
	if err != nil {
		return err
	}
	defer st.Close()
	_, err = st.Next()
	return err
}

// TestKilledAnywhere kills the agent at any moment of what makes and removes
// devices: whatever it was at, its successor leaves nothing.
func TestKilledAnywhere(t *testing.T) {
	ns, state := bridged(t), filepath.Join(t.TempDir(), "state")
	var devices, entries int
	for n := range 10 {
		p := startAgent(t, "--state", state)
		control, _ := p.dial(t, "injector")
		var calls sync.WaitGroup
		for range 6 {
			calls.Go(func() {
				for injectIn(t, control, ns) == nil { // until the agent is gone
				}
			})
		}
		time.Sleep(time.Duration(10+7*n) * time.Millisecond)
		if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = p.cmd.Wait() // killed
		calls.Wait()
		devices, entries = devices+scratches(t, ns), entries+journalled(t, state)
	}
	if devices == 0 || entries == 0 {
		t.Errorf("the kills left %d devices and %d entries: they test nothing", devices, entries)
	}
	startAgent(t, "--state", state)
	awaitNone(t, state, 3*time.Second)
	if left := links(t, ns); strings.Contains(left, "sth") || strings.Contains(left, "stp") {
		t.Errorf("there is still\n%s", left)
	}
}

// stateDisk is a state directory on a disk of its own, of 64 KiB.
func stateDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=64k,mode=700"); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk: what can't be noted is not done, and nothing half noted stays.
func TestFullDisk(t *testing.T) {
	ns, state := bridged(t), stateDisk(t)
	p := startAgent(t, "--state", state)
	control, _ := p.dial(t, "injector")
	full := filepath.Join(state, "full")
	if err := os.WriteFile(full, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	if err := injectIn(t, control, ns); err == nil || !strings.Contains(err.Error(), state) {
		t.Errorf("with a full disk: %v", err)
	}
	if n := scratches(t, ns); n != 0 || journalled(t, state) != 1 {
		t.Errorf("there are %d devices and %d files", n, journalled(t, state))
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	if err := injectIn(t, control, ns); err != nil {
		t.Errorf("with room again: %v", err)
	}
	awaitNone(t, state, 3*time.Second)
}

// TestReadOnlyDisk has the disk of the journal break while a device is there:
// the device goes, by this agent or by the next, and the entry with the disk's
// repair.
func TestReadOnlyDisk(t *testing.T) {
	for name, kill := range map[string]bool{"the call ends": false, "the agent is killed": true} {
		t.Run(name, func(t *testing.T) {
			ns, state := bridged(t), stateDisk(t)
			p := startAgent(t, "--state", state)
			control, _ := p.dial(t, "injector")
			comeIn(t, control, ns)
			if kill {
				if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = p.cmd.Wait() // killed
				if n := scratches(t, ns); n != 1 {
					t.Fatalf("there are %d devices", n)
				}
			}
			// A former agent's that nobody needs any more must not be in the way.
			if err := os.WriteFile(filepath.Join(state, "0.json.tmp"), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
			remount(t, state, syscall.MS_RDONLY)
			if kill {
				p = startAgent(t, "--state", state)
			} else {
				control.Close()
			}
			awaitScratches(t, ns, 0, 3*time.Second)
			again, _ := p.dial(t, "injector")
			if err := injectIn(t, again, ns); err == nil {
				t.Error("a device is made that can't be noted")
			}
			if n := scratches(t, ns); n != 0 {
				t.Errorf("there are %d devices", n)
			}
			again.Close()
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			_ = p.cmd.Wait() // asked to end
			remount(t, state, 0)
			startAgent(t, "--state", state)
			awaitNone(t, state, 3*time.Second)
		})
	}
}
