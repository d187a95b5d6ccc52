//go:build integration

package e2e

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// footprint is what tools leave traces in on one host: processes, packet
// sockets and listeners, as /proc shows them.
type footprint struct {
	processes string // names of all processes, sorted
	rings     int    // packet sockets of every namespace
	listeners int
}

const footprintScript = `
cat /proc/[0-9]*/comm 2>/dev/null | sort | tr '\n' ' '; echo
for p in /proc/[0-9]*; do n=$(readlink $p/ns/net) && case " $seen " in *" $n "*) ;; *) seen="$seen $n"; cat $p/net/packet;; esac; done 2>/dev/null | grep -vc sk
cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "0A"' | wc -l
`

func look(t *testing.T, host string) footprint {
	t.Helper()
	lines := strings.Split(output(t, inLab(t.Context(), "-h", host, "--", "sh", "-c", footprintScript)), "\n")
	var f footprint
	f.processes = strings.Join(slices.DeleteFunc(strings.Fields(lines[0]), func(s string) bool {
		return slices.Contains([]string{"sh", "cat", "sort", "tr", "nsenter"}, s) // ours, just now
	}), " ")
	if _, err := fmt.Sscan(lines[1], &f.rings); err != nil {
		t.Fatalf("%s: %v in %q", host, err, lines)
	}
	if _, err := fmt.Sscan(lines[2], &f.listeners); err != nil {
		t.Fatalf("%s: %v in %q", host, err, lines)
	}
	return f
}

var hosts = []string{"net0", "cmp1", "cmp2"}

func lookAll(t *testing.T) map[string]footprint {
	t.Helper()
	out := map[string]footprint{}
	for _, h := range hosts {
		out[h] = look(t, h)
	}
	return out
}

// console starts steth inside the lab and returns its process id there.
func console(t *testing.T, args ...string) (pid string) {
	t.Helper()
	quoted := filepath.Join(bin, "steth")
	for _, a := range args {
		quoted += " '" + a + "'"
	}
	cmd := inLab(t.Context(), "--", "sh", "-c", "echo $$; exec "+quoted+" >/dev/null 2>&1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // killed on purpose
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func kill(t *testing.T, args ...string) {
	t.Helper()
	if out, err := inLab(t.Context(), args...).CombinedOutput(); err != nil {
		t.Fatalf("kill: %v: %s", err, out)
	}
}

// load starts captures on two hosts, a long ping and an iperf, each from a
// console of its own, and waits until all of them show on the hosts.
func load(t *testing.T) (pids []string) {
	t.Helper()
	a, b := pair(t)
	pids = []string{
		console(t, "capture", "--port", a["id"], "-w", "/dev/null"),
		console(t, "capture", "--port", b["id"], "-w", "/dev/null"),
		console(t, "probe", "run", "l3.ping", "--port", a["id"], "--set", "count=1000"),
		console(t, "probe", "run", "bw.tcp", "--node", "cmp1", "--set", "to=cmp2", "--set", "seconds=60", "--set", "limit=10M", "--rw"),
	}
	until(t, "captures, ping and iperf run", 15*time.Second, func() bool {
		f := lookAll(t)
		return f["cmp1"].rings > 0 && f["cmp2"].rings > 0 && strings.Contains(f["net0"].processes+f["cmp1"].processes+f["cmp2"].processes, "ping") &&
			strings.Contains(f["cmp1"].processes, "iperf3") && strings.Contains(f["cmp2"].processes, "iperf3")
	})
	return pids
}

// TestKilledConsoleLeavesNothing kills consoles in the middle of everything.
func TestKilledConsoleLeavesNothing(t *testing.T) {
	before := lookAll(t)
	pids := load(t)
	kill(t, append([]string{"--", "kill", "-9"}, pids...)...)
	until(t, "the hosts are as they were", 3*time.Second, func() bool {
		for _, h := range hosts {
			if look(t, h) != before[h] {
				return false
			}
		}
		return true
	})
}

// TestKilledAgentLeavesNothing kills an agent in the middle of everything.
func TestKilledAgentLeavesNothing(t *testing.T) {
	before := look(t, "cmp1")
	pids := load(t)
	kill(t, "-h", "cmp1", "--", "sh", "-c", `for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = steth-agent ] && kill -9 ${p#/proc/}; done; true`)
	gone := strings.TrimSpace(strings.Replace(" "+before.processes+" ", " steth-agent ", " ", 1))
	until(t, "no process and no ring of the agent is left", 3*time.Second, func() bool {
		f := look(t, "cmp1")
		return strings.TrimSpace(f.processes) == gone && f.rings == before.rings && f.listeners < before.listeners
	})
	// Consoles that needed the agent have ended by themselves by now.
	_ = inLab(t.Context(), append([]string{"--", "kill", "-9"}, pids...)...).Run()
	if out, err := exec.Command(filepath.Join(bin, "steth"), "lab", "down").CombinedOutput(); err != nil {
		t.Fatalf("lab down: %v\n%s", err, out)
	}
	if out, err := exec.Command(filepath.Join(bin, "steth"), "lab", "up", "--lifetime", "20m").CombinedOutput(); err != nil {
		t.Fatalf("lab up: %v\n%s", err, out)
	}
}
