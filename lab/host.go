package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"steth/agent/api"
	"steth/lab/scenario"
	"steth/lab/wires"
)

// agentPause is how long a host waits before it starts an agent that ended
// again, as systemd would. It is long enough to see that nothing of the old one
// is left.
const agentPause = 5 * time.Second

// runHost is the first process of a host.
func (s stage) runHost(ctx context.Context, cloud *scenario.Cloud, host *scenario.Host, report *reporter, leash *os.File, log *slog.Logger) error {
	err := errors.Join(
		detach(),
		furnish(s.dir.hosts()),
		scratch(neutronDir),
		syscall.Sethostname([]byte(host.Name)),
	)
	if err != nil {
		return fmt.Errorf("furnish host %s: %w", host.Name, err)
	}
	kids := newChildren()
	defer kids.close()
	if err := awaitWord(leash); err != nil {
		return err
	}
	if err := wires.Loopback(); err != nil {
		return err
	}
	if err := wires.Host(ctx, cloud, host, wires.Options{Run: kids.run, Rootless: s.rootless, LogDir: s.dir.Logs()}); err != nil {
		return err
	}
	report.send(event{Step: stepWired})
	if s.agent == "" {
		report.send(event{Step: stepReady})
		<-ctx.Done()
		return nil
	}
	return s.keepAgent(ctx, host, kids, func() { report.send(event{Step: stepReady}) }, log)
}

// keepAgent runs the host's agent, again whenever it ends. An agent that ends
// before it ever listened is an error.
func (s stage) keepAgent(ctx context.Context, host *scenario.Host, kids *children, ready func(), log *slog.Logger) error {
	out, err := os.OpenFile(filepath.Join(s.dir.Logs(), "agent-"+host.Name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the agent's log: %w", err)
	}
	defer out.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	listen := netip.AddrPortFrom(host.Management, api.Port)
	argv := []string{
		s.agent, "--config", s.dir.agentConfig(), "--node", host.Name,
		"--listen", listen.String(), "--pki", filepath.Join(s.dir.PKI(), "node-"+host.Name),
		"--state", s.dir.state(host.Name),
	}
	listened := false
	for ctx.Err() == nil {
		child, err := kids.start("", argv, &os.ProcAttr{
			Env: os.Environ(), Files: []*os.File{null, out, out}, Sys: &syscall.SysProcAttr{Setpgid: true},
		})
		if err != nil {
			return err
		}
		if !listened {
			if err := awaitAgent(ctx, child, listen); err != nil {
				return fmt.Errorf("the agent of %s: %w; see %s", host.Name, err, out.Name())
			}
			listened = true
			ready()
		}
		err = child.wait(ctx)
		if ctx.Err() == nil {
			log.Warn("the agent ended", "err", err, "again_in", agentPause)
			wait(ctx, agentPause)
		}
	}
	return nil
}

// awaitAgent waits until the agent listens. It looks at the kernel's list of
// sockets: a connection would stand in the agent's log as a failed one.
func awaitAgent(ctx context.Context, child *child, listen netip.AddrPort) error {
	for {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			return err
		}
		if listening(string(table), listen) {
			return nil
		}
		select {
		case <-child.ended:
			return fmt.Errorf("ended before it listened (exit status %d)", child.status.ExitStatus())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// listening looks for a listening socket in a table of proc_net_tcp(5): the
// address in the second field, as the machine keeps it in memory, and the state
// 0A in the fourth.
func listening(table string, at netip.AddrPort) bool {
	a := at.Addr().As4()
	want := fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(a[:]), at.Port())
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 3 && f[1] == want && f[3] == "0A" {
			return true
		}
	}
	return false
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
