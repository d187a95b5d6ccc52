//go:build integration

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPathInput asks for paths that are odd, or that can't be followed.
func TestPathInput(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ovs")
	web1, floating := r.ports["web1"], ""
	for _, p := range r.all {
		if p["owner"] == "network:floatingip" {
			floating = p["id"]
		}
	}
	for name, c := range map[string]struct {
		user   string
		args   []string
		status int
		says   string
	}{
		"the same port twice":                 {"admin", []string{"--port", "web1", "--to", web1["id"]}, 2, "a path needs two ports"},
		"a name of nobody":                    {"admin", []string{"--port", "web1", "--to", "fd00::5"}, 2, `no port "fd00::5"`},
		"a name of two":                       {"admin", []string{"--port", "dhcp"}, 2, "could be 2 ports"},
		"the port of a floating IP":           {"admin", []string{"--port", floating}, 0, "web1 -> outside"},
		"its own port and its floating IP's":  {"admin", []string{"--port", "web1", "--to", floating}, 2, "a path needs two ports"},
		"an account that sees no binding":     {"demo", []string{"--port", "web1", "--to", "web2"}, 2, "the account may not see where port " + web1["id"][:8] + " is bound"},
		"a filter that is none":               {"admin", []string{"--port", "web1", "--to", "web2", "--filter", "tpc port 80"}, 2, "does not compile"},
		"a filter that opens a file":          {"admin", []string{"--port", "web1", "--to", "web2", "--filter", "-r /etc/passwd"}, 2, "does not compile"},
		"a network that has no way to theirs": {"admin", []string{"--port", "web1", "--to", "edge ext"}, 0, "edge ext"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			argv := append([]string{"-u", c.user, "--", filepath.Join(bin, "steth"), "path", "--seconds", "1"}, c.args...)
			cmd := r.exec(t.Context(), argv...)
			cmd.Stdout, cmd.Stderr = &out, &out
			_ = cmd.Run() // its exit status is looked at
			if status := cmd.ProcessState.ExitCode(); status != c.status || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit status %d, want %d; it said, without %q:\n%s", status, c.status, c.says, out.String())
			}
		})
	}
	t.Run("two servers on one host", func(t *testing.T) {
		before := r.echoes(t, "db1")
		report, status := r.follow(t, func() {
			r.ping(t, "db1", r.ports["jobs1"]["ip"], 20)
			r.answered(t, "db1", before)
		}, "--port", "db1", "--to", "jobs1", "--follow", "icmp")
		if status != 0 || report.Finding.Code != "delivered" || len(report.Rows) != 40 || len(report.Hops) != 3 {
			t.Errorf("exit status %d, %s, %d rows, %d hops", status, report.Finding.Code, len(report.Rows), len(report.Hops))
		}
	})
	t.Run("IPv6", func(t *testing.T) {
		for _, server := range []string{"db1", "db2"} {
			output(t, r.exec(t.Context(), "-g", server, "--", "sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"))
		}
		peer := strings.Fields(output(t, r.exec(t.Context(), "-g", "db2", "--", "ip", "-6", "-br", "addr", "show", "dev", "eth0")))[2]
		peer, _, _ = strings.Cut(peer, "/")
		r.ping(t, "db1", peer+"%eth0", 2) // the flow is known after it
		report, status := r.follow(t, func() {
			r.ping(t, "db1", peer+"%eth0", 20)
			until(t, "a second has passed", 5*time.Second, passed(time.Second))
		}, "--port", "db1", "--to", "db2", "--follow", "icmp")
		echoes := 0
		for _, row := range report.Rows {
			if strings.Contains(row.Packet, "ICMP6") && strings.Contains(row.Packet, "echo") {
				echoes++
			}
			if row.Verdict != "delivered" {
				t.Errorf("%s is %s", row.Packet, row.Verdict)
			}
		}
		if status != 0 || report.Finding.Code != "delivered" || echoes != 40 {
			t.Errorf("exit status %d, %s, %d echoes: %+v", status, report.Finding.Code, echoes, report.Rows[:min(3, len(report.Rows))])
		}
	})
	t.Run("a filter that matches nothing", func(t *testing.T) {
		report, status := r.follow(t, func() {
			r.ping(t, "web1", r.ports["web2"]["ip"], 500, "-i", "0.01") // longer than anybody waits for a packet
		}, "--port", "web1", "--to", "web2", "--filter", "tcp port 9")
		note := strings.Join(report.Notes, " ")
		if status != 0 || report.Finding.Code != "nothing-seen" || !strings.Contains(note, "Nothing that fits passed in 5s; without the filter 1 tap") || !strings.Contains(note, "ICMP") {
			t.Errorf("exit status %d, %s, notes %q", status, report.Finding.Code, report.Notes)
		}
	})
}

// TestPathWithoutAnAgent has one host whose agent does not answer, in three ways.
// Its hops say so, the others are watched at once, and nothing is blamed on what
// is not seen.
func TestPathWithoutAnAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ovs")
	agent := `for p in /proc/[0-9]*; do if [ "$(cat $p/comm 2>/dev/null)" = steth-agent ]; then kill -%s ${p#/proc/}; fi; done`
	for name, c := range map[string]struct{ fault, mend, says string }{
		"packets to it vanish": {
			"nft add table inet fault; nft add chain inet fault f '{ type filter hook input priority 0; }'; nft add rule inet fault f tcp dport 9698 drop",
			"nft delete table inet fault", "answer",
		},
		"it is refused": {
			"nft add table inet fault; nft add chain inet fault f '{ type filter hook input priority 0; }'; nft add rule inet fault f tcp dport 9698 reject with tcp reset",
			"nft delete table inet fault", "refused",
		},
		"it hangs": {fmt.Sprintf(agent, "STOP"), fmt.Sprintf(agent, "CONT"), "answer"},
	} {
		t.Run(name, func(t *testing.T) {
			r.sh(t, "cmp2", c.fault)
			defer r.sh(t, "cmp2", c.mend)
			asked, waited := time.Now(), time.Duration(0)
			report, status := r.follow(t, func() {
				waited = time.Since(asked)
				r.ping(t, "web1", r.ports["web2"]["ip"], 100, "-i", "0.01")
				until(t, "its host is given up", 10*time.Second, func() bool { return time.Since(asked) > 5*time.Second || name == "it is refused" })
			}, "--port", "web1", "--to", "web2", "--follow", "icmp")
			if status != 0 || report.Finding.Code != "delivered" {
				t.Errorf("exit status %d, %s", status, report.Finding.Code)
			}
			for _, h := range report.Hops {
				switch {
				case h.Seen != "packets":
				case h.Host == "cmp1" && (h.State != "ended" || h.Out != 100):
					t.Errorf("hop %d %s on %s: %s, %d out", h.Index, h.Device, h.Host, h.State, h.Out)
				case h.Host == "cmp2" && (h.State != "unseen" || !strings.Contains(h.StateReason, c.says)):
					t.Errorf("hop %d %s on %s: %s, %q", h.Index, h.Device, h.Host, h.State, h.StateReason)
				}
			}
			if waited > 2500*time.Millisecond { // it says whom it waits for after a second of watching
				t.Errorf("the hosts that answer are watched after %v", waited)
			}
		})
	}
}

// TestPathDeviceGone takes a device away in the middle.
func TestPathDeviceGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ovs")
	r.acquaint(t, "web1", "web2")
	r.acquaint(t, "web1", "cache1")
	for _, c := range []struct {
		server, device string
		status         int
		code           string
	}{
		// The last hop: nobody sees any more whether packets arrive.
		{"web2", "tap", 0, "not-followed"},
		// Two in the middle: what they don't hand on is lost, and they aren't accused.
		{"cache1", "qvb", 1, "lost"},
	} {
		t.Run(c.device, func(t *testing.T) {
			b := r.ports[c.server]
			report, status := r.follow(t, func() {
				before := r.echoes(t, "web1")
				r.ping(t, "web1", b["ip"], 20)
				r.answered(t, "web1", before)
				r.sh(t, "cmp2", "ip link delete "+c.device+b["id"][:11])
				until(t, "the agent has noticed", 5*time.Second, passed(1500*time.Millisecond))
				r.ping(t, "web1", b["ip"], 20)
				settle(t)
			}, "--port", "web1", "--to", b["id"], "--follow", "icmp")
			if status != c.status || report.Finding.Code != c.code || !strings.Contains(report.Finding.Reason, "disappeared") {
				t.Errorf("exit status %d, %s", status, report.Finding.Code)
			}
			broken := report.hop(t, "cmp2", c.device)
			if h := report.Hops[broken-1]; h.State != "broken" || !strings.Contains(h.StateReason, "disappeared") {
				t.Errorf("%s is %s: %s", h.Device, h.State, h.StateReason)
			}
			from, to := report.hop(t, "cmp2", "eth1"), report.hop(t, "cmp2", "qbr")
			for _, row := range report.Rows {
				if row.Verdict == "lost" && (c.code != "lost" || row.LostAfter != from || row.LostBefore != to) {
					t.Errorf("%s is lost between %d and %d", row.Packet, row.LostAfter, row.LostBefore)
				}
			}
		})
	}
}

// TestPathStartsAtOnce: the first packet is there 300 ms after the path was asked
// for, and so is one that every hop has seen. The machine may be busy, so the
// best of several counts.
func TestPathStartsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ovs")
	ctx, cancel := context.WithCancel(t.Context())
	ping := r.exec(ctx, "-g", "web1", "--", "ping", "-q", "-w", "30", "-i", "0.005", r.ports["web2"]["ip"])
	if err := ping.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = ping.Wait() // killed
	}()
	const soon = 300 * time.Millisecond
	first, whole := time.Hour, time.Hour
	for range 6 {
		report, _ := r.follow(t, func() {}, "--port", "web1", "--to", "web2", "--follow", "icmp")
		for _, row := range report.Rows {
			after := row.Time.Sub(report.Finding.Started)
			first = min(first, after)
			if !slices.ContainsFunc(row.Marks, func(m mark) bool { return m.Mark != "first" && m.Mark != "seen" && m.Mark != "blind" }) {
				whole = min(whole, after)
			}
		}
		if first < soon && whole < soon {
			break
		}
	}
	t.Logf("first packet after %v, at every hop after %v", first, whole)
	if first > soon || whole > soon {
		t.Errorf("first packet after %v, at every hop after %v; both within %v are wanted", first, whole, soon)
	}
}

// TestPathClocks has hosts whose clocks are seconds apart: what is measured of
// them is taken off, and rows, delays and losses are as on one clock.
func TestPathClocks(t *testing.T) {
	t.Parallel()
	agent, err := filepath.Abs(filepath.Join(bin, "steth-agent"))
	if err != nil {
		t.Fatal(err)
	}
	late := filepath.Join(t.TempDir(), "agent")
	script := `#!/bin/sh
case "$*" in
*"--node cmp1 "*) exec ` + agent + ` --clock-offset -2300ms "$@";;
*"--node cmp2 "*) exec ` + agent + ` --clock-offset 4100ms "$@";;
esac
exec ` + agent + ` "$@"
`
	if err := os.WriteFile(late, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, "ovs", "--agent", late)
	r.acquaint(t, "web1", "web2")
	path := []string{"--port", "web1", "--to", "web2", "--follow", "icmp"}
	report, status := r.lossless(t, "web1", r.ports["web2"]["ip"], 100, path...)
	healthy(t, report, status, 100)
	// One clock or three, a row is no longer than the ping took.
	longest := time.Duration(0)
	for _, row := range report.Rows {
		for _, m := range row.Marks {
			longest = max(longest, m.Delay)
		}
	}
	if longest > time.Second {
		t.Errorf("a packet took %v", longest)
	}
	fabric := fabricEdges[slices.IndexFunc(fabricEdges, func(e edge) bool { return e.only == 3 })]
	r.sh(t, "", fabric.fault)
	var got echoes
	report, status = r.follow(t, func() {
		before := r.echoes(t, "web1")
		r.ping(t, "web1", r.ports["web2"]["ip"], 60)
		settle(t)
		got = r.echoes(t, "web1").since(before)
	}, path...)
	for _, p := range fabric.check(t, report, status, got) {
		t.Error(p)
	}
}
