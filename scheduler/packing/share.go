package packing

import (
	"cmp"
	"slices"
)

// part is so many pods in a leaf.
type part struct {
	leaf int32
	pods int64
}

// shared is what a domain gets: a number, in so many used domains of the spread level.
type shared struct {
	domain       int32
	used, number int
}

// share says which leaves have how many pods, in the order of the topology. So many segments must be possible.
func (l *layer) share(segments int64, parts []part) []part {
	if l.rows[0] == nil {
		return append(parts, part{0, segments * l.gang.Segment})
	}
	if segments > MaxLookahead {
		l.fillFor(MaxLookahead)
		return l.assign(l.chooseHome(segments), 0, segments, parts)
	}
	l.fillFor(int(segments))
	l.fill(&l.singles[0], none)
	return l.assign(l.descend(int(segments)), l.counted, segments, parts)
}

// descend finds the best home by the tables, of equal ones the first.
func (l *layer) descend(segments int) int32 {
	d := int32(0)
	for l.tree.domains[d].level < int(l.gang.Level) {
		h := l.rows[d]
		for h.domain == none {
			left, right := h.left.table.at(l.counted, segments), h.right.table.at(l.counted, segments)
			if right.less(&left) {
				h = h.right
			} else {
				h = h.left
			}
		}
		d = h.domain
	}
	return d
}

// chooseHome finds the best home for more than the tables know, by what it costs in it and around it.
func (l *layer) chooseHome(segments int64) int32 {
	best, found := never, none
	for _, home := range l.homes {
		if l.sums[home].room < segments {
			continue
		}
		all := cost{}
		for d := home; d != none; d = l.tree.domains[d].parent {
			all = all.plus(l.own(d, segments, countLost(l.sums[d].units, l.sums[d].whole)))
		}
		if all.less(&best) {
			best, found = all, home
		}
	}
	return found
}

// assign adds what each leaf of the domain has, in order. What is beyond the tables fills the largest domains first.
func (l *layer) assign(d int32, used int, number int64, parts []part) []part {
	one := &l.tree.domains[d]
	if len(one.inside) == 0 {
		return append(parts, part{d, l.countPods(one, number)})
	}
	number = l.countInside(one, number)
	if one.level == l.spread {
		used = 0
	}
	first := len(l.shares)
	if number > MaxLookahead {
		l.assignMany(d, number)
	} else if row := l.rows[d]; row != nil {
		l.fill(row, d)
		l.split(row, used, int(number))
	}
	for at := first; at < len(l.shares); at++ {
		has := l.shares[at]
		parts = l.assign(has.domain, has.used, int64(has.number), parts)
	}
	l.shares = l.shares[:first]
	return parts
}

// assignMany gives to the largest domains all that they hold, until what is left is within the tables.
func (l *layer) assignMany(d int32, number int64) {
	first := len(l.shares)
	rest := l.listUsable(d)
	slices.SortStableFunc(rest, func(a, b *half) int { return cmp.Compare(l.sums[b.domain].room, l.sums[a.domain].room) })
	for number > MaxLookahead {
		all := min(number, l.sums[rest[0].domain].room)
		l.shares = append(l.shares, shared{domain: rest[0].domain, number: int(all)})
		number -= all
		rest = rest[1:]
	}
	inOrder := func(a, b *half) int { return cmp.Compare(a.domain, b.domain) }
	slices.SortFunc(rest, inOrder)
	if len(rest) > 0 {
		row := newRow(rest)
		l.fill(row, d)
		l.split(row, 0, int(number))
	}
	slices.SortFunc(l.shares[first:], func(a, b shared) int { return cmp.Compare(a.domain, b.domain) })
}

// split says what each domain of a row gets of the best way to share out the number: the first half as much as it can.
func (l *layer) split(h *half, used, number int) {
	if number == 0 {
		return
	}
	if h.domain != none {
		l.shares = append(l.shares, shared{h.domain, used, number})
		return
	}
	best := h.table.at(used, number)
	for has := min(number, h.left.table.width-1); has >= 0; has-- {
		for uses := l.counted; uses >= 0; uses-- {
			one := h.left.table.at(uses, has)
			if one.far == never.far {
				continue
			}
			for more := l.counted; more >= 0; more-- {
				other := h.right.table.at(more, number-has)
				if other.far == never.far || min(l.counted, uses+more) != used || one.plus(other) != best {
					continue
				}
				l.split(h.left, uses, has)
				l.split(h.right, more, number-has)
				return
			}
		}
	}
	panic("a table holds only what its halves have")
}
