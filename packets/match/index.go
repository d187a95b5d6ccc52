package match

// index finds slots by a hash: chains through arrays of fixed size, newest
// first. Adding and removing take the same time however long a chain is, so a
// stream of equal packets costs no more than others.
type index struct {
	heads []int32 // slot + 1; 0 ends a chain
	links []link
}

type link struct{ next, prev int32 }

func newIndex(slots int) index {
	buckets := 16
	for buckets < slots*2 {
		buckets *= 2
	}
	return index{heads: make([]int32, buckets), links: make([]link, slots)}
}

func (x *index) head(hash uint64) *int32 {
	// The lowest bit of a hash is always set; the others are good.
	return &x.heads[hash>>1&uint64(len(x.heads)-1)]
}

// first and next walk the slots whose hash may be this one; -1 is the end.
func (x *index) first(hash uint64) int { return int(*x.head(hash)) - 1 }
func (x *index) next(slot int) int     { return int(x.links[slot].next) - 1 }
func (x *index) add(slot int, h uint64) {
	head := x.head(h)
	x.links[slot] = link{next: *head}
	if *head != 0 {
		x.links[*head-1].prev = int32(slot) + 1
	}
	*head = int32(slot) + 1
}

func (x *index) remove(slot int, h uint64) {
	l := x.links[slot]
	if l.prev == 0 {
		*x.head(h) = l.next
	} else {
		x.links[l.prev-1].next = l.next
	}
	if l.next != 0 {
		x.links[l.next-1].prev = l.prev
	}
}
