package match

import (
	"net/netip"
	"testing"

	"steth/packets"
)

// FuzzSee gives hostile bytes to hops of all kinds, twice each, at different
// lengths: nothing may panic, and what becomes a row must be readable.
func FuzzSee(f *testing.F) {
	ping := echo(1, false).frame()
	for _, frame := range [][]byte{
		ping, segment(1, 2, 30).frame(), datagramOf(3, "abc").frame(), arpFrame(1, near, far), arpFrame(2, far, near),
		wrap(ping, VXLAN, 1042, "10.99.0.11", "10.99.0.12"), wrap(ping, GRE, 7, "10.99.0.11", "10.99.0.12"),
		wrap(ping, Geneve, 9, "10.99.0.11", "10.99.0.12"),
		wrap(wrap(ping, GRE, 7, "10.99.0.11", "10.99.0.12"), VXLAN, 1042, "10.99.0.11", "10.99.0.12"),
		extended(), withOptions(),
	} {
		f.Add(frame, uint32(len(frame)), uint16(0), uint16(0), 64)
		f.Add(frame, uint32(0), uint16(0x8100), uint16(0xfff), 20)
	}
	hops := append(lab(), Hop{}, Hop{Encap: Encap{Tunnel: GRE}}, Hop{Encap: Encap{Tunnel: Geneve, VLAN: 5}, Capture: 1}, Hop{Aside: true, Capture: 1})
	f.Fuzz(func(t *testing.T, data []byte, length uint32, tpid, vlan uint16, cut int) {
		m, err := New(hops, Options{Rows: 16, Near: []netip.Addr{near}, Keep: 64})
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 {
			for h := range hops {
				m.Start(h, 1)
				p := packets.Packet{Time: start + int64(round*len(hops)+h), Length: length, VLAN: vlan, TPID: tpid, Type: uint8(h), Data: data}
				if round == 1 && cut >= 0 {
					p.Data = data[:min(cut, len(data))]
				}
				m.See(h, &p)
			}
		}
		m.Advance(start + 5000*ms)
		for _, r := range rowsOf(m) {
			if r.Verdict > Duplicate || len(r.Marks) != len(hops) || r.Marks[r.From].State == NotKnown && r.Verdict == Lost {
				t.Errorf("%+v", r)
			}
		}
		s := m.Total()
		if s.Out.Rows+s.Back.Rows+s.Neither.Rows != uint64(len(rowsOf(m))) {
			if first, _ := m.Bounds(); first == 1 {
				t.Errorf("%d rows, but the totals are %+v", len(rowsOf(m)), s)
			}
		}
	})
}

// extended is an IPv6 packet with a fragment header behind two others.
func extended() []byte {
	b := append(make([]byte, 12), 0x86, 0xdd, 0x60, 0, 0, 0, 0, 40, 0, 64)
	b = append(b, make([]byte, 32)...)
	b = append(b, 60, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 9)
	return append(b, 0, 53, 0, 53, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
}
