package policies

import (
	"math"
	"slices"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// fgd puts a pod where fragmentation grows least (USENIX ATC'23).
var fgd = scoring("FGD", func(mix []replay.Class) packing.Scorer {
	scorer := &fgdScorer{mix: mix, shares: make([]float64, len(mix)), known: make(map[int]known)}
	total := 0.0
	for _, class := range mix {
		total += float64(class.Count)
	}
	for i, class := range mix {
		scorer.shares[i] = float64(class.Count) / total
	}
	return scorer
})

type fgdScorer struct {
	mix    []replay.Class
	shares []float64
	known  map[int]known
}

// known is what a node's fragments were when it was last looked at.
type known struct {
	node      packing.Node
	fragments float64
}

func (f *fgdScorer) Score(index int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	last, met := f.known[index]
	if !met || last.node != *n {
		last = known{*n, f.fragments(n)}
		f.known[index] = last
	}
	before := last.fragments
	if !s.Shared() {
		after := *n
		after.Take(s, 0)
		return packing.Score{Value: fall(before - f.fragments(&after))}, -1
	}
	best, bestCard := int64(-1), -1
	for card, free := range n.Milli[:n.Cards] {
		if int64(free) < s.Milli || slices.Contains(n.Milli[:card], free) {
			continue
		}
		after := *n
		after.Take(s, card)
		if value := fall(before - f.fragments(&after)); value > best {
			best, bestCard = value, card
		}
	}
	return packing.Score{Value: best}, bestCard
}

func fall(milli float64) int64 { return int64(100 / (1 + math.Exp(-milli/packing.CardMilli))) }

// fragments is how much of the node's free accelerators a pod of the mix is expected not to be able to use.
func (f *fgdScorer) fragments(n *packing.Node) float64 {
	sum := 0.0
	for i := range f.mix {
		sum += f.shares[i] * float64(unusable(n, &f.mix[i].Shape))
	}
	return sum
}

func unusable(n *packing.Node, s *packing.Shape) int64 {
	if s.Cards == 0 || s.CPU > n.CPU || s.Models != 0 && s.Models>>n.Model&1 == 0 {
		return int64(n.Free)
	}
	fitting, rest := int64(0), int64(0)
	for _, free := range n.Milli[:n.Cards] {
		if int64(free) >= s.Milli {
			fitting++
		} else {
			rest += int64(free)
		}
	}
	if fitting < s.Cards {
		return int64(n.Free)
	}
	return rest
}
