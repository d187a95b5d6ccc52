package api

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// CheckDevice tells why name can't be a network device: the kernel's
// dev_valid_name allows 1 to 15 bytes without '/', ':' and white space and
// neither "." nor "..".
// A leading '-' is refused as well, so that no program takes it for an option.
func CheckDevice(name string) error { return checkDevice(name) }

// CheckNetns tells why name can't be a network namespace of a node. The empty
// name is the node's own.
func CheckNetns(name string) error { return checkNetns(name) }

func checkDevice(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("device: a name is needed")
	case len(name) > 15:
		return fmt.Errorf("device: %q has %d characters, the kernel allows 15", name, len(name))
	case name == "." || name == ".." || strings.HasPrefix(name, "-") || strings.ContainsFunc(name, notInName):
		return fmt.Errorf("device: %q is not a device name", name)
	}
	return nil
}

func checkNetns(name string) error {
	if name == "" {
		return nil
	}
	if len(name) > 255 || name == "." || name == ".." || strings.HasPrefix(name, "-") {
		return fmt.Errorf("namespace: %q is not a namespace name", name)
	}
	rest := name
	if pid, ok := strings.CutPrefix(name, "pid:"); ok {
		rest = pid
	}
	if strings.ContainsFunc(rest, notInName) {
		return fmt.Errorf("namespace: %q is not a namespace name", name)
	}
	return nil
}

func notInName(r rune) bool { return r == '/' || r == ':' || r <= ' ' || r > '~' }

func checkAddress(field, s string) error {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return fmt.Errorf("%s: %q is not an IPv4 or IPv6 address", field, s)
	}
	if a.Zone() != "" {
		return checkDevice(a.Zone())
	}
	return nil
}

func inRange[T int | int64](field string, v, lo, hi T) error {
	if v < lo || v > hi {
		return fmt.Errorf("%s: %d is not within %d to %d", field, v, lo, hi)
	}
	return nil
}

func durationIn(field string, v, lo, hi time.Duration) error {
	if v < lo || v > hi {
		return fmt.Errorf("%s: %v is not within %v to %v", field, v, lo, hi)
	}
	return nil
}

func oneOf(field, v string, all ...string) error {
	if slices.Contains(all, v) {
		return nil
	}
	return fmt.Errorf("%s: %q is not one of %s", field, v, strings.Join(all, ", "))
}

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
