package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"steth/packets"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a hand-turned one.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func open(t testing.TB, opt Options) *Feed {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = t.TempDir()
	}
	f, err := New(About{Title: "test"}, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func same(a, b Entry) bool {
	return a.Seq == b.Seq && a.Time == b.Time && a.Level == b.Level && a.Text == b.Text &&
		a.Packet.Time == b.Packet.Time && a.Packet.Length == b.Packet.Length &&
		a.Packet.VLAN == b.Packet.VLAN && a.Packet.TPID == b.Packet.TPID &&
		a.Packet.Type == b.Packet.Type && bytes.Equal(a.Packet.Data, b.Packet.Data)
}

// TestModel compares a feed that keeps little with a slice that keeps all.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		f, err := New(About{}, Options{
			Dir:    dir,
			Memory: rapid.IntRange(1, 8<<10).Draw(t, "memory"),
			Spool:  rapid.Int64Range(-1, 16<<10).Draw(t, "spool"),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()

		var model []Entry
		check := func(t *rapid.T) {
			first, next := f.Bounds()
			if next != uint64(len(model)) {
				t.Fatalf("next is %d after %d entries", next, len(model))
			}
			if len(model) > 0 && first >= next {
				t.Fatalf("nothing is left: first %d, next %d", first, next)
			}
			if lost := f.State().Lost; lost != first {
				t.Fatalf("Lost is %d, first %d", lost, first)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": check,
			"line": func(t *rapid.T) {
				for range rapid.IntRange(1, 50).Draw(t, "count") {
					e := Entry{
						Seq:   uint64(len(model)),
						Time:  int64(len(model)) + rapid.Int64Range(-3, 3).Draw(t, "jitter"),
						Level: Level(rapid.IntRange(0, int(Bad)).Draw(t, "level")),
						Text:  strings.Repeat("x", rapid.IntRange(0, 200).Draw(t, "size")),
					}
					f.Line(e.Time, e.Level, e.Text)
					model = append(model, e)
				}
			},
			"packet": func(t *rapid.T) {
				data := bytes.Repeat([]byte{byte(len(model))}, rapid.IntRange(0, 3000).Draw(t, "size"))
				e := Entry{Seq: uint64(len(model)), Time: int64(len(model))}
				e.Packet = packets.Packet{Time: e.Time, Length: 9000, VLAN: 7, TPID: 0x8100, Type: 4, Data: data}
				f.Packet(e.Packet)
				e.Packet.Data = bytes.Clone(data)
				clear(data) // the feed must have its own copy
				model = append(model, e)
			},
			"read": func(t *rapid.T) {
				first, next := f.Bounds()
				from := rapid.Uint64Range(0, next+2).Draw(t, "from")
				dst := make([]Entry, rapid.IntRange(0, 60).Draw(t, "rows"))
				n := f.Read(from, dst)
				start := max(from, first)
				want := 0
				if start < next {
					want = min(len(dst), int(next-start))
				}
				if n != want {
					t.Fatalf("Read(%d) of %d rows in [%d, %d) gave %d, want %d", from, len(dst), first, next, n, want)
				}
				for i, e := range dst[:n] {
					if !same(e, model[start+uint64(i)]) {
						t.Fatalf("entry %d is %+v, want %+v", i, e, model[start+uint64(i)])
					}
				}
			},
			"seek": func(t *rapid.T) {
				first, next := f.Bounds()
				at := rapid.Int64Range(-5, int64(next)+5).Draw(t, "time")
				want := next
				for s := first; s < next; s++ {
					if model[s].Time >= at {
						want = s
						break
					}
				}
				if got := f.SeekTime(at); got != want {
					t.Fatalf("SeekTime(%d) is %d, want %d", at, got, want)
				}
			},
			"search": func(t *rapid.T) {
				first, next := f.Bounds()
				from := rapid.Uint64Range(0, next+2).Draw(t, "from")
				size := rapid.IntRange(0, 200).Draw(t, "size")
				match := func(e *Entry) bool { return len(e.Text) == size }
				for _, forward := range []bool{true, false} {
					var want uint64
					hit := false
					if forward {
						for s := max(from, first); s < next && !hit; s++ {
							want, hit = s, match(&model[s])
						}
					} else if next > 0 {
						for s := int(min(from, next-1)); s >= int(first) && !hit; s-- {
							want, hit = uint64(s), match(&model[s])
						}
					}
					got, ok := f.Search(context.Background(), from, forward, match)
					if ok != hit || hit && got != want {
						t.Fatalf("Search from %d forward %v: %d %v, want %d %v", from, forward, got, ok, want, hit)
					}
				}
			},
		})
	})
}

func TestSpoolHasNoName(t *testing.T) {
	dir := t.TempDir()
	f := open(t, Options{Dir: dir, Memory: 4 << 10, Spool: 64 << 10})
	for i := range 500 {
		f.Line(int64(i), Plain, strings.Repeat("y", 100))
	}
	if f.spooled == 0 {
		t.Fatal("nothing was spooled")
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(names) > 0 {
		t.Errorf("the directory holds %v, %v", names, err)
	}
	info, err := f.spool.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}

func TestSpoolIsBounded(t *testing.T) {
	f := open(t, Options{Memory: 4 << 10, Spool: 32 << 10})
	for i := range 2000 {
		f.Line(int64(i), Plain, strings.Repeat("z", i%300))
	}
	info, err := f.spool.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 32<<10 {
		t.Errorf("the spool has %d bytes", info.Size())
	}
	if f.held > 4<<10 {
		t.Errorf("%d bytes in memory", f.held)
	}
	state := f.State()
	if first, _ := f.Bounds(); state.Lost == 0 || state.Lost != first {
		t.Errorf("lost %d, first is %d", state.Lost, first)
	}
	if state.Spool != "" {
		t.Errorf("trouble: %s", state.Spool)
	}
}

func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, Options{Memory: 8 << 10, Spool: 1 << 20})
	f.spool.file = full
	for i := range 1000 {
		f.Line(int64(i), Plain, fmt.Sprintf("line %d %s", i, strings.Repeat("w", 80)))
	}
	state := f.State()
	if !strings.Contains(state.Spool, "no space left") {
		t.Errorf("the state says %q", state.Spool)
	}
	first, next := f.Bounds()
	if next != 1000 || first == 0 || first == next || state.Lost != first {
		t.Fatalf("bounds %d to %d, lost %d", first, next, state.Lost)
	}
	var last [1]Entry
	if f.Read(next-1, last[:]) != 1 || !strings.HasPrefix(last[0].Text, "line 999 ") {
		t.Errorf("the last line is %q", last[0].Text)
	}
	if err := full.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the spool file was not given back: %v", err)
	}
}

func TestSpoolUnreadable(t *testing.T) {
	f := open(t, Options{Memory: 4 << 10, Spool: 1 << 20})
	for i := range 500 {
		f.Line(int64(i), Plain, strings.Repeat("v", 100))
	}
	if err := f.spool.file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	var e [1]Entry
	if n := f.Read(0, e[:]); n != 1 || e[0].Seq == 0 {
		t.Errorf("read %d entries, the first is %d", n, e[0].Seq)
	}
	if f.State().Spool == "" {
		t.Error("the state says nothing")
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(About{}, Options{Dir: "/nowhere"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that isn't there: %v", err)
	}
	if _, err := New(About{}, Options{Memory: -1}); err == nil {
		t.Error("less than no memory was fine")
	}
}

func TestTextIsMadeSafe(t *testing.T) {
	f := open(t, Options{})
	f.Line(1, Plain, "a\x1b[31mb")
	f.SetStatus(Good, "c\x1b]0;d\a")
	f.End("e\x1b[2J")
	var e [1]Entry
	f.Read(0, e[:])
	s := f.State()
	for _, text := range []string{e[0].Text, s.Status, s.End} {
		if strings.ContainsAny(text, "\x1b\a") || text == "" {
			t.Errorf("%q", text)
		}
	}
}

func TestLongLineIsCut(t *testing.T) {
	for _, c := range []string{"a", "é", "€", "🚀"} {
		f := open(t, Options{})
		f.Line(1, Plain, "xy"+strings.Repeat(c, 1<<20))
		var e [1]Entry
		if f.Read(0, e[:]) != 1 {
			t.Fatal("nothing there")
		}
		body, cut := strings.CutSuffix(e[0].Text, "…")
		if !cut || len(body) > maxLine || len(body) < maxLine-4 || strings.Trim(body, "xy"+c) != "" {
			t.Errorf("%s: %d bytes, the last are %q", c, len(body), e[0].Text[len(e[0].Text)-20:])
		}
	}
}

func TestStateAndVersion(t *testing.T) {
	f := open(t, Options{})
	changes := []struct {
		name string
		do   func()
		rise bool
	}{
		{"line", func() { f.Line(1, Plain, "x") }, true},
		{"packet", func() { f.Packet(packets.Packet{}) }, true},
		{"sample", func() { f.Sample(Sample{}) }, true},
		{"status", func() { f.SetStatus(Warn, "20 % lost") }, true},
		{"same status", func() { f.SetStatus(Warn, "20 % lost") }, false},
		{"drop", func() { f.SetDrop("kernel", 3) }, true},
		{"same drop", func() { f.SetDrop("kernel", 3) }, false},
		{"no drop", func() { f.SetDrop("agent", 0) }, true},
		{"end", func() { f.End("the device went away") }, true},
		{"second end", func() { f.End("") }, false},
	}
	for _, c := range changes {
		before := f.Version()
		c.do()
		if rose := f.Version() > before; rose != c.rise {
			t.Errorf("%s: version rose is %v", c.name, rose)
		}
	}
	s := f.State()
	if s.Live || s.Status != "20 % lost" || s.Level != Warn || s.End != "the device went away" {
		t.Errorf("%+v", s)
	}
	if len(s.Drops) != 1 || s.Drops[0] != (Drop{"kernel", 3}) {
		t.Errorf("drops %+v", s.Drops)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Line(1, Plain, "late")
	if first, next := f.Bounds(); first != next {
		t.Errorf("closed, but %d to %d are left", first, next)
	}
}

func TestRates(t *testing.T) {
	c := newClock()
	f := open(t, Options{Now: c.now})
	for range 20 * 4 { // 20 s of 40 entries a second
		for range 10 {
			f.Line(c.now().UnixNano(), Plain, "x")
		}
		c.add(time.Second / 4)
	}
	c.add(-time.Millisecond)
	s := f.State()
	if s.Rate < 39 || s.Rate > 41 {
		t.Errorf("rate %.2f, want 40", s.Rate)
	}
	if len(s.Rates) != 16 {
		t.Fatalf("%d rates", len(s.Rates))
	}
	for i, r := range s.Rates {
		if r != 40 {
			t.Errorf("rates[%d] is %.0f", i, r)
		}
	}
	c.add(3 * time.Second)
	s = f.State()
	if s.Rate != 0 {
		t.Errorf("rate %.2f after three quiet seconds", s.Rate)
	}
	if s.Rates[15] != 0 || s.Rates[0] != 40 {
		t.Errorf("rates %v", s.Rates)
	}
	c.add(time.Hour)
	f.Line(0, Plain, "x")
	if got := f.State().Rates[0]; got != 0 {
		t.Errorf("an hour later: %.0f", got)
	}
}

func TestRateOfTheFirstMoments(t *testing.T) {
	c := newClock()
	f := open(t, Options{Now: c.now})
	c.add(time.Second / 2)
	for range 50 {
		f.Line(0, Plain, "x")
	}
	if got := f.State().Rate; got != 100 {
		t.Errorf("50 entries in the first half second are %.0f a second", got)
	}
}

func TestSamplesAreTheNewest(t *testing.T) {
	f := open(t, Options{})
	for i := range 1000 {
		f.Sample(Sample{Time: int64(i)})
	}
	s := f.State().Samples
	if len(s) != 600 {
		t.Fatalf("%d samples", len(s))
	}
	for i := range s {
		if s[i].Time != int64(400+i) {
			t.Fatalf("sample %d is of %d", i, s[i].Time)
		}
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	f := open(t, Options{Memory: 8 << 10})
	for i := range 2000 {
		f.Line(int64(i), Plain, "x")
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	_, ok := f.Search(ctx, 0, true, func(*Entry) bool {
		seen++
		cancel()
		return false
	})
	if ok || seen >= 2000 {
		t.Errorf("looked at %d entries", seen)
	}
}

// TestReadersWhileWriting checks, with the race detector, that what readers
// see is whole while a writer laps the spool.
func TestReadersWhileWriting(t *testing.T) {
	f := open(t, Options{Memory: 8 << 10, Spool: 24 << 10})
	const total = 20_000
	line := func(seq uint64) string { return fmt.Sprintf("%d %s", seq, strings.Repeat("q", int(seq%97))) }

	done := make(chan struct{})
	var readers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			dst := make([]Entry, 45)
			for i := uint64(r); ; i++ {
				first, next := f.Bounds()
				from := first
				if next > first {
					from += i * 31 % (next - first)
				}
				for j, e := range dst[:f.Read(from, dst)] {
					if j > 0 && e.Seq != dst[j-1].Seq+1 {
						t.Errorf("entry %d comes after %d", e.Seq, dst[j-1].Seq)
						return
					}
					if e.Text != line(e.Seq) {
						t.Errorf("entry %d is %q", e.Seq, e.Text)
						return
					}
				}
				f.State()
				f.SeekTime(int64(from))
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range uint64(total) {
		f.Line(int64(i), Plain, line(i))
	}
	close(done)
	readers.Wait()
}
