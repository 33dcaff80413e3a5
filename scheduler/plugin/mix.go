package plugin

import (
	"cmp"
	"slices"

	"commonpool.dev/scheduler/packing"
)

// What the mix remembers, and when prices follow it.
const (
	oneSeen       = 1 << 10 // so that halves of halves still count
	halvedAfter   = 2000    // pods; older ones fade: some 2,000 to 4,000 make up the mix
	firstPricing  = 16      // pods; then whenever there are twice as many
	pricingPeriod = 1000    // at most
	coveredShare  = 95      // percent of the pods that the classes cover, the most frequent first
	maxClasses    = 256
)

// mix is what pods came of late, by their shape: what the prices are learned from. A mix that the admin gave is not learned.
type mix struct {
	given  []packing.CardClass
	counts map[packing.Shape]int64
	seen   int // pods, ever
	recent int // since the counts were halved
	next   int // pods at which prices are due
}

func newMix(given []packing.CardClass) *mix {
	return &mix{given: given, counts: make(map[packing.Shape]int64), next: firstPricing}
}

func (m *mix) observe(shape packing.Shape) {
	if m.given != nil {
		return
	}
	shape.Memory = 0
	m.counts[shape] += oneSeen
	m.seen++
	if m.recent++; m.recent < halvedAfter {
		return
	}
	m.recent = 0
	for each, count := range m.counts {
		if count /= 2; count > 0 {
			m.counts[each] = count
		} else {
			delete(m.counts, each)
		}
	}
}

// due says whether prices should be learned again.
func (m *mix) due() bool { return m.given == nil && m.seen >= m.next }

// classes are the mix as it is now; prices are then due when there has been enough news.
func (m *mix) classes() []packing.CardClass {
	if m.given != nil {
		return m.given
	}
	for m.next <= m.seen {
		m.next += min(m.next, pricingPeriod)
	}
	if m.seen == 0 {
		return unknownMix()
	}
	var all []packing.CardClass
	total := int64(0)
	for shape, count := range m.counts {
		all = append(all, packing.CardClass{Shape: shape, Count: count})
		total += count
	}
	slices.SortFunc(all, func(a, b packing.CardClass) int {
		return -cmp.Or(cmp.Compare(a.Count, b.Count), cmp.Compare(a.Shape.CPU, b.Shape.CPU), cmp.Compare(a.Shape.Cards, b.Shape.Cards),
			cmp.Compare(a.Shape.Milli, b.Shape.Milli), cmp.Compare(a.Shape.Models, b.Shape.Models))
	})
	covered := int64(0)
	for i := range all {
		if covered*100 >= total*coveredShare || i == maxClasses {
			return all[:i]
		}
		covered += all[i].Count
	}
	return all
}

// unknownMix is expected while nothing has come yet: whole accelerators, few of them more often than many.
func unknownMix() (classes []packing.CardClass) {
	for _, cards := range []int64{1, 2, 4, 8} {
		shape := packing.Shape{CPU: cards * 8000, Cards: cards, Milli: packing.CardMilli}
		classes = append(classes, packing.CardClass{Shape: shape, Count: 8 / cards})
	}
	return classes
}
