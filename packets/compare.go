package packets

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Likeness says how a thing at the first place compares with that at the second.
type Likeness uint8

const (
	Same Likeness = iota
	Changed
	OnlyFirst
	OnlySecond
)

// Judgement says whether a difference is what networks do.
type Judgement uint8

const (
	Unjudged   Judgement = iota // two packets alone don't tell
	Expected                    // routers, switches, NAT, tunnels and hardware do that
	Unexpected                  // nothing on the way should do that
)

// Comparison is one packet as two places on its way saw it, taken apart and
// laid side by side. "First" and "second" are those two places, in the order of
// the packet's way.
type Comparison struct {
	Sides  [2]Side
	Layers []LayerPair // from the outermost on
}

// Side is the packet as one place saw it.
type Side struct {
	// Data is what was captured. A VLAN tag that the kernel took off stands in
	// it again, where it was on the wire.
	Data   []byte
	Layers []Layer // of Data
	Wire   int     // bytes on the wire
}

// Cut tells whether the capture kept only the beginning.
func (s *Side) Cut() bool { return len(s.Data) < s.Wire }

// Bytes are those of a layer of this side; none for nil.
func (s *Side) Bytes(l *Layer) []byte {
	if l == nil {
		return nil
	}
	return s.Data[l.Offset : l.Offset+l.Length]
}

// LayerPair is one header at both places.
type LayerPair struct {
	Name     string
	Likeness Likeness
	// Outer marks headers that carry a packet within the packet: a tunnel's.
	Outer  bool
	Layers [2]*Layer // nil where it isn't there
	Fields []FieldPair
	Verdict
	clause *string // of a tunnel's headers: what the summary says, once for all of them
}

// FieldPair is one value at both places. A Field without a name isn't there.
type FieldPair struct {
	Name     string
	Likeness Likeness
	Fields   [2]Field
	Verdict
}

// Verdict is what can be said of a difference.
type Verdict struct {
	Judgement Judgement
	Why       string // a clause, "" where there is nothing to say
}

func normal(format string, args ...any) Verdict {
	return Verdict{Expected, fmt.Sprintf(format, args...)}
}

func odd(format string, args ...any) Verdict {
	return Verdict{Unexpected, fmt.Sprintf(format, args...)}
}

func undecided(format string, args ...any) Verdict {
	return Verdict{Unjudged, fmt.Sprintf(format, args...)}
}

// Compare lays a packet as one place saw it beside how a later one did. Both
// must be sights of the same packet: which header of one answers to which of
// the other is decided by what they have in common. The innermost frames stand
// side by side, whatever tunnel is around one of them. It never panics, whatever
// the bytes are, and all its texts are printable ASCII.
func Compare(first, second *Packet) Comparison {
	c := Comparison{Sides: [2]Side{onTheWire(first), onTheWire(second)}}
	a, b := segments(c.Sides[0].Layers), segments(c.Sides[1].Layers)
	shift := align(a, b)
	for i := min(0, shift); i < max(len(a), len(b)+shift); i++ {
		var left, right []Layer
		if i >= 0 && i < len(a) {
			left = a[i]
		}
		if j := i - shift; j >= 0 && j < len(b) {
			right = b[j]
		}
		from := len(c.Layers)
		c.pair(left, right)
		outer := i < len(a)-1 || i-shift < len(b)-1
		for k := range c.Layers[from:] {
			c.Layers[from+k].Outer = outer
		}
		j := judge{sides: &c.Sides, pairs: c.Layers[from:], outer: outer}
		j.judge()
	}
	c.tunnels()
	return c
}

// Swap turns the two sides round, for a screen that has the second at the left.
// Texts stay: they tell of the way, not of the sides.
func (c *Comparison) Swap() {
	turn := func(l *Likeness) {
		switch *l {
		case OnlyFirst:
			*l = OnlySecond
		case OnlySecond:
			*l = OnlyFirst
		}
	}
	c.Sides[0], c.Sides[1] = c.Sides[1], c.Sides[0]
	for i := range c.Layers {
		l := &c.Layers[i]
		l.Layers[0], l.Layers[1] = l.Layers[1], l.Layers[0]
		turn(&l.Likeness)
		for k := range l.Fields {
			f := &l.Fields[k]
			f.Fields[0], f.Fields[1] = f.Fields[1], f.Fields[0]
			turn(&f.Likeness)
		}
	}
}

// onTheWire takes a packet apart with its tag where it stood.
func onTheWire(p *Packet) Side {
	q := *p
	if p.TPID != 0 && len(p.Data) >= ethernetAddresses {
		q.Data = make([]byte, 0, len(p.Data)+tagSize)
		q.Data = append(q.Data, p.Data[:ethernetAddresses]...)
		q.Data = be.AppendUint16(q.Data, p.TPID)
		q.Data = be.AppendUint16(q.Data, p.VLAN)
		q.Data = append(q.Data, p.Data[ethernetAddresses:]...)
		q.Length += tagSize
		q.TPID, q.VLAN = 0, 0
	}
	s := Side{Data: q.Data, Layers: Layers(&q), Wire: max(int(q.Length), len(q.Data))}
	s.Layers = slices.DeleteFunc(s.Layers, func(l Layer) bool { return l.Name == "Cut" })
	end := 0
	for i := range s.Layers {
		end = max(end, s.Layers[i].Offset+s.Layers[i].Length)
	}
	if rest := len(s.Data) - end; rest > 0 {
		s.Layers = append(s.Layers, Layer{Name: layerTrailer, Offset: end, Length: rest, Fields: []Field{
			{Name: "bytes", Value: strconv.Itoa(rest), Offset: end, Length: rest},
		}})
	}
	return s
}

const (
	layerPayload = "Payload"
	layerTrailer = "Trailer" // what stands behind the packet in its frame: padding, mostly

	ethernetAddresses = 12 // bytes before a tag
)

// segments splits headers where a tunnel begins to carry another packet.
func segments(layers []Layer) [][]Layer {
	var out [][]Layer
	from := 0
	for i, l := range layers {
		if i+1 < len(layers) && carries(l.Name, layers[i+1].Name) {
			out, from = append(out, layers[from:i+1]), i+1
		}
	}
	return append(out, layers[from:])
}

func carries(name, next string) bool {
	ip := func(name string) bool { return name == "IPv4" || name == "IPv6" }
	switch next {
	case "Ethernet":
		return true
	case "IPv4", "IPv6":
		return ip(name) || name == "GRE" || name == "VXLAN" || name == "Geneve"
	}
	return false
}

// align says how far b's segments stand behind a's, so that those that are most
// alike are beside each other: the innermost ones, if others aren't better.
func align(a, b [][]Layer) int {
	shift := len(a) - len(b)
	best := math.MinInt
	try := func(s int) {
		score := 0
		for i := range a {
			if j := i - s; j >= 0 && j < len(b) {
				for _, p := range match(a[i], b[j], layerWeight) {
					if p[0] >= 0 && p[1] >= 0 {
						score += likeness(&a[i][p[0]], &b[j][p[1]])
					}
				}
			}
		}
		if score > best {
			best, shift = score, s
		}
	}
	try(shift)
	for s := 1 - len(b); s < len(a); s++ {
		try(s)
	}
	return shift
}

// layerWeight is how much it is worth to lay one header beside another; 0: they
// are different things.
func layerWeight(a, b *Layer) int {
	if a.Name != b.Name {
		return 0
	}
	return max(1, 1+likeness(a, b))
}

// likeness is how much two headers of the same kind have in common, less what
// they don't.
func likeness(a, b *Layer) (n int) {
	for i := range min(len(a.Fields), len(b.Fields)) {
		if a.Fields[i].Name == b.Fields[i].Name && a.Fields[i].Value == b.Fields[i].Value {
			n += 2
		} else {
			n--
		}
	}
	return n
}

func fieldWeight(a, b *Field) int {
	switch {
	case a.Name != b.Name:
		return 0
	case a.Value != b.Value:
		return 1
	}
	return 3
}

// match pairs two lists without changing their order, so that the pairs are
// worth most. Each pair of indices has -1 where there is no partner.
func match[T any](a, b []T, weight func(a, b *T) int) [][2]int {
	best := make([][]int, len(a)+1) // of a[i:] and b[j:]
	for i := range best {
		best[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if w := weight(&a[i], &b[j]); w > 0 {
				best[i][j] = max(best[i][j], w+best[i+1][j+1])
			}
		}
	}
	out := make([][2]int, 0, max(len(a), len(b)))
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case j == len(b):
			out = append(out, [2]int{i, -1})
			i++
		case i == len(a):
			out = append(out, [2]int{-1, j})
			j++
		case weight(&a[i], &b[j]) > 0 && best[i][j] == weight(&a[i], &b[j])+best[i+1][j+1]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			out = append(out, [2]int{i, -1})
			i++
		default:
			out = append(out, [2]int{-1, j})
			j++
		}
	}
	return out
}

// pair appends the headers of two segments, side by side.
func (c *Comparison) pair(a, b []Layer) {
	for _, p := range match(a, b, layerWeight) {
		l := LayerPair{}
		if p[0] >= 0 {
			l.Layers[0] = &a[p[0]]
		}
		if p[1] >= 0 {
			l.Layers[1] = &b[p[1]]
		}
		c.fields(&l)
		c.Layers = append(c.Layers, l)
	}
}

func (c *Comparison) fields(l *LayerPair) {
	first, second := l.Layers[0], l.Layers[1]
	switch {
	case second == nil:
		l.Name, l.Likeness = first.Name, OnlyFirst
		for _, f := range first.Fields {
			l.Fields = append(l.Fields, FieldPair{Name: f.Name, Likeness: OnlyFirst, Fields: [2]Field{f, {}}})
		}
		return
	case first == nil:
		l.Name, l.Likeness = second.Name, OnlySecond
		for _, f := range second.Fields {
			l.Fields = append(l.Fields, FieldPair{Name: f.Name, Likeness: OnlySecond, Fields: [2]Field{{}, f}})
		}
		return
	}
	l.Name = first.Name
	for _, p := range match(first.Fields, second.Fields, fieldWeight) {
		var f FieldPair
		if p[0] >= 0 {
			f.Fields[0] = first.Fields[p[0]]
		}
		if p[1] >= 0 {
			f.Fields[1] = second.Fields[p[1]]
		}
		switch {
		case p[1] < 0:
			f.Name, f.Likeness = f.Fields[0].Name, OnlyFirst
		case p[0] < 0:
			f.Name, f.Likeness = f.Fields[1].Name, OnlySecond
		case f.Fields[0].Value != f.Fields[1].Value:
			f.Name, f.Likeness = f.Fields[0].Name, Changed
		default:
			f.Name = f.Fields[0].Name
		}
		if f.Likeness != Same {
			l.Likeness = Changed
		}
		l.Fields = append(l.Fields, f)
	}
	c.hidden(l)
}

// hidden finds bytes that differ although no field that is shown does, or that
// differ in a payload, of which fields show little.
func (c *Comparison) hidden(l *LayerPair) {
	a, b := c.Sides[0].Bytes(l.Layers[0]), c.Sides[1].Bytes(l.Layers[1])
	n := min(len(a), len(b))
	if l.Likeness != Same && l.Name != layerPayload || bytes.Equal(a[:n], b[:n]) {
		return
	}
	at := 0
	for a[at] == b[at] {
		at++
	}
	f := FieldPair{Name: "from byte " + strconv.Itoa(at), Likeness: Changed}
	for i, data := range [2][]byte{a, b} {
		const shown = 8
		end := min(len(data), at+shown)
		f.Fields[i] = Field{
			Name: f.Name, Value: fmt.Sprintf("%x", data[at:end]), Offset: l.Layers[i].Offset + at, Length: end - at,
		}
	}
	l.Likeness = Changed
	l.Fields = append(l.Fields, f)
}
