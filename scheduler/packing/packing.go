package packing

import "slices"

const none = int32(-1)

// Fleet is what there is to pack into, flat as it comes over the C face: four amounts a node, a row of domain numbers a level
// (-1: in none), four amounts and a weight a class. A node may be overdrawn (an amount below zero); it then holds nothing more.
// Capacity is Free with nothing running. Levels are nested: nodes of one domain have the same domain, or none, at every wider level.
type Fleet struct {
	Free     []int64
	Capacity []int64
	Levels   int
	Domains  []int64
	Classes  []int64
}

// Packing is one fleet while it is being packed. It is not for use by two goroutines at once.
type Packing struct {
	rows     [][]int32 // of each level: the domain of each node
	levels   int
	capacity []Amounts
	slots    []int32 // of each node: its state
	states   states

	sites     []*site
	searches  map[question]*search
	changes   []int32 // nodes whose free amounts have changed, the last one last
	forgotten int     // how many changes before those

	call  uint64 // number of the place call
	parts []part
	taken []int32 // places that a leaf has given
}

// Open copies the fleet.
func Open(f Fleet) (*Packing, error) {
	nodes := len(f.Free) / AmountFields
	if err := checkLengths(f, nodes); err != nil {
		return nil, err
	}
	free, err := readAmounts(f.Free)
	if err != nil {
		return nil, err
	}
	capacity, err := readAmounts(f.Capacity)
	if err != nil {
		return nil, err
	}
	rows, err := readDomains(f, nodes)
	if err != nil {
		return nil, err
	}
	classes, err := readClasses(f.Classes)
	if err != nil {
		return nil, err
	}
	p := &Packing{
		rows:     rows,
		levels:   f.Levels,
		capacity: capacity,
		slots:    make([]int32, nodes),
		states:   states{prices: learnPrices(capacity, classes), index: make(map[Amounts]int32)},
		searches: make(map[question]*search),
	}
	for node := range free {
		p.slots[node] = p.states.enter(free[node])
	}
	return p, nil
}

func readAmounts(flat []int64) ([]Amounts, error) {
	all := make([]Amounts, len(flat)/AmountFields)
	for i := range all {
		all[i] = Amounts(flat[i*AmountFields:])
		if err := checkWithinLimits(all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readDomains(f Fleet, nodes int) ([][]int32, error) {
	rows := make([][]int32, f.Levels)
	for level := range rows {
		rows[level] = make([]int32, nodes)
		for node, domain := range f.Domains[level*nodes : (level+1)*nodes] {
			if domain < -1 || domain >= int64(nodes) {
				return nil, ErrValue
			}
			rows[level][node] = int32(domain)
		}
	}
	return rows, checkNested(rows)
}

func readClasses(flat []int64) ([]Class, error) {
	classes := make([]Class, 0, len(flat)/ClassFields)
	total := int64(0)
	for ; len(flat) > 0; flat = flat[ClassFields:] {
		class := Class{Shape: Amounts(flat), Weight: flat[nAmounts]}
		if err := checkShape(class.Shape); err != nil {
			return nil, err
		}
		if class.Weight < 0 {
			return nil, ErrValue
		}
		if class.Weight > MaxTotalWeight-total {
			return nil, ErrOverflow
		}
		total += class.Weight
		if class.Shape[GPU] > 0 {
			classes = append(classes, class)
		}
	}
	return classes, nil
}

// Select numbers a choice of nodes, strictly ascending, for Place. What depends on it is then known from call to call.
func (p *Packing) Select(eligible []int64) (int, error) {
	if err := checkEligible(eligible, len(p.slots)); err != nil {
		return 0, err
	}
	if len(p.sites) >= MaxSites {
		return 0, ErrOverflow
	}
	p.sites = append(p.sites, newSite(eligible, p.rows, len(p.slots)))
	return len(p.sites) - 1, nil
}

// Place puts as many pods of the gang as its wishes allow, at most Count, on nodes of the site, or none if fewer than MinCount fit. It
// writes a node a pod, in the order of ranks, to the front of out, which has room for Count, and returns how many; and fitCount, the
// most pods (at most Count) that could have been placed.
//
// The cost of a call grows with the nodes that have changed since the same was asked of the site last, and with the pods placed; with the
// nodes of the site only where the question is new, or more nodes have changed meanwhile than there are.
func (p *Packing) Place(g Gang, site int64, out []int64) (placed int, fitCount int64, err error) {
	if err := checkGang(g, p.levels); err != nil {
		return 0, 0, err
	}
	if site < 0 || site >= int64(len(p.sites)) {
		return 0, 0, ErrValue
	}
	if int64(len(out)) < g.Count {
		return 0, 0, ErrLength
	}
	p.call++
	s := p.ask(int(site), g)
	segments, least := s.measure(g.Count)
	fitCount = segments * g.Segment
	if segments == 0 || fitCount < g.MinCount {
		return 0, fitCount, nil
	}
	p.parts = s.layer(least).share(segments, p.parts[:0])
	for _, part := range p.parts {
		p.taken = p.taken[:0]
		for range part.pods {
			p.taken = append(p.taken, s.take(part.leaf))
		}
		slices.Sort(p.taken)
		for _, place := range p.taken {
			out[placed] = int64(s.site.nodes[place])
			placed++
		}
	}
	return placed, fitCount, nil
}

// ask finds what is known of a question and brings it up to date.
func (p *Packing) ask(at int, g Gang) *search {
	g.MinCount, g.Count = 0, 0
	asked := question{at, g}
	s := p.searches[asked]
	if s == nil {
		if len(p.searches) >= mostSearches {
			p.forget()
		}
		s = newSearch(p, p.sites[at], g)
		p.searches[asked] = s
	}
	s.used = p.call
	s.follow()
	return s
}

// forget drops the question that was asked longest ago.
func (p *Packing) forget() {
	var oldest question
	at := p.call
	for asked, s := range p.searches {
		if s.used < at {
			oldest, at = asked, s.used
		}
	}
	delete(p.searches, oldest)
}

// Add gives amounts back to a node, or takes them where they are negative.
func (p *Packing) Add(node int64, amounts Amounts) error {
	if node < 0 || node >= int64(len(p.slots)) {
		return ErrValue
	}
	if err := checkWithinLimits(amounts); err != nil {
		return err
	}
	after := p.states.slots[p.slots[node]].free.plus(amounts)
	if err := checkWithinLimits(after); err != nil {
		return err
	}
	p.move(int32(node), after)
	return nil
}

// Levels is the number of topology levels.
func (p *Packing) Levels() int { return p.levels }

// move puts a node into another state and logs it. Of a log that has become long only the newer half is kept: whoever is behind that
// counts everything again.
func (p *Packing) move(node int32, free Amounts) {
	p.states.leave(p.slots[node])
	p.slots[node] = p.states.enter(free)
	if half := len(p.slots) + 512; len(p.changes) >= 2*half {
		p.changes = p.changes[:copy(p.changes, p.changes[half:])]
		p.forgotten += half
	}
	p.changes = append(p.changes, node)
}
