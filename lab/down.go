package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// tidy removes all files but the logs. The lab is gone; when another has come
// since, the files are that one's.
func (d Dir) tidy() error {
	lock, err := d.claim()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return d.remove()
}

// remove removes all files but the logs; the caller holds the lock.
func (d Dir) remove() error {
	err := d.clear()
	if e := os.Remove(d.lock()); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("clear the lab's directory: %w", e))
	}
	return err
}

// Down ends the directory's lab and returns when nothing of it is left but its
// logs. A directory without a lab is fine.
func Down(d Dir) error {
	p, err := d.find()
	if err == nil {
		defer p.close()
		if err := p.signal(unix.SIGTERM); err != nil {
			return err
		}
		if !p.wait(goTime) {
			if err := p.signal(unix.SIGKILL); err != nil {
				return err
			}
			if !p.wait(goTime) {
				return errors.New("the lab's processes don't go away")
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.tidy()
}

// sweep removes what an earlier lab left that was killed; the caller has the
// lock. Its processes are the kernel's to end, which may take a moment.
func (d Dir) sweep(progress func(string)) error {
	if _, err := os.Stat(d.record()); errors.Is(err, fs.ErrNotExist) {
		return d.clear()
	}
	progress("cleaning up after a lab that was killed")
	if p, err := d.find(); err == nil {
		defer p.close()
		if err := p.signal(unix.SIGKILL); err != nil {
			return err
		}
		if !p.wait(goTime) {
			return errors.New("the killed lab's processes don't go away")
		}
	}
	if err := os.RemoveAll(d.Logs()); err != nil {
		return fmt.Errorf("clear the lab's directory: %w", err)
	}
	return errors.Join(d.clear(), os.MkdirAll(d.Logs(), 0o700))
}

// clear removes everything but the logs and the lock, which goes with its
// holder.
func (d Dir) clear() error {
	var errs []error
	for _, name := range []string{d.PKI(), d.Config(), d.agentConfig(), d.clouds(), d.scenario(), d.hosts(), d.status(), d.record(), d.path("state")} {
		if err := os.RemoveAll(name); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clear the lab's directory: %w", err)
	}
	return nil
}
