package keys

import (
	"slices"
	"strings"
	"testing"
)

func TestDefaultHasNoClash(t *testing.T) {
	if _, errs := New(Default(), nil); errs != nil {
		t.Error(errs)
	}
	for _, b := range Default() {
		for _, k := range b.Keys {
			if why := reserved(k); why != "" || !named(k) {
				t.Errorf("%s has %s: %s", b.Name, k, why)
			}
		}
		if b.Help == "" {
			t.Errorf("%s.%s has no help", b.Scope, b.Name)
		}
	}
}

func TestLookupFollowsTheChain(t *testing.T) {
	table, _ := New(Default(), nil)
	for _, c := range []struct{ scope, key, want string }{
		{Explorer, "p", "probe"},
		{Explorer, "/", "filter"},
		{Text, "/", "search"},
		{Explorer, "G", "bottom"},
		{Fleet, "?", "help"},
		{Workspace, ":", "command"},
		{Workspace, "p", ""},
		{Text, "space", ""},
	} {
		if got, _ := table.Lookup(c.scope, c.key); got != c.want {
			t.Errorf("%s on %s is %q, want %q", c.key, c.scope, got, c.want)
		}
	}
	if got := table.Key(Explorer, "jump"); got != "J" {
		t.Errorf("the key to jump is %q", got)
	}
	if got := table.Key(Explorer, "nosuch"); got != "" {
		t.Errorf("the key of what is not there is %q", got)
	}
}

func TestOverrides(t *testing.T) {
	for _, c := range []struct {
		name      string
		overrides map[string][]string
		complaint string // part of the one error, "" for none
		key, does string // on the explorer, afterwards
	}{
		{"a key moves", map[string][]string{"probe": {"P"}}, "", "P", "probe"},
		{"and leaves its old place", map[string][]string{"probe": {"P"}}, "", "p", ""},
		{"by scope", map[string][]string{"explorer.open": {"o"}}, "", "o", "open"},
		{"the other scope keeps its own", map[string][]string{"fleet.open": {"o"}}, "", "enter", "open"},
		{"unknown name", map[string][]string{"prob": {"P"}}, `no "prob"`, "p", "probe"},
		{"flow control", map[string][]string{"probe": {"ctrl+s"}}, "flow control", "p", "probe"},
		{"multiplexer", map[string][]string{"probe": {"ctrl+b"}}, "multiplexers", "p", "probe"},
		{"another spelling", map[string][]string{"probe": {"Ctrl-P"}}, "names no key", "p", "probe"},
		{"no such function key", map[string][]string{"probe": {"f99"}}, "names no key", "p", "probe"},
		{"a function key", map[string][]string{"probe": {"f5"}}, "", "f5", "probe"},
		{"clash in a scope", map[string][]string{"probe": {"c"}}, "c is both explorer.probe and explorer.capture", "c", "probe"},
		{"clash along the chain", map[string][]string{"help": {"p"}}, "p is both explorer.probe and global.help", "p", "probe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, errs := New(Default(), c.overrides)
			switch {
			case c.complaint == "" && errs != nil:
				t.Error(errs)
			case c.complaint != "" && !slices.ContainsFunc(errs, func(e error) bool { return strings.Contains(e.Error(), c.complaint) }):
				t.Errorf("no complaint of %q in %v", c.complaint, errs)
			}
			if got, _ := table.Lookup(Explorer, c.key); got != c.does {
				t.Errorf("%s does %q, want %q", c.key, got, c.does)
			}
		})
	}
}
