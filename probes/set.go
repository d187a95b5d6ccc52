package probes

import (
	"fmt"
	"slices"
	"strings"

	"steth/openstack"
)

// Set is a list of probes that can be looked up.
type Set struct{ list []*Probe }

// NewSet makes a set. It panics when two probes have one name.
func NewSet(list ...*Probe) *Set {
	slices.SortFunc(list, func(a, b *Probe) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(list); i++ {
		if list[i].Name == list[i-1].Name {
			panic("probes: two are called " + list[i].Name)
		}
	}
	return &Set{list: list}
}

// All lists the probes by name.
func (s *Set) All() []*Probe { return slices.Clone(s.list) }

// For lists the probes that can be asked about kind.
func (s *Set) For(kind openstack.Kind) []*Probe {
	var out []*Probe
	for _, p := range s.list {
		if p.About(kind) {
			out = append(out, p)
		}
	}
	return out
}

// Get returns the probe called name; an error names those that come near.
func (s *Set) Get(name string) (*Probe, error) {
	var near []string
	for _, p := range s.list {
		if p.Name == name {
			return p, nil
		}
		if strings.Contains(p.Name, name) || strings.Contains(name, p.Name) {
			near = append(near, p.Name)
		}
	}
	if len(near) == 0 {
		return nil, fmt.Errorf("no probe is called %q; `steth probe list` shows all", name)
	}
	return nil, fmt.Errorf("no probe is called %q; near it: %s", name, strings.Join(near, ", "))
}
