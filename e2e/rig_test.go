//go:build integration

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rig is a lab of a test's own, so that tests with faults can run side by side.
// Its servers send nothing by themselves: what a path shows is what the test
// sent.
type rig struct {
	dir   string
	all   []object          // ports
	ports map[string]object // of servers, by name
}

var everySeconds = regexp.MustCompile(`(?m)^(  (ping|http|dns|outside):).*$`)

// newRig brings a lab up. More are arguments of `steth lab up`.
func newRig(t *testing.T, flavour string, more ...string) *rig {
	t.Helper()
	r := &rig{dir: filepath.Join(t.TempDir(), "lab"), ports: map[string]object{}}
	cloud, err := os.ReadFile("../lab/scenario/default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	quiet := filepath.Join(t.TempDir(), "quiet.yaml")
	if err := os.WriteFile(quiet, everySeconds.ReplaceAll(cloud, []byte("$1 0s")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(filepath.Join(bin, "steth"), "lab", "down", "--dir", r.dir).CombinedOutput(); err != nil {
			t.Errorf("lab down: %v\n%s", err, out)
		}
	})
	args := append([]string{"lab", "up", "--dir", r.dir, "--flavour", flavour, "--scenario", quiet, "--lifetime", "10m"}, more...)
	if out, err := exec.Command(filepath.Join(bin, "steth"), args...).CombinedOutput(); err != nil {
		t.Fatalf("lab up: %v\n%s", err, out)
	}
	var all []object
	text := output(t, r.steth(t.Context(), "ports", "-f", "json"))
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	r.all = all
	for _, p := range all {
		if strings.HasPrefix(p["owner"], "compute:") {
			r.ports[p["name"]] = p
		}
	}
	return r
}

// exec is a command inside the lab: args as `steth lab exec` takes them.
func (r *rig) exec(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, filepath.Join(bin, "steth"), append([]string{"lab", "exec", "--dir", r.dir}, args...)...)
}

// steth is the program under test, run inside the lab.
func (r *rig) steth(ctx context.Context, args ...string) *exec.Cmd {
	return r.exec(ctx, append([]string{"--", filepath.Join(bin, "steth")}, args...)...)
}

// sh runs a script on a host, or, with "", outside of all.
func (r *rig) sh(t *testing.T, host, script string) string {
	t.Helper()
	args := []string{"--", "sh", "-ec", script}
	if host != "" {
		args = append([]string{"-h", host}, args...)
	}
	return output(t, r.exec(t.Context(), args...))
}

// acquaint gives two servers of one network each other's MAC address for good,
// so that no ARP stands between them when a path is broken for long.
func (r *rig) acquaint(t *testing.T, a, b string) {
	t.Helper()
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		far := r.ports[pair[1]]
		output(t, r.exec(t.Context(), "-g", pair[0], "--", "ip", "neigh", "replace", far["ip"], "lladdr", far["mac"], "dev", "eth0", "nud", "permanent"))
	}
}

// echoes are how many echo requests a server sent and how many replies it got.
type echoes struct{ sent, received int }

func (e echoes) since(before echoes) echoes {
	return echoes{e.sent - before.sent, e.received - before.received}
}

// echoes reads a server's counters: ping's own have no patience with replies
// that a busy machine brings late.
func (r *rig) echoes(t *testing.T, server string) (e echoes) {
	t.Helper()
	var names []string
	for line := range strings.Lines(output(t, r.exec(t.Context(), "-g", server, "--", "cat", "/proc/net/snmp"))) {
		words, ok := strings.CutPrefix(line, "Icmp: ")
		switch values := strings.Fields(words); {
		case !ok:
		case names == nil:
			names = values
		default:
			for i, name := range names {
				switch n, _ := strconv.Atoi(values[i]); name {
				case "OutEchos":
					e.sent = n
				case "InEchoReps":
					e.received = n
				}
			}
		}
	}
	return e
}

// ping has a server send echo requests; args are further ones of ping's.
func (r *rig) ping(t *testing.T, from, to string, count int, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	argv := append([]string{"-g", from, "--", "ping", "-q", "-c", strconv.Itoa(count), "-i", "0.003", "-W", "0.1"}, args...)
	cmd := r.exec(ctx, append(argv, to)...)
	if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != 1 { // which is of pings that are lost
		t.Fatalf("ping: %v\n%s", err, out)
	}
}

// answered waits until a server has got as many replies as it sent requests.
func (r *rig) answered(t *testing.T, server string, before echoes) {
	t.Helper()
	until(t, "all pings are answered", 10*time.Second, func() bool {
		e := r.echoes(t, server).since(before)
		return e.sent > 0 && e.sent == e.received
	})
}

// follow runs `steth path` while f does something, and returns what it said and
// its exit status.
func (r *rig) follow(t *testing.T, f func(), args ...string) (pathReport, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// Its process id in the lab comes first: only it is to be interrupted, not
	// the programs that have led into the lab and tell its exit status.
	argv := append([]string{"--", "sh", "-c", `echo "pid $$" >&2; exec "$@"`, "sh", filepath.Join(bin, "steth"), "path", "--seconds", "60", "-f", "json"}, args...)
	cmd := r.exec(ctx, argv...)
	var out bytes.Buffer
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid, said := "", []string{}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said = append(said, lines.Text())
		if text, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			pid = text
		}
		if strings.Contains(lines.Text(), "hops are watched") {
			break
		}
	}
	f()
	if err := r.exec(ctx, "--", "kill", "-INT", pid).Run(); err != nil {
		t.Errorf("interrupt steth path: %v", err)
	}
	rest, _ := io.ReadAll(stderr)
	_ = cmd.Wait() // its exit status is for the caller
	var report pathReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("steth path: %v\n%s\n%s%s", err, out.String(), strings.Join(said, "\n"), rest)
	}
	t.Logf("%s %s: %s", report.Finding.Verdict, report.Finding.Code, report.Finding.Reason)
	return report, cmd.ProcessState.ExitCode()
}

// lossless follows a path without fault while a server pings, and returns what
// was said of a run in which every ping was answered. A busy machine's Open
// vSwitch does lose a packet now and then: then as many must be said to be lost
// as the server missed, and it's tried again.
func (r *rig) lossless(t *testing.T, server, to string, count int, args ...string) (pathReport, int) {
	t.Helper()
	for range 4 {
		var got echoes
		report, status := r.follow(t, func() {
			before := r.echoes(t, server)
			r.ping(t, server, to, count)
			given := passed(3 * time.Second)
			until(t, "pings are answered or lost", 10*time.Second, func() bool {
				got = r.echoes(t, server).since(before)
				return got.sent > 0 && got.sent == got.received || given()
			})
		}, args...)
		if got.sent == got.received {
			return report, status
		}
		lost := 0
		for _, row := range report.Rows {
			if row.Verdict == "lost" {
				lost++
			}
		}
		if lost != got.sent-got.received {
			t.Errorf("%d of %d pings were not answered, and %d packets are said to be lost", got.sent-got.received, got.sent, lost)
		}
		t.Logf("the machine has lost %d of %d pings", got.sent-got.received, got.sent)
	}
	t.Fatal("the machine loses packets again and again")
	return pathReport{}, 0
}

// settle waits until what was sent until now and has not come is known to be
// lost: a second after it was seen, and captures tell once a second up to when
// they have seen all.
func settle(t *testing.T) {
	t.Helper()
	until(t, "packets have settled", 5*time.Second, passed(2300*time.Millisecond))
}

// place is a device of a host, by how its name begins.
type place struct{ host, device string }

func (p place) String() string { return fmt.Sprintf("%s… on %s", p.device, p.host) }
