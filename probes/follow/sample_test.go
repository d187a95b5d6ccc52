package follow

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"steth/agent/api"
	"steth/packets/match"
	"steth/probes"
)

// TestTooMany has a capture that can't keep up: all captures begin anew, pick
// the same packets, and what passed in between is lost nowhere.
func TestTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().UnixNano()
		h := watchedBy(nil)
		for key := range h.captures {
			again := false
			h.captures[key] = func(s *script) {
				s.end = nil
				if again {
					s.started(start + 1100*ms)
					s.packet(start+1200*ms, false, echo(9))
					return
				}
				again = true
				if key == "cmp1/tap1" {
					time.Sleep(time.Millisecond) // the others have begun by then
				}
				s.started(start)
				s.packet(start+ms, false, echo(1))
				if key == "cmp1/tap1" {
					h.wait(3)
					s.packet(start+990*ms, false, echo(2)) // the others don't come to it any more
					s.stats(start+1000*ms, 300_000)
				}
			}
		}
		s, err := Start(t.Context(), probes.Env{Agents: h}, plan(0))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s.Sampled() != 8 {
			t.Errorf("1 in %d is followed, want 8: 300000 packets/s are to become less than %d", s.Sampled(), fewSightings)
		}
		if notes := strings.Join(s.Notes(), " "); !strings.Contains(notes, "about 1 in 8 is followed") {
			t.Errorf("notes: %q", notes)
		}
		picks := map[bool][]api.CaptureRequest{}
		for _, r := range h.asked {
			narrow := strings.Contains(r.Filter, ">> 29 = 0")
			picks[narrow] = append(picks[narrow], r)
		}
		if len(picks[false]) != 3 || len(picks[true]) != 3 {
			t.Errorf("%d captures of all packets and %d of some, want 3 and 3", len(picks[false]), len(picks[true]))
		}
		rows := make([]match.Row, 8)
		var got []match.Verdict
		for _, r := range rows[:s.Rows(0, rows)] {
			got = append(got, r.Verdict)
		}
		if want := []match.Verdict{match.Delivered, match.Unknown, match.Delivered}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
			t.Errorf("rows are %v, want %v", got, want)
		}
		s.Stop()
		<-s.Done()
		if f, _ := s.Finding(); !strings.HasSuffix(f.Reason, "(of about 1 in 8 packets)") {
			t.Errorf("finding: %s", f.Reason)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestBusyEnough has rates that can be followed, and one that can't.
func TestBusyEnough(t *testing.T) {
	now := time.Now()
	var s sampling
	a, b := &watcher{}, &watcher{}
	if s.told(a, 200_000, false, now) || s.told(b, 40_000, false, now) || s.told(a, 200_000, false, now) {
		t.Error("240000 packets/s are too many")
	}
	_, changed := s.now()
	if !s.told(b, 60_000, false, now) {
		t.Fatal("260000 packets/s are not too many")
	}
	select {
	case <-changed:
	default:
		t.Error("captures aren't told")
	}
	if shift, _ := s.now(); shift != 3 {
		t.Errorf("shift %d, want 3", shift)
	}
	if s.told(a, 900_000, true, now.Add(time.Second)) {
		t.Error("it changes again before the captures have begun anew")
	}
	if s.told(a, 30_000, true, now.Add(time.Minute)) {
		t.Error("drops at a low rate make it fewer")
	}
	if !s.told(b, 30_000, true, now.Add(time.Minute)) {
		t.Error("drops at a high rate don't")
	}
}
