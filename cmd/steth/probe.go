package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steth/feed"
	"steth/internal/safetext"
	"steth/openstack"
	"steth/probes"
	"steth/probes/catalog"
)

func probeCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{Use: "probe", Short: "List and run probes", Args: noArgs}
	cmd.AddCommand(probeListCommand(), probeRunCommand(f))
	return cmd
}

func probeListCommand() *cobra.Command {
	var o outFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the probes and what each asks",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.check(); err != nil {
				return err
			}
			all := catalog.All().All()
			if o.format == "json" || o.format == "yaml" {
				return writeObject(os.Stdout, o.format, describe(all))
			}
			t := table{keys: []string{"name", "targets", "sends", "asks"}, titles: []string{"NAME", "TARGETS", "SENDS", "ASKS"}}
			for _, p := range all {
				sends := ""
				if p.Sends {
					sends = "yes"
				}
				t.rows = append(t.rows, []string{p.Name, kindList(p.Kinds), sends, p.Ask})
			}
			t, err := t.pick(o.columns)
			if err != nil {
				return err
			}
			return t.write(os.Stdout, o.format)
		},
	}
	o.register(cmd, true)
	return cmd
}

// probeInfo is a probe as `probe list -f json` tells it.
type probeInfo struct {
	Name    string           `json:"name"`
	Asks    string           `json:"asks"`
	Targets []openstack.Kind `json:"targets"`
	Sends   bool             `json:"sends"`
	Args    []argInfo        `json:"args"`
	Codes   []codeInfo       `json:"reason_codes"`
}

type argInfo struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Help     string   `json:"help"`
	Default  string   `json:"default"`
	Choices  []string `json:"choices,omitempty"`
	Required bool     `json:"required"`
}

type codeInfo struct {
	Name    string         `json:"name"`
	Verdict probes.Verdict `json:"verdict"`
	Means   string         `json:"means"`
}

func describe(all []*probes.Probe) []probeInfo {
	out := []probeInfo{}
	for _, p := range all {
		i := probeInfo{Name: p.Name, Asks: p.Ask, Targets: p.Kinds, Sends: p.Sends, Args: []argInfo{}}
		for _, a := range p.Args() {
			i.Args = append(i.Args, argInfo{a.Name, string(a.Type), a.Help, a.Default, a.Choices, a.Required})
		}
		for _, c := range slices.Concat(p.Codes, probes.CommonCodes()) {
			i.Codes = append(i.Codes, codeInfo(c))
		}
		out = append(out, i)
	}
	return out
}

func kindList(kinds []openstack.Kind) string {
	var out []string
	for _, k := range kinds {
		out = append(out, string(k))
	}
	return strings.Join(out, " ")
}

// targetFlags are --port, --node and so on: one for each kind.
type targetFlags map[openstack.Kind]*string

func (t targetFlags) register(cmd *cobra.Command) {
	for _, k := range openstack.Kinds() {
		t[k] = cmd.Flags().String(string(k), "", "the "+string(k)+" to ask about: name or id")
	}
}

// one is the only target that was given.
func (t targetFlags) one() (openstack.Kind, string, error) {
	var kind openstack.Kind
	for _, k := range openstack.Kinds() {
		if *t[k] == "" {
			continue
		}
		if kind != "" {
			return "", "", usage("give one target: either --%s or --%s", kind, k)
		}
		kind = k
	}
	if kind == "" {
		return "", "", usage("give a target, --port NAME or --node NAME for example")
	}
	return kind, *t[kind], nil
}

func probeRunCommand(f *flags) *cobra.Command {
	var o outFlags
	var set []string
	var rw, quiet bool
	targets := targetFlags{}
	cmd := &cobra.Command{
		Use:   "run NAME --port|--node|... TARGET",
		Short: "Run a probe and judge what it finds",
		Long: `Run a probe on a target and print what it concludes. Lines that it shows live go
to standard error. The exit status is 0 for ok, warn and skip, 1 for fail, and 2
when the probe could not run.`,
		Args: exactArgs(1, "the name of a probe; `steth probe list` shows all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			w, err := newWorld(*f)
			if err != nil {
				return err
			}
			defer w.Close()
			p, err := w.probes.Get(args[0])
			if err != nil {
				return usageError{err}
			}
			if p.Sends && !rw {
				return usage("%s loads or changes the network: say that you want that with --rw", p.Name)
			}
			target, err := w.target(cmd.Context(), p, targets)
			if err != nil {
				return err
			}
			values, err := assignments(set)
			if err != nil {
				return err
			}
			run, err := w.start(cmd.Context(), p, target, values)
			if err != nil {
				return usageError{err}
			}
			if !quiet {
				showLive(run)
			}
			<-run.Done()
			finding, _ := run.Finding()
			for _, f := range run.Feeds() {
				f.Close()
			}
			return conclude(finding, o.format)
		},
	}
	o.register(cmd, false)
	cmd.Flags().StringArrayVar(&set, "set", nil, "argument of the probe, NAME=VALUE; may be given again")
	cmd.Flags().BoolVar(&rw, "rw", false, "allow a probe that sends as a server or loads the network")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print the conclusion only")
	targets.register(cmd)
	return cmd
}

// target looks up what was asked about.
func (w *world) target(ctx context.Context, p *probes.Probe, t targetFlags) (probes.Target, error) {
	kind, name, err := t.one()
	if err != nil {
		return probes.Target{}, err
	}
	if !p.About(kind) {
		return probes.Target{}, usage("%s can't be asked about a %s; it takes %s", p.Name, kind, kindList(p.Kinds))
	}
	return w.resolve(ctx, kind, name)
}

// resolve looks a target up, with what is around it. A node that only the
// configuration knows needs no cloud.
func (w *world) resolve(ctx context.Context, kind openstack.Kind, name string) (probes.Target, error) {
	if _, known := w.conf.Nodes[name]; known && kind == openstack.KindNode {
		if _, err := w.load(ctx, []openstack.Kind{openstack.KindNode, openstack.KindAgent}, nil); err != nil {
			w.log.Warn("nodes are not known from the cloud", "err", err)
		}
		return probes.Target{Kind: kind, ID: name, Name: name}, nil
	}
	o, err := w.lookUp(ctx, kind, name)
	if err != nil {
		return probes.Target{}, err
	}
	if _, err := w.load(ctx, wiring(), nil); err != nil {
		return probes.Target{}, err
	}
	return probes.Target{Kind: kind, ID: o.ObjectID(), Name: w.snapshot().DisplayName(o)}, nil
}

// wiring are the kinds that say how an object is wired.
func wiring() []openstack.Kind {
	return []openstack.Kind{
		openstack.KindNode, openstack.KindAgent, openstack.KindNetwork, openstack.KindSubnet, openstack.KindPort, openstack.KindRouter, openstack.KindFloatingIP, openstack.KindServer,
	}
}

// start fits the probe's defaults to the target, lets values win, and runs it.
func (w *world) start(ctx context.Context, p *probes.Probe, t probes.Target, values map[string]string) (*probes.Run, error) {
	form, ferr := p.Form(ctx, w.env(), t)
	set := map[string]string{}
	for _, a := range form {
		set[a.Name] = a.Default
	}
	for k, v := range values {
		set[k] = v
	}
	run, err := p.Start(ctx, w.env(), t, set)
	if err != nil && ferr != nil {
		return nil, fmt.Errorf("%w (%w)", err, ferr)
	}
	return run, err
}

func assignments(set []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range set {
		k, v, ok := strings.Cut(s, "=")
		if !ok || k == "" {
			return nil, usage("--set %q is not NAME=VALUE", s)
		}
		out[k] = v
	}
	return out, nil
}

// showLive prints what a run shows, until it ends.
func showLive(run *probes.Run) {
	next := map[*feed.Feed]uint64{}
	buf := make([]feed.Entry, 256)
	show := func() {
		for _, f := range run.Feeds() {
			for {
				n := f.Read(next[f], buf)
				if n == 0 {
					break
				}
				for _, e := range buf[:n] {
					fmt.Fprintln(os.Stderr, entryText(f.About(), &e))
				}
				next[f] = buf[n-1].Seq + 1
			}
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-run.Done():
			show()
			return
		case <-tick.C:
			show()
		}
	}
}

// conclude prints a finding and turns its verdict into the exit status.
func conclude(f probes.Finding, format string) error {
	var err error
	switch format {
	case "json", "yaml":
		err = writeObject(os.Stdout, format, f)
	default:
		fmt.Printf("%s  %s  %s\n", f.Verdict, f.Code, safetext.Clean(f.Reason))
		for _, n := range f.Next {
			fmt.Printf("next: %s  (%s)\n", safetext.Clean(n.Do), safetext.Clean(n.Why))
		}
	}
	switch {
	case err != nil:
		return err
	case f.Verdict == probes.Fail:
		return status(exitFail)
	case f.Verdict == probes.Error:
		return status(exitError)
	}
	return nil
}
