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

// search is what is known of a question from call to call: how much of the gang's pod each domain holds, tables of what is best, and
// which nodes are. Only nodes that have changed since are looked at again, and what they are in.
// operator/commonpool/engine/gangs.py says in plain words what is best.
type search struct {
	contest
	packing *Packing
	site    *site
	gang    Gang
	used    uint64 // number of the last call that asked
	read    int    // how far the log of changes has been followed; below zero: not at all
	counted int    // MinDomains
	segment int    // the level from whose domains down pods are counted, and segments above
	spread  int    // the level of spreading, nowhere without

	units []int64 // of each place
	gpu   []int64
	sums  []sum // of each domain

	homes   []int32 // domains of the gang's level, one of which must hold all,
	rooms   largest // and the room in each
	home    []int32 // of each domain: which home it is
	spreads *spreads
	usable  []int32 // of each domain: itself, or the narrowest one around it that may be used

	layers []*layer
	kept   int // numbers of tables that they remember
}

const nowhere = -2

func newSearch(p *Packing, s *site, gang Gang) *search {
	level := int(max(gang.Level, gang.Preferred, gang.SegmentLevel, gang.SpreadLevel))
	if p.takesWholeNodes(s, gang.Pod) {
		level = max(level, s.shared)
	}
	t := s.treeTo(level, p.rows)
	found := &search{
		contest: newContest(p, s, t, gang.Pod), packing: p,
		site: s, gang: gang, read: -1, counted: int(gang.MinDomains), segment: int(gang.SegmentLevel), spread: int(gang.SpreadLevel),
		units: make([]int64, len(s.nodes)), gpu: make([]int64, len(s.nodes)), sums: make([]sum, len(t.domains)),
		home: make([]int32, len(t.domains)), usable: make([]int32, len(t.domains)),
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
	width := bits.Len(uint(len(s.nodes)))
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
	for d := range s.tree.domains { // what a domain is in comes before it
		s.usable[d] = int32(d)
		if parent := s.tree.domains[d].parent; parent != none && (s.usable[parent] != parent || !s.mayUse(int32(d))) {
			s.usable[d] = s.usable[parent]
		}
	}
	if s.spread != nowhere {
		s.spreads = newSpreads(s)
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

// take gives one pod to the best node of a leaf.
func (s *search) take(leaf int32) int32 {
	place := s.best(leaf)
	node := s.nodes[place]
	p := s.packing
	p.move(node, p.states.slots[p.slots[node]].free.minus(s.gang.Pod))
	s.see(p.slots[node])
	s.play(place)
	return place
}

// measure is the most segments that can be placed, and the least number in a used domain that goes with it where they are spread.
func (s *search) measure(count int64) (segments, least int64) {
	most := count / s.gang.Segment
	if s.spreads == nil {
		return min(most, s.rooms.most()), 0
	}
	return s.spreads.measure(most, s.used)
}

// layer finds the tables for a least number in a used domain.
func (s *search) layer(least int64) *layer {
	for _, known := range s.layers {
		if known.least == least {
			known.used = s.used
			return known
		}
	}
	made := newLayer(s, least)
	if len(s.layers) < max(1, min(mostLayers, mostLayered/len(s.tree.domains))) {
		s.layers = append(s.layers, made)
		return made
	}
	oldest := 0
	for i, known := range s.layers {
		if known.used < s.layers[oldest].used {
			oldest = i
		}
	}
	s.layers[oldest].forget()
	s.layers[oldest] = made
	return made
}
