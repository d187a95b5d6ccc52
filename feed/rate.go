package feed

import "time"

// A meter counts entries in quarters of a second, for as long as the longest
// rate that is shown.
const (
	slot      = int64(time.Second / 4)
	perSecond = int(int64(time.Second) / slot)
	rates     = 16 // seconds in State.Rates
	slots     = (rates + 2) * perSecond
)

type meter struct {
	counts [slots]uint32
	begin  int64 // slot of the first entry or of the feed's making
	head   int64 // slot of the newest count
}

func newMeter(now int64) meter { return meter{begin: now / slot, head: now / slot} }

// add counts one entry at now, Unix nanoseconds.
func (m *meter) add(now int64) {
	m.roll(now / slot)
	m.counts[m.head%int64(slots)]++
}

// roll empties the slots between the head and at. A clock that steps back
// counts into the head.
func (m *meter) roll(at int64) {
	if at <= m.head {
		return
	}
	if at-m.head >= int64(slots) {
		clear(m.counts[:])
	} else {
		for s := m.head + 1; s <= at; s++ {
			m.counts[s%int64(slots)] = 0
		}
	}
	m.head = at
}

// sum adds the slots from <= s < to, as far as they are still known.
func (m *meter) sum(from, to int64) (n uint64) {
	from = max(from, m.head-int64(slots)+1, m.begin)
	for s := from; s < min(to, m.head+1); s++ {
		n += uint64(m.counts[s%int64(slots)])
	}
	return n
}

// rate is the entries a second over the last two seconds, or over the feed's
// life where that is shorter.
func (m *meter) rate(now int64) float64 {
	at := now / slot
	from := max(at-int64(2*perSecond)+1, m.begin)
	span := float64(now-from*slot) / float64(time.Second)
	if span < 0.25 {
		span = 0.25
	}
	return float64(m.sum(from, at+1)) / span
}

// seconds are the counts of the last 16 whole seconds, the oldest first. They
// move once a second, so that a sparkline stands still between.
func (m *meter) seconds(now int64) []float64 {
	out := make([]float64, rates)
	second := now / int64(time.Second) * int64(perSecond) // the slot where the running second began
	for i := range out {
		from := second - int64((rates-i)*perSecond)
		out[i] = float64(m.sum(from, from+int64(perSecond)))
	}
	return out
}
