package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"steth/feed"
	"steth/internal/safetext"
	"steth/packets"
)

// mostCaptures is how many interfaces of a file are shown.
const mostCaptures = 12

// Captures are the packets of a pcapng file that is no saved path: a feed for
// each interface that has any, in the file's order. The caller closes the feeds.
type Captures struct {
	Feeds []*feed.Feed
	Taken time.Time // time of the newest packet
	// Notes say what of the file is not shown, a sentence each.
	Notes []string
}

// OpenCaptures reads a pcapng file, ours or another program's. Of a file that is
// broken it gives what stands before that. Memory is bounded by what feeds keep
// there, however large the file is.
func OpenCaptures(ctx context.Context, name string, opt feed.Options) (*Captures, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := packets.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := &Captures{}
	if err := out.read(ctx, r, filepath.Base(name), opt); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

func (c *Captures) read(ctx context.Context, r *packets.Reader, name string, opt feed.Options) error {
	feeds := map[int]*feed.Feed{}
	var newest int64
	var left uint64
	for n := 0; ; n++ {
		var p packets.Packet
		i, err := r.Next(&p)
		if n&0xfff == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.Notes = append(c.Notes, fmt.Sprintf("What stands behind packet %d of the file is not shown: %v.", n, err))
			}
			break
		}
		f := feeds[i]
		if f == nil && len(feeds) < mostCaptures {
			if f, err = c.open(r.Interfaces()[i], i, name, opt); err != nil {
				return err
			}
			feeds[i] = f
		}
		if f == nil {
			left++
			continue
		}
		f.Packet(p)
		newest = max(newest, p.Time)
	}
	c.Feeds = nil
	for _, i := range slices.Sorted(maps.Keys(feeds)) {
		f := feeds[i]
		c.Feeds = append(c.Feeds, f)
		if _, dropped := r.Stats(i); dropped > 0 {
			f.SetDrop("capture", dropped)
		}
		f.End("")
		if first, _ := f.Bounds(); first > 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("The first %d packets of %s are not shown: they need more room than there is for the packets of one interface.", first, f.About().Device))
		}
	}
	if left > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%d packets of further interfaces are not shown: the screen has room for %d.", left, mostCaptures))
	}
	c.Taken = time.Unix(0, newest)
	return nil
}

// open makes the feed of an interface, all of whose texts may come from anybody.
func (c *Captures) open(i packets.Interface, number int, file string, opt feed.Options) (*feed.Feed, error) {
	clean := func(s string) string {
		const most = 128
		return safetext.Clean(s[:min(len(s), most)])
	}
	f, err := feed.New(feed.About{
		Title: "capture", Target: safetext.Clean(file), Host: clean(i.Host), Netns: clean(i.Netns),
		Device: cmp.Or(clean(i.Device), clean(i.Name), fmt.Sprintf("interface %d", number)), Filter: clean(i.Filter), Shape: feed.Packets,
	}, opt)
	if err == nil {
		c.Feeds = append(c.Feeds, f)
	}
	return f, err
}

// Close closes the feeds.
func (c *Captures) Close() error {
	var errs []error
	for _, f := range c.Feeds {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
