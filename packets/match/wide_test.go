package match

import (
	"net/netip"
	"testing"
)

// TestWide has a hop behind SNAT, where others' answers pass too.
func TestWide(t *testing.T) {
	const others, ours = 40, 10 // those that come back from the last hop and no further; those that come all the way
	fed := func(wide bool, rows int) *Matcher {
		m, err := New([]Hop{{}, {}, {Blind: true}, {}, {Wide: wide}}, Options{Near: []netip.Addr{near}, Far: []netip.Addr{far}, Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			m.Start(i, start)
		}
		for n := range uint16(others + ours) {
			if at := start + int64(n)*50*ms; n%5 == 0 {
				send(m, echo(n, true), at, 4, 3, 1, 0)
			} else {
				send(m, echo(n, true), at, 4)
			}
		}
		m.Advance(start + 60_000*ms)
		return m
	}
	if total := fed(false, 0).Total(); total.Back.Lost != others || len(total.Intervals) != 1 {
		t.Fatalf("the test is wrong: %+v", total.Back)
	}
	for name, kept := range map[string]int{"all rows are kept": 0, "most rows have left": 16} {
		t.Run(name, func(t *testing.T) {
			m := fed(true, kept)
			total := m.Total()
			if b := total.Back; b.Rows != ours || b.Lost != 0 || b.Delivered != ours || len(total.Intervals) != 0 || total.Hops[4].Back != ours {
				t.Errorf("back %+v, intervals %v, last hop %d", b, total.Intervals, total.Hops[4].Back)
			}
			if kept > 0 {
				return
			}
			rows := make([]Row, 4) // fewer than there are, so that it reads on
			var got []uint64
			for from := uint64(0); ; {
				n := m.Rows(from, rows)
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
		})
	}
}
