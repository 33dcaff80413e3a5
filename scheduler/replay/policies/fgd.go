package policies

import (
	"math"
	"slices"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// fgd puts a pod where fragmentation grows least (USENIX ATC'23).
var fgd = scoring("FGD", func(mix []replay.Class) packing.Scorer {
	return &fgdScorer{fragments: replay.NewFragments(mix), known: make(map[int]known)}
})

type fgdScorer struct {
	fragments *replay.Fragments
	known     map[int]known
}

// known is what a node's fragments were when it was last looked at.
type known struct {
	node      packing.Node
	fragments float64
}

func (f *fgdScorer) Score(index int, n *packing.Node, s *packing.Shape) (packing.Score, int) {
	last, met := f.known[index]
	if !met || last.node != *n {
		last = known{*n, f.fragments.Of(n)}
		f.known[index] = last
	}
	before := last.fragments
	if !s.Shared() {
		after := *n
		after.Take(s, 0)
		return packing.Score{Value: fall(before - f.fragments.Of(&after))}, -1
	}
	best, bestCard := int64(-1), -1
	for card, free := range n.Milli[:n.Cards] {
		if int64(free) < s.Milli || slices.Contains(n.Milli[:card], free) {
			continue
		}
		after := *n
		after.Take(s, card)
		if value := fall(before - f.fragments.Of(&after)); value > best {
			best, bestCard = value, card
		}
	}
	return packing.Score{Value: best}, bestCard
}

func fall(milli float64) int64 { return int64(100 / (1 + math.Exp(-milli/packing.CardMilli))) }
