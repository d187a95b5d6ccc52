package pane

import (
	"math/rand/v2"
	"testing"
)

// checkTree fails unless the leaves fill r without overlap, but for the lines
// between them.
func checkTree(t *testing.T, root *node, r rect) {
	t.Helper()
	seen := make([]bool, r.w*r.h)
	for _, p := range root.panes(nil) {
		if p.at.w < minWidth || p.at.h < minHeight {
			t.Fatalf("a pane of %dx%d", p.at.w, p.at.h)
		}
		for y := p.at.y; y < p.at.y+p.at.h; y++ {
			for x := p.at.x; x < p.at.x+p.at.w; x++ {
				if !r.holds(x, y) || seen[y*r.w+x] {
					t.Fatalf("%+v leaves %+v or lies over another", p.at, r)
				}
				seen[y*r.w+x] = true
			}
		}
	}
	for i, taken := range seen {
		if split, _ := root.line(i%r.w, i/r.w); taken == (split != nil) {
			t.Fatalf("%d,%d: a pane is %v, a line is %v", i%r.w, i/r.w, taken, split != nil)
		}
	}
	checkSplits(t, root)
}

func checkSplits(t *testing.T, n *node) {
	t.Helper()
	if n.pane != nil {
		return
	}
	if len(n.kids) < 2 || len(n.kids) != len(n.shares) {
		t.Fatalf("a split with %d parts and %d shares", len(n.kids), len(n.shares))
	}
	for i, k := range n.kids {
		if k.pane == nil && k.way == n.way {
			t.Fatal("a split in a split of its own way")
		}
		if n.shares[i] <= 0 {
			t.Fatalf("a share of %v", n.shares[i])
		}
		checkSplits(t, k)
	}
}

func TestTreeFillsItsPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 25 {
		var root *node
		var list []*pane
		r := rect{0, 0, 100 + rng.IntN(80), 30 + rng.IntN(20)}
		for range 40 {
			switch {
			case len(list) == 0 || len(list) < 8 && rng.IntN(3) > 0:
				p := &pane{favoured: rng.IntN(4) == 0}
				if len(list) == 0 {
					root = &node{pane: p}
				} else {
					root = root.split(list[rng.IntN(len(list))], way(rng.IntN(2)), p)
				}
				list = append(list, p)
			case rng.IntN(2) == 0:
				i := rng.IntN(len(list))
				root = root.without(list[i])
				list = append(list[:i], list[i+1:]...)
			default:
				_, above := root.find(list[rng.IntN(len(list))])
				if len(above) > 0 {
					n := above[rng.IntN(len(above))]
					n.resize(rng.IntN(len(n.kids)), rng.IntN(60)-30)
				}
			}
			if root == nil {
				continue
			}
			if got := len(root.panes(nil)); got != len(list) {
				t.Fatalf("%d panes in the tree, %d were put there", got, len(list))
			}
			if w, h := root.least(); w > r.w || h > r.h {
				continue
			}
			root.lay(r)
			checkTree(t, root, r)
		}
	}
}
