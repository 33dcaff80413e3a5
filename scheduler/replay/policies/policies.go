// Package policies has the ways of choosing a node that the replay compares: those of the published evaluation, and ours.
package policies

import (
	"fmt"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// All are the policies, in the order in which they are told; Planner places whole accelerators only and is not among them.
var All = []replay.Policy{random, dotProd, gpuClustering, gpuPacking, bestFit, fgd, commonpool, learning}

// scoring makes a policy of a scorer.
func scoring(name string, scorer func(mix []replay.Class) packing.Scorer) replay.Policy {
	return replay.Policy{Name: name, New: func(nodes []packing.Node, ranks []int32, mix []replay.Class, _ int64) replay.Chooser {
		return packing.NewIndex(nodes, ranks, scorer(mix))
	}}
}

// The largest node of the published evaluation, for scaling.
const (
	maxSpecCPU = 128000.0
	maxSpecGPU = 8000.0
)

// Find is the policy of that name.
func Find(name string) (replay.Policy, error) {
	for _, policy := range All {
		if policy.Name == name {
			return policy, nil
		}
	}
	if name == Planner.Name {
		return Planner, nil
	}
	return replay.Policy{}, fmt.Errorf("there is no policy %q", name)
}
