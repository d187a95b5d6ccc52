package feed

import (
	"context"
	"strings"
	"testing"

	"steth/packets"
)

const someLine = "64 bytes from 10.20.0.22: icmp_seq=56 ttl=64 time=0.71 ms"

func BenchmarkLine(b *testing.B) {
	f := open(b, Options{})
	b.ReportAllocs()
	for i := range b.N {
		f.Line(int64(i), Plain, someLine)
	}
}

func BenchmarkPacket(b *testing.B) {
	f := open(b, Options{})
	p := packets.Packet{Length: 1500, Data: make([]byte, 128)}
	b.ReportAllocs()
	for i := range b.N {
		p.Time = int64(i)
		f.Packet(p)
	}
}

func filled(b *testing.B) *Feed {
	f := open(b, Options{Memory: 4 << 20})
	for i := range 500_000 {
		f.Line(int64(i), Plain, someLine)
	}
	if f.spooled == 0 {
		b.Fatal("nothing is on disk")
	}
	return f
}

func BenchmarkReadScreen(b *testing.B) {
	for _, at := range []string{"memory", "spool", "spool, far jumps"} {
		b.Run(at, func(b *testing.B) {
			f := filled(b)
			dst := make([]Entry, 45)
			from := uint64(499_000)
			if at != "memory" {
				from = 1000
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if at == "spool, far jumps" {
					from = uint64(i) * 7919 % 400_000
				}
				if f.Read(from, dst) != len(dst) {
					b.Fatal("too few")
				}
			}
		})
	}
}

func BenchmarkSearchHalfAMillion(b *testing.B) {
	f := filled(b)
	for b.Loop() {
		if _, ok := f.Search(context.Background(), 0, true, func(e *Entry) bool { return strings.Contains(e.Text, "nowhere") }); ok {
			b.Fatal("found")
		}
	}
}

func BenchmarkSeekTime(b *testing.B) {
	f := filled(b)
	for i := range b.N {
		f.SeekTime(int64(i) * 7919 % 500_000)
	}
}

func BenchmarkState(b *testing.B) {
	f := filled(b)
	for i := range 600 {
		f.Sample(Sample{Time: int64(i)})
	}
	for b.Loop() {
		f.State()
	}
}
