package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"time"

	"steth/agent/api"
	"steth/internal/config"
)

const (
	configPath    = "/etc/steth/agent.yaml"
	defaultPKI    = "/etc/steth/pki"
	defaultListen = ":9698" // api.Port
	defaultState  = "/var/lib/steth-agent"
)

// configuration is agent.yaml; packaging/agent.yaml explains each key.
type configuration struct {
	Listen      string   `yaml:"listen"`
	PKI         string   `yaml:"pki"`
	Namespaces  []string `yaml:"namespaces"`
	OpenVSwitch []string `yaml:"openvswitch"`
	State       string   `yaml:"state"`
	IperfPorts  [2]int   `yaml:"iperf_ports"`
	RingMiB     int      `yaml:"ring_mib"`
	Limits      limits   `yaml:"limits"`
}

// limits is [api.Limits] as it is written down. Zero means no limit.
type limits struct {
	Jobs           int           `yaml:"jobs"`
	JobsPerConsole int           `yaml:"jobs_per_console"`
	Duration       time.Duration `yaml:"duration"`
	InjectRate     int           `yaml:"inject_rate"`
	IperfBits      int64         `yaml:"iperf_bits"`
	CaptureBytes   int64         `yaml:"capture_bytes"`
}

func (l limits) api() api.Limits {
	return api.Limits{
		Jobs: l.Jobs, JobsPerConsole: l.JobsPerConsole, Duration: l.Duration,
		InjectRate: l.InjectRate, IperfBits: l.IperfBits, CaptureBytes: l.CaptureBytes,
	}
}

func defaults() configuration {
	return configuration{
		Listen:      defaultListen,
		PKI:         defaultPKI,
		Namespaces:  []string{"/run/netns"},
		OpenVSwitch: []string{"/run/openvswitch", "/usr/local/var/run/openvswitch"},
		State:       defaultState,
		IperfPorts:  [2]int{5201, 5299},
		RingMiB:     32,
		Limits: limits{
			Jobs: 64, JobsPerConsole: 32, Duration: 4 * time.Hour,
			InjectRate: 1000, CaptureBytes: 16 << 30,
		},
	}
}

// load reads the configuration and lets the flags win. Only the file that is
// looked for without being asked for may be missing.
func load(f flags) (configuration, error) {
	c := defaults()
	err := config.Load(cmp.Or(f.config, configPath), &c)
	if err != nil && (f.config != "" || !errors.Is(err, fs.ErrNotExist)) {
		return c, err
	}
	c.Listen = cmp.Or(f.listen, c.Listen)
	c.PKI = cmp.Or(f.pki, c.PKI)
	c.State = cmp.Or(f.state, c.State)
	return c, c.validate()
}

// validate checks what the syntax of a file can't.
func (c configuration) validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for _, dir := range c.Namespaces {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("namespaces: %q is not an absolute path", dir)
		}
	}
	for _, dir := range c.OpenVSwitch {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("openvswitch: %q is not an absolute path", dir)
		}
	}
	if !filepath.IsAbs(c.State) {
		return fmt.Errorf("state: %q is not an absolute path", c.State)
	}
	if lo, hi := c.IperfPorts[0], c.IperfPorts[1]; lo < 1024 || hi > 65_535 || lo > hi {
		return fmt.Errorf("iperf_ports: %d to %d is not a range within 1024 to 65535 (iperf3 runs as nobody)", lo, hi)
	}
	if c.RingMiB < 1 || c.RingMiB > 1024 {
		return fmt.Errorf("ring_mib: %d is not within 1 to 1024", c.RingMiB)
	}
	l := c.Limits
	for name, v := range map[string]int64{
		"jobs": int64(l.Jobs), "jobs_per_console": int64(l.JobsPerConsole), "duration": int64(l.Duration),
		"inject_rate": int64(l.InjectRate), "iperf_bits": l.IperfBits, "capture_bytes": l.CaptureBytes,
	} {
		if v < 0 {
			return fmt.Errorf("limits.%s: must not be negative; 0 means no limit", name)
		}
	}
	return nil
}
