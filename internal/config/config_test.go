package config

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Listen string `yaml:"listen"`
	Limits struct {
		Duration time.Duration `yaml:"duration"`
	} `yaml:"limits"`
	Nodes map[string]string `yaml:"nodes"`
}

func TestParse(t *testing.T) {
	var s sample
	if err := Parse([]byte("listen: ':9698'\nlimits: {duration: 90s}\nnodes: {cmp1: 10.0.0.1}\n"), &s); err != nil {
		t.Fatal(err)
	}
	if s.Listen != ":9698" || s.Limits.Duration != 90*time.Second || s.Nodes["cmp1"] != "10.0.0.1" {
		t.Errorf("got %+v", s)
	}
}

func TestParseEmpty(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "---\n# nothing\n"} {
		s := sample{Listen: "default"}
		if err := Parse([]byte(text), &s); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if s.Listen != "default" {
			t.Errorf("%q set a default to %q", text, s.Listen)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"misspelt":        {"\nlisten: x\nlimts: {}\n", `line 3: unknown key "limts"; did you mean "limits"?`},
		"misspelt inside": {"limits:\n  duratoin: 1s\n", `line 2: unknown key "duratoin"; did you mean "duration"?`},
		"far from all":    {"zzzzzzzz: 1\n", `line 1: unknown key "zzzzzzzz"`},
		"wrong type":      {"listen: a\nnodes: 7\n", "line 2"},
		"bad duration":    {"limits: {duration: soon}\n", `invalid duration "soon"`},
		"twice":           {"listen: a\nlisten: b\n", "line 2"},
		"not YAML":        {"listen: [\n", "line"},
	} {
		t.Run(name, func(t *testing.T) {
			var s sample
			err := Parse([]byte(c.text), &s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error has more than one line: %q", err)
			}
		})
	}
}

func TestLoadMissing(t *testing.T) {
	if err := Load(t.TempDir()+"/none.yaml", &sample{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want fs.ErrNotExist", err)
	}
}
