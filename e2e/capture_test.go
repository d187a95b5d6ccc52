//go:build integration

package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"steth/packets"
)

// key is what a packet is compared by: protocol, addresses, ports or ids, length.
type key string

// keyOf reads an Ethernet frame with an IPv4 packet in it, independently of the
// decoders under test.
func keyOf(frame []byte, length uint32) key {
	if len(frame) < 34 || binary.BigEndian.Uint16(frame[12:]) != 0x0800 {
		return key(fmt.Sprintf("%x %d", frame[:min(len(frame), 42)], length))
	}
	ip := frame[14:]
	rest := ip[int(ip[0]&15)*4:]
	return key(fmt.Sprintf("%d %v>%v %x %d", ip[9], ip[12:16], ip[16:20], rest[:min(8, len(rest))], length))
}

// readPcap counts the packets of a classic pcap file, as tcpdump writes it.
func readPcap(t *testing.T, path string) map[key]int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[key]int{}
	for data = data[24:]; len(data) > 0; {
		n, length := binary.LittleEndian.Uint32(data[8:]), binary.LittleEndian.Uint32(data[12:])
		out[keyOf(data[16:16+n], length)]++
		data = data[16+n:]
	}
	return out
}

// readPcapng counts the packets of each interface of our file.
func readPcapng(t *testing.T, path string) []map[key]int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := packets.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[key]int
	for {
		var p packets.Packet
		i, err := r.Next(&p)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		for len(out) <= i {
			out = append(out, map[key]int{})
		}
		out[i][keyOf(p.Data, p.Length)]++
	}
}

func same(t *testing.T, what string, got, want map[key]int) {
	t.Helper()
	total, shown := 0, 0
	for k, n := range want {
		total += n
		if got[k] != n && shown < 5 {
			t.Errorf("%s: %s captured %d times, tcpdump has %d", what, k, got[k], n)
			shown++
		}
	}
	for k, n := range got {
		if want[k] == 0 && shown < 5 {
			t.Errorf("%s: %s captured %d times, tcpdump has none", what, k, n)
			shown++
		}
	}
	if total < 1000 {
		t.Errorf("%s: only %d packets were compared, want 1,000", what, total)
	}
	t.Logf("%s: %d packets, %d different, equal to tcpdump's", what, total, len(want))
}

// background starts cmd, waits for what it says when it is ready, and ends it
// with an interrupt. That goes to the whole process group, as ctrl+c in a
// terminal does: what enters the lab does not pass signals on.
func background(t *testing.T, cmd *exec.Cmd, ready string) (stop func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var said bytes.Buffer
	for buf := make([]byte, 1024); !strings.Contains(said.String(), ready); {
		n, err := r.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			t.Fatalf("%s: not ready: %s", strings.Join(cmd.Args, " "), said.String())
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(&said, r)
	}()
	return func() {
		t.Helper()
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Error(err)
		}
		<-drained      // the last of the group has ended
		_ = cmd.Wait() // interrupted on purpose
		t.Log(said.String())
	}
}

// TestCaptureEqualsTcpdump captures on the taps of two servers on two hosts,
// beside tcpdump on the same taps, while one server pings the other and sends
// it UDP and TCP.
func TestCaptureEqualsTcpdump(t *testing.T) {
	a, b := pair(t)
	dir := t.TempDir()
	// Only what this test sends: the servers' own traffic would come at either end.
	const filter = "(icmp and greater 900) or port 5999"
	var stops []func()
	for _, p := range []object{a, b} {
		dev := "tap" + p["id"][:11]
		ours := steth(t.Context(), "capture", "--port", p["id"], "--device", dev, "--filter", filter, "-w", filepath.Join(dir, p["host"]+".pcapng"))
		theirs := inLab(t.Context(), "-h", p["host"], "--", "tcpdump", "-Z", "root", "--immediate-mode", "-U", "-i", dev, "-s", "128", "-w", filepath.Join(dir, p["host"]+".pcap"), filter)
		stops = append(stops, background(t, ours, "capture started"), background(t, theirs, "listening on"))
	}
	from, to := serverName(t, a), serverName(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	output(t, inLab(ctx, "-g", from, "--", "ping", "-q", "-c", "600", "-i", "0.005", "-s", "1000", b["ip"]))
	server := inLab(ctx, "-g", to, "--", "iperf3", "-s", "-1", "-p", "5999", "--forceflush")
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAtLeast(stdout, make([]byte, 64), 1); err != nil { // it says that it listens
		t.Fatal(err)
	}
	output(t, inLab(ctx, "-g", from, "--", "iperf3", "-c", b["ip"], "-p", "5999", "-u", "-b", "5M", "-l", "1000", "-t", "2"))
	_, _ = io.Copy(io.Discard, stdout)
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	for _, stop := range stops {
		stop()
	}
	for _, p := range []object{a, b} {
		got := readPcapng(t, filepath.Join(dir, p["host"]+".pcapng"))
		if len(got) != 1 {
			t.Fatalf("%s: %d interfaces in the file, want 1", p["host"], len(got))
		}
		same(t, p["host"], got[0], readPcap(t, filepath.Join(dir, p["host"]+".pcap")))
	}
}

// serverName is the name of the server behind a port.
func serverName(t *testing.T, port object) string {
	t.Helper()
	for _, s := range list(t, "servers") {
		if s["id"] == port["device_id"] {
			return s["name"]
		}
	}
	t.Fatalf("port %s is of no server", port["id"])
	return ""
}
