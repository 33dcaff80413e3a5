package policies

import (
	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// commonpool is what the pool's own engine chooses.
var commonpool = replay.Policy{
	Name: "commonpool",
	New: func(nodes []packing.Node, ranks []int32, mix []replay.Class, _ int64) replay.Chooser {
		return packing.NewCards(nodes, ranks, mix, packing.PricingRounds)
	},
}
