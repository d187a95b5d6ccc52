//go:build integration

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// probe injects packets and returns what `steth path` says of them.
func (r *rig) probe(t *testing.T, args ...string) (pathReport, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := r.steth(ctx, append([]string{"path", "-f", "json"}, args...)...)
	out, _ := cmd.Output() // its exit status is for the caller
	var report pathReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("steth path: %v\n%s", err, out)
	}
	t.Logf("%s %s: %s", report.Finding.Verdict, report.Finding.Code, report.Finding.Reason)
	return report, cmd.ProcessState.ExitCode()
}

// healthy is probe on a path that is well. A busy machine's Open vSwitch loses a
// packet now and then, a server's own as well; so it's tried again.
func (r *rig) healthy(t *testing.T, args ...string) (report pathReport, status int) {
	t.Helper()
	for range 3 {
		if report, status = r.probe(t, args...); report.Finding.Code != "lost" {
			break
		}
	}
	return report, status
}

// traces are devices that injection makes, and what the agents' journals know.
func (r *rig) traces(t *testing.T) string {
	t.Helper()
	devices := r.sh(t, "cmp1", "ip -o link | grep -E ': (sth|stp)' || true")
	journals := r.sh(t, "", "find "+filepath.Join(r.dir, "state")+" -type f")
	return strings.TrimSpace(devices + journals)
}

// leases is what dnsmasq has written down of a network's leases.
func (r *rig) leases(t *testing.T) string {
	t.Helper()
	return r.sh(t, "net0", "cat /var/lib/neutron/dhcp/*/leases")
}

func (r *rig) address(t *testing.T, server string) string {
	t.Helper()
	return output(t, r.exec(t.Context(), "-g", server, "--", "ip", "-4", "-o", "addr", "show", "eth0"))
}

// TestInject has probe packets go the ways of all flavours and plugs.
func TestInject(t *testing.T) {
	var labs sync.WaitGroup
	for name, c := range map[string]struct {
		flavour string
		servers [2]string
		way     string
	}{
		"ovs, hybrid": {"ovs", [2]string{"web1", "web2"}, "redirect"},
		"ovs, native": {"ovs", [2]string{"db1", "db2"}, "switch"},
		"linuxbridge": {"linuxbridge", [2]string{"web1", "web2"}, "redirect"},
	} {
		labs.Go(func() {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, c.flavour)
				from, to := r.ports[c.servers[0]], r.ports[c.servers[1]]
				for _, kind := range []string{"icmp", "tcp", "udp"} {
					t.Run(kind, func(t *testing.T) {
						report, status := r.healthy(t, "--port", from["id"], "--to", to["id"], "--inject", kind, "--count", "4")
						delivered(t, report, status, c.way)
					})
				}
				t.Run("arp", func(t *testing.T) {
					report, status := r.healthy(t, "--port", from["id"], "--to", to["id"], "--inject", "arp", "--count", "4")
					// The tunnel bridge answers ARP, as l2population has it; Linux bridges
					// of the lab do not.
					if c.flavour == "ovs" {
						if status != 0 || report.Finding.Code != "answered-on-the-way" || report.Hops[0].Back != 4 {
							t.Errorf("%d answers, %s %q", report.Hops[0].Back, report.Finding.Code, report.Finding.Reason)
						}
						return
					}
					delivered(t, report, status, c.way)
				})
				t.Run("dhcp", func(t *testing.T) { r.discover(t, c.servers[0], c.way) })
				t.Run("lost", func(t *testing.T) {
					r.sh(t, "", `nft add table bridge fault; nft add chain bridge fault f '{ type filter hook forward priority 0; }'; nft add rule bridge fault f ip saddr 10.99.0.11 drop`)
					report, status := r.probe(t, "--port", from["id"], "--to", to["id"], "--inject", "icmp", "--count", "4")
					r.sh(t, "", "nft delete table bridge fault")
					between := "4 of 4 lost between " + report.name(t, "cmp1", "eth1") + " and " + report.name(t, "cmp2", "eth1")
					if status != 1 || report.Finding.Code != "lost" || !strings.Contains(report.Finding.Reason, between) {
						t.Errorf("status %d: %s %q\nwant %q", status, report.Finding.Code, report.Finding.Reason, between)
					}
				})
				if left := r.traces(t); left != "" {
					t.Errorf("left:\n%s", left)
				}
				if c.way == "redirect" { // the other way makes nothing
					t.Run("killed", func(t *testing.T) { r.killed(t, from, to) })
				}
				t.Run("not allowed", func(t *testing.T) {
					report, status := r.probe(t, "--role", "operator", "--port", from["id"], "--to", to["id"], "--inject", "icmp", "--count", "1")
					if status != 2 || !strings.Contains(report.Finding.Reason, "injector") {
						t.Errorf("status %d: %q", status, report.Finding.Reason)
					}
				})
			})
		})
	}
	labs.Wait()
}

// name is a hop as sentences call it.
func (p pathReport) name(t *testing.T, host, device string) string {
	t.Helper()
	h := p.Hops[p.hop(t, host, device)-1]
	return fmt.Sprintf("%d %s on %s", h.Index, h.Device, h.Host)
}

// delivered holds four packets and their answers against a path that is well:
// every hop saw them, but for the tap where they were handed to the switch
// behind it.
func delivered(t *testing.T, report pathReport, status int, way string) {
	t.Helper()
	f := report.Finding
	if status != 0 || f.Code != "delivered" || !strings.Contains(f.Reason, "injected as if from") || !strings.Contains(f.Reason, "replies 4 of 4") {
		t.Errorf("status %d: %s %q", status, f.Code, f.Reason)
	}
	if in := report.Injected; len(in) != 1 || in[0].Sent != 4 || in[0].Way != way || in[0].At == "" {
		t.Errorf("injected %+v", in)
	}
	if len(report.Rows) != 8 {
		t.Errorf("%d rows, want 4 and their answers", len(report.Rows))
	}
	for i, h := range report.Hops {
		want := uint64(4)
		if i == 0 && way == "switch" {
			want = 0
		}
		if h.Seen == "packets" && (h.State != "ended" || h.Out != want || h.Back != 4) {
			t.Errorf("hop %d %s on %s (%s): %d out, %d back", h.Index, h.Device, h.Host, h.State, h.Out, h.Back)
		}
	}
	for _, row := range report.Rows {
		if row.Verdict != "delivered" {
			t.Errorf("%s is %s", row.Packet, row.Verdict)
		}
	}
}

// discover asks the DHCP server as if from a server that has a lease: the offer
// comes back by every hop, and neither dnsmasq's leases nor the server's address
// change, and it goes on to send and receive.
func (r *rig) discover(t *testing.T, server, way string) {
	port := r.ports[server]
	leases, address, before := r.leases(t), r.address(t, server), r.echoes(t, server)
	var other sync.WaitGroup
	other.Go(func() { r.ping(t, server, gateways[port["network"]], 300, "-i", "0.01") })
	report, status := r.healthy(t, "--port", port["id"], "--to-dhcp", "--inject", "dhcp", "--count", "4")
	other.Wait()
	delivered(t, report, status, way)
	offers := 0
	for _, row := range report.Rows {
		switch {
		case row.Direction == "out" && !strings.Contains(row.Packet, "Discover"):
			t.Errorf("out goes %q", row.Packet)
		case row.Direction == "back" && strings.Contains(row.Packet, "Offer") && strings.Contains(row.Packet, port["ip"]):
			offers++
		}
	}
	if offers != 4 {
		t.Errorf("%d offers of %s, want 4", offers, port["ip"])
	}
	if now := r.leases(t); leases == "" || now != leases {
		t.Errorf("leases before:\n%s\nafter:\n%s", leases, now)
	}
	if now := r.address(t, server); now != address {
		t.Errorf("addresses before:\n%s\nafter:\n%s", address, now)
	}
	until(t, "the server's own pings are answered, but for what a busy machine loses", 10*time.Second, func() bool {
		e := r.echoes(t, server).since(before)
		return e.sent >= 300 && e.sent-e.received <= 3
	})
}

// gateways of the networks, as the scenario has them.
var gateways = map[string]string{"front": "10.20.0.1", "back": "10.30.0.1"}

// killed kills the console in the middle of an injection.
func (r *rig) killed(t *testing.T, from, to object) {
	cmd := r.exec(t.Context(), "--", "sh", "-c", `echo $$; exec "$@"`, "sh", filepath.Join(bin, "steth"),
		"path", "--port", from["id"], "--to", to["id"], "--inject", "icmp", "--count", "100", "--interval", "1s")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the scratch device is there", 15*time.Second, func() bool { return strings.Contains(r.traces(t), "sth") })
	output(t, r.exec(t.Context(), "--", "kill", "-9", strings.TrimSpace(pid)))
	_ = cmd.Wait()
	until(t, "all is undone", 3*time.Second, func() bool { return r.traces(t) == "" })
}
