// Package safetext makes text from strangers safe to print in a terminal, and
// measures it in cells.
//
// Names of servers, lines that a node prints and bytes of a packet are written
// by others. A terminal would act on the escape sequences in them, a person
// would be misled by what turns the reading order round or can't be seen, and
// a line whose width terminals disagree about breaks the screen. [Clean] puts
// something visible in place of each of these. Code that draws such text
// cleans it once, where it comes in, and may then cut and pad it freely.
package safetext

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// tabStop is the number of cells between tab stops.
const tabStop = 8

// Clean returns s with everything visible, one line of it:
//
//	^[ ^J ^?    control characters, in caret notation; tabs become blanks
//	<9B>        bytes that are not UTF-8
//	<U+202E>    C1 controls, bidirectional and other format characters, what has
//	            no width or no ink, private use, unassigned, lone or piled marks
//
// Characters that terminals put in different numbers of cells, such as emoji
// joined from several, are taken apart in the same way, so that every method
// of measuring gives the same width for what Clean returns. The same string
// comes back, without an allocation, when nothing has to be changed.
func Clean(s string) string {
	i := 0
	for i < len(s) && 0x20 <= s[i] && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return s
	}
	if i > 0 { // the last character may belong to a mark that follows
		i--
	}
	start := i
	for i < len(s) {
		n, ok := next(s[i:])
		if !ok {
			return rewrite(s, start)
		}
		i += n
	}
	return s
}

// next measures the character that s begins with, in bytes, and says whether
// it can stay as it is.
func next(s string) (size int, ok bool) {
	if plain(s) {
		return 1, true
	}
	if s[0] < 0x20 || s[0] == 0x7f {
		return 1, false
	}
	if r, n := utf8.DecodeRuneInString(s); r == utf8.RuneError && n == 1 {
		return 1, false
	}
	cluster, cells := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return len(cluster), steady(cluster, cells)
}

// plain says that s begins with a printable ASCII character that nothing which
// follows can join.
func plain(s string) bool {
	return 0x20 <= s[0] && s[0] < 0x7f && (len(s) == 1 || s[1] < utf8.RuneSelf)
}

// maxMarks is how many combining marks one character may carry. Vietnamese
// and polytonic Greek, taken apart, need two or three.
const maxMarks = 3

// steady says whether a cluster is a visible character, perhaps with marks,
// that takes the same number of cells everywhere.
func steady(cluster string, cells int) bool {
	marks := 0
	for i, r := range cluster {
		switch {
		case i == 0 && follows(r), prefixes(r):
			return false
		case r == utf8.RuneError:
			// The replacement character itself is fine, a broken byte isn't.
			if _, n := utf8.DecodeRuneInString(cluster[i:]); n == 1 {
				return false
			}
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks || unicode.Is(unicode.Variation_Selector, r) {
				return false
			}
		case !unicode.IsGraphic(r), inkless(r):
			return false
		}
	}
	return cells > 0 && cells == ansi.StringWidthWc(cluster)
}

// inkless says whether r counts as a letter, a mark or a symbol but shows
// nothing: fillers and blanks with which names are made to look alike.
func inkless(r rune) bool {
	switch r {
	case 0x034f, // combining grapheme joiner
		0x115f,         // Hangul choseong filler
		0x17b4, 0x17b5, // Khmer inherent vowels
		0x2800, // braille pattern blank
		0x3164, // Hangul filler
		0xffa0: // halfwidth Hangul filler
		return true
	}
	return false
}

// follows says whether r is made to stand behind another character and joins
// it (Grapheme_Cluster_Break=Extend, SpacingMark, V or T).
func follows(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r == 0xe33, r == 0xeb3, // Thai and Lao AM
		0x1160 <= r && r <= 0x11ff, 0xd7b0 <= r && r <= 0xd7ff, // Hangul vowels and finals, apart
		r == 0xff9e, r == 0xff9f, // halfwidth voiced sound marks
		0x1f3fb <= r && r <= 0x1f3ff: // skin tones
		return true
	}
	return unicode.Is(unicode.M, r)
}

// prefixes says whether r joins the character behind it, be it only of its own
// script: Grapheme_Cluster_Break=Prepend (without the format characters) or L,
// Indic_Conjunct_Break=Linker.
func prefixes(r rune) bool {
	switch {
	case r < 0x94d:
		return false
	case 0x1100 <= r && r <= 0x115f, 0xa960 <= r && r <= 0xa97c, // Hangul initials, apart
		r == 0xd4e, r == 0x111c2, r == 0x111c3, r == 0x113d1, r == 0x1193f, r == 0x11941,
		r == 0x11a3a, 0x11a84 <= r && r <= 0x11a89, r == 0x11d46, r == 0x11f02:
		return true
	}
	return links(r)
}

// links says whether r ties two consonants of an Indic script to one cluster.
func links(r rune) bool {
	switch r {
	case 0x94d, 0x9cd, 0xacd, 0xb4d, 0xc4d, 0xd4d, 0x1039, 0x17d2, 0x1a60, 0x1b44, 0x1bab,
		0xa9c0, 0xaaf6, 0x10a3f, 0x11133, 0x113d0, 0x1193e, 0x11a47, 0x11a99, 0x11f42:
		return true
	}
	return false
}

// rewrite is Clean's slow path; s[:from] is known to be fine.
func rewrite(s string, from int) string {
	out := append(make([]byte, 0, len(s)+16), s[:from]...)
	column := Width(s[:from])
	for i := from; i < len(s); {
		n, ok := next(s[i:])
		switch cluster := s[i : i+n]; {
		case ok:
			out = append(out, cluster...)
			column += Width(cluster)
		case cluster == "\t":
			blanks := tabStop - column%tabStop
			out = append(out, "        "[:blanks]...)
			column += blanks
		default:
			before := len(out)
			out = spell(out, cluster)
			column += Width(string(out[before:]))
		}
		i += n
	}
	return string(out)
}

// spell appends a cluster that can't stay. Its first character is kept if it
// is fine alone.
func spell(out []byte, cluster string) []byte {
	for i := 0; i < len(cluster); {
		r, n := utf8.DecodeRuneInString(cluster[i:])
		alone := cluster[i : i+n]
		switch {
		case r < 0x20 || r == 0x7f:
			out = append(out, '^', byte(r)^0x40)
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, "<%02X>", cluster[i])
		case i == 0 && steady(alone, ansi.StringWidth(alone)):
			out = append(out, alone...)
		default:
			out = fmt.Appendf(out, "<U+%04X>", r)
		}
		i += n
	}
	return out
}
