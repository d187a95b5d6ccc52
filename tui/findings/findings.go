// Package findings keeps what the runs of this session concluded, so that each
// resource can show its worst finding and each port its four truths.
package findings

import (
	"slices"
	"strings"
	"sync"
	"time"

	"steth/openstack"
	"steth/probes"
)

// Truth is one of the four views of a port whose disagreement is an incident.
type Truth uint8

// The truths, in their order on the screen.
const (
	API  Truth = iota // what the API says
	CTL               // what the control plane on the node believes
	DEV               // what devices exist
	WIRE              // what packets do
)

// Truths lists the four.
func Truths() []Truth { return []Truth{API, CTL, DEV, WIRE} }

func (t Truth) String() string { return [...]string{"API", "CTL", "DEV", "WIRE"}[t] }

// Fact is what is known of one truth, and since when.
type Fact struct {
	Level openstack.Level
	Text  string // one sentence
	Probe string // which said it, "" for the API
	Time  time.Time
}

// Store holds the findings of a session. It is safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	all     []probes.Finding            // the oldest first
	byID    map[string][]probes.Finding // the newest of each probe
	version uint64
}

// New makes an empty store.
func New() *Store { return &Store{byID: map[string][]probes.Finding{}} }

// Add keeps f in place of what the same probe said of the same target before.
func (s *Store) Add(f probes.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.all = append(s.all, f)
	list := slices.DeleteFunc(slices.Clone(s.byID[f.TargetID]), func(o probes.Finding) bool { return o.Probe == f.Probe })
	s.byID[f.TargetID] = append(list, f)
}

// Of lists what the probes last said of a target, the worst first.
func (s *Store) Of(id string) []probes.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.byID[id])
	slices.SortStableFunc(out, func(a, b probes.Finding) int { return rank(b.Verdict) - rank(a.Verdict) })
	return out
}

// Worst is the worst standing finding of a target; false when there is none or
// all is well.
func (s *Store) Worst(id string) (probes.Finding, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	worst, found := probes.Finding{}, false
	for _, f := range s.byID[id] {
		if bad(f.Verdict) && (!found || rank(f.Verdict) > rank(worst.Verdict)) {
			worst, found = f, true
		}
	}
	return worst, found
}

// Count is how many standing findings are not well, and the worst of their
// verdicts.
func (s *Store) Count() (n int, worst probes.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	worst = probes.OK
	for _, list := range s.byID {
		for _, f := range list {
			if bad(f.Verdict) {
				n++
				if rank(f.Verdict) > rank(worst) {
					worst = f.Verdict
				}
			}
		}
	}
	return n, worst
}

// All lists every finding of the session, the oldest first.
func (s *Store) All() []probes.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// Fact is what the probes know of a truth of a target. The API's truth is not
// kept here; for what no probe has looked at the level is Unknown.
func (s *Store) Fact(id string, truth Truth) Fact {
	s.mu.Lock()
	defer s.mu.Unlock()
	fact := Fact{Level: openstack.Unknown}
	for _, f := range s.byID[id] {
		level, judged := Level(f.Verdict)
		if t, speaks := truthOf(f.Probe); !speaks || t != truth || !judged {
			continue
		}
		if fact.Probe == "" || level > fact.Level {
			fact = Fact{Level: level, Text: f.Reason, Probe: f.Probe, Time: f.Started.Add(f.Duration)}
		}
	}
	return fact
}

// Level turns a verdict into a level; false where the verdict judges nothing.
func Level(v probes.Verdict) (level openstack.Level, judged bool) {
	switch v {
	case probes.OK:
		return openstack.OK, true
	case probes.Warn:
		return openstack.Suspicious, true
	case probes.Fail:
		return openstack.Broken, true
	}
	return openstack.Unknown, false
}

// truthOf tells of which truth a probe's verdict speaks, from its group. A
// capture shows packets but judges none of them, so it speaks of nothing.
func truthOf(probe string) (Truth, bool) {
	group, _, _ := strings.Cut(probe, ".")
	switch group {
	case "l3", "bw", "dhcp", "arp", "mtu", "path":
		return WIRE, true
	case "dev", "l2":
		return DEV, true
	case "ctl":
		return CTL, true
	}
	return 0, false
}

func bad(v probes.Verdict) bool { return v == probes.Warn || v == probes.Fail }

func rank(v probes.Verdict) int {
	switch v {
	case probes.Fail:
		return 4
	case probes.Warn:
		return 3
	case probes.Error:
		return 2
	case probes.Skip:
		return 1
	}
	return 0
}
