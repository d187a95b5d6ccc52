package tools

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ownNetns is the agent's own network namespace. It is opened by the process,
// not by the thread that asks: threads of tools may be elsewhere.
const ownNetns = "/proc/self/ns/net"

// namespace is one network namespace of the node and how to enter it.
type namespace struct {
	name  string // as in api.Namespace
	path  string
	inode uint64
	pid   int    // a process in it, where it was found by one
	dead  string // why it can't be entered
}

// open opens the namespace that was inspected so that a thread can enter it. A
// process id, and a name, may meanwhile have passed to another.
func (n namespace) open() (*os.File, error) {
	if n.dead != "" {
		return nil, failf(ErrUnavailable, "network namespace %s: %s", n.name, n.dead)
	}
	f, err := os.Open(n.path)
	if err != nil {
		return nil, failf(ErrUnavailable, "open network namespace %s: %w", cmp.Or(n.name, "of the node"), err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Ino != n.inode {
		f.Close()
		return nil, failf(ErrUnavailable, "network namespace %s became another one just now: look again", cmp.Or(n.name, "of the node"))
	}
	return f, nil
}

// netnsByName finds the namespace called name: "" for the node's own, "pid:N"
// for that of a process, otherwise a file in one of the node's directories.
func (n *Node) netnsByName(name string) (namespace, error) {
	if name == "" {
		return inspect("", ownNetns), nil
	}
	if pid, ok := strings.CutPrefix(name, "pid:"); ok {
		id, err := strconv.Atoi(pid)
		if err != nil || id <= 0 {
			return namespace{}, failf(ErrArgument, "network namespace %s: not a process id", name)
		}
		ns := inspect(name, "/proc/"+strconv.Itoa(id)+"/ns/net")
		if ns.dead != "" {
			return namespace{}, failf(ErrNotFound, "network namespace %s: process %d is gone", name, id)
		}
		ns.pid = id
		return ns, nil
	}
	for _, dir := range n.Namespaces {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return inspect(name, path), nil
		}
	}
	return namespace{}, failf(ErrNotFound, "network namespace %s does not exist on this node (looked in %s)",
		name, strings.Join(n.Namespaces, ", "))
}

// openNetns finds and opens the namespace called name.
func (n *Node) openNetns(name string) (*os.File, error) {
	ns, err := n.netnsByName(name)
	if err != nil {
		return nil, err
	}
	return ns.open()
}

// allNetns lists every namespace of the node once: its own first, then the
// named ones, then those that only processes hold, as containers do.
func (n *Node) allNetns() []namespace {
	all := []namespace{inspect("", ownNetns)}
	seen := map[uint64]int{all[0].inode: 0}
	add := func(ns namespace) {
		if ns.dead == "" {
			if i, ok := seen[ns.inode]; ok {
				all[i].pid = cmp.Or(all[i].pid, ns.pid)
				return
			}
			seen[ns.inode] = len(all)
		}
		all = append(all, ns)
	}
	for _, dir := range n.Namespaces {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			n.Log.Warn("a directory of namespaces is not readable", "dir", dir, "err", err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				add(inspect(e.Name(), filepath.Join(dir, e.Name())))
			}
		}
	}
	for _, pid := range processes() {
		id := strconv.Itoa(pid)
		ns := inspect("pid:"+id, "/proc/"+id+"/ns/net")
		ns.pid = pid
		if ns.dead == "" { // a process may end while we look
			add(ns)
		}
	}
	return all
}

// inspect looks at a namespace's file without entering it.
func inspect(name, path string) namespace {
	ns := namespace{name: validText(name), path: path}
	var st unix.Stat_t
	var sfs unix.Statfs_t
	err := unix.Stat(path, &st)
	if err == nil {
		err = unix.Statfs(path, &sfs)
	}
	switch {
	case err != nil:
		ns.dead = fmt.Sprintf("%s can't be read: %v", path, err)
	case sfs.Type != unix.NSFS_MAGIC:
		// ip-netns(8) bind-mounts the namespace over an empty file.
		ns.dead = fmt.Sprintf("%s is a file without a namespace mounted on it; 'ip netns delete %s' removes it", path, name)
	default:
		ns.inode = st.Ino
	}
	return ns
}

// processes lists the ids of all processes, lowest first.
func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // a partial list is better than none
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// enter moves the calling thread, which must be one of startThread's, into the
// namespace that f holds.
func enter(f *os.File) error {
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return failf(ErrUnavailable, "enter network namespace %s: %w", f.Name(), err)
	}
	return nil
}
