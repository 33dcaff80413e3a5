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
		scorer := &clusteringScorer{kinds: make([]uint64, len(nodes))}
		return &clustering{packing.NewIndex(nodes, ranks, scorer), scorer}
	},
}

type clustering struct {
	*packing.Index
	scorer *clusteringScorer
}

func (c *clustering) Take(node int, s *packing.Shape, card int) (cards uint64) {
	c.scorer.kinds[node] |= kind(s)
	return c.Index.Take(node, s, card)
}

// clusteringScorer knows which kinds of pods each node holds.
type clusteringScorer struct{ kinds []uint64 }

func (c *clusteringScorer) Score(index int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	card := n.Tightest(s.Milli)
	wanted, held := kind(s), c.kinds[index]
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
