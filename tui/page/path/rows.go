package path

import (
	"math"
	"slices"

	"steth/packets/match"
)

// rowTable is the window over the packets: which rows it shows and which one is
// selected. While it follows, that is the newest.
type rowTable struct {
	source
	text      string // of the filter
	following bool
	top       uint64 // the first row that shows, where it does not follow
	cursor    uint64 // the row that is selected
	sought    bool   // the cursor has not found its place under a new filter
	held      uint64 // where the newest row was when it ceased to follow
	height    int

	rows []match.Row // on the screen: the first n
	n    int
}

func newRowTable() rowTable { return rowTable{following: true, height: 1} }

func (t *rowTable) reset() {
	filter, text := t.source, t.text
	*t = newRowTable()
	t.text = text
	t.words, t.invert, t.lost = filter.words, filter.invert, filter.lost
}

// frozen tells whether new rows don't show.
func (t *rowTable) frozen() bool { return !t.following }

// selected is the row under the cursor.
func (t *rowTable) selected() (*match.Row, bool) {
	for i := range t.rows[:t.n] {
		if t.rows[i].Number == t.cursor {
			return &t.rows[i], true
		}
	}
	return nil, false
}

// fill reads the rows that the screen has room for.
func (t *rowTable) fill(height int) {
	t.height = max(height, 1)
	t.n = 0
	if t.session == nil {
		return
	}
	t.sift()
	var numbers []uint64
	if t.following {
		numbers = t.before(math.MaxUint64, t.height)
	} else {
		first, _ := t.session.Bounds()
		t.top, t.cursor = max(t.top, first), max(t.cursor, first)
		t.settle()
		if numbers = t.after(t.top, t.height, nil); len(numbers) < t.height {
			numbers = t.before(math.MaxUint64, t.height)
		}
	}
	for len(t.rows) < len(numbers) {
		t.rows = append(t.rows, match.Row{})
	}
	for i := 0; i < len(numbers); {
		if t.n > 0 && numbers[i] <= t.rows[t.n-1].Number { // one before it is no row any more
			i++
			continue
		}
		room := t.rows[t.n:len(numbers)]
		if t.filtered() { // they don't stand together
			room = room[:1]
		}
		n := t.session.Rows(numbers[i], room)
		switch {
		case n == 0:
			i = len(numbers)
		case t.filtered() && room[0].Number != numbers[i]: // it is no row any more
			i++
		default:
			t.n, i = t.n+n, i+n
		}
	}
	if t.n == 0 {
		return
	}
	if first := t.rows[0].Number; !t.following {
		t.top = first
	}
	if last := t.rows[t.n-1].Number; t.following {
		t.cursor = last
	} else if _, ok := t.selected(); !ok { // it went, or the filter hides it
		i, _ := slices.BinarySearchFunc(t.rows[:t.n], t.cursor, func(r match.Row, n uint64) int {
			switch {
			case r.Number < n:
				return -1
			case r.Number > n:
				return 1
			}
			return 0
		})
		t.cursor = t.rows[min(i, t.n-1)].Number
	}
}

// settle puts the cursor on a row that passes a new filter, the nearest one, and
// that row on the screen, as soon as the filter has looked at all.
func (t *rowTable) settle() {
	if !t.sought || t.behind {
		return
	}
	t.sought = false
	list := t.after(t.cursor, 1, nil)
	if len(list) == 0 {
		list = t.before(t.cursor, 1)
	}
	if len(list) == 1 {
		t.to(list[0])
	}
}

// hold stops following, at the rows that show.
func (t *rowTable) hold() {
	if !t.following || t.n == 0 {
		return
	}
	t.following = false
	t.top = t.rows[0].Number
	if t.session != nil {
		_, t.held = t.session.Bounds()
	}
}

// follow goes on at the newest row.
func (t *rowTable) follow() { t.following = true }

// newer is how many rows came since it ceased to follow.
func (t *rowTable) newer() uint64 {
	if t.following || t.session == nil {
		return 0
	}
	_, next := t.session.Bounds()
	return next - t.held
}

// move moves the cursor by so many rows. At the newest row it does not begin to
// follow: that is for a key of its own.
func (t *rowTable) move(by int) {
	t.hold()
	if t.following {
		return
	}
	var path []uint64
	if by < 0 {
		path = t.before(t.cursor, -by)
		if len(path) > 0 {
			t.to(path[0])
		}
		return
	}
	path = t.after(t.cursor+1, by, nil)
	if len(path) > 0 {
		t.to(path[len(path)-1])
	}
}

// to puts the cursor on a row, and the row on the screen.
func (t *rowTable) to(number uint64) {
	t.hold()
	t.cursor = number
	if number < t.top {
		t.top = number
		return
	}
	if above := t.before(number+1, t.height); len(above) == t.height {
		t.top = max(t.top, above[0])
	}
}

// first goes to the oldest row that is kept.
func (t *rowTable) first() {
	if list := t.after(0, 1, nil); len(list) > 0 {
		t.to(list[0])
	}
}

// seek goes to the nearest row in a direction, 1 or -1, that is as wanted. It
// tells whether there is one.
func (t *rowTable) seek(by int, wanted func(*match.Row) bool) bool {
	if t.session == nil {
		return false
	}
	at := t.cursor
	buf := make([]match.Row, 1)
	for {
		var list []uint64
		if by > 0 {
			list = t.after(at+1, batch, nil)
		} else {
			list = t.before(at, batch)
			slices.Reverse(list)
		}
		if len(list) == 0 {
			return false
		}
		for _, n := range list {
			if t.session.Rows(n, buf) == 1 && buf[0].Number == n && wanted(&buf[0]) {
				t.to(n)
				return true
			}
		}
		at = list[len(list)-1]
	}
}

// setFilter narrows the rows; the cursor stays where it can.
func (t *rowTable) setFilter(text string, invert, lost bool) {
	t.text, t.sought = text, true
	t.source.setFilter(text, invert, lost)
}
