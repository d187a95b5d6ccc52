//go:build integration

package packets

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// facts are what a line about a packet says: the values of each kind of fact,
// in the line's order, so that a packet in a packet has two of them.
type facts struct {
	kinds map[string][]string
	rest  []string // words of the line that no rule knows
}

func (f *facts) add(kind, value string) {
	if value == "" || kind == "stop" && len(f.kinds[kind]) > 0 {
		return
	}
	f.kinds[kind] = append(f.kinds[kind], value)
}

// name adds a name of ours: escaped, and perhaps cut.
func (f *facts) name(kind, s string) {
	if strings.HasSuffix(s, "[bad name]") {
		f.add("stop", "yes")
		return
	}
	f.add(kind, unescape(s))
}

// drop takes back the last fact of a kind.
func (f *facts) drop(kind string) {
	if n := len(f.kinds[kind]); n > 0 {
		f.kinds[kind] = f.kinds[kind][:n-1]
	}
}

// rule is one phrase of a language and the facts that it tells.
type rule struct {
	phrase *regexp.Regexp
	tell   func(f *facts, m []string, rest string)
}

// says makes a rule whose facts are written as "kind=value", with $1 for the
// first group of the phrase.
func says(phrase string, told ...string) rule {
	return does(phrase, func(f *facts, m []string, _ string) {
		for _, t := range told {
			for i := len(m) - 1; i > 0; i-- {
				t = strings.ReplaceAll(t, "$"+strconv.Itoa(i), m[i])
			}
			kind, value, _ := strings.Cut(t, "=")
			f.add(kind, value)
		}
	})
}

func does(phrase string, tell func(f *facts, m []string, rest string)) rule {
	phrase = strings.NewReplacer("ADDR", `([0-9a-f]*[.:][0-9a-f:.]*[0-9a-f:])`, "MAC", `([0-9a-f]{2}(?::[0-9a-f]{2}){5}|broadcast)`, "NUM", `([0-9]+)`, "HEX", `(0x[0-9a-f]+)`).Replace(phrase)
	return rule{regexp.MustCompile(`^(?:` + phrase + `)`), tell}
}

// read takes a line apart: at each place the rule that fits longest is taken.
func read(line string, language []rule) facts {
	f := facts{kinds: map[string][]string{}}
	for line != "" {
		var best *rule
		var told []string
		for i := range language {
			if m := language[i].phrase.FindStringSubmatch(line); m != nil && (best == nil && m[0] != "" || best != nil && len(m[0]) > len(told[0])) {
				best, told = &language[i], m
			}
		}
		if best != nil {
			line = line[len(told[0]):]
			best.tell(&f, told, line)
			continue
		}
		end := strings.IndexAny(line[1:], " ,\n") + 1
		if end == 0 {
			end = len(line)
		}
		if word := strings.Trim(line[:end], " ,:\n\t"); word != "" {
			f.rest = append(f.rest, word)
		}
		line = line[end:]
	}
	return f
}

// decimal is a number that may be written in hexadecimal.
func decimal(s string) string {
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return s
	}
	return strconv.FormatUint(n, 10)
}

func macPair(a, b string) string {
	name := func(s string) string {
		if s == "ff:ff:ff:ff:ff:ff" {
			return "broadcast"
		}
		return s
	}
	return name(a) + ">" + name(b)
}

// withoutPort is an address as tcpdump writes it, ADDR.PORT, without its port.
func withoutPort(s string) string {
	if _, err := netip.ParseAddr(s); err == nil {
		return s
	}
	return s[:strings.LastIndexByte(s, '.')]
}

// unescape turns our \DDD and tcpdump's ^X and M-X into the same: the bytes.
func unescape(s string) string {
	s = regexp.MustCompile(`\\[0-9]{3}`).ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.Atoi(e[1:])
		return string([]byte{byte(n)})
	})
	return strings.ReplaceAll(s, `\.`, ".")
}

func untilde(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		high := byte(0)
		if strings.HasPrefix(s[i:], "M-") && i+2 < len(s) {
			high, i = 0x80, i+2
		}
		if s[i] == '^' && i+1 < len(s) {
			i++
			b.WriteByte(high | s[i] ^ 0x40)
		} else {
			b.WriteByte(high | s[i])
		}
	}
	return b.String()
}

// differ says where two lines contradict each other. A kind of fact that only
// one of them tells must be among those that the other leaves out on purpose.
func differ(ours, theirs facts, onlyOurs, onlyTheirs []string) []string {
	var out []string
	kinds := map[string]bool{}
	for k := range ours.kinds {
		kinds[k] = true
	}
	for k := range theirs.kinds {
		kinds[k] = true
	}
	stopped := len(ours.kinds["stop"]) > 0 && len(theirs.kinds["stop"]) > 0
	for k := range kinds {
		a, b := ours.kinds[k], theirs.kinds[k]
		if stopped && len(a) > len(b) { // they stopped before we did
			a = a[:len(b)]
		}
		switch {
		case slices.Equal(a, b):
		case len(b) == 0 && slices.Contains(onlyOurs, k):
		case len(a) == 0 && slices.Contains(onlyTheirs, k):
		default:
			out = append(out, fmt.Sprintf("%s: ours %q, theirs %q", k, a, b))
		}
	}
	slices.Sort(out)
	return out
}
