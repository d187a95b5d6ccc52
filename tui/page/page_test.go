package page

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                      "0.0 ms",
		420 * time.Microsecond: "0.4 ms",
		-3 * time.Millisecond:  "-3.0 ms",
		340 * time.Millisecond: "0.3 s",
		12 * time.Second:       "12 s",
		119 * time.Second:      "119 s",
		3 * time.Minute:        "3 min",
		5 * time.Hour:          "5 h",
		72 * time.Hour:         "3 d",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", -100: "-100"} {
		if got := Count(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		t    time.Time
		want string
	}{{time.Time{}, "never"}, {now, "0 s"}, {now.Add(time.Second), "0 s"}, {now.Add(-90 * time.Second), "90 s"}} {
		if got := Ago(now, c.t); got != c.want {
			t.Errorf("%v: %q, want %q", c.t, got, c.want)
		}
	}
}
