package lab

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"time"

	"steth/lab/guest"
	"steth/lab/scenario"
	"steth/lab/wires"
)

// stage is one of the programs that the lab is made of. All are this same
// executable, started again inside the namespaces that the stage lives in.
type stage struct {
	name     string // init, host or guest
	subject  string // the host or server
	dir      Dir
	flavour  scenario.Flavour
	agent    string // the agent's binary, "" for no agents
	life     time.Duration
	rootless bool
}

// argv is the command line that starts the stage; [Stage] reads it back.
func (s stage) argv() []string {
	return []string{
		"steth", "lab", s.name, "-dir", string(s.dir), "-name", s.subject, "-flavour", string(s.flavour), "-agent", s.agent,
		"-lifetime", s.life.String(), "-rootless=" + strconv.FormatBool(s.rootless),
	}
}

// Stage runs one of the lab's own programs: args are what follows `steth lab`.
// Only the lab itself calls it, inside namespaces of its own; anywhere else it
// refuses.
func Stage(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("no stage is named")
	}
	s := stage{name: args[0]}
	flags := flag.NewFlagSet(s.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar((*string)(&s.dir), "dir", "", "")
	flags.StringVar(&s.subject, "name", "", "")
	flags.StringVar((*string)(&s.flavour), "flavour", "", "")
	flags.StringVar(&s.agent, "agent", "", "")
	flags.DurationVar(&s.life, "lifetime", 0, "")
	flags.BoolVar(&s.rootless, "rootless", false, "")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if !wellStarted() {
		return fmt.Errorf("`steth lab %s` is started by `steth lab up` alone", s.name)
	}
	syscall.CloseOnExec(reportFD)
	syscall.CloseOnExec(leashFD)
	report := newReporter()
	err := s.run(ctx, report)
	if err != nil {
		report.send(event{Error: err.Error()})
	}
	return err
}

// wellStarted says whether the two pipes of a stage are there.
func wellStarted() bool {
	for _, fd := range []int{reportFD, leashFD} {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
			return false
		}
	}
	return true
}

func (s stage) run(ctx context.Context, report *reporter) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("stage", s.name, "name", s.subject)
	if err := syscall.SetNonblock(leashFD, true); err != nil { // else closing it would not end a read
		return fmt.Errorf("set up the leash: %w", err)
	}
	leash := os.NewFile(leashFD, "leash")
	defer leash.Close()
	if s.name == "init" {
		return s.runInit(ctx, report, leash, log)
	}
	cloud, err := s.cloud()
	if err != nil {
		return err
	}
	switch s.name {
	case "host":
		host, ok := cloud.Host(s.subject)
		if !ok {
			return fmt.Errorf("the scenario has no host %q", s.subject)
		}
		return s.runHost(ctx, cloud, host, report, leash, log)
	case "guest":
		server, ok := cloud.Server(s.subject)
		if !ok {
			return fmt.Errorf("the scenario has no server %q", s.subject)
		}
		return s.runGuest(ctx, cloud, server, report, leash, log)
	}
	return fmt.Errorf("there is no stage %q", s.name)
}

// cloud is what the lab is built from.
func (s stage) cloud() (*scenario.Cloud, error) { return scenario.Load(s.dir.scenario(), s.flavour) }

// awaitWord waits for the starter's word to go on.
func awaitWord(leash *os.File) error {
	var word [1]byte
	if _, err := io.ReadFull(leash, word[:]); err != nil {
		return fmt.Errorf("the starter is gone: %w", err)
	}
	return nil
}

func (s stage) runGuest(ctx context.Context, cloud *scenario.Cloud, server *scenario.Server, report *reporter, leash *os.File, log *slog.Logger) error {
	if err := syscall.Sethostname([]byte(server.Name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := wires.Loopback(); err != nil {
		return err
	}
	if err := awaitWord(leash); err != nil {
		return err
	}
	g := guest.Guest{
		Cloud: cloud, Server: server, Log: log,
		Ready: func(l guest.Lease) { report.send(event{Step: stepReady, Lease: &l}) },
	}
	return g.Run(ctx)
}
