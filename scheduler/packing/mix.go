package packing

import (
	"cmp"
	"maps"
	"slices"
)

// typicalPercent of the work that comes is what prices are learned from; the rest is too rare to wait for.
const typicalPercent = 95

const (
	mixGrain    = 16   // one pod, so that what is halved is not lost at once
	mixHalfLife = 4096 // pods
)

// Mix is what work has come of late: every pod counts half as much after so many others. Memory does not tell classes apart.
type Mix struct {
	counts map[Shape]int64
	pods   int
}

// Add counts one pod.
func (m *Mix) Add(s Shape) {
	if m.counts == nil {
		m.counts = make(map[Shape]int64)
	}
	s.Memory = 0
	m.counts[s] += mixGrain
	m.pods++
	if m.pods%mixHalfLife > 0 {
		return
	}
	for shape, count := range m.counts {
		if m.counts[shape] = count / 2; count < 2 {
			delete(m.counts, shape)
		}
	}
}

// Classes are the most frequent ones until they cover 95 %, the most frequent first.
func (m *Mix) Classes() []CardClass {
	total := int64(0)
	for _, count := range m.counts {
		total += count
	}
	shapes := slices.SortedFunc(maps.Keys(m.counts), func(a, b Shape) int {
		return -cmp.Or(cmp.Compare(m.counts[a], m.counts[b]), compareShapes(a, b))
	})
	var classes []CardClass
	covered := int64(0)
	for _, shape := range shapes {
		if covered*100 >= total*typicalPercent {
			break
		}
		covered += m.counts[shape]
		classes = append(classes, CardClass{Shape: shape, Count: m.counts[shape]})
	}
	return classes
}

func compareShapes(a, b Shape) int {
	return cmp.Or(cmp.Compare(a.CPU, b.CPU), cmp.Compare(a.Milli, b.Milli), cmp.Compare(a.Cards, b.Cards), cmp.Compare(a.Models, b.Models), cmp.Compare(a.Profile, b.Profile))
}
