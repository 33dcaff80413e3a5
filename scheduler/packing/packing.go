package packing

import "slices"

// Anywhere is the level of a gang that may be spread over all domains.
const Anywhere = -1

const none = int32(-1)

// Fleet is what there is to pack into, flat as it comes over the C face: four amounts a node, a row of domain numbers a level
// (-1: in none), four amounts and a weight a class. A node may be overdrawn (an amount below zero); it then holds nothing more.
type Fleet struct {
	Free    []int64
	Levels  int
	Domains []int64
	Classes []int64
}

// Gang is Count equal pods, or at least MinCount of them, inside one domain of Level.
type Gang struct {
	Pod      Amounts
	MinCount int64
	Count    int64
	Level    int64
}

// Packing is one fleet while it is being packed. It is not for use by two goroutines at once.
type Packing struct {
	domains []int32 // a row a level
	levels  int
	slots   []int32 // of each node: its state
	states  states

	call   uint64 // number of the place call
	next   []int32
	runs   runs
	totals []total
	seen   []int32 // domains that the call has met
}

// total is what one domain has for the gang of one call.
type total struct {
	fits, gpu int64
	met       bool
}

// Open copies the fleet.
func Open(f Fleet) (*Packing, error) {
	nodes := len(f.Free) / AmountFields
	if err := checkLengths(f, nodes); err != nil {
		return nil, err
	}
	free := make([]Amounts, nodes)
	for node := range free {
		free[node] = Amounts(f.Free[node*AmountFields:])
		if err := checkWithinLimits(free[node]); err != nil {
			return nil, err
		}
	}
	domains := make([]int32, len(f.Domains))
	for i, domain := range f.Domains {
		if domain < -1 || domain >= int64(nodes) {
			return nil, ErrValue
		}
		domains[i] = int32(domain)
	}
	classes, err := readClasses(f.Classes)
	if err != nil {
		return nil, err
	}
	p := &Packing{
		domains: domains,
		levels:  f.Levels,
		slots:   make([]int32, nodes),
		states:  states{classes: classes, index: make(map[Amounts]int32)},
		next:    make([]int32, nodes),
		totals:  make([]total, nodes),
	}
	for node := range free {
		p.slots[node] = p.states.enter(free[node])
	}
	return p, nil
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

// Place puts as many pods of the gang as fit, at most Count, on eligible nodes (strictly ascending) of one domain, or none if fewer
// than MinCount fit. It writes a node a pod, ascending, to the front of out, which has room for Count, and returns how many; and
// fitCount, the most pods (at most Count) that a single domain could have taken.
func (p *Packing) Place(g Gang, eligible, out []int64) (placed int, fitCount int64, err error) {
	if err := checkGang(g, p.levels); err != nil {
		return 0, 0, err
	}
	if err := checkEligible(eligible, len(p.slots)); err != nil {
		return 0, 0, err
	}
	if int64(len(out)) < g.Count {
		return 0, 0, ErrLength
	}
	p.call++
	row := p.row(g.Level)
	domain, fitCount := p.chooseDomain(g, row, eligible)
	if domain == none || fitCount < g.MinCount {
		return 0, fitCount, nil
	}
	p.collectRuns(g.Pod, row, domain, eligible)
	for placed < int(g.Count) && len(p.runs) > 0 {
		out[placed] = int64(p.takeBest(g.Pod))
		placed++
	}
	p.runs = p.runs[:0]
	slices.Sort(out[:placed])
	return placed, fitCount, nil
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

// row is the domain of each node at the level; nil means that all nodes are one domain.
func (p *Packing) row(level int64) []int32 {
	if level == Anywhere {
		return nil
	}
	nodes := len(p.slots)
	return p.domains[int(level)*nodes : (int(level)+1)*nodes]
}

// chooseDomain takes the domain that fits most of the gang, then the one with the least free accelerators, then the lowest number.
func (p *Packing) chooseDomain(g Gang, row []int32, eligible []int64) (best int32, fitCount int64) {
	for _, node := range eligible {
		domain := int32(0)
		if row != nil {
			domain = row[node]
		}
		if domain == none {
			continue
		}
		st := p.states.at(p.slots[node], p.call, g.Pod)
		t := &p.totals[domain]
		if !t.met {
			*t = total{met: true}
			p.seen = append(p.seen, domain)
		}
		t.fits += min(st.units, g.Count)
		t.gpu += max(st.free[GPU], 0)
	}
	best = none
	for _, domain := range p.seen {
		t := &p.totals[domain]
		t.fits = min(t.fits, g.Count)
		if best == none || betterDomain(t, &p.totals[best], domain < best) {
			best, fitCount = domain, t.fits
		}
	}
	for _, domain := range p.seen {
		p.totals[domain].met = false
	}
	p.seen = p.seen[:0]
	return best, fitCount
}

func betterDomain(a, b *total, lower bool) bool {
	switch {
	case a.fits != b.fits:
		return a.fits > b.fits
	case a.gpu != b.gpu:
		return a.gpu < b.gpu
	default:
		return lower
	}
}

// collectRuns chains the candidates of each state, in the order of their indexes, and heaps the chains.
func (p *Packing) collectRuns(pod Amounts, row []int32, domain int32, eligible []int64) {
	for _, index := range eligible {
		node := int32(index)
		if row != nil && row[node] != domain {
			continue
		}
		st := p.states.at(p.slots[node], p.call, pod)
		if st.units == 0 {
			continue
		}
		p.next[node] = none
		if st.tail == none {
			p.runs.push(p.newRun(st, pod, node))
		} else {
			p.next[st.tail] = node
		}
		st.tail = node
	}
}

// takeBest gives one pod to the best node. The rest of its run stays as it was; the node goes on as a run of its own.
func (p *Packing) takeBest(pod Amounts) int32 {
	top := &p.runs[0]
	node := top.node
	if rest := p.next[node]; rest == none {
		p.runs.pop()
	} else {
		top.node = rest
		p.runs.settle()
	}
	p.next[node] = none
	p.move(node, p.states.slots[p.slots[node]].free.minus(pod))
	if st := p.states.at(p.slots[node], p.call, pod); st.units > 0 {
		p.runs.push(p.newRun(st, pod, node))
	}
	return node
}

func (p *Packing) newRun(st *state, pod Amounts, node int32) run {
	after := st.free.minus(pod)
	return run{delta: lost(after, p.states.classes) - st.lost, gpu: after[GPU], cpu: after[CPU], node: node}
}

func (p *Packing) move(node int32, free Amounts) {
	p.states.leave(p.slots[node])
	p.slots[node] = p.states.enter(free)
}
