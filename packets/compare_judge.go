package packets

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// judge says of the differences in one segment what makes them: the frame that
// the endpoints exchange, or one that carries it.
type judge struct {
	sides *[2]Side
	pairs []LayerPair
	outer bool

	ip        *LayerPair // nil where it isn't at both places
	routed    int        // by how much TTL was lowered
	addresses bool       // of IP differ
	tagged    bool       // a tag is at one place only
	cut       bool       // one place kept less than the whole packet
}

func (j *judge) judge() {
	j.look()
	for i := range j.pairs {
		l := &j.pairs[i]
		if l.Likeness == OnlyFirst || l.Likeness == OnlySecond {
			l.Verdict = j.alone(l)
			continue
		}
		for k := range l.Fields {
			if f := &l.Fields[k]; f.Likeness != Same {
				f.Verdict = j.field(l, f)
			}
		}
		if l.Likeness != Same {
			l.Judgement = worst(l.Fields)
		}
	}
}

// worst is the judgement of a header by those of its fields.
func worst(fields []FieldPair) Judgement {
	all := Expected
	for _, f := range fields {
		switch {
		case f.Likeness == Same:
		case f.Judgement == Unexpected:
			return Unexpected
		case f.Judgement == Unjudged:
			all = Unjudged
		}
	}
	return all
}

// look finds what explains other differences.
func (j *judge) look() {
	j.cut = j.sides[0].Cut() || j.sides[1].Cut()
	for i := range j.pairs {
		l := &j.pairs[i]
		both := l.Layers[0] != nil && l.Layers[1] != nil
		switch l.Name {
		case "802.1Q":
			j.tagged = j.tagged || !both
		case "IPv4", "IPv6":
			if !both || j.ip != nil {
				continue
			}
			j.ip = l
			if a, b, ok := l.numbers("TTL", "hop limit"); ok {
				j.routed = a - b
			}
			j.addresses = l.differs("source") || l.differs("destination")
		}
	}
}

// alone judges a header that only one place saw.
func (j *judge) alone(l *LayerPair) Verdict {
	one := 0 // the side that has it
	if l.Likeness == OnlySecond {
		one = 1
	}
	switch {
	case l.Name == "802.1Q" && one == 1:
		return normal("VLAN tag %s was put on", l.Layers[1].value("VLAN"))
	case l.Name == "802.1Q":
		return normal("VLAN tag %s was taken off", l.Layers[0].value("VLAN"))
	case l.Name == layerTrailer && zeros(j.sides[one].Bytes(l.Layers[one])):
		return normal("padding of a short frame")
	case j.sides[1-one].Cut():
		return normal("the other capture kept only %d of %d bytes", len(j.sides[1-one].Data), j.sides[1-one].Wire)
	}
	return Verdict{}
}

// field judges one value that is not the same, or that only one place saw.
func (j *judge) field(l *LayerPair, f *FieldPair) Verdict {
	if j.outer && j.addresses { // all of it was made anew
		return normal(ofAnotherTunnel)
	}
	switch l.Name {
	case "Ethernet":
		return j.ethernet(f)
	case "IPv4", "IPv6":
		return j.internet(l, f)
	case "TCP", "UDP", "ICMP", "ICMP6", "ICMP6 echo":
		return j.transport(l, f)
	case "VXLAN", "Geneve":
		return Verdict{}
	case layerPayload:
		return j.content(f)
	case layerTrailer:
		if zeros(j.sides[0].Bytes(l.Layers[0])) && zeros(j.sides[1].Bytes(l.Layers[1])) {
			return normal("padding of a short frame")
		}
	}
	if j.cutShort(l) {
		return normal("the captures kept different lengths")
	}
	return Verdict{}
}

func (j *judge) ethernet(f *FieldPair) Verdict {
	switch f.Name {
	case "type":
		if j.tagged {
			return normal("a VLAN tag follows at one place only")
		}
	case "source", "destination":
		switch {
		case j.routed > 0:
			return normal("rewritten by the router")
		case j.ip != nil && j.routed == 0:
			return undecided("no router passed it on: TTL is the same")
		}
	}
	return Verdict{}
}

func (j *judge) internet(l *LayerPair, f *FieldPair) Verdict {
	a, b := f.Fields[0].Value, f.Fields[1].Value
	switch f.Name {
	case "TTL", "hop limit":
		switch {
		case j.routed > 0:
			return normal("lowered by %s", routers(j.routed))
		case j.routed < 0:
			return odd("it rose, and no router raises it")
		}
	case "source", "destination":
		return normal(byNAT)
	case "total length", "payload length":
		if a == "0" || b == "0" {
			return normal("0 leaves cutting it up to the hardware")
		}
		if !j.addresses { // a NAT that knows the application may change it
			return odd("nothing on the way makes a packet longer or shorter")
		}
	case "ECN":
		if b == "3" && (a == "1" || a == "2") {
			return normal("a router marked congestion")
		}
	case "checksum":
		return j.headerChecksum(l)
	}
	return Verdict{}
}

func (j *judge) transport(l *LayerPair, f *FieldPair) Verdict {
	switch f.Name {
	case "source port":
		if j.ip != nil && (j.ip.differs("source") || j.ip.differs("destination")) {
			return normal(byNAT)
		}
	case "destination port":
		if j.ip != nil && (j.ip.differs("source") || j.ip.differs("destination")) {
			return normal(byNAT)
		}
	case "id":
		if j.addresses {
			return normal("rewritten by NAT, as a port would be")
		}
	case "checksum":
		return j.checksum(l)
	case "option":
		a, ok1 := strings.CutPrefix(f.Fields[0].Value, "MSS ")
		b, ok2 := strings.CutPrefix(f.Fields[1].Value, "MSS ")
		if x, y, ok := numbers(a, b); ok1 && ok2 && ok && y < x {
			return normal("lowered to fit a tunnel or a narrow link")
		}
	}
	return Verdict{}
}

// content judges bytes that are the application's own.
func (j *judge) content(f *FieldPair) Verdict {
	switch {
	case f.Name == "bytes" || f.Name == "begins with":
		if j.cut {
			return normal("the captures kept different lengths")
		}
	case strings.HasPrefix(f.Name, "from byte "):
		if !j.addresses && !j.quotes() { // a NAT that knows the application rewrites it
			return odd("nothing on the way changes what is inside")
		}
	}
	return Verdict{}
}

// quotes tells whether the content is that of another packet, as in an ICMP
// error, which routers do rewrite.
func (j *judge) quotes() bool {
	for i := range j.pairs {
		l := &j.pairs[i]
		if l.Name == "ICMP" || l.Name == "ICMP6" {
			for _, s := range l.Layers {
				if s != nil && !strings.HasPrefix(s.value("type"), "Echo") {
					return true
				}
			}
		}
	}
	return false
}

// cutShort tells whether the two places kept different lengths of a header.
func (j *judge) cutShort(l *LayerPair) bool {
	return j.cut && l.Layers[0] != nil && l.Layers[1] != nil && l.Layers[0].Length != l.Layers[1].Length
}

// tunnels says of the headers that carry the packet at one place only what they
// are. Of the pairs, those of a segment without a partner are all alone.
func (c *Comparison) tunnels() {
	from := 0
	for i := range c.Layers {
		l := &c.Layers[i]
		last := i+1 == len(c.Layers) || carries(l.Name, c.Layers[i+1].Name)
		if !last {
			continue
		}
		part := c.Layers[from : i+1]
		from = i + 1
		if !l.Outer || slices.ContainsFunc(part, func(p LayerPair) bool { return p.Likeness != l.Likeness }) {
			continue
		}
		what, side := "put into ", 1
		switch l.Likeness {
		case OnlySecond:
		case OnlyFirst:
			what, side = "taken out of ", 0
		default:
			continue
		}
		name, ends := describeTunnel(part, side)
		for k := range part {
			part[k].Verdict = normal("%s%s", what, name)
			part[k].clause = new(string)
		}
		*part[0].clause = what + name + ends
	}
}

// describeTunnel names what carries a packet, and between whom: "VXLAN 101" and
// ", 10.99.0.11 to 10.99.0.10".
func describeTunnel(part []LayerPair, side int) (name, ends string) {
	name = "another packet"
	for _, p := range part {
		l := p.Layers[side]
		switch p.Name {
		case "VXLAN", "Geneve":
			name = p.Name + " " + l.value("VNI")
		case "GRE":
			name = p.Name
			if key := l.value("key"); key != "" {
				name += " " + key
			}
		case "IPv4", "IPv6":
			ends = ", " + l.value("source") + " to " + l.value("destination")
		}
	}
	return name, ends
}

// Summary tells in a few clauses what happened between the two places, in the
// order of the headers. It's empty where nothing differs.
func (c *Comparison) Summary() []Verdict {
	var out []Verdict
	add := func(v Verdict) {
		if v.Why != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		switch {
		case l.clause != nil:
			add(Verdict{l.Judgement, *l.clause})
		case l.Likeness == OnlyFirst || l.Likeness == OnlySecond:
			if v := l.Verdict; v.Why == "" {
				add(Verdict{l.Judgement, l.Name + " is at one place only"})
			} else {
				add(v)
			}
		case l.Likeness == Changed:
			for k := range l.Fields {
				if f := &l.Fields[k]; f.Likeness != Same {
					add(f.summary(l))
				}
			}
		}
	}
	return out
}

// summary is a clause about one value, "" where it follows from another.
func (f *FieldPair) summary(l *LayerPair) Verdict {
	what := l.Name + " " + f.Name
	if l.Name == "IPv4" || l.Name == "IPv6" {
		what = f.Name
	}
	if l.Outer {
		what = "the tunnel's " + what
	}
	tell := func(format string, args ...any) Verdict { return Verdict{f.Judgement, fmt.Sprintf(format, args...)} }
	a, b := f.Fields[0].Value, f.Fields[1].Value
	switch {
	case f.Judgement == Expected && l.Outer && f.Why == ofAnotherTunnel:
		return tell("in another tunnel")
	case f.Judgement == Expected && (f.Name == "TTL" || f.Name == "hop limit"):
		return tell("%s %s", what, f.Why)
	case f.Judgement == Expected && f.Why == byNAT:
		return tell("NAT made %s %s of %s", f.Name, b, a)
	case f.Judgement == Expected && strings.HasPrefix(f.Why, byNAT):
		return tell("NAT made %s %s of %s", what, b, a)
	case f.Judgement == Expected && (f.Name == "checksum" || l.Name == "Ethernet" || l.Name == layerPayload || l.Name == layerTrailer):
		return Verdict{}
	case f.Likeness == OnlyFirst:
		return tell("%s is gone", what)
	case f.Likeness == OnlySecond:
		return tell("%s is new", what)
	case f.Name == "checksum" && f.Why != "":
		return tell("%s: %s", what, f.Why)
	case strings.HasPrefix(f.Name, "from byte "):
		return tell("the %s differs %s on", l.Name, f.Name)
	}
	return tell("%s %s became %s", what, a, b)
}

const (
	byNAT           = "rewritten by NAT"
	ofAnotherTunnel = "of another tunnel"
)

func routers(n int) string {
	if n == 1 {
		return "one router"
	}
	return strconv.Itoa(n) + " routers"
}

// value is that of the first field with a name, "" where there is none.
func (l *Layer) value(name string) string {
	if l == nil {
		return ""
	}
	for i := range l.Fields {
		if l.Fields[i].Name == name {
			return l.Fields[i].Value
		}
	}
	return ""
}

func (l *LayerPair) differs(name string) bool {
	return slices.ContainsFunc(l.Fields, func(f FieldPair) bool { return f.Name == name && f.Likeness != Same })
}

// numbers are the two values of the first field with one of these names.
func (l *LayerPair) numbers(names ...string) (a, b int, ok bool) {
	for _, f := range l.Fields {
		if slices.Contains(names, f.Name) {
			return numbers(f.Fields[0].Value, f.Fields[1].Value)
		}
	}
	return 0, 0, false
}

func numbers(first, second string) (a, b int, ok bool) {
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return a, b, err1 == nil && err2 == nil
}

func zeros(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
}
