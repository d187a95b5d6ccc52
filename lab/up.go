package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"steth/agent/api"
	"steth/lab/scenario"
	"steth/rpc/pki"
)

// Options are what a lab can be told.
type Options struct {
	Dir      Dir
	Scenario string        // path of a scenario, "" for the default one
	Agent    string        // path of steth-agent, "" for a lab without agents
	Lifetime time.Duration // DefaultLifetime when 0
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
	if err := checkPrograms(path); err != nil {
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
	cloud, err := scenario.Load(opt.Scenario)
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
	if err := opt.Dir.write(opt, cloud); err != nil {
		return nil, errors.Join(err, opt.Dir.clear())
	}
	s := stage{name: "init", dir: opt.Dir, agent: opt.Agent, life: opt.Lifetime, rootless: rootless}
	l, err := s.launch(ctx, lock, path, opt.Progress)
	if err != nil {
		return nil, errors.Join(err, opt.Dir.clear())
	}
	return l, nil
}

// sweep removes what an earlier lab left that was killed; the caller has the
// lock. Its processes are the kernel's to end, which may take a moment.
func (d Dir) sweep(progress func(string)) error {
	if _, err := os.Stat(d.record()); errors.Is(err, fs.ErrNotExist) {
		return d.clear()
	}
	progress("cleaning up after a lab that was killed")
	if p, err := d.find(); err == nil {
		defer p.close()
		if err := p.signal(unix.SIGKILL); err != nil {
			return err
		}
		if !p.wait(goTime) {
			return errors.New("the killed lab's processes don't go away")
		}
	}
	if err := os.RemoveAll(d.Logs()); err != nil {
		return fmt.Errorf("clear the lab's directory: %w", err)
	}
	return errors.Join(d.clear(), os.MkdirAll(d.Logs(), 0o700))
}

// write writes the files that the lab's stages and its user read.
func (d Dir) write(opt Options, cloud *scenario.Cloud) error {
	text := scenario.Default()
	if opt.Scenario != "" {
		var err error
		if text, err = os.ReadFile(opt.Scenario); err != nil {
			return fmt.Errorf("copy the scenario: %w", err)
		}
	}
	for path, content := range map[string]string{
		d.scenario():    string(text),
		d.hosts():       hostsFile(cloud),
		d.clouds():      cloudsFile(cloud),
		d.Config():      configFile(d, cloud),
		d.agentConfig(): agentFile,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return fmt.Errorf("write the lab's files: %w", err)
		}
	}
	// Everyone in the lab may read names; only its owner may read keys.
	if err := os.Chmod(d.hosts(), 0o644); err != nil {
		return fmt.Errorf("write the lab's files: %w", err)
	}
	if opt.Agent == "" {
		return nil
	}
	return d.certify(cloud)
}

// certify makes the lab's own authority, a console's certificate for each role
// and one for each host.
func (d Dir) certify(cloud *scenario.Cloud) error {
	var roles []string
	for _, r := range api.Roles() {
		roles = append(roles, string(r))
	}
	if _, err := pki.Init(d.PKI(), roles); err != nil {
		return fmt.Errorf("make the lab's certificates: %w", err)
	}
	for _, h := range cloud.Hosts {
		if _, err := pki.Issue(d.PKI(), h.Name, h.Management.String()); err != nil {
			return fmt.Errorf("make the certificate of %s: %w", h.Name, err)
		}
	}
	return nil
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

// tidy removes all files but the logs. The lab is gone; when another has come
// since, the files are that one's.
func (d Dir) tidy() error {
	lock, err := d.claim()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return d.remove()
}

// remove removes all files but the logs; the caller holds the lock.
func (d Dir) remove() error {
	err := d.clear()
	if e := os.Remove(d.lock()); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("clear the lab's directory: %w", e))
	}
	return err
}

// Down ends the directory's lab and returns when nothing of it is left but its
// logs. A directory without a lab is fine.
func Down(d Dir) error {
	p, err := d.find()
	if err == nil {
		defer p.close()
		if err := p.signal(unix.SIGTERM); err != nil {
			return err
		}
		if !p.wait(goTime) {
			if err := p.signal(unix.SIGKILL); err != nil {
				return err
			}
			if !p.wait(goTime) {
				return errors.New("the lab's processes don't go away")
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.tidy()
}

// agentFile is the agents' configuration: this machine's own stays out of the
// lab.
const agentFile = "# Written by `steth lab up`.\nnamespaces: [/run/netns]\n"

func hostsFile(c *scenario.Cloud) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n")
	fmt.Fprintf(&b, "%v %s\n", c.API.Addr(), apiName)
	for _, h := range c.Hosts {
		fmt.Fprintf(&b, "%v %s\n", h.Management, h.Name)
	}
	return b.String()
}

// configFile is the console's configuration.
func configFile(d Dir, c *scenario.Cloud) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by `steth lab up`.\npki: %q\nnodes:\n", d.PKI())
	for _, h := range c.Hosts {
		fmt.Fprintf(&b, "  %s: %v\n", h.Name, h.Management)
	}
	return b.String()
}
