package tools

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// nobody is the user and group that own nothing, on Debian and in the kernel
// (/proc/sys/kernel/overflowuid).
const nobody = 65534

// idMapped tells whether the user namespace has a user or group id; path is a
// map as user_namespaces(7) describes.
func idMapped(path string, id uint64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(s.Text(), &inside, &outside, &count); err == nil && id >= inside && id-inside < count {
			return true
		}
	}
	return false
}

// bindCapabilities sees to it that what the calling thread, which must be one of
// startThread's, starts from now on has the capabilities of keep at most, as
// user 0 as well, and gets none back: see capabilities(7) about the bounding
// set. The thread itself keeps what it has.
func bindCapabilities(keep ...capability) error {
	for c := uint(0); c <= unix.CAP_LAST_CAP; c++ {
		if slices.ContainsFunc(keep, func(k capability) bool { return k.bit == c }) {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && err != unix.EINVAL { // EINVAL: the kernel is older than the list
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	return nil
}

// dropCapabilities takes every capability from the calling thread, which must
// be one of startThread's.
func dropCapabilities() error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&hdr, &none[0]); err != nil {
		return fmt.Errorf("set no capabilities: %w", err)
	}
	return nil
}

// capability is one that tools need.
type capability struct {
	bit  uint
	name string
}

// missingCapabilities returns the names of those capabilities that the agent
// should have and lacks.
func missingCapabilities(need ...capability) []string {
	var missing []string
	have := effectiveCapabilities()
	for _, c := range need {
		if have&(1<<c.bit) == 0 {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// effectiveCapabilities reads CapEff of proc(5); 0 when it can't.
func effectiveCapabilities() uint64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(data)) {
		if hex, ok := strings.CutPrefix(l, "CapEff:"); ok {
			set, _ := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return set
		}
	}
	return 0
}

func capNetRaw() capability   { return capability{unix.CAP_NET_RAW, "CAP_NET_RAW"} }
func capNetAdmin() capability { return capability{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"} }
func capSysAdmin() capability { return capability{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"} }
