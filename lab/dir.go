package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// state is where the agent of a host keeps what it is to undo.
func (d Dir) state(host string) string { return filepath.Join(d.path("state"), host) }

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
