package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"steth/evidence"
	"steth/feed"
	"steth/probes"
	"steth/probes/follow"
)

// replayFlags are the arguments of `steth replay`.
type replayFlags struct {
	format string
	rows   int
}

func replayCommand(f *flags) *cobra.Command {
	var r replayFlags
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Show a path again that was saved, without the cloud",
		Long: `Show what steth path -w or W on the path page has saved: the same hops, packets
and conclusion, worked out anew from the packets. FILE is the pcapng file or the
.path.json beside it. No cloud is signed in to and no agent is asked.

The exit status is that of steth path: 0 for ok and warn, 1 where packets were
lost or a device was missing, and 2 when nothing could be judged.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("say which file to replay: steth replay FILE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return replayRun(cmd.Context(), *f, r, args[0]) },
	}
	s := cmd.Flags()
	s.StringVarP(&r.format, "format", "f", "table", "table, json or yaml")
	s.IntVar(&r.rows, "rows", 20, "print so many of the newest packets in a table; JSON has all")
	return cmd
}

func replayRun(ctx context.Context, f flags, r replayFlags, name string) error {
	if !slices.Contains([]string{"table", "json", "yaml"}, r.format) {
		return usage("format %q is not one of table, json, yaml", r.format)
	}
	conf, err := f.load(os.Getenv)
	if err != nil {
		return err
	}
	log, err := openLog(f.log)
	if err != nil {
		return err
	}
	path, err := evidence.OpenPath(name)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer path.Close()
	s, err := follow.Replay(ctx, probes.Env{Spool: feed.Options{Dir: conf.Spool}, Log: log}, path.Recording, path)
	if err != nil {
		return fmt.Errorf("replay %s: %w", name, err)
	}
	defer s.Close()
	<-s.Done()
	if at, ok := s.Recorded(); ok {
		fmt.Fprintf(os.Stderr, "recorded %s\n", at.Local().Format("2006-01-02 15:04:05"))
	}
	return tellPath(s, r.format, r.rows)
}
