package feed

import (
	"cmp"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"steth/internal/safetext"
	"steth/packets"
)

// What a feed holds where Options doesn't say.
const (
	DefaultMemory = 16 << 20 // bytes
	DefaultSpool  = 1 << 30  // bytes
)

const (
	maxLine     = 64 << 10 // bytes of a line; the rest is cut, visibly
	maxSamples  = 600
	maxSegment  = 256 << 10
	minSegment  = 1 << 10
	perMemory   = 16 // segments that memory is divided into, at least
	recordGuess = 96 // bytes; only sizes the first table of offsets
)

// Options bounds what a feed holds. Zero values are good.
type Options struct {
	Memory int              // bytes in memory; 0: DefaultMemory
	Spool  int64            // bytes on disk; 0: DefaultSpool; below 0: none
	Dir    string           // where the spool file is made; "": os.TempDir
	Now    func() time.Time // the clock that rates are measured with
}

// Feed is what one running tool or capture shows. Any goroutine may call any
// method; entries are meant to come from one, in the order of their numbers.
type Feed struct {
	about   About
	opt     Options
	version atomic.Uint64

	// write makes appends one after the other. It is taken before mu, and held
	// while a segment is written to disk; readers never take it.
	write sync.Mutex
	spool spool // guarded by write

	// mu guards all below, and is never held while the disk is at work.
	mu       sync.RWMutex
	segments []*segment // without a gap; spooled ones first, the last one grows
	spooled  int        // how many of segments are on disk
	held     int        // bytes of those in memory
	first    uint64
	next     uint64
	bytes    uint64
	meter    meter
	samples  []Sample // a ring once it is full
	oldest   int      // in samples
	drops    []Drop
	status   string
	level    Level
	end      string
	ended    int64 // the clock when it ended; 0 while it lives
	trouble  string
	closed   bool

	cache cache
}

// New makes a feed. Nothing is written to disk before memory is full; an error
// says that Options.Dir can't hold a spool at all.
func New(about About, opt Options) (*Feed, error) {
	opt.Memory = cmp.Or(opt.Memory, DefaultMemory)
	opt.Spool = cmp.Or(opt.Spool, DefaultSpool)
	opt.Dir = cmp.Or(opt.Dir, os.TempDir())
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Memory < 0 {
		return nil, fmt.Errorf("make a feed: %d bytes of memory", opt.Memory)
	}
	if opt.Spool > 0 {
		if info, err := os.Stat(opt.Dir); err != nil {
			return nil, fmt.Errorf("make a feed's spool: %w", err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("make a feed's spool: %s is not a directory", opt.Dir)
		}
	}
	return &Feed{
		about: about,
		opt:   opt,
		spool: spool{dir: opt.Dir, limit: opt.Spool},
		meter: newMeter(opt.Now().UnixNano()),
	}, nil
}

// About says what the feed shows.
func (f *Feed) About() About { return f.about }

// Line appends a line that came at t, Unix nanoseconds. Text is made safe to
// print; beyond 64 KiB it is cut.
func (f *Feed) Line(t int64, level Level, text string) {
	text = safetext.Clean(shorten(text))
	f.write.Lock()
	defer f.write.Unlock()
	s := f.room(headSize + len(text))
	if s == nil {
		return
	}
	now := f.opt.Now().UnixNano()
	f.mu.Lock()
	s.offsets = append(s.offsets, uint32(len(s.data)))
	s.data = appendLine(s.data, t, level, text)
	f.appended(s, t, len(text), now)
	f.mu.Unlock()
}

// shorten cuts a line that is far longer than anybody reads, between two
// characters.
func shorten(text string) string {
	if len(text) <= maxLine {
		return text
	}
	end := maxLine
	for end > maxLine-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// Packet appends a packet; p.Data is copied.
func (f *Feed) Packet(p packets.Packet) {
	f.write.Lock()
	defer f.write.Unlock()
	s := f.room(packetHead + len(p.Data))
	if s == nil {
		return
	}
	now := f.opt.Now().UnixNano()
	f.mu.Lock()
	s.offsets = append(s.offsets, uint32(len(s.data)))
	s.data = appendPacket(s.data, &p)
	f.appended(s, p.Time, len(p.Data), now)
	f.mu.Unlock()
}

// appended counts the record that was just added to s. f.mu is held.
func (f *Feed) appended(s *segment, t int64, size int, now int64) {
	if s.count == 0 || t > s.newest {
		s.newest = t
	}
	f.held += len(s.data) - s.size
	s.size = len(s.data)
	s.count++
	f.next++
	f.bytes += uint64(size)
	f.meter.add(now)
	f.version.Add(1)
}

// room returns the segment that takes a record of size bytes: the last one, or
// a new one once that is full. It is nil when the feed is closed. f.write is
// held; f.mu isn't.
func (f *Feed) room(size int) *segment {
	target := min(max(f.opt.Memory/perMemory, minSegment), maxSegment)
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	if n := len(f.segments); n > 0 {
		if s := f.segments[n-1]; len(s.data)+size <= target {
			f.mu.Unlock()
			return s
		}
	}
	s := &segment{first: f.next}
	if n := len(f.segments); n > 0 {
		// A feed that filled one segment will fill another of its kind.
		s.data = make([]byte, 0, max(target, size))
		s.offsets = make([]uint32, 0, f.segments[n-1].count+f.segments[n-1].count/8+1)
	} else {
		s.data = make([]byte, 0, min(target, max(size, 16*recordGuess)))
		s.offsets = make([]uint32, 0, 16)
	}
	f.segments = append(f.segments, s)
	full := f.held > f.opt.Memory-target
	f.mu.Unlock()
	if full {
		f.evict(target)
	}
	return s
}

// evict moves the oldest segments from memory to the spool until a new one
// fits. f.write is held.
func (f *Feed) evict(target int) {
	for {
		f.mu.Lock()
		if f.held <= f.opt.Memory-target || f.spooled >= len(f.segments)-1 {
			f.mu.Unlock()
			return
		}
		s := f.segments[f.spooled]
		if f.spool.limit < int64(s.size) {
			f.forgetMemory()
			f.mu.Unlock()
			continue
		}
		off := f.spool.place(int64(s.size))
		f.overwrite(off, int64(s.size))
		data := s.data
		f.mu.Unlock()

		if err := f.spool.write(data, off); err != nil {
			f.giveUp(err)
			continue
		}
		f.mu.Lock()
		s.file, s.off = f.spool.file, off
		s.block = block{}
		f.held -= s.size
		f.spooled++
		f.mu.Unlock()
	}
}

// overwrite forgets the spooled segments that stand between off and off+size,
// which is about to be written, and all that are older.
func (f *Feed) overwrite(off, size int64) {
	older := 0
	for i, s := range f.segments[:f.spooled] {
		if s.off < off+size && off < s.off+int64(s.size) {
			older = i + 1
		}
	}
	for range older {
		f.forget()
	}
	f.spooled -= older
}

// forgetMemory drops the oldest segment in memory and with it everything older.
func (f *Feed) forgetMemory() {
	for ; f.spooled > 0; f.spooled-- {
		f.forget()
	}
	f.held -= f.segments[0].size
	f.forget()
}

// forget drops the oldest segment.
func (f *Feed) forget() {
	f.first = f.segments[0].end()
	f.segments[0] = nil
	f.segments = f.segments[1:]
	f.version.Add(1)
}

// giveUp goes on in memory alone, because the disk failed: what is on it is
// forgotten and its room given back. f.write is held; f.mu isn't.
func (f *Feed) giveUp(err error) {
	f.mu.Lock()
	f.trouble = fmt.Sprintf("only the newest entries are kept: %v; free space in %s and start again", err, f.opt.Dir)
	for ; f.spooled > 0; f.spooled-- {
		f.forget()
	}
	f.version.Add(1)
	f.mu.Unlock()
	f.cache.clear()
	f.spool.limit = 0
	_ = f.spool.close() // nothing in it is needed any more
}

// Sample appends a value to the series; the newest 600 are kept.
func (f *Feed) Sample(s Sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	if len(f.samples) < maxSamples {
		f.samples = append(f.samples, s)
	} else {
		f.samples[f.oldest] = s
		f.oldest = (f.oldest + 1) % maxSamples
	}
	f.version.Add(1)
}

// SetStatus replaces the line of summary; text is made safe to print.
func (f *Feed) SetStatus(level Level, text string) {
	text = safetext.Clean(text)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.status == text && f.level == level {
		return
	}
	f.status, f.level = text, level
	f.version.Add(1)
}

// SetDrop says how much was lost at a place since the beginning.
func (f *Feed) SetDrop(where string, total uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	for i := range f.drops {
		if f.drops[i].Where == where {
			if f.drops[i].Count != total {
				f.drops[i].Count = total
				f.version.Add(1)
			}
			return
		}
	}
	f.drops = append(f.drops, Drop{Where: safetext.Clean(where), Count: total})
	f.version.Add(1)
}

// End says that nothing more is expected, and why: "" for a good end. Only the
// first call counts.
func (f *Feed) End(why string) {
	why = safetext.Clean(why)
	now := f.opt.Now().UnixNano()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.ended != 0 {
		return
	}
	f.end, f.ended = why, max(now, 1)
	f.version.Add(1)
}

// Close forgets everything and gives the spool's room back. Entries that were
// read before stay valid.
func (f *Feed) Close() error {
	f.write.Lock()
	defer f.write.Unlock()
	f.mu.Lock()
	f.closed = true
	f.first = f.next
	f.segments, f.spooled, f.held = nil, 0, 0
	f.version.Add(1)
	f.mu.Unlock()
	f.cache.clear()
	if err := f.spool.close(); err != nil {
		return fmt.Errorf("close the spool file: %w", err)
	}
	return nil
}
