package openstack

import (
	"slices"
	"time"
)

// Find looks text up as [Cloud.Find] does, in what the snapshot holds alone: for
// a recording, which has no cloud to ask.
func (s *Snapshot) Find(text string) (Found, error) {
	start := time.Now()
	q := parseQuery(text)
	found := Found{Text: q.name, Snapshot: s}
	if q.name == "" {
		return found, problemf(nil, "there is nothing to look for: type an address, a MAC, an id or a name")
	}
	list := q.matches(s)
	slices.SortStableFunc(list, func(a, b match) int { return a.rank - b.rank })
	for _, m := range list[:min(len(list), mostHits)] {
		found.Hits = append(found.Hits, m.object)
	}
	found.Took = time.Since(start)
	if len(found.Hits) == 0 {
		return found, problemf(ErrNotFound, "nothing that was recorded is called %q", q.name)
	}
	found.Trail = s.trail(found.Hits[0])
	return found, nil
}
