package packing

import "slices"

// Walk visits the nodes that the shape fits on, best first, until visit answers false. Each costs as much as a few changes.
//
// A knockout knows its winner; the next best is the best of those whom the winner has beaten. So a visited part of the tree is replaced
// by the parts that hung beside the winner's way up.
func (x *Index) Walk(s *Shape, visit func(node int) bool) {
	known := x.know(s)
	parts := []int{1}
	for len(parts) > 0 {
		first := 0
		for i := range parts[1:] {
			if x.ahead(known, known.tree[parts[i+1]], known.tree[parts[first]]) {
				first = i + 1
			}
		}
		part := parts[first]
		winner := known.tree[part]
		if winner == none || known.of[winner] == Unfit {
			return
		}
		if x.Nodes[winner].Memory >= s.Memory && !visit(int(winner)) {
			return
		}
		parts = slices.Delete(parts, first, first+1)
		for part < x.leaves {
			left, right := 2*part, 2*part+1
			if known.tree[left] == winner {
				part, left = left, right
			} else {
				part = right
			}
			if known.tree[left] != none {
				parts = append(parts, left)
			}
		}
	}
}

// ahead says whether a would have won against b.
func (x *Index) ahead(known *scores, a, b int32) bool {
	switch {
	case a == none || b == none:
		return b == none
	case known.of[a] != known.of[b]:
		return known.of[a].Better(known.of[b])
	default:
		return x.ranks[a] < x.ranks[b]
	}
}
