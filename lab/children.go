package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"steth/lab/wires"
)

// children are the processes below a first process of a pid namespace. It
// inherits every orphan there, so one place waits for all children, its own and
// inherited ones, and tells those who started one how it ended.
type children struct {
	mu      sync.Mutex // held while a process starts, so that none is reaped before it is known
	running map[int]*child
	stop    chan struct{}
	idle    sync.WaitGroup
}

// child is a process that was started here.
type child struct {
	pid    int
	ended  chan struct{} // closed after status is set
	status syscall.WaitStatus
}

func newChildren() *children {
	c := &children{running: map[int]*child{}, stop: make(chan struct{})}
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	c.idle.Go(func() {
		defer signal.Stop(died)
		for {
			select {
			case <-died:
				c.reap()
			case <-c.stop:
				return
			}
		}
	})
	return c
}

func (c *children) close() {
	close(c.stop)
	c.idle.Wait()
}

func (c *children) reap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if child := c.running[pid]; child != nil {
			delete(c.running, pid)
			child.status = status
			close(child.ended)
		}
	}
}

// start starts a program in the namespace ("" for this process's own).
func (c *children) start(namespace string, argv []string, attr *os.ProcAttr) (*child, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err
	}
	if namespace == "" {
		return c.startPath(path, argv, attr)
	}
	var started *child
	err = wires.In(namespace, func() error {
		var err error
		started, err = c.startPath(path, argv, attr)
		return err
	})
	return started, err
}

// startSelf starts this same program.
func (c *children) startSelf(argv []string, attr *os.ProcAttr) (*child, error) {
	return c.startPath("/proc/self/exe", argv, attr)
}

func (c *children) startPath(path string, argv []string, attr *os.ProcAttr) (*child, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	started := &child{pid: p.Pid, ended: make(chan struct{})}
	c.running[p.Pid] = started
	return started, p.Release()
}

// run is a [wires.Run].
func (c *children) run(ctx context.Context, namespace string, stdin []byte, argv ...string) error {
	input, err := memory("stdin", stdin)
	if err != nil {
		return err
	}
	defer input.Close()
	output, err := memory("output", nil)
	if err != nil {
		return err
	}
	defer output.Close()
	child, err := c.start(namespace, argv, &os.ProcAttr{Env: os.Environ(), Files: []*os.File{input, output, output}})
	if err != nil {
		return err
	}
	if err := child.wait(ctx); err != nil {
		output.Seek(0, io.SeekStart)
		said, _ := io.ReadAll(io.LimitReader(output, 4096))
		return fmt.Errorf("%s: %w: %s", argv[0], err, bytes.TrimSpace(said))
	}
	return nil
}

// memory is a file without a name: a program can write to it without anyone
// reading meanwhile.
func memory(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err = f.Write(content); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	return f, nil
}

// wait waits for the child's end; when the context ends first, the child is
// killed.
func (p *child) wait(ctx context.Context) error {
	select {
	case <-p.ended:
	case <-ctx.Done():
		syscall.Kill(p.pid, syscall.SIGKILL)
		<-p.ended
		return context.Cause(ctx)
	}
	switch {
	case p.status.Signaled():
		return fmt.Errorf("killed by %v", p.status.Signal())
	case p.status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", p.status.ExitStatus())
	}
	return nil
}
