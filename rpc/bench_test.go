package rpc

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkCall64 measures short calls over mutual TLS, 64 at a time, and
// reports the median and the 99th percentile of their latency.
func BenchmarkCall64(b *testing.B) {
	r := start(b, network{start: startTLS}, testTools, func(s *Server, _ *timing) { s.Limits.CallRate = 1e6 })
	s := r.control()
	const workers = 64
	took := make([][]time.Duration, workers)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				began := time.Now()
				st, err := s.Call(context.Background(), "echo", echo{Text: "hello", N: w})
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := Recv[echo](st); err != nil {
					b.Error(err)
				}
				if _, err := st.Next(); err != io.EOF {
					b.Error(err)
				}
				st.Close()
				took[w] = append(took[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkBulk moves data frames of 64 KiB over mutual TLS on a bulk session.
func BenchmarkBulk(b *testing.B) {
	payload := make([]byte, MaxData)
	r := start(b, network{start: startTLS}, func(_ context.Context, call *Call) error {
		for range b.N {
			if err := call.Data(payload); err != nil {
				return err
			}
		}
		return nil
	})
	id := NewConsoleID()
	r.session(DialOptions{Console: id})
	s := r.session(DialOptions{Console: id, Bulk: true})
	b.SetBytes(MaxData)
	b.ReportAllocs()
	b.ResetTimer()
	st := r.call(s, "data", nil)
	for {
		if _, err := st.Next(); err == io.EOF {
			break
		} else if err != nil {
			b.Fatal(err)
		}
	}
}
