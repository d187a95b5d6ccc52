package lab

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml"

	"steth/internal/config"
	"steth/lab/scenario"
)

func TestStageReadsItsOwnCommandLine(t *testing.T) {
	s := stage{name: "host", subject: "net0", dir: "/d", flavour: "ovs", agent: "/a b", life: 42, rootless: true}
	argv := s.argv()
	if !slices.Equal(argv[:3], []string{"steth", "lab", "host"}) || !slices.Contains(argv, "/a b") || !slices.Contains(argv, "ovs") {
		t.Errorf("argv() = %q", argv)
	}
	if err := Stage(t.Context(), argv[2:]); err == nil || !strings.Contains(err.Error(), "started by `steth lab up` alone") {
		t.Errorf("Stage() outside of a lab = %v", err)
	}
}

func TestStartTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stat")
	// From a kernel 6.1; the name holds what proc(5) warns of.
	text := "4242 (a b) c) S 1 4242 4242 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 7 0 987654 1 2 18446744073709551615 0\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := startTime(path); got != 987654 || err != nil {
		t.Errorf("startTime() = %d, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("1 (x) S"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := startTime(path); err == nil {
		t.Error("a short file is taken")
	}
}

func TestListening(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0A00620A:25E2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000 100 0 0 10 0
   1: 0B00620A:25E2 0100620A:D431 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0000000000000000 20 4 30 10 -1
`
	if !listening(table, netip.MustParseAddrPort("10.98.0.10:9698")) {
		t.Error("the listener isn't seen")
	}
	if listening(table, netip.MustParseAddrPort("10.98.0.11:9698")) {
		t.Error("a connection is taken for a listener")
	}
}

func TestUserNamespacesShut(t *testing.T) {
	tests := map[string]struct{ file, value, want string }{
		"open":     {"user/max_user_namespaces", "96365", ""},
		"none":     {"user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"},
		"Debian":   {"kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		"AppArmor": {"kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, tt.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(tt.value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := checkUserNamespaces(root)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("checkUserNamespaces() = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestMissingPrograms(t *testing.T) {
	dir := t.TempDir()
	for _, p := range programs {
		if p.name == "dnsmasq" || p.name == "ping" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, p.name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := checkPrograms("the lab", programs[:], dir)
	if want := "the lab needs dnsmasq, ping: apt-get install dnsmasq-base iputils-ping"; err == nil || err.Error() != want {
		t.Errorf("checkPrograms() = %v, want %q", err, want)
	}
}

func TestChooseFlavour(t *testing.T) {
	all := t.TempDir()
	for _, p := range switchPrograms {
		if err := os.WriteFile(filepath.Join(all, p.name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tun := filepath.Join(t.TempDir(), "tun")
	if err := os.WriteFile(tun, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		rootless  bool
		path, tun string
		want      string // of why there is no Open vSwitch
	}{
		"all is there": {false, all, tun, ""},
		"no root":      {true, all, tun, "only root can run Open vSwitch"},
		"no programs":  {false, t.TempDir(), tun, "Open vSwitch needs ovs-ofctl, ovs-vsctl, ovs-vswitchd, ovsdb-server, ovsdb-tool: apt-get install openvswitch-common openvswitch-switch"},
		"no device":    {false, all, tun + "2", "need a device that doesn't open"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := checkSwitch(tt.rootless, tt.path, tt.tun)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("checkSwitch() = %v, want %q in it", err, tt.want)
			}
		})
	}
	got, err := chooseFlavour("", true, all)
	if err != nil || got.Flavour != scenario.LinuxBridge || got.String() != "flavour linuxbridge: only root can run Open vSwitch, for its internal ports" {
		t.Errorf("without root: %q, %v", got, err)
	}
	if _, err := chooseFlavour(scenario.OpenVSwitch, true, all); err == nil || !strings.Contains(err.Error(), "flavour ovs: only root can run Open vSwitch") {
		t.Errorf("Open vSwitch without root: %v", err)
	}
	if got, err := chooseFlavour(scenario.LinuxBridge, false, all); err != nil || got.String() != "flavour linuxbridge" {
		t.Errorf("what is asked for: %q, %v", got, err)
	}
}

func TestExplainStart(t *testing.T) {
	if err := explainStart(syscall.EPERM, true); !strings.Contains(err.Error(), "start the lab as root") || !errors.Is(err, syscall.EPERM) {
		t.Errorf("without root: %v", err)
	}
	if err := explainStart(syscall.EPERM, false); !strings.Contains(err.Error(), "--privileged") {
		t.Errorf("as root: %v", err)
	}
}

func TestCommand(t *testing.T) {
	s := Status{PID: 77, Hosts: []Member{{Name: "cmp1", PID: 8}}, Servers: []Member{{Name: "web1", PID: 9}}}
	tests := map[string]struct {
		at       Place
		rootless bool
		want     string
	}{
		"outer":  {Place{}, false, "nsenter --target 77 --mount --net --pid --uts --ipc -- sh"},
		"user":   {Place{}, true, "nsenter --target 77 --user --preserve-credentials --mount --net --pid --uts --ipc -- sh"},
		"host":   {Place{Host: "cmp1"}, false, "nsenter --target 77 --mount --net --pid --uts --ipc -- nsenter --target 8 --mount --net --pid --uts --ipc -- sh"},
		"server": {Place{Server: "web1"}, false, "nsenter --target 77 --mount --net --pid --uts --ipc -- nsenter --target 9 --net --uts -- sh"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s.Rootless = tt.rootless
			line, err := s.Command(tt.at, "/tmp", []string{"echo", "$(reboot)"})
			if err != nil || !strings.HasPrefix(strings.Join(line, " "), tt.want) {
				t.Errorf("Command() = %q, %v", line, err)
			}
			if n := len(line); line[n-1] != "$(reboot)" || line[n-2] != "echo" || line[n-3] != "/tmp" {
				t.Errorf("the command isn't whole at the end of %q", line)
			}
		})
	}
	for _, at := range []Place{{Host: "web1"}, {Server: "cmp1"}, {Host: "cmp1", Server: "web1"}} {
		if line, err := s.Command(at, "/", []string{"true"}); err == nil {
			t.Errorf("Command(%+v) = %q", at, line)
		}
	}
}

func TestFilesForTheUser(t *testing.T) {
	cloud, err := scenario.Load("", scenario.OpenVSwitch)
	if err != nil {
		t.Fatal(err)
	}
	dir := Dir(t.TempDir())
	if err := dir.write(Options{Dir: dir}, cloud); err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadConsole(dir.Config(), func(string) string { return "" })
	if err != nil || c.PKI != dir.PKI() || c.Nodes["cmp2"] != "10.98.0.12" || len(c.Nodes) != 3 {
		t.Errorf("the console reads %+v, %v", c, err)
	}
	text, err := os.ReadFile(dir.clouds())
	if err != nil {
		t.Fatal(err)
	}
	var clouds struct {
		Clouds map[string]struct {
			Auth map[string]string `yaml:"auth"`
		} `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &clouds); err != nil {
		t.Fatal(err)
	}
	if got := clouds.Clouds["demo"].Auth["project_name"]; got != "shop" {
		t.Errorf("demo's project is %q", got)
	}
	if got := clouds.Clouds["demo-credential"].Auth["application_credential_id"]; got != cloud.Users[1].Credential.ID {
		t.Errorf("demo's credential is %q", got)
	}
	env, err := dir.Environ([]string{"OS_CLOUD=other", "STETH_CONFIG=/x", "PATH=/usr/bin", "TERM=xterm"}, "demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OS_USERNAME=demo", "OS_PROJECT_NAME=shop", "STETH_CONFIG=" + dir.Config(), "TERM=xterm", "PATH=/usr/bin:/usr/local/sbin:/usr/sbin:/sbin"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is not in %q", want, env)
		}
	}
	if slices.Contains(env, "OS_CLOUD=other") {
		t.Error("another cloud's variables stay")
	}
	if _, err := dir.Environ(nil, "nobody"); err == nil || !strings.Contains(err.Error(), "there are admin, demo") {
		t.Errorf("Environ() of an unknown user = %v", err)
	}
}

func TestDirectories(t *testing.T) {
	for _, d := range []Dir{"relative", "/run/steth", "/proc/steth"} {
		if err := d.prepare(); err == nil {
			t.Errorf("%s is taken", d)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := Dir(link).prepare(); err == nil || !strings.Contains(err.Error(), "is not yours") {
		t.Errorf("a link that someone left there: %v", err)
	}
	d := Dir(filepath.Join(t.TempDir(), "lab"))
	if err := d.prepare(); err != nil {
		t.Fatal(err)
	}
	lock, err := d.claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.claim(); !errors.Is(err, ErrRunning) {
		t.Errorf("a second claim = %v", err)
	}
	lock.Close()
	if lock, err = d.claim(); err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if _, err := d.Read(); !errors.Is(err, ErrDown) {
		t.Errorf("Read() without a lab = %v", err)
	}
	// A record of a process that isn't ours: same id, another start.
	if err := writeJSON(d.record(), record{PID: os.Getpid(), Start: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read(); !errors.Is(err, ErrDown) {
		t.Errorf("Read() of a stranger's process = %v", err)
	}
	if err := Down(d); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(string(d))
	if err != nil || len(left) != 1 || left[0].Name() != "logs" {
		t.Errorf("left: %v, %v", left, err)
	}
}
