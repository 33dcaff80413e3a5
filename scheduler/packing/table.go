package packing

import "math"

// cost is how bad it is to have a number of pods in a domain: used domains of preferred levels, loss, free accelerators in its leaves.
type cost struct{ far, lost, rest int64 }

var never = cost{far: math.MaxInt64}

func (a cost) plus(b cost) cost { return cost{a.far + b.far, a.lost + b.lost, a.rest + b.rest} }

func (a *cost) less(b *cost) bool {
	if a.far != b.far {
		return a.far < b.far
	}
	if a.lost != b.lost {
		return a.lost < b.lost
	}
	return a.rest < b.rest
}

// table is the least cost of each number of pods or segments from 0 on, once for each number of used domains as far as those count.
// It never changes once it is made: domains that are alike share theirs.
type table struct {
	width int // numbers
	costs []cost
}

func newTable(counted, width int) *table {
	t := &table{width: width, costs: make([]cost, (counted+1)*width)}
	for i := range t.costs {
		t.costs[i] = never
	}
	return t
}

func (t *table) at(used, number int) cost {
	if number < 0 || number >= t.width {
		return never
	}
	return t.costs[used*t.width+number]
}

// share finds the best way to share each number, at most `most`, between two: a min-plus convolution.
func share(left, right *table, counted, most int) *table {
	t := newTable(counted, min(most, left.width+right.width-2)+1)
	for used := 0; used <= counted; used++ {
		for more := 0; more <= counted; more++ {
			out := t.costs[min(counted, used+more)*t.width:][:t.width]
			others := right.costs[more*right.width:][:right.width]
			for number, one := range left.costs[used*left.width:][:min(left.width, t.width)] {
				if one.far == never.far {
					continue
				}
				into := out[number:]
				for rest := range others[:min(len(others), len(into))] {
					other := &others[rest]
					if other.far == never.far {
						continue
					}
					if both := one.plus(*other); both.less(&into[rest]) {
						into[rest] = both
					}
				}
			}
		}
	}
	return t
}

// choose finds the better of two for each number.
func choose(left, right *table, counted int) *table {
	t := newTable(counted, max(left.width, right.width))
	for used := 0; used <= counted; used++ {
		for number := range t.width {
			best := left.at(used, number)
			if other := right.at(used, number); other.less(&best) {
				best = other
			}
			t.costs[used*t.width+number] = best
		}
	}
	return t
}

// half is a row of domains, and the two rows that it is made of, down to one domain. Its table is kept until something in it changes.
type half struct {
	table       *table
	left, right *half
	domain      int32
	up          *half
	stale       bool
}

// spoil marks the half and all that are made of it.
func (h *half) spoil() {
	for ; h != nil && !h.stale; h = h.up {
		h.stale = true
	}
}

// newRow halves a row of domains down to single ones.
func newRow(singles []*half) *half {
	if len(singles) == 1 {
		return singles[0]
	}
	middle := len(singles) / 2
	return &half{left: newRow(singles[:middle]), right: newRow(singles[middle:]), domain: none, stale: true}
}

// tie lets every half of the row know what is made of it.
func (h *half) tie(up *half) {
	h.up = up
	if h.left != nil {
		h.left.tie(h)
		h.right.tie(h)
	}
}

// spoilDown marks the halves of one row.
func (h *half) spoilDown() {
	h.stale = true
	if h.left != nil {
		h.left.spoilDown()
		h.right.spoilDown()
	}
}
