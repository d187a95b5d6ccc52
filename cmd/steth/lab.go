package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"steth/lab"
	"steth/lab/scenario"
)

// labFlags are those of the commands that start a lab.
type labFlags struct {
	flavour  string
	scenario string
	agent    string
	life     time.Duration
}

func labCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run a small cloud on this machine, to try steth on",
		Long: `The lab is a small cloud in namespaces of its own: three hosts with agents, two
tenant networks over VXLAN, six servers, a router with a floating IP, and an
OpenStack API that tells of them. This machine's own network is never touched.
As root its hosts are wired with Open vSwitch, where that is installed; with
Linux bridges root is not needed where user namespaces are allowed.

  steth lab demo                     a lab with the console open in it, gone on quit
  steth lab up                       a lab that stays until down, at most --lifetime
  steth lab exec steth               the console in the lab that is up
  steth lab exec openstack port list any OpenStack client in it
  steth lab exec -h cmp1 ip link     a command on a host
  steth lab exec -h cmp1 ovs-vsctl show
  steth lab exec -g web1 ip address  a command in a server`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", string(lab.DefaultDir(os.Getenv)), "the lab's directory (also $STETH_LAB_DIR); each holds one lab")
	cmd.AddCommand(labUp(&dir), labDown(&dir), labStatus(&dir), labExec(&dir), labDemo(&dir))
	for _, stage := range []string{"init", "host", "guest"} {
		cmd.AddCommand(&cobra.Command{
			Use: stage, Hidden: true, DisableFlagParsing: true,
			RunE: func(cmd *cobra.Command, args []string) error {
				return lab.Stage(cmd.Context(), append([]string{stage}, args...))
			},
		})
	}
	return cmd
}

func (f *labFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.flavour, "flavour", "", "how hosts are wired: ovs (Open vSwitch) or linuxbridge (default ovs where it can run, as root)")
	cmd.Flags().StringVar(&f.scenario, "scenario", "", "build the cloud that this YAML file describes")
	cmd.Flags().StringVar(&f.agent, "agent", "", "path of steth-agent (default beside steth), or none for a lab without agents")
	cmd.Flags().DurationVar(&f.life, "lifetime", lab.DefaultLifetime, "after which the lab ends by itself")
}

// start brings a lab up and says how it goes on standard error.
func (f *labFlags) start(ctx context.Context, dir string) (*lab.Lab, error) {
	agent := f.agent
	switch agent {
	case "none":
		agent = ""
	case "":
		var err error
		if agent, err = lab.AgentBeside(); err != nil {
			return nil, err
		}
	}
	begin := time.Now()
	l, err := lab.Up(ctx, lab.Options{
		Dir: lab.Dir(dir), Flavour: scenario.Flavour(f.flavour), Scenario: f.scenario, Agent: agent, Lifetime: f.life,
		Progress: func(line string) { fmt.Fprintf(os.Stderr, "%5.1fs  %s\n", time.Since(begin).Seconds(), line) },
	})
	if errors.Is(err, lab.ErrRunning) {
		return nil, fmt.Errorf("%w: `steth lab status` shows it, `steth lab down` ends it", err)
	}
	return l, err
}

func labUp(dir *string) *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use: "up", Short: "Start a lab", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.start(cmd.Context(), *dir)
			if err != nil {
				return err
			}
			if err := l.Release(); err != nil {
				return err
			}
			fmt.Printf(`The lab is up until %s. Next:
  steth lab exec steth                  open the console in it
  steth lab exec openstack port list    ask its API
  steth lab down                        end it
`, l.Status.Until.Local().Format("Mon 15:04"))
			return nil
		},
	}
	f.register(cmd)
	return cmd
}

func labDown(dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "End the lab; only its logs stay", Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return lab.Down(lab.Dir(*dir)) },
	}
}

func labStatus(dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the lab that is up", Args: noArgs,
		Long: "Show the lab that is up: its hosts, servers, addresses and processes.\nExit status 0 when it is up, 1 when it isn't.",
		RunE: func(*cobra.Command, []string) error {
			s, err := lab.Dir(*dir).Read()
			if errors.Is(err, lab.ErrDown) {
				fmt.Fprintf(os.Stderr, "steth: %v\n", err)
				return status(exitFail)
			}
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "flavour\t%s\nAPI\t%s/identity/v3\nprocess\t%d\nup since\t%s\nends by\t%s\ndirectory\t%s\n\n",
				s.Flavour, s.API, s.PID, s.Since.Local().Format(time.DateTime), s.Until.Local().Format(time.DateTime), *dir)
			fmt.Fprintln(w, "HOST\tADDRESS\tAGENT\tNAMESPACES OF PID")
			for _, m := range s.Hosts {
				fmt.Fprintf(w, "%s\t%v\t%s\t%d\n", m.Name, m.Address, firstOf(m.Agent, "-"), m.PID)
			}
			fmt.Fprintln(w, "\nSERVER\tADDRESS\tNETWORK\tHOST\tTAP\tPLUG\tNAMESPACES OF PID")
			for _, m := range s.Servers {
				fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%s\t%d\n", m.Name, m.Address, m.Network, m.Host, m.Tap, m.Plug, m.PID)
			}
			return w.Flush()
		},
	}
}

func labExec(dir *string) *cobra.Command {
	var at lab.Place
	var user string
	cmd := &cobra.Command{
		Use:   "exec [-h HOST | -g SERVER] COMMAND...",
		Short: "Run a command in the lab, with OS_* and STETH_CONFIG set",
		RunE: func(_ *cobra.Command, args []string) error {
			line, env, err := labLine(lab.Dir(*dir), at, user, args)
			if err != nil {
				return err
			}
			path, err := exec.LookPath(line[0])
			if err != nil {
				return fmt.Errorf("run a command in the lab: %w", err)
			}
			// nsenter takes this process's place, so that signals and the exit status are the command's own.
			return fmt.Errorf("run a command in the lab: %w", syscall.Exec(path, line, env))
		},
	}
	cmd.Flags().Bool("help", false, "help for exec") // without the -h that cobra gives it
	cmd.Flags().StringVarP(&at.Host, "host", "h", "", "run on this host")
	cmd.Flags().StringVarP(&at.Server, "guest", "g", "", "run in this server")
	cmd.Flags().StringVarP(&user, "user", "u", "admin", "the cloud's user whom OS_* name")
	cmd.Flags().SetInterspersed(false) // what follows COMMAND is the command's
	return cmd
}

// labLine is the command line that runs args in the lab, and its environment.
func labLine(dir lab.Dir, at lab.Place, user string, args []string) (line, env []string, err error) {
	if len(args) == 0 {
		return nil, nil, usage("exec needs a command to run")
	}
	s, err := dir.Read()
	if err != nil {
		return nil, nil, err
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "/"
	}
	if args[0] == "steth" { // this very program, wherever it is
		if self, err := os.Executable(); err == nil {
			args = append([]string{self}, args[1:]...)
		}
	}
	if line, err = s.Command(at, cwd, args); err != nil {
		return nil, nil, err
	}
	env, err = dir.Environ(os.Environ(), user)
	return line, env, err
}

func labDemo(dir *string) *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use: "demo", Short: "Start a lab, open the console in it, end the lab on quit", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// A terminal that goes away must not take this program before it has cleaned up.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
			defer stop()
			l, err := f.start(ctx, *dir)
			if err != nil {
				return err
			}
			return errors.Join(labConsole(ctx, lab.Dir(*dir)), l.Close())
		},
	}
	f.register(cmd)
	return cmd
}

// labConsole runs the console inside of the lab until it is quit. A signal that
// ends this program ends the console first.
func labConsole(ctx context.Context, dir lab.Dir) error {
	line, env, err := labLine(dir, lab.Place{}, "admin", []string{"steth"})
	if err != nil {
		return err
	}
	console := exec.CommandContext(ctx, line[0], line[1:]...)
	console.Env = env
	console.Stdin, console.Stdout, console.Stderr = os.Stdin, os.Stdout, os.Stderr
	console.Cancel = func() error { return endBelow(console.Process.Pid) }
	console.WaitDelay = 3 * time.Second
	err = console.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		if exit.ExitCode() == 0 {
			return nil
		}
		return status(exit.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("run the console in the lab: %w", err)
	}
	return nil
}

// endBelow asks the children of a process to end: nsenter waits for the console
// but passes no signal on, and a console that is killed leaves the terminal as
// it was.
func endBelow(pid int) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			if err := syscall.Kill(child, syscall.SIGTERM); err != nil {
				return err
			}
		}
	}
	return nil
}
