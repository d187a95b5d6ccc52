package safetext

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Width is the number of cells that s, one line without escape sequences,
// takes in a terminal. It is exact for text that [Clean] has made safe. Of
// other text it is the most that a terminal may take: one that knows grapheme
// clusters (mode 2027) and one that adds up characters differ, and Bubble Tea
// draws for either.
func Width(s string) int {
	cells := 0
	for s != "" {
		n, w := measure(s)
		s, cells = s[n:], cells+w
	}
	return cells
}

// measure returns the bytes and the cells of what s begins with.
func measure(s string) (size, cells int) {
	if n := ascii(s); n > 0 {
		return n, n
	}
	cluster, cells := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return len(cluster), max(cells, ansi.StringWidthWc(cluster))
}

// ascii is the number of printable ASCII characters that s begins with, but
// for a last one that a mark may follow.
func ascii(s string) int {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			if s[i] < 0x80 {
				return i
			}
			return max(i-1, 0)
		}
	}
	return len(s)
}

// Cut shortens s to at most width cells. Where something is cut, ellipsis
// stands for it, unless that alone is too wide. A wide character that would
// fit only by half is left out.
func Cut(s string, width int, ellipsis string) string {
	if len(s) <= width && ascii(s) == len(s) {
		return s
	}
	if width <= 0 {
		return ""
	}
	room := width - Width(ellipsis) // for what stays, beside the ellipsis
	if room < 0 {
		ellipsis, room = "", width
	}
	at, cells, keep := 0, 0, 0
	for at < len(s) {
		n, w := measure(s[at:])
		if run := ascii(s[at:]); run > 0 && cells <= room {
			keep = at + min(run, room-cells)
		}
		if cells+w > width {
			return s[:keep] + ellipsis
		}
		at, cells = at+n, cells+w
		if cells <= room {
			keep = at
		}
	}
	return s
}

// Pad fills s with blanks on its right to width cells. Longer text stays.
func Pad(s string, width int) string {
	if n := width - Width(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}
