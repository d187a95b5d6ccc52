package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"steth/packets"
	"steth/packets/match"
)

const (
	rowPackets = 1_000_000
	rowLimit   = 300 * time.Nanosecond // to summarise a packet in VXLAN, without an allocation
	matchRate  = 200_000               // sightings/s that one core must match
	benchVNI   = 1042
	innerFrame = 118 // bytes: Ethernet, IPv4, TCP and 64 of payload
)

// segment is the n-th packet of a connection between two servers, as on a tap.
func segment(n int) []byte {
	f := make([]byte, innerFrame)
	copy(f, []byte{0xfa, 0x16, 0x3e, 0, 0, 2, 0xfa, 0x16, 0x3e, 0, 0, 1, 8, 0})
	ip := f[14:]
	copy(ip, []byte{0x45, 0, 0, innerFrame - 14, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 20, 0, 11, 10, 20, 0, 22})
	binary.BigEndian.PutUint16(ip[4:], uint16(n))
	tcp := ip[20:]
	copy(tcp, []byte{0xc7, 0x38, 1, 0xbb})
	binary.BigEndian.PutUint32(tcp[4:], uint32(n)*64)
	binary.BigEndian.PutUint32(tcp[8:], uint32(n))
	copy(tcp[12:], []byte{0x50, 0x18, 1, 0xf6})
	return f
}

// wrapped is a frame in VXLAN, as on the underlay.
func wrapped(inner []byte) []byte {
	f := make([]byte, 50, 50+len(inner))
	copy(f, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0})
	ip := f[14:]
	copy(ip, []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 99, 0, 11, 10, 99, 0, 12})
	binary.BigEndian.PutUint16(ip[2:], uint16(36+len(inner)))
	udp := ip[20:]
	copy(udp, []byte{0xc0, 0, 0x12, 0xb5})
	binary.BigEndian.PutUint16(udp[4:], uint16(16+len(inner)))
	udp[8] = 8
	binary.BigEndian.PutUint32(udp[12:], benchVNI<<8)
	return append(f, inner...)
}

// benchRows makes rows of packets in VXLAN: in memory, and from a file beside
// tcpdump, which reads the same file.
func benchRows(ctx context.Context, b *bench) error {
	count := rowPackets
	if b.quick {
		count /= 10
	}
	if err := rowsInMemory(b); err != nil {
		return err
	}
	path := filepath.Join(b.dir, "rows.pcapng")
	defer os.Remove(path)
	if err := recordRows(path, count); err != nil {
		return err
	}
	var ours, theirs, ratios []float64
	for range b.rounds() {
		us, err := timed(func() error { return printRows(path, count) })
		if err != nil {
			return fmt.Errorf("steth: %w", err)
		}
		them, err := timed(func() error { return tcpdumpRows(ctx, path, count) })
		if err != nil {
			return fmt.Errorf("tcpdump: %w", err)
		}
		ours, theirs = append(ours, float64(count)/us.Seconds()), append(theirs, float64(count)/them.Seconds())
		ratios = append(ratios, them.Seconds()/us.Seconds())
	}
	what := fmt.Sprintf("a file of %d packets in VXLAN, ", count)
	row(what+"steth", "%.0f packets/s", median(ours))
	row(what+"tcpdump -n -r", "%.0f packets/s", median(theirs))
	row("ratio of packets/s", "%.1f", median(ratios))
	return nil
}

func rowsInMemory(b *bench) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const n = 1_000_000
	data := wrapped(segment(1))
	p := packets.Packet{Data: data, Length: uint32(len(data))}
	buf := packets.Summarise(make([]byte, 0, packets.MaxRow), &p)
	if want := []byte("10.99.0.11 > 10.99.0.12  VXLAN 1042  10.20.0.11.51000 > 10.20.0.22.443  TCP [P.] len 64"); !bytes.HasPrefix(buf, want) {
		return fmt.Errorf("the row is %q, which does not begin with %q", buf, want)
	}
	var times []time.Duration
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range b.rounds() {
		begin := onCPU()
		for range n {
			buf = packets.Summarise(buf[:0], &p)
		}
		times = append(times, (onCPU()-begin)/n)
	}
	runtime.ReadMemStats(&after)
	row("a packet in VXLAN summarised", "%v, %.3f allocations (wanted: at most %v, 0)", median(times),
		float64(after.Mallocs-before.Mallocs)/float64(n*b.rounds()), rowLimit)
	return nil
}

// onCPU is how long this thread, which the caller holds, has been on a CPU: what
// else the machine does is left out.
func onCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // it can't: the arguments are constants
	}
	return time.Duration(t.Nano())
}

func timed(f func() error) (time.Duration, error) {
	start := time.Now()
	err := f()
	return time.Since(start), err
}

func recordRows(path string, count int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := packets.NewWriter(f, []packets.Interface{{Host: "bench", Device: "eth1"}})
	if err != nil {
		return err
	}
	for i := range count {
		data := wrapped(segment(i))
		if err := w.Write(0, &packets.Packet{Time: int64(i) * 1000, Data: data, Length: uint32(len(data))}); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// printRows reads a file and writes its rows where nobody reads them.
func printRows(path string, count int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := packets.NewReader(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	out := bufio.NewWriterSize(null, 1<<16)
	var p packets.Packet
	buf := make([]byte, 0, packets.MaxRow+1)
	for range count {
		if _, err := r.Next(&p); err != nil {
			return err
		}
		buf = append(packets.Summarise(buf[:0], &p), '\n')
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	return out.Flush()
}

func tcpdumpRows(ctx context.Context, path string, count int) error {
	cmd := exec.CommandContext(ctx, "tcpdump", "-n", "-S", "-t", "-K", "-r", path)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = null, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, said.Bytes())
	}
	return nil
}

// benchMatch tells one matcher, on one core, what four hops of a path between
// two hosts saw. No other tool does this, so there is no peer.
func benchMatch(_ context.Context, b *bench) error {
	count := 500_000 // packets; four sightings each
	if b.quick {
		count /= 10
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var rates []float64
	for range b.rounds() {
		rate, err := matchOnce(count)
		if err != nil {
			return err
		}
		rates = append(rates, rate)
	}
	row("sightings matched on one core", "%.0f/s (wanted: at least %d/s)", median(rates), matchRate)
	return nil
}

func matchOnce(count int) (rate float64, err error) {
	const (
		batch = 100 // packets that one host's agent tells of at once
		gap   = 20_000
		start = 1_700_000_000_000_000_000
	)
	tunnel := match.Encap{Tunnel: match.VXLAN, VNI: benchVNI}
	hops := []match.Hop{
		{Passing: match.Entering, Encap: match.Encap{Tunnel: match.NoTunnel}, Clock: 1},
		{Passing: match.Leaving, Encap: tunnel, Clock: 1},
		{Blind: true},
		{Passing: match.Entering, Encap: tunnel, Clock: 2},
		{Passing: match.Leaving, Encap: match.Encap{Tunnel: match.NoTunnel}, Clock: 2},
	}
	m, err := match.New(hops, match.Options{
		Near: []netip.Addr{netip.MustParseAddr("10.20.0.11")}, Far: []netip.Addr{netip.MustParseAddr("10.20.0.22")},
	})
	if err != nil {
		return 0, err
	}
	for h := range hops {
		m.Start(h, start-int64(time.Minute))
	}
	var took time.Duration
	var seen []packets.Packet
	for first := 0; first < count; first += batch {
		inner, outer := make([][]byte, batch), make([][]byte, batch)
		for i := range batch {
			inner[i] = segment(first + i)
			outer[i] = wrapped(inner[i])
		}
		for _, host := range [][2]int{{0, 1}, {3, 4}} {
			seen = seen[:0]
			for i := range batch {
				for _, h := range host {
					p := packets.Packet{Data: inner[i], Time: start + int64(first+i)*gap + int64(h)*gap/2}
					if h == 1 || h == 3 {
						p.Data = outer[i]
					}
					if h == 1 || h == 4 {
						p.Type = 4 // outgoing
					}
					p.Length = uint32(len(p.Data))
					seen = append(seen, p)
				}
			}
			begin := onCPU()
			for i := range seen {
				m.See(host[i%2], &seen[i])
			}
			m.Advance(seen[len(seen)-1].Time)
			took += onCPU() - begin
		}
	}
	m.Advance(start + int64(count)*gap + int64(time.Minute))
	if s := m.Total(); s.Out.Delivered != uint64(count) {
		return 0, fmt.Errorf("of %d packets that were seen at every hop %d are delivered: %+v", count, s.Out.Delivered, s.Out)
	}
	return float64(4*count) / took.Seconds(), nil
}
