//go:build integration

package openstack

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// picked asks tcpdump which of many frames pass a filter. The answer holds their
// numbers.
func picked(t *testing.T, text string, frames [][]byte) []int {
	t.Helper()
	le := binary.LittleEndian
	var b []byte
	for _, n := range []uint32{0xa1b2c3d4, 2 | 4<<16, 0, 0, 65535, 1} {
		b = le.AppendUint32(b, n)
	}
	for i, f := range frames { // the time tells which one it is
		b = le.AppendUint32(le.AppendUint32(b, uint32(i)), 0)
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(f))), uint32(len(f)))
		b = append(b, f...)
	}
	file := filepath.Join(t.TempDir(), "many.pcap")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "tcpdump", "-nn", "-q", "-tt", "-r", file, "--", text)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tcpdump %q: %v: %s", text, err, said.String())
	}
	var list []int
	for line := range strings.Lines(string(out)) {
		var n int
		if _, err := fmt.Sscanf(line, "%d.", &n); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// sampled is a packet as it looks at one place. Far says that it has passed NAT
// and a router.
func sampled(r *rand.Rand, far bool) []byte {
	near, src, sport, ttl := "fa:16:3e:00:00:0a", netip.MustParseAddr("10.1.0.11"), uint16(40000), byte(64)
	src6 := netip.MustParseAddr("2001:db8::11")
	if far {
		near, src, sport, ttl = "fa:16:3e:00:00:0c", netip.MustParseAddr("203.0.113.9"), 1025, 63
	}
	const gateway = "fa:16:3e:00:00:0b"
	dst, dst6 := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8:1::7")
	random := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(r.Uint32())
		}
		return out
	}
	id := uint16(r.Uint32()) * uint16(r.IntN(2))
	six := id == 0 && r.IntN(2) == 0
	var proto byte
	var body []byte
	switch r.IntN(3) {
	case 0:
		proto = protoTCP
		body = append(binary.BigEndian.AppendUint16(nil, sport), 0, 80)
		body = append(append(body, random(8)...), 0x50, 0x10, 1, 0, 0, 0, 0, 0) // seq, ack; 20 bytes in all
		body = append(body, random(r.IntN(30))...)
	case 1:
		proto = protoUDP
		body = datagram(sport, 53, random(r.IntN(30)))
	default:
		proto = protoICMP
		if six {
			proto = protoICMPv6
		}
		body = append([]byte{8, 0, 0, 0, byte(sport >> 8), byte(sport)}, random(2+r.IntN(30))...)
	}
	if far && proto != protoUDP { // checksums differ, too
		at := map[byte]int{protoTCP: 16, protoICMP: 2, protoICMPv6: 2}[proto]
		body[at] ^= 0x5a
	} else if far {
		body[6] ^= 0x5a
	}
	if six {
		f := append(append(macOf(gateway), macOf(near)...), 0x86, 0xdd, 0x60, 0, 0, 0)
		f = binary.BigEndian.AppendUint16(f, uint16(len(body)))
		f = append(append(append(f, proto, ttl), src6.AsSlice()...), dst6.AsSlice()...)
		return append(f, body...)
	}
	f := frame(near, gateway, src, dst, proto, body)
	binary.BigEndian.PutUint16(f[etherHeader+4:], id)
	f[etherHeader+8] = ttl
	return f
}

// TestSampleIsTheSameEverywhere asks tcpdump which packets the filters of bare,
// tunnelled and translated hops pick: always the same ones, and about as many as
// wanted.
func TestSampleIsTheSameEverywhere(t *testing.T) {
	local, remote := netip.MustParseAddr("10.99.0.11"), netip.MustParseAddr("10.99.0.12")
	local6, remote6 := netip.MustParseAddr("2001:db8:99::11"), netip.MustParseAddr("2001:db8:99::12")
	const frames, shift = 4000, 3
	var want []int
	for _, test := range []struct {
		encap Encap
		far   bool
	}{
		{},
		{far: true},
		{encap: Encap{Kind: EncapVXLAN, ID: 101, Local: local, Remote: remote, Ports: []int{portVXLAN}}},
		{encap: Encap{Kind: EncapGeneve, ID: 101, Local: local, Remote: remote, Ports: []int{portGeneve}}, far: true},
		{encap: Encap{Kind: EncapGRE, ID: 101, Local: local, Remote: remote}},
		{encap: Encap{Kind: EncapGRE, ID: 101, Local: local6, Remote: remote6}},
	} {
		r := rand.New(rand.NewPCG(1, 2)) // the same packets each time
		list := make([][]byte, frames)
		for i := range list {
			list[i] = sampled(r, test.far)
			if test.encap.v6() {
				list[i] = wrapped6(test.encap, list[i])
			} else {
				list[i] = wrapped(test.encap, list[i])
			}
		}
		h := Hop{Seen: SeenPackets, Encap: test.encap}
		f := h.Sample(Filter{Text: "len > 0"}, shift)
		if f.Skip != "" {
			t.Fatalf("%v: %s", test, f.Skip)
		}
		got := picked(t, f.Text, list)
		if want == nil {
			want = got
			// Of the packets about one in 24 is a datagram too short to have numbers,
			// which all stay.
			if n := frames >> shift; len(got) < n*8/10 || len(got) > n*15/10 {
				t.Errorf("%d of %d packets are picked, want about %d", len(got), frames, n)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v picks others: %d packets, at the first hop %d; filter %s", test, len(got), len(want), f.Text)
		}
	}
}

// wrapped6 is a frame in GRE over IPv6.
func wrapped6(e Encap, inner []byte) []byte {
	body := append(binary.BigEndian.AppendUint32([]byte{0x20, 0, 0x65, 0x58}, uint32(e.ID)), inner...)
	f := append(append(macOf("52:54:00:00:00:02"), macOf("52:54:00:00:00:01")...), 0x86, 0xdd, 0x60, 0, 0, 0)
	f = binary.BigEndian.AppendUint16(f, uint16(len(body)))
	f = append(append(append(f, 47, 64), e.Local.AsSlice()...), e.Remote.AsSlice()...)
	return append(f, body...)
}

// TestSampleOfEveryHop has tcpdump compile the narrowed filter of every kind of
// hop.
func TestSampleOfEveryHop(t *testing.T) {
	path, err := openVSwitch().with(func(s *site) { s.fip = true }).snapshot().PathOut(idOf("a0000000"))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range path.Hops {
		f := h.Sample(h.Filter(Follow{What: FollowAll}), 5)
		if f.Skip == "" {
			picked(t, f.Text, nil)
		} else if h.Seen == SeenPackets {
			t.Errorf("hop %d: %s", h.Index, f.Skip)
		}
	}
}
