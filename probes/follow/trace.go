package follow

import (
	"slices"
	"time"

	"steth/feed"
	"steth/packets"
	"steth/packets/match"
)

const (
	// disorder is how much older than the packet before it one may be in a
	// capture: rings of several CPUs are emptied one after the other.
	disorder = 100 * time.Millisecond
	// among is how many packets are looked at to find one whose time is known.
	among = 1 << 14
)

// PacketAt is a row's packet as the capture of a hop, an index of
// [Session.Hops], holds it. It's false where the hop did not see the packet, and
// where its capture has forgotten it. It may read from the capture's spool file.
func (s *Session) PacketAt(row *match.Row, hop int) (packets.Packet, bool) {
	m := s.matcher.Load()
	if m == nil || hop < 0 || hop >= len(row.Marks) || row.Marks[hop].Time == 0 {
		return packets.Packet{}, false
	}
	s.mu.Lock()
	var f *feed.Feed
	if c := s.hops[hop].Capture; c >= 0 {
		f = s.devices[c].feed
	}
	s.mu.Unlock()
	if f == nil {
		return packets.Packet{}, false
	}
	t := row.Marks[hop].Time
	entries := make([]feed.Entry, 64)
	from := f.SeekTime(t)
	for range among / len(entries) {
		n := f.Read(from, entries)
		for i := range entries[:n] {
			e := &entries[i]
			switch {
			case e.Time == t && m.Is(row, hop, &e.Packet):
				return e.Packet, true
			case e.Time > t+int64(disorder):
				return packets.Packet{}, false
			}
		}
		if n == 0 {
			break
		}
		from = entries[n-1].Seq + 1
	}
	return packets.Packet{}, false
}

// Trace is the number of the row of a packet that one of [Session.Feeds] holds,
// the same in all of them; 0 where it isn't known, or no longer.
func (s *Session) Trace(f *feed.Feed, p *packets.Packet) uint64 {
	if m := s.matcher.Load(); m != nil {
		if hop, ok := s.hopOf(f); ok {
			return m.Number(hop, p)
		}
	}
	return 0
}

// Absent tells whether the packet of a row is known to have passed without
// being seen in one of [Session.Feeds], and if not, whether that may yet be told.
func (s *Session) Absent(number uint64, f *feed.Feed) (missed, pending bool) {
	if m := s.matcher.Load(); m != nil {
		if hop, ok := s.hopOf(f); ok {
			return m.Absent(number, hop)
		}
	}
	return false, false
}

// HopsOf are the numbers ([openstack.Hop].Index) of the hops that one of
// [Session.Feeds] is the capture of; none for any other feed.
func (s *Session) HopsOf(f *feed.Feed) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int
	for i := range s.hops {
		if c := s.hops[i].Capture; c >= 0 && s.devices[c].feed == f {
			out = append(out, s.hops[i].Index)
		}
	}
	return out
}

// hopOf is the hop by which the matcher knows a capture.
func (s *Session) hopOf(f *feed.Feed) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.devices, func(d *device) bool { return d.feed == f })
	if i < 0 {
		return 0, false
	}
	return s.devices[i].hops[0], true
}
