package openstack

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	mostHits  = 50 // given out; a search that finds more is too vague
	mostFocus = 4  // hits for which the neighbours are read as well
	mostWaves = 3  // rounds of such reading: floating IP, its port, the port's server
	mostInOne = 40 // ids in one query, so that its URL stays below 4 KiB
)

// Found is what a search came to.
type Found struct {
	Text     string
	Hits     []Object  // best first
	Trail    []Object  // from what was typed to where it lives: floating IP, port, server, router, node
	Snapshot *Snapshot // the inventory with everything the search read merged in
	Took     time.Duration
}

// Find looks text up with filtered queries: an IPv4 or IPv6 address, a MAC in
// any notation, an id, a name or the start of a server's name, a device's name
// such as tap8f2c1f6e-0c. The starts of other names and of ids are looked for
// in base alone, because Neutron can't filter by them.
//
// What the best hits need to be shown (network, subnets, server, router,
// floating IPs, node) is read as well. Nothing found is an error that says why
// that may be, with [ErrNotFound] in its chain; Found.Snapshot is set even then.
func (c *Cloud) Find(ctx context.Context, base *Snapshot, text string) (Found, error) {
	start := time.Now()
	if base == nil {
		base = NewSnapshot()
	}
	f := &find{cloud: c, query: parseQuery(text), snapshot: base, fresh: map[identity]bool{}, asked: map[want]bool{}, confirmed: map[Kind]bool{}}
	found := Found{Text: f.query.name, Snapshot: base}
	if f.query.name == "" {
		return found, problemf(nil, "there is nothing to look for: type an address, a MAC, an id or a name")
	}
	f.ask(ctx, f.likely()) // always: what base has may be old
	for _, stage := range []func() []question{f.unlikely, f.lastResort} {
		if len(f.hits()) == 0 {
			f.ask(ctx, stage())
		}
	}
	found.Hits = f.hits()
	best := f.best(found.Hits)
	for range mostWaves {
		wants := f.wants(best)
		if len(wants) == 0 {
			break
		}
		f.ask(ctx, f.fetch(wants))
	}
	for i, o := range found.Hits { // what was read meanwhile is newer
		if newer, ok := f.snapshot.Get(o.ObjectKind(), o.ObjectID()); ok {
			found.Hits[i] = newer
		}
	}
	found.Snapshot, found.Took = f.snapshot, time.Since(start)
	if ctx.Err() != nil {
		return found, problemf(context.Cause(ctx), "looking for %q was stopped before it was done", f.query.name)
	}
	if len(found.Hits) == 0 {
		return found, f.nothing()
	}
	found.Trail = found.Snapshot.trail(found.Hits[0])
	return found, nil
}

// find is one call of Find.
type find struct {
	cloud     *Cloud
	query     query
	snapshot  *Snapshot
	fresh     map[identity]bool // what this search read
	asked     map[want]bool
	confirmed map[Kind]bool // kinds that the API was asked for by the query itself, and answered
	tried     []string
	failures  []error
}

// identity names an object across snapshots.
type identity struct {
	kind Kind
	id   string
}

// question is one filtered query.
type question struct {
	what  string // for the sentence that says what was tried; "" for a neighbour
	kind  Kind
	run   func(ctx context.Context, each func([]json.RawMessage) error) error
	parse func(json.RawMessage) Object
}

// ask puts questions all at once and merges what they bring.
func (f *find) ask(ctx context.Context, questions []question) {
	answers := make([][]Object, len(questions))
	errs := make([]error, len(questions))
	hidden := make([]bool, len(questions))
	var asking sync.WaitGroup
	for i, q := range questions {
		asking.Go(func() {
			errs[i] = q.run(ctx, func(items []json.RawMessage) error {
				hidden[i] = hidden[i] || hides(q.kind, items)
				for _, raw := range items {
					answers[i] = append(answers[i], q.parse(raw))
				}
				return nil
			})
		})
	}
	asking.Wait()
	var all []Object
	for i, q := range questions {
		if errs[i] != nil {
			f.cloud.log.Debug("search", "kind", q.kind, "error", errs[i])
			if q.what != "" && !refused(errs[i]) {
				f.failures = append(f.failures, errs[i])
			}
			continue
		}
		if q.what != "" {
			f.tried = append(f.tried, q.what)
			f.confirmed[q.kind] = true
		}
		for _, o := range answers[i] {
			f.fresh[identity{o.ObjectKind(), o.ObjectID()}] = true
		}
		all = append(all, answers[i]...)
	}
	if len(all) == 0 {
		return
	}
	f.snapshot = f.snapshot.withNodes(all)
	for i, q := range questions {
		if hidden[i] {
			f.snapshot.Missing[q.kind] = hiddenSentence(q.kind, f.cloud.about)
		}
	}
}

// withNodes is With for what the APIs sent: hypervisors and agents become nodes.
func (s *Snapshot) withNodes(objects []Object) *Snapshot {
	hypervisors := typed[Node](objects)
	for _, n := range s.Nodes {
		if n.Hypervisor != "" {
			hypervisors = append(hypervisors, n)
		}
	}
	next := s.clone()
	by := map[Kind][]Object{}
	for _, o := range objects {
		if o.ObjectKind() != KindNode {
			by[o.ObjectKind()] = append(by[o.ObjectKind()], o)
		}
	}
	for kind, list := range by {
		next.put(kind, list, false)
	}
	next.Nodes = ordered(append(slices.Clone(s.Nodes), join(hypervisors, next)...))
	next.index = newIndex(next)
	return next
}

// hits ranks what the snapshot has. What only base knows, though the API was
// asked for just that and did not send it, is gone and left out.
func (f *find) hits() []Object {
	list := f.query.matches(f.snapshot)
	list = slices.DeleteFunc(list, func(m match) bool {
		kind := m.object.ObjectKind()
		return m.asked && f.confirmed[kind] && !f.fresh[identity{kind, m.object.ObjectID()}]
	})
	slices.SortStableFunc(list, func(a, b match) int { return a.rank - b.rank })
	out := make([]Object, 0, min(len(list), mostHits))
	for _, m := range list[:min(len(list), mostHits)] {
		out = append(out, m.object)
	}
	return out
}

// nothing says what was tried in vain.
func (f *find) nothing() error {
	q := f.query
	if len(f.tried) == 0 && len(f.failures) > 0 {
		return f.failures[0]
	}
	var head string
	switch {
	case q.addr.IsValid():
		head = fmt.Sprintf("nothing in this cloud has the address %s", q.addr)
	case q.mac != "":
		head = fmt.Sprintf("no port has the MAC %s", q.mac)
	case q.id != "":
		head = fmt.Sprintf("nothing in this cloud has the id %s", q.id)
	case q.device != "":
		head = fmt.Sprintf("no port that was read so far belongs to device %s, and Neutron can't be asked for a part of an id: read the ports first", q.name)
	default:
		head = fmt.Sprintf("nothing in this cloud is called %q", q.name)
	}
	var tails []string
	if q.name != "" && !q.addr.IsValid() && q.mac == "" && q.id == "" && q.device == "" {
		tails = append(tails, "Neutron finds whole names only")
	}
	if where, ok := f.snapshot.subnetOf(q); ok {
		tails = append(tails, "it would lie in subnet "+where)
	}
	if len(f.failures) > 0 {
		tails = append(tails, "not all could be asked: "+f.failures[0].Error())
	} else if !f.cloud.about.Admin {
		tails = append(tails, "only project "+f.cloud.about.Project+" can be seen")
	}
	return problemf(ErrNotFound, "%s", strings.Join(append([]string{head}, tails...), "; "))
}

// subnetOf names the subnet that a query's address lies in.
func (s *Snapshot) subnetOf(q query) (string, bool) {
	for _, sub := range s.Subnets {
		if q.addr.IsValid() && sub.CIDR.IsValid() && sub.CIDR.Contains(q.addr) {
			return fmt.Sprintf("%s (%s)", s.DisplayName(sub), sub.CIDR), true
		}
	}
	return "", false
}
