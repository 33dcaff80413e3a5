package packing

import (
	"cmp"
	"math/bits"
	"slices"
)

// Bounds of partitions.
const (
	MaxSlices  = 10 // of a card
	MaxProfile = 63
)

// Placement is one way in which an instance of a profile can lie on a card: the slices that it takes up, a bit each.
type Placement struct {
	Profile uint8
	Slices  uint16
}

// Partition is how the cards of a model are cut into instances: of which profiles, and where each may lie. NVIDIA's MIG cards have eight
// slices of memory and profiles that begin on some of them only; what else no two instances can share is a slice, too. A card has its free
// slices for a state, a bit each, and may be cut in any way in which no two instances overlap.
type Partition struct {
	rows   []Placement
	of     [MaxProfile + 1][]uint16 // where each profile may lie, ascending
	firsts [MaxSlices][]Placement   // those whose lowest slice it is
	full   uint16                   // all slices
}

// NewPartition makes a partition; profiles are 1 to MaxProfile.
func NewPartition(rows []Placement) (*Partition, error) {
	p := &Partition{rows: slices.Clone(rows)}
	slices.SortFunc(p.rows, func(a, b Placement) int {
		return cmp.Or(cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Slices, b.Slices))
	})
	for i, row := range p.rows {
		if row.Profile == 0 || row.Profile > MaxProfile || row.Slices == 0 || row.Slices>>MaxSlices > 0 || i > 0 && row == p.rows[i-1] {
			return nil, ErrValue
		}
		first := bits.TrailingZeros16(row.Slices)
		p.of[row.Profile] = append(p.of[row.Profile], row.Slices)
		p.firsts[first] = append(p.firsts[first], row)
		p.full |= row.Slices
	}
	return p, nil
}

// Full is all slices of a card.
func (p *Partition) Full() uint16 { return p.full }

// Placements are the slices that an instance of the profile may take up, in ascending order; none if there is no such profile.
func (p *Partition) Placements(profile uint8) []uint16 { return p.of[profile] }

// states is more than any state of a card.
func (p *Partition) states() int { return 1 << bits.Len16(p.full) }

// part is how much of a card the profile takes up where it takes up least.
func (p *Partition) part(profile uint8) float64 {
	least := MaxSlices
	for _, taken := range p.of[profile] {
		least = min(least, bits.OnesCount16(taken))
	}
	return float64(least) / float64(bits.OnesCount16(p.full))
}

// most is how many instances of the profile fit on a card.
func (p *Partition) most(profile uint8) int {
	if len(p.of[profile]) == 0 {
		return 0
	}
	counts := make([]int, p.states())
	for state := 1; state < len(counts); state++ {
		free := uint16(state)
		counts[free] = counts[free&(free-1)]
		for _, taken := range p.of[profile] {
			if taken&^free == 0 {
				counts[free] = max(counts[free], 1+counts[free&^taken])
			}
		}
	}
	return counts[p.full]
}

// holds says whether an instance of the profile fits on a card with these slices free.
func (p *Partition) holds(profile uint8, free uint16) bool {
	for _, taken := range p.of[profile] {
		if taken&^free == 0 {
			return true
		}
	}
	return false
}

// sum works out, for every state of a card, the sum of the weights of all ways to cut it, the product of its instances' weights each: a way
// leaves the lowest free slice empty, or has an instance there. Each way is met once.
func (p *Partition) sum(z []float64, weights *[MaxProfile + 1]float64) {
	z[0] = 1
	for state := 1; state < len(z); state++ {
		free := uint16(state)
		total := z[free&(free-1)]
		for _, row := range p.firsts[bits.TrailingZeros16(free)] {
			if row.Slices&^free == 0 {
				total += float64(weights[row.Profile] * z[free&^row.Slices])
			}
		}
		z[state] = total
	}
}

// share hands out cards (so many in each state; they are used up) to the profiles: of each how many instances there are in the mean over all
// ways of cutting, by their weights.
func (p *Partition) share(cards, z []float64, weights *[MaxProfile + 1]float64, instances *[MaxProfile + 1]float64) {
	for state := len(cards) - 1; state > 0; state-- {
		if cards[state] == 0 {
			continue
		}
		free := uint16(state)
		each := cards[state] / z[state]
		cards[free&(free-1)] += float64(each * z[free&(free-1)])
		for _, row := range p.firsts[bits.TrailingZeros16(free)] {
			if row.Slices&^free == 0 {
				taken := float64(float64(each*weights[row.Profile]) * z[free&^row.Slices])
				instances[row.Profile] += taken
				cards[free&^row.Slices] += taken
			}
		}
	}
}
