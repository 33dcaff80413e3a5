package main

import (
	"encoding/json"

	"commonpool.dev/scheduler/replay/instances"
)

// migLine is one object of the output with -mig.
type migLine struct {
	Mix                string  `json:"mix"`
	Departures         bool    `json:"departures"`
	Offered            int     `json:"offered"` // percent
	Seed               int     `json:"seed"`
	Policy             string  `json:"policy"`
	Pods               int     `json:"pods"`
	PlacedPods         int     `json:"placed_pods"`
	AllocatedPercent   float64 `json:"allocated_percent"` // of the slices of memory
	ComputePercent     float64 `json:"compute_percent"`   // of the slices of processors
	DecisionsPerSecond float64 `json:"decisions_per_second"`
}

// packInstances lets all policies place random streams of pods that want MIG instances.
func packInstances(out *json.Encoder, nodes int, seeds, offers []int) error {
	for _, mix := range instances.Mixes() {
		for _, departs := range []bool{false, true} {
			for _, offered := range offers {
				for _, seed := range seeds {
					load := instances.Load{Mix: mix, Nodes: nodes, Percent: offered, Departs: departs, Seed: int64(seed)}
					if err := packStream(out, load); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

func packStream(out *json.Encoder, load instances.Load) error {
	for _, policy := range instances.Policies {
		result, err := load.Run(policy)
		if err != nil {
			return err
		}
		err = out.Encode(migLine{load.Mix, load.Departs, load.Percent, int(load.Seed), policy.Name, result.Pods, result.Placed,
			result.AllocatedPercent, result.ComputePercent, result.PerSecond})
		if err != nil {
			return err
		}
	}
	return nil
}
