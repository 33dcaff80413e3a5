package policies

import (
	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// gpuPacking fills cards that are in use first, then free cards of nodes that are in use, then free nodes (MLaaS, NSDI'22).
var gpuPacking = scoring("GpuPacking", func([]replay.Class) packing.Scorer { return gpuPackingScorer{} })

type gpuPackingScorer struct{}

func (gpuPackingScorer) Score(_ int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	card := n.Tightest(s.Milli)
	return packing.Score{Value: tier(n, s, card)}, card
}

func tier(n *packing.Node, s *packing.Shape, card int) int64 {
	switch {
	case s.Cards == 0:
		return 0
	case n.Whole == n.Cards:
		return max(33-int64(n.Whole), int64(n.Whole))
	case !s.Shared() || n.Milli[card] == packing.CardMilli:
		return max(50-s.Cards, 33)
	default:
		return max(100-int64(n.Milli[card])*100/packing.CardMilli/10, 50)
	}
}
