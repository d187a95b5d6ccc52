package match

import "testing"

// TestOnly wants one packet of three, of which one of the others is lost.
func TestOnly(t *testing.T) {
	wanted := func(frame []byte) bool { return frame[ethernet+20+7] == 2 } // the echo's sequence number
	m := newMatcher(t, lab(), Options{Rows: 16, Only: wanted})
	send(m, echo(1, false), start, 0, 1)
	send(m, echo(2, false), start+10*ms, 0, 1, 3, 4)
	send(m, echo(3, false), start+20*ms, 0, 1, 3, 4)
	m.Advance(start + 10_000*ms)
	rows := rowsOf(m)
	if len(rows) != 1 || rows[0].Number != 2 {
		t.Errorf("rows %+v", rows)
	}
	if s := m.Total(); s.Out.Rows != 1 || s.Out.Delivered != 1 || len(s.Intervals) != 0 || s.Hops[0].Out != 1 {
		t.Errorf("counted %+v, intervals %v, hop 0 %d", s.Out, s.Intervals, s.Hops[0].Out)
	}
}
