package policies

import (
	"math/rand"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// random takes any node that the pod fits on, and any card.
var random = replay.Policy{Name: "Random", New: func(nodes []packing.Node, _ []int32, _ []replay.Class, seed int64) replay.Chooser {
	return &dice{nodes, rand.New(rand.NewSource(^seed))} // not the numbers that ordered the arrivals
}}

type dice struct {
	nodes  []packing.Node
	random *rand.Rand
}

func (d *dice) Best(s *packing.Shape) (node, card int) {
	node, fitting := -1, 0
	for i := range d.nodes {
		if d.nodes[i].Fits(s) {
			fitting++
			if d.random.Intn(fitting) == 0 {
				node = i
			}
		}
	}
	if node < 0 || !s.Shared() {
		return node, -1
	}
	card, fitting = -1, 0
	for i, free := range d.nodes[node].Milli[:d.nodes[node].Cards] {
		if int64(free) >= s.Milli {
			fitting++
			if d.random.Intn(fitting) == 0 {
				card = i
			}
		}
	}
	return node, card
}

func (d *dice) Take(node int, s *packing.Shape, card int) (cards uint64) {
	return d.nodes[node].Take(s, card)
}

func (d *dice) Vacate(node int, s *packing.Shape, cards uint64) { d.nodes[node].Give(s, cards) }

func (d *dice) Occupy(node int, s *packing.Shape, cards uint64) { d.nodes[node].Occupy(s, cards) }
