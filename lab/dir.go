package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir is a lab's state directory. Everything in it but the logs goes with the
// lab.
type Dir string

// DefaultDir is $STETH_LAB_DIR or else a directory of the user's own under
// /var/tmp.
func DefaultDir(getenv func(string) string) Dir {
	if d := getenv("STETH_LAB_DIR"); d != "" {
		return Dir(d)
	}
	return Dir(fmt.Sprintf("/var/tmp/steth-lab-%d", os.Getuid()))
}

func (d Dir) path(name string) string { return filepath.Join(string(d), name) }

// Logs is where the lab's processes write; it stays when the lab is gone.
func (d Dir) Logs() string { return d.path("logs") }

// Config is the console's configuration for this lab.
func (d Dir) Config() string { return d.path("steth.yaml") }

// PKI is the directory of the lab's own certificate authority.
func (d Dir) PKI() string { return d.path("pki") }

func (d Dir) agentConfig() string { return d.path("agent.yaml") }
func (d Dir) clouds() string      { return d.path("clouds.yaml") }
func (d Dir) scenario() string    { return d.path("scenario.yaml") }
func (d Dir) hosts() string       { return d.path("hosts") }
func (d Dir) record() string      { return d.path("init.json") }
func (d Dir) status() string      { return d.path("status.json") }
func (d Dir) lock() string        { return d.path("lock") }

// prepare makes the directory, for its owner alone: it holds keys.
func (d Dir) prepare() error {
	abs, err := filepath.Abs(string(d))
	if err != nil || abs != string(d) {
		return fmt.Errorf("the lab's directory %s is not an absolute path", d)
	}
	if strings.HasPrefix(abs, "/run/") || strings.HasPrefix(abs, "/proc/") || strings.HasPrefix(abs, "/sys/") {
		return fmt.Errorf("the lab's directory can't be below %s, which is another one inside of the lab: set STETH_LAB_DIR", abs[:strings.IndexByte(abs[1:], '/')+1])
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return fmt.Errorf("make the lab's directory: %w", err)
	}
	// /var/tmp is everyone's: whoever came first may have put something there.
	var st unix.Stat_t
	if err := unix.Lstat(abs, &st); err != nil {
		return fmt.Errorf("make the lab's directory: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("the lab's directory %s is not yours: set STETH_LAB_DIR to one that is", d)
	}
	if err := errors.Join(os.Chmod(abs, 0o700), os.MkdirAll(d.Logs(), 0o700)); err != nil {
		return fmt.Errorf("make the lab's directory: %w", err)
	}
	return nil
}

// clear removes everything but the logs and the lock, which goes with its
// holder.
func (d Dir) clear() error {
	var errs []error
	for _, name := range []string{d.PKI(), d.Config(), d.agentConfig(), d.clouds(), d.scenario(), d.hosts(), d.status(), d.record()} {
		if err := os.RemoveAll(name); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clear the lab's directory: %w", err)
	}
	return nil
}

// claim takes the lock that a running lab holds. The kernel gives it back when
// the holder is gone, however it went.
func (d Dir) claim() (*os.File, error) {
	for {
		f, err := os.OpenFile(d.lock(), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock the lab's directory: %w", err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, ErrRunning
			}
			return nil, fmt.Errorf("lock the lab's directory: %w", err)
		}
		held, err1 := f.Stat()
		there, err2 := os.Stat(d.lock())
		if err1 == nil && err2 == nil && os.SameFile(held, there) {
			return f, nil
		}
		f.Close() // a lab that ended has removed the file meanwhile
	}
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		tmp := path + ".new"
		if err = os.WriteFile(tmp, append(text, '\n'), 0o600); err == nil {
			err = os.Rename(tmp, path)
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

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
