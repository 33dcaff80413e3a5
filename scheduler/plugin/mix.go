package plugin

import "commonpool.dev/scheduler/packing"

// When prices follow the mix: after so many pods, then whenever there are twice as many, at last every so often.
const (
	firstPricing  = 16
	pricingPeriod = 1000
	maxClasses    = 256 // the most frequent; prices of more would cost time and say little
)

// mix is what pods come: what the prices are learned from. A mix that the admin gave is not learned.
type mix struct {
	given []packing.CardClass
	of    packing.Mix
	seen  int // pods, ever
	next  int // pods at which prices are due
}

func newMix(given []packing.CardClass) *mix { return &mix{given: given, next: firstPricing} }

func (m *mix) observe(shape packing.Shape) {
	if m.given == nil {
		m.of.Add(shape)
		m.seen++
	}
}

// due says whether prices should be learned again.
func (m *mix) due() bool { return m.seen >= m.next }

// classes are the mix as it is now; prices are then due when there has been enough news.
func (m *mix) classes() []packing.CardClass {
	for m.next <= m.seen {
		m.next += min(m.next, pricingPeriod)
	}
	switch {
	case m.given != nil:
		return m.given
	case m.seen == 0:
		return unknownMix()
	}
	classes := m.of.Classes()
	return classes[:min(len(classes), maxClasses)]
}

// unknownMix is expected while nothing has come yet: whole accelerators, few of them more often than many.
func unknownMix() (classes []packing.CardClass) {
	for _, cards := range []int64{1, 2, 4, 8} {
		shape := packing.Shape{CPU: cards * 8000, Cards: cards, Milli: packing.CardMilli}
		classes = append(classes, packing.CardClass{Shape: shape, Count: 8 / cards})
	}
	return classes
}
