package tools

import (
	"encoding/binary"
	"strings"
	"testing"

	"steth/agent/api"
)

// statsOf is a reply of a version about ports, each of whose counters is its
// number times 100 and the counter's place.
func statsOf(version byte, more bool, ports ...uint32) []byte {
	b := []byte{0, ofPortStats, 0, 0}
	if more {
		b[3] = ofMore
	}
	kind := byte(19)
	if version == 1 {
		kind = 17
	} else {
		b = append(b, 0, 0, 0, 0)
	}
	for _, p := range ports {
		counters := 12
		switch version {
		case 1:
			b = binary.BigEndian.AppendUint16(b, uint16(p))
			b = append(b, make([]byte, 6)...)
		case 5:
			b = append(b, 0, 88, 0, 0)
			b = binary.BigEndian.AppendUint32(b, p)
			b = append(b, make([]byte, 8)...)
			counters = 9 // the last is a property's 8 bytes
		default:
			b = binary.BigEndian.AppendUint32(b, p)
			b = append(b, make([]byte, 4)...)
		}
		for i := range counters {
			b = binary.BigEndian.AppendUint64(b, uint64(p)*100+uint64(i))
		}
		if version == 4 {
			b = append(b, make([]byte, 8)...) // duration
		}
	}
	return message(version, kind, b...)
}

func TestPortStats(t *testing.T) {
	for _, version := range []byte{1, 4, 5} {
		conn, _ := speak(t, message(version, ofEchoRequest), append(statsOf(version, true, 1, 2), statsOf(version, false, 3)...))
		o := openflow{version: version}
		got, err := o.ports(conn)
		if err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		for p := uint32(1); p <= 3; p++ {
			n := uint64(p) * 100
			if want := (api.OVSPortCounters{RxPackets: n, TxPackets: n + 1, RxBytes: n + 2, TxBytes: n + 3, RxDropped: n + 4, TxDropped: n + 5, RxErrors: n + 6, TxErrors: n + 7}); got[p] != want {
				t.Errorf("version %d, port %d: %+v", version, p, got[p])
			}
		}
		if len(got) != 3 {
			t.Errorf("version %d: %d ports", version, len(got))
		}
	}
	o := openflow{version: 1}
	all := map[uint32]api.OVSPortCounters{}
	if _, err := o.portStats(statsOf(1, false, 0xfffe)[8:], all); err != nil || len(all) != 1 || all[0xfffffffe] == (api.OVSPortCounters{}) {
		t.Errorf("the bridge's own port in 1.0: %+v, %v", all, err)
	}
}

func TestPortStatsRefused(t *testing.T) {
	for name, c := range map[string]struct{ answer, says string }{
		"an error":       {string(message(4, ofError, 0, 1, 0, 9)), "error type 1 code 9"},
		"another kind":   {string(message(4, 19, 0, 1, 0, 0, 0, 0, 0, 0)), "are no counters of ports"},
		"empty":          {string(message(4, 19)), "0 bytes are no counters"},
		"never an end":   {strings.Repeat(string(message(4, 10)), ofWait), "did not end"},
		"closed":         {"", "EOF"},
		"a short entry":  {string(message(4, 19, append([]byte{0, 4, 0, 0, 0, 0, 0, 0}, make([]byte, 100)...)...)), "cut short"},
		"a lying length": {string(message(5, 19, append([]byte{0, 4, 0, 0, 0, 0, 0, 0, 0, 8}, make([]byte, 100)...)...)), "cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := speak(t, []byte(c.answer))
			o := openflow{version: 4}
			if name == "a lying length" {
				o.version = 5
			}
			_, err := o.ports(conn)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

func FuzzPortStats(f *testing.F) {
	for _, version := range []byte{1, 4, 5} {
		f.Add(version, statsOf(version, false, 1, 2)[8:])
	}
	f.Fuzz(func(t *testing.T, version byte, body []byte) {
		o := openflow{version: version}
		to := map[uint32]api.OVSPortCounters{}
		if _, err := o.portStats(body, to); err == nil && len(to) > len(body)/80 {
			t.Errorf("%d ports of %d bytes", len(to), len(body))
		}
	})
}
