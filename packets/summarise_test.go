package packets

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSummarise(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			if got := string(Summarise(nil, &s.packet)); got != s.row {
				t.Errorf("got  %s\nwant %s\nof   %s", got, s.row, describe(&s.packet))
			}
			if got := Classify(&s.packet); got != s.proto {
				t.Errorf("it is %s, want %s", got, s.proto)
			}
		})
	}
}

func TestSummariseAppends(t *testing.T) {
	p := whole(ping4(1))
	if got := string(Summarise([]byte("33.204  "), &p)); !strings.HasPrefix(got, "33.204  10.20.0.11 > ") {
		t.Error(got)
	}
}

func TestSummariseAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, MaxRow)
	for _, s := range samples(t) {
		if n := testing.AllocsPerRun(20, func() { buf = Summarise(buf[:0], &s.packet) }); n != 0 {
			t.Errorf("%s: %.0f allocations", s.name, n)
		}
	}
}

func TestTunnelsAreBounded(t *testing.T) {
	p := whole(deep(20))
	row := string(Summarise(nil, &p))
	if n := strings.Count(row, "VXLAN"); n != maxDepth {
		t.Errorf("%d tunnels were followed: %s", n, row)
	}
}

// TestEveryCut gives the parser each packet at each length that a capture may
// keep of it: it may say less, but nothing else.
func TestEveryCut(t *testing.T) {
	for _, s := range samples(t) {
		for n := range len(s.packet.Data) {
			p := s.packet
			p.Data = p.Data[:n]
			checkRow(t, &p)
			if s.proto != Malformed && Classify(&p) == Malformed {
				t.Errorf("%s: malformed when cut to %d bytes: %s", s.name, n, Summarise(nil, &p))
			}
		}
	}
}

func checkRow(t *testing.T, p *Packet) {
	t.Helper()
	row := Summarise(make([]byte, 0, MaxRow), p)
	if len(row) > MaxRow {
		t.Errorf("a row of %d bytes: %s", len(row), row)
	}
	for _, c := range row {
		if c < 0x20 || c >= 0x7f {
			t.Fatalf("byte %#x in row %q of %s", c, row, describe(p))
		}
	}
	if len(row) == 0 {
		t.Errorf("no row of %s", describe(p))
	}
}

func FuzzSummarise(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.packet.Data, s.packet.Length, s.packet.TPID, s.packet.VLAN)
	}
	f.Add(deep(6), uint32(0), uint16(0x88a8), uint16(5))
	f.Fuzz(func(t *testing.T, data []byte, length uint32, tpid, vlan uint16) {
		p := Packet{Data: data, Length: length, TPID: tpid, VLAN: vlan}
		checkRow(t, &p)
		if Classify(&p) > Malformed {
			t.Error("a kind that has no name")
		}
	})
}

func BenchmarkSummarise(b *testing.B) {
	want := map[string]bool{
		"echo request": true, "TCP data": true, "VXLAN": true, "DNS answer": true, "DHCP discover": true,
		"neighbour solicitation": true,
	}
	for _, s := range samples(b) {
		if !want[s.name] {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			buf := make([]byte, 0, MaxRow)
			b.ReportAllocs()
			for b.Loop() {
				buf = Summarise(buf[:0], &s.packet)
			}
		})
	}
}
