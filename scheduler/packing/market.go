package packing

import "slices"

// CardClass is a shape of which more is expected, and how many of it beside the other classes. Its memory does not count.
type CardClass struct {
	Shape Shape
	Count int64
}

const (
	grain  = 10                // milli-accelerators: what prices tell apart
	levels = CardMilli / grain // of a whole card
	steps  = 13                // prices of processors that are tried on a node

	temperature  = 0.02 // how far from the best pattern work strays, in cards
	firstStep    = 0.002
	stepRatio    = 1.5
	learningRate = 0.3
	slowing      = 50.0
	dearest      = 1.3  // no class is worth more than so many times what it takes up
	cpuRate      = 0.01 // cards per processor and round
)

// good is a class as the market sees it: what it takes of one card. Several whole cards are so many goods of one.
type good struct {
	grains  int
	profile uint8   // of an instance, instead of grains
	part    float64 // of a card
	cpu     float64 // processors
	demand  float64 // a pod of the mix
	models  uint64
}

// market finds out what free accelerators are worth, from the mix of work alone.
//
// The idea. Every class has a price, every processor has one, and a card that is free in part is worth the dearest pods that fit into
// what is free (a knapsack; for a node, the price of its processors is the one that makes them suffice). Work that takes the patterns
// which are worth most at these prices is in short supply for some classes and in oversupply for others; prices of the former rise, of
// the latter fall, until all classes are served alike. These are the dual prices of the linear program "how many times can the whole mix
// be packed", found by multiplicative weights. Patterns are chosen with a little noise (temperature), which makes the worth smooth:
// the future is not exactly the mix.
type market struct {
	goods    []good
	price    []float64 // of each good, in cards
	cpuPrice float64   // of a processor, in cards, for pods without accelerators too
	cpuOnly  float64   // processors that those want, a pod of the mix
	mus      [steps]float64
	weights  []float64 // of each step and good

	groupOf [64]int // models that take the same goods share tables
	groups  []group
	z       [][]float64 // of each group: a row of the states of a card for each step
	worths  [][]float64 // what z comes to, in cards, where it has been asked for
	states  []crowd
}

// group is the goods that some models take, and how their cards are divided: partitioned or, without a partition, by grains.
type group struct {
	takes     []int
	partition *Partition
	states    int // of a card
}

// stateOf is the state of a card with so much free.
func stateOf(partition *Partition, free int16) int {
	if partition != nil {
		return int(free)
	}
	return int(free) / grain
}

// crowd is nodes in the same state.
type crowd struct {
	node  Node
	count float64
}

func newMarket(nodes []Node, mix []CardClass) *market {
	m := &market{}
	total := 0.0
	for i := range mix {
		total += float64(mix[i].Count)
	}
	for i := range mix {
		m.add(nodes, &mix[i].Shape, float64(mix[i].Count)/total)
	}
	m.price = make([]float64, len(m.goods))
	m.weights = make([]float64, steps*len(m.goods))
	for i := range m.goods {
		m.price[i] = m.goods[i].part
	}
	m.collect(nodes)
	m.fill()
	return m
}

func (m *market) add(nodes []Node, s *Shape, share float64) {
	if s.Cards == 0 {
		m.cpuOnly += float64(share * float64(s.CPU) / 1000)
		return
	}
	if s.Profile > 0 {
		m.goods = append(m.goods, good{
			profile: s.Profile, part: leastPart(nodes, s), cpu: float64(s.CPU) / 1000, demand: share, models: s.Models,
		})
		return
	}
	cards := float64(s.Cards)
	grains := int((s.Milli + grain - 1) / grain)
	m.goods = append(m.goods, good{
		grains: grains,
		part:   float64(grains) / levels,
		cpu:    float64(s.CPU) / 1000 / cards,
		demand: float64(share * cards),
		models: s.Models,
	})
}

// collect counts nodes by their state and groups models by what they take.
func (m *market) collect(nodes []Node) {
	index := make(map[Node]int)
	met := uint64(0)
	for _, node := range nodes {
		node.Memory, node.Pods = 0, 0
		at, known := index[node]
		if !known {
			at = len(m.states)
			index[node] = at
			m.states = append(m.states, crowd{node: node})
		}
		m.states[at].count++
		if met>>node.Model&1 == 0 {
			met |= 1 << node.Model
			m.groupOf[node.Model] = m.group(&node)
		}
	}
}

func (m *market) group(n *Node) int {
	found := group{partition: n.Partition, states: levels + 1}
	if n.Partition != nil {
		found.states = n.Partition.states()
	}
	for i := range m.goods {
		if models := m.goods[i].models; models == 0 || models>>n.Model&1 == 1 {
			found.takes = append(found.takes, i)
		}
	}
	for at, known := range m.groups {
		if slices.Equal(known.takes, found.takes) && known.partition == found.partition {
			return at
		}
	}
	m.groups = append(m.groups, found)
	m.z = append(m.z, make([]float64, steps*found.states))
	m.worths = append(m.worths, make([]float64, steps*found.states))
	return len(m.groups) - 1
}

// fill works out, for every group of models, price of processors and free part of a card, the sum of exp(worth / temperature) over all
// that can be put there: the number of patterns, the dearer the weightier.
func (m *market) fill() {
	step := 0.0
	for k := range m.mus {
		m.mus[k] = m.cpuPrice + step
		step = max(float64(step*stepRatio), firstStep)
	}
	for k, mu := range m.mus {
		for i := range m.goods {
			m.weights[k*len(m.goods)+i] = exp((m.price[i] - float64(mu*m.goods[i].cpu)) / temperature)
		}
	}
	for group, of := range m.groups {
		clear(m.worths[group])
		for k := range m.mus {
			z := m.row(group, k)
			if of.partition != nil {
				weights := m.profileWeights(of.takes, k)
				of.partition.sum(z, &weights)
				continue
			}
			for r := range z {
				z[r] = 1
			}
			for _, i := range of.takes {
				weight := m.weight(i, k)
				if weight == 0 {
					continue
				}
				for r, below := m.goods[i].grains, 0; r < len(z); r, below = r+1, below+1 {
					z[r] += float64(z[below] * weight)
				}
			}
		}
	}
}

func (m *market) row(group, k int) []float64 {
	states := m.groups[group].states
	return m.z[group][k*states : (k+1)*states]
}

// worth is what a card in the state is worth, in cards. It is worked out when it is first asked for.
func (m *market) worth(group, k, state int) float64 {
	at := k*m.groups[group].states + state
	if m.worths[group][at] == 0 {
		m.worths[group][at] = float64(temperature * log(m.z[group][at]))
	}
	return m.worths[group][at]
}

// weight is how much better a pattern is with one more of the good in it.
func (m *market) weight(i, k int) float64 { return m.weights[k*len(m.goods)+i] }

// learn adjusts prices so many times; the last half of all prices is averaged.
func (m *market) learn(rounds int) {
	if len(m.goods) == 0 || rounds == 0 {
		return
	}
	sums := make([]float64, len(m.price))
	supply := make([]float64, len(m.price))
	served, kept := 0.0, 0
	for round := range rounds {
		left := m.offer(supply)
		served = m.serve(supply, served)
		if served == 0 {
			break // there is no room for anything: prices cannot be told
		}
		m.adjust(supply, left, served, learningRate/(1+float64(round)/slowing))
		if 2*round >= rounds {
			for i, price := range m.price {
				sums[i] += price
			}
			kept++
		}
		m.fill()
	}
	if kept > 0 {
		for i, sum := range sums {
			m.price[i] = sum / float64(kept)
		}
		m.fill()
	}
}

// offer is how much of each good the nodes would take at the prices, and how many processors would be left that pods without
// accelerators could have.
func (m *market) offer(supply []float64) (left float64) {
	clear(supply)
	counts := make([][]float64, len(m.groups))
	for i := range counts {
		counts[i] = make([]float64, steps*m.groups[i].states)
	}
	for i := range m.states {
		node, count := &m.states[i].node, m.states[i].count
		group := m.groupOf[node.Model]
		k := m.cheapest(group, node)
		if k == 0 {
			left += float64(float64(node.CPU) / 1000 * count)
		}
		for _, free := range node.Milli[:node.Cards] {
			counts[group][k*m.groups[group].states+stateOf(node.Partition, free)] += count
		}
	}
	for group, of := range m.groups {
		for k := range m.mus {
			row := counts[group][k*of.states : (k+1)*of.states]
			if of.partition != nil {
				left = m.offerInstances(group, k, row, supply, left)
				continue
			}
			z := m.row(group, k)
			for r := 1; r <= levels; r++ {
				count := row[r]
				if count == 0 {
					continue
				}
				for _, i := range of.takes {
					taken := expect(z, r, m.goods[i].grains, m.weight(i, k), count)
					supply[i] += taken
					if k == 0 {
						left -= float64(taken * m.goods[i].cpu)
					}
				}
			}
		}
	}
	return left
}

// expect is how many of a good are in the patterns of count cards with r grains free: the sum over j of the chance that there are j or more.
func expect(z []float64, r, grains int, weight, count float64) float64 {
	sum, power := 0.0, weight
	for below := r - grains; below >= 0; below -= grains {
		sum += float64(power*z[below]) / z[r]
		power = float64(power * weight)
	}
	return float64(sum * count)
}

// cheapest is the step at which the node is worth least: there its processors just suffice.
func (m *market) cheapest(group int, node *Node) int {
	best, least := 0, 0.0
	for k, mu := range m.mus {
		worth := float64(mu * float64(node.CPU) / 1000)
		if node.Whole > 0 {
			worth += float64(float64(node.Whole) * m.worth(group, k, levels))
		}
		for _, free := range node.Milli[:node.Cards] {
			if free > 0 && (free < CardMilli || node.Partition != nil) {
				worth += m.worth(group, k, stateOf(node.Partition, free))
			}
		}
		if k == 0 || worth < least {
			best, least = k, worth
		}
	}
	return best
}

// serve is how many times the mix is served, over the goods whose price can still rise; the last answer if there are none.
func (m *market) serve(supply []float64, last float64) float64 {
	offered, wanted := 0.0, 0.0
	for i := range m.goods {
		g := &m.goods[i]
		if m.price[i] < float64(dearest*0.999*g.part) {
			offered += float64(supply[i] * g.part)
			wanted += float64(g.demand * g.part)
		}
	}
	if wanted == 0 {
		return last
	}
	return offered / wanted
}

func (m *market) adjust(supply []float64, left, served, rate float64) {
	spent, demand := 0.0, 0.0
	for i := range m.goods {
		g := &m.goods[i]
		m.price[i] = float64(m.price[i] * exp(-float64(rate*excess(supply[i], float64(served*g.demand)))))
		spent += float64(m.price[i] * g.demand)
		demand += float64(g.part * g.demand)
	}
	for i := range m.goods {
		m.price[i] = min(float64(m.price[i]*(demand/spent)), float64(dearest*m.goods[i].part))
	}
	if m.cpuOnly > 0 {
		m.cpuPrice = max(m.cpuPrice-float64(float64(rate*cpuRate)*excess(left, float64(served*m.cpuOnly))), 0)
	}
}

// excess is by how much more is offered than wanted, at most as much again, at least nothing for all.
func excess(offered, wanted float64) float64 {
	return min(max(offered/wanted-1, -1), 1)
}
