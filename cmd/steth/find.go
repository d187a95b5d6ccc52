package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steth/internal/safetext"
	"steth/openstack"
)

func findCommand(f *flags) *cobra.Command {
	var o outFlags
	cmd := &cobra.Command{
		Use:   "find TEXT",
		Short: "Find an address, MAC, id or name, and where it lives",
		Args:  exactArgs(1, "what to find: an address, a MAC, an id or a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			w, err := newWorld(*f)
			if err != nil {
				return err
			}
			defer w.Close()
			cloud, err := w.connect(cmd.Context())
			if err != nil {
				return err
			}
			found, err := cloud.Find(cmd.Context(), openstack.NewSnapshot(), args[0])
			if errors.Is(err, openstack.ErrNotFound) {
				fmt.Fprintf(os.Stderr, "steth: %s\n", safetext.Clean(err.Error()))
				return status(exitFail)
			}
			if err != nil {
				return err
			}
			t := table{keys: []string{"kind", "id", "name", "trail"}, titles: []string{"KIND", "ID", "NAME", "TRAIL"}}
			for i, h := range found.Hits {
				trail := ""
				if i == 0 {
					trail = trailText(found)
				}
				t.rows = append(t.rows, []string{string(h.ObjectKind()), h.ObjectID(), found.Snapshot.DisplayName(h), trail})
			}
			return t.write(os.Stdout, o.format)
		},
	}
	o.register(cmd, false)
	return cmd
}

// trailText is a trail in one line: web-1 10.0.0.5 > router r1 > net0.
func trailText(found openstack.Found) string {
	var parts []string
	for _, o := range found.Trail {
		parts = append(parts, found.Snapshot.DisplayName(o))
	}
	return strings.Join(parts, " > ")
}

func showCommand(f *flags) *cobra.Command {
	var o outFlags
	cmd := &cobra.Command{
		Use:   "show KIND NAME",
		Short: "Show all that is known of one object",
		Long:  "Show all that is known of one object. KIND is " + kindWords() + ".",
		Args:  exactArgs(2, "a kind and a name or id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			kind, err := parseKind(args[0])
			if err != nil {
				return err
			}
			w, err := newWorld(*f)
			if err != nil {
				return err
			}
			defer w.Close()
			obj, err := w.lookUp(cmd.Context(), kind, args[1])
			if err != nil {
				return err
			}
			snap, err := w.around(cmd.Context(), obj)
			if err != nil {
				return err
			}
			if o.format == "json" || o.format == "yaml" {
				return writeObject(os.Stdout, o.format, obj)
			}
			t := table{keys: []string{"section", "field", "value"}, titles: []string{"", "FIELD", "VALUE"}}
			for _, s := range snap.Describe(obj) {
				for _, r := range s.Rows {
					t.rows = append(t.rows, []string{s.Title, r.Label, r.Value})
				}
			}
			return t.write(os.Stdout, o.format)
		},
	}
	o.register(cmd, false)
	return cmd
}

// exactArgs refuses another number of arguments than n, saying what they are.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s needs %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// parseKind reads a kind in singular or plural.
func parseKind(s string) (openstack.Kind, error) {
	k := openstack.Kind(strings.TrimSuffix(strings.ToLower(s), "s"))
	if slices.Contains(openstack.Kinds(), k) {
		return k, nil
	}
	return "", usage("kind %q is not known; there are %s", s, kindWords())
}

func kindWords() string {
	var out []string
	for _, k := range openstack.Kinds() {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}
