package follow

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"steth/openstack"
)

const (
	// mostSightings is how many packets a second all captures together may bring.
	// Beyond it, or when captures drop packets, fewer are followed. At 128 bytes
	// each it is 32 MB/s of the network that the agents are reached by.
	mostSightings = 250_000
	// fewSightings is how many are left then.
	fewSightings = mostSightings / 5
	// calm is how long after a change the rates are not looked at: captures begin
	// anew, and each tells its counters once a second.
	calm = 2500 * time.Millisecond
)

// errThinner ends a capture that begins anew with a narrower filter.
var errThinner = errors.New("fewer packets are followed from now on")

// sampling says which packets are followed: one in 1<<shift, the same ones at
// every hop. It only ever becomes fewer.
type sampling struct {
	mu      sync.Mutex
	shift   int
	changed chan struct{} // closed when shift rises
	since   time.Time
	rates   map[*watcher]float64 // packets a second
}

// now is how many are followed, and what is closed when that changes.
func (s *sampling) now() (shift int, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.shift, s.changed
}

// told takes a capture's rate. Dropped says that it could not keep up. It
// answers true when fewer packets are followed from now on.
func (s *sampling) told(w *watcher, rate float64, dropped bool, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.since) < calm && !s.since.IsZero() {
		return false
	}
	if s.rates == nil {
		s.rates = map[*watcher]float64{}
	}
	s.rates[w] = rate
	total := 0.0
	for _, r := range s.rates {
		total += r
	}
	// Drops at a low rate have other reasons than too many packets.
	if total <= mostSightings && (!dropped || total <= fewSightings) || s.shift == openstack.MaxSample {
		return false
	}
	for s.shift++; s.shift < openstack.MaxSample && total/2 > fewSightings; s.shift++ {
		total /= 2
	}
	s.since = now
	clear(s.rates)
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
	return true
}

// Sampled is how many packets there are for each one that is followed: 1 means
// that all are.
func (s *Session) Sampled() int {
	shift, _ := s.sampling.now()
	return 1 << shift
}

// thin follows fewer packets where too many pass, and says so.
func (s *Session) thin(w *watcher, rate float64, dropped bool) {
	now := s.env.Now()
	if !s.sampling.told(w, rate, dropped, now) {
		return
	}
	s.env.Log.Info("path: fewer packets are followed", "one in", s.Sampled())
	s.change(func() {
		s.notes = append(s.notes, fmt.Sprintf("Too many packets pass to follow all: from %s on about 1 in %d is followed, the same ones at every hop. What is counted is those.",
			now.Format("15:04:05"), s.Sampled()))
	})
}
