// Package config reads the configuration files of both programs: strict YAML,
// in which a key that is not known is an error that says where it stands and
// which key was probably meant.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Load reads the file at path into the struct that into points to. Keys are the
// yaml tags of its fields. The error of a missing file is fs.ErrNotExist.
func Load(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if err := Parse(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Parse reads YAML into the struct that into points to. Empty data are an
// empty configuration.
func Parse(data []byte, into any) error {
	if empty(data) {
		return nil // the decoder would set everything to zero
	}
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(into)
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return nil
	}
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		tok := unknown.GetToken()
		msg := fmt.Sprintf("line %d: unknown key %q", tok.Position.Line, tok.Value)
		if near := nearest(tok.Value, keys(reflect.TypeOf(into), 0)); near != "" {
			return fmt.Errorf("%s; did you mean %q?", msg, near)
		}
		return errors.New(msg)
	}
	var any yaml.Error
	if errors.As(err, &any) && any.GetToken() != nil {
		return fmt.Errorf("line %d: %s", any.GetToken().Position.Line, any.GetMessage())
	}
	return err
}

// empty tells whether data hold nothing but comments.
func empty(data []byte) bool {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body != nil })
}

// keys collects the yaml names of a struct and of all structs inside it.
func keys(t reflect.Type, depth int) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || depth > 8 {
		return nil
	}
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		out = append(out, name)
		out = append(out, keys(f.Type, depth+1)...)
	}
	return out
}

// nearest is the known key with the fewest edits from s, or "" when none is close.
func nearest(s string, known []string) string {
	best, least := "", 1+len(s)/2
	for _, k := range known {
		if d := distance(s, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost++
			}
			prev, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
