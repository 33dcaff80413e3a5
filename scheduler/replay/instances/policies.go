package instances

import (
	"fmt"
	"math/bits"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
)

// Policy chooses nodes, cards and slices.
type Policy struct {
	Name string
	open func(nodes []packing.Node, mix []packing.CardClass) board
}

// board is a fleet while it is being packed.
type board interface {
	best(s *packing.Shape) (node, place int)
	take(node int, s *packing.Shape, place int) (cards uint64)
	give(node int, s packing.Shape, cards uint64)
}

// Policies are those that are compared. First fit is what kube-scheduler's own allocator of devices (DRA) does.
var Policies = []Policy{
	scoring("FirstFit", firstFit{}),
	scoring("BestFit", bestFit{}),
	scoring("MFI", leastFragmented{}),
	{"commonpool", func(nodes []packing.Node, mix []packing.CardClass) board { return open(nodes, mix) }},
	{"commonpool-untold", func(nodes []packing.Node, _ []packing.CardClass) board { return open(nodes, nil) }},
}

// Find is the policy of that name.
func Find(name string) (Policy, error) {
	for _, policy := range Policies {
		if policy.Name == name {
			return policy, nil
		}
	}
	return Policy{}, fmt.Errorf("there is no policy %q", name)
}

func ranks(nodes []packing.Node) []int32 {
	out := make([]int32, len(nodes))
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// ours is the packing engine.
type ours struct{ *packing.Cards }

func open(nodes []packing.Node, mix []packing.CardClass) ours {
	return ours{packing.NewCards(nodes, ranks(nodes), mix, packing.PricingRounds)}
}

func (o ours) best(s *packing.Shape) (node, place int)           { return o.Best(s) }
func (o ours) take(node int, s *packing.Shape, place int) uint64 { return o.Take(node, s, place) }
func (o ours) give(node int, s packing.Shape, cards uint64) {
	if err := o.Give(int64(node), s, cards); err != nil {
		panic(err) // it was taken
	}
}

// scored is a fleet that a rule packs.
type scored struct{ *packing.Index }

func scoring(name string, scorer packing.Scorer) Policy {
	return Policy{name, func(nodes []packing.Node, _ []packing.CardClass) board {
		return scored{packing.NewIndex(nodes, ranks(nodes), scorer)}
	}}
}

func (s scored) best(shape *packing.Shape) (node, place int) { return s.Best(shape) }
func (s scored) take(node int, shape *packing.Shape, place int) uint64 {
	return s.Take(node, shape, place)
}
func (s scored) give(node int, shape packing.Shape, cards uint64) {
	s.Nodes[node].Give(&shape, cards)
	s.Touch(node)
}

// eachPlace calls with every card and every placement on it that the shape fits on, in order.
func eachPlace(n *packing.Node, s *packing.Shape, visit func(place int, free, taken uint16)) {
	for card, free := range n.Milli[:n.Cards] {
		for at, taken := range n.Partition.Placements(s.Profile) {
			if taken&^uint16(free) == 0 {
				visit(card+packing.MaxCards*at, uint16(free), taken)
			}
		}
	}
}

// choose is the place with the best value, the first of equals.
func choose(n *packing.Node, s *packing.Shape, value func(free, taken uint16) int64) (packing.Score, int) {
	best, chosen := packing.Unfit, -1
	eachPlace(n, s, func(place int, free, taken uint16) {
		if score := (packing.Score{Value: value(free, taken)}); chosen < 0 || score.Better(best) {
			best, chosen = score, place
		}
	})
	return best, chosen
}

// firstFit takes the first place on the first card of the first node.
type firstFit struct{}

func (firstFit) Score(_ int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	return choose(n, s, func(uint16, uint16) int64 { return 0 })
}

// bestFit takes the fullest card, and the first place on it.
type bestFit struct{}

func (bestFit) Score(_ int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	return choose(n, s, func(free, _ uint16) int64 { return -int64(bits.OnesCount16(free)) })
}

// leastFragmented takes the place at which fragmentation grows least (Zambianco et al., "An Online Fragmentation-Aware GPU Scheduler for
// Multi-Tenant MIG-based Clouds", arXiv 2511.18906): a card's fragmentation is the size of all placements that are blocked, of the profiles
// that its free slices would suffice for. It knows nothing of the mix.
type leastFragmented struct{}

func (leastFragmented) Score(_ int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	return choose(n, s, func(free, taken uint16) int64 {
		return fragmentation(n.Partition, free) - fragmentation(n.Partition, free&^taken)
	})
}

func fragmentation(p *packing.Partition, free uint16) (sum int64) {
	for _, name := range profiles {
		for _, taken := range p.Placements(mig.Profile(name)) {
			if size := mig.Slices(taken); size <= mig.Slices(free) && taken&^free != 0 {
				sum += int64(size)
			}
		}
	}
	return sum
}
