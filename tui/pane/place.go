package pane

import "steth/feed"

// Panes are placed by themselves until the engineer splits or resizes: packets
// above, side by side, because they are compared; everything else below them.
const (
	packetWidth = 50 // cells that rows of packets want, with a gutter
	lineWidth   = 60 // cells that other lines want
	packetShare = 1.75
	lineShare   = 1
)

// arrange makes the tree for panes in a width of cells.
func arrange(panes []*pane, cells int) *node {
	var packets, others []*pane
	for _, p := range panes {
		if p.about.Shape == feed.Packets {
			packets = append(packets, p)
		} else {
			others = append(others, p)
		}
	}
	root := &node{way: below}
	for _, row := range rows(packets, cells, packetWidth) {
		root.kids, root.shares = append(root.kids, row), append(root.shares, packetShare)
	}
	for _, row := range rows(others, cells, lineWidth) {
		root.kids, root.shares = append(root.kids, row), append(root.shares, lineShare)
	}
	switch len(root.kids) {
	case 0:
		return nil
	case 1:
		return root.kids[0]
	}
	return root
}

// rows puts panes side by side as long as each has want cells, and goes on in
// another row; rows are filled evenly.
func rows(panes []*pane, cells, want int) []*node {
	if len(panes) == 0 {
		return nil
	}
	most := max((cells+beside.gap())/(want+beside.gap()), 1)
	count := (len(panes) + most - 1) / most
	var list []*node
	for i := range count {
		part := panes[i*len(panes)/count : (i+1)*len(panes)/count]
		row := &node{way: beside}
		for _, p := range part {
			row.kids, row.shares = append(row.kids, &node{pane: p}), append(row.shares, 1)
		}
		if len(part) == 1 {
			row = row.kids[0]
		}
		list = append(list, row)
	}
	return list
}

// join adds a pane to a tree that the engineer has changed: packets beside the
// last packets where there is room, everything else at the foot.
func join(root *node, p *pane, cells int) *node {
	if root == nil {
		return &node{pane: p}
	}
	var last *pane
	for _, q := range root.panes(nil) {
		if q.about.Shape == p.about.Shape {
			last = q
		}
	}
	if last != nil && p.about.Shape == feed.Packets {
		if last.at.w >= 2*packetWidth+beside.gap() {
			return root.split(last, beside, p)
		}
		return root.split(last, below, p)
	}
	if root.pane == nil && root.way == below {
		sum := 0.0
		for _, s := range root.shares {
			sum += s
		}
		root.insert(len(root.kids), &node{pane: p}, sum/float64(len(root.kids)))
		return root
	}
	return &node{way: below, kids: []*node{root, {pane: p}}, shares: []float64{packetShare, lineShare}}
}
