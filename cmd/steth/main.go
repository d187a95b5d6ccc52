// Steth is the console: a screen, and the same from the command line, for
// finding what is broken in a tenant network of OpenStack.
//
// This package is wiring. It reads flags and the configuration, makes a cloud,
// a fleet and the probes of them, and hands those to the screen or to a verb.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"steth/internal/safetext"
)

// Exit statuses.
const (
	exitOK    = 0 // ok, warn or skip
	exitFail  = 1 // the network is bad
	exitError = 2 // could not run, or wrong usage
)

// status is an error that only sets the exit status: what there is to say has
// been printed already.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is wrong usage of the command line.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var s status
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &s):
		return int(s)
	}
	fmt.Fprintf(os.Stderr, "steth: %s\n", safetext.Clean(err.Error()))
	var u usageError
	if errors.As(err, &u) {
		fmt.Fprintln(os.Stderr, "`steth help` shows the commands, `steth COMMAND --help` one of them.")
	}
	return exitError
}
