package packing

import "slices"

// stride is by how much long tables are lengthened.
const stride = 256

// measure is the most segments that can be placed, and sets what that means for the domains that they are spread over.
func (s *search) measure(count int64) int64 {
	most := count / s.gang.Segment
	if s.spread == nowhere {
		return min(most, s.rooms.most())
	}
	best, least := int64(0), int64(0)
	var rooms []int64
	for _, home := range s.homes {
		rooms = s.listSpread(home, rooms[:0])
		slices.Sort(rooms)
		slices.Reverse(rooms)
		if found, atLeast := findSpread(rooms, most, s.gang.MinDomains, s.gang.MaxSkew); found > best || found == best && atLeast > least {
			best, least = found, atLeast
		}
	}
	if s.least != least {
		s.least = least
		s.spoilAll()
	}
	return best
}

// listSpread adds the room in each domain of the spread level.
func (s *search) listSpread(d int32, rooms []int64) []int64 {
	if s.tree.domains[d].level == s.spread {
		return append(rooms, s.sums[d].room)
	}
	for _, child := range s.tree.domains[d].inside {
		if s.mayUse(child) {
			rooms = s.listSpread(child, rooms)
		}
	}
	return rooms
}

// part is so many pods in a leaf.
type part struct {
	leaf int32
	pods int64
}

// share says which leaves have how many pods, in the order of the topology. So many segments must be possible.
func (s *search) share(segments int64, parts []part) []part {
	if s.singles == nil {
		s.layOut()
	}
	if s.rows[0] == nil {
		return append(parts, part{0, segments * s.gang.Segment})
	}
	if segments > MaxLookahead {
		s.fillFor(MaxLookahead)
		return s.assign(s.chooseHome(segments), 0, segments, parts)
	}
	s.fillFor(int(segments))
	s.fill(&s.singles[0], none)
	return s.assign(s.descend(int(segments)), s.counted, segments, parts)
}

// fillFor makes the tables long enough, and a little longer, so that gangs of other sizes find them long enough.
func (s *search) fillFor(most int) {
	if s.most >= most {
		return
	}
	if most > stride {
		s.most = min(MaxLookahead, (most+stride-1)/stride*stride)
	} else {
		for s.most = 1; s.most < most; {
			s.most *= 2
		}
	}
	s.spoilAll()
}

// bound is how far the domains inside of d count.
func (s *search) bound(d int32) int {
	if s.tree.domains[d].level >= s.segment {
		return int(min(MaxLookahead, int64(s.most)*s.gang.Segment))
	}
	return s.most
}

// fill brings the table of a half up to date; `in` is what its row is in.
func (s *search) fill(h *half, in int32) {
	switch {
	case !h.stale:
		return
	case h.domain != none:
		h.table = s.tabulate(h.domain)
	default:
		s.fill(h.left, in)
		s.fill(h.right, in)
		h.table = s.combine(h.left.table, h.right.table, in)
	}
	h.stale = false
}

// combine makes the table of two halves of a row inside `in`; of the same two it is the same.
func (s *search) combine(left, right *table, in int32) *table {
	most := s.bound(in)
	if s.tree.domains[in].level < int(s.gang.Level) {
		most = -1
	}
	asked := couple{left, right, most}
	if known := s.couples[asked]; known != nil {
		return known
	}
	var made *table
	if most < 0 {
		made = choose(left, right, s.counted)
	} else {
		made = share(left, right, s.counted, most)
	}
	s.keep(made)
	s.couples[asked] = made
	return made
}

// tabulate finds the least cost of each number that the domain may have; of domains that are alike it is the same.
func (s *search) tabulate(d int32) *table {
	one, sums, row := &s.tree.domains[d], &s.sums[d], s.rows[d]
	asked := likeness{sum: *sums, level: one.level, around: one.around, loose: one.loose, leaf: len(one.inside) == 0, most: sums.room}
	if !asked.leaf {
		asked.gpu = 0
	}
	if row != nil {
		s.fill(row, d)
		asked.row = row.table
		if one.level < int(s.gang.Level) {
			asked.most = int64(row.table.width) - 1
		}
	} else if !asked.leaf {
		asked.most = 0
	}
	if one.parent == none {
		asked.most = min(asked.most, int64(s.most))
	} else {
		asked.most = min(asked.most, int64(s.bound(one.parent)))
	}
	if known := s.alike[asked]; known != nil {
		return known
	}
	made := s.tabulateTo(d, asked.most)
	s.keep(made)
	s.alike[asked] = made
	return made
}

// keep counts a table that is remembered by what it was made of; when those are too many all are forgotten.
func (s *search) keep(made *table) {
	if s.kept += len(made.costs); s.kept > mostKept {
		s.forget()
		s.kept = len(made.costs)
	}
}

func (s *search) forget() {
	clear(s.couples)
	clear(s.alike)
	s.kept = 0
}

func (s *search) tabulateTo(d int32, most int64) *table {
	one, sums, row := &s.tree.domains[d], &s.sums[d], s.rows[d]
	t := newTable(s.counted, int(most)+1)
	t.costs[0] = cost{}
	before := countLost(sums.units, sums.whole)
	for number := int64(1); number <= most; number++ {
		inside := s.countInside(one, number)
		own := s.own(d, number, before)
		if row == nil || inside > MaxLookahead {
			s.put(t, one, 0, number, own)
			continue
		}
		for used := 0; used <= s.counted; used++ {
			if inner := row.table.at(used, int(inside)); inner.far != never.far {
				s.put(t, one, used, number, own.plus(inner))
			}
		}
	}
	return t
}

// put writes a cost down, for one used domain more where those are counted.
func (s *search) put(t *table, one *domain, used int, number int64, all cost) {
	if one.level == s.spread {
		if number < s.least || number > s.least+s.gang.MaxSkew {
			return
		}
		used = 1
	}
	t.costs[used*t.width+int(number)] = all
}

// own is the cost of so many in a domain, but for what is inside of it; `before` is its loss without them.
func (s *search) own(d int32, number, before int64) cost {
	one, sums := &s.tree.domains[d], &s.sums[d]
	if one.parent == none {
		return cost{}
	}
	found := cost{far: sums.far, lost: 1}
	if !one.loose {
		found.lost += countLost(sums.units-s.countPods(one, number), sums.whole) - before
	}
	if len(one.inside) == 0 {
		found.rest = sums.gpu
	}
	return found
}

func (s *search) countPods(one *domain, number int64) int64 {
	if one.level <= s.segment {
		return number * s.gang.Segment
	}
	return number
}

// countInside is the same number as the domains inside count it.
func (s *search) countInside(one *domain, number int64) int64 {
	if one.level == s.segment {
		return number * s.gang.Segment
	}
	return number
}

// descend finds the best home by the tables, of equal ones the first.
func (s *search) descend(segments int) int32 {
	d := int32(0)
	for s.tree.domains[d].level < int(s.gang.Level) {
		h := s.rows[d]
		for h.domain == none {
			left, right := h.left.table.at(s.counted, segments), h.right.table.at(s.counted, segments)
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
func (s *search) chooseHome(segments int64) int32 {
	best, found := never, none
	for _, home := range s.homes {
		if s.sums[home].room < segments {
			continue
		}
		all := cost{}
		for d := home; d != none; d = s.tree.domains[d].parent {
			all = all.plus(s.own(d, segments, countLost(s.sums[d].units, s.sums[d].whole)))
		}
		if all.less(&best) {
			best, found = all, home
		}
	}
	return found
}

// assign adds what each leaf of the domain has, in order. What is beyond the tables fills the largest domains first.
func (s *search) assign(d int32, used int, number int64, parts []part) []part {
	one := &s.tree.domains[d]
	if len(one.inside) == 0 {
		return append(parts, part{d, s.countPods(one, number)})
	}
	number = s.countInside(one, number)
	if one.level == s.spread {
		used = 0
	}
	row := s.rows[d]
	shares := make(map[int32]have)
	if number > MaxLookahead {
		row, number = s.fillLargest(d, number, shares)
	}
	if row != nil {
		s.fill(row, d)
		s.split(row, used, int(number), shares)
	}
	for _, child := range one.inside {
		if has := shares[child]; has.number > 0 {
			parts = s.assign(child, has.used, int64(has.number), parts)
		}
	}
	return parts
}

// have is what a domain gets: a number, in so many used domains of the spread level.
type have struct{ used, number int }

// fillLargest gives to the largest domains all that they hold, until what is left is within the tables; that and the row of the others.
func (s *search) fillLargest(d int32, number int64, shares map[int32]have) (*half, int64) {
	singles := s.usable(d)
	order := slices.Clone(singles)
	slices.SortStableFunc(order, func(a, b *half) int { return int(s.sums[b.domain].room - s.sums[a.domain].room) })
	for _, single := range order {
		if number <= MaxLookahead {
			break
		}
		all := min(number, s.sums[single.domain].room)
		shares[single.domain] = have{number: int(all)}
		number -= all
	}
	rest := slices.DeleteFunc(singles, func(single *half) bool { return shares[single.domain].number > 0 })
	if len(rest) == 0 {
		return nil, number
	}
	return newRow(rest), number
}

// split says what each domain of a row gets of the best way to share out the number: the first half as much as it can.
func (s *search) split(h *half, used, number int, shares map[int32]have) {
	if h.domain != none {
		shares[h.domain] = have{used, number}
		return
	}
	best := h.table.at(used, number)
	for has := min(number, h.left.table.width-1); has >= 0; has-- {
		for uses := s.counted; uses >= 0; uses-- {
			one := h.left.table.at(uses, has)
			if one.far == never.far {
				continue
			}
			for more := s.counted; more >= 0; more-- {
				other := h.right.table.at(more, number-has)
				if other.far == never.far || min(s.counted, uses+more) != used || one.plus(other) != best {
					continue
				}
				s.split(h.left, uses, has, shares)
				s.split(h.right, more, number-has, shares)
				return
			}
		}
	}
	panic("a table holds only what its halves have")
}
