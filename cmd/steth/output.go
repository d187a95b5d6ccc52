package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

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
// where people read it; JSON, YAML and CSV keep it as it is, escaped as they do.
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
		c := csv.NewWriter(w)
		return c.WriteAll(slices.Concat([][]string{t.keys}, t.rows))
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
			b.Write(value)
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

func (t table) columns(w io.Writer) error {
	clean := make([][]string, 0, len(t.rows)+1)
	clean = append(clean, t.titles)
	for _, row := range t.rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = safetext.Clean(v)
		}
		clean = append(clean, line)
	}
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
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func writeYAML(w io.Writer, v any) error {
	out, err := yaml.MarshalWithOptions(v, yaml.UseJSONMarshaler())
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}
