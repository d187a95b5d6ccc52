package themes

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// A dark palette's hexes are what is promised; light's too.
var palettes = []palette{dark, light}

func rgb(t *testing.T, hex string) color.Color {
	t.Helper()
	var r, g, b uint8
	if n, err := fmt.Sscanf(hex, "%02x%02x%02x", &r, &g, &b); n != 3 || err != nil || len(hex) != 6 {
		t.Fatalf("%q is no colour", hex)
	}
	return color.RGBA{r, g, b, 255}
}

// luminance is WCAG 2's relative luminance.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

// contrast is WCAG 2's ratio, from 1 to 21.
func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// TestTextCanBeRead holds every text colour against every ground it stands on,
// in 24 bit and as a terminal of 256 colours shows it. WCAG's level AA asks for
// 4.5, and for 3 where the text is large or says nothing new.
func TestTextCanBeRead(t *testing.T) {
	shows := map[string]func(color.Color) color.Color{
		"24 bit":      func(c color.Color) color.Color { return c },
		"256 colours": func(c color.Color) color.Color { return ansi.Convert256(c) },
	}
	for _, p := range palettes {
		grounds := map[string]string{"background": p.background, "bar": p.bar, "selected": p.selected}
		texts := map[string]string{"text": p.text, "strong": p.strong, "accent": p.accent, "good": p.good, "warn": p.warn, "bad": p.bad, "info": p.info, "muted": p.muted}
		for depth, show := range shows {
			for gn, g := range grounds {
				for tn, c := range texts {
					least := 4.5
					if tn == "muted" || gn == "selected" {
						least = 3
					}
					if got := contrast(show(rgb(t, c)), show(rgb(t, g))); got < least {
						t.Errorf("%s, %s: %s on %s has a contrast of %.1f, less than %.1f", p.name, depth, tn, gn, got, least)
					}
				}
			}
		}
	}
}

// TestStatesDiffer keeps the four meanings apart at 256 colours too.
func TestStatesDiffer(t *testing.T) {
	for _, p := range palettes {
		seen := map[string]string{}
		for name, hex := range map[string]string{"accent": p.accent, "good": p.good, "warn": p.warn, "bad": p.bad, "text": p.text, "muted": p.muted} {
			key := fmt.Sprint(ansi.Convert256(rgb(t, hex)))
			if other, same := seen[key]; same {
				t.Errorf("%s: %s and %s are one colour of 256", p.name, name, other)
			}
			seen[key] = name
		}
	}
}

func TestGet(t *testing.T) {
	for _, name := range Names() {
		th, err := Get(name, false)
		if err != nil || th.Name != name {
			t.Errorf("Get(%q): %q, %v", name, th.Name, err)
		}
	}
	if _, err := Get("drak", false); err == nil || !strings.Contains(err.Error(), "dark, light, mono") {
		t.Errorf("an unknown theme: %v", err)
	}
}

func TestGlyphsAreOneColumnWide(t *testing.T) {
	for name, g := range map[string]Glyphs{"unicode": unicode, "ascii": ascii} {
		signs := append([]string{
			g.OK, g.Suspicious, g.Broken, g.Unknown, g.None, g.Bar, g.Live, g.Paused, g.Ended, g.VLine, g.HLine, g.Cross, g.HeavyLine,
			g.Arrow, g.Ellipsis, g.Prompt, g.Dot, g.Up, g.Down, g.Left, g.Right, g.Blank, g.TeeDown, g.TeeUp,
			g.TopLeft, g.TopRight, g.BottomLeft, g.BottomRight,
		}, g.Spark...)
		for _, s := range signs {
			if ansi.StringWidthWc(s) != 1 {
				t.Errorf("%s: %q takes %d columns", name, s, ansi.StringWidthWc(s))
			}
			if g.ASCII && (len(s) != 1 || s[0] > '~') {
				t.Errorf("%q in the ASCII set", s)
			}
		}
		states := map[string]bool{g.OK: true, g.Suspicious: true, g.Broken: true, g.Unknown: true, g.None: true}
		if len(states) != 5 {
			t.Errorf("%s: two states share a sign", name)
		}
	}
}

func TestMonoHasNoColour(t *testing.T) {
	th, _ := Get("mono", false)
	for _, s := range []Style{th.Text, th.Strong, th.Muted, th.Accent, th.Good, th.Warn, th.Bad, th.Rule, th.SelectedGround} {
		if strings.Contains(s.Prefix, "8;2;") {
			t.Errorf("a colour in mono: %q", s.Prefix)
		}
	}
}

func TestPaint(t *testing.T) {
	if got := (Style{}).Paint("x"); got != "x" {
		t.Errorf("no style: %q", got)
	}
	if got := sgr("ff0000", "", true).Paint("x"); got != "\x1b[1;38;2;255;0;0mx\x1b[m" {
		t.Errorf("bold red: %q", got)
	}
}
