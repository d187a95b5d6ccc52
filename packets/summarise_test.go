package packets

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSummarise(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			if got := string(Summarise(nil, &s.packet)); got != s.row {
				t.Errorf("got  %s\nwant %s\nof   %s", got, s.row, describe(&s.packet))
			}
			if got := Classify(&s.packet); got != s.proto {
				t.Errorf("it is %s, want %s", got, s.proto)
			}
		})
	}
}

func TestSummariseAppends(t *testing.T) {
	p := whole(ping4(1))
	if got := string(Summarise([]byte("33.204  "), &p)); !strings.HasPrefix(got, "33.204  10.20.0.11 > ") {
		t.Error(got)
	}
}

func TestSummariseAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, MaxRow)
	for _, s := range samples(t) {
		if n := testing.AllocsPerRun(20, func() { buf = Summarise(buf[:0], &s.packet) }); n != 0 {
			t.Errorf("%s: %.0f allocations", s.name, n)
		}
	}
	for _, v := range variants(t) {
		if n := testing.AllocsPerRun(20, func() { buf = Summarise(buf[:0], &v.packet) }); n != 0 {
			t.Errorf("%s %s: %.0f allocations", v.proto, v.name, n)
		}
	}
	for name, p := range hostile() {
		if n := testing.AllocsPerRun(5, func() { buf = Summarise(buf[:0], &p) }); n != 0 {
			t.Errorf("%s: %.0f allocations", name, n)
		}
	}
}

func TestTunnelsAreBounded(t *testing.T) {
	p := whole(deep(20))
	row := string(Summarise(nil, &p))
	if n := strings.Count(row, "VXLAN"); n != maxDepth {
		t.Errorf("%d tunnels were followed: %s", n, row)
	}
}

// hostile are packets that would like a row without an end.
func hostile() map[string]Packet {
	repeat := func(n int, b string) []byte { return bytes.Repeat(unhex(b), n) }
	lldp := raw("0207"+"04"+"525400123456", repeat(500, "0a08"+"1b1b1b1b1b1b1b1b"), repeat(200, "0405"+"05"+"65746831"))
	status := raw("07010203", repeat(300, "000d000a"+"0002"+"1b1b1b1b1b1b1b1b"), repeat(100, "0001000e"+"00010001"+"2a6f0c00"+"fa163e0a1101"))
	relay := func(b []byte) []byte {
		return raw("0c00", ip("fd00::1"), ip("fe80::1"), "0009", uint16(len(b)), b)
	}
	long := frame6(layers.IPProtocolUDP, "02220223", uint16(8+len(status)), "0000", status)
	for range 6 {
		status = relay(status)
	}
	dhcp6 := frame6(layers.IPProtocolUDP, "02220223", uint16(8+len(status)), "0000", status)
	advertisement := summed6("fe80::2", "ff02::1", "86000000"+"40c00708"+"00000000"+"00000000",
		bytes.Repeat(raw("030440c0"+"00015180"+"00003840"+"00000000", ip("fd00:1111:2222:3333:4444:5555:6666:7777")), 200))
	tcp := tcp4(&layers.TCP{SYN: true, Options: []layers.TCPOption{tcpOption(5, repeat(38, "ff")...)}}, 0)
	packets := map[string]Packet{
		"LLDP": whole(framed(0x88cc, lldp)), "DHCPv6": whole(long), "DHCPv6 relayed": whole(dhcp6), "router advertisement": whole(advertisement), "TCP": whole(tcp),
		"DNS": whole(dnsQuery(strings.Repeat("\x1b", 63)+"."+strings.Repeat("\x07", 63), 1)),
	}
	for name, p := range maps.Clone(packets) {
		for range maxDepth {
			p.Data = tunnel(p.Data)
		}
		packets[name+" in tunnels"] = whole(p.Data)
	}
	return packets
}

func TestRowsAreBounded(t *testing.T) {
	for name, p := range hostile() {
		checkRow(t, &p)
		t.Logf("%s: %d bytes", name, len(Summarise(nil, &p)))
	}
}

// TestEveryCut gives the parser each packet at each length that a capture may
// keep of it: it may say less, but nothing else.
func TestEveryCut(t *testing.T) {
	all := samples(t)
	for _, v := range variants(t) {
		all = append(all, sample{name: v.proto + " " + v.name, packet: v.packet, proto: Classify(&v.packet)})
	}
	for _, s := range all {
		for n := range len(s.packet.Data) {
			p := s.packet
			p.Data = p.Data[:n]
			checkRow(t, &p)
			if s.proto != Malformed && Classify(&p) == Malformed {
				t.Errorf("%s: malformed when cut to %d bytes: %s", s.name, n, Summarise(nil, &p))
			}
		}
	}
}

func checkRow(t *testing.T, p *Packet) {
	t.Helper()
	q := *p
	q.Data = slices.Clip(q.Data) // what lies behind a packet can't be read unnoticed
	row := Summarise(make([]byte, 0, MaxRow), &q)
	if len(row) > MaxRow {
		t.Errorf("a row of %d bytes: %s", len(row), row)
	}
	for _, c := range row {
		if c < 0x20 || c >= 0x7f {
			t.Fatalf("byte %#x in row %q of %s", c, row, describe(p))
		}
	}
	if len(row) == 0 {
		t.Errorf("no row of %s", describe(p))
	}
}

func FuzzSummarise(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.packet.Data, s.packet.Length, s.packet.TPID, s.packet.VLAN)
	}
	for _, v := range variants(f) {
		f.Add(v.packet.Data, v.packet.Length, v.packet.TPID, v.packet.VLAN)
	}
	for _, p := range hostile() {
		f.Add(p.Data, p.Length, p.TPID, p.VLAN)
	}
	f.Add(deep(6), uint32(0), uint16(0x88a8), uint16(5))
	f.Fuzz(func(t *testing.T, data []byte, length uint32, tpid, vlan uint16) {
		p := Packet{Data: data, Length: length, TPID: tpid, VLAN: vlan}
		checkRow(t, &p)
		if Classify(&p) > Malformed {
			t.Error("a kind that has no name")
		}
	})
}

func BenchmarkSummarise(b *testing.B) {
	want := map[string]bool{
		"ICMP echo request": true, "TCP data with timestamps": true, "VXLAN echo": true, "VXLAN TCP": true, "DNS answer of three": true,
		"DHCP discover": true, "ND neighbour solicitation": true, "Geneve option of OVN": true, "DHCPv6 reply": true,
	}
	for _, v := range variants(b) {
		name := v.proto + " " + v.name
		if !want[name] {
			continue
		}
		delete(want, name)
		b.Run(name, func(b *testing.B) {
			buf := make([]byte, 0, MaxRow)
			b.ReportAllocs()
			for b.Loop() {
				buf = Summarise(buf[:0], &v.packet)
			}
		})
	}
	for name := range want {
		b.Errorf("no variant %q", name)
	}
}
