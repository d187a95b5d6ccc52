//go:build integration

package openstack

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"steth/packets/craft"
)

// frame is an Ethernet frame with an ICMP echo or a UDP datagram.
func frame(from, to string, src, dst netip.Addr, proto byte, payload []byte) []byte {
	f := append(macOf(to), macOf(from)...)
	ip := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, proto, 0, 0}
	binary.BigEndian.PutUint16(ip[2:], uint16(20+len(payload)))
	ip = append(append(ip, src.AsSlice()...), dst.AsSlice()...)
	return append(append(append(f, 8, 0), ip...), payload...)
}

func macOf(mac string) []byte {
	b, _ := hex.DecodeString(strings.ReplaceAll(mac, ":", ""))
	return b
}

func datagram(src, dst uint16, body []byte) []byte {
	u := binary.BigEndian.AppendUint16(nil, src)
	u = binary.BigEndian.AppendUint16(u, dst)
	u = binary.BigEndian.AppendUint16(u, uint16(8+len(body)))
	return append(append(u, 0, 0), body...)
}

// wrapped is a frame as it is on the wire at a hop.
func wrapped(e Encap, inner []byte) []byte {
	if !e.Tunnel() {
		return inner
	}
	id := binary.BigEndian.AppendUint32(nil, uint32(e.ID)<<8)
	proto, tunnel := byte(17), []byte(nil)
	switch e.Kind {
	case EncapVXLAN:
		tunnel = datagram(55555, 4789, append(append([]byte{8, 0, 0, 0}, id...), inner...))
	case EncapGeneve: // with one option of 8 bytes
		tunnel = datagram(55555, 6081, append(append(append([]byte{2, 0, 0x65, 0x58}, id...), 1, 2, 0x80, 1, 0, 0, 0, 9), inner...))
	case EncapGRE:
		proto, tunnel = 47, append(binary.BigEndian.AppendUint32([]byte{0x20, 0, 0x65, 0x58}, uint32(e.ID)), inner...)
	}
	return frame("52:54:00:00:00:01", "52:54:00:00:00:02", e.Local, e.Remote, proto, tunnel)
}

// passes asks tcpdump whether a frame passes a filter.
func passes(t *testing.T, text string, data []byte) bool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "one.pcap")
	head := []uint32{0xa1b2c3d4, 2 | 4<<16, 0, 0, 65535, 1, 0, 0, uint32(len(data)), uint32(len(data))}
	var b []byte
	for _, n := range head {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	if err := os.WriteFile(file, append(b, data...), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "tcpdump", "-nn", "-t", "-r", file, "--", text).Output()
	if err != nil {
		t.Fatalf("tcpdump %q: %v", text, err)
	}
	return len(out) > 0
}

// TestFiltersOnPackets asks the filters of bare and tunnelled hops about packets
// that belong to the path and about packets that don't.
func TestFiltersOnPackets(t *testing.T) {
	near, far, other := netip.MustParseAddr("10.1.0.11"), netip.MustParseAddr("10.1.0.22"), netip.MustParseAddr("10.1.0.33")
	const a, b, c = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b", "fa:16:3e:00:00:0c"
	echo := []byte{8, 0, 0, 0, 0, 1, 0, 1}
	bootp := make([]byte, 240)
	copy(bootp[28:], macOf(a))
	foreign := make([]byte, 240)
	copy(foreign[28:], macOf(c))
	local, remote := netip.MustParseAddr("10.99.0.11"), netip.MustParseAddr("10.99.0.12")
	view := func(direct bool) View {
		return View{
			Near: []netip.Addr{near}, Far: []netip.Addr{far}, NearMAC: a, FarMAC: b, goal: GoalPort,
			own: []netip.Addr{near}, direct: direct,
		}
	}
	tuple := Follow{What: FollowTuple, Proto: "udp", Near: netip.AddrPortFrom(near, 0), Far: netip.AddrPortFrom(far, 53)}
	tests := []struct {
		name   string
		follow Follow
		packet []byte
		want   bool
	}{
		{"echo", Follow{What: FollowICMP}, frame(a, b, near, far, 1, echo), true},
		{"answer", Follow{What: FollowICMP}, frame(b, a, far, near, 1, echo), true},
		{"echo to another", Follow{What: FollowICMP}, frame(a, c, near, other, 1, echo), false},
		{"UDP when ICMP is followed", Follow{What: FollowICMP}, frame(a, b, near, far, 17, datagram(1, 53, nil)), false},
		{"all", Follow{What: FollowAll}, frame(a, b, near, far, 17, datagram(1, 53, nil)), true},
		{"all, of another", Follow{What: FollowAll}, frame(c, b, other, far, 17, datagram(1, 53, nil)), false},
		{"tuple", tuple, frame(a, b, near, far, 17, datagram(999, 53, nil)), true},
		{"tuple, answer", tuple, frame(b, a, far, near, 17, datagram(53, 999, nil)), true},
		{"tuple, other port", tuple, frame(a, b, near, far, 17, datagram(999, 54, nil)), false},
		{"DHCP", Follow{What: FollowDHCP}, frame(a, "ff:ff:ff:ff:ff:ff", netip.IPv4Unspecified(), netip.MustParseAddr("255.255.255.255"), 17, datagram(68, 67, bootp)), true},
		{"DHCP of another", Follow{What: FollowDHCP}, frame(c, "ff:ff:ff:ff:ff:ff", netip.IPv4Unspecified(), netip.MustParseAddr("255.255.255.255"), 17, datagram(68, 67, foreign)), false},
	}
	for _, e := range []Encap{
		{},
		{Kind: EncapVXLAN, ID: 101, Local: local, Remote: remote, Ports: []int{portVXLAN, portVXLANLinux}},
		{Kind: EncapGeneve, ID: 101, Local: local, Remote: remote, Ports: []int{portGeneve}},
		{Kind: EncapGRE, ID: 101, Local: local, Remote: remote},
	} {
		for _, direct := range []bool{true, false} {
			h := Hop{Seen: SeenPackets, Encap: e, View: view(direct)}
			for _, test := range tests {
				f := h.Filter(test.follow)
				if got := passes(t, f.Text, wrapped(e, test.packet)); got != test.want {
					t.Errorf("%s in %q, direct %t: passes = %t; filter %s", test.name, e.Kind, direct, got, f.Text)
				}
			}
			if e.Tunnel() {
				f, alien := h.Filter(Follow{What: FollowICMP}), e
				alien.ID = 102
				if passes(t, f.Text, wrapped(alien, tests[0].packet)) {
					t.Errorf("a packet of another %s network passes", e.Kind)
				}
			}
		}
	}
}

// TestNeighboursAreNotOnTheWayOut asks the filters of a path out of the cloud
// about what the port says to its own network: of that nothing leaves.
func TestNeighboursAreNotOnTheWayOut(t *testing.T) {
	near, other, outside := netip.MustParseAddr("10.1.0.11"), netip.MustParseAddr("10.1.0.33"), netip.MustParseAddr("198.51.100.7")
	const a, c = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0c"
	echo := []byte{8, 0, 0, 0, 0, 1, 0, 1}
	arp := func(from, to string, src, dst netip.Addr) []byte {
		f := append(append(macOf(to), macOf(from)...), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
		f = append(append(f, macOf(from)...), src.AsSlice()...)
		return append(append(f, macOf(to)...), dst.AsSlice()...)
	}
	view := View{
		Near: []netip.Addr{near}, NearMAC: a, goal: GoalOutside, own: []netip.Addr{near},
		never: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")},
	}
	local, remote := netip.MustParseAddr("10.99.0.11"), netip.MustParseAddr("10.99.0.12")
	for _, e := range []Encap{
		{},
		{Kind: EncapVXLAN, ID: 101, Local: local, Remote: remote, Ports: []int{portVXLAN}},
		{Kind: EncapGeneve, ID: 101, Local: local, Remote: remote, Ports: []int{portGeneve}},
		{Kind: EncapGRE, ID: 101, Local: local, Remote: remote},
	} {
		f := Hop{Seen: SeenPackets, Encap: e, View: view}.Filter(Follow{What: FollowAll})
		for _, test := range []struct {
			name   string
			packet []byte
			want   bool
		}{
			{"echo to the outside", frame(a, c, near, outside, 1, echo), true},
			{"echo to a neighbour", frame(a, c, near, other, 1, echo), false},
			{"ARP to a neighbour", arp(a, c, near, other), false},
			{"ARP of a neighbour", arp(c, a, other, near), false},
		} {
			if got := passes(t, f.Text, wrapped(e, test.packet)); got != test.want {
				t.Errorf("%s in %q: passes = %t; filter %s", test.name, e.Kind, got, f.Text)
			}
		}
	}
}

// TestNeighbourDiscovery asks the filters about the questions and the answers that
// tell a MAC, and about those of others.
func TestNeighbourDiscovery(t *testing.T) {
	near, far, other := netip.MustParseAddr("fd00::11"), netip.MustParseAddr("fd00::22"), netip.MustParseAddr("fd00::33")
	const a, b = "fa:16:3e:00:00:0a", "fa:16:3e:00:00:0b"
	view := View{Near: []netip.Addr{near}, Far: []netip.Addr{far}, NearMAC: a, FarMAC: b, goal: GoalPort, own: []netip.Addr{near}, direct: true}
	local, remote := netip.MustParseAddr("10.99.0.11"), netip.MustParseAddr("10.99.0.12")
	ask := func(mac string, from, about netip.Addr) []byte {
		p, err := craft.New(craft.ARP, craft.Flow{MAC: macOf(mac), Near: from, Far: about, Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		return p.Frames()[0]
	}
	answer := ask(b, far, far) // turned into the answer to near
	answer[14+40] = 136
	copy(answer[14+24:], near.AsSlice())
	for _, e := range []Encap{
		{},
		{Kind: EncapVXLAN, ID: 101, Local: local, Remote: remote, Ports: []int{portVXLAN}},
		{Kind: EncapGeneve, ID: 101, Local: local, Remote: remote, Ports: []int{portGeneve}},
		{Kind: EncapGRE, ID: 101, Local: local, Remote: remote},
	} {
		f := Hop{Seen: SeenPackets, Encap: e, View: view}.Filter(Follow{What: FollowND})
		for _, test := range []struct {
			name   string
			packet []byte
			want   bool
		}{
			{"the question", ask(a, near, far), true},
			{"the answer", answer, true},
			{"about another", ask(a, near, other), false},
			{"another's question", ask(b, other, far), false},
		} {
			if got := passes(t, f.Text, wrapped(e, test.packet)); got != test.want {
				t.Errorf("%s in %q: passes = %t; filter %s", test.name, e.Kind, got, f.Text)
			}
		}
	}
}

// TestFiltersCompile has tcpdump compile every filter of every kind of hop.
func TestFiltersCompile(t *testing.T) {
	s := openVSwitch().with(func(s *site) { s.fip = true }).snapshot()
	out, err := s.PathOut(idOf("a0000000"))
	if err != nil {
		t.Fatal(err)
	}
	routed, err := s.PathBetween(idOf("a0000000"), idOf("d0000000"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "icmp", "arp", "dhcp", "tcp 10.1.0.11:* *:443", "host 10.1.0.11 and tcp port 80"} {
		follow, err := ParseFollow(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range append(out.Hops, routed.Hops...) {
			f := h.Filter(follow)
			if f.Skip != "" {
				continue
			}
			if message, err := exec.CommandContext(t.Context(), "tcpdump", "-ddd", "-y", "EN10MB", "--", f.Text).CombinedOutput(); err != nil {
				t.Errorf("%s at hop %d: %q: %s", text, h.Index, f.Text, message)
			}
		}
	}
}
