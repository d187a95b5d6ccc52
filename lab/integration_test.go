//go:build integration

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"steth/lab/scenario"
)

// helper is a small program that a test runs in another process.
func helper(name string, args []string) error {
	switch name {
	case "fetch":
		return fetch(args)
	case "hold":
		return hold(args)
	case "rootless":
		return rootless(args)
	case "conjure":
		return conjured(args)
	}
	return fmt.Errorf("no helper is called %q", name)
}

// start brings a lab up in a directory of its own and ends it with the test.
func start(t *testing.T, opt Options) *Lab {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = Dir(t.TempDir())
	}
	if opt.Progress == nil {
		opt.Progress = func(line string) { t.Log(line) }
	}
	l, err := Up(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// in runs a command at a place of the lab and returns what it printed.
func in(t *testing.T, l *Lab, at Place, argv ...string) string {
	t.Helper()
	line, err := l.Status.Command(at, "/", argv)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, line[0], line[1:]...).CombinedOutput()
	if err != nil {
		t.Errorf("%+v: %v: %v\n%s", at, argv, err, out)
	}
	return string(out)
}

// fetch prints what a URL answers.
func fetch(args []string) error {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(args[0])
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}

// tree are the processes below pid and pid itself, with their start times.
func tree(t *testing.T, pid int) map[int]uint64 {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	parent := map[int]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it just ended
		}
		id, _ := strconv.Atoi(strings.Split(path, "/")[2])
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		parent[id], _ = strconv.Atoi(fields[1])
	}
	out := map[int]uint64{}
	for id := range parent {
		for at := id; at > 1; at = parent[at] {
			if at == pid {
				if start, err := startTime(fmt.Sprintf("/proc/%d/stat", id)); err == nil {
					out[id] = start
				}
				break
			}
		}
	}
	return out
}

// gone waits until none of the processes is left. One that only waits to be
// reaped by this test, its parent, is gone.
func gone(t *testing.T, all map[int]uint64) {
	t.Helper()
	left := maps.Clone(all)
	for deadline := time.Now().Add(3 * time.Second); len(left) > 0 && time.Now().Before(deadline); {
		maps.DeleteFunc(left, func(pid int, start uint64) bool {
			path := fmt.Sprintf("/proc/%d/stat", pid)
			text, _ := os.ReadFile(path)
			now, err := startTime(path)
			return err != nil || now != start || strings.Contains(string(text), ") Z ")
		})
	}
	if len(left) > 0 {
		t.Errorf("%d processes are left of %d: %v", len(left), len(all), left)
	}
}

// clean says that only logs are left in a lab's directory.
func clean(t *testing.T, d Dir) {
	t.Helper()
	entries, err := os.ReadDir(string(d))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "logs" {
			t.Errorf("%s is left in %s", e.Name(), d)
		}
	}
}

// machine is what would be seen on the machine of a lab that isn't apart: links
// with its names, and mounts at its places. Other tests may change the rest
// meanwhile.
func machine(t *testing.T) string {
	t.Helper()
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, l := range links {
		for _, prefix := range []string{"fab-", "mgmt-", "tun-", "ext-", "brq", "vxlan-", "tap", "ns-", "qr-", "qg-", "qbr", "qvb", "qvo", "br-int", "ovs-netdev"} {
			if strings.HasPrefix(l.Attrs().Name, prefix) {
				seen = append(seen, l.Attrs().Name)
			}
		}
	}
	for line := range strings.Lines(string(mounts)) {
		for _, place := range []string{" /run ", " /etc/hosts ", neutronDir, "/run/netns/web1", "/run/netns/net0", "/run/netns/q"} {
			if strings.Contains(line, place) {
				seen = append(seen, strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(seen, "\n")
}

// buildAgent builds the real agent, static as it is shipped.
func buildAgent(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "steth-agent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "steth/cmd/steth-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	return path
}

// eachFlavour runs a test on both, one after the other.
func eachFlavour(t *testing.T, test func(t *testing.T, flavour scenario.Flavour)) {
	t.Helper()
	for _, f := range scenario.Flavours() {
		t.Run(string(f), func(t *testing.T) { test(t, f) })
	}
}

func TestLab(t *testing.T) {
	agent := buildAgent(t)
	eachFlavour(t, func(t *testing.T, flavour scenario.Flavour) { testLab(t, flavour, agent) })
}

func testLab(t *testing.T, flavour scenario.Flavour, agent string) {
	before := machine(t)
	cloud, err := scenario.Load("", flavour)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	l := start(t, Options{Agent: agent, Flavour: flavour})
	took := time.Since(begin)
	t.Logf("up after %v", took)
	if took > 20*time.Second {
		t.Error("that is too long for a demo")
	}
	if l.Status.Flavour != flavour {
		t.Errorf("it is a lab of flavour %s", l.Status.Flavour)
	}
	if after := machine(t); after != before {
		t.Errorf("the machine changed from\n%s\nto\n%s", before, after)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("servers reach each other", func(t *testing.T) {
		for _, to := range cloud.Servers[1:] {
			in(t, l, Place{Server: "web1"}, "ping", "-c1", "-W2", to.Port.Address.String())
		}
	})
	t.Run("addresses are DHCP leases", func(t *testing.T) {
		files := in(t, l, Place{Host: "net0"}, "sh", "-c", "cat "+neutronDir+"/dhcp/*/leases")
		for _, s := range cloud.Servers {
			granted := slices.ContainsFunc(strings.Split(files, "\n"), func(line string) bool {
				f := strings.Fields(line)
				// Neutron writes every port beforehand, with the time 0.
				return len(f) > 2 && f[0] != "0" && f[1] == s.Port.MAC && f[2] == s.Port.Address.String()
			})
			if !granted {
				t.Errorf("%s has no lease in\n%s", s.Name, files)
			}
		}
	})
	t.Run("MTU is the network's", func(t *testing.T) {
		if out := in(t, l, Place{Server: "db1"}, "ip", "link", "show", "eth0"); !strings.Contains(out, "mtu 1450") {
			t.Error(out)
		}
		in(t, l, Place{Server: "db1"}, "ping", "-c1", "-W2", "-M", "do", "-s", "1422", "10.30.0.12")
	})
	t.Run("floating IP", func(t *testing.T) {
		if out := in(t, l, Place{}, self, "helper", "fetch", "http://203.0.113.50/"); !strings.Contains(out, "This is server web1") {
			t.Errorf("the floating IP answers %q", out)
		}
		if out := in(t, l, Place{Server: "web1"}, self, "helper", "fetch", "http://203.0.113.1/"); !strings.Contains(out, "You came from 203.0.113.50:") {
			t.Errorf("its server goes out as %q", out)
		}
		if out := in(t, l, Place{Server: "db2"}, self, "helper", "fetch", "http://203.0.113.1/"); !strings.Contains(out, "You came from 203.0.113.10:") {
			t.Errorf("a server without one goes out as %q", out)
		}
	})
	t.Run("API answers", func(t *testing.T) {
		if out := in(t, l, Place{}, self, "helper", "fetch", authURL); !strings.Contains(out, `"id":"v3.14"`) {
			t.Errorf("Keystone answers %q", out)
		}
	})
	t.Run("wires are what the API tells", func(t *testing.T) { wiresMatch(t, l, cloud) })
	if flavour == scenario.OpenVSwitch {
		t.Run("Open vSwitch", func(t *testing.T) { testSwitch(t, l, cloud) })
		t.Run("security groups", func(t *testing.T) { testGuards(t, l, cloud) })
	}
	t.Run("hosts are apart", func(t *testing.T) {
		if out := in(t, l, Place{Host: "net0"}, "ip", "netns"); strings.Count(out, "qdhcp-") != 2 || strings.Count(out, "qrouter-") != 1 {
			t.Errorf("namespaces of net0: %s", out)
		}
		if out := in(t, l, Place{Host: "cmp1"}, "sh", "-c", "ip netns; hostname"); strings.TrimSpace(out) != "cmp1" {
			t.Errorf("cmp1 sees %q", out)
		}
		if out := in(t, l, Place{Host: "cmp1"}, "ps", "-A", "-o", "args="); strings.Contains(out, "lab guest") || !strings.Contains(out, "steth-agent") {
			t.Errorf("processes of cmp1:\n%s", out)
		}
	})
	t.Run("an agent comes back", func(t *testing.T) {
		at := Place{Host: "cmp2"}
		agent := strings.TrimSpace(in(t, l, at, "pgrep", "-x", "steth-agent"))
		in(t, l, at, "kill", "-9", agent)
		until := func(limit time.Duration, want bool) bool {
			for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
				if strings.Contains(in(t, l, at, "cat", "/proc/net/tcp"), ":25E2 00000000:0000 0A") == want {
					return true
				}
			}
			return false
		}
		if !until(3*time.Second, false) {
			t.Error("its listener stays")
		}
		if !until(2*agentPause, true) {
			t.Error("it doesn't come back")
		}
	})
	t.Run("there is one at a time", func(t *testing.T) {
		_, err := Up(t.Context(), Options{Dir: l.dir, Progress: func(string) {}})
		if !errors.Is(err, ErrRunning) {
			t.Errorf("a second Up() = %v", err)
		}
	})

	processes := tree(t, l.Status.PID)
	fewest := 1 + 3 + 6 + 3 + 2
	if flavour == scenario.OpenVSwitch {
		fewest += 3 * 2
	}
	if len(processes) < fewest {
		t.Errorf("only %d processes", len(processes))
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if s, err := l.dir.Read(); err != nil || s.PID != l.Status.PID {
		t.Errorf("Read() = %+v, %v", s, err)
	}
	if err := Down(l.dir); err != nil {
		t.Error(err)
	}
	gone(t, processes)
	clean(t, l.dir)
	if after := machine(t); after != before {
		t.Error("the machine isn't as it was")
	}
}

func TestKilledLab(t *testing.T) { eachFlavour(t, testKilledLab) }

func testKilledLab(t *testing.T, flavour scenario.Flavour) {
	dir := Dir(t.TempDir())
	l := start(t, Options{Dir: dir, Flavour: flavour})
	processes := tree(t, l.Status.PID)
	if err := l.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	l.cmd.Wait()
	gone(t, processes)
	if _, err := dir.Read(); !errors.Is(err, ErrDown) {
		t.Errorf("Read() of a killed lab = %v", err)
	}
	var said []string
	again := start(t, Options{Dir: dir, Flavour: flavour, Progress: func(line string) { said = append(said, line) }})
	if len(said) == 0 || !strings.Contains(said[0], "cleaning up") {
		t.Errorf("the next lab says %q", said)
	}
	in(t, again, Place{Server: "web1"}, "ping", "-c1", "-W2", "10.30.0.12")
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	clean(t, dir)
}

// hold brings a lab up, says its process id and keeps it until it is killed.
func hold(args []string) error {
	l, err := Up(context.Background(), Options{Dir: Dir(args[0]), Flavour: scenario.Flavour(args[1]), Progress: func(string) {}})
	if err != nil {
		return err
	}
	fmt.Println(l.Status.PID)
	select {}
}

func TestKilledStarter(t *testing.T) { eachFlavour(t, testKilledStarter) }

func testKilledStarter(t *testing.T, flavour scenario.Flavour) {
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe", "helper", "hold", dir, string(flavour))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	processes := tree(t, pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	gone(t, processes)
	if len(processes) < 10 {
		t.Errorf("only %d processes", len(processes))
	}
}

func TestLifetime(t *testing.T) {
	l := start(t, Options{Lifetime: 3 * time.Second})
	processes := tree(t, l.Status.PID)
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	p, err := l.dir.find()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if !p.wait(10_000) {
		t.Fatal("the lab outlives its lifetime")
	}
	gone(t, processes)
	for _, name := range []string{l.dir.PKI(), l.dir.Config(), l.dir.status(), l.dir.record()} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

func TestTwoLabs(t *testing.T) {
	first, second := start(t, Options{Flavour: scenario.OpenVSwitch}), start(t, Options{Flavour: scenario.OpenVSwitch})
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	in(t, second, Place{Server: "web1"}, "ping", "-c1", "-W2", "10.30.0.12")
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestAgentThatFails(t *testing.T) {
	agent := filepath.Join(t.TempDir(), "steth-agent")
	if err := os.WriteFile(agent, []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := Dir(t.TempDir())
	_, err := Up(t.Context(), Options{Dir: dir, Agent: agent, Progress: func(string) {}})
	if err == nil || !strings.Contains(err.Error(), "ended before it listened (exit status 3)") {
		t.Errorf("Up() = %v", err)
	}
	clean(t, dir)
}

func TestSwitchThatFails(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "ovs-vswitchd"), []byte("#!/bin/sh\necho no memory\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	dir := Dir(t.TempDir())
	_, err := Up(t.Context(), Options{Dir: dir, Progress: func(string) {}})
	if err == nil || !strings.Contains(err.Error(), "start Open vSwitch, which --flavour linuxbridge does without: ovs-vswitchd: exit status 3: no memory") {
		t.Errorf("Up() = %v", err)
	}
	clean(t, dir)
}

// rootless brings a lab up and down as a user without rights.
func rootless(args []string) error {
	if _, err := Up(context.Background(), Options{Dir: Dir(args[0]), Flavour: scenario.OpenVSwitch, Progress: func(string) {}}); err == nil || !strings.Contains(err.Error(), "only root can run") {
		return fmt.Errorf("Open vSwitch without root: %w", err)
	}
	var said []string
	l, err := Up(context.Background(), Options{Dir: Dir(args[0]), Progress: func(line string) { said = append(said, line) }})
	if err != nil {
		return err
	}
	if want := "flavour linuxbridge: only root can run Open vSwitch"; !strings.HasPrefix(said[0], want) {
		return errors.Join(fmt.Errorf("it says %q", said[0]), l.Close())
	}
	line, err := l.Status.Command(Place{Server: "web1"}, "/", []string{"sh", "-c", "ping -c1 -W2 10.30.0.12 && ping -c1 -W2 203.0.113.1"})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return errors.Join(err, l.Close())
}

func TestRootless(t *testing.T) {
	if err := checkUserNamespaces("/proc/sys"); err != nil {
		t.Skip(err)
	}
	const user = 54321 // nobody's
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("steth-rootless-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, user, user); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "helper", "rootless", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	if out, err := cmd.CombinedOutput(); err != nil {
		logs, _ := exec.Command("sh", "-c", "tail "+dir+"/logs/*").CombinedOutput()
		t.Errorf("%v: %s\n%s", err, out, logs)
	}
	clean(t, Dir(dir))
}

// conjured makes a directory appear in a mount namespace of its own.
func conjured(args []string) error {
	dir := filepath.Join(args[0], "new")
	if err := detach(); err != nil {
		return err
	}
	if err := conjure(dir); err != nil {
		return err
	}
	if err := scratch(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		return err
	}
	for name, want := range map[string]string{"old/file": "inside", "file": "beside", "link": "beside"} {
		if got, err := os.ReadFile(filepath.Join(args[0], name)); err != nil || string(got) != want {
			return fmt.Errorf("%s holds %q, %w", name, got, err)
		}
	}
	return nil
}

func TestConjure(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "old"), 0o700),
		os.WriteFile(filepath.Join(dir, "old", "file"), []byte("inside"), 0o600),
		os.WriteFile(filepath.Join(dir, "file"), []byte("beside"), 0o600),
		os.Symlink("file", filepath.Join(dir, "link")),
	); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "helper", "conjure", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("outside there are %v", entries)
	}
}
