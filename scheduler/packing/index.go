package packing

import (
	"math"
	"math/bits"
)

// Score is how good a node is for a shape: more is better, and Tie decides between equal values, more again.
type Score struct{ Value, Tie int64 }

// Unfit is the score of a node that the shape does not fit on.
var Unfit = Score{Value: math.MinInt64}

// Better says whether a is better than b.
func (a Score) Better(b Score) bool {
	return a.Value > b.Value || a.Value == b.Value && a.Tie > b.Tie
}

// Scorer says how good it would be to put one more pod of the shape on the node, and on which card a shared one would go. It is only
// asked about shapes that fit. Its answer depends on nothing but the node and the shape, until the index is told otherwise (Touch), and
// not on memory.
type Scorer interface {
	Score(index int, n *Node, s *Shape) (score Score, card int)
}

// Index finds the best node for a shape. It keeps the scores of all nodes for each shape that it has met, and when a shape comes
// again it only scores the nodes that have changed since: what a placement costs grows with what has changed, not with the cluster.
type Index struct {
	Nodes  []Node
	scorer Scorer
	ranks  []int32 // of each node: the lowest wins where scores are equal
	shapes map[Shape]*scores
	log    []int32 // nodes in the order in which they changed
	last   []int32 // of each node: where in the log it is last
	leaves int     // as many as nodes, or more: a power of two
}

// After so many changes, or with so many scores, the index begins anew: it shall not grow with the number of shapes that anybody thinks of.
const (
	maxLog    = 1 << 20
	maxScores = 1 << 24
)

// scores is a knockout of all nodes for one shape, whatever memory it wants: the winner of each match is in the tree, the best of all in
// tree[1]. The leaves are in the order of ranks, so that the left one wins a draw.
type scores struct {
	shape Shape
	of    []Score
	cards []int8
	tree  []int32
	seen  int // how much of the log is in
}

// NewIndex makes an index of the nodes, at least one; ranks (each number from 0 once) decide between nodes of equal score, the lowest first.
func NewIndex(nodes []Node, ranks []int32, scorer Scorer) *Index {
	x := &Index{Nodes: nodes, scorer: scorer, ranks: ranks, last: make([]int32, len(nodes)), leaves: 1 << bits.Len(uint(len(nodes)-1))}
	x.forget()
	return x
}

// Best is the best node for one more pod of the shape, and the card for a shared one; -1 if it fits nowhere.
func (x *Index) Best(s *Shape) (node, card int) {
	known := x.know(s)
	best := known.tree[1]
	if known.of[best] != Unfit && x.Nodes[best].Memory < s.Memory {
		best = x.search(known, s.Memory, 1, none)
	}
	if best == none || known.of[best] == Unfit {
		return -1, -1
	}
	return int(best), int(known.cards[best])
}

// know has the scores of all nodes for the shape, as they are now.
func (x *Index) know(s *Shape) *scores {
	key := *s
	key.Memory = 0
	known := x.shapes[key]
	if known == nil {
		return x.enter(key)
	}
	x.catchUp(known)
	return known
}

// search is the best node of a part of the knockout that has the memory and is better than best; else best. It looks only where
// somebody has won who is.
func (x *Index) search(known *scores, memory int64, part int, best int32) int32 {
	winner := known.tree[part]
	switch {
	case winner == none, best != none && !known.of[winner].Better(known.of[best]):
		return best
	case x.Nodes[winner].Memory >= memory:
		return winner
	case part >= x.leaves:
		return best
	}
	best = x.search(known, memory, 2*part, best)
	return x.search(known, memory, 2*part+1, best)
}

// Take puts a pod on the node and returns its cards, a bit each.
func (x *Index) Take(node int, s *Shape, card int) (cards uint64) {
	cards = x.Nodes[node].Take(s, card)
	x.Touch(node)
	return cards
}

// Touch says that a node has changed, or what the scorer thinks of it.
func (x *Index) Touch(node int) {
	if len(x.log) == maxLog {
		x.forget()
	}
	x.last[node] = int32(len(x.log))
	x.log = append(x.log, int32(node))
}

func (x *Index) forget() {
	x.shapes = make(map[Shape]*scores)
	x.log = x.log[:0]
	for i := range x.last {
		x.last[i] = -1
	}
}

func (x *Index) enter(s Shape) *scores {
	n := len(x.Nodes)
	if (len(x.shapes)+1)*n > maxScores {
		x.forget()
	}
	known := &scores{shape: s, of: make([]Score, n), cards: make([]int8, n), tree: make([]int32, 2*x.leaves)}
	for i := range known.tree {
		known.tree[i] = none
	}
	for node := range x.Nodes {
		x.score(known, node)
		known.tree[x.leaves+int(x.ranks[node])] = int32(node)
	}
	for i := x.leaves - 1; i > 0; i-- {
		known.tree[i] = known.winner(i)
	}
	known.seen = len(x.log)
	x.shapes[s] = known
	return known
}

func (x *Index) score(known *scores, node int) {
	n := &x.Nodes[node]
	if !n.Fits(&known.shape) {
		known.of[node] = Unfit
		return
	}
	score, card := x.scorer.Score(node, n, &known.shape)
	known.of[node], known.cards[node] = score, int8(card)
}

func (s *scores) winner(i int) int32 {
	left, right := s.tree[2*i], s.tree[2*i+1]
	if right == none || !s.of[right].Better(s.of[left]) {
		return left
	}
	return right
}

// catchUp scores what has changed. A match whose winner stays and is another node need not be told further up.
func (x *Index) catchUp(known *scores) {
	for at := known.seen; at < len(x.log); at++ {
		node := x.log[at]
		if int(x.last[node]) != at {
			continue // it has changed again since
		}
		was := known.of[node]
		x.score(known, int(node))
		if was == known.of[node] {
			continue
		}
		for i := (x.leaves + int(x.ranks[node])) / 2; i > 0; i /= 2 {
			before := known.tree[i]
			known.tree[i] = known.winner(i)
			if known.tree[i] == before && before != node {
				break
			}
		}
	}
	known.seen = len(x.log)
}
