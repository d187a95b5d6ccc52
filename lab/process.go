package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// record names the first process of a lab beyond doubt: process ids come back,
// but not with the same start time.
type record struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot, proc(5)
}

// process is a handle on a lab's first process, from outside of the lab.
type process struct{ fd int }

// find opens the first process of the directory's lab. It returns
// fs.ErrNotExist when there is none.
func (d Dir) find() (process, error) {
	var r record
	if err := readJSON(d.record(), &r); err != nil {
		return process{}, err
	}
	fd, err := unix.PidfdOpen(r.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return process{}, fs.ErrNotExist
	}
	if err != nil {
		return process{}, fmt.Errorf("open process %d: %w", r.PID, err)
	}
	if start, err := startTime(fmt.Sprintf("/proc/%d/stat", r.PID)); err != nil || start != r.Start {
		unix.Close(fd)
		return process{}, fs.ErrNotExist
	}
	return process{fd}, nil
}

func (p process) close() { unix.Close(p.fd) }

func (p process) signal(s unix.Signal) error {
	if err := unix.PidfdSendSignal(p.fd, s, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("end the lab: %w", err)
	}
	return nil
}

// wait says whether the process, and with it everything in its namespaces, is
// gone within that many milliseconds. The kernel reports the first process of a
// pid namespace as ended only after all others in it.
func (p process) wait(milliseconds int) bool {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, milliseconds)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err == nil && n > 0
	}
}

// startTime reads field 22 of a stat file of proc(5). The name in field 2 may
// hold spaces and brackets, so counting starts after the last bracket.
func startTime(path string) (uint64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return 0, fmt.Errorf("read %s: too few fields", path)
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
