package follow

import (
	"errors"
	"testing"
	"time"

	"steth/packets"
	"steth/packets/match"
)

// TestFinish has three captures that are sure up to different moments: what the
// one in the middle can't tell is not blamed on the wide interval around it.
func TestFinish(t *testing.T) {
	start := time.Now().UnixNano()
	lose := func(untils []int64, errs []error) match.Summary {
		m, err := match.New(make([]match.Hop, len(untils)), match.Options{Near: addrs("10.0.0.1"), Far: addrs("10.0.0.2")})
		if err != nil {
			t.Fatal(err)
		}
		var all []*watcher
		for i, until := range untils {
			d := &tape{device: &device{hops: []int{i}}, matcher: m}
			d.begin(start)
			all = append(all, &watcher{tape: d, started: start, until: start + until*ms, err: errs[i]})
		}
		frame := echo(1)
		m.See(0, &packets.Packet{Time: start + 100*ms, Length: uint32(len(frame)), Data: frame})
		finish(m, all)
		m.Advance(start + int64(time.Minute))
		return m.Total()
	}
	good := make([]error, 3)
	if s := lose([]int64{5000, 5000, 5000}, good); len(s.Intervals) != 1 || s.Intervals[0].From != 0 || s.Intervals[0].To != 1 {
		t.Errorf("all watched: intervals %+v", s.Intervals)
	}
	if s := lose([]int64{5000, 500, 5000}, good); len(s.Intervals) != 0 || s.Out.Unknown != 1 {
		t.Errorf("the middle ended early: intervals %+v, %+v", s.Intervals, s.Out)
	}
	// A capture that broke has told the matcher its end itself, and shortens no other's.
	if s := lose([]int64{5000, 5000, 200}, []error{nil, nil, errors.New("gone")}); len(s.Intervals) != 1 {
		t.Errorf("the last broke: intervals %+v", s.Intervals)
	}
}

func TestSure(t *testing.T) {
	const second = int64(time.Second)
	for name, c := range map[string]struct {
		w    watcher
		err  error
		want int64
	}{
		"its time was over":        {watcher{seconds: 10, started: second, told: [2]int64{11 * second, 10 * second}}, nil, 11*second - int64(unread)},
		"its counters are late":    {watcher{seconds: 10, started: second, told: [2]int64{9 * second, 8 * second}}, nil, 9 * second},
		"stopped":                  {watcher{started: second, told: [2]int64{9 * second, 8 * second}}, nil, 9 * second},
		"stopped after a packet":   {watcher{started: second, told: [2]int64{9 * second, 8 * second}, newest: 9*second + 5}, nil, 9*second + 5},
		"broke, maybe before":      {watcher{started: second, told: [2]int64{9 * second, 8 * second}}, errGone, 8 * second},
		"broke right at its start": {watcher{started: second, told: [2]int64{second, 0}}, errGone, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.w.sure(c.err); got != c.want {
				t.Errorf("sure until %v, want %v", time.Duration(got), time.Duration(c.want))
			}
		})
	}
}
