package instances

import (
	"fmt"
	"math/rand"
	"slices"

	"commonpool.dev/scheduler/mig"
	"commonpool.dev/scheduler/packing"
)

// The fleet, and the processors of a pod: so many for each slice of processors that its instance has, which the nodes have enough of.
const (
	card         = "A100-80GB"
	cardsOfNode  = 8
	nodeCPU      = 128_000
	nodePods     = 256
	cpuOfCompute = 2000
)

// profiles of the mixes, and how often each occurs in them, in percent: the sorts of mixes with which fragmentation-aware MIG scheduling is
// evaluated (Zambianco et al., arXiv 2511.18906); the figures are ours.
var (
	profiles = []string{"1g.10gb", "1g.20gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb"}
	mixes    = []struct {
		name  string
		share []int64
	}{
		{"uniform", []int64{1, 1, 1, 1, 1, 1}},
		{"small", []int64{30, 25, 20, 10, 10, 5}},
		{"big", []int64{5, 10, 10, 20, 25, 30}},
		{"bimodal", []int64{30, 15, 5, 5, 15, 30}},
		{"serving", []int64{50, 0, 20, 25, 0, 5}},
		{"halves", []int64{40, 0, 30, 30, 0, 0}},
	}
)

// Mixes are the names of the mixes.
func Mixes() (names []string) {
	for _, each := range mixes {
		names = append(names, each.name)
	}
	return names
}

// Load is a stream of pods.
type Load struct {
	Mix     string
	Nodes   int
	Percent int   // of the cards' slices of memory: what arrives in all or, with departures, what would be there at any time if all found room
	Departs bool  // whether pods go again
	Seed    int64 // of the stream
}

// pod is one of a stream; times are counted in arrivals.
type pod struct {
	shape packing.Shape
	stays int
}

// A stream with departures fills the cards first; then it is measured.
const (
	fillingStays = 5  // mean stays
	measuredPods = 20 // times the pods that would be there
)

func (l *Load) capacity() int64 {
	return int64(l.Nodes * cardsOfNode * mig.Slices(mig.Partition(card).Full()))
}

func shares(mix string) ([]int64, error) {
	at := slices.Index(Mixes(), mix)
	if at < 0 {
		return nil, fmt.Errorf("there is no mix %q", mix)
	}
	return mixes[at].share, nil
}

func shapeOf(profile uint8) packing.Shape {
	return packing.Shape{CPU: mig.Compute(profile) * cpuOfCompute, Memory: 1, Cards: 1, Profile: profile}
}

// classes is the mix as a policy may know it.
func classes(share []int64) (mix []packing.CardClass) {
	for i, count := range share {
		if count > 0 {
			shape := shapeOf(mig.Profile(profiles[i]))
			shape.Memory = 0
			mix = append(mix, packing.CardClass{Shape: shape, Count: count})
		}
	}
	return mix
}

// sizeOf is how many slices of memory an instance takes up.
func sizeOf(profile uint8) int64 {
	return int64(mig.Slices(mig.Partition(card).Placements(profile)[0]))
}

// draw makes the stream, and how many of its first pods only fill the cards.
func (l *Load) draw(share []int64) (pods []pod, filling int) {
	random := rand.New(rand.NewSource(l.Seed))
	total, size := int64(0), int64(0)
	for i, count := range share {
		total += count
		size += count * sizeOf(mig.Profile(profiles[i]))
	}
	target := l.capacity() * int64(l.Percent) / 100
	next := func() packing.Shape {
		at := random.Int63n(total)
		for i, count := range share {
			if at -= count; at < 0 {
				return shapeOf(mig.Profile(profiles[i]))
			}
		}
		panic("a share of nothing")
	}
	if !l.Departs {
		for arrived := int64(0); arrived < target; {
			shape := next()
			arrived += sizeOf(shape.Profile)
			pods = append(pods, pod{shape: shape})
		}
		return pods, 0
	}
	stay := float64(target) * float64(total) / float64(size)
	filling = int(stay * fillingStays)
	for range filling + int(stay*measuredPods) {
		pods = append(pods, pod{shape: next(), stays: 1 + int(random.ExpFloat64()*stay)})
	}
	return pods, filling
}

func (l *Load) nodes() []packing.Node {
	node := packing.NewPartitionedNode(nodeCPU, packing.MaxAmount, nodePods, cardsOfNode, 0, mig.Partition(card))
	return slices.Repeat([]packing.Node{node}, l.Nodes)
}
