package packing

import (
	"cmp"
	"slices"
)

// site is a choice of nodes in the order of the topology: domains by their first node, what has no domain last.
type site struct {
	nodes  []int32
	places []int32       // of each node of the fleet: where it is in nodes, none if it is not
	shared int           // the narrowest level at which a domain has several nodes, Anywhere if none has
	trees  map[int]*tree // by the level of the leaves
}

// tree is the domains of a site down to the leaves, below which nodes are chosen one by one. The whole site comes first.
type tree struct {
	domains []domain
	leaves  []int32 // of each place: its leaf
}

type domain struct {
	level, around int  // around: the level of what it lies in
	loose         bool // not a domain, but what has none at the levels that are left
	from, to      int32
	parent        int32
	inside        []int32
}

func newSite(eligible []int64, rows [][]int32, nodes int) *site {
	s := &site{nodes: make([]int32, len(eligible)), places: make([]int32, nodes), shared: Anywhere, trees: make(map[int]*tree)}
	for i, node := range eligible {
		s.nodes[i] = int32(node)
	}
	firsts := make([][]int32, len(rows))
	for level, row := range rows {
		first := make([]int32, nodes)
		for i := range first {
			first[i] = none
		}
		for _, node := range s.nodes {
			switch domain := row[node]; {
			case domain == none:
			case first[domain] == none:
				first[domain] = node
			default:
				s.shared = level
			}
		}
		firsts[level] = first
	}
	order := func(a, b int32) int {
		for level, row := range rows {
			first, other := int32(nodes), int32(nodes)
			if row[a] != none {
				first = firsts[level][row[a]]
			}
			if row[b] != none {
				other = firsts[level][row[b]]
			}
			if first != other {
				return cmp.Compare(first, other)
			}
		}
		return cmp.Compare(a, b)
	}
	if !slices.IsSortedFunc(s.nodes, order) {
		slices.SortFunc(s.nodes, order)
	}
	for i := range s.places {
		s.places[i] = none
	}
	for place, node := range s.nodes {
		s.places[node] = int32(place)
	}
	return s
}

// treeTo is the tree whose leaves are of the level, made once.
func (s *site) treeTo(leafLevel int, rows [][]int32) *tree {
	if known := s.trees[leafLevel]; known != nil {
		return known
	}
	t := &tree{leaves: make([]int32, len(s.nodes))}
	t.domains = append(t.domains, domain{level: Anywhere, around: Anywhere, to: int32(len(s.nodes)), parent: none})
	s.divide(t, rows, 0, 0, int32(len(s.nodes)), Anywhere, leafLevel)
	for index := range t.domains {
		if d := &t.domains[index]; len(d.inside) == 0 {
			for place := d.from; place < d.to; place++ {
				t.leaves[place] = int32(index)
			}
		}
	}
	s.trees[leafLevel] = t
	return t
}

// divide puts what of the places has a domain below the level into the parent, one by one, and then the rest together.
func (s *site) divide(t *tree, rows [][]int32, parent, from, to int32, level, leafLevel int) {
	if level == leafLevel {
		return
	}
	level++
	around := t.domains[parent].level
	for from < to {
		number := rows[level][s.nodes[from]]
		end := from + 1
		for end < to && rows[level][s.nodes[end]] == number {
			end++
		}
		if number == none && level < leafLevel {
			s.divide(t, rows, parent, from, end, level, leafLevel)
		} else {
			index := int32(len(t.domains))
			t.domains = append(t.domains, domain{level: level, around: around, loose: number == none, from: from, to: end, parent: parent})
			t.domains[parent].inside = append(t.domains[parent].inside, index)
			if number != none {
				s.divide(t, rows, index, from, end, level, leafLevel)
			}
		}
		from = end
	}
}
