package tools

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// ovsdbSocket is where ovsdb-server listens, in its directory (ovs-vsctl(8), --db).
	ovsdbSocket = "db.sock"
	// ovsPatience bounds one exchange with a daemon of Open vSwitch.
	ovsPatience = 5 * time.Second
)

// switchSockets is the directory with the sockets of the node's Open vSwitch.
type switchSockets struct {
	dir string
	pid int // ovs-vswitchd, in whose file system dir is; 0: in the node's own
}

// switchSockets finds it: one of those in the configuration, or the same in the
// file system of a container that ovs-vswitchd runs in.
func (n *Node) switchSockets() (switchSockets, error) {
	for _, dir := range n.OpenVSwitch {
		if st, err := os.Stat(filepath.Join(dir, ovsdbSocket)); err == nil && st.Mode().Type() == os.ModeSocket {
			return switchSockets{dir: dir}, nil
		}
	}
	if s, ok := n.Contained.find(n.findContained, switchSockets.there); ok {
		return s, nil
	}
	return switchSockets{}, failf(ErrNotReady, "Open vSwitch does not run here: no %s in %s, and no ovs-vswitchd runs in a container", ovsdbSocket, strings.Join(n.OpenVSwitch, " or "))
}

// Contained remembers for a moment whether Open vSwitch runs in a container, and
// in which: to look at all processes takes tens of milliseconds where there are
// thousands, and hello, which consoles measure clocks with, asks twice. The zero
// value is ready; nil remembers nothing.
type Contained struct {
	mu    sync.Mutex
	found switchSockets
	ok    bool
	until time.Time // when to look again, where nothing was found
}

// containedFor is how long it is believed that there is none. Of one that was
// found it is looked at each time whether it is still there.
const containedFor = 30 * time.Second

func (c *Contained) find(look func() (switchSockets, bool), there func(switchSockets) bool) (switchSockets, bool) {
	if c == nil {
		return look()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ok && !there(c.found) || !c.ok && time.Now().After(c.until) {
		c.found, c.ok = look()
		c.until = time.Now().Add(containedFor)
	}
	return c.found, c.ok
}

// findContained looks through all processes.
func (n *Node) findContained() (switchSockets, bool) {
	for _, pid := range processes() {
		for _, dir := range n.OpenVSwitch {
			s := switchSockets{dir: dir, pid: pid}
			f, err := s.open(ovsdbSocket)
			if errors.Is(err, errNoSwitch) {
				break
			}
			if err == nil {
				f.Close()
				return s, true
			}
		}
	}
	return switchSockets{}, false
}

// there tells whether the container has the socket of the database.
func (s switchSockets) there() bool {
	f, err := s.open(ovsdbSocket)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// path tells people where a socket is.
func (s switchSockets) path(name string) string {
	path := filepath.Join(s.dir, name)
	if s.pid != 0 {
		path = filepath.Join("/proc", strconv.Itoa(s.pid), "root", path)
	}
	return path
}

// bridge is the socket where ovs-vswitchd speaks OpenFlow about a bridge
// (ovs-ofctl(8)).
func (switchSockets) bridge(name string) string { return name + ".mgmt" }

// dial connects to a socket. The connection ends with ctx, and after ovsPatience
// in any case; call done when it is no longer needed.
func (s switchSockets) dial(ctx context.Context, name string) (conn net.Conn, done func(), err error) {
	path := filepath.Join(s.dir, name)
	if s.pid != 0 {
		f, err := s.open(name)
		if err != nil {
			return nil, nil, failf(ErrUnavailable, "connect to %s: %w", s.path(name), err)
		}
		defer f.Close()
		path = "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	}
	conn, err = (&net.Dialer{Timeout: ovsPatience}).DialContext(ctx, "unix", path)
	var failed *net.OpError
	switch {
	case errors.Is(err, syscall.EACCES):
		return nil, nil, failf(ErrNotReady, "%s belongs to another user than the agent's: CAP_DAC_OVERRIDE in the unit lets it in", s.path(name))
	case errors.As(err, &failed):
		return nil, nil, failf(ErrUnavailable, "connect to %s: %w", s.path(name), failed.Err)
	case err != nil:
		return nil, nil, failf(ErrUnavailable, "connect to %s: %w", s.path(name), err)
	}
	if err := extend(conn); err != nil {
		conn.Close()
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return conn, func() { stop(); conn.Close() }, nil
}

// extend gives the next exchange on a connection ovsPatience.
func extend(conn net.Conn) error { return conn.SetDeadline(time.Now().Add(ovsPatience)) }

// errNoSwitch says that a process is not the node's ovs-vswitchd.
var errNoSwitch = errors.New("no ovs-vswitchd of this node")

// open opens a socket in the file system of the container, as a path only.
// Whatever the container's links say, it is not left.
func (s switchSockets) open(name string) (*os.File, error) {
	proc, err := os.OpenFile("/proc/"+strconv.Itoa(s.pid), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, errNoSwitch
	}
	defer proc.Close()
	if !isSwitch(proc) {
		return nil, errNoSwitch
	}
	root, err := openIn(proc, "root", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	fd, err := unix.Openat2(int(root.Fd()), strings.TrimPrefix(filepath.Join(s.dir, name), "/"), &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		f.Close()
		return nil, errors.Join(err, syscall.ENOTSOCK)
	}
	return f, nil
}

// isSwitch tells whether a process, by its directory in /proc, is the
// ovs-vswitchd of the agent's network. Anyone may call a program so, and root in
// a container is often the node's: what counts is that it has CAP_NET_ADMIN over
// the node's own network. Who has that needs no agent to do as he likes there.
func isSwitch(proc *os.File) bool {
	status, err := readIn(proc, "status")
	if err != nil {
		return false
	}
	var comm string
	var effective uint64
	for l := range bytes.Lines(status) {
		key, value, _ := strings.Cut(strings.TrimSpace(string(l)), ":")
		switch value = strings.TrimSpace(value); key {
		case "Name":
			comm = value
		case "CapEff":
			effective, _ = strconv.ParseUint(value, 16, 64)
		}
	}
	if comm != "ovs-vswitchd" || effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return false
	}
	for _, ns := range []string{"ns/user", "ns/net"} {
		var its, own unix.Stat_t
		if unix.Fstatat(int(proc.Fd()), ns, &its, 0) != nil || unix.Stat("/proc/self/"+ns, &own) != nil || its.Ino != own.Ino {
			return false
		}
	}
	var st unix.Stat_t
	return unix.Fstat(int(proc.Fd()), &st) == nil && int(st.Uid) == os.Geteuid()
}

func openIn(dir *os.File, name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func readIn(dir *os.File, name string) ([]byte, error) {
	f, err := openIn(dir, name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}
