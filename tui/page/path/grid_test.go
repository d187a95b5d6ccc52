package path

import (
	"net/netip"
	"testing"
	"time"

	"steth/probes/follow"
)

func TestFitted(t *testing.T) {
	cols := []column{
		{title: "#", want: 2, least: 2},
		{title: "HOP", want: 14, least: 10, rank: 1},
		{title: "WHAT", want: 30, least: 12, rank: 3},
		{title: "SEEN", want: 10, least: 10, rank: 2},
		{title: "FOUND", want: 20, least: 8, rank: 1, fill: true},
	}
	for _, c := range []struct {
		name  string
		width int
		want  [5]int
	}{
		{"room for all: the last takes what is left", 100, [5]int{2, 14, 30, 10, 36}},
		{"the texts of high ranks are cut first", 70, [5]int{2, 14, 16, 10, 20}},
		{"then those of lower ones", 60, [5]int{2, 10, 12, 10, 18}},
		{"then columns go, and what was cut grows again", 45, [5]int{2, 14, 0, 10, 13}},
		{"what is left at the end", 30, [5]int{2, 14, 0, 0, 10}},
	} {
		got := fitted(cols, c.width)
		total := -gap
		for i, w := range got {
			if w > 0 {
				total += w + gap
			}
			if c.want[i] != w {
				t.Errorf("%s: %d columns are shared out as %v, want %v", c.name, c.width, got, c.want)
				break
			}
		}
		if total > c.width {
			t.Errorf("%s: %d columns of %d", c.name, total, c.width)
		}
	}
}

func TestPacketGridFits(t *testing.T) {
	for _, n := range []int{1, 3, 7, 15, 24} {
		hops := make([]follow.Hop, n)
		for i := range hops {
			hops[i].Index = i + 1
			if hops[i].Capture = i; i%3 == 2 {
				hops[i].Capture = -1
			}
		}
		for width := 78; width < 240; width++ {
			g := gridOf(hops, width)
			total := g.time + gap + g.packet
			if g.bytes > 0 {
				total += 1 + g.bytes
			}
			for _, w := range g.hops {
				total += w
			}
			if g.verdict > 0 {
				total += gap + g.verdict
			}
			if total > width && n < 24 {
				t.Errorf("%d hops: %d columns of %d", n, total, width)
			}
			if n <= 10 && width >= 118 && g.narrow {
				t.Errorf("%d hops, %d columns: no delays", n, width)
			}
		}
	}
}

func TestDelay(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "+0.00", 310 * time.Microsecond: "+0.31", 9994 * time.Microsecond: "+9.99", 9996 * time.Microsecond: "+10.0",
		99 * time.Millisecond: "+99.0", 99_960 * time.Microsecond: "+100", 250 * time.Millisecond: "+250",
		999_600 * time.Microsecond: "+1.0s", 2500 * time.Millisecond: "+2.5s", 12 * time.Second: "+12s", 2000 * time.Second: "+999s",
	} {
		if got := delay(d); got != want || len(got) > markWide {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

func TestBrief(t *testing.T) {
	for row, want := range map[string]string{
		"ICMP echo request 5 len 64 id 7":               "echo 5 len 64",
		"8.8.8.8 >  ICMP echo reply 51 len 64 id 7":     "8.8.8.8 >  reply 51 len 64",
		"4000 > 80  TCP [S] len 0 seq 1":                "TCP [S] 4000 > 80",
		"> 203.0.113.1.80  TCP [P.] len 110 seq 1 [ab]": "TCP [P.] > 203.0.113.1.80",
		"ARP who has 10.20.0.1":                         "ARP who has 10.20.0.1",
		"68 > 67  TCP":                                  "68 > 67  TCP",
		"":                                              "",
	} {
		if got := brief(row); got != want {
			t.Errorf("%q: %q, want %q", row, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	near, far := []netip.Addr{netip.MustParseAddr("10.20.0.1")}, []netip.Addr{netip.MustParseAddr("10.20.0.11"), netip.MustParseAddr("2001:db8::1")}
	for row, want := range map[string]string{
		"10.20.0.1 > 10.20.0.11  ICMP echo request 5 len 64 id 7": "ICMP echo request 5 len 64 id 7",
		"10.20.0.11 > 10.20.0.1  ICMP echo reply 5 len 64 id 7":   "ICMP echo reply 5 len 64 id 7",
		"10.20.0.1.4000 > 10.20.0.11.80  TCP [S] len 0":           "4000 > 80  TCP [S] len 0",
		"10.20.0.1 > 8.8.8.8  ICMP echo request 5":                "> 8.8.8.8  ICMP echo request 5",
		"8.8.8.8.53 > 10.20.0.1.900  DNS 7 A":                     "8.8.8.8.53 >  DNS 7 A",
		"10.20.0.111 > 10.20.0.12  UDP":                           "10.20.0.111 > 10.20.0.12  UDP",
		"2001:db8::1 > ff02::1  ICMPv6 who has":                   "> ff02::1  ICMPv6 who has",
		"fa:16:3e:00:00:01 > broadcast  ARP who has 10.20.0.1":    "ARP who has 10.20.0.1",
		"0.0.0.0.68 > 255.255.255.255.67  DHCP request xid 0x5":   "DHCP request xid 0x5",
		"[cut]": "[cut]",
	} {
		if got := shorten(row, near, far); got != want {
			t.Errorf("%q\nis   %q\nwant %q", row, got, want)
		}
	}
}
