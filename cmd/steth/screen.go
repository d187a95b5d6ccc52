package main

import (
	"context"
	"errors"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

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
	root.Flags().StringVar(&s.theme, "theme", "", "dark, light or mono (default: as the terminal's background)")
	root.Flags().BoolVar(&s.ascii, "ascii", false, "use no sign outside ASCII")
	root.Flags().BoolVar(&s.noMouse, "no-mouse", false, "leave the mouse to the terminal")
	root.Flags().StringVar(&s.find, "find", "", "look this address, MAC, name or id up at once")
	root.Flags().BoolVar(&s.noLoad, "no-load", false, "read no lists at the start, for very large clouds")
	root.Flags().BoolVar(&s.slow, "slow-terminal", false, "ten frames a second at most, for slow links")
	root.Flags().BoolVar(&s.sync, "sync-output", false, "ask the terminal for synchronised output, over SSH too")
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
	opt := tui.Options{
		Theme: firstOf(s.theme, w.conf.Theme), ASCII: s.ascii || w.conf.ASCII, Keys: w.conf.Keys,
		Find: s.find, NoLoad: s.noLoad, SlowTerminal: s.slow, SyncOutput: s.sync,
		NoMouse: s.noMouse || w.conf.Mouse != nil && !*w.conf.Mouse,
	}
	if opt.Theme != "" {
		if _, err := themes.Get(opt.Theme, opt.ASCII); err != nil {
			return errors.Join(usageError{err}, w.Close())
		}
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
