//go:build integration

package tools

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// containerEnv names the root of a container's file system.
const containerEnv = "STETH_TEST_CONTAINER"

// TestInContainer is a container's process in the test below: it has another
// root, and a socket there unless one is there already.
func TestInContainer(t *testing.T) {
	root := os.Getenv(containerEnv)
	if root == "" {
		t.Skip("the test below starts it")
	}
	if err := syscall.Chroot(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat("/run/ovs"); err != nil {
		if err := os.MkdirAll("/run/ovs", 0o700); err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("unix", "/run/ovs/db.sock")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the test ends
}

// contained starts a container whose process is called comm, with its root.
func contained(t *testing.T, comm, root string, attr *syscall.SysProcAttr, before ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), comm) // comm(5) is how a program was called
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, before...), program, "-test.run=^TestInContainer$")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.SysProcAttr = []string{containerEnv + "=" + root}, attr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); _ = cmd.Wait() })
	if s, err := bufio.NewReader(stdout).ReadString('\n'); s != "ready\n" {
		t.Fatalf("the container says %q: %v", s, err)
	}
}

// TestSwitchInContainer has containers say that Open vSwitch runs in them. Only
// that one is believed which could change the node's network anyway, and it
// leads nowhere outside of its own file system.
func TestSwitchInContainer(t *testing.T) {
	outside := t.TempDir() // of the node, with something that is no switch
	l, err := net.Listen("unix", filepath.Join(outside, "db.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	empty := func(t *testing.T) string { return t.TempDir() }
	leads := func(t *testing.T) string { // a link to what is the node's
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "run"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(root, "run", "ovs")); err != nil {
			t.Fatal(err)
		}
		return root
	}
	for name, c := range map[string]struct {
		comm   string
		root   func(*testing.T) string
		attr   syscall.SysProcAttr
		before string
		found  bool
	}{
		"the node's switch":          {comm: "ovs-vswitchd", root: empty, found: true},
		"another program":            {comm: "sleep", root: empty},
		"the database alone":         {comm: "ovsdb-server", root: empty},
		"with a network of its own":  {comm: "ovs-vswitchd", root: empty, attr: syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}},
		"without rights to networks": {comm: "ovs-vswitchd", root: empty, before: "setpriv --bounding-set=-net_admin --inh-caps=-net_admin"},
		"with users of its own": {comm: "ovs-vswitchd", root: empty, attr: syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: 0, Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: 0, Size: 1}},
		}},
		"that leads outside": {comm: "ovs-vswitchd", root: leads},
	} {
		t.Run(name, func(t *testing.T) {
			contained(t, c.comm, c.root(t), &c.attr, strings.Fields(c.before)...)
			node := &Node{OpenVSwitch: []string{"/run/ovs"}}
			s, err := node.switchSockets()
			if (err == nil) != c.found {
				t.Fatalf("found %+v, %v", s, err)
			}
			if !c.found {
				return
			}
			_, done, err := s.dial(t.Context(), ovsdbSocket)
			if err != nil {
				t.Fatal(err)
			}
			done()
			if _, _, err := s.dial(t.Context(), "none.mgmt"); err == nil || !strings.Contains(err.Error(), s.path("none.mgmt")) {
				t.Errorf("a bridge that is not there: %v", err)
			}
		})
	}
}
