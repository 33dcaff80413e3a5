package replay

import (
	"cmp"
	"slices"
	"strings"

	"commonpool.dev/scheduler/packing"
)

// Class is a kind of pod of the workload mix, and how many of the list are of it. Its shape says nothing of memory.
type Class = packing.CardClass

// typicalShare is how much of the list FGD's target workload covers, in percent.
const typicalShare = 95

// Mix is what a policy may know of the work to come: the most frequent classes of the list, until they cover 95 % of its pods.
func (t *Trace) Mix() []Class {
	type key struct {
		cpu, milli, cards int64
		spec              string
	}
	counts := make(map[key]int64)
	masks := make(map[string]uint64)
	for i := range t.Pods {
		pod := &t.Pods[i]
		counts[key{pod.Shape.CPU, pod.Shape.Milli, pod.Shape.Cards, pod.Spec}]++
		masks[pod.Spec] = pod.Shape.Models
	}
	keys := make([]key, 0, len(counts))
	for each := range counts {
		keys = append(keys, each)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return -cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(a.cpu, b.cpu), cmp.Compare(a.milli, b.milli),
			cmp.Compare(a.cards, b.cards), strings.Compare(a.spec, b.spec))
	})
	var mix []Class
	covered := int64(0)
	for _, each := range keys {
		if covered*100 >= int64(len(t.Pods))*typicalShare {
			break
		}
		covered += counts[each]
		shape := packing.Shape{CPU: each.cpu, Cards: each.cards, Milli: each.milli, Models: masks[each.spec]}
		mix = append(mix, Class{Shape: shape, Count: counts[each]})
	}
	return mix
}
