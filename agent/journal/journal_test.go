package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func link(name string) Change {
	return Change{Link: &Link{Netns: "qdhcp-1", Inode: 4026531992, Name: name, MAC: "02:00:00:00:00:01"}}
}

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", f.Name(), mode)
		}
		names = append(names, f.Name())
	}
	return names
}

// TestLeft has an agent die with one change undone and one not.
func TestLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := open(t, dir)
	a, err := first.Begin(link("a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Begin(link("b")); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, dir)); n != 2 {
		t.Fatalf("%d files of two changes", n)
	}
	if err := a.Done(); err != nil {
		t.Fatal(err)
	}
	if left := first.Left(); len(left) != 0 {
		t.Errorf("the agent's own changes are told as a former one's: %v", left)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "another agent") {
		t.Errorf("a second agent has the journal as well: %v", err)
	}
	first.Close() // as the kernel does for one that was killed

	next := open(t, dir)
	left := next.Left()
	if len(left) != 1 || *left[0].Link != *link("b").Link {
		t.Fatalf("left are %v", left)
	}
	if err := left[0].Done(); err != nil {
		t.Fatal(err)
	}
	if rest := files(t, dir); len(rest) != 0 || len(next.Left()) != 0 {
		t.Errorf("undone, and there are still %v and %v", rest, next.Left())
	}
}

// TestFiles has a journal find what an agent can't have written.
func TestFiles(t *testing.T) {
	const good = `"link":{"netns":"","inode":7,"name":"x","mac":"02:00:00:00:00:01"}`
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	now := `"boot":"` + strings.TrimSpace(string(boot)) + `"`
	for name, c := range map[string]struct {
		file, text string
		left       int
		fails      bool
	}{
		"a change of this boot":        {"1.json", "{" + now + "," + good + "}", 1, false},
		"of an earlier boot":           {"1.json", `{"boot":"other",` + good + "}", 0, false},
		"half written":                 {"1.json.tmp", "{" + now, 0, false},
		"cut off":                      {"1.json", "{" + now, 0, true},
		"of a kind not known":          {"1.json", "{" + now + `,"command":"rm -rf /"}`, 0, true},
		"without the address":          {"1.json", "{" + now + `,"link":{"netns":"","inode":7,"name":"eth0","mac":""}}`, 0, true},
		"nothing":                      {"1.json", "{" + now + "}", 0, true},
		"something of somebody else's": {"readme", "hello", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := Open(dir)
			if (err != nil) != c.fails {
				t.Fatalf("error is %v", err)
			}
			if err != nil {
				return
			}
			defer j.Close()
			if n := len(j.Left()); n != c.left {
				t.Errorf("%d changes left, want %d", n, c.left)
			}
		})
	}
}

// A directory that others can write to could have root delete what they like.
func TestExposedDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a journal that everybody can write is believed")
	}
}

// So could one of another user's.
func TestAnothersDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Skip(err) // not root
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("a journal of nobody's is believed: %v", err)
	}
}

// TestCleared has somebody clear the directory of a running agent: what is
// undone counts no longer.
func TestCleared(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for range maxEntries + 1 {
		e, err := j.Begin(link("a"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, files(t, dir)[0])); err != nil {
			t.Fatal(err)
		}
		if err := e.Done(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBounded(t *testing.T) {
	j := open(t, t.TempDir())
	for range maxEntries {
		if _, err := j.Begin(link("a")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Begin(link("a")); err == nil {
		t.Error("one more is taken")
	}
}
