package compare

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"steth/internal/safetext"
	"steth/packets"
	"steth/probes/follow"
)

// text is the comparison for the clipboard: a ticket, a mail.
func (p *Page) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", follow.Packet(&p.row))
	for side, name := range [2]string{"left", "right"} {
		if at := p.at[side]; at >= 0 {
			when := time.Unix(0, p.row.Marks[at].Time).UTC().Format("2006-01-02 15:04:05.000000 MST")
			fmt.Fprintf(&b, "%-5s  %s  %s\n", name, when, safetext.Clean(p.hops[at].Name()))
		}
	}
	for i := range p.compared.Layers {
		l := &p.compared.Layers[i]
		fmt.Fprintf(&b, "\n%s", p.layerName(i))
		if l.Why != "" {
			fmt.Fprintf(&b, "  (%s)", l.Why)
		}
		b.WriteByte('\n')
		for _, f := range l.Fields {
			mark := " "
			if f.Likeness != packets.Same {
				mark = "*"
			}
			text := fmt.Sprintf("%s %-24s %-40s %-40s %s", mark, f.Name, f.Fields[0].Value, f.Fields[1].Value, f.Why)
			b.WriteString(strings.TrimRight(text, " ") + "\n")
		}
	}
	return b.String()
}

// dump is the bytes of both hops as text2pcap and Wireshark read them.
func (p *Page) dump() string {
	var b strings.Builder
	for side := range 2 {
		at := p.at[side]
		if at < 0 || !p.sightAt(side).ok {
			continue
		}
		fmt.Fprintf(&b, "# %s\n", safetext.Clean(p.hops[at].Name()))
		data := p.compared.Sides[side].Data
		for i := 0; i < len(data); i += 16 {
			row := data[i:min(i+16, len(data))]
			fmt.Fprintf(&b, "%06x ", i)
			for _, c := range row {
				b.WriteString(" " + hex.EncodeToString([]byte{c}))
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	return b.String()
}
