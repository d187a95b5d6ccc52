//go:build integration

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestReplay saves a path with a broken edge, takes the lab away, and shows the
// path again: it is the same to the last mark. Wireshark names the hops.
func TestReplay(t *testing.T) {
	for flavour, servers := range map[string][2]string{"linuxbridge": {"web1", "web2"}, "ovs": {"db1", "db2"}} {
		t.Run(flavour, func(t *testing.T) {
			r := newRig(t, flavour)
			r.acquaint(t, servers[0], servers[1])
			a, b := r.ports[servers[0]], r.ports[servers[1]]
			file := filepath.Join(t.TempDir(), "path.pcapng")
			live, status := r.follow(t, func() {
				r.ping(t, servers[0], b["ip"], 5)
				r.sh(t, "", bridgeDrop("ip saddr 10.99.0.11 udp dport { 4789, 8472 } numgen inc mod 3 == 0"))
				r.ping(t, servers[0], b["ip"], 60)
				settle(t)
			}, "--port", a["id"], "--to", b["id"], "--follow", "icmp", "-w", file)
			if status != 1 || live.Finding.Code != "lost" {
				t.Fatalf("%d %s: nothing is lost", status, live.Finding.Reason)
			}
			output(t, exec.Command(filepath.Join(bin, "steth"), "lab", "down", "--dir", r.dir))

			side := strings.TrimSuffix(file, ".pcapng") + ".path.json"
			for _, name := range []string{file, side} {
				again, status := replay(t, name)
				if status != 1 || !reflect.DeepEqual(again, live) {
					t.Errorf("%s: %d %s %q, with %d rows\nlive: %s %q, with %d rows", filepath.Base(name), status,
						again.Finding.Verdict, again.Finding.Reason, len(again.Rows), live.Finding.Verdict, live.Finding.Reason, len(live.Rows))
				}
			}

			// Of half the file the half is shown.
			whole, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, whole[:len(whole)/2], 0o600); err != nil {
				t.Fatal(err)
			}
			half, _ := replay(t, file)
			if n := len(half.Rows); n < len(live.Rows)/4 || n > len(live.Rows)*3/4 {
				t.Errorf("half of the file has %d rows of %d", n, len(live.Rows))
			}
			if !slices.ContainsFunc(half.Notes, func(n string) bool { return strings.Contains(n, "is not shown: read pcapng: unexpected EOF") }) {
				t.Errorf("it isn't said that the file was cut off: %q", half.Notes)
			}

			if err := os.WriteFile(file, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			text := output(t, exec.Command("tshark", "-n", "-r", file, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.interface_description"))
			for _, h := range live.Hops {
				if h.Seen != "packets" {
					continue
				}
				where := h.Device
				if h.Netns != "" {
					where += " in " + h.Netns
				}
				if !strings.Contains(text, h.Host+":"+h.Device+"\t"+where+" on "+h.Host+"\n") {
					t.Errorf("tshark doesn't name hop %d, %s on %s", h.Index, where, h.Host)
				}
			}
		})
	}
}

// replay runs `steth replay` without a cloud and returns what it said and its
// exit status.
func replay(t *testing.T, name string) (pathReport, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "steth"), "replay", "-f", "json", name)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // its exit status is for the caller
	var report pathReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("steth replay %s: %v\n%s\n%s", filepath.Base(name), err, out, &stderr)
	}
	return report, cmd.ProcessState.ExitCode()
}
