package packing

import (
	"math"
	"math/bits"
	"slices"
)

// expectInstances adds to a mix that says nothing of instances what cards might be asked for: each profile as often as it fits on a card, so
// that all of them ask for about as much.
func expectInstances(nodes []Node, mix []CardClass) []CardClass {
	if slices.ContainsFunc(mix, func(c CardClass) bool { return c.Shape.Profile > 0 }) {
		return mix
	}
	for profile := uint8(1); profile <= MaxProfile; profile++ {
		most := 0
		for _, partition := range partitionsOf(nodes) {
			most = max(most, partition.most(profile))
		}
		if most > 0 {
			mix = append(mix, CardClass{Shape: Shape{Cards: 1, Profile: profile}, Count: int64(most)})
		}
	}
	return mix
}

func partitionsOf(nodes []Node) (partitions []*Partition) {
	for i := range nodes {
		if !slices.Contains(partitions, nodes[i].Partition) {
			partitions = append(partitions, nodes[i].Partition)
		}
	}
	return partitions
}

// leastPart is how much of a card an instance takes up, where it takes up least.
func leastPart(nodes []Node, s *Shape) float64 {
	least := 1.0
	for i := range nodes {
		if n := &nodes[i]; len(n.Partition.of[s.Profile]) > 0 && (s.Models == 0 || s.Models>>n.Model&1 == 1) {
			least = min(least, n.Partition.part(s.Profile))
		}
	}
	return least
}

// profileWeights is the weight of an instance of each profile: that of all goods which may be in it.
func (m *market) profileWeights(takes []int, k int) (weights [MaxProfile + 1]float64) {
	for _, i := range takes {
		weights[m.goods[i].profile] += m.weight(i, k)
	}
	return weights
}

// offerInstances is offer for cards that are partitioned, so many in each state. Goods of one profile share its instances by their weights.
func (m *market) offerInstances(group, k int, cards, supply []float64, left float64) float64 {
	if slices.Max(cards) == 0 {
		return left
	}
	of := &m.groups[group]
	weights := m.profileWeights(of.takes, k)
	var instances [MaxProfile + 1]float64
	of.partition.share(cards, m.row(group, k), &weights, &instances)
	for _, i := range of.takes {
		profile := m.goods[i].profile
		if instances[profile] == 0 {
			continue
		}
		taken := float64(instances[profile]*m.weight(i, k)) / weights[profile]
		supply[i] += taken
		if k == 0 {
			left -= float64(taken * m.goods[i].cpu)
		}
	}
	return left
}

// scoreInstance is the worth that is lost (negated) where least is lost, and that place. Of equals the fullest card wins, then the lowest,
// then the lowest slices.
func (v *Value) scoreInstance(known *worth, n *Node, s *Shape) (best int64, place int) {
	rows, mus := v.cards[n.Model], v.mus[n.Model]
	cpu := min(n.CPU, maxProcessors) - min(n.CPU-s.CPU, maxProcessors)
	best, place = math.MinInt64, -1
	fullest := 0
	for card, free := range n.Milli[:n.Cards] {
		if seen(n.Milli[:card], free) {
			continue
		}
		left := bits.OnesCount16(uint16(free))
		for at, taken := range n.Partition.of[s.Profile] {
			if taken&^uint16(free) != 0 {
				continue
			}
			value := least(known, rows, mus, cpu, int(free), int(uint16(free)&^taken), 1) - known.least
			if value > best || value == best && left < fullest {
				best, place, fullest = value, card+MaxCards*at, left
			}
		}
	}
	return best, place
}
