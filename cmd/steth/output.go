package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"
	"github.com/goccy/go-yaml"

	"steth/internal/safetext"
)

// The formats of -f, the same words as python-openstackclient's.
var formats = []string{"table", "json", "yaml", "csv", "value"}

// table is what a list prints: keys are lower case, titles are for people.
type table struct {
	keys   []string
	titles []string
	rows   [][]string
}

// pick keeps the columns called names, in their order; none keeps all.
func (t table) pick(names []string) (table, error) {
	if len(names) == 0 {
		return t, nil
	}
	out := table{rows: make([][]string, len(t.rows))}
	for _, name := range names {
		i := slices.IndexFunc(t.keys, func(k string) bool { return strings.EqualFold(k, name) })
		if i < 0 {
			return table{}, usage("no column is called %q; there are %s", name, strings.Join(t.keys, ", "))
		}
		out.keys, out.titles = append(out.keys, t.keys[i]), append(out.titles, t.titles[i])
		for r := range t.rows {
			out.rows[r] = append(out.rows[r], t.rows[r][i])
		}
	}
	return out, nil
}

// write prints t in one of the formats. Text from the cloud is made harmless
// where people read it. JSON and YAML keep it as it is, escaped as they do; CSV
// has no escapes and keeps it on the way to a file or a program.
func (t table) write(w io.Writer, format string) error {
	switch format {
	case "table":
		return t.columns(w)
	case "value":
		for _, row := range t.rows {
			if _, err := fmt.Fprintln(w, safetext.Clean(strings.Join(row, " "))); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		rows := t.rows
		if f, ok := w.(*os.File); ok && term.IsTerminal(f.Fd()) {
			rows = harmless(rows)
		}
		return csv.NewWriter(w).WriteAll(slices.Concat([][]string{t.keys}, rows))
	}
	list := make([]yaml.MapSlice, len(t.rows))
	for r, row := range t.rows {
		for i, v := range row {
			list[r] = append(list[r], yaml.MapItem{Key: t.keys[i], Value: v})
		}
	}
	if format == "yaml" {
		return writeYAML(w, list)
	}
	return t.json(w)
}

// json writes a list of objects whose keys stand in the columns' order.
func (t table) json(w io.Writer) error {
	var b strings.Builder
	b.WriteString("[")
	for r, row := range t.rows {
		if r > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  {")
		for i, v := range row {
			if i > 0 {
				b.WriteString(", ")
			}
			key, _ := json.Marshal(t.keys[i]) // a string always marshals
			value, _ := json.Marshal(v)
			b.Write(key)
			b.WriteString(": ")
			b.Write(escaped(value))
		}
		b.WriteString("}")
	}
	if len(t.rows) > 0 {
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// harmless returns rows with every text made safe to print.
func harmless(rows [][]string) [][]string {
	clean := make([][]string, len(rows))
	for r, row := range rows {
		clean[r] = make([]string, len(row))
		for i, v := range row {
			clean[r][i] = safetext.Clean(v)
		}
	}
	return clean
}

func (t table) columns(w io.Writer) error {
	clean := slices.Concat([][]string{t.titles}, harmless(t.rows))
	widths := make([]int, len(t.titles))
	for _, row := range clean {
		for i, v := range row {
			widths[i] = max(widths[i], safetext.Width(v))
		}
	}
	var b strings.Builder
	for _, row := range clean {
		for i, v := range row {
			if i == len(row)-1 {
				b.WriteString(v)
				break
			}
			b.WriteString(safetext.Pad(v, widths[i]+2))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeObject prints one value as JSON or YAML.
func writeObject(w io.Writer, format string, v any) error {
	if format == "yaml" {
		return writeYAML(w, v)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escaped(b.Bytes()))
	return err
}

// escaped writes what a terminal would obey, or show as something else, as
// escapes of JSON, which says the same. JSON itself asks for that below U+0020
// only; the controls from U+007F to U+009F and those of text direction remain.
func escaped(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if one := string(b[:n]); r >= 0x7f && safetext.Clean(one) != one {
			for _, u := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, "\\u%04x", u)
			}
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

func writeYAML(w io.Writer, v any) error {
	out, err := yaml.MarshalWithOptions(v, yaml.UseJSONMarshaler(), yaml.CustomMarshaler(quoted))
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// quoted is a string as YAML, in quotes and escaped where a terminal would obey
// it: the library quotes only what YAML would misread.
func quoted(s string) ([]byte, error) {
	if safetext.Clean(s) != s {
		return []byte(strconv.QuoteToASCII(s)), nil
	}
	return yaml.Marshal(s)
}
