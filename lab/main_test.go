package lab

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be what it tests: the lab's stages start this
// very program again, and tests start it as helpers.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "lab" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := Stage(ctx, os.Args[2:])
		stop()
		exit(err)
	}
	if len(os.Args) > 2 && os.Args[1] == "helper" {
		exit(helper(os.Args[2], os.Args[3:]))
	}
	goleak.VerifyTestMain(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
