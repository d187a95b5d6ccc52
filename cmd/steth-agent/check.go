package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"steth/agent/journal"
	"steth/agent/tools"
)

// errNotReady is how a check ends that found something missing.
var errNotReady = errors.New("not ready: see above")

// check prints one line a thing that the agent needs, each ok or with what to
// do, and fails when one is missing.
func check(w io.Writer, cfg configuration, f flags, loaded error) error {
	good := true
	say := func(what string, err error, well string) {
		mark := "ok     "
		if err != nil {
			good, mark, well = false, "missing", err.Error()
		}
		fmt.Fprintf(w, "%s  %-14s %s\n", mark, what, well)
	}
	say("configuration", loaded, "read")
	if loaded != nil {
		return errNotReady
	}
	who, err := identify(cfg, f, slog.New(slog.DiscardHandler))
	switch {
	case err == nil && who.plain != nil:
		say("certificate", nil, "none is needed: plain TCP")
	case err == nil:
		say("certificate", nil, fmt.Sprintf("node %s, until %s", who.node, who.expires.Format(time.DateOnly)))
	default:
		say("certificate", err, "")
	}
	say("port", checkPort(cfg.Listen), cfg.Listen)
	for _, dir := range cfg.Namespaces {
		st, err := os.Stat(dir)
		switch {
		case errors.Is(err, os.ErrNotExist):
			say("namespaces", nil, dir+" does not exist yet: ip netns makes it with the first namespace")
		case err == nil && !st.IsDir():
			say("namespaces", fmt.Errorf("%s is not a directory", dir), "")
		default:
			say("namespaces", err, dir)
		}
	}
	node := cfg.node(who.node)
	switch node.Journal, err = journal.Open(cfg.State); {
	case errors.Is(err, journal.ErrTaken): // after an installation by the agent itself
		node.Journal = &journal.Journal{}
		say("state", nil, cfg.State+", which an agent has that runs")
	case err != nil:
		say("state", err, "")
	default:
		defer node.Journal.Close()
		say("state", nil, cfg.State)
	}
	for _, t := range tools.All() {
		state := t.Ready(&node)
		err = nil
		if state.Absent {
			fmt.Fprintf(w, "none     %-14s %s\n", t.Name, state.Reason)
			continue
		}
		if !state.Ready {
			err = errors.New(state.Reason)
		}
		say(t.Name, err, state.Reason)
	}
	if !good {
		return errNotReady
	}
	return nil
}

// checkPort tells whether the agent could listen. That something listens there
// already is fine: after an installation it is the agent itself.
func checkPort(listen string) error {
	l, err := net.Listen("tcp", listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil
	case err != nil:
		return err
	}
	return l.Close()
}
