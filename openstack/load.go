package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// partialEvery is the shortest time between two snapshots on the way.
const partialEvery = 100 * time.Millisecond

// Load reads kinds whole, nil for all, and returns base with them replaced.
// partial, which may be nil, is called with snapshots on the way, one call at a
// time and at most every 100 ms. What the user may not see, or could not be
// read, is in Snapshot.Missing; what base held of it stays. The error is set
// when nothing at all could be read or ctx ended; base is returned with it.
func (c *Cloud) Load(ctx context.Context, base *Snapshot, kinds []Kind, partial func(*Snapshot)) (*Snapshot, error) {
	if base == nil {
		base = NewSnapshot()
	}
	if kinds == nil {
		kinds = Kinds()
	}
	if slices.Contains(kinds, KindNode) && !slices.Contains(kinds, KindAgent) {
		kinds = append(slices.Clone(kinds), KindAgent) // a node is half made of agents
	}
	l := load{cloud: c, base: base, kinds: slices.Compact(slices.Sorted(slices.Values(kinds))), got: map[Kind]*reading{}}
	pages := make(chan page)
	var readers sync.WaitGroup
	for _, kind := range l.kinds {
		l.got[kind] = &reading{}
		readers.Go(func() { c.read(ctx, kind, pages) })
	}
	go func() { readers.Wait(); close(pages) }()
	l.collect(pages, partial)
	if ctx.Err() != nil {
		return base, problemf(context.Cause(ctx), "reading the inventory was stopped before it was whole")
	}
	return l.result()
}

// page is some objects of a kind, or how the reading of the kind ended.
type page struct {
	kind    Kind
	objects []Object
	hidden  bool // the account may not see what the kind's objects should have
	end     bool
	err     error
}

// read sends the pages of one kind and, at last, its end.
func (c *Cloud) read(ctx context.Context, kind Kind, pages chan<- page) {
	each := func(decode func(json.RawMessage) Object) func([]json.RawMessage) error {
		return func(items []json.RawMessage) error {
			p := page{kind: kind, objects: make([]Object, len(items)), hidden: hides(kind, items)}
			for i, raw := range items {
				p.objects[i] = decode(raw)
			}
			pages <- p
			return ctx.Err()
		}
	}
	var err error
	switch src, ok := sourceOf(kind); {
	case ok:
		err = c.neutron.list(ctx, src.path, src.key, src.query(), "", each(src.decode))
	case kind == KindServer:
		err = c.servers(ctx, nil, each(as(decodeServer)))
	case kind == KindNode:
		err = c.hypervisors(ctx, nil, each(as(decodeHypervisor)))
	default:
		err = problemf(nil, "there is no kind %q", kind)
	}
	pages <- page{kind: kind, end: true, err: err}
}

// tellingKey is an attribute that policy shows to administrators alone.
func tellingKey(kind Kind) string {
	switch kind {
	case KindPort:
		return "binding:host_id"
	case KindNetwork:
		return "provider:network_type"
	case KindServer:
		return "OS-EXT-SRV-ATTR:host"
	}
	return ""
}

// hides tells whether the first object lacks the key that tells. A
// multi-segment network has segments in its place.
func hides(kind Kind, items []json.RawMessage) bool {
	key := tellingKey(kind)
	if key == "" || len(items) == 0 {
		return false
	}
	var object map[string]json.RawMessage
	fill(items[0], &object)
	_, shown := object[key]
	_, segments := object["segments"]
	return object != nil && !shown && !segments
}

// reading is how far a kind has come.
type reading struct {
	objects []Object
	hidden  bool
	end     bool
	err     error
}

// load is one call of Load. Only the goroutine that called it touches it.
type load struct {
	cloud *Cloud
	base  *Snapshot
	kinds []Kind
	got   map[Kind]*reading
}

// collect takes pages until there are no more, and gives out snapshots on the
// way: no sooner than partialEvery, and never so often that making them takes
// more than a fifth of the time.
func (l *load) collect(pages <-chan page, partial func(*Snapshot)) {
	timer := time.NewTimer(partialEvery)
	defer timer.Stop()
	news, due := false, false
	for {
		select {
		case p, more := <-pages:
			if !more {
				return
			}
			g := l.got[p.kind]
			g.objects = append(g.objects, p.objects...)
			g.hidden, g.end = g.hidden || p.hidden, g.end || p.end
			if p.err != nil {
				g.err = p.err
			}
			news = true
		case <-timer.C:
			due = true
		}
		if partial != nil && news && due {
			start := time.Now()
			partial(l.assemble())
			news, due = false, false
			timer.Reset(max(partialEvery, 4*time.Since(start)))
		}
	}
}

// assemble makes a snapshot of what is there so far.
func (l *load) assemble() *Snapshot {
	next := l.base.clone()
	now := time.Now()
	for _, kind := range l.kinds {
		g := l.got[kind]
		if kind == KindNode {
			continue
		}
		next.put(kind, g.objects, g.end && g.err == nil)
	}
	next.Nodes = join(l.hypervisors(), next)
	for kind, g := range l.got {
		if !g.end {
			continue
		}
		delete(next.Missing, kind)
		if why := l.missing(kind, g); why != "" {
			next.Missing[kind] = why
		}
		if g.err == nil || refused(g.err) || kind == KindNode && l.read(KindAgent) {
			next.Taken[kind] = now
		}
	}
	next.index = newIndex(next)
	return next
}

// read tells whether a kind has come whole.
func (l *load) read(kind Kind) bool {
	g := l.got[kind]
	return g != nil && g.end && g.err == nil
}

// hypervisors is Nova's part of the nodes: as just read, else as base has it.
func (l *load) hypervisors() []Node {
	g := l.got[KindNode]
	if l.read(KindNode) {
		return typed[Node](g.objects)
	}
	var nodes []Node
	for _, n := range l.base.Nodes {
		if n.Hypervisor != "" {
			nodes = append(nodes, n)
		}
	}
	if g != nil {
		nodes = append(nodes, typed[Node](g.objects)...)
	}
	return nodes
}

// missing is why a kind that was read lacks something, "" when it is whole.
func (l *load) missing(kind Kind, g *reading) string {
	about := l.cloud.about
	switch {
	case kind == KindNode && g.err != nil:
		return "the hypervisors are not known, nodes come from Neutron's agents and bindings alone: " + g.err.Error()
	case status(g.err) == http.StatusNotFound:
		return "this cloud has no " + Plural(kind) + ": the extension of Neutron is not enabled"
	case g.err != nil:
		return g.err.Error()
	case kind == KindAgent && len(g.objects) == 0 && !about.Admin:
		return "Neutron shows its agents to administrators only, so nodes and their state are not known: use an account with the admin role"
	case g.hidden:
		return hiddenSentence(kind, about)
	}
	return ""
}

func hiddenSentence(kind Kind, about About) string {
	what := map[Kind]string{
		KindPort:    "on which host a port is, and how it is plugged, is not known",
		KindNetwork: "a network's VLAN or VNI is not known",
		KindServer:  "on which host a server runs is not known",
	}[kind]
	return "the cloud hides " + tellingKey(kind) + " from user " + about.User + " of project " + about.Project +
		", so " + what + ": use an account with the admin role, or a policy that shows it"
}

// refused tells that the cloud has answered, and will answer the same again:
// not allowed, not there.
func refused(err error) bool {
	code := status(err)
	return code == http.StatusForbidden || code == http.StatusNotFound || errors.Is(err, errAbsent)
}

// result is the whole, or the error when no kind could be read.
func (l *load) result() (*Snapshot, error) {
	var failure error
	answered := false
	for _, kind := range l.kinds {
		switch err := l.got[kind].err; {
		case err == nil || refused(err):
			answered = true
		default:
			l.cloud.log.Warn("read inventory", "kind", kind, "error", err, "cause", errors.Unwrap(err))
			if failure == nil || kind != KindNode && kind != KindServer {
				failure = err // Neutron's says more than Nova's
			}
		}
	}
	if !answered && failure != nil {
		return l.base, failure
	}
	return l.assemble(), nil
}
