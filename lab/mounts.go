package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// neutronDir is what Neutron's agents keep their files in.
const neutronDir = "/var/lib/neutron"

// detach takes the mounts of this namespace off from everyone else's, so that
// nothing that follows is ever seen outside.
func detach() error {
	return mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}

// furnish gives a namespace its own /proc, /sys, /run and hosts file. /run is
// empty, so that network namespaces made here are named only here.
func furnish(hosts string) error {
	const plain = unix.MS_NOSUID | unix.MS_NODEV
	return errors.Join(
		mount("proc", "/proc", "proc", plain|unix.MS_NOEXEC, ""),
		mount("sysfs", "/sys", "sysfs", plain|unix.MS_NOEXEC, ""),
		mount("tmpfs", "/run", "tmpfs", plain, "mode=755"),
		os.Mkdir("/run/netns", 0o755),
		mount("tmpfs", "/run/netns", "tmpfs", plain, "mode=755"),
		mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""),
	)
}

// scratch mounts an empty file system on a directory.
func scratch(dir string) error {
	return mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755")
}

// conjure makes a directory appear without writing to the machine's disk: its
// parent is covered by an empty file system, into which everything that was
// there is bound back. It needs /proc as the machine has it.
func conjure(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	below, err := os.Open(parent)
	if err != nil {
		return err
	}
	defer below.Close()
	entries, err := below.ReadDir(-1)
	if err != nil {
		return err
	}
	if err := scratch(parent); err != nil {
		return err
	}
	for _, e := range entries {
		from := fmt.Sprintf("/proc/self/fd/%d/%s", below.Fd(), e.Name())
		to := filepath.Join(parent, e.Name())
		switch {
		case e.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(from)
			if err == nil {
				err = os.Symlink(target, to)
			}
			if err != nil {
				return err
			}
			continue
		case e.IsDir():
			err = os.Mkdir(to, 0o755)
		default:
			err = os.WriteFile(to, nil, 0o644)
		}
		if err != nil {
			return err
		}
		if err := mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return err
		}
	}
	return os.Mkdir(dir, 0o755)
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}

// nameNamespace makes the network namespace of a process known to ip netns.
func nameNamespace(name string, pid int) error {
	path := filepath.Join("/run/netns", name)
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return fmt.Errorf("name the namespace of %s: %w", name, err)
	}
	return mount(fmt.Sprintf("/proc/%d/ns/net", pid), path, "", unix.MS_BIND, "")
}
