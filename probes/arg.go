package probes

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"steth/agent/api"
)

// Check tells in one sentence why value can't stand for the argument, or nil.
func (a Arg) Check(value string) error {
	if value == "" {
		if a.Required {
			return fmt.Errorf("%s: a value is needed (%s)", a.Name, a.Help)
		}
		return nil
	}
	if a.Closed && !slices.Contains(a.Choices, value) {
		return fmt.Errorf("%s: %q is not one of %s", a.Name, value, strings.Join(a.Choices, ", "))
	}
	switch a.Type {
	case Int:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %q is not a whole number", a.Name, value)
		}
		return a.within(float64(n), value)
	case Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%s: %q is not a time such as 200ms, 5s or 2m", a.Name, value)
		}
		return a.within(d.Seconds(), value)
	case Bits:
		n, err := ParseBits(value)
		if err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		return a.within(float64(n), value)
	case Bool:
		if _, err := strconv.ParseBool(value); err != nil {
			return fmt.Errorf("%s: %q is neither true nor false", a.Name, value)
		}
	case IP:
		if _, err := netip.ParseAddr(value); err != nil {
			if _, err := netip.ParsePrefix(value); err == nil {
				return fmt.Errorf("%s: %q is an address with its mask; leave the mask away", a.Name, value)
			}
			return fmt.Errorf("%s: %q is not an IPv4 or IPv6 address", a.Name, value)
		}
	case Device:
		_, err := ParseWhere(value)
		return err
	case Netns:
		return api.CheckNetns(value)
	case Host, Filter, String:
		if strings.HasPrefix(value, "-") {
			return fmt.Errorf("%s: %q begins with '-'", a.Name, value)
		}
	}
	return nil
}

func (a Arg) within(v float64, text string) error {
	if a.Min == 0 && a.Max == 0 {
		return nil
	}
	if v < a.Min || v > a.Max {
		return fmt.Errorf("%s: %s is not within %s to %s", a.Name, text, a.bound(a.Min), a.bound(a.Max))
	}
	return nil
}

func (a Arg) bound(v float64) string {
	switch a.Type {
	case Duration:
		return time.Duration(v * float64(time.Second)).String()
	case Bits:
		return FormatBits(v)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// ParseBits reads bits a second with an optional decimal suffix: 10M is
// 10,000,000.
func ParseBits(s string) (int64, error) {
	digits, scale := s, 1.0
	if n := len(s); n > 0 {
		if i := strings.IndexByte("kMGT", s[n-1]); i >= 0 {
			digits, scale = s[:n-1], math.Pow(1000, float64(i+1))
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || v < 0 || v*scale > math.MaxInt64/2 || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is not a rate such as 500k, 10M or 2.5G bits a second", s)
	}
	return int64(v * scale), nil
}

// FormatBits writes a rate with three digits and its unit: 9.41 Gbit/s.
func FormatBits(v float64) string {
	units := []string{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"}
	i := 0
	for ; v >= 999.5 && i < len(units)-1; i++ {
		v /= 1000
	}
	digits := 0
	switch {
	case i == 0 || v >= 100:
	case v >= 10:
		digits = 1
	default:
		digits = 2
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + units[i]
}

// Where is a device and the namespace it stands in, written NAMESPACE/DEVICE
// or, for the node's own namespace, DEVICE.
type Where struct{ Netns, Device string }

// ParseWhere reads a Where.
func ParseWhere(s string) (Where, error) {
	var w Where
	if ns, dev, ok := strings.Cut(s, "/"); ok {
		w = Where{ns, dev}
	} else {
		w = Where{"", s}
	}
	if err := api.CheckNetns(w.Netns); err != nil {
		return Where{}, err
	}
	return w, api.CheckDevice(w.Device)
}

func (w Where) String() string {
	if w.Netns == "" {
		return w.Device
	}
	return w.Netns + "/" + w.Device
}
