package follow

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"steth/feed"
	"steth/packets/match"
	"steth/probes"
)

// withTTL is a frame of echo behind n routers.
func withTTL(frame []byte, n byte) []byte {
	frame = bytes.Clone(frame)
	frame[22] -= n
	return frame
}

// TestPacketAt takes the packet of each row at each hop, where several packets
// have one time and one comes late into its capture.
func TestPacketAt(t *testing.T) {
	now := time.Now().Add(-20 * time.Second).UnixNano()
	h := watchedBy(nil)
	h.offsets = map[string]time.Duration{"cmp1": time.Second, "cmp2": -3 * time.Second}
	capture := func(after int64, routers byte) func(*script) {
		return func(s *script) {
			s.started(now)
			at := now + after
			for _, n := range []byte{1, 2, 3} { // all at once
				s.packet(at, false, withTTL(echo(n), routers))
			}
			s.packet(at+60*ms, false, withTTL(echo(5), routers))
			s.packet(at+50*ms, false, withTTL(echo(4), routers)) // of another CPU's ring
			s.packet(at+400*ms, false, withTTL(echo(6), routers))
			s.stats(now+10_000*ms, 0)
		}
	}
	h.captures["cmp1/tap1"] = capture(0, 0)
	h.captures["cmp1/brq1"] = capture(ms/10, 0)
	h.captures["cmp2/tap2"] = capture(ms, 1)
	s := run(t, h, plan(10*time.Second))
	rows := make([]match.Row, 16)
	if rows = rows[:s.Rows(0, rows)]; len(rows) != 6 {
		t.Fatalf("%d rows", len(rows))
	}
	for i := range rows {
		seq := rows[i].Data[41]
		for hop, routers := range map[int]byte{0: 0, 1: 0, 3: 1} {
			p, ok := s.PacketAt(&rows[i], hop)
			if !ok || !bytes.Equal(p.Data, withTTL(echo(seq), routers)) || p.Time != rows[i].Marks[hop].Time {
				t.Errorf("echo %d at hop %d: %v % x", seq, hop, ok, p.Data)
			}
			f := s.Feeds()[s.Hops()[hop].Capture]
			if n := s.Trace(f, &p); n != rows[i].Number {
				t.Errorf("echo %d at hop %d is row %d, want %d", seq, hop, n, rows[i].Number)
			}
		}
		if _, ok := s.PacketAt(&rows[i], 2); ok {
			t.Error("a blind hop has a packet")
		}
	}
	for _, r := range []match.Row{{}, {Marks: make([]match.Mark, 4)}} {
		if _, ok := s.PacketAt(&r, 0); ok {
			t.Error("a row of nobody has a packet")
		}
	}
	if _, ok := s.PacketAt(&rows[0], -1); ok {
		t.Error("there is no hop -1")
	}
	stranger, err := feed.New(feed.About{Shape: feed.Packets}, feed.Options{Spool: -1})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.PacketAt(&rows[0], 0)
	if got := fmt.Sprint(s.HopsOf(s.Feeds()[2]), s.HopsOf(stranger)); got != "[4] []" {
		t.Errorf("captures are those of hops %s, want [4] []", got)
	}
	if s.Trace(stranger, &p) != 0 {
		t.Error("a capture of somebody else's is traced")
	}
	p.Time++
	if s.Trace(s.Feeds()[0], &p) != 0 {
		t.Error("a packet that the capture does not hold has a row")
	}
	if err := stranger.Close(); err != nil {
		t.Error(err)
	}
}

// TestAbsent is the lost packet of TestSession, asked of the captures.
func TestAbsent(t *testing.T) {
	now := time.Now().Add(-20 * time.Second).UnixNano()
	h := watchedBy(passes(now, 0, false, 1, 2))
	h.captures["cmp2/tap2"] = passes(now, ms, true, 1)
	s := run(t, h, plan(10*time.Second))
	for number := range uint64(4) {
		for _, f := range s.Feeds() {
			want := number == 2 && f.About().Device == "tap2"
			if missed, pending := s.Absent(number, f); missed != want || pending {
				t.Errorf("row %d at %s: missed %v, pending %v", number, f.About().Device, missed, pending)
			}
		}
	}
}

// TestPacketAtForgotten: what left the capture is never another packet.
func TestPacketAtForgotten(t *testing.T) {
	now := time.Now().Add(-20 * time.Second).UnixNano()
	h := watchedBy(func(s *script) {
		s.started(now)
		for i := range 2000 {
			f := echo(byte(i))
			f[18], f[19] = byte(i>>8), byte(i) // IP id
			s.packet(now+int64(i)*ms, false, f)
		}
		s.stats(now+10_000*ms, 0)
	})
	s, err := Start(t.Context(), probes.Env{Agents: h, Spool: feed.Options{Memory: 64 << 10, Spool: -1}}, plan(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	rows := make([]match.Row, 4096)
	rows = rows[:s.Rows(0, rows)]
	if len(rows) != 2000 {
		t.Fatalf("%d rows", len(rows))
	}
	had, gone := 0, 0
	for i := range rows {
		p, ok := s.PacketAt(&rows[i], 0)
		if !ok {
			gone++
			continue
		}
		had++
		if !bytes.Equal(p.Data[18:20], rows[i].Data[18:20]) {
			t.Fatalf("row %d: id % x, want % x", i, p.Data[18:20], rows[i].Data[18:20])
		}
	}
	if had == 0 || gone == 0 {
		t.Errorf("%d packets were there and %d gone", had, gone)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, ok := s.PacketAt(&rows[1999], 0); ok {
		t.Error("a closed session has packets")
	}
}
