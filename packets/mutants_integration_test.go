//go:build integration

package packets

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	mutants = flag.Int("mutants", 6000, "how many damaged frames are compared with tcpdump")
	seed    = flag.Uint64("seed", 1, "of the damage")
)

// key are the facts that must not be contradicted whatever happened to a
// frame. What else a line says depends on how far its writer trusts a damaged
// header.
var key = []string{"mac", "vlan", "ip", "arp", "icmp", "id", "seq", "ack", "win", "flags", "mss", "vni", "key", "number", "dns", "vrid", "priority", "igmp", "dhcp6"}

// contradiction says which key facts of the two lines can't both be true: as
// far as both tell a kind of fact, they must tell the same.
func contradiction(ours, theirs facts) string {
	var out []string
	for _, k := range key {
		a, b := ours.kinds[k], theirs.kinds[k]
		if k == "dns" && len(theirs.kinds["stop"]) > 0 { // it didn't get far enough to tell
			continue
		}
		n := min(len(a), len(b))
		if !slices.Equal(a[:n], b[:n]) {
			out = append(out, fmt.Sprintf("%s: ours %q, theirs %q", k, a, b))
		}
	}
	// Where neither stopped, the addresses are all there.
	if a, b := ours.kinds["ip"], theirs.kinds["ip"]; len(out) == 0 && len(a) != len(b) && len(ours.kinds["stop"])+len(theirs.kinds["stop"]) == 0 {
		out = append(out, fmt.Sprintf("ip: ours %q, theirs %q", a, b))
	}
	return strings.Join(out, "\n")
}

// damage changes a frame in one to four places.
func damage(r *rand.Rand, p Packet, other []byte) Packet {
	data := slices.Clone(p.Data)
	for range 1 + r.IntN(4) {
		if len(data) < 2 {
			break
		}
		at := r.IntN(len(data))
		switch r.IntN(8) {
		case 0:
			data[at] ^= 1 << r.IntN(8)
		case 1:
			data[at] = byte(r.Uint32())
		case 2:
			data[at] = []byte{0, 1, 0x7f, 0x80, 0xff, 0xc0, 0x45, 0x60}[r.IntN(8)]
		case 3:
			at = min(at, len(data)-2)
			be.PutUint16(data[at:], []uint16{0, 1, 0xffff, 0x8000, 1500, 0x8100, 0x0800, 0x86dd, 4789, 53, 6081, uint16(len(data))}[r.IntN(12)])
		case 4: // bytes are missing from the middle
			data = slices.Delete(data, at, min(len(data), at+1+r.IntN(8)))
		case 5: // or too many
			data = slices.Insert(data, at, data[at:min(len(data), at+1+r.IntN(8))]...)
		case 6: // it ends too early
			data = data[:at]
		case 7: // it goes on as another one
			data = append(data[:at], other[min(at, len(other)):]...)
		}
	}
	p.Data, p.Length = data, uint32(len(data))
	if r.IntN(3) == 0 && len(data) > 0 { // and the capture didn't keep all of it
		p.Data = data[:r.IntN(len(data))]
	}
	return p
}

// another says that the two may well differ: one of them reads a protocol that
// the other doesn't, or trusts another header.
func another(p *Packet, row, line string) bool {
	return theirsAlone.MatchString(line) || oursAlone.MatchString(row) ||
		// A length of 0 is segmentation that was left to the device; tcpdump 4.99.3 doesn't know that.
		len(p.Data) >= 20 && (be.Uint16(p.Data[12:]) == typeIPv6 && be.Uint16(p.Data[18:]) == 0 || be.Uint16(p.Data[12:]) == typeIPv4 && be.Uint16(p.Data[16:]) == 0)
}

var (
	theirsAlone = regexp.MustCompile(`DCCP|PGM|at-(#|rtmp|nbp|atp|echo)|sctp|\(invalid\)|\[\|hbhopt\]|` +
		`\.(53|67|68|546|547|5353) > \S+\.(4789|6081|8472): `) // which of two ports counts
	oursAlone = regexp.MustCompile(`ARP for other|too many|\.(4789|6081|8472) > `) // see apart
)

// disagree compares what the two say of damaged packets, of which the place in
// the list is the time; it returns how many it could compare.
func disagree(t *testing.T, packets []Packet, tell func(p *Packet, why, row, line string)) (compared int) {
	t.Helper()
	ours, theirs := ourLanguage(), plainLanguage()
	lines := tcpdump(t, packets, "-e")
	for i := range packets {
		checkRow(t, &packets[i])
		row := string(Summarise(nil, &packets[i]))
		a, b := read(row, ours), read(lines[i], theirs)
		if another(&packets[i], row, lines[i]) {
			continue
		}
		if len(a.kinds["ip"])+len(a.kinds["mac"]) > 0 && len(b.kinds["ip"])+len(b.kinds["mac"]) > 0 {
			compared++
		}
		if why := contradiction(a, b); why != "" {
			tell(&packets[i], why, row, lines[i])
		}
	}
	return compared
}

// FuzzRowsAgainstTcpdump looks for damage on which the two don't agree.
func FuzzRowsAgainstTcpdump(f *testing.F) {
	for _, v := range variants(f) {
		f.Add(v.packet.Data, v.packet.TPID, v.packet.VLAN)
	}
	f.Fuzz(func(t *testing.T, data []byte, tpid, vlan uint16) {
		if len(data) > 4096 || tpid != 0 && tpid != typeVLAN && tpid != typeQinQ {
			return
		}
		p := Packet{Data: data, Length: uint32(len(data)), TPID: tpid, VLAN: vlan}
		disagree(t, []Packet{p}, func(p *Packet, why, row, line string) {
			t.Errorf("%s\nours   %s\ntheirs %s\nof %x", why, row, line, p.Data)
		})
	})
}

func TestDamagedRowsSayWhatTcpdumpSays(t *testing.T) {
	const batch = 2000
	r := rand.New(rand.NewPCG(*seed, 0))
	all := variants(t)
	compared, bad := 0, 0
	for first := 0; first < *mutants; first += batch {
		packets := make([]Packet, min(batch, *mutants-first))
		for i := range packets {
			packets[i] = damage(r, all[r.IntN(len(all))].packet, all[r.IntN(len(all))].packet.Data)
			packets[i].Time = int64(i) * 1e9
		}
		compared += disagree(t, packets, func(p *Packet, why, row, line string) {
			if bad++; bad <= 20 {
				t.Errorf("%s\nours   %s\ntheirs %s\nof %x, %d bytes", why, row, line, p.Data, p.Length)
			}
		})
	}
	t.Logf("%d of %d damaged frames could be compared, %d differ", compared, *mutants, bad)
	if compared < *mutants/2 {
		t.Error("too few could be compared")
	}
}
