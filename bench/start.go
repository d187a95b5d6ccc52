package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"time"

	"steth/internal/terminal"
)

// benchStart starts the console in a terminal, over an API that nothing
// answers, and measures until the first frame is on the screen.
func benchStart(ctx context.Context, b *bench) error {
	bin, err := filepath.Abs(filepath.Join(b.bin, "steth"))
	if err != nil {
		return err
	}
	frame := func(args []string, see string) (time.Duration, error) {
		cmd := exec.CommandContext(ctx, bin, args...)
		cmd.Env = []string{
			"HOME=" + b.dir, "PATH=/usr/bin:/bin",
			// A port of loopback where nothing listens.
			"OS_AUTH_URL=http://127.0.0.1:1/v3", "OS_USERNAME=u", "OS_PASSWORD=p", "OS_PROJECT_NAME=p", "OS_USER_DOMAIN_ID=default", "OS_PROJECT_DOMAIN_ID=default",
		}
		start := time.Now()
		t, err := terminal.Start(cmd, 160, 45)
		if err != nil {
			return 0, err
		}
		defer t.Close()
		if _, err := t.See(see, 10*time.Second); err != nil {
			return 0, err
		}
		return time.Since(start), nil
	}
	var first, version []time.Duration
	for range 2*b.rounds() + 1 {
		f, err := frame(nil, "READ-ONLY")
		if err != nil {
			return err
		}
		v, err := frame([]string{"--version"}, "steth")
		if err != nil {
			return err
		}
		first, version = append(first, f), append(version, v)
	}
	row("first frame", "%v", median(first).Round(100*time.Microsecond))
	row("steth --version, for comparison", "%v", median(version).Round(100*time.Microsecond))
	return nil
}
