//go:build integration

package e2e

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
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
				if status != 1 {
					t.Errorf("%s: exit status %d", filepath.Base(name), status)
				}
				alike(t, filepath.Base(name), again, live)
			}

			onScreen(t, file, live)

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

// alike holds what was replayed against what was live. Live rows stand in the
// order in which captures of several hosts brought them, recorded ones in that of
// time.
func alike(t *testing.T, what string, again, live pathReport) {
	t.Helper()
	lines := func(r pathReport) []string {
		r.Rows = slices.Clone(r.Rows)
		slices.SortFunc(r.Rows, func(a, b row) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Packet, b.Packet)) })
		text, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(text), "\n")
	}
	got, want := lines(again), lines(live)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: line %d is %s, live %s", what, i, got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d lines, live %d", what, len(got), len(want))
	}
}

// onScreen opens the console on a saved path, leaves it, and opens it on the
// packets alone.
func onScreen(t *testing.T, file string, live pathReport) {
	t.Helper()
	there := func(words ...string) *exec.Cmd { return exec.CommandContext(t.Context(), words[1], words[2:]...) }
	d := openWith(t, 160, 45, there, "replay", file)
	d.see("RECORDED")
	sentence, _, _ := strings.Cut(live.Finding.Reason, ";")
	d.see(sentence)
	d.see("lost here")
	d.press("|") // the captures around the loss
	d.see("2 eth1 on cmp2")
	d.press("\x03") // ctrl+c
	d.see("Leave Steth?")
	d.press("y")
	if err := d.term.Wait(10 * time.Second); err != nil {
		t.Errorf("the console: %v", err)
	}

	alone := filepath.Join(t.TempDir(), "alone.pcapng")
	if err := os.Link(file, alone); err != nil {
		t.Fatal(err)
	}
	d = openWith(t, 160, 45, there, "replay", alone)
	d.see("a path shows again where its alone.path.json is")
	d.see("RECORDED")
	d.see("eth1 on cmp2")
	d.see("ICMP echo request")
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
