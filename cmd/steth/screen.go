package main

import (
	"context"
	"errors"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"steth/internal/config"
	"steth/themes"
	"steth/tui"
)

// screenFlags are those of the console alone.
type screenFlags struct {
	theme   string
	ascii   bool
	noMouse bool
	find    string
	noLoad  bool
	slow    bool
	sync    bool
}

func (s *screenFlags) register(root *cobra.Command) {
	root.Flags().StringVar(&s.find, "find", "", "look this address, MAC, name or id up at once")
	root.Flags().BoolVar(&s.noLoad, "no-load", false, "read no lists at the start, for very large clouds")
	s.look(root)
}

// look registers what says how the console looks.
func (s *screenFlags) look(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.theme, "theme", "", "dark, light or mono (default: as the terminal's background)")
	f.BoolVar(&s.ascii, "ascii", false, "use no sign outside ASCII")
	f.BoolVar(&s.noMouse, "no-mouse", false, "leave the mouse to the terminal")
	f.BoolVar(&s.slow, "slow-terminal", false, "ten frames a second at most, for slow links")
	f.BoolVar(&s.sync, "sync-output", false, "ask the terminal for synchronised output, over SSH too")
}

// options are the flags with what the configuration says besides.
func (s *screenFlags) options(conf config.Console) (tui.Options, error) {
	opt := tui.Options{
		Theme: firstOf(s.theme, conf.Theme), ASCII: s.ascii || conf.ASCII, Keys: conf.Keys,
		Find: s.find, NoLoad: s.noLoad, SlowTerminal: s.slow, SyncOutput: s.sync,
		NoMouse: s.noMouse || conf.Mouse != nil && !*conf.Mouse,
	}
	if opt.Theme != "" {
		if _, err := themes.Get(opt.Theme, opt.ASCII); err != nil {
			return opt, usageError{err}
		}
	}
	return opt, nil
}

// screen opens the console.
func screen(ctx context.Context, f flags, s screenFlags) error {
	if !term.IsTerminal(os.Stdin.Fd()) || !term.IsTerminal(os.Stdout.Fd()) {
		return usage("the console needs a terminal; `steth help` shows the commands that don't")
	}
	w, err := newWorld(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opt, err := s.options(w.conf)
	if err != nil {
		return errors.Join(err, w.Close())
	}
	err = tui.Run(ctx, &backend{world: w, ctx: ctx}, opt)
	cancel()
	return errors.Join(err, w.Close())
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
