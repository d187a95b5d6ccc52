package pane

import "bytes"

// innerFirst turns the text of a packet in a tunnel round: what it carries
// first, and then what carries it. Beside a capture in which the same packet is
// plain the two then read alike.
func innerFirst(text []byte) []byte {
	gap := []byte("  ")
	outer, rest, ok := bytes.Cut(text, gap)
	if !ok || !bytes.Contains(outer, []byte(" > ")) {
		return text
	}
	tunnel, inner, ok := bytes.Cut(rest, gap)
	if !ok || !bytes.Contains(inner, []byte(" > ")) || !carrier(tunnel) {
		return text
	}
	out := make([]byte, 0, len(text)+len("  in  "))
	out = append(append(append(out, inner...), "  in "...), tunnel...)
	return append(append(out, ' '), outer...)
}

// carrier tells whether words such as "vlan 5 p 3 VXLAN 101" name a tunnel. Nothing
// that a stranger can write stands before its name.
func carrier(words []byte) bool {
	for ofTag(words) { // "vlan 5 p 3 DEI "
		_, words, _ = bytes.Cut(words, []byte(" "))
	}
	for _, name := range []string{"VXLAN ", "Geneve ", "GRE"} {
		if bytes.HasPrefix(words, []byte(name)) {
			return true
		}
	}
	return false
}

// ofTag tells whether the first word is one that tells of a VLAN tag.
func ofTag(words []byte) bool {
	word, _, more := bytes.Cut(words, []byte(" "))
	switch string(word) {
	case "vlan", "p", "DEI":
		return more
	}
	return more && len(word) > 0 && word[0] >= '0' && word[0] <= '9'
}
