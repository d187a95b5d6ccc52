package tools

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// task is a function that runs in a goroutine of its own. Its panic comes out
// of wait, in the goroutine of the call it belongs to, where the agent catches
// it; a panic anywhere else would end the whole agent.
type task struct {
	done  chan struct{}
	err   error
	panic any
}

func start(fn func() error) *task {
	t := &task{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		defer t.recover()
		t.err = fn()
	}()
	return t
}

// startThread runs fn on an operating system thread that nothing else uses and
// that ends with fn. So fn may move the thread to another namespace or take
// capabilities from it, and a process that fn starts with a parent-death
// signal, which follows the thread and not the process, is safe until fn returns.
func startThread(fn func() error) *task {
	t := &task{done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: Go ends the thread with the goroutine
		if unix.Gettid() == unix.Getpid() {
			// The main thread can't end before the process does, and it is what
			// /proc/PID/ns shows. Leave it as it is and take another.
			defer runtime.UnlockOSThread()
			other := startThread(fn)
			<-other.done
			t.err, t.panic = other.err, other.panic
			close(t.done)
			return
		}
		defer close(t.done)
		defer t.recover()
		t.err = fn()
	}()
	return t
}

func (t *task) recover() {
	if p := recover(); p != nil {
		t.panic = fmt.Sprintf("%v\n%s", p, debug.Stack())
	}
}

// wait returns what the function returned. It may be called more than once.
func (t *task) wait() error {
	<-t.done
	if t.panic != nil {
		panic(t.panic)
	}
	return t.err
}

// onThread runs fn as startThread does and waits for it.
func onThread(fn func() error) error { return startThread(fn).wait() }
