package packing

// Tables for several least numbers are remembered, but not of so many domains that they would take much memory.
const (
	mostLayers  = 4
	mostLayered = 1 << 12
)

// stride is by how much long tables are lengthened.
const stride = 256

// mostKept is how many numbers of tables a search remembers by what they were made of: 6 MiB.
const mostKept = 1 << 18

// layer is the tables of a search, of each domain and of each half of a row of domains: the least cost of each number there. Where
// pods are spread there is one for each least number in a used domain that has been wanted.
type layer struct {
	*search
	least int64
	used  uint64 // number of the last call that asked
	most  int    // as many pods or segments the tables are for

	singles []half // of each domain
	rows    []*half

	couples map[couple]*table
	alike   map[likeness]*table
	mine    int // numbers of tables that are remembered here

	shares []shared
}

// couple is two tables, and how far their combination goes; below zero it is a choice between them.
type couple struct {
	left, right *table
	most        int
}

// likeness is all that the table of a domain depends on.
type likeness struct {
	sum
	level, around int
	loose, leaf   bool
	most          int64
	row           *table
}

func newLayer(s *search, least int64) *layer {
	l := &layer{
		search: s, least: least, used: s.used,
		singles: make([]half, len(s.tree.domains)), rows: make([]*half, len(s.tree.domains)),
		couples: make(map[couple]*table), alike: make(map[likeness]*table),
	}
	for d := range l.singles {
		l.singles[d].domain, l.singles[d].stale = int32(d), true
	}
	for d := range s.tree.domains {
		if singles := l.listUsable(int32(d)); len(singles) > 0 {
			l.rows[d] = newRow(singles)
			l.rows[d].tie(&l.singles[d])
		}
	}
	return l
}

// listUsable is the domains inside of d that may be used.
func (l *layer) listUsable(d int32) []*half {
	var singles []*half
	for _, child := range l.tree.domains[d].inside {
		if l.mayUse(child) {
			singles = append(singles, &l.singles[child])
		}
	}
	return singles
}

// fillFor makes the tables long enough, and a little longer, so that gangs of other sizes find them long enough.
func (l *layer) fillFor(most int) {
	if l.most >= most {
		return
	}
	if most > stride {
		l.most = min(MaxLookahead, (most+stride-1)/stride*stride)
	} else {
		for l.most = 1; l.most < most; {
			l.most *= 2
		}
	}
	l.spoilAll()
}

func (l *layer) spoilAll() {
	l.forget()
	for d := range l.singles {
		l.singles[d].stale = true
		if l.rows[d] != nil {
			l.rows[d].spoilDown()
		}
	}
}

func (l *layer) forget() {
	clear(l.couples)
	clear(l.alike)
	l.kept -= l.mine
	l.mine = 0
}

// keep counts a table that is remembered by what it was made of; when those are too many all are forgotten.
func (l *layer) keep(made *table) {
	if l.kept+len(made.costs) > mostKept {
		for _, each := range l.layers {
			each.forget()
		}
	}
	l.mine += len(made.costs)
	l.kept += len(made.costs)
}

// bound is how far the domains inside of d count.
func (l *layer) bound(d int32) int {
	if l.tree.domains[d].level >= l.segment {
		return int(min(MaxLookahead, int64(l.most)*l.gang.Segment))
	}
	return l.most
}

// fill brings the table of a half up to date; `in` is what its row is in.
func (l *layer) fill(h *half, in int32) {
	switch {
	case !h.stale:
		return
	case h.domain != none:
		h.table = l.tabulate(h.domain)
	default:
		l.fill(h.left, in)
		l.fill(h.right, in)
		h.table = l.combine(h.left.table, h.right.table, in)
	}
	h.stale = false
}

// combine makes the table of two halves of a row inside `in`; of the same two it is the same.
func (l *layer) combine(left, right *table, in int32) *table {
	most := l.bound(in)
	if l.tree.domains[in].level < int(l.gang.Level) {
		most = -1
	}
	asked := couple{left, right, most}
	if known := l.couples[asked]; known != nil {
		return known
	}
	var made *table
	if most < 0 {
		made = choose(left, right, l.counted)
	} else {
		made = share(left, right, l.counted, most)
	}
	l.keep(made)
	l.couples[asked] = made
	return made
}

// tabulate finds the least cost of each number that the domain may have; of domains that are alike it is the same.
func (l *layer) tabulate(d int32) *table {
	one, sums, row := &l.tree.domains[d], &l.sums[d], l.rows[d]
	asked := likeness{sum: *sums, level: one.level, around: one.around, loose: one.loose, leaf: len(one.inside) == 0, most: sums.room}
	if !asked.leaf {
		asked.gpu = 0
	}
	if row != nil {
		l.fill(row, d)
		asked.row = row.table
		if one.level < int(l.gang.Level) {
			asked.most = int64(row.table.width) - 1
		}
	} else if !asked.leaf {
		asked.most = 0
	}
	if one.parent == none {
		asked.most = min(asked.most, int64(l.most))
	} else {
		asked.most = min(asked.most, int64(l.bound(one.parent)))
	}
	if known := l.alike[asked]; known != nil {
		return known
	}
	made := l.tabulateTo(d, asked.most)
	l.keep(made)
	l.alike[asked] = made
	return made
}

func (l *layer) tabulateTo(d int32, most int64) *table {
	one, sums, row := &l.tree.domains[d], &l.sums[d], l.rows[d]
	t := newTable(l.counted, int(most)+1)
	t.costs[0] = cost{}
	before := countLost(sums.units, sums.whole)
	for number := int64(1); number <= most; number++ {
		inside := l.countInside(one, number)
		own := l.own(d, number, before)
		if row == nil || inside > MaxLookahead {
			l.put(t, one, 0, number, own)
			continue
		}
		for used := 0; used <= l.counted; used++ {
			if inner := row.table.at(used, int(inside)); inner.far != never.far {
				l.put(t, one, used, number, own.plus(inner))
			}
		}
	}
	return t
}

// put writes a cost down, for one used domain more where those are counted.
func (l *layer) put(t *table, one *domain, used int, number int64, all cost) {
	if one.level == l.spread {
		if number < l.least || number > l.least+l.gang.MaxSkew {
			return
		}
		used = 1
	}
	t.costs[used*t.width+int(number)] = all
}

// own is the cost of so many in a domain, but for what is inside of it; `before` is its loss without them.
func (l *layer) own(d int32, number, before int64) cost {
	one, sums := &l.tree.domains[d], &l.sums[d]
	if one.parent == none {
		return cost{}
	}
	found := cost{far: sums.far, lost: 1}
	if !one.loose {
		found.lost += countLost(sums.units-l.countPods(one, number), sums.whole) - before
	}
	if len(one.inside) == 0 {
		found.rest = sums.gpu
	}
	return found
}

func (l *layer) countPods(one *domain, number int64) int64 {
	if one.level <= l.segment {
		return number * l.gang.Segment
	}
	return number
}

// countInside is the same number as the domains inside count it.
func (l *layer) countInside(one *domain, number int64) int64 {
	if one.level == l.segment {
		return number * l.gang.Segment
	}
	return number
}
