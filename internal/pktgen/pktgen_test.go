package pktgen

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDue(t *testing.T) {
	for name, tt := range map[string]struct {
		load   Load
		passed time.Duration
		sent   uint64
		due    uint64
		more   bool
	}{
		"as fast as possible":   {Load{Time: time.Second}, 0, 0, batch, true},
		"time is over":          {Load{Time: time.Second}, time.Second, 5, 0, false},
		"count is reached":      {Load{Count: 5}, 0, 5, 0, false},
		"rest of the count":     {Load{Count: 100}, 0, 90, 10, true},
		"on time":               {Load{Count: 100, Rate: 1000}, 10 * time.Millisecond, 10, 0, true},
		"behind a little":       {Load{Count: 100, Rate: 1000}, 10 * time.Millisecond, 3, 7, true},
		"behind a lot":          {Load{Time: time.Minute, Rate: 1_000_000}, time.Second, 0, batch, true},
		"ahead, which can't be": {Load{Count: 100, Rate: 1000}, 0, 7, 0, true},
	} {
		if due, more := tt.load.due(tt.passed, tt.sent); due != tt.due || more != tt.more {
			t.Errorf("%s: %d, %v; want %d, %v", name, due, more, tt.due, tt.more)
		}
	}
}

func TestSendRefuses(t *testing.T) {
	for name, load := range map[string]Load{
		"without a bound":     {Device: "lo", Frame: make([]byte, 60)},
		"without a frame":     {Device: "lo", Count: 1},
		"stamp past its end":  {Device: "lo", Count: 1, Frame: make([]byte, 60), Stamp: 53},
		"device is not there": {Device: "no-such-dev", Count: 1, Frame: make([]byte, 60)},
	} {
		if n, err := Send(t.Context(), load); err == nil || n != 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}
