package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steth/openstack"
)

// listing is a verb that lists one kind, and the kinds its columns look into.
type listing struct {
	verb  string
	kind  openstack.Kind
	needs []openstack.Kind
}

var listings = []listing{
	{"nodes", openstack.KindNode, []openstack.Kind{openstack.KindAgent, openstack.KindPort}},
	{"networks", openstack.KindNetwork, []openstack.Kind{openstack.KindSubnet, openstack.KindPort}},
	{"subnets", openstack.KindSubnet, []openstack.Kind{openstack.KindNetwork}},
	{"ports", openstack.KindPort, []openstack.Kind{openstack.KindNetwork, openstack.KindServer, openstack.KindRouter, openstack.KindFloatingIP}},
	{"servers", openstack.KindServer, []openstack.Kind{openstack.KindPort}},
	{"routers", openstack.KindRouter, []openstack.Kind{openstack.KindNetwork, openstack.KindPort}},
	{"floatingips", openstack.KindFloatingIP, []openstack.Kind{openstack.KindNetwork, openstack.KindPort, openstack.KindRouter, openstack.KindServer}},
	{"securitygroups", openstack.KindSecurityGroup, nil},
	{"agents", openstack.KindAgent, nil},
}

// outFlags are -f and -c.
type outFlags struct {
	format  string
	columns []string
	wide    bool
}

func (o *outFlags) register(cmd *cobra.Command, list bool) {
	cmd.Flags().StringVarP(&o.format, "format", "f", "table", "output: "+strings.Join(formats, ", "))
	if list {
		cmd.Flags().StringArrayVarP(&o.columns, "column", "c", nil, "show only this column; may be given again")
		cmd.Flags().BoolVar(&o.wide, "wide", false, "more columns")
	}
}

func (o outFlags) check() error {
	if !slices.Contains(formats, o.format) {
		return usage("format %q is not known; there are %s", o.format, strings.Join(formats, ", "))
	}
	return nil
}

func inventoryCommands(f *flags) []*cobra.Command {
	var out []*cobra.Command
	for _, l := range listings {
		var o outFlags
		run := func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), *f, l, o) }
		verb := &cobra.Command{Use: l.verb, Short: "List the cloud's " + l.verb, Args: noArgs, RunE: run}
		again := &cobra.Command{Use: "list", Short: verb.Short, Args: noArgs, RunE: run}
		o.register(verb, true)
		o.register(again, true)
		verb.AddCommand(again)
		out = append(out, verb)
	}
	return out
}

func list(ctx context.Context, f flags, l listing, o outFlags) error {
	if err := o.check(); err != nil {
		return err
	}
	w, err := newWorld(f)
	if err != nil {
		return err
	}
	defer w.Close()
	snap, err := w.load(ctx, append([]openstack.Kind{l.kind}, l.needs...), nil)
	if err != nil {
		return err
	}
	if why := snap.Missing[l.kind]; why != "" {
		fmt.Fprintf(os.Stderr, "steth: %s: %s\n", l.verb, why)
		if len(snap.List(l.kind)) == 0 {
			return status(exitError)
		}
	}
	t := objects(snap, l.kind, snap.List(l.kind), o)
	if t, err = t.pick(o.columns); err != nil {
		return err
	}
	return t.write(os.Stdout, o.format)
}

// objects makes a table of objects of one kind. A table for people leaves out
// the columns of the wide view unless they are asked for; other formats have all.
func objects(snap *openstack.Snapshot, kind openstack.Kind, list []openstack.Object, o outFlags) table {
	var t table
	columns := openstack.Columns(kind)
	if o.format == "table" && !o.wide && len(o.columns) == 0 {
		columns = slices.DeleteFunc(columns, func(c openstack.Column) bool { return c.Wide })
	}
	for _, c := range columns {
		t.keys, t.titles = append(t.keys, c.Key), append(t.titles, c.Title)
	}
	for _, obj := range list {
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = c.Value(snap, obj)
		}
		t.rows = append(t.rows, row)
	}
	// By what stands in the first column, which is what people look for.
	slices.SortStableFunc(t.rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return t
}
