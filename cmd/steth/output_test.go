package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"steth/internal/safetext"
)

// Whatever tenants and agents call things, nothing that steth prints for people
// or programs makes a terminal do something, and programs read what was said.
func TestHostileNamesInEveryFormat(t *testing.T) {
	for _, name := range []string{
		"\x1b]0;title\a", "\u009b31m", "a\u202eb", "a\x1b[31m\nx: y", "\x7f", "\U000e0041", "- a", "plain", `quo"te\`, "größe 你好",
	} {
		list := table{keys: []string{"name"}, titles: []string{"Name"}, rows: [][]string{{name}}}
		for _, format := range []string{"table", "value", "json", "yaml"} {
			var out bytes.Buffer
			if err := list.write(&out, format); err != nil {
				t.Fatalf("%q as %s: %v", name, format, err)
			}
			wantSafe(t, format, out.String())
			var back []map[string]string
			readBack(t, format, out.Bytes(), &back)
			if back != nil && back[0]["name"] != name {
				t.Errorf("%s: %q became %q", format, name, back[0]["name"])
			}
		}
		for _, format := range []string{"json", "yaml"} {
			var out bytes.Buffer
			v := struct {
				Reason string         `json:"reason" yaml:"reason"`
				Fields map[string]any `json:"fields" yaml:"fields"`
			}{name, map[string]any{"text": name}}
			if err := writeObject(&out, format, v); err != nil {
				t.Fatalf("%q as %s: %v", name, format, err)
			}
			wantSafe(t, format, out.String())
			back := v
			readBack(t, format, out.Bytes(), &back)
			if back.Reason != name || back.Fields["text"] != name {
				t.Errorf("%s: %q became %q and %q", format, name, back.Reason, back.Fields["text"])
			}
		}
	}
}

func wantSafe(t *testing.T, format, out string) {
	t.Helper()
	if flat := strings.ReplaceAll(out, "\n", " "); safetext.Clean(flat) != flat {
		t.Errorf("%s: a terminal would obey %q", format, out)
	}
}

func readBack(t *testing.T, format string, out []byte, v any) {
	t.Helper()
	var err error
	switch format {
	case "json":
		err = json.Unmarshal(out, v)
	case "yaml":
		err = yaml.Unmarshal(out, v)
	}
	if err != nil {
		t.Errorf("%s can't be read back: %v\n%s", format, err, out)
	}
}
