package packing

import (
	"math"
	"slices"
)

// PricingRounds is how often prices are adjusted where nobody says otherwise.
const PricingRounds = 150

const (
	unit = 1e8 // what a card is worth, about: the fixed point of values

	scarcity   = 0.3  // what it adds to a model's worth if as much work as it has cards insists on it
	maxScarce  = 64.0 // at most so many times as much
	unseen     = 0.05 // as much of what insists on models is thought to insist on each of them and be too rare to be in the mix
	wholeBonus = 0.05 // cards: what a whole free node is worth beyond its cards, and a whole partitioned card beyond its instances
	wholeShare = 0.15 // and how much more if all work wanted whole nodes
	wholeCPU   = 1.15 // processors of a pod that wants a whole node, beside those of other pods, where the mix has none
	roomyBonus = 0.05 // cards: what a whole free node is worth beyond that if few have as many processors

	fewTimes, few     = 6, 15 // 15 % of all whole nodes are left: each is worth 6 times as much
	fewerTimes, fewer = 15, 7

	maxProcessors = 1 << 31 // milli; more than that on a node makes no difference to its worth
)

// Value scores by what the free accelerators of a node are worth to the work to come, before and after (market.go): the pod goes where
// least worth is lost. Equal values are packed tight: least accelerator left, then least processor left.
//
// A node that is whole (as many free cards as the largest nodes have) has a worth beyond that of its cards, for the pods that want all of
// it; the fewer such nodes are left, the more. So has a partitioned card with all slices free. A model that work insists on is worth more than the others.
type Value struct {
	mus    [64][]int64 // of each model: prices of a milli-processor
	cards  [64][]int64 // of each model: a row for each state of what a card in it is worth, at each step
	wholes []whole
	bonus  int64 // how many times the worth of whole nodes counts at present
	known  []worth
}

// worth is what a node was worth when it was last looked at.
type worth struct {
	node  Node
	met   bool
	at    int // the step at which it is least
	least int64
	steps [steps]int64 // the worth of cards and processors at each
	whole int64
}

// NewValue learns the prices for a mix on these nodes. Partitioned cards and others have no work in common but that without accelerators:
// each sort has a market of its own.
func NewValue(nodes []Node, mix []CardClass, rounds int) *Value {
	v := &Value{bonus: 1, known: make([]worth, len(nodes))}
	plain, partitioned := splitNodes(nodes)
	v.learn(plain, slices.DeleteFunc(slices.Clone(mix), func(c CardClass) bool { return c.Shape.Profile > 0 }), rounds)
	instances := slices.DeleteFunc(slices.Clone(mix), func(c CardClass) bool { return c.Shape.Profile == 0 && c.Shape.Cards > 0 })
	v.learn(partitioned, expectInstances(partitioned, instances), rounds)
	return v
}

func splitNodes(nodes []Node) (plain, partitioned []Node) {
	for i := range nodes {
		if nodes[i].Partition == nil {
			plain = append(plain, nodes[i])
		} else {
			partitioned = append(partitioned, nodes[i])
		}
	}
	return plain, partitioned
}

// learn learns what cards are worth on nodes of one sort.
func (v *Value) learn(nodes []Node, mix []CardClass, rounds int) {
	m := newMarket(nodes, mix)
	m.learn(rounds)
	scarce := findScarce(nodes, mix)
	for i := range m.states {
		model := m.states[i].node.Model
		if v.cards[model] != nil {
			continue
		}
		group, whole := m.groupOf[model], -1
		if partition := m.groups[m.groupOf[model]].partition; partition != nil {
			whole = int(partition.full)
		}
		v.cards[model] = make([]int64, steps*m.groups[group].states)
		for k := range steps {
			for state := range m.groups[group].states {
				worth := m.worth(group, k, state)
				if state == whole {
					worth += wholeBonus
				}
				v.cards[model][state*steps+k] = int64(worth * unit * scarce[model])
			}
		}
		v.mus[model] = make([]int64, steps)
		for k, mu := range m.mus {
			v.mus[model][k] = int64(float64((m.cpuPrice+float64((mu-m.cpuPrice)*scarce[model]))*unit) / 1000)
		}
	}
	if wholes := findWholes(nodes, mix); wholes != nil {
		v.wholes = wholes
	}
}

// findScarce is how many times the cards of each model count: more, the more of the mix insists on the model and the fewer cards it has. Where some
// work insists on models, other work that is too rare to be in the mix is thought to do so as well, on each as much.
func findScarce(nodes []Node, mix []CardClass) (scarce [64]float64) {
	var cards [64]float64
	all, demand, insisting := 0.0, 0.0, 0.0
	for i := range nodes {
		cards[nodes[i].Model] += float64(nodes[i].Cards)
		all += float64(nodes[i].Cards)
	}
	for i := range mix {
		demand += float64(float64(mix[i].Count) * float64(mix[i].Shape.Accelerators()))
	}
	for i := range mix {
		s := &mix[i].Shape
		if s.Models == 0 || s.Accelerators() == 0 {
			continue
		}
		allowed := 0.0
		for model := range cards {
			if s.Models>>model&1 == 1 {
				allowed += cards[model]
			}
		}
		if allowed == 0 {
			continue
		}
		asked := float64(float64(mix[i].Count) * float64(s.Accelerators()))
		insisting += asked
		for model := range cards {
			if s.Models>>model&1 == 1 {
				scarce[model] += asked / demand * all / allowed
			}
		}
	}
	for model := range scarce {
		if cards[model] > 0 && insisting > 0 {
			scarce[model] += float64(unseen*insisting) / demand * all / cards[model]
		}
		scarce[model] = min(1+float64(scarcity*math.Sqrt(scarce[model])), maxScarce)
	}
	return scarce
}

// tell says how many of all whole nodes are left; true if that changes what they are worth.
func (v *Value) tell(left, all int) bool {
	bonus := int64(1)
	switch {
	case left*100 <= fewer*all:
		bonus = fewerTimes
	case left*100 <= few*all:
		bonus = fewTimes
	}
	changed := bonus != v.bonus
	v.bonus = bonus
	return changed
}

// NodeAlone says that equal nodes have equal scores.
func (v *Value) NodeAlone() {}

// Score is the worth that the node would have less (negated) with one more pod of the shape, and the best card for a shared one.
func (v *Value) Score(index int, n *Node, s *Shape) (Score, int) {
	known := &v.known[index]
	if !known.met || known.node != *n {
		v.look(known, n)
	}
	tie := -(int64(n.Free)-s.Accelerators())<<32 - min(n.CPU-s.CPU, maxProcessors)
	rows, mus := v.cards[n.Model], v.mus[n.Model]
	before := known.least + v.bonus*known.whole
	cpu := min(n.CPU, maxProcessors) - min(n.CPU-s.CPU, maxProcessors)
	switch {
	case s.Cards == 0:
		after := least(known, rows, mus, cpu, 0, 0, 0) + v.bonus*v.worthWhole(n, int64(n.Whole), n.CPU-s.CPU)
		return Score{Value: after - before, Tie: tie}, -1
	case s.Profile > 0:
		lost, place := v.scoreInstance(known, n, s)
		return Score{Value: lost, Tie: tie}, place
	case !s.Shared():
		after := least(known, rows, mus, cpu, levels, 0, s.Cards) + v.bonus*v.worthWhole(n, int64(n.Whole)-s.Cards, n.CPU-s.CPU)
		return Score{Value: after - before, Tie: tie}, -1
	}
	best, bestCard := int64(math.MinInt64), -1
	for card, free := range n.Milli[:n.Cards] {
		if int64(free) < s.Milli || seen(n.Milli[:card], free) {
			continue
		}
		left := int64(n.Whole)
		if free == CardMilli {
			left--
		}
		after := least(known, rows, mus, cpu, int(free)/grain, int(int64(free)-s.Milli)/grain, 1) + v.bonus*v.worthWhole(n, left, n.CPU-s.CPU)
		if value := after - before; value > best || value == best && free < n.Milli[bestCard] {
			best, bestCard = value, card
		}
	}
	return Score{Value: best, Tie: tie}, bestCard
}

func seen(cards []int16, free int16) bool {
	for _, each := range cards {
		if each == free {
			return true
		}
	}
	return false
}

// look remembers what a node is worth as it is.
func (v *Value) look(known *worth, n *Node) {
	known.node, known.met = *n, true
	rows, mus := v.cards[n.Model], v.mus[n.Model]
	for k := range known.steps {
		known.steps[k] = mus[k] * min(n.CPU, maxProcessors)
	}
	for _, free := range n.Milli[:n.Cards] {
		row := rows[stateOf(n.Partition, free)*steps:][:steps]
		for k := range known.steps {
			known.steps[k] += row[k]
		}
	}
	known.least = math.MaxInt64
	for k, sum := range known.steps {
		if sum < known.least {
			known.at, known.least = k, sum
		}
	}
	known.whole = v.worthWhole(n, int64(n.Whole), n.CPU)
}

// least is what the node's cards and processors are worth after so many cards have gone from one level to another and processors are
// taken: the least over all steps. It looks from where the node was to both sides until it is too far up for anything less to come: but
// for rounding, of at most one for each processor and card, the worth has a single valley.
func least(known *worth, rows, mus []int64, cpu int64, from, to int, cards int64) int64 {
	before, after := rows[from*steps:][:steps], rows[to*steps:][:steps]
	mus = mus[:steps]
	slack := min(known.node.CPU, maxProcessors) + 2*MaxCards
	least := known.steps[known.at] - mus[known.at]*cpu + cards*(after[known.at]-before[known.at])
	for k := known.at + 1; k < steps; k++ {
		here := known.steps[k] - mus[k]*cpu + cards*(after[k]-before[k])
		if here > least+slack {
			break
		}
		least = min(least, here)
	}
	for k := known.at - 1; k >= 0; k-- {
		here := known.steps[k] - mus[k]*cpu + cards*(after[k]-before[k])
		if here > least+slack {
			break
		}
		least = min(least, here)
	}
	return least
}

// cares says whether whole nodes being few matters to what the node is worth.
func (v *Value) cares(n *Node) bool {
	return v.worthWhole(n, int64(n.Whole), n.CPU) > 0
}
