package follow

import (
	"testing"
	"time"

	"steth/openstack"
	"steth/packets"
	"steth/packets/match"
)

// TestStrangers has a hop behind SNAT, where others' answers pass too.
func TestStrangers(t *testing.T) {
	hops := five()
	hops[4].Filter = openstack.Filter{Wide: "SNAT gives other ports the same address"}
	m, err := match.New([]match.Hop{{}, {}, {Blind: true}, {}, {}}, match.Options{Near: addrs("10.0.0.2"), Far: addrs("10.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().UnixNano()
	for i := range hops {
		m.Start(i, start)
	}
	see := func(hop int, seq byte) {
		frame := echo(seq)
		m.See(hop, &packets.Packet{Time: start + int64(seq)*int64(50*time.Millisecond) + int64(5-hop)*ms, Length: uint32(len(frame)), Data: frame})
	}
	const others, ours = 40, 10 // those that come back from hop 5 and no further; those that come all the way
	for seq := range byte(others + ours) {
		if see(4, seq); seq%5 == 0 {
			see(3, seq)
			see(1, seq)
			see(0, seq)
		}
	}
	m.Advance(start + int64(time.Minute))

	if total := m.Total(); total.Back.Lost != others || len(total.Intervals) != 1 {
		t.Fatalf("the test is wrong: %+v", total.Back)
	}
	total := expel(m, hops, 0, m.Total())
	if b := total.Back; b.Rows != ours || b.Lost != 0 || b.Delivered != ours || len(total.Intervals) != 0 || total.Hops[4].Back != ours {
		t.Errorf("back %+v, intervals %v, hop 5 %d", b, total.Intervals, total.Hops[4].Back)
	}
	if old := expel(m, hops, start+int64(time.Hour), m.Total()); old.Back.Lost != others {
		t.Error("rows before the window were taken out")
	}
	rows := make([]match.Row, 4) // fewer than there are, so that it reads on
	var got []uint64
	for from := uint64(0); ; {
		n := own(m, hops, from, rows)
		if n == 0 {
			break
		}
		for _, r := range rows[:n] {
			got = append(got, r.Number)
		}
		from = rows[n-1].Number + 1
	}
	if len(got) != ours || got[0] != 1 || got[1] != 6 {
		t.Errorf("rows %v, want each fifth", got)
	}
	hops[4].Filter = openstack.Filter{}
	if n := own(m, hops, 0, make([]match.Row, 100)); n != others+ours {
		t.Errorf("%d rows where no filter is wide, want all", n)
	}
}
