package replay

import (
	"math/rand"
	"slices"
)

// MaxArrival is how much arrives, in percent of the capacity.
const MaxArrival = 130

// informerDraws is how many numbers the published evaluation drew between arrivals and ranks.
const informerDraws = 10

// Arrive is the order in which pods (as indexes of Trace.Pods) come, up to 1.3 times the capacity, and the rank of each node, for a
// seed. The generator and the order of draws are those of the published evaluation, its oddities included.
func (t *Trace) Arrive(seed int64) (order []int, ranks []int32) {
	random := rand.New(rand.NewSource(seed))
	random.Int()
	order = make([]int, len(t.Pods))
	total := int64(0)
	for i := range order {
		order[i] = i
		total += t.Pods[i].Shape.Accelerators()
	}
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	target := t.Capacity * MaxArrival / 100
	if total < target {
		for {
			pod := random.Intn(len(t.Pods))
			shape := &t.Pods[pod].Shape
			if total+shape.Milli > target { // one card's, though several may be wanted: as published
				break
			}
			order = append(order, pod)
			total += shape.Accelerators()
		}
	} else {
		for total > target {
			at := random.Intn(len(order))
			total -= t.Pods[order[at]].Shape.Accelerators()
			order = slices.Delete(order, at, at+1)
		}
	}
	for range informerDraws {
		random.Int()
	}
	ranks = make([]int32, len(t.Nodes))
	for at, node := range random.Perm(len(t.Nodes)) {
		ranks[at] = int32(node)
	}
	return order, ranks
}
