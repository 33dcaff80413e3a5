package packing

// Walk visits the nodes that the shape fits on, best first, until visit answers false. Each costs as much as a few changes.
//
// A knockout knows its winner; the next best is among those whom the winner has beaten. So a part of the tree that has been visited is
// replaced by the parts that hung beside its winner's way up.
func (x *Index) Walk(s *Shape, visit func(node int) bool) {
	w := walk{index: x, known: x.know(s)}
	w.add(w.known.tree[1], 1)
	for len(w.open) > 0 {
		best := w.take()
		node := x.order[best.winner]
		if x.Nodes[node].Memory >= s.Memory && !visit(int(node)) {
			return
		}
		if best.part != 0 {
			w.split(best)
		}
	}
}

// side is a part of the knockout that is still to be visited; part 0 is its winner alone.
type side struct{ winner, part int32 }

type walk struct {
	index *Index
	known *scores
	open  []side
}

func (w *walk) add(winner, part int32) {
	if winner != none && w.known.of[winner] != Unfit {
		w.open = append(w.open, side{winner, part})
	}
}

// take removes the side whose winner is best.
func (w *walk) take() side {
	first := 0
	for i := range w.open {
		a, b := w.open[i].winner, w.open[first].winner
		if w.known.of[a].Better(w.known.of[b]) || w.known.of[a] == w.known.of[b] && a < b {
			first = i
		}
	}
	best, last := w.open[first], len(w.open)-1
	w.open[first] = w.open[last]
	w.open = w.open[:last]
	return best
}

// split opens all that the side's winner has beaten: the other halves on its way, then the others of its block.
func (w *walk) split(s side) {
	leaf := s.winner / block
	for part := int32(w.index.leaves) + leaf; part > s.part; part /= 2 {
		w.add(w.known.tree[part^1], part^1)
	}
	for at := leaf * block; at < min((leaf+1)*block, int32(len(w.known.of))); at++ {
		if at != s.winner {
			w.add(at, 0)
		}
	}
}
