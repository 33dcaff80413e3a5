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

// Scorer says how good it would be to put one more pod of the shape on the node, and on which card a shared one would go, or on which
// place (Node.Take) an instance. It is only
// asked about shapes that fit. Its answer depends on nothing but the node and the shape, until the index is told otherwise (Touch), and
// not on memory.
type Scorer interface {
	Score(index int, n *Node, s *Shape) (score Score, card int)
}

// NodeAlone is a scorer whose answer depends on what the node is like, not on which it is.
type NodeAlone interface{ NodeAlone() }

// Index finds the best node for a shape. It keeps the scores of all nodes for each shape that it has met, and when a shape comes
// again it only scores the nodes that have changed since: what a placement costs grows with what has changed, not with the cluster.
type Index struct {
	Nodes  []Node
	scorer Scorer
	ranks  []int32 // of each node: the lowest wins where scores are equal
	shapes map[Shape]*scores
	log    []int32 // nodes in the order in which they changed
	last   []int32 // of each node: where in the log it is last
	order  []int32 // nodes by rank
	leaves int     // as many as blocks of nodes, or more: a power of two
}

// After so many changes, or with so many scores, the index begins anew: it shall not grow with the number of shapes that anybody thinks of.
const (
	maxLog    = 1 << 20
	maxScores = 1 << 24
)

// scores is a knockout of all nodes for one shape, whatever memory it wants. Nodes stand in the order of their ranks, so that of equals the
// first wins; the first round is between the nodes of a block, which are looked at in one go.
type scores struct {
	shape Shape
	of    []Score // by rank, as everything here
	cards []int16
	tree  []int32 // the best of all is in tree[1], the winners of the blocks from tree[len/2] on; none where nobody is left
	seen  int     // how much of the log is in
}

// block is how many nodes are looked at in one go.
const block = 16

// NewIndex makes an index of the nodes, at least one; ranks (each number from 0 once) decide between nodes of equal score, the lowest first.
func NewIndex(nodes []Node, ranks []int32, scorer Scorer) *Index {
	n := len(nodes)
	x := &Index{Nodes: nodes, scorer: scorer, ranks: ranks, last: make([]int32, n), order: make([]int32, n)}
	x.leaves = 1 << bits.Len(uint((n-1)/block))
	for node, rank := range ranks {
		x.order[rank] = int32(node)
	}
	x.forget()
	return x
}

// Best is the best node for one more pod of the shape, and the card for a shared one, or the place (Node.Take) of an instance; -1 if it fits nowhere.
func (x *Index) Best(s *Shape) (node, card int) {
	known := x.know(s)
	best := known.tree[1]
	if known.of[best] != Unfit && x.Nodes[x.order[best]].Memory < s.Memory {
		best = x.search(known, s.Memory, 1, none)
	}
	if best == none || known.of[best] == Unfit {
		return -1, -1
	}
	return int(x.order[best]), int(known.cards[best])
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
	case x.Nodes[x.order[winner]].Memory >= memory:
		return winner
	case part < x.leaves:
		best = x.search(known, memory, 2*part, best)
		return x.search(known, memory, 2*part+1, best)
	}
	first := (part - x.leaves) * block
	for at := first; at < min(first+block, len(x.Nodes)); at++ {
		if x.Nodes[x.order[at]].Memory >= memory && (best == none || known.of[at].Better(known.of[best])) {
			best = int32(at)
		}
	}
	return best
}

// Take puts a pod on the node and returns its cards, a bit each.
func (x *Index) Take(node int, s *Shape, card int) (cards uint64) {
	cards = x.Nodes[node].Take(s, card)
	x.Touch(node)
	return cards
}

// Vacate takes a pod off the node, from the cards that Take returned.
func (x *Index) Vacate(node int, s *Shape, cards uint64) {
	x.Nodes[node].Give(s, cards)
	x.Touch(node)
}

// Occupy puts a pod onto exactly these cards of the node: it undoes Vacate.
func (x *Index) Occupy(node int, s *Shape, cards uint64) {
	x.Nodes[node].Occupy(s, cards)
	x.Touch(node)
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
	known := &scores{shape: s, of: make([]Score, n), cards: make([]int16, n), tree: make([]int32, 2*x.leaves)}
	_, alike := x.scorer.(NodeAlone)
	for node := range x.Nodes {
		at := x.ranks[node]
		if alike && node > 0 && x.Nodes[node] == x.Nodes[node-1] {
			known.of[at], known.cards[at] = known.of[x.ranks[node-1]], known.cards[x.ranks[node-1]]
		} else {
			known.of[at] = x.score(known, node, at)
		}
	}
	for leaf := range x.leaves {
		known.tree[x.leaves+leaf] = known.winnerOfBlock(leaf)
	}
	for i := x.leaves - 1; i > 0; i-- {
		known.tree[i] = known.winner(i)
	}
	known.seen = len(x.log)
	x.shapes[s] = known
	return known
}

func (x *Index) score(known *scores, node int, at int32) Score {
	n := &x.Nodes[node]
	if !n.Fits(&known.shape) {
		return Unfit
	}
	score, card := x.scorer.Score(node, n, &known.shape)
	known.cards[at] = int16(card)
	return score
}

func (s *scores) winner(i int) int32 {
	left, right := s.tree[2*i], s.tree[2*i+1]
	if right == none || !s.of[right].Better(s.of[left]) {
		return left
	}
	return right
}

func (s *scores) winnerOfBlock(leaf int) int32 {
	first := leaf * block
	if first >= len(s.of) {
		return none
	}
	best := first
	for at := first + 1; at < min(first+block, len(s.of)); at++ {
		if s.of[at].Better(s.of[best]) {
			best = at
		}
	}
	return int32(best)
}

// catchUp scores what has changed.
func (x *Index) catchUp(known *scores) {
	for entry := known.seen; entry < len(x.log); entry++ {
		node := x.log[entry]
		if int(x.last[node]) != entry {
			continue // it has changed again since
		}
		at := x.ranks[node]
		was, now := known.of[at], x.score(known, int(node), at)
		if was != now {
			known.of[at] = now
			x.play(known, at, was)
		}
	}
	known.seen = len(x.log)
}

// play plays the matches of one who has changed again. Where the winner stays and is somebody else, nothing changes further up.
func (x *Index) play(known *scores, at int32, was Score) {
	leaf := int(at) / block
	i := x.leaves + leaf
	switch winner := known.tree[i]; {
	case winner != at:
		if known.of[winner].Better(known.of[at]) || known.of[winner] == known.of[at] && winner < at {
			return
		}
		known.tree[i] = at
	case was.Better(known.of[at]):
		known.tree[i] = known.winnerOfBlock(leaf)
	}
	for i /= 2; i > 0; i /= 2 {
		before := known.tree[i]
		known.tree[i] = known.winner(i)
		if known.tree[i] == before && before != at {
			return
		}
	}
}
