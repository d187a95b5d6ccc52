package pane

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"steth/feed"
)

// BenchmarkView is one frame of a screen of 200x60.
func BenchmarkView(b *testing.B) {
	for _, bb := range []struct {
		name string
		make func(b *testing.B, c *clock, s *screen)
	}{
		{"lines", func(b *testing.B, c *clock, s *screen) {
			f := newFeed(b, c, feed.About{Title: "log"}, feed.Options{})
			for i := range 100_000 {
				f.Line(ms(i), feed.Plain, fmt.Sprintf("line %d with as many words as one of a log may have, and some more", i))
			}
			s.AddFeed(f)
		}},
		{"packets", func(b *testing.B, c *clock, s *screen) {
			s.AddFeed(capture(b, c, 100_000))
		}},
		{"packets filtered", func(b *testing.B, c *clock, s *screen) {
			s.AddFeed(capture(b, c, 100_000))
			s.View(s.w, s.h)
			s.press("&")
			s.write("request 7")
			s.press("enter")
		}},
		{"two captures level", func(b *testing.B, c *clock, s *screen) {
			s.AddFeed(capture(b, c, 100_000))
			s.AddFeed(capture(b, c, 100_000))
		}},
		{"two captures of one path", func(b *testing.B, _ *clock, s *screen) {
			t := sideBySide(b, recorded(b, nil), 200, 60, 7, 21)
			s.Workspace = t.Workspace
		}},
		{"triage", func(b *testing.B, c *clock, s *screen) {
			t, _, _, _ := triage(b, c)
			s.Workspace = t.Workspace
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c := newClock()
			s := newScreen(b, c, 200, 60)
			bb.make(b, c, s)
			s.View(200, 60)
			b.ReportAllocs()
			for b.Loop() {
				s.View(200, 60)
			}
		})
	}
}

func capture(b *testing.B, c *clock, n int) *feed.Feed {
	f := newFeed(b, c, feed.About{Title: "capture", Device: "tap1", Shape: feed.Packets}, feed.Options{})
	for i := range n {
		f.Packet(echo(ms(i), web, db, 8, i, 64))
	}
	return f
}

// BenchmarkKeyUnderLoad is what a key takes, with the frame that follows it,
// while 200,000 lines a second come.
func BenchmarkKeyUnderLoad(b *testing.B) {
	f, err := feed.New(feed.About{Title: "flood"}, feed.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	s := &screen{New(Options{Theme: theme(b, "dark")}), b, 200, 60}
	defer s.Close()
	s.AddFeed(f)

	var stop atomic.Bool
	var writer sync.WaitGroup
	began := time.Now()
	writer.Go(func() {
		const perTick = 1000 // each 5 ms
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for !stop.Load() {
			now := (<-tick.C).UnixNano()
			for range perTick {
				f.Line(now, feed.Plain, "a line as a busy tool writes it, with a number or two: 1234567")
			}
		}
	})
	keys := []string{"k", "G", "space", "space", "pgup", "G"}
	var took []time.Duration
	frame := time.NewTicker(33 * time.Millisecond)
	defer frame.Stop()
	for i := 0; b.Loop(); i++ {
		<-frame.C
		at := time.Now()
		s.press(keys[i%len(keys)])
		s.View(200, 60)
		took = append(took, time.Since(at))
	}
	stop.Store(true)
	writer.Wait()
	_, lines := f.Bounds()
	slices.Sort(took)
	b.ReportMetric(float64(lines)/time.Since(began).Seconds(), "lines/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/key-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/key-p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "µs/key-max")
}
