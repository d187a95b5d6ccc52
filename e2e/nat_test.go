//go:build integration

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestNAT follows packets out of the cloud, by SNAT and by a floating IP: the
// same packet on both sides of the router is one row, although address and port
// are others there, and although another server sends the same at the same time
// from the same port.
func TestNAT(t *testing.T) {
	t.Parallel()
	const outside, count = "203.0.113.1", 20
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var labs sync.WaitGroup
	for _, flavour := range []string{"ovs", "linuxbridge"} {
		labs.Go(func() {
			t.Run(flavour, func(t *testing.T) {
				r := newRig(t, flavour)
				r.answer(t, self, outside+":7")
				for _, c := range []struct{ name, server, other, public string }{
					{"SNAT", "db1", "jobs1", "203.0.113.10"},
					{"floating IP", "web1", "cache1", "203.0.113.50"},
				} {
					near := r.ports[c.server]["ip"]
					for _, k := range []struct {
						name, filter string
						rows         int  // 0: any number
						port         bool // is another one outside
						send         []string
					}{
						{"ICMP", "icmp", 2 * count, false, []string{"ping", "-q", "-c", fmt.Sprint(count), "-i", "0.01", outside}},
						{"UDP", "udp " + near + ":5000 " + outside + ":7", 2 * count, true, []string{self, "send", "udp", "5000", outside + ":7", fmt.Sprint(count)}},
						{"TCP", "tcp " + near + ":* " + outside + ":80", 0, true, []string{self, "send", "tcp", "6000", outside + ":80", "5"}},
					} {
						t.Run(c.name+" "+k.name, func(t *testing.T) {
							file := filepath.Join(t.TempDir(), "nat.pcapng")
							report, status := r.follow(t, func() {
								var both sync.WaitGroup
								for _, from := range []string{c.server, c.other} {
									both.Go(func() {
										if out, err := r.exec(t.Context(), append([]string{"-g", from, "--"}, k.send...)...).CombinedOutput(); err != nil {
											t.Errorf("%s on %s: %v\n%s", k.send, from, err, out)
										}
									})
								}
								both.Wait()
							}, "--port", r.ports[c.server]["id"], "--to-outside", "--filter", k.filter, "-w", file)
							if status != 0 || report.Finding.Code != "delivered" {
								t.Errorf("exit status %d, %s", status, report.Finding.Code)
							}
							if n := len(report.Rows); k.rows != 0 && n != k.rows || n < 10 {
								t.Errorf("%d rows, want %d", n, k.rows)
							}
							wrong := 0
							for _, row := range report.Rows {
								if !strings.Contains(row.Packet, near) {
									t.Errorf("%s is none of %s", row.Packet, near)
								}
								for _, m := range row.Marks {
									if m.Mark != "first" && m.Mark != "seen" && m.Mark != "blind" && wrong < 5 {
										wrong++
										t.Errorf("%s is %s at hop %d", row.Packet, m.Mark, m.Hop)
									}
								}
							}
							ports := r.outside(t, file, report, c.public)
							if k.port && (ports["1388"] || ports["1770"]) { // 5000 and 6000
								t.Error("NAT left the port as it was: this test shows nothing")
							}
						})
					}
				}
			})
		})
	}
	labs.Wait()
}

// answer runs an echo service outside the cloud.
func (r *rig) answer(t *testing.T, self, on string) {
	t.Helper()
	cmd := r.exec(t.Context(), "--", self, "send", "echo", on)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // killed with the test's context
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "listening\n" {
		t.Fatalf("the echo service says %q, %v", line, err)
	}
}

// outside reads what a file has of the router's leg outside: that packets there
// have the public address, and their first ports (ICMP: type and code) in hex.
func (r *rig) outside(t *testing.T, file string, report pathReport, public string) map[string]bool {
	t.Helper()
	var a, b, c, d byte
	if _, err := fmt.Sscanf(public, "%d.%d.%d.%d", &a, &b, &c, &d); err != nil {
		t.Fatal(err)
	}
	source := fmt.Sprintf("%v>", []byte{a, b, c, d})
	ports := map[string]bool{}
	for _, packets := range readPcapng(t, file) {
		for k := range packets {
			if _, rest, ok := strings.Cut(string(k), source); ok {
				ports[strings.Fields(rest[strings.Index(rest, "]")+1:])[0][:4]] = true
			}
		}
	}
	if len(ports) == 0 {
		t.Errorf("no packet has the address %s", public)
	}
	return ports
}
