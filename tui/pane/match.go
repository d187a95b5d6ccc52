package pane

import (
	"bytes"
	"strings"

	"steth/feed"
	"steth/packets"
)

// pattern is what a search or a filter looks for in rows: a piece of text as it
// stands on the screen. Small letters match capitals too, capitals only
// themselves.
type pattern struct {
	text   string
	not    bool // rows that lack it
	folded bool // no capitals in text
}

func newPattern(text string) pattern {
	return pattern{text: text, folded: strings.ToLower(text) == text}
}

func (p pattern) String() string {
	if p.not {
		return "!" + p.text
	}
	return p.text
}

// matcher says whether an entry is wanted. It holds buffers, so that each
// goroutine needs its own.
type matcher struct {
	shape    feed.Shape
	patterns []pattern // all have to match
	errors   bool      // only what says that something is broken
	row      []byte
	small    []byte
}

// match says whether all patterns match e.
func (m *matcher) match(e *feed.Entry) bool {
	proto := packets.Other
	if m.shape == feed.Packets {
		m.row, proto = packets.Describe(m.row[:0], &e.Packet)
	} else {
		m.row = append(m.row[:0], e.Text...)
	}
	if m.errors && !broken(e, proto) {
		return false
	}
	if len(m.patterns) == 0 {
		return true
	}
	m.small = appendSmall(m.small[:0], m.row)
	for _, p := range m.patterns {
		row := m.row
		if p.folded {
			row = m.small
		}
		if bytes.Contains(row, []byte(p.text)) == p.not {
			return false
		}
	}
	return true
}

// next finds p in row at or after from; end is 0 when it isn't there.
func (m *matcher) next(p pattern, row string, from int) (start, end int) {
	if p.text == "" || from >= len(row) {
		return 0, 0
	}
	if p.folded {
		m.small = appendSmall(m.small[:0], []byte(row))
		if i := bytes.Index(m.small[from:], []byte(p.text)); i >= 0 {
			return from + i, from + i + len(p.text)
		}
		return 0, 0
	}
	if i := strings.Index(row[from:], p.text); i >= 0 {
		return from + i, from + i + len(p.text)
	}
	return 0, 0
}

// appendSmall appends text with A to Z made small, byte for byte, so that
// places in it are places in text.
func appendSmall(buf, text []byte) []byte {
	for _, b := range text {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		buf = append(buf, b)
	}
	return buf
}

// broken says whether an entry, a packet of proto or a line, reports an error.
func broken(e *feed.Entry, proto packets.Proto) bool {
	switch proto {
	case packets.ICMPError, packets.TCPReset, packets.Malformed:
		return true
	}
	return e.Level == feed.Bad
}
