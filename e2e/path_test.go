//go:build integration

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pathReport is as much of `steth path -f json` as the tests read.
type pathReport struct {
	Hops []struct {
		Index                     int
		Host, Netns, Device, What string
		Seen, State               string
		Out, Back, Dropped        uint64
	}
	Rows []struct {
		Packet, Direction, Verdict string
		LostAfter                  int `json:"lost_after"`
		LostBefore                 int `json:"lost_before"`
		Marks                      []struct {
			Hop   int
			Mark  string
			Delay time.Duration `json:"delay_ns"`
		}
	}
	Finding struct {
		Verdict, Reason string
		Code            string `json:"reason_code"`
	}
}

// hop is the number of the hop with a device on a host.
func (p pathReport) hop(t *testing.T, host, device string) int {
	t.Helper()
	for _, h := range p.Hops {
		if h.Host == host && strings.HasPrefix(h.Device, device) {
			return h.Index
		}
	}
	t.Fatalf("no hop %s on %s: %+v", device, host, p.Hops)
	return 0
}

// flavour brings up a lab of its own for a test.
func flavour(t *testing.T, name string) {
	t.Helper()
	t.Setenv("STETH_LAB_DIR", filepath.Join(t.TempDir(), "lab"))
	program := filepath.Join(bin, "steth")
	t.Cleanup(func() {
		if out, err := exec.Command(program, "lab", "down").CombinedOutput(); err != nil {
			t.Errorf("lab down: %v\n%s", err, out)
		}
	})
	if out, err := exec.Command(program, "lab", "up", "--flavour", name, "--lifetime", "10m").CombinedOutput(); err != nil {
		t.Fatalf("lab up: %v\n%s", err, out)
	}
}

// followPing follows ICMP from a to b while a pings b, and returns what was
// said. Size is ping's.
func followPing(t *testing.T, a, b object, count int, size string, more ...string) pathReport {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := append([]string{"path", "--port", a["id"], "--to", b["id"], "--follow", "icmp", "--seconds", "60", "-f", "json"}, more...)
	cmd := steth(ctx, args...)
	var out strings.Builder
	cmd.Stdout = &out
	stop := background(t, cmd, "hops are watched")
	// Exit status 1 is of pings that are lost.
	ping := inLab(ctx, "-g", serverName(t, a), "--", "ping", "-q", "-c", fmt.Sprint(count), "-i", "0.005", "-W", "1", "-s", size, b["ip"])
	if text, err := ping.CombinedOutput(); err != nil && ping.ProcessState.ExitCode() != 1 {
		t.Fatalf("ping: %v\n%s", err, text)
	}
	until(t, "a second has passed", 5*time.Second, passed(1500*time.Millisecond)) // what is lost by then is known to be
	stop()
	var report pathReport
	if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
		t.Fatalf("steth path: %v\n%s", err, out.String())
	}
	t.Logf("%s: %s", report.Finding.Verdict, report.Finding.Reason)
	return report
}

// passed is met once so much time has passed.
func passed(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().After(end) }
}

// drop makes an nft rule of the bridge family where a command runs: `steth lab
// exec` with where.
func drop(t *testing.T, where []string, rule string) {
	t.Helper()
	nft := func(args ...string) {
		output(t, inLab(t.Context(), append(append(append([]string{}, where...), "--", "nft"), args...)...))
	}
	nft("add", "table", "bridge", "fault")
	nft("add", "chain", "bridge", "fault", "f", "{ type filter hook forward priority 0; }")
	nft("add", "rule", "bridge", "fault", "f", rule)
	t.Cleanup(func() {
		_ = inLab(context.Background(), append(append([]string{}, where...), "--", "nft", "delete", "table", "bridge", "fault")...).Run()
	})
}

// TestPathHealthy follows 1,000 pings between servers on two hosts: each is
// seen at every hop that can be captured, none is lost, and no delay falls.
func TestPathHealthy(t *testing.T) {
	for _, name := range []string{"linuxbridge", "ovs"} {
		t.Run(name, func(t *testing.T) {
			flavour(t, name)
			a, b := pair(t)
			file := filepath.Join(t.TempDir(), "path.pcapng")
			const count = 1000
			report := followPing(t, a, b, count, "56", "-w", file)
			if f := report.Finding; f.Verdict != "ok" || f.Code != "delivered" {
				t.Errorf("a healthy path is %s %s: %s", f.Verdict, f.Code, f.Reason)
			}
			watched := 0
			for _, h := range report.Hops {
				if h.Seen != "packets" {
					continue
				}
				watched++
				// The lab's servers ping each other, too, now and then.
				if first := report.Hops[0]; h.State != "ended" || h.Out < count || h.Out != first.Out || h.Back != first.Back || h.Dropped != 0 {
					t.Errorf("hop %d %s on %s: %s, %d out, %d back, %d dropped", h.Index, h.Device, h.Host, h.State, h.Out, h.Back, h.Dropped)
				}
			}
			if watched < 4 {
				t.Errorf("%d hops of %d are watched", watched, len(report.Hops))
			}
			for _, r := range report.Rows {
				if r.Verdict != "delivered" {
					t.Errorf("%s is %s", r.Packet, r.Verdict)
				}
				last := time.Duration(0)
				for i := range r.Marks {
					m := r.Marks[i]
					if r.Direction == "back" {
						m = r.Marks[len(r.Marks)-1-i]
					}
					if m.Mark == "seen" && m.Delay < last {
						t.Errorf("%s: the delay falls at hop %d", r.Packet, m.Hop)
					}
					last = max(last, m.Delay)
				}
			}
			if n := interfaces(t, file); n != watched {
				t.Errorf("the file has packets of %d interfaces, want %d", n, watched)
			}
		})
	}
}

// interfaces counts the interfaces of a file that have packets.
func interfaces(t *testing.T, path string) int {
	t.Helper()
	n := 0
	for _, packets := range readPcapng(t, path) {
		if len(packets) > 0 {
			n++
		}
	}
	return n
}

// fault is one broken edge: an nft rule, where it is made, and between which
// two devices packets are lost then.
type fault struct {
	name      string
	where     []string // as `steth lab exec` takes it
	rule      string
	size      string
	from, to  [2]string // host and how the device's name begins
	direction string
}

// TestPathBroken breaks one edge at a time: the sentence names it, and no other.
func TestPathBroken(t *testing.T) {
	out := [2][2]string{{"cmp1", "eth1"}, {"cmp2", "eth1"}}
	for flavourName, faults := range map[string][]fault{
		"linuxbridge": {
			{
				name: "the fabric drops every third", rule: "ip saddr 10.99.0.11 udp dport { 4789, 8472 } numgen inc mod 3 == 0 drop",
				size: "56", from: out[0], to: out[1], direction: "out",
			},
			{
				name: "the fabric drops large packets", rule: "ip saddr 10.99.0.11 ip length > 1000 udp dport { 4789, 8472 } drop",
				size: "1200", from: out[0], to: out[1], direction: "out",
			},
			{
				name: "the fabric drops replies", rule: "ip saddr 10.99.0.12 udp dport { 4789, 8472 } numgen inc mod 2 == 0 drop",
				size: "56", from: out[1], to: out[0], direction: "back",
			},
			{
				name: "the far tap", where: []string{"-h", "cmp2"}, rule: "oifname TAP ip protocol icmp numgen inc mod 4 == 0 drop",
				size: "56", from: [2]string{"cmp2", "brq"}, to: [2]string{"cmp2", "tap"}, direction: "out",
			},
		},
		"ovs": {
			{
				name: "the fabric drops every third", rule: "ip saddr 10.99.0.11 udp dport 4789 numgen inc mod 3 == 0 drop",
				size: "56", from: out[0], to: out[1], direction: "out",
			},
			{
				name: "the fabric drops replies", rule: "ip saddr 10.99.0.12 udp dport 4789 numgen inc mod 2 == 0 drop",
				size: "56", from: out[1], to: out[0], direction: "back",
			},
		},
	} {
		t.Run(flavourName, func(t *testing.T) {
			flavour(t, flavourName)
			a, b := pair(t)
			for _, f := range faults {
				t.Run(f.name, func(t *testing.T) {
					drop(t, f.where, strings.ReplaceAll(f.rule, "TAP", "tap"+b["id"][:11]))
					f.check(t, followPing(t, a, b, 120, f.size))
				})
			}
		})
	}
}

// check holds a report against the edge that was broken.
func (f fault) check(t *testing.T, report pathReport) {
	t.Helper()
	from, to := report.hop(t, f.from[0], f.from[1]), report.hop(t, f.to[0], f.to[1])
	lost := 0
	for _, r := range report.Rows {
		if r.Verdict != "lost" {
			continue
		}
		if lost++; r.LostAfter != from || r.LostBefore != to || r.Direction != f.direction {
			t.Errorf("%s (%s) is lost between %d and %d, want %d and %d", r.Packet, r.Direction, r.LostAfter, r.LostBefore, from, to)
		}
	}
	between := fmt.Sprintf("lost between %d %s and %d %s", from, deviceAt(report, from), to, deviceAt(report, to))
	switch got := report.Finding; {
	case got.Verdict != "fail" || got.Code != "lost":
		t.Errorf("the finding is %s %s %q", got.Verdict, got.Code, got.Reason)
	case !strings.Contains(got.Reason, between) || strings.Contains(got.Reason, "elsewhere"):
		t.Errorf("the finding is %q, want %q and no other", got.Reason, between)
	case lost == 0 || !strings.HasPrefix(got.Reason, fmt.Sprintf("%d of ", lost)):
		t.Errorf("%d rows are lost, the finding says %q", lost, got.Reason)
	}
}

func deviceAt(r pathReport, index int) string {
	h := r.Hops[index-1]
	return h.Device + " on " + h.Host
}
