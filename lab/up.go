package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"steth/lab/scenario"
)

// Options are what a lab can be told.
type Options struct {
	Dir      Dir
	Flavour  scenario.Flavour // the best one that this machine can build when empty
	Scenario string           // path of a scenario, "" for the default one
	Agent    string           // path of steth-agent, "" for a lab without agents
	Lifetime time.Duration    // DefaultLifetime when 0
	Progress func(line string)
}

// DefaultLifetime is after how long a forgotten lab ends by itself.
const DefaultLifetime = 12 * time.Hour

// buildTime is how long a lab may take to come up. It takes two seconds; a
// machine on which it takes a minute has another problem.
const buildTime = time.Minute

// goTime is how long a lab may take to end by itself before it is killed, in
// milliseconds.
const goTime = 3000

// Lab is a lab that this process started and still holds: it ends with this
// process unless it is released.
type Lab struct {
	Status Status
	dir    Dir
	cmd    *exec.Cmd
	leash  *os.File // nil once released or closed
}

// Up builds a lab and returns when every agent listens and every server reaches
// its gateway. What a killed lab left in the directory is cleaned up first. The
// caller releases the lab or closes it.
func Up(ctx context.Context, opt Options) (*Lab, error) {
	if opt.Lifetime == 0 {
		opt.Lifetime = DefaultLifetime
	}
	rootless := os.Geteuid() != 0
	path := searchPath(os.Getenv("PATH"))
	if err := checkPrograms("the lab", programs[:], path); err != nil {
		return nil, err
	}
	flavour, err := chooseFlavour(opt.Flavour, rootless, path)
	if err != nil {
		return nil, err
	}
	if rootless {
		if err := checkUserNamespaces("/proc/sys"); err != nil {
			return nil, err
		}
	}
	if opt.Agent != "" {
		if _, err := exec.LookPath(opt.Agent); err != nil {
			return nil, fmt.Errorf("the lab needs steth-agent: build it beside steth, or say where it is with --agent (%w)", err)
		}
	}
	cloud, err := scenario.Load(opt.Scenario, flavour.Flavour)
	if err != nil {
		return nil, err
	}
	if err := opt.Dir.prepare(); err != nil {
		return nil, err
	}
	lock, err := opt.Dir.claim()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := opt.Dir.sweep(opt.Progress); err != nil {
		return nil, err
	}
	opt.Progress(flavour.String())
	if err := opt.Dir.write(opt, cloud); err != nil {
		return nil, errors.Join(err, opt.Dir.clear())
	}
	s := stage{name: "init", dir: opt.Dir, flavour: flavour.Flavour, agent: opt.Agent, life: opt.Lifetime, rootless: rootless}
	l, err := s.launch(ctx, lock, path, opt.Progress)
	if err != nil {
		return nil, errors.Join(err, opt.Dir.clear())
	}
	return l, nil
}

// launch starts the first process and follows it until the lab is ready.
func (s stage) launch(ctx context.Context, lock *os.File, path string, progress func(string)) (*Lab, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, buildTime, fmt.Errorf("it wasn't ready after %v", buildTime))
	defer cancel()
	reports, reportEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the lab: %w", err)
	}
	defer reports.Close()
	defer reportEnd.Close()
	leash, word, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the lab: %w", err)
	}
	defer leash.Close()
	log, err := os.OpenFile(filepath.Join(s.dir.Logs(), "lab.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		word.Close()
		return nil, fmt.Errorf("open the lab's log: %w", err)
	}
	defer log.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: s.argv(),
		Env:    append(os.Environ(), "PATH="+path),
		Stdout: log, Stderr: log, ExtraFiles: []*os.File{reportEnd, leash, lock},
		SysProcAttr: s.namespaces(),
	}
	if err := cmd.Start(); err != nil {
		word.Close()
		return nil, explainStart(err, s.rootless)
	}
	l := &Lab{dir: s.dir, cmd: cmd, leash: word}
	reportEnd.Close()
	stop := context.AfterFunc(ctx, func() { reports.Close() })
	defer stop()
	ready := false
	err = listen(reports, func(e event) bool {
		if e.Text != "" {
			progress(e.Text)
		}
		ready = e.Step == stepReady
		return !ready
	})
	if ready {
		if l.Status, err = s.dir.Read(); err == nil {
			return l, nil
		}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, errors.Join(fmt.Errorf("bring the lab up: %w; its logs are in %s", err, s.dir.Logs()), l.Close())
}

// namespaces are those of the first process. Without root the user becomes root
// of a namespace that holds this one user id.
func (s stage) namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Setsid: true,
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	if s.rootless {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

// Release lets the lab live on when this process ends.
func (l *Lab) Release() error {
	_, err := l.leash.WriteString("\n")
	err = errors.Join(err, l.leash.Close())
	l.leash = nil
	if err != nil {
		return fmt.Errorf("let the lab go: %w", err)
	}
	return l.cmd.Process.Release()
}

// Close ends the lab and returns when nothing of it is left but its logs. One
// that was released or closed before is left alone.
func (l *Lab) Close() error {
	if l.leash == nil {
		return nil
	}
	err := l.leash.Close()
	l.leash = nil
	if err != nil {
		return fmt.Errorf("end the lab: %w", err)
	}
	kill := time.AfterFunc(goTime*time.Millisecond, func() { l.cmd.Process.Kill() })
	defer kill.Stop()
	l.cmd.Wait() // how it ended is no news
	return l.dir.tidy()
}
