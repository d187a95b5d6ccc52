package fleet

import "time"

// A node's clock is measured as NTP does (RFC 5905, section 8): the node read
// its clock at some moment between our sending and our receiving, so it differs
// from ours at the middle of the two by the offset, wrong by half the round
// trip at most. The shortest round trip of the last samples says most.
const (
	offsetSamples = 16
	offsetAge     = 5 * time.Minute // quartz drifts by some 20 ppm: 6 ms in this time
)

type sample struct {
	at          time.Time
	offset, rtt time.Duration
}

func (s sample) spread() time.Duration { return s.rtt / 2 }

// offsets holds the samples of one node, oldest first.
type offsets struct{ samples []sample }

// add takes a hello that left at sent, came back at received, and in between
// read the node's clock as clock (Unix nanoseconds).
func (o *offsets) add(sent, received time.Time, clock int64) sample {
	rtt := max(received.Sub(sent), 0)
	s := sample{at: received, rtt: rtt, offset: time.Duration(clock - sent.Add(rtt/2).UnixNano())}
	if best, ok := o.best(); ok && (s.offset-best.offset).Abs() > s.spread()+best.spread() {
		o.samples = o.samples[:0] // both can't be right: one of the clocks was set
	}
	o.samples = append(o.samples, s)
	for len(o.samples) > offsetSamples || received.Sub(o.samples[0].at) > offsetAge {
		o.samples = o.samples[1:]
	}
	return s
}

// best returns the sample with the shortest round trip.
func (o *offsets) best() (sample, bool) {
	if len(o.samples) == 0 {
		return sample{}, false
	}
	best := o.samples[0]
	for _, s := range o.samples[1:] {
		if s.rtt <= best.rtt {
			best = s
		}
	}
	return best, true
}
