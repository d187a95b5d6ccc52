package pane

import (
	"strings"
	"testing"
	"time"

	"steth/feed"
)

func TestTitleGivesWay(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{
		Title: "capture", Device: "tap8f2c1f6e-0c", Host: "cmp1", Netns: "qrouter-1", Filter: "icmp or arp", Shape: feed.Packets,
	}, feed.Options{})
	for i := range 40 {
		f.Packet(echo(ms(i*100), web, db, 8, i, 64))
		c.advance(100 * time.Millisecond)
	}
	s := newScreen(t, c, 120, 10)
	s.AddFeed(f)
	title := func(w int) string {
		s.w = w
		row, _, _ := strings.Cut(s.show(), "\n")
		return strings.TrimSpace(row)
	}
	for _, tt := range []struct {
		w    int
		want string
	}{
		{120, "1 tap8f2c1f6e-0c on cmp1 in qrouter-1  icmp or arp    ▶ 10/s ▁▁▁▁▁▁████  dropped 0"},
		{80, "1 tap8f2c1f6e-0c on cmp1 in qrouter-1  icmp or arp    ▶ 10/s  dropped 0"},
		{70, "1 tap8f2c1f6e-0c on cmp1  icmp or arp    ▶ 10/s  dropped 0"},
		{60, "1 tap8f2c1f6e-0c on cmp1  icmp or arp    ▶ 10/s  dropped 0"},
		{40, "1 tap8f2c1f6e-0c on cmp1    ▶ 10/s"},
		{31, "1 tap8f2c1f6e-0c on cmp1    ▶"},
		{24, "1 tap8f2c1f6e-0c    ▶"},
	} {
		if got := title(tt.w); got != tt.want {
			t.Errorf("at %d: %q, want %q", tt.w, got, tt.want)
		}
	}

	s.press("&")
	s.write("reply")
	s.press("enter")
	if got, want := title(26), "1 tap8f2c1f6e-0c  &    ▶"; got != want {
		t.Errorf("a filter is not told: %q, want %q", got, want)
	}
	if got := title(34); !strings.Contains(got, "& reply") {
		t.Errorf("the filter is not named: %q", got)
	}
	s.Back()

	f.SetDrop("kernel", 1204)
	f.SetDrop("agent", 3)
	for _, w := range []int{120, 80, 60, 55, 50} {
		if got := title(w); !strings.Contains(got, "dropped 1,207 kernel, agent") {
			t.Errorf("at %d drops are not told: %q", w, got)
		}
	}
	f.End("agent on cmp1 went away; it is dialled again in 4 s")
	if got := title(160); !strings.HasSuffix(got, "✗ ended  dropped 1,207 kernel, agent  agent on cmp1 went away; it is dialled again in 4 s") {
		t.Errorf("the end is not told: %q", got)
	}
	if got := title(76); !strings.Contains(got, "✗ ended") || !strings.Contains(got, "dropped 1,207") || !strings.Contains(got, "agent on cmp1") {
		t.Errorf("the end is not told in a narrow pane: %q", got)
	}
}

func TestUnits(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{rate(0), "0/s"},
		{rate(4.5), "4.5/s"},
		{rate(12.4), "12/s"},
		{rate(999.6), "1k/s"},
		{rate(12_400), "12.4k/s"},
		{rate(200_000), "200k/s"},
		{quantity(1.5, "ms"), "1.5 ms"},
		{quantity(1e9, "bit/s"), "1 Gbit/s"},
		{quantity(300e6, "bit/s"), "300 Mbit/s"},
		{number(0.614), "0.61"},
		{number(942), "942"},
		{number(99.96), "100"},
		{count(7), "7"},
		{count(1204), "1,204"},
		{count(1_234_567), "1,234,567"},
		{quantity(ceiling(1.32), "ms"), "1.5 ms"},
		{quantity(ceiling(948e6), "bit/s"), "1 Gbit/s"},
		{quantity(ceiling(0), "ms"), "1 ms"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}
