package steth_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed says which of our packages each of ours may import directly. "x/..."
// stands for x and all below it. A package that is not listed may import
// nothing of ours.
var allowed = []struct {
	of string
	to []string
}{
	{"cmd/steth", []string{"..."}},
	{"bench", []string{"..."}},
	{"e2e", []string{"packets", "internal/terminal"}},
	{"cmd/steth-agent", []string{"agent", "agent/api", "agent/journal", "agent/tools", "internal/config", "rpc", "rpc/pki"}},
	{"tui/...", []string{"tui/...", "themes", "probes", "probes/follow", "runbooks", "openstack", "packets", "packets/craft", "packets/match", "feed", "internal/safetext"}},
	{"probes/...", []string{"probes/...", "agent/api", "rpc", "openstack", "packets", "packets/craft", "packets/match", "feed"}},
	{"packets/match", []string{"packets"}},
	{"evidence", []string{"packets", "feed", "probes", "probes/follow", "openstack", "internal/safetext"}},
	{"feed", []string{"packets", "internal/safetext"}},
	{"agent", []string{"agent/api", "agent/tools", "rpc", "internal/config"}},
	{"agent/tools", []string{"agent/api", "agent/journal", "internal/pktgen"}},
	{"rpc/fleet", []string{"rpc", "agent/api"}},
	{"lab/...", []string{"lab/...", "agent/api", "openstack", "rpc/pki", "internal/config"}},
}

type pkg struct {
	ImportPath string
	Doc        string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

// TestArrows asserts that imports point one way, as docs/architecture.md draws them.
func TestArrows(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, "steth/")
		for _, i := range p.Imports {
			to, ours := strings.CutPrefix(i, "steth/")
			if ours && !may(name, to) {
				t.Errorf("%s imports %s, against the arrows of docs/architecture.md", name, to)
			}
		}
	}
}

// TestAgentIsSmall asserts that what runs as root on every node links no
// decoder of packets, no screen and no OpenStack client.
func TestAgentIsSmall(t *testing.T) {
	for _, p := range list(t, "./cmd/steth-agent") {
		for _, d := range p.Deps {
			for _, bad := range []string{"github.com/google/gopacket", "github.com/gophercloud/", "charm.land/", "steth/tui", "steth/openstack", "steth/probes", "steth/packets"} {
				if strings.HasPrefix(d, bad) {
					t.Errorf("steth-agent links %s", d)
				}
			}
		}
	}
}

// TestPackageComments asserts that every package says what it is for.
func TestPackageComments(t *testing.T) {
	for _, p := range list(t, "./...") {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

func may(from, to string) bool {
	for _, a := range allowed {
		if matches(a.of, from) && slices.ContainsFunc(a.to, func(p string) bool { return matches(p, to) }) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == root || strings.HasPrefix(name, root+"/")
	}
	return pattern == name
}

func list(t *testing.T, pattern string) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,Deps,GoFiles", pattern).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
