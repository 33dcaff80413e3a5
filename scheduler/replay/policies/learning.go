package policies

import (
	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// learning is the pool's own engine that is told nothing of the work to come and learns the mix from what has come.
var learning = replay.Policy{
	Name: "commonpool-learning",
	New: func(nodes []packing.Node, ranks []int32, _ []replay.Class, _ int64) replay.Chooser {
		return &learner{Cards: packing.NewCards(nodes, ranks, nil, 0), next: firstLesson}
	},
}

// firstLesson is after how many pods prices are learned for the first time; then every time that as many have come again, at most lessons apart.
const (
	firstLesson = 100
	lessons     = 1000
)

type learner struct {
	*packing.Cards
	mix  packing.Mix
	pods int
	next int
}

// Meet counts the pod, and learns when it is time.
func (l *learner) Meet(s *packing.Shape) {
	l.mix.Add(*s)
	l.pods++
	if l.pods == l.next {
		l.next += min(l.pods, lessons)
		l.Learn(l.mix.Classes(), packing.PricingRounds)
	}
}
