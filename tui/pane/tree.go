package pane

import "slices"

// way is how a split puts its parts.
type way uint8

const (
	beside way = iota // left to right, a thin line between
	below             // top to bottom, a thin line between
)

// The smallest pane: a title, its rule and three rows, wide enough for a number
// and the head of a name. Where not all panes have that, one has the page.
const (
	minWidth  = 16
	minHeight = 5
	cosy      = 9 // rows that the focused pane has as long as others can give
)

// rect is a part of the screen in cells.
type rect struct{ x, y, w, h int }

func (r rect) holds(x, y int) bool {
	return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h
}

// node is a pane, or a split of two parts or more. A split never holds a split
// of its own way.
type node struct {
	pane *pane // nil for a split
	way  way
	kids []*node
	// shares says how the room is divided among kids, in parts of their sum.
	shares []float64

	at    rect  // as last laid out
	sizes []int // of kids, along way
}

// gap is how many cells stand between two parts: a blank and a line, or a line.
func (w way) gap() int {
	if w == beside {
		return 2
	}
	return 1
}

// least is the smallest size that n can be drawn in.
func (n *node) least() (w, h int) {
	if n.pane != nil {
		return minWidth, minHeight
	}
	gaps := n.way.gap() * (len(n.kids) - 1)
	for _, k := range n.kids {
		kw, kh := k.least()
		if n.way == beside {
			w, h = w+kw, max(h, kh)
		} else {
			w, h = max(w, kw), h+kh
		}
	}
	if n.way == beside {
		return w + gaps, h
	}
	return w, h + gaps
}

// lay gives n and everything below it a place. r is at least n.least().
func (n *node) lay(r rect) {
	n.at = r
	if n.pane != nil {
		n.pane.at = r
		return
	}
	n.sizes = n.divide(n.length(r) - n.way.gap()*(len(n.kids)-1))
	for i, k := range n.kids {
		if n.way == beside {
			k.lay(rect{r.x, r.y, n.sizes[i], r.h})
			r.x += n.sizes[i] + n.way.gap()
		} else {
			k.lay(rect{r.x, r.y, r.w, n.sizes[i]})
			r.y += n.sizes[i] + n.way.gap()
		}
	}
}

// length is the side of r along which n is split.
func (n *node) length(r rect) int {
	if n.way == beside {
		return r.w
	}
	return r.h
}

// divide shares room among the kids: what each needs at least, and as near to
// the shares as that allows.
func (n *node) divide(room int) []int {
	sum := 0.0
	for _, s := range n.shares {
		sum += s
	}
	sizes := make([]int, len(n.kids))
	left, leftSum := room, sum
	needed := 0
	least := make([]int, len(n.kids))
	for i, k := range n.kids {
		w, h := k.least()
		least[i] = h
		if n.way == beside {
			least[i] = w
		}
		needed += least[i]
	}
	for i := range n.kids {
		needed -= least[i]
		want := int(float64(left)*n.shares[i]/leftSum + 0.5)
		sizes[i] = min(max(want, least[i]), left-needed)
		left -= sizes[i]
		leftSum -= n.shares[i]
	}
	sizes[len(sizes)-1] += left
	if n.way == below {
		n.favour(sizes, least)
	}
	return sizes
}

// favour takes rows from the other kids for the one with the focus, where it
// would have fewer than a person can read.
func (n *node) favour(sizes, least []int) {
	for i, k := range n.kids {
		if !k.favoured() {
			continue
		}
		for sizes[i] < cosy {
			rich := -1
			for j := range sizes {
				if j != i && sizes[j] > least[j] && (rich < 0 || sizes[j] > sizes[rich]) {
					rich = j
				}
			}
			if rich < 0 {
				return
			}
			sizes[rich]--
			sizes[i]++
		}
	}
}

func (n *node) favoured() bool {
	return n.pane != nil && n.pane.favoured || slices.ContainsFunc(n.kids, (*node).favoured)
}

// panes lists the leaves from left to right and top to bottom.
func (n *node) panes(list []*pane) []*pane {
	if n == nil {
		return list
	}
	if n.pane != nil {
		return append(list, n.pane)
	}
	for _, k := range n.kids {
		list = k.panes(list)
	}
	return list
}

// find returns the leaf of p and the splits above it, the nearest last.
func (n *node) find(p *pane) (leaf *node, above []*node) {
	if n == nil || n.pane == p {
		return n, nil
	}
	for _, k := range n.kids {
		if leaf, above = k.find(p); leaf != nil {
			return leaf, append([]*node{n}, above...)
		}
	}
	return nil, nil
}

// index is the place of kid among n's.
func (n *node) index(kid *node) int {
	for i, k := range n.kids {
		if k == kid {
			return i
		}
	}
	return -1
}

// split puts a pane beside or below the leaf of p, and returns the tree's root.
func (n *node) split(p *pane, w way, fresh *pane) *node {
	leaf, above := n.find(p)
	added := &node{pane: fresh}
	if leaf == nil {
		return added
	}
	if len(above) > 0 {
		up := above[len(above)-1]
		i := up.index(leaf)
		if up.way == w { // they share what the old one had
			up.shares[i] /= 2
			up.insert(i+1, added, up.shares[i])
			return n
		}
		up.kids[i] = &node{way: w, kids: []*node{leaf, added}, shares: []float64{1, 1}}
		return n
	}
	return &node{way: w, kids: []*node{leaf, added}, shares: []float64{1, 1}}
}

// insert puts kid at place i.
func (n *node) insert(i int, kid *node, share float64) {
	n.kids = append(n.kids, nil)
	copy(n.kids[i+1:], n.kids[i:])
	n.kids[i] = kid
	n.shares = append(n.shares, 0)
	copy(n.shares[i+1:], n.shares[i:])
	n.shares[i] = share
}

// without takes the leaf of p out and returns the tree's root, nil when that
// was all.
func (n *node) without(p *pane) *node {
	if n == nil || n.pane == p {
		return nil
	}
	for i := 0; i < len(n.kids); i++ {
		kid := n.kids[i].without(p)
		if kid == n.kids[i] {
			continue
		}
		if kid == nil {
			n.inherit(i)
			n.kids = append(n.kids[:i], n.kids[i+1:]...)
			n.shares = append(n.shares[:i], n.shares[i+1:]...)
		} else {
			n.adopt(i, kid)
		}
		break
	}
	if len(n.kids) == 1 {
		return n.kids[0]
	}
	return n
}

// inherit gives the room of the i-th part to the smaller of its neighbours: a
// view that was split off gives back what it took.
func (n *node) inherit(i int) {
	heir := i - 1
	if heir < 0 || i+1 < len(n.kids) && n.shares[i+1] < n.shares[heir] {
		heir = i + 1
	}
	if heir < len(n.kids) {
		n.shares[heir] += n.shares[i]
	}
}

// adopt puts kid at place i; a split of n's own way is taken apart into it.
func (n *node) adopt(i int, kid *node) {
	if kid.pane != nil || kid.way != n.way {
		n.kids[i] = kid
		return
	}
	share, sum := n.shares[i], 0.0
	for _, s := range kid.shares {
		sum += s
	}
	n.kids = append(n.kids[:i], n.kids[i+1:]...)
	n.shares = append(n.shares[:i], n.shares[i+1:]...)
	for j, k := range kid.kids {
		n.insert(i+j, k, share*kid.shares[j]/sum)
	}
}

// resize moves the line behind the i-th part by cells, as far as the parts on
// both sides can give.
func (n *node) resize(i, cells int) {
	if i < 0 || i+1 >= len(n.kids) || len(n.sizes) != len(n.kids) {
		return
	}
	aw, ah := n.kids[i].least()
	bw, bh := n.kids[i+1].least()
	a, b := ah, bh
	if n.way == beside {
		a, b = aw, bw
	}
	cells = max(min(cells, n.sizes[i+1]-b), a-n.sizes[i])
	n.sizes[i] += cells
	n.sizes[i+1] -= cells
	for j, size := range n.sizes {
		n.shares[j] = float64(size)
	}
}

// line finds the split whose dividing line stands at x, y, and which part is
// before it.
func (n *node) line(x, y int) (split *node, i int) {
	if n == nil || n.pane != nil || !n.at.holds(x, y) {
		return nil, 0
	}
	pos := x - n.at.x
	if n.way == below {
		pos = y - n.at.y
	}
	for i, k := range n.kids {
		if pos < n.sizes[i] {
			return k.line(x, y)
		}
		pos -= n.sizes[i]
		if pos < n.way.gap() {
			return n, i
		}
		pos -= n.way.gap()
	}
	return nil, 0
}

// draw appends what n shows in row y of the screen.
func (n *node) draw(out []byte, y int, theme lines) []byte {
	if n.pane != nil {
		return n.pane.line(out, y-n.at.y)
	}
	if n.way == beside {
		for i, k := range n.kids {
			if i > 0 {
				out = append(out, ' ')
				out = append(out, theme.vertical...)
			}
			out = k.draw(out, y, theme)
		}
		return out
	}
	top := n.at.y
	for i, k := range n.kids {
		if y < top+n.sizes[i] {
			return k.draw(out, y, theme)
		}
		top += n.sizes[i]
		if y == top {
			return theme.horizontal(out, n.at.w)
		}
		top++
	}
	return out
}
