package tools

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"steth/agent/api"
)

func feedIperf(t *testing.T, file string, udp bool) ([]api.IperfEvent, *iperfLog) {
	t.Helper()
	data, err := os.ReadFile("testdata/iperf3-3.12-" + file + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	log := &iperfLog{now: func() int64 { return 1 }, port: 5210, udp: udp}
	var evs []api.IperfEvent
	for text := range strings.Lines(string(data)) {
		if ev, ok := log.line(strings.TrimSuffix(text, "\n")); ok {
			evs = append(evs, ev)
		}
	}
	return evs, log
}

func TestIperfOutputs(t *testing.T) {
	tests := map[string]struct {
		udp       bool
		intervals int
		check     func(t *testing.T, evs []api.IperfEvent, end api.IperfEvent)
	}{
		"client-tcp": {false, 2, func(t *testing.T, _ []api.IperfEvent, end api.IperfEvent) {
			if end.Bits < 1e9 || end.Received < 1e9 || end.CPULocal == 0 || end.CPURemote == 0 || end.End != 2*time.Second {
				t.Errorf("%+v", end)
			}
		}},
		"client-tcp-2": {false, 2, func(t *testing.T, evs []api.IperfEvent, end api.IperfEvent) {
			if evs[0].Bits+evs[1].Bits < 1.8*end.Bits || evs[0].Bits+evs[1].Bits > 2.2*end.Bits {
				t.Errorf("intervals %+v do not add up to %+v", evs, end)
			}
		}},
		"client-tcp-reverse": {false, 2, func(t *testing.T, _ []api.IperfEvent, end api.IperfEvent) {
			if end.Bits < 1e9 || end.Received < 1e9 {
				t.Errorf("%+v", end)
			}
		}},
		"client-udp": {true, 2, func(t *testing.T, evs []api.IperfEvent, end api.IperfEvent) {
			if evs[0].Datagrams == 0 || evs[0].Retransmits != 0 || end.Datagrams != evs[0].Datagrams+evs[1].Datagrams || end.Jitter == 0 || end.Lost != 0 {
				t.Errorf("%+v\n%+v", evs, end)
			}
		}},
		"client-udp-2-reverse": {true, 2, func(t *testing.T, evs []api.IperfEvent, end api.IperfEvent) {
			if evs[0].Jitter == 0 || end.Datagrams != evs[0].Datagrams+evs[1].Datagrams || end.Received < 5e6 {
				t.Errorf("%+v\n%+v", evs, end)
			}
		}},
		"server-tcp": {false, 3, func(t *testing.T, evs []api.IperfEvent, end api.IperfEvent) {
			if evs[0].Kind != api.IperfReady || evs[0].Port != 5210 || end.Bits != 0 || end.Received < 1e9 || end.Bytes == 0 {
				t.Errorf("%+v\n%+v", evs, end)
			}
		}},
		"server-udp": {false, 3, func(t *testing.T, evs []api.IperfEvent, end api.IperfEvent) {
			if evs[1].Jitter == 0 || end.Datagrams == 0 || end.Received < 2.8e6 || end.Received > 3.1e6 {
				t.Errorf("%+v\n%+v", evs, end)
			}
		}},
		"server-udp-2-reverse": {false, 4, func(t *testing.T, evs []api.IperfEvent, end api.IperfEvent) {
			if evs[1].Datagrams == 0 || evs[1].Retransmits != 0 || end.Bits < 5e6 || end.Received != 0 {
				t.Errorf("%+v\n%+v", evs, end)
			}
		}},
	}
	for file, tt := range tests {
		t.Run(file, func(t *testing.T) {
			evs, log := feedIperf(t, file, tt.udp)
			if len(evs) != tt.intervals || !log.complete {
				t.Fatalf("%d events, complete %v: %+v", len(evs), log.complete, evs)
			}
			tt.check(t, evs, log.end)
		})
	}
	if _, log := feedIperf(t, "client-refused", false); log.complete || !strings.Contains(log.err, "Connection refused") {
		t.Errorf("refused: %+v", log)
	}
}

func TestIperfRow(t *testing.T) {
	log := &iperfLog{now: func() int64 { return 1 }, streams: 1}
	got, ok := log.line("[  5]   1.00-2.00   sec  1.62 MBytes  13600 Kbits/sec   27    895 KBytes       ")
	want := api.IperfEvent{Kind: api.IperfInterval, Time: 1, Start: time.Second, End: 2 * time.Second, Bits: 13.6e6, Bytes: 1.7e6, Retransmits: 27}
	if !ok || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestIperfClientArgs(t *testing.T) {
	base := api.IperfClientRequest{To: "10.0.0.2", Port: 5201, Seconds: 5, Protocol: api.IperfTCP, Parallel: 4}
	common := "-c 10.0.0.2 -p 5201 -t 5 -P 4 -i 1 -f k -V --forceflush --connect-timeout 3000"
	for name, tt := range map[string]struct {
		change func(*api.IperfClientRequest)
		limit  int64
		want   string
	}{
		"TCP":                     {func(*api.IperfClientRequest) {}, 0, common},
		"TCP under a limit":       {func(*api.IperfClientRequest) {}, 4000, common + " -b 1000"},
		"UDP":                     {func(r *api.IperfClientRequest) { r.Protocol = api.IperfUDP }, 0, common + " -u -b 250000"},
		"reverse from an address": {func(r *api.IperfClientRequest) { r.Reverse, r.Bind, r.Bits = true, "10.0.0.1", 8000 }, 8000, common + " -b 2000 -B 10.0.0.1 -R"},
	} {
		req := base
		tt.change(&req)
		got, err := iperfClientArgs(req, tt.limit)
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, strings.Join(got, " "), tt.want)
		}
	}
	base.Bits = 4001
	if _, err := iperfClientArgs(base, 4000); !errors.Is(err, ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
}

func FuzzIperfLine(f *testing.F) {
	f.Add("[SUM]   0.00-2.00   sec  1.44 MBytes  6029 Kbits/sec  0.006 ms  0/46 (0%)  receiver")
	f.Add("CPU Utilization: local/sender 94.9% (0.7%u/94.2%s), remote/receiver 41.9% (0.8%u/41.1%s)")
	f.Fuzz(func(t *testing.T, text string) {
		log := &iperfLog{now: func() int64 { return 1 }}
		if ev, ok := log.line(text); ok && ev.Kind == api.IperfInterval && ev.End <= ev.Start {
			t.Errorf("an interval without length: %+v", ev)
		}
	})
}
