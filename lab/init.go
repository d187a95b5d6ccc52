package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// errOver ends a lab whose lifetime is over.
var errOver = errors.New("the lab's lifetime is over")

// runInit is the first process of a lab. It owns the outer namespaces; when it
// ends, by whatever cause, the kernel ends everything else.
func (s stage) runInit(ctx context.Context, report *reporter, leash *os.File, log *slog.Logger) error {
	syscall.CloseOnExec(lockFD) // the starter took the lock; this process holds it to its end
	if err := s.introduce(); err != nil {
		return err
	}
	defer func() {
		if err := s.dir.remove(); err != nil {
			log.Error("clean up", "err", err)
		}
	}()
	cloud, err := s.cloud()
	if err != nil {
		return err
	}
	err = errors.Join(
		detach(),
		conjure(neutronDir),
		furnish(s.dir.hosts()),
		syscall.Sethostname([]byte("steth-lab")),
	)
	if err != nil {
		return fmt.Errorf("furnish the lab: %w", err)
	}
	kids := newChildren()
	defer kids.close()

	alive, cancel := context.WithTimeoutCause(ctx, s.life, errOver)
	defer cancel()
	defer watchLeash(leash, cancel)()

	group, ctx := errgroup.WithContext(alive)
	b := builder{stage: s, cloud: cloud, kids: kids, report: report, group: group}
	group.Go(func() error {
		if err := b.build(ctx); err != nil {
			return err
		}
		if err := writeJSON(s.dir.status(), b.describe(time.Now())); err != nil {
			return err
		}
		report.send(event{Step: stepReady})
		<-ctx.Done()
		return nil
	})
	err = group.Wait()
	if cause := context.Cause(alive); cause != nil {
		log.Info("the lab ends", "why", cause)
		return nil
	}
	return err
}

// introduce writes down who this process is for everyone outside: its id in the
// namespace that /proc still belongs to.
func (s stage) introduce() error {
	self, err := os.Readlink("/proc/self")
	if err != nil {
		return fmt.Errorf("read the lab's own process id: %w", err)
	}
	pid, err := strconv.Atoi(self)
	if err != nil {
		return fmt.Errorf("read the lab's own process id: %w", err)
	}
	start, err := startTime("/proc/self/stat")
	if err != nil {
		return fmt.Errorf("read the lab's own start time: %w", err)
	}
	return writeJSON(s.dir.record(), record{PID: pid, Start: start})
}

// watchLeash calls end when the starter is gone without its word that the lab
// may stay. What it returns ends the watch.
func watchLeash(leash *os.File, end func()) (stop func()) {
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := awaitWord(leash); err != nil {
			end()
		}
	})
	return func() {
		leash.Close()
		wg.Wait()
	}
}
