package tools

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

// feedPing reads a recorded output; lines of "ping: " came on standard error.
func feedPing(t *testing.T, file string, count int) ([]api.PingEvent, *pingLog) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	log := newPingLog(count)
	var evs []api.PingEvent
	for text := range strings.Lines(string(data)) {
		text = strings.TrimSuffix(text, "\n")
		if ev, ok := log.line(line{text: text, stderr: strings.HasPrefix(text, "ping: ")}, 0); ok {
			evs = append(evs, ev)
		}
	}
	return append(evs, log.finish(1)...), log
}

func kinds(evs []api.PingEvent) (out []string) {
	for _, e := range evs {
		out = append(out, e.Kind)
	}
	return out
}

func TestPingOutputs(t *testing.T) {
	t.Run("replies", func(t *testing.T) {
		evs, _ := feedPing(t, "ping-20221126-replies.txt", 3)
		want := []api.PingEvent{
			{Kind: api.PingReply, Time: 1795360062605856000, Seq: 1, From: "127.0.0.1", Bytes: 64, TTL: 64, RTT: 24 * time.Microsecond},
			{Kind: api.PingReply, Time: 1795360062706551000, Seq: 2, From: "127.0.0.1", Bytes: 64, TTL: 64, RTT: 37 * time.Microsecond},
			{Kind: api.PingReply, Time: 1795360062810568000, Seq: 3, From: "127.0.0.1", Bytes: 64, TTL: 64, RTT: 40 * time.Microsecond},
			{Kind: api.PingSummary, Time: 1, Sent: 3, Received: 3, Min: 24 * time.Microsecond, Avg: 33666, Max: 40 * time.Microsecond, Mdev: 6944},
		}
		if !slices.Equal(evs, want) {
			t.Errorf("got %+v\nwant %+v", evs, want)
		}
	})
	t.Run("replies over IPv6", func(t *testing.T) {
		evs, _ := feedPing(t, "ping-20221126-replies-v6.txt", 2)
		if len(evs) != 3 || evs[1].From != "::1" || evs[1].TTL != 64 || evs[2].Received != 2 {
			t.Errorf("%+v", evs)
		}
	})
	t.Run("unreachable", func(t *testing.T) {
		evs, _ := feedPing(t, "ping-20221126-unreachable.txt", 8)
		last := evs[len(evs)-2:]
		if last[0].Kind != api.PingNoReply || last[0].Seq != 8 {
			t.Errorf("the last request has no event of its own: %+v", last)
		}
		if last[1].Sent != 8 || last[1].Received != 0 || last[1].Avg != 0 {
			t.Errorf("summary %+v", last[1])
		}
		i := slices.IndexFunc(evs, func(e api.PingEvent) bool { return e.Kind == api.PingError })
		if e := evs[i]; e.From != "10.9.9.1" || e.Seq != 1 || e.Text != "Destination Host Unreachable" {
			t.Errorf("%+v", e)
		}
	})
	t.Run("too big", func(t *testing.T) {
		evs, _ := feedPing(t, "ping-20221126-too-big.txt", 2)
		want := []string{api.PingError, api.PingNoReply, api.PingError, api.PingSummary}
		if !slices.Equal(kinds(evs), want) || evs[0].Text != "local error: message too long, mtu=1300" || evs[3].Sent != 2 {
			t.Errorf("%+v", evs)
		}
	})
}

// TestPingLines has the forms of iputils' sources that are hard to record.
func TestPingLines(t *testing.T) {
	for text, want := range map[string]api.PingEvent{
		"[1700000000.000001] 64 bytes from 10.0.0.2: icmp_seq=3 ttl=63 time=1003 ms (DUP!)": {
			Kind: api.PingReply, Time: 1700000000000001000, Seq: 3, From: "10.0.0.2", Bytes: 64, TTL: 63, RTT: 1003 * time.Millisecond, Duplicate: true,
		},
		"[1700000000.5] 16 bytes from fe80::1%eth0: icmp_seq=1 ttl=64": { // too small to carry a time
			Kind: api.PingReply, Time: 1700000000500000000, Seq: 1, From: "fe80::1%eth0", Bytes: 16, TTL: 64,
		},
		"[1700000000.5] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.1 ms (BAD CHECKSUM!)": {
			Kind: api.PingReply, Time: 1700000000500000000, Seq: 1, From: "10.0.0.2", Bytes: 64, TTL: 64, RTT: 100 * time.Microsecond, Text: "(BAD CHECKSUM!)",
		},
		"[1700000000.5] 64 bytes from 10.0.0.2: icmp_seq=1 ident=77 ttl=64 time=0.1 ms": { // 20221126 and later, with -v
			Kind: api.PingReply, Time: 1700000000500000000, Seq: 1, From: "10.0.0.2", Bytes: 64, TTL: 64, RTT: 100 * time.Microsecond,
		},
		"[1700000000.5] From 10.0.0.1 icmp_seq=2 Frag needed and DF set (mtu = 1400)": {
			Kind: api.PingError, Time: 1700000000500000000, Seq: 2, From: "10.0.0.1", Text: "Frag needed and DF set (mtu = 1400)",
		},
		"[1700000000.5] From fd00::1: icmp_seq=2 Packet too big: mtu=1400": {
			Kind: api.PingError, Time: 1700000000500000000, Seq: 2, From: "fd00::1", Text: "Packet too big: mtu=1400",
		},
	} {
		got, ok := newPingLog(9).line(line{text: text}, 0)
		if !ok || got != want {
			t.Errorf("%s\ngot  %+v\nwant %+v", text, got, want)
		}
	}
	for _, text := range []string{"", "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.", "pipe 3", "--- 10.0.0.2 ping statistics ---"} {
		if ev, ok := newPingLog(9).line(line{text: text}, 0); ok {
			t.Errorf("%q made an event: %+v", text, ev)
		}
	}
}

// TestPingCountsOn: ICMP's sequence number has 16 bits, a call may send 100,000.
func TestPingCountsOn(t *testing.T) {
	log := newPingLog(100_000)
	for _, step := range []struct {
		text string
		want int
	}{{"65534", 65534}, {"65535", 65535}, {"1", 65537}, {"65535", 65535}, {"0", 65536}, {"30000", 95536}, {"40", 65576}} {
		if got := log.sequence(step.text); got != step.want {
			t.Errorf("sequence %s after %d: %d, want %d", step.text, log.last, got, step.want)
		}
	}
}

func TestPingArgs(t *testing.T) {
	got := strings.Join(pingArgs(api.PingRequest{
		To: "10.0.0.2", From: "eth0", Count: 3, Interval: 10 * time.Millisecond, Timeout: 1500 * time.Millisecond, Size: 1000, TTL: 3, DF: true,
	}), " ")
	if want := "-n -D -O -c 3 -i 0.01 -W 1.5 -s 1000 -t 3 -M do -I eth0 -- 10.0.0.2"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzPingLine(f *testing.F) {
	f.Add("[1700000000.5] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.1 ms", false)
	f.Add("[1.] From 10.0.0.1 icmp_seq=99999999999999999999 x", false)
	f.Add("ping: local error", true)
	f.Fuzz(func(t *testing.T, text string, stderr bool) {
		log := newPingLog(10)
		log.line(line{text: text, stderr: stderr}, 0)
		if n := len(log.finish(0)); n > 11 {
			t.Errorf("%d last events of 10 requests", n)
		}
	})
}
