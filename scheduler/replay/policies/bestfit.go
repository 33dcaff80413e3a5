package policies

import (
	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// bestFit takes the node that has least left.
var bestFit = scoring("BestFit", func([]replay.Class) packing.Scorer { return bestFitScorer{} })

type bestFitScorer struct{}

func (bestFitScorer) Score(_ int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	left := float64(n.CPU-s.CPU) / maxSpecCPU * 0.5
	left += float64(int64(n.Free)-s.Accelerators()) / maxSpecGPU * 0.5
	return packing.Score{Value: int64((1 - left) * 100)}, n.Tightest(s.Milli)
}
