package replay

import "commonpool.dev/scheduler/packing"

// Fragments measures how much of what is free the workload mix cannot use.
type Fragments struct {
	mix    []Class
	shares []float64 // of all pods
	cards  []float64 // of the pods with accelerators
}

// NewFragments makes the measures of a mix.
func NewFragments(mix []Class) *Fragments {
	f := &Fragments{mix: mix, shares: make([]float64, len(mix)), cards: make([]float64, len(mix))}
	all, withCards := 0.0, 0.0
	for i := range mix {
		all += float64(mix[i].Count)
		if mix[i].Shape.Cards > 0 {
			withCards += float64(mix[i].Count)
		}
	}
	for i := range mix {
		f.shares[i] = float64(mix[i].Count) / all
		if mix[i].Shape.Cards > 0 {
			f.cards[i] = float64(mix[i].Count) / withCards
		}
	}
	return f
}

// Of is FGD's F_n(M) (USENIX ATC'23, section 4): how much of the node's free accelerators, in milli, a pod of the mix is expected not to
// be able to use. One more pod is asked about; all of it counts for a pod that fits nowhere on the node, or wants no accelerator.
func (f *Fragments) Of(n *packing.Node) float64 {
	sum := 0.0
	for i := range f.mix {
		sum += f.shares[i] * float64(unusable(n, &f.mix[i].Shape))
	}
	return sum
}

// Lost is the multi-unit form: what is left over of the node's free accelerators, in milli, when as many pods as fit of one class come,
// processors counted; the mean over the classes with accelerators.
func (f *Fragments) Lost(n *packing.Node) float64 {
	sum := 0.0
	for i := range f.mix {
		if s := &f.mix[i].Shape; s.Cards > 0 {
			sum += f.cards[i] * float64(int64(n.Free)-units(n, s)*s.Accelerators())
		}
	}
	return sum
}

func unusable(n *packing.Node, s *packing.Shape) int64 {
	if s.Cards == 0 || s.CPU > n.CPU || s.Models != 0 && s.Models>>n.Model&1 == 0 {
		return int64(n.Free)
	}
	fitting, rest := int64(0), int64(0)
	for _, free := range n.Milli[:n.Cards] {
		if int64(free) >= s.Milli {
			fitting++
		} else {
			rest += int64(free)
		}
	}
	if fitting < s.Cards {
		return int64(n.Free)
	}
	return rest
}

// units is how many pods of the shape, which has cards, fit on the node, whatever memory they want.
func units(n *packing.Node, s *packing.Shape) int64 {
	if s.Models != 0 && s.Models>>n.Model&1 == 0 {
		return 0
	}
	fitting := int64(n.Whole) / s.Cards
	if s.Shared() {
		fitting = 0
		for _, free := range n.Milli[:n.Cards] {
			fitting += int64(free) / s.Milli
		}
	}
	if s.CPU > 0 {
		fitting = min(fitting, n.CPU/s.CPU)
	}
	return fitting
}
