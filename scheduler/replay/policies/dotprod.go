package policies

import (
	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// dotProd takes the node whose free amounts are least like what the pod wants (Tetris, SIGCOMM'14, turned to packing).
var dotProd = scoring("DotProd", func([]replay.Class) packing.Scorer { return dotProdScorer{} })

type dotProdScorer struct{}

func (dotProdScorer) Score(_ int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	cpu := float64(n.CPU) / maxSpecCPU * (float64(s.CPU) / maxSpecCPU)
	gpu := float64(n.Free) / maxSpecGPU * (float64(s.Accelerators()) / maxSpecGPU)
	return packing.Score{Value: int64(100 * (1 - (cpu+gpu)/2))}, n.Tightest(s.Milli)
}
