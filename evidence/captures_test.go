package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steth/feed"
	"steth/packets"
)

// captured is a pcapng file of n interfaces with a packet each, in turn, times
// over; the last interface has none.
func captured(t testing.TB, n, times int) []byte {
	t.Helper()
	var ifs []packets.Interface
	for i := range n {
		ifs = append(ifs, packets.Interface{Host: "cmp1", Device: fmt.Sprintf("eth%d", i), Filter: "icmp\x1b[2J"})
	}
	var b bytes.Buffer
	w, err := packets.NewWriter(&b, ifs)
	if err != nil {
		t.Fatal(err)
	}
	for k := range times {
		for i := n - 2; i >= 0; i-- {
			if err := w.Write(i, &packets.Packet{Time: int64(k*n + i), Length: 60, Data: make([]byte, 60)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Stats(0, 9, 3), w.Flush()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openCaptures(t *testing.T, text []byte, opt feed.Options) (*Captures, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x\x07.pcapng")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	opt.Dir = t.TempDir()
	c, err := OpenCaptures(t.Context(), name, opt)
	if err == nil {
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return c, err
}

func TestOpenCaptures(t *testing.T) {
	c, err := openCaptures(t, captured(t, 3, 100), feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Feeds) != 2 || len(c.Notes) != 0 || !c.Taken.Equal(time.Unix(0, 99*3+1)) {
		t.Fatalf("%d feeds, %q, taken %v", len(c.Feeds), c.Notes, c.Taken)
	}
	for i, f := range c.Feeds {
		_, n := f.Bounds()
		a, s := f.About(), f.State()
		if n != 100 || s.Live || a.Device != fmt.Sprintf("eth%d", i) || a.Host != "cmp1" || a.Filter != "icmp^[[2J" || a.Target != "x^G.pcapng" {
			t.Errorf("%d packets of %+v, %+v", n, a, s)
		}
		if drops := len(s.Drops); drops != 1-i {
			t.Errorf("%d drops at %s", drops, a.Device)
		}
	}
}

func TestCapturesThatAreNotWhole(t *testing.T) {
	whole := captured(t, 3, 100)
	for name, c := range map[string]struct {
		text  []byte
		opt   feed.Options
		feeds int
		note  string
	}{
		"cut off":             {whole[:len(whole)-500], feed.Options{}, 2, "of the file is not shown: read pcapng: unexpected EOF."},
		"broken":              {append(bytes.Clone(whole), 1, 2, 3, 4, 5, 6, 7, 8), feed.Options{}, 2, "What stands behind packet 200 of the file is not shown: read pcapng: a block is broken."},
		"many interfaces":     {captured(t, 15, 2), feed.Options{}, 12, "4 packets of further interfaces are not shown"},
		"more than they keep": {captured(t, 2, 10_000), feed.Options{Memory: 1 << 14, Spool: 1 << 14}, 1, "packets of eth0 are not shown: they need more room"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := openCaptures(t, c.text, c.opt)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Feeds) != c.feeds || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], c.note) {
				t.Errorf("%d feeds, notes %q, want %q", len(got.Feeds), got.Notes, c.note)
			}
		})
	}
	if _, err := openCaptures(t, []byte("hello"), feed.Options{}); err == nil || !strings.Contains(err.Error(), "not a pcapng file") {
		t.Errorf("what is no pcapng file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	name := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCaptures(ctx, name, feed.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

func FuzzCaptures(f *testing.F) {
	whole := captured(f, 3, 3)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	name := filepath.Join(f.TempDir(), "x.pcapng")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := OpenCaptures(t.Context(), name, feed.Options{Spool: -1, Memory: 1 << 20})
		if err != nil {
			return
		}
		if len(c.Feeds) > mostCaptures {
			t.Errorf("%d feeds", len(c.Feeds))
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
