package packing

// handful is how many nodes are looked at in one go: few, because where nodes differ each look is a miss of the processor's cache.
const handful = 4

// contest finds the best node of a leaf for one more pod. Of a leaf with more than a handful of nodes it keeps who has won: the best
// of each handful, the better of each two of those, and so on. A node that has changed plays its matches again, and no other does.
type contest struct {
	ratings
	nodes   []int32 // of each place
	slots   []int32 // of each node: its state
	tree    *tree
	winners map[int32][]int32 // of each large leaf that has been used: the best place in [1], that of handfuls from the middle on
}

func newContest(p *Packing, s *site, t *tree, pod Amounts) contest {
	return contest{
		ratings: ratings{states: &p.states, pod: pod},
		nodes:   s.nodes, slots: p.slots, tree: t, winners: make(map[int32][]int32),
	}
}

// best is the place in the leaf where one more pod goes. At least one fits there.
func (c *contest) best(leaf int32) int32 {
	one := &c.tree.domains[leaf]
	if one.to-one.from <= handful {
		return c.bestOf(one.from, one.to)
	}
	known := c.winners[leaf]
	if known == nil {
		known = c.open(one)
		c.winners[leaf] = known
	}
	return known[1]
}

func (c *contest) open(leaf *domain) []int32 {
	handfuls := (leaf.to - leaf.from + handful - 1) / handful
	winners := make([]int32, 2*handfuls)
	for i := range handfuls {
		winners[handfuls+i] = c.bestOfHandful(leaf, i)
	}
	for i := handfuls - 1; i > 0; i-- {
		winners[i] = c.better(winners[2*i], winners[2*i+1])
	}
	return winners
}

// play plays the matches of a place again, up to where somebody else has won as before. Of several places that have changed, all must
// have been seen before the first one plays.
func (c *contest) play(place int32) {
	leaf := c.tree.leaves[place]
	winners := c.winners[leaf]
	if winners == nil {
		return
	}
	one := &c.tree.domains[leaf]
	number := (place - one.from) / handful
	at := int32(len(winners)/2) + number
	now := c.bestOfHandful(one, number)
	for {
		before := winners[at]
		winners[at] = now
		if at == 1 || now == before && now != place {
			return
		}
		at /= 2
		now = c.better(winners[2*at], winners[2*at+1])
	}
}

func (c *contest) bestOfHandful(leaf *domain, number int32) int32 {
	from := leaf.from + number*handful
	return c.bestOf(from, min(from+handful, leaf.to))
}

func (c *contest) bestOf(from, to int32) int32 {
	best, slot := from, c.slots[c.nodes[from]]
	top := c.score(slot)
	for place := from + 1; place < to; place++ {
		other := c.slots[c.nodes[place]]
		if other == slot {
			continue
		}
		if found := c.score(other); found.before(top) {
			best, slot, top = place, other, found
		}
	}
	return best
}

// better is the better of two places, of equal ones the first.
func (c *contest) better(one, other int32) int32 {
	if other < one {
		one, other = other, one
	}
	if c.score(c.slots[c.nodes[other]]).before(c.score(c.slots[c.nodes[one]])) {
		return other
	}
	return one
}
