package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"steth/evidence"
	"steth/feed"
	"steth/internal/config"
	"steth/internal/safetext"
	"steth/openstack"
	"steth/probes"
	"steth/probes/follow"
	"steth/tui"
)

// replayFlags are the arguments of `steth replay`.
type replayFlags struct {
	format string
	rows   int
	screen screenFlags
}

func replayCommand(f *flags) *cobra.Command {
	var r replayFlags
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Show a path again that was saved, without the cloud",
		Long: `Show what steth path -w or W on the path page has saved: the same hops, packets
and conclusion, worked out anew from the packets. FILE is the pcapng file or the
.path.json beside it; of a pcapng file alone the captures show side by side. No
cloud is signed in to and no agent is asked.

It opens the console, or prints where -f is given or there is no terminal. The
exit status of what is printed is that of steth path: 0 for ok and warn, 1 where
packets were lost or a device was missing, and 2 when nothing could be judged.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("say which file to replay: steth replay FILE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), *f, args[0]) },
	}
	s := cmd.Flags()
	s.StringVarP(&r.format, "format", "f", "", "print instead of opening the console: table, json or yaml")
	s.IntVar(&r.rows, "rows", 20, "print so many of the newest packets in a table; JSON has all")
	r.screen.look(cmd)
	return cmd
}

func (r replayFlags) run(ctx context.Context, f flags, name string) error {
	if !slices.Contains([]string{"", "table", "json", "yaml"}, r.format) {
		return usage("format %q is not one of table, json, yaml", r.format)
	}
	if r.format == "" && !(term.IsTerminal(os.Stdin.Fd()) && term.IsTerminal(os.Stdout.Fd())) {
		r.format = "table"
	}
	conf, err := f.load(os.Getenv)
	if err != nil {
		return err
	}
	log, err := openLog(f.log)
	if err != nil {
		return err
	}
	spool := feed.Options{Dir: conf.Spool}
	path, err := evidence.OpenPath(name)
	if errors.Is(err, evidence.ErrNoPath) && r.format == "" {
		return r.captures(ctx, conf, name, spool)
	}
	if errors.Is(err, evidence.ErrNoPath) {
		return fmt.Errorf("replay: %w, so there is nothing to print; in a terminal, without -f, its captures show side by side", err)
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer path.Close()
	if r.format != "" { // nobody looks into the captures
		spool.Spool, spool.Memory = -1, 1<<20
	}
	s, err := follow.Replay(ctx, probes.Env{Spool: spool, Log: log}, path.Recording, path)
	if err != nil {
		return fmt.Errorf("replay %s: %w", name, err)
	}
	defer s.Close()
	at, _ := s.Recorded()
	if r.format == "" {
		what := tui.Options{Path: s}
		if a := path.Recording.Path.From.Addresses; len(a) > 0 {
			what.Find = a[0].String() // the explorer begins with whose packets they are
		}
		return r.show(ctx, conf, newRecorded(filepath.Base(name), at, path.Inventory), what)
	}
	<-s.Done()
	fmt.Fprintf(os.Stderr, "recorded %s\n", at.Local().Format("2006-01-02 15:04:05"))
	return tellPath(s, r.format, r.rows)
}

// captures shows a file that is no path.
func (r replayFlags) captures(ctx context.Context, conf config.Console, name string, spool feed.Options) error {
	c, err := evidence.OpenCaptures(ctx, name, spool)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer c.Close()
	if len(c.Feeds) == 0 {
		return fmt.Errorf("replay: %s has no packet", name)
	}
	err = r.show(ctx, conf, newRecorded(filepath.Base(name), c.Taken, openstack.NewSnapshot()), tui.Options{Captures: c.Feeds, Notes: append([]string{alone(name)}, c.Notes...)})
	for _, n := range c.Notes {
		fmt.Fprintln(os.Stderr, safetext.Clean(n))
	}
	return err
}

// alone says why a file shows as captures: of one that W has saved, a part was
// left behind.
func alone(name string) string {
	return fmt.Sprintf("captures alone: a path shows again where its %s is beside the file", filepath.Base(evidence.Sidecar(name)))
}

// show opens the console on something recorded.
func (r replayFlags) show(ctx context.Context, conf config.Console, b *recorded, what tui.Options) error {
	opt, err := r.screen.options(conf)
	if err != nil {
		return err
	}
	opt.Path, opt.Captures, opt.Notes, opt.Find = what.Path, what.Captures, what.Notes, what.Find
	opt.NoLoad, opt.DialAll = true, -1
	return tui.Run(ctx, b, opt)
}
