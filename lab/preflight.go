package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// program is one that the lab runs, with the Debian package that has it.
type program struct{ name, pkg string }

// programs are what the lab itself and the agents in it need.
var programs = [...]program{
	{"dnsmasq", "dnsmasq-base"},
	{"ip", "iproute2"},
	{"iperf3", "iperf3"},
	{"iptables-restore", "iptables"},
	{"nsenter", "util-linux"},
	{"ping", "iputils-ping"},
	{"tcpdump", "tcpdump"},
}

// searchPath is the PATH inside of the lab: Debian leaves the sbin directories
// out of a user's.
func searchPath(path string) string {
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if !strings.Contains(":"+path+":", ":"+dir+":") {
			path += ":" + dir
		}
	}
	return strings.TrimPrefix(path, ":")
}

// checkPrograms names every program that is missing for something, with how to
// get it.
func checkPrograms(what string, needed []program, path string) error {
	var missing, packages []string
	for _, p := range needed {
		if !onPath(p.name, path) {
			missing = append(missing, p.name)
			packages = append(packages, p.pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s needs %s: apt-get install %s", what, list(missing), strings.Join(slices.Compact(slices.Sorted(slices.Values(packages))), " "))
}

func onPath(name, path string) bool {
	for dir := range strings.SplitSeq(path, ":") {
		if _, err := exec.LookPath(dir + "/" + name); err == nil {
			return true
		}
	}
	return false
}

// switches are the sysctls by which a machine keeps user namespaces from users.
var switches = [...]struct{ name, closed, open string }{
	{"user/max_user_namespaces", "0", "10000"},
	{"kernel/unprivileged_userns_clone", "0", "1"},
	{"kernel/apparmor_restrict_unprivileged_userns", "1", "0"},
}

// checkUserNamespaces says in one sentence what to do where a user may not make
// a lab. root is the directory that holds the sysctls.
func checkUserNamespaces(root string) error {
	for _, s := range switches {
		value, err := os.ReadFile(root + "/" + s.name)
		if err == nil && strings.TrimSpace(string(value)) == s.closed {
			return fmt.Errorf("user namespaces are not allowed here: run `sysctl -w %s=%s` as root, or start the lab as root",
				strings.ReplaceAll(s.name, "/", "."), s.open)
		}
	}
	return nil
}

// explainStart turns a refusal to make namespaces into what to do.
func explainStart(err error, rootless bool) error {
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EUSERS) {
		return fmt.Errorf("start the lab: %w", err)
	}
	if rootless {
		return fmt.Errorf("this machine refuses user namespaces (%w): start the lab as root", err)
	}
	return fmt.Errorf("this machine refuses namespaces even to root (%w): in a container, run it with --privileged", err)
}
