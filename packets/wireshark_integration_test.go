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

// TestRowsAgreeWithTcpdump compares what both say: the addresses with their
// ports word for word, and the numbers that identify a packet.
func TestRowsAgreeWithTcpdump(t *testing.T) {
	tests := map[string]string{ // sample: tcpdump's words for what our row says behind the addresses
		"echo request":               "10.20.0.11 > 10.20.0.22: ICMP echo request, id 7, seq 50, length 64",
		"echo request, headers only": "10.20.0.11 > 10.20.0.22: ICMP echo request, id 7, seq 50, length 64",
		"echo reply":                 "10.20.0.11 > 10.20.0.22: ICMP echo reply, id 7, seq 50, length 64",
		"need to frag":               "10.20.0.11 > 10.20.0.22: ICMP 10.20.0.22 unreachable - need to frag (mtu 1400), length 54",
		"tag taken off":              "vlan 100, p 1, ethertype IPv4",
		"ARP request":                "ARP, Request who-has 10.20.0.1 tell 10.20.0.11",
		"ARP reply":                  "ARP, Reply 10.20.0.1 is-at fa:16:3e:0a:11:01",
		"TCP SYN":                    "10.20.0.11.51000 > 10.20.0.22.443: Flags [S], seq 1000, win 502, options [nop,mss 1460,eol], length 0",
		"TCP data":                   "10.20.0.11.51000 > 10.20.0.22.443: Flags [P.], seq 1000:1100, ack 2000, win 502, length 100",
		"TCP reset":                  "10.20.0.11.51000 > 10.20.0.22.443: Flags [R.], seq 1000, ack 2000, win 502, length 0",
		"UDP":                        "10.20.0.11.5000 > 10.20.0.22.6000: UDP, length 20",
		"echo request 6":             "fd00::11 > fd00::22: ICMP6, echo request, id 7, seq 3, length 64",
		"neighbour solicitation":     "fd00::11 > fd00::22: ICMP6, neighbor solicitation, who has fd00::1, length 32",
		"DNS query":                  "10.20.0.11.40000 > 10.20.0.22.53: 4660+ A? db-2.example.com. (34)",
		"DNS answer":                 "10.20.0.11.53 > 10.20.0.22.40000: 4660- 2/0/0 CNAME x.example.com., A 10.20.0.99 (106)",
		"DHCP discover":              "10.20.0.11.68 > 10.20.0.22.67: BOOTP/DHCP, Request from fa:16:3e:0a:11:01, length 250",
		"VXLAN":                      "VXLAN, flags [I] (0x08), vni 101",
		"Geneve":                     "Geneve, Flags [none], vni 0x65",
		"GRE with a key":             "GREv0, key=0x4d, proto TEB (0x6558)",
		"VRRP":                       "10.20.0.11 > 10.20.0.22: VRRPv2, Advertisement, (ttl 64), vrid 1, prio 50",
	}
	for _, s := range samples(t) {
		want, ok := tests[s.name]
		if !ok {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			path := saved(t, s.packet)
			lines := strings.Join(run(t, "tcpdump", "-n", "-e", "-S", "-t", "-r", path), "\n")
			plain := strings.Join(run(t, "tcpdump", "-n", "-S", "-t", "-r", path), "\n")
			if !strings.Contains(lines, want) && !strings.Contains(plain, want) {
				t.Fatalf("tcpdump says\n%s\nnot\n%s", plain, want)
			}
			row := string(Summarise(nil, &s.packet))
			who, _, _ := strings.Cut(row, "  ")
			if strings.HasPrefix(plain, "IP") && !strings.Contains(plain, who+":") {
				t.Errorf("our row says %q, tcpdump\n%s", who, plain)
			}
		})
		delete(tests, s.name)
	}
	for name := range tests {
		t.Errorf("no sample %q", name)
	}
}
