// Package keys is the table of keys: what can be pressed where, what it does
// in a few words, and what the configuration changed. All help, and the bar at
// the bottom, is made from it.
//
// A binding belongs to a scope. Scopes form short chains, a page's own first
// and [Global] last (see [Chain]); a key means the first binding found along
// the chain of the page in front. Two bindings on one chain that want the same
// key clash, which [New] reports.
package keys

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The scopes.
const (
	Global    = "global"    // everywhere
	Move      = "move"      // whatever scrolls
	List      = "list"      // tables
	Explorer  = "explorer"  // the explorer, on the resource under its cursor
	Fleet     = "fleet"     // the list of agents
	Text      = "text"      // a page of text: describe, raw JSON, log, help
	Object    = "object"    // a page of text about an object of the inventory
	Workspace = "workspace" // the panes
	Path      = "path"      // one packet at every hop
	Compare   = "compare"   // one packet at two hops
)

// Chain lists the scopes in which the keys of a page are looked up, in order.
func Chain(scope string) []string {
	switch scope {
	case Explorer, Fleet:
		return []string{scope, List, Move, Global}
	case Object:
		return []string{Object, Text, Move, Global}
	case List:
		return []string{List, Move, Global}
	case Text, Path, Compare:
		return []string{scope, Move, Global}
	case Global:
		return []string{Global}
	}
	return []string{scope, Global}
}

// Binding says that some keys do one thing.
type Binding struct {
	Name  string   // what the code acts on and the configuration names: "probe"
	Keys  []string // as Bubble Tea writes them: "p", "ctrl+y", "enter", "space", "G"; the first is shown first
	Help  string   // what it does, for the help page: "pick a probe"
	Scope string
	Bar   string // one or two words for the bar at the bottom, "" to leave it out
}

// reserved are the keys that terminals, multiplexers and flow control keep for
// themselves, and why.
func reserved(key string) string {
	switch key {
	case "ctrl+a", "ctrl+b":
		return "terminal multiplexers take it"
	case "ctrl+s", "ctrl+q":
		return "it is the terminal's flow control"
	case "ctrl+i", "ctrl+m", "ctrl+h":
		return "a terminal can't tell it from tab, enter or backspace"
	}
	return ""
}

// named tells whether key is written as Bubble Tea writes keys; another
// spelling would never be pressed.
func named(key string) bool {
	for _, mod := range []string{"ctrl+", "alt+", "shift+"} {
		key = strings.TrimPrefix(key, mod)
	}
	if utf8.RuneCountInString(key) == 1 {
		return true
	}
	var n int
	if _, err := fmt.Sscanf(key, "f%d", &n); err == nil && n >= 1 && n <= 12 && key == fmt.Sprintf("f%d", n) {
		return true
	}
	switch key {
	case "enter", "esc", "tab", "space", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end", "pgup", "pgdown":
		return true
	}
	return false
}

// Table is a set of bindings with the configuration's changes applied. It
// never changes and may be shared.
type Table struct {
	bindings []Binding
	byKey    map[string]map[string]string // scope, key: name
}

// New makes a table of bindings; overrides gives the keys of a binding by its
// name, or by "scope.name" where the same name stands in more than one scope.
// The table can be used even where the error is not nil: an override that is
// not understood is left out, and of two bindings that clash the one nearer to
// the page wins. There is one error, a sentence, for each such case.
func New(bindings []Binding, overrides map[string][]string) (*Table, []error) {
	var errs []error
	t := &Table{byKey: map[string]map[string]string{}}
	used := map[string]bool{}
	for _, b := range bindings {
		for _, name := range []string{b.Scope + "." + b.Name, b.Name} {
			keys, ok := overrides[name]
			if !ok {
				continue
			}
			used[name] = true
			if err := allowed(name, keys); err != nil {
				errs = append(errs, err)
				break
			}
			b.Keys = keys
			break
		}
		t.bindings = append(t.bindings, b)
	}
	for _, name := range sortedKeys(overrides) {
		if !used[name] {
			errs = append(errs, fmt.Errorf("keys: there is no %q to give keys to; the help page (?) names what there is", name))
		}
	}
	for _, b := range t.bindings {
		m := t.byKey[b.Scope]
		if m == nil {
			m = map[string]string{}
			t.byKey[b.Scope] = m
		}
		for _, k := range b.Keys {
			if other, taken := m[k]; taken && other != b.Name {
				errs = append(errs, clash(k, b.Scope, other, b.Scope, b.Name))
				continue
			}
			m[k] = b.Name
		}
	}
	return t, append(errs, t.shadows()...)
}

func allowed(name string, keys []string) error {
	for _, k := range keys {
		if !named(k) {
			return fmt.Errorf("keys: %s can't be %q, which names no key; write one character, or names such as ctrl+x, alt+x, f2, enter, space, pgup", name, k)
		}
		if why := reserved(k); why != "" {
			return fmt.Errorf("keys: %s can't be %s: %s; choose another key", name, k, why)
		}
	}
	return nil
}

// shadows finds keys that mean two things along one chain.
func (t *Table) shadows() []error {
	var errs []error
	seen := map[string]bool{}
	for _, scope := range sortedKeys(t.byKey) {
		chain := Chain(scope)
		for i, near := range chain {
			for _, far := range chain[i+1:] {
				for _, k := range sortedKeys(t.byKey[near]) {
					name := t.byKey[near][k]
					other, taken := t.byKey[far][k]
					id := near + far + k
					if !taken || other == name || seen[id] {
						continue
					}
					seen[id] = true
					errs = append(errs, clash(k, near, name, far, other))
				}
			}
		}
	}
	return errs
}

func clash(key, scopeA, a, scopeB, b string) error {
	return fmt.Errorf("keys: %s is both %s.%s and %s.%s; change one of them in the configuration", key, scopeA, a, scopeB, b)
}

// Lookup says what key does on a page of scope.
func (t *Table) Lookup(scope, key string) (name string, ok bool) {
	for _, s := range Chain(scope) {
		if name, ok = t.byKey[s][key]; ok {
			return name, true
		}
	}
	return "", false
}

// In lists the bindings of exactly one scope, in the order of the table.
func (t *Table) In(scope string) []Binding {
	var out []Binding
	for _, b := range t.bindings {
		if b.Scope == scope {
			out = append(out, b)
		}
	}
	return out
}

// On lists the bindings of a page, its own first.
func (t *Table) On(scope string) []Binding {
	var out []Binding
	for _, s := range Chain(scope) {
		out = append(out, t.In(s)...)
	}
	return out
}

// Key is the first key of a binding on a page, "" where it has none: for texts
// that tell what to press.
func (t *Table) Key(scope, name string) string {
	for _, b := range t.On(scope) {
		if b.Name == name && len(b.Keys) > 0 {
			return b.Keys[0]
		}
	}
	return ""
}

// Label writes the keys of a binding for the help page.
func (b Binding) Label() string { return strings.Join(b.Keys, " ") }

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
