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

	call  uint64  // number of the place call
	next  []int32 // of each place: the next one in the same run
	runs  runs
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
		states:   states{classes: classes, index: make(map[Amounts]int32)},
		searches: make(map[question]*search),
		next:     make([]int32, nodes),
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
// The cost of a call grows with the nodes that have changed since the same was asked of the site last, and with the pods placed.
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
	segments := s.measure(g.Count)
	fitCount = segments * g.Segment
	if segments == 0 || fitCount < g.MinCount {
		return 0, fitCount, nil
	}
	p.parts = s.share(segments, p.parts[:0])
	for _, part := range p.parts {
		leaf := &s.tree.domains[part.leaf]
		p.collectRuns(g.Pod, s.site, leaf.from, leaf.to)
		p.taken = p.taken[:0]
		for range part.pods {
			p.taken = append(p.taken, p.takeBest(g.Pod, s.site))
		}
		p.runs = p.runs[:0]
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
	s.follow(p)
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

// collectRuns chains the candidates of each state, in the order of the site, and heaps the chains.
func (p *Packing) collectRuns(pod Amounts, s *site, from, to int32) {
	p.call++ // chains of other leaves are none of these
	for place := from; place < to; place++ {
		st := p.states.at(p.slots[s.nodes[place]], p.call, pod)
		if st.units == 0 {
			continue
		}
		p.next[place] = none
		if st.tail == none {
			p.runs.push(p.newRun(st, pod, place))
		} else {
			p.next[st.tail] = place
		}
		st.tail = place
	}
}

// takeBest gives one pod to the best node. The rest of its run stays as it was; the node goes on as a run of its own.
func (p *Packing) takeBest(pod Amounts, s *site) int32 {
	top := &p.runs[0]
	place := top.place
	if rest := p.next[place]; rest == none {
		p.runs.pop()
	} else {
		top.place = rest
		p.runs.settle()
	}
	p.next[place] = none
	node := s.nodes[place]
	p.move(node, p.states.slots[p.slots[node]].free.minus(pod))
	if st := p.states.at(p.slots[node], p.call, pod); st.units > 0 {
		p.runs.push(p.newRun(st, pod, place))
	}
	return place
}

func (p *Packing) newRun(st *state, pod Amounts, place int32) run {
	after := st.free.minus(pod)
	return run{delta: lost(after, p.states.classes) - st.lost, gpu: after[GPU], cpu: after[CPU], place: place}
}

func (p *Packing) move(node int32, free Amounts) {
	p.states.leave(p.slots[node])
	p.slots[node] = p.states.enter(free)
	if len(p.changes) >= 2*len(p.slots)+1024 { // whoever is so far behind counts everything again
		p.forgotten += len(p.changes)
		p.changes = p.changes[:0]
	}
	p.changes = append(p.changes, node)
}
