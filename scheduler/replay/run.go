package replay

import (
	"runtime"
	"slices"
	"syscall"
	"time"

	"commonpool.dev/scheduler/packing"
)

// Chooser picks the node for a pod, and the card for a shared one; -1 where it fits nowhere. Take puts the pod there and returns its cards,
// a bit each; Vacate takes a pod off these cards, and Occupy puts it back onto exactly them.
type Chooser interface {
	Best(s *packing.Shape) (node, card int)
	Take(node int, s *packing.Shape, card int) (cards uint64)
	Vacate(node int, s *packing.Shape, cards uint64)
	Occupy(node int, s *packing.Shape, cards uint64)
}

// Learner is a chooser that learns from every pod that comes, once a pod and before it is placed.
type Learner interface{ Meet(s *packing.Shape) }

// Policy makes a chooser for nodes in their given state; ranks decide between equals, the lowest first.
type Policy struct {
	Name string
	New  func(nodes []packing.Node, ranks []int32, mix []Class, seed int64) Chooser
}

// Result is what one policy had placed when a load had arrived.
type Result struct {
	Arrival            int     // percent of the capacity
	AllocatedPercent   float64 // mean over the arrivals whose load rounds to Arrival
	PlacedPods         int     // at the last of them
	PlacedMultiGPUPods int
}

// Run is one replay. Its times are the processor's, which other work on the machine disturbs less than the clock.
type Run struct {
	Results      []Result
	Placements   int
	OpenSeconds  float64 // before the first pod: what a policy learns from the mix
	PlaceSeconds float64 // all choosing and placing, of pods that fit nowhere too
}

// Replay packs the pods in the order of the seed and tells what was placed at each of the arrivals (percent of the capacity, at most 130).
func (t *Trace) Replay(policy Policy, seed int64, arrivals []int) Run {
	order, ranks := t.Arrive(seed)
	mix := t.Mix()
	arrived, allocated := int64(0), int64(0)
	var loads [MaxArrival + 1]struct {
		sum, last         float64
		count             int
		placed, multiples int
	}
	run := Run{}
	multiples := 0
	runtime.GC() // what earlier runs have left is not this one's to clear up
	began := readProcessor()
	chooser := policy.New(slices.Clone(t.Nodes), ranks, mix, seed)
	opened := readProcessor()
	learner, learns := chooser.(Learner)
	for _, index := range order {
		shape := &t.Pods[index].Shape
		if learns {
			learner.Meet(shape)
		}
		arrived += shape.Accelerators()
		if node, card := chooser.Best(shape); node >= 0 {
			chooser.Take(node, shape, card)
			allocated += shape.Accelerators()
			run.Placements++
			if shape.Cards > 1 {
				multiples++
			}
		}
		percent := (200*arrived + t.Capacity) / (2 * t.Capacity)
		if percent >= int64(len(loads)) { // the last pod may want several cards
			break
		}
		load := &loads[percent]
		load.sum += float64(allocated)
		load.last = float64(allocated)
		load.count++
		load.placed, load.multiples = run.Placements, multiples
	}
	run.OpenSeconds, run.PlaceSeconds = (opened - began).Seconds(), (readProcessor() - opened).Seconds()
	for i := range loads[1:] {
		before, load := &loads[i], &loads[i+1]
		if load.count == 0 { // a short list jumps over some loads: there things are as they were
			*load = *before
			load.sum, load.count = load.last, 1
		}
	}
	for _, arrival := range arrivals {
		load := &loads[arrival]
		percent := 100 * load.sum / float64(max(load.count, 1)) / float64(t.Capacity)
		run.Results = append(run.Results, Result{arrival, percent, load.placed, load.multiples})
	}
	return run
}

// readProcessor is the time that all processors have spent on this process.
func readProcessor() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
