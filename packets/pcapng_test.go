package packets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

var someInterfaces = []Interface{
	{Host: "cmp1", Device: "tap8f2c1f6e-0c", Filter: "icmp or arp", Snap: 128},
	{Name: "router", Host: "net0", Netns: `qrouter-"odd" name`, Device: "qr-1"},
}

func file(t testing.TB, ifs []Interface, packets ...Packet) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, ifs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range packets {
		if err := w.Write(i%len(ifs), &packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Stats(0, 100, 7); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRoundTrip(t *testing.T) {
	var in []Packet
	for i, s := range samples(t) {
		p := s.packet
		p.Time += int64(i) * 1_000_001
		p.Type = uint8(i % 5)
		in = append(in, p)
	}
	r, err := NewReader(bytes.NewReader(file(t, someInterfaces, in...)))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range in {
		var got Packet
		iface, err := r.Next(&got)
		if err != nil {
			t.Fatal(err)
		}
		if iface != i%2 || got.Time != want.Time || got.Type != want.Type {
			t.Errorf("packet %d: interface %d, time %d, type %d; want %+v", i, iface, got.Time, got.Type, want)
		}
		data, length := want.Data, want.Length
		if want.TPID != 0 {
			tag := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, want.TPID), want.VLAN)
			data = append(append(bytes.Clone(data[:12]), tag...), data[12:]...)
			length += 4
		}
		if !bytes.Equal(got.Data, data) || got.Length != length {
			t.Errorf("packet %d of %d bytes:\ngot  %x\nwant %x", i, got.Length, got.Data, data)
		}
		if a, b := string(Summarise(nil, &got)), string(Summarise(nil, &want)); a != b {
			t.Errorf("packet %d says\n%s\nand before\n%s", i, a, b)
		}
	}
	if _, err := r.Next(new(Packet)); err != io.EOF {
		t.Errorf("after the last packet: %v", err)
	}
	want := []Interface{
		{Name: "tap8f2c1f6e-0c", Host: "cmp1", Device: "tap8f2c1f6e-0c", Filter: "icmp or arp", Snap: 128},
		{Name: "router", Host: "net0", Netns: `qrouter-"odd" name`, Device: "qr-1"},
	}
	if got := r.Interfaces(); !reflect.DeepEqual(got, want) {
		t.Errorf("interfaces\n%+v\nwant\n%+v", got, want)
	}
	if received, dropped := r.Stats(0); received != 100 || dropped != 7 {
		t.Errorf("%d received, %d dropped", received, dropped)
	}
}

func TestWriterRefuses(t *testing.T) {
	w, err := NewWriter(io.Discard, someInterfaces)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(2, &Packet{}); err == nil {
		t.Error("a packet of an interface that isn't there")
	}
	if err := w.Stats(-1, 0, 0); err == nil {
		t.Error("counters of an interface that isn't there")
	}
	if _, err := NewWriter(io.Discard, []Interface{{Filter: strings.Repeat("x", 1<<16)}}); err == nil {
		t.Error("a filter that no option can hold")
	}
}

// broken fails after some writes.
type broken struct{ left int }

var errBroken = errors.New("no space left")

func (b *broken) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestWriterKeepsItsError(t *testing.T) {
	w, err := NewWriter(&broken{left: 2}, someInterfaces)
	if err != nil {
		t.Fatal(err)
	}
	p := whole(make([]byte, 1500))
	for i := 0; i < 10_000 && err == nil; i++ {
		err = w.Write(0, &p)
	}
	if !errors.Is(err, errBroken) || !errors.Is(w.Flush(), errBroken) || !errors.Is(w.Stats(0, 1, 1), errBroken) {
		t.Errorf("%v, then %v", err, w.Flush())
	}
}

// foreign makes a file as others do: of either byte order, with what we never
// write.
func foreign(order binary.AppendByteOrder, resolution byte, stamp uint64) []byte {
	block := func(kind uint32, body []byte) []byte {
		size := uint32(len(body) + 12)
		b := order.AppendUint32(order.AppendUint32(nil, kind), size)
		return order.AppendUint32(append(b, body...), size)
	}
	section := order.AppendUint32(nil, byteOrder)
	section = append(section, order.AppendUint16(order.AppendUint16(nil, 1), 0)...)
	section = order.AppendUint64(section, 1<<64-1)

	iface := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, 1), 0), 0)
	iface = append(order.AppendUint16(order.AppendUint16(iface, ifName), 4), "eth0"...)
	iface = append(order.AppendUint16(order.AppendUint16(iface, optComment), 5), "hello\x00\x00\x00"...)
	iface = append(order.AppendUint16(order.AppendUint16(iface, ifResolution), 1), resolution, 0, 0, 0)

	data := ping4(9)
	data = data[:97]
	packet := order.AppendUint32(order.AppendUint32(nil, 0), uint32(stamp>>32))
	packet = order.AppendUint32(order.AppendUint32(packet, uint32(stamp)), uint32(len(data)))
	packet = order.AppendUint32(packet, 98)
	packet = append(append(packet, data...), 0, 0, 0)

	simple := append(order.AppendUint32(nil, 98), ping4(10)...)
	simple = append(simple, 0, 0)

	var out []byte
	out = append(out, block(blockSection, section)...)
	out = append(out, block(0x0bad, []byte("some"))...) // of a kind that nobody knows
	out = append(out, block(blockInterface, iface)...)
	out = append(out, block(blockPacket, packet)...)
	return append(out, block(blockSimple, simple)...)
}

func TestReadForeign(t *testing.T) {
	tests := []struct {
		name       string
		order      binary.AppendByteOrder
		resolution byte
		stamp      uint64
		want       int64
	}{
		{"little endian, microseconds", le, 6, 1_700_000_000_000_001, 1_700_000_000_000_001_000},
		{"big endian, nanoseconds", be, 9, 1_700_000_000_000_000_001, 1_700_000_000_000_000_001},
		{"picoseconds", le, 12, 1_700_000_000_000, 1_700_000_000},
		{"milliseconds", be, 3, 1_700_000_000_001, 1_700_000_000_001_000_000},
		{"2^-20 s", le, 0x80 | 20, 1_700_000_000<<20 | 1<<19, 1_700_000_000_500_000_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(foreign(tt.order, tt.resolution, tt.stamp)))
			if err != nil {
				t.Fatal(err)
			}
			var p Packet
			if _, err := r.Next(&p); err != nil {
				t.Fatal(err)
			}
			if p.Time != tt.want || p.Length != 98 || len(p.Data) != 97 {
				t.Errorf("time %d, want %d; %d of %d bytes", p.Time, tt.want, len(p.Data), p.Length)
			}
			if _, err := r.Next(&p); err != nil {
				t.Fatal(err)
			}
			if row := string(Summarise(nil, &p)); !strings.Contains(row, "echo request 10 ") {
				t.Error(row)
			}
			if ifs := r.Interfaces(); len(ifs) != 1 || ifs[0].Device != "eth0" {
				t.Errorf("%+v", ifs)
			}
			if _, err := r.Next(&p); err != io.EOF {
				t.Error(err)
			}
		})
	}
}

func TestReadSections(t *testing.T) {
	both := append(foreign(be, 6, 1), file(t, someInterfaces, whole(ping4(1)))...)
	r, err := NewReader(bytes.NewReader(both))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{0, 0, 1} { // the second section's first interface is the file's second
		if got, err := r.Next(new(Packet)); err != nil || got != want {
			t.Errorf("interface %d, %v; want %d", got, err, want)
		}
	}
}

func TestReadBroken(t *testing.T) {
	good := file(t, someInterfaces, whole(ping4(1)))
	boundaries := map[int]bool{}
	for at := 0; at < len(good); at += int(le.Uint32(good[at+4:])) {
		boundaries[at] = true
	}
	for n := range good {
		r, err := NewReader(bytes.NewReader(good[:n]))
		for err == nil {
			_, err = r.Next(new(Packet))
		}
		if whole := err == io.EOF; whole != (n > 0 && boundaries[n]) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	huge := bytes.Clone(good)
	le.PutUint32(huge[4:], 0xfffffffc)
	r, err := NewReader(bytes.NewReader(huge))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(new(Packet)); err == nil || !strings.Contains(err.Error(), "4294967292 bytes") {
		t.Errorf("a block of 4 GiB: %v", err)
	}
	if _, err := NewReader(strings.NewReader("GIF89a")); err == nil || !strings.Contains(err.Error(), "not a pcapng file") {
		t.Errorf("%v", err)
	}
}

// TestReadClaimedLength: 12 bytes that promise 16 MiB must not cost 16 MiB.
func TestReadClaimedLength(t *testing.T) {
	b := le.AppendUint32(nil, blockSection)
	b = le.AppendUint32(b, maxBlock)
	b = le.AppendUint32(b, byteOrder)
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(new(Packet)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if cap(r.buffer) > 4*chunk {
		t.Errorf("%d bytes were set aside", cap(r.buffer))
	}
}

func FuzzReader(f *testing.F) {
	f.Add(file(f, someInterfaces, whole(ping4(1)), tagged(ping4(2), 0x8100, 5)))
	f.Add(foreign(be, 0x80|20, 1<<60))
	f.Add(foreign(le, 12, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		for range len(b) + 1 {
			var p Packet
			i, err := r.Next(&p)
			if err != nil {
				return
			}
			if i >= len(r.Interfaces()) || len(p.Data) > len(b) {
				t.Fatalf("interface %d, %d bytes", i, len(p.Data))
			}
			r.Stats(i)
		}
		t.Fatal("more packets than bytes")
	})
}

func TestWriteAllocatesNothing(t *testing.T) {
	w, err := NewWriter(io.Discard, someInterfaces)
	if err != nil {
		t.Fatal(err)
	}
	p := tagged(ping4(1), 0x8100, 7)
	if n := testing.AllocsPerRun(1000, func() {
		if err := w.Write(1, &p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%.1f allocations", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	w, err := NewWriter(io.Discard, someInterfaces)
	if err != nil {
		b.Fatal(err)
	}
	p := tagged(make([]byte, 128), 0x8100, 7)
	b.ReportAllocs()
	b.SetBytes(128)
	for b.Loop() {
		if err := w.Write(1, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	packets := make([]Packet, 10_000)
	for i := range packets {
		packets[i] = whole(make([]byte, 128))
	}
	data := file(b, someInterfaces, packets...)
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		var p Packet
		for err == nil {
			_, err = r.Next(&p)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/packet")
}
