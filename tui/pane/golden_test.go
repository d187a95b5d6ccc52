package pane

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"steth/feed"
	"steth/probes"
	"steth/themes"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a view with testdata/name.
func golden(t *testing.T, name, view string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	view += "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(view), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if view != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s\nwant:\n%s", path, ansi.Strip(view), ansi.Strip(string(want)))
	}
}

var sizes = [][2]int{{80, 24}, {120, 35}, {160, 45}, {200, 60}}

func TestGoldenSizes(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			s, _, _, _ := triage(t, newClock())
			s.w, s.h = size[0], size[1]
			golden(t, fmt.Sprintf("triage-%dx%d", s.w, s.h), s.show())
			s.press("1", "k", "k", "k")
			golden(t, fmt.Sprintf("paused-%dx%d", s.w, s.h), s.show())
		})
	}
}

// tokens writes a view with the names of a theme's tokens in place of their
// sequences, so that a golden file tells which token stands where, whatever
// the palette.
func tokens(th *themes.Theme, view string) string {
	var pairs []string
	v := reflect.ValueOf(*th)
	for i := range v.NumField() {
		style, ok := v.Field(i).Interface().(themes.Style)
		if !ok || style.Prefix == "" {
			continue
		}
		name := strings.ToLower(v.Type().Field(i).Name)
		pairs = append(pairs, style.Prefix, "["+name+"]", plain(style).Prefix, "["+name+" plain]")
	}
	pairs = append(pairs, "\x1b[m", "[]")
	return strings.NewReplacer(pairs...).Replace(view)
}

func TestGoldenThemes(t *testing.T) {
	for _, name := range append(themes.Names(), "ascii") {
		t.Run(name, func(t *testing.T) {
			s, _, _, _ := triage(t, newClock())
			th, err := themes.Get(name, false)
			if name == "ascii" {
				th, err = themes.Get("dark", true)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.SetTheme(&th)
			s.View(120, 30)
			s.press("1", "/")
			s.write("reply 3")
			s.press("enter")
			view := s.View(120, 30)
			checkSize(t, view, 120, 30)
			view = tokens(&th, view)
			if i := strings.IndexByte(view, '\x1b'); i >= 0 {
				t.Errorf("a sequence that is no token: %q", view[i:min(i+20, len(view))])
			}
			golden(t, "theme-"+name, view)
		})
	}
}

func TestGoldenIperf(t *testing.T) {
	c := newClock()
	f := newFeed(t, c, feed.About{Title: "iperf", Target: "cmp1 → cmp2", Host: "cmp1", Series: "bandwidth", Unit: "bit/s"}, feed.Options{})
	for i := range 20 {
		v := 930e6 + float64(i%3)*9e6
		if i > 11 && i < 15 {
			v = 340e6
		}
		f.Sample(feed.Sample{Time: ms(i * 1000), Value: v})
		f.Line(ms(i*1000), feed.Plain, fmt.Sprintf("%2d-%2d s   %.0f Mbit/s", i, i+1, v/1e6))
	}
	f.End("")
	run := newRun(f)
	run.end(probes.Finding{
		Verdict: probes.Warn, Reason: "852 Mbit/s from cmp1 to cmp2, three seconds of twenty far below the rest.",
		Next: []probes.Next{{Do: "node.nic cmp2", Why: "its counters tell whether frames are lost there"}},
	})
	s := newScreen(t, c, 100, 30)
	s.Add(run)
	golden(t, "iperf-100x30", s.show())
	s.w, s.h = 60, 12
	golden(t, "iperf-60x12", s.show())
}
