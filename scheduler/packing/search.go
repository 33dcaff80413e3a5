package packing

import "math/bits"

// farBits is how many bits the numbers of used domains may have together; levels are counted from the widest on as far as they do.
const farBits = 62

// mostSearches is how many questions a packing knows by heart.
const mostSearches = 64

// question is a site and what is asked of it; how many pods does not matter.
type question struct {
	site int
	gang Gang
}

// search is what is known of a question from call to call: how much of the gang's pod each domain holds, and tables of what is best.
// Only domains in which a node has changed since are looked at again. operator/commonpool/engine/gangs.py says in plain words what is best.
type search struct {
	site    *site
	tree    *tree
	gang    Gang
	used    uint64 // number of the last call that asked
	read    int    // how far the log of changes has been followed; below zero: not at all
	counted int    // MinDomains
	segment int    // the level from whose domains down pods are counted, and segments above
	spread  int    // the level of spreading, nowhere without

	units []int64 // of each place
	gpu   []int64
	sums  []sum // of each domain

	homes []int32 // domains of the gang's level, one of which must hold all,
	rooms largest // and the room in each
	home  []int32 // of each domain: which home it is

	singles []half // of each domain; nothing until something has been placed
	rows    []*half
	most    int   // as many pods or segments the tables are for
	least   int64 // the least number in a used domain that the tables are for

	couples map[couple]*table
	alike   map[likeness]*table
	kept    int
}

// mostKept is how many numbers of tables a search remembers by what they were made of: 6 MiB.
const mostKept = 1 << 18

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

// sum is what is known of a domain.
type sum struct {
	units, whole, gpu int64
	room              int64 // segments, or pods below the segments' level
	far               int64 // what it counts as a used domain of preferred levels
}

const nowhere = -2

func newSearch(p *Packing, s *site, gang Gang) *search {
	level := int(max(gang.Level, gang.Preferred, gang.SegmentLevel, gang.SpreadLevel))
	if p.takesWholeNodes(s, gang.Pod) {
		level = max(level, s.shared)
	}
	t := s.treeTo(level, p.rows)
	found := &search{
		site: s, tree: t, gang: gang, read: -1, counted: int(gang.MinDomains), segment: int(gang.SegmentLevel), spread: int(gang.SpreadLevel),
		units: make([]int64, len(s.nodes)), gpu: make([]int64, len(s.nodes)), sums: make([]sum, len(t.domains)),
		couples: make(map[couple]*table), alike: make(map[likeness]*table),
		home: make([]int32, len(t.domains)),
	}
	if gang.Segment == 1 {
		found.segment = int(max(gang.Level, gang.SpreadLevel))
	}
	if gang.SpreadLevel == Anywhere {
		found.spread = nowhere
	}
	for place, node := range s.nodes {
		whole := min(MaxCount, p.capacity[node].units(gang.Pod))
		for d := t.leaves[place]; d != none; d = t.domains[d].parent {
			found.sums[d].whole += whole
		}
	}
	found.weigh(p.levels)
	found.findHomes()
	return found
}

// takesWholeNodes says whether the pod takes all accelerators of every node of the site that can hold it.
func (p *Packing) takesWholeNodes(s *site, pod Amounts) bool {
	largest := int64(0)
	for _, node := range s.nodes {
		if p.capacity[node].units(pod) > 0 {
			largest = max(largest, p.capacity[node][GPU])
		}
	}
	return largest > 0 && largest == pod[GPU]
}

// weigh gives a used domain of each level a number so that no number of narrower ones comes to one wider one.
func (s *search) weigh(levels int) {
	width := bits.Len(uint(len(s.site.nodes)))
	counted := 0
	if width > 0 {
		counted = min(int(s.gang.Preferred)+1, farBits/width)
	}
	weights := make([]int64, levels)
	for level := range counted {
		weights[level] = 1 << (width * (counted - 1 - level))
	}
	for d := range s.tree.domains {
		for level := s.tree.domains[d].around + 1; level <= s.tree.domains[d].level; level++ {
			s.sums[d].far += weights[level]
		}
	}
}

func (s *search) findHomes() {
	for d := range s.tree.domains {
		s.home[d] = none
		if s.tree.domains[d].level == int(s.gang.Level) && !s.tree.domains[d].loose {
			s.home[d] = int32(len(s.homes))
			s.homes = append(s.homes, int32(d))
		}
	}
	s.rooms = newLargest(len(s.homes))
}

// layOut halves the rows of domains, once something is to be placed.
func (s *search) layOut() {
	s.singles, s.rows = make([]half, len(s.tree.domains)), make([]*half, len(s.tree.domains))
	for d := range s.singles {
		s.singles[d].domain, s.singles[d].stale = int32(d), true
	}
	for d := range s.tree.domains {
		if singles := s.usable(int32(d)); len(singles) > 0 {
			s.rows[d] = newRow(singles)
			s.rows[d].tie(&s.singles[d])
		}
	}
}

// mayUse says whether a domain may be used as a part of what it is in: all of the gang, a segment, and what is spread, each need a
// domain of their level.
func (s *search) mayUse(child int32) bool {
	inner := &s.tree.domains[child]
	outer := &s.tree.domains[inner.parent]
	for _, level := range [...]int{int(s.gang.Level), s.segment, s.spread} {
		if outer.level < level && (inner.loose || inner.level > level) {
			return false
		}
	}
	return true
}

func (s *search) usable(d int32) []*half {
	var singles []*half
	for _, child := range s.tree.domains[d].inside {
		if s.mayUse(child) {
			singles = append(singles, &s.singles[child])
		}
	}
	return singles
}

// follow brings what is known up to date: all nodes at first, then those that have changed.
func (s *search) follow(p *Packing) {
	if s.read < p.forgotten || s.read-p.forgotten > len(p.changes) {
		s.recount(p)
	} else {
		for _, node := range p.changes[s.read-p.forgotten:] {
			if place := s.site.places[node]; place != none {
				s.recountPlace(p, place)
			}
		}
	}
	s.read = p.forgotten + len(p.changes)
}

func (s *search) see(p *Packing, place int32) (units, gpu int64) {
	st := p.states.at(p.slots[s.site.nodes[place]], p.call, s.gang.Pod)
	return min(MaxCount, st.units), max(0, st.free[GPU])
}

func (s *search) recount(p *Packing) {
	for d := range s.sums {
		s.sums[d].units, s.sums[d].gpu, s.sums[d].room = 0, 0, 0
	}
	for place := range s.units {
		s.units[place], s.gpu[place] = s.see(p, int32(place))
		leaf := &s.sums[s.tree.leaves[place]]
		leaf.units += s.units[place]
		leaf.gpu += s.gpu[place]
	}
	for d := int32(len(s.sums)) - 1; d >= 0; d-- { // what a domain is in comes before it
		one := &s.tree.domains[d]
		sums := &s.sums[d]
		if one.level >= s.segment {
			sums.room = s.count(one, sums.units)
		}
		if s.home[d] != none {
			s.rooms.set(int(s.home[d]), sums.room)
		}
		if one.parent == none {
			continue
		}
		s.sums[one.parent].units += sums.units
		s.sums[one.parent].gpu += sums.gpu
		if s.tree.domains[one.parent].level < s.segment && s.mayUse(d) {
			s.sums[one.parent].room += sums.room
		}
	}
	s.spoilAll()
}

// count is how many of what the domain counts are in so many pods' room.
func (s *search) count(one *domain, units int64) int64 {
	if one.level == s.segment {
		return units / s.gang.Segment
	}
	return units
}

func (s *search) recountPlace(p *Packing, place int32) {
	units, gpu := s.see(p, place)
	moreUnits, moreGPU := units-s.units[place], gpu-s.gpu[place]
	if moreUnits == 0 && moreGPU == 0 {
		return
	}
	s.units[place], s.gpu[place] = units, gpu
	leaf := s.tree.leaves[place]
	if s.singles != nil {
		s.singles[leaf].spoil()
	}
	moreRoom := int64(0)
	for d := leaf; d != none; d = s.tree.domains[d].parent {
		one, sums := &s.tree.domains[d], &s.sums[d]
		sums.units += moreUnits
		sums.gpu += moreGPU
		before := sums.room
		if one.level >= s.segment {
			sums.room = s.count(one, sums.units)
		} else {
			sums.room += moreRoom
		}
		if s.home[d] != none {
			s.rooms.set(int(s.home[d]), sums.room)
		}
		moreRoom = sums.room - before
		if one.parent != none && !s.mayUse(d) {
			moreRoom = 0
		}
	}
}

func (s *search) spoilAll() {
	s.forget()
	for d := range s.singles {
		s.singles[d].stale = true
		if s.rows[d] != nil {
			s.rows[d].spoilDown()
		}
	}
}
