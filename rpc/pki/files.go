package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeNew writes a file that must not exist yet, for its owner's eyes only.
func writeNew(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write a new file: %w", err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("write %s: %w", path, cerr)
		}
	}()
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// checkSecret refuses a key that everybody can read, or that others than its
// owner can change. Its group may read it: a service's may have to.
func checkSecret(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return fmt.Errorf("%s has mode %04o, so that others than its owner can use or change it: chmod 600 %s, and issue it anew if somebody may have", path, mode, path)
	}
	return nil
}

// writeBundle makes dir with the files in it: all of them, or, after an error,
// none. It never overwrites a bundle.
func writeBundle(dir string, files map[string][]byte) (err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("write a bundle: %s: %w: to renew it, move it away first", dir, fs.ErrExist)
	}
	draft, err := os.MkdirTemp(parent, ".draft-") // mode 0700
	if err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(draft))
		}
	}()
	for name, data := range files {
		if err := writeNew(filepath.Join(draft, name), data); err != nil {
			return err
		}
	}
	if err := os.Rename(draft, dir); err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	return nil
}
