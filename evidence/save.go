// Package evidence keeps what was seen, and opens it again: captures as pcapng,
// other output as text, and a path that was followed as pcapng with a sidecar in
// JSON that tells all but the packets (sidecar.go).
package evidence

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"steth/feed"
	"steth/packets"
)

// batch is how many entries are read from a feed at a time.
const batch = 512

// Save writes what feeds hold to a new file and returns its path, which is base
// with an ending: .pcapng when any feed holds packets, with one interface for
// each such feed, else .txt. Packets of several feeds stand in the order of
// their times. A file that is there already is never touched.
func Save(ctx context.Context, base string, feeds []*feed.Feed) (path string, err error) {
	var captures, texts []*feed.Feed
	for _, f := range feeds {
		if f.About().Shape == feed.Packets {
			captures = append(captures, f)
		} else {
			texts = append(texts, f)
		}
	}
	switch {
	case len(captures) > 0:
		return create(base, ".pcapng", func(w io.Writer) error { return writePackets(ctx, w, captures) })
	case len(texts) > 0:
		return create(base, ".txt", func(w io.Writer) error { return writeLines(ctx, w, texts) })
	}
	return "", errors.New("there is nothing to save yet")
}

// create makes a file that did not exist, base with ending, or base-2, base-3...
func create(base, ending string, fill func(io.Writer) error) (string, error) {
	for n := 1; n < 1000; n++ {
		path := base + ending
		if n > 1 {
			path = fmt.Sprintf("%s-%d%s", base, n, ending)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("save: %w", err)
		}
		if err := errors.Join(fill(f), f.Close()); err != nil {
			return "", errors.Join(fmt.Errorf("save %s: %w", path, err), os.Remove(path))
		}
		return path, nil
	}
	return "", fmt.Errorf("save: %s%s and a thousand like it exist already", base, ending)
}

// Interface describes a feed's device for pcapng.
func Interface(a feed.About) packets.Interface {
	name := a.Device
	if a.Host != "" {
		name = a.Host + ":" + a.Device
	}
	return packets.Interface{Name: name, Host: a.Host, Netns: a.Netns, Device: a.Device, Filter: a.Filter}
}

// writePackets merges feeds by time. Feeds go on growing meanwhile; what is
// there at the start is written.
func writePackets(ctx context.Context, w io.Writer, feeds []*feed.Feed) error {
	ifs := make([]packets.Interface, len(feeds))
	sources := make([]*source, len(feeds))
	for i, f := range feeds {
		ifs[i] = Interface(f.About())
		sources[i] = newSource(f)
	}
	out, err := packets.NewWriter(w, ifs)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		first := -1
		for i, s := range sources {
			if e := s.peek(); e != nil && (first < 0 || e.Time < sources[first].peek().Time) {
				first = i
			}
		}
		if first < 0 {
			for i, f := range feeds {
				lost := dropped(f)
				_, taken := f.Bounds()
				if err := out.Stats(i, taken+lost, lost); err != nil {
					return err
				}
			}
			return out.Flush()
		}
		if err := out.Write(first, &sources[first].peek().Packet); err != nil {
			return err
		}
		sources[first].next()
	}
	return context.Cause(ctx)
}

func dropped(f *feed.Feed) uint64 {
	var n uint64
	for _, d := range f.State().Drops {
		n += d.Count
	}
	return n
}

func writeLines(ctx context.Context, w io.Writer, feeds []*feed.Feed) error {
	b := bufio.NewWriter(w)
	for _, f := range feeds {
		a := f.About()
		fmt.Fprintf(b, "# %s %s on %s %s %s\n", a.Title, a.Target, a.Host, a.Netns, a.Device)
		for s := newSource(f); s.peek() != nil; s.next() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			e := s.peek()
			fmt.Fprintf(b, "%s  %s\n", time.Unix(0, e.Time).UTC().Format("2006-01-02T15:04:05.000000Z"), e.Text)
		}
	}
	return b.Flush()
}

// source reads a feed from its first entry to the one that was its last when
// the source was made.
type source struct {
	f         *feed.Feed
	seq, last uint64
	buf       []feed.Entry
	at, n     int
}

func newSource(f *feed.Feed) *source {
	s := &source{f: f, buf: make([]feed.Entry, batch)}
	s.seq, s.last = f.Bounds()
	s.fill()
	return s
}

// peek is the next entry, nil at the end.
func (s *source) peek() *feed.Entry {
	if s.at >= s.n || s.buf[s.at].Seq >= s.last {
		return nil
	}
	return &s.buf[s.at]
}

func (s *source) next() {
	if s.at++; s.at >= s.n {
		s.fill()
	}
}

func (s *source) fill() {
	// The spool may have forgotten the oldest entries while we read.
	if first, _ := s.f.Bounds(); s.seq < first {
		s.seq = first
	}
	s.at, s.n = 0, 0
	if s.seq < s.last {
		s.n = s.f.Read(s.seq, s.buf)
	}
	if s.n > 0 {
		s.seq = s.buf[s.n-1].Seq + 1
	}
}
