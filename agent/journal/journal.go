// Package journal notes on disk what an agent changes on its node, before it
// does. Whoever makes a change calls [Journal.Begin], makes it, undoes it and
// calls [Entry.Done]. What a killed agent could not undo is what its successor
// finds in [Journal.Left].
//
// An entry says what was made and how to know it again: never a command. The
// package itself undoes nothing and touches no device; package tools does.
//
// Each entry is one file of its own, written whole, synced, and renamed into
// place, so that it is either there before the change is made or never was. A
// node that was booted since has none of the changes any more: such entries are
// forgotten. One agent at a time has the directory.
package journal

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxEntries bounds what can be begun and not done, so that changes which
	// can't be undone don't pile up.
	maxEntries = 256
	maxSize    = 4096 // bytes of one entry
	suffix     = ".json"
	unfinished = ".tmp"
)

// Change is one change of the node. Exactly one field is set.
type Change struct {
	Link *Link `json:"link,omitempty"`
}

func (c Change) check() error {
	if c.Link == nil || c.Link.Name == "" || c.Link.MAC == "" || c.Link.Inode == 0 {
		return errors.New("it does not say what was changed")
	}
	return nil
}

// Link is a network device that was made. Name and MAC are random, and both
// were given in the moment that it was made: a device that has both is this one.
type Link struct {
	Netns string `json:"netns"` // "" for the node's own
	Inode uint64 `json:"inode"` // of that namespace
	Name  string `json:"name"`
	MAC   string `json:"mac"`
}

// Journal is a directory of entries. It is safe for concurrent use.
type Journal struct {
	dir  *os.File // locked
	boot string

	mu   sync.Mutex // guards what follows
	left []*Entry
	open int // entries that are not done
}

// Entry is one change that is not undone yet.
type Entry struct {
	Change
	journal *Journal
	file    string
}

// note is an entry as it is written.
type note struct {
	Boot string `json:"boot"` // /proc/sys/kernel/random/boot_id
	Change
}

// ErrTaken is what Open fails with where another agent has the journal.
var ErrTaken = errors.New("another agent has it")

// Open opens the journal in dir, which it makes if need be.
func Open(dir string) (*Journal, error) {
	j, err := openDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the journal in %s: %w", dir, err)
	}
	return j, nil
}

func openDir(dir string) (_ *Journal, err error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	st, err := d.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.IsDir():
		return nil, errors.New("not a directory")
	case st.Mode()&0o022 != 0: // what stands in it is done as root
		return nil, errors.New("others than its owner can write to it: chmod 700")
	case !own(st):
		return nil, errors.New("it belongs to another user than the agent's: chown it")
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, ErrTaken
	}
	j := &Journal{dir: d, boot: strings.TrimSpace(string(boot))}
	return j, j.read()
}

// own tells whether a file is the agent's user's.
func own(st os.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

// read reads what a former agent left.
func (j *Journal) read() error {
	names, err := j.dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, unfinished): // its change was never begun
			_ = os.Remove(j.path(name)) // on a disk that broke since, it stays and does no harm
		case strings.HasSuffix(name, suffix):
			if err := j.readEntry(name); err != nil {
				return fmt.Errorf("entry %s can't be read, look at it and remove it: %w", name, err)
			}
		}
	}
	return nil
}

func (j *Journal) readEntry(name string) error {
	f, err := os.OpenFile(j.path(name), os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return err
	}
	var n note
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&n); err != nil {
		return err
	}
	if err := n.check(); err != nil {
		return err
	}
	e := &Entry{Change: n.Change, journal: j, file: name}
	j.open++
	if n.Boot != j.boot {
		_ = e.Done() // as above
		return nil
	}
	j.left = append(j.left, e)
	return nil
}

func (j *Journal) path(name string) string { return filepath.Join(j.dir.Name(), name) }

// Left are the changes that a former agent did not undo, until each is Done.
func (j *Journal) Left() []*Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]*Entry{}, j.left...)
}

// Begin notes a change that is about to be made. It has been noted for good
// when it returns.
func (j *Journal) Begin(c Change) (_ *Entry, err error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("note a change: %w", err)
	}
	text, err := json.Marshal(note{Boot: j.boot, Change: c})
	if err != nil {
		return nil, fmt.Errorf("note a change: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.open >= maxEntries {
		return nil, fmt.Errorf("note a change: %d are not undone yet, as many as may be; the agent's log says why", j.open)
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	name := hex.EncodeToString(id[:]) + suffix
	defer func() {
		if err != nil {
			_ = os.Remove(j.path(name + unfinished)) // may not be there
			_ = os.Remove(j.path(name))
			err = fmt.Errorf("note a change in %s: %w", j.dir.Name(), err)
		}
	}()
	f, err := os.OpenFile(j.path(name+unfinished), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(j.path(name+unfinished), j.path(name)); err != nil {
		return nil, err
	}
	if err := j.dir.Sync(); err != nil {
		return nil, err
	}
	j.open++
	return &Entry{Change: c, journal: j, file: name}, nil
}

// Done says that the change is undone.
func (e *Entry) Done() error {
	j := e.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := os.Remove(j.path(e.file)); err != nil && !errors.Is(err, os.ErrNotExist) { // somebody may have cleared the directory
		return fmt.Errorf("strike a change from the journal: %w", err)
	}
	j.open--
	for i, l := range j.left {
		if l == e {
			j.left = append(j.left[:i], j.left[i+1:]...)
			break
		}
	}
	if err := j.dir.Sync(); err != nil {
		return fmt.Errorf("strike a change from the journal: %w", err)
	}
	return nil
}

// Dir is the journal's directory.
func (j *Journal) Dir() string { return j.dir.Name() }

// Close lets another agent have the journal.
func (j *Journal) Close() error { return j.dir.Close() }
