package policies

import (
	"math/bits"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// gpuClustering keeps pods that want the same number of cards together (Gandiva, OSDI'18).
var gpuClustering = replay.Policy{
	Name: "GpuClustering",
	New: func(nodes []packing.Node, ranks []int32, _ []replay.Class, _ int64) replay.Chooser {
		scorer := &clusteringScorer{pods: make([][kinds]int32, len(nodes))}
		return &clustering{packing.NewIndex(nodes, ranks, scorer), scorer}
	},
}

type clustering struct {
	*packing.Index
	scorer *clusteringScorer
}

func (c *clustering) Take(node int, s *packing.Shape, card int) (cards uint64) {
	c.scorer.count(node, s, 1)
	return c.Index.Take(node, s, card)
}

func (c *clustering) Vacate(node int, s *packing.Shape, cards uint64) {
	c.scorer.count(node, s, -1)
	c.Index.Vacate(node, s, cards)
}

func (c *clustering) Occupy(node int, s *packing.Shape, cards uint64) {
	c.scorer.count(node, s, 1)
	c.Index.Occupy(node, s, cards)
}

// kinds is how many kinds of pods there are: shared ones, and each power of two of cards.
const kinds = 6

// clusteringScorer knows how many pods of each kind each node holds.
type clusteringScorer struct{ pods [][kinds]int32 }

func (c *clusteringScorer) count(node int, s *packing.Shape, pods int32) {
	if wanted := kind(s); wanted != 0 {
		c.pods[node][bits.TrailingZeros64(wanted)] += pods
	}
}

// held has a bit for each kind that is on the node.
func (c *clusteringScorer) held(node int) (held uint64) {
	for kind, pods := range c.pods[node] {
		if pods > 0 {
			held |= 1 << kind
		}
	}
	return held
}

func (c *clusteringScorer) Score(index int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	card := n.Tightest(s.Milli)
	wanted, held := kind(s), c.held(index)
	value := 25 * (maxSpecGPU - int64(n.Free)) / maxSpecGPU
	switch {
	case wanted == 0:
		value = 0
	case held == wanted:
		value += 75
	case held&wanted != 0:
		value += 50
	case held == 0:
		value += 25
	}
	return packing.Score{Value: value}, card
}

// kind has one bit for shared pods, and one for each power of two of cards.
func kind(s *packing.Shape) uint64 {
	if s.Shared() {
		return 1
	}
	return 1 << bits.Len64(uint64(s.Cards)) &^ 1
}
