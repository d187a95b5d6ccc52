package safetext

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "64 bytes from 10.20.0.22", "64 bytes from 10.20.0.22"},
		{"arrow and accents", "web-1 → größe", "web-1 → größe"},
		{"CJK", "東京-1", "東京-1"},
		{"emoji", "db 🚀", "db 🚀"},
		{"colour", "a\x1b[31mred", "a^[[31mred"},
		{"title", "\x1b]0;own\a", "^[]0;own^G"},
		{"newlines", "a\r\nb\n", "a^M^Jb^J"},
		{"delete and null", "a\x7f\x00", "a^?^@"},
		{"tab", "ab\tc", "ab      c"},
		{"tab at a stop", "12345678\tc", "12345678        c"},
		{"tab after wide", "東\tc", "東      c"},
		{"C1 as UTF-8", "a\u009b31m", "a<U+009B>31m"},
		{"C1 as a byte", "a\x9b31m", "a<9B>31m"},
		{"half a character", "a\xe6\x9d", "a<E6><9D>"},
		{"overlong", "\xc0\xaf", "<C0><AF>"},
		{"replacement character", "a\uFFFDb", "a\uFFFDb"},
		{"bidi override", "user\u202Etxt.exe", "user<U+202E>txt.exe"},
		{"bidi isolate", "\u2066x\u2069", "<U+2066>x<U+2069>"},
		{"zero width space", "web\u200B-1", "web<U+200B>-1"},
		{"byte order mark", "\uFEFFweb", "<U+FEFF>web"},
		{"soft hyphen", "we\u00ADb", "we<U+00AD>b"},
		{"tag characters", "a\U000E0041", "a<U+E0041>"},
		{"private use", "\uE0B0", "<U+E0B0>"},
		{"line separator", "a\u2028b", "a<U+2028>b"},
		{"noncharacter", "a\uFFFFb", "a<U+FFFF>b"},
		{"accent apart", "cafe\u0301", "cafe\u0301"},
		{"accent alone", "\u0301x", "<U+0301>x"},
		{"piled accents", "a" + strings.Repeat("\u0301", 5), "a" + strings.Repeat("<U+0301>", 5)},
		{"family", "👨\u200d👩", "👨<U+200D><U+1F469>"},
		{"skin", "👍🏽", "👍<U+1F3FD>"},
		{"heart as emoji", "❤\ufe0f", "❤<U+FE0F>"},
		{"flag", "🇩🇪", "🇩🇪"},
		{"Hangul filler", "a\u3164b", "a<U+3164>b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%+q) is %+q, want %+q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCleanTextCostsNothing(t *testing.T) {
	for _, s := range []string{"64 bytes from 10.20.0.22: icmp_seq=56", "web-1 → db-2, größe 東京"} {
		if n := testing.AllocsPerRun(100, func() { Clean(s) }); n != 0 {
			t.Errorf("Clean(%q) allocates %.0f times", s, n)
		}
		if n := testing.AllocsPerRun(100, func() { Width(s); Cut(s, 100, "…") }); n != 0 {
			t.Errorf("measuring %q allocates %.0f times", s, n)
		}
	}
}

func TestNothingHides(t *testing.T) {
	for _, r := range []rune{0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x2060, 0x2800, 0x3164, 0xffa0, 0xd4e, 0xe33} {
		if got := Clean(string(r)); !strings.HasPrefix(got, "<U+") {
			t.Errorf("%U stays as %+q", r, got)
		}
	}
}

// TestCleanIsLinear would take minutes if each tab measured the line again.
func TestCleanIsLinear(t *testing.T) {
	for _, s := range []string{"\t", "\u0301", "\x9b", "\u200d👨"} {
		long := strings.Repeat(s, 100_000)
		if got := Clean(long); len(got) < len(long) {
			t.Errorf("%q: %d bytes became %d", s, len(long), len(got))
		}
	}
}

func TestWidth(t *testing.T) {
	tests := []struct {
		s    string
		want int
	}{
		{"", 0},
		{"abc", 3},
		{"→", 1},
		{"a→b", 3},
		{"東京", 4},
		{"a東b", 4},
		{"🚀", 2},
		{"e\u0301", 1},
		{"xe\u0301x", 3},
		{"✗ 12 of 61", 10},
		{"▁▂▃█", 4},
	}
	for _, tt := range tests {
		if got := Width(tt.s); got != tt.want {
			t.Errorf("Width(%q) is %d, want %d", tt.s, got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		s        string
		width    int
		ellipsis string
		want     string
	}{
		{"abcdef", 6, "…", "abcdef"},
		{"abcdef", 5, "…", "abcd…"},
		{"abcdef", 1, "…", "…"},
		{"abcdef", 0, "…", ""},
		{"abcdef", -3, "…", ""},
		{"abcdef", 2, "...", "ab"},
		{"abcdef", 3, "", "abc"},
		{"東京都", 6, "…", "東京都"},
		{"東京都", 5, "…", "東京…"},
		{"東京都", 4, "…", "東…"},
		{"東京都", 3, "", "東"},
		{"a東", 2, "", "a"},
		{"ab東cd", 5, "…", "ab東…"},
		{"cafe\u0301s", 5, "…", "cafe\u0301s"},
		{"cafe\u0301s", 4, "", "cafe\u0301"},
		{"abcdefe\u0301", 4, "…", "abc…"},
	}
	for _, tt := range tests {
		if got := Cut(tt.s, tt.width, tt.ellipsis); got != tt.want {
			t.Errorf("Cut(%q, %d, %q) is %q, want %q", tt.s, tt.width, tt.ellipsis, got, tt.want)
		}
	}
}

func TestPad(t *testing.T) {
	for s, want := range map[string]string{"": "    ", "ab": "ab  ", "東": "東  ", "abcde": "abcde"} {
		if got := Pad(s, 4); got != want {
			t.Errorf("Pad(%q) is %q", s, got)
		}
	}
}

// TestEveryCharacterStandsAlone puts each character between others that might
// join it.
func TestEveryCharacterStandsAlone(t *testing.T) {
	check := func(r rune) {
		alone := Clean(string(r))
		for _, n := range []string{"\u0915", "\uac00"} {
			line := n + alone + n
			want := 2*Width(n) + Width(alone)
			if wc, gr := ansi.StringWidthWc(line), ansi.StringWidth(line); wc != want || gr != want {
				t.Errorf("%U beside %s: %d cells apart, together %d or %d", r, n, want, wc, gr)
			}
		}
	}
	for _, span := range [][2]rune{
		{0x80, 0x3400}, {0xa000, 0xac10}, {0xd700, 0xd800}, {0xf8f0, 0x12000}, {0x1f000, 0x1fc00}, {0xe0000, 0xe0200},
	} { // without the ideographs and syllables, which are all alike
		for r := span[0]; r < span[1]; r++ {
			check(r)
		}
	}
}

var seeds = []string{
	"plain", "a\x1b[31m", "\x9b", "東京\t", "👨\u200d👩\u200d👧", "🇩🇪🇫", "e\u0301\u0301\u0301\u0301", "\u1100\u1161\u11a8",
	"स्ते", "\u0600a", "\u202e\u2066", "\r\n", "\xf0\x9f", "❤\ufe0f", "1\ufe0f\u20e3", "\u0e33", "กำ", "\u200d", "\u0d4e\u0d15",
}

func FuzzClean(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Clean(%+q) is not UTF-8: %+q", s, got)
		}
		for _, r := range got {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) {
				t.Fatalf("Clean(%+q) leaves %U: %+q", s, r, got)
			}
		}
		if again := Clean(got); again != got {
			t.Fatalf("Clean(%+q) is %+q, and that becomes %+q", s, got, again)
		}
		w, wc, gr := Width(got), ansi.StringWidthWc(got), ansi.StringWidth(got)
		if w != wc || w != gr || w < 0 {
			t.Fatalf("Clean(%+q) is %+q: %d cells, a terminal says %d or %d", s, got, w, wc, gr)
		}
	})
}

// FuzzJoin: lines are put together of texts that were cleaned one by one.
func FuzzJoin(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, seeds[(i+5)%len(seeds)])
	}
	f.Add("🇩", "🇪")
	f.Add("\u1100", "\u1161")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = Clean(a), Clean(b)
		want, line := Width(a)+Width(b), a+b
		if w, wc, gr := Width(line), ansi.StringWidthWc(line), ansi.StringWidth(line); w != want || wc != want || gr != want {
			t.Fatalf("%+q and %+q take %d cells, together %d, %d or %d", a, b, want, w, wc, gr)
		}
	})
}

func FuzzCut(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, i%7, "…")
	}
	f.Fuzz(func(t *testing.T, s string, width int, ellipsis string) {
		s, ellipsis = Clean(s), Clean(ellipsis)
		got := Cut(s, width, ellipsis)
		if w := Width(got); w > max(width, 0) {
			t.Fatalf("Cut(%+q, %d, %+q) takes %d cells: %+q", s, width, ellipsis, w, got)
		}
		if Width(s) <= width && got != s {
			t.Fatalf("Cut(%+q, %d) changed what fits: %+q", s, width, got)
		}
		if width >= 0 && width <= 1000 {
			if w := Width(Pad(got, width)); w != width {
				t.Fatalf("Pad(%+q, %d) takes %d cells", got, width, w)
			}
		}
	})
}

func BenchmarkClean(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":   "64 bytes from 10.20.0.22: icmp_seq=56 ttl=64 time=0.71 ms",
		"unicode": "web-1 → db-2, größe 東京: 64 bytes from 10.20.0.22 ttl=64",
		"hostile": "64 bytes \x1b[31mfrom 10.20.0.22: \u202eicmp_seq=56\tttl=64\n",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Clean(s)
			}
		})
	}
}

func BenchmarkCut(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Cut("64 bytes from 10.20.0.22: icmp_seq=56 ttl=64 time=0.71 ms", 40, "…")
	}
}
