//go:build integration

package packets

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// saved writes packets to a file, the first to the first interface and so on.
func saved(t *testing.T, packets ...Packet) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "saved.pcapng")
	if err := os.WriteFile(path, file(t, someInterfaces, packets...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run returns a program's lines of output; the test needs the program.
func run(t *testing.T, name string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, &errs)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

func TestTsharkReadsOurFiles(t *testing.T) {
	var packets []Packet
	for _, s := range samples(t) {
		packets = append(packets, s.packet)
	}
	path := saved(t, packets...)
	lines := run(t, "tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|",
		"-e", "frame.interface_name", "-e", "frame.interface_description", "-e", "frame.len", "-e", "frame.time_epoch", "-e", "vlan.id")
	if len(lines) != len(packets) {
		t.Fatalf("tshark sees %d of %d packets", len(lines), len(packets))
	}
	for i, line := range lines {
		length, vlan := packets[i].Length, ""
		if packets[i].TPID != 0 {
			length, vlan = length+4, fmt.Sprint(packets[i].VLAN&0xfff)
			if packets[i].TPID == 0x88a8 {
				vlan = "" // tshark's name for the outer tag is another; the inner one follows
			}
		}
		place := "tap8f2c1f6e-0c|tap8f2c1f6e-0c on cmp1"
		if i%2 == 1 {
			place = `router|qr-1 in qrouter-"odd" name on net0`
		}
		want := fmt.Sprintf("%s|%d|1700000000.123456789|%s", place, length, vlan)
		if !strings.HasPrefix(line, want) {
			t.Errorf("%s: tshark says\n%s\nwant\n%s", samples(t)[i].name, line, want)
		}
	}
}

func TestCapinfosReadsOurFiles(t *testing.T) {
	text := strings.Join(run(t, "capinfos", saved(t, whole(ping4(1)), whole(ping4(2)))), "\n")
	for _, want := range []string{
		"Wireshark/... - pcapng", "Number of interfaces in file: 2", "Name = tap8f2c1f6e-0c", "Name = router",
		"Filter string = icmp or arp", "Capture length = 262144", "Time precision = nanoseconds (9)", "Number of stat entries = 1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("capinfos doesn't say %q in\n%s", want, text)
		}
	}
}

// TestWeReadWhatTsharkWrites: the same packets, with the same rows, after
// Wireshark wrote them anew.
func TestWeReadWhatTsharkWrites(t *testing.T) {
	var packets []Packet
	for _, s := range samples(t) {
		packets = append(packets, s.packet)
	}
	again := filepath.Join(t.TempDir(), "again.pcapng")
	run(t, "tshark", "-n", "-r", saved(t, packets...), "-F", "pcapng", "-w", again)
	f, err := os.Open(again)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for i := range packets {
		var p Packet
		iface, err := r.Next(&p)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if got, want := string(Summarise(nil, &p)), string(Summarise(nil, &packets[i])); got != want || p.Time != packets[i].Time || iface != i%2 {
			t.Errorf("packet %d of interface %d at %d:\n%s\nwant\n%s", i, iface, p.Time, got, want)
		}
	}
	if _, err := r.Next(new(Packet)); err != io.EOF {
		t.Errorf("after the last packet: %v", err)
	}
	if ifs := r.Interfaces(); len(ifs) != 2 || ifs[1].Netns != someInterfaces[1].Netns || ifs[0].Filter != someInterfaces[0].Filter {
		t.Errorf("interfaces %+v", ifs)
	}
}
