package tui_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"steth/tui"
	"steth/tui/tuitest"
)

// TestALightThemeCoversADarkTerminal: a line that ends early, or in blanks that
// the screen library writes as erased cells, is a black hole.
func TestALightThemeCoversADarkTerminal(t *testing.T) {
	const w, h = 100, 30
	d := loaded(t, tuitest.New(0), w, h, tui.Options{Theme: "light"})
	d.Press("esc")
	covered(t, d, "the explorer", w, h)
	d.Press("q")
	d.UntilText("Leave Steth?")
	covered(t, d, "a question", w, h)
	d.Press("esc", "p")
	d.UntilText("type to filter")
	covered(t, d, "the picker", w, h)
}

// covered checks that each line is full, and that neither its last cell nor the
// one before a change of colours is bare.
func covered(t *testing.T, d *tuitest.Driver, what string, w, h int) {
	t.Helper()
	lines := strings.Split(d.View().Content, "\n")
	if len(lines) != h {
		t.Errorf("%s: %d lines of %d", what, len(lines), h)
	}
	for i, l := range lines {
		plain := ansi.Strip(l)
		if n := ansi.StringWidth(plain); n != w || strings.HasSuffix(plain, " ") {
			t.Errorf("%s: line %d covers %d columns of %d and ends in %q", what, i, n, w, plain[max(len(plain)-3, 0):])
		}
		if bare := bareText(l); bare != "" {
			t.Errorf("%s: line %d has no ground under %q", what, i, bare)
		}
	}
}

// bareText finds text before which the background was reset.
func bareText(line string) string {
	grounded := false
	for line != "" {
		seq, n, text := line, 0, false
		if i := strings.IndexByte(line, '\x1b'); i != 0 {
			text = true
			if n = i; i < 0 {
				n = len(line)
			}
		} else {
			n = strings.IndexByte(line, 'm') + 1
		}
		seq, line = line[:n], line[n:]
		switch {
		case text && !grounded:
			return seq
		case text:
		case strings.Contains(seq, "48;2"):
			grounded = true
		case seq == "\x1b[m" || strings.Contains(seq, "49"):
			grounded = false
		}
	}
	return ""
}
