package packing

import "math"

// Score is how good a node is for a shape: more is better, and Tie decides between equal values, more again.
type Score struct{ Value, Tie int64 }

// Unfit is the score of a node that the shape does not fit on.
var Unfit = Score{Value: math.MinInt64}

// Better says whether a is better than b.
func (a Score) Better(b Score) bool {
	return a.Value > b.Value || a.Value == b.Value && a.Tie > b.Tie
}

// Scorer says how good it would be to put one more pod of the shape on the node, and on which card a shared one would go. It is only
// asked about shapes that fit, and its answer depends on nothing but the node and the shape.
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
	leaves int
}

// scores is a knockout of all nodes for one shape: the winner of each match is in the tree, the best of all in tree[1].
type scores struct {
	shape Shape
	of    []Score
	cards []int8
	tree  []int32
	seen  int // how much of the log is in
}

// NewIndex makes an index of the nodes; ranks decide between nodes of equal score, the lowest first.
func NewIndex(nodes []Node, ranks []int32, scorer Scorer) *Index {
	return &Index{Nodes: nodes, scorer: scorer, ranks: ranks, shapes: make(map[Shape]*scores)}
}

// Best is the best node for one more pod of the shape, and the card for a shared one; -1 if it fits nowhere.
func (x *Index) Best(s *Shape) (node, card int) {
	known := x.shapes[*s]
	if known == nil {
		known = x.enter(s)
	} else {
		x.catchUp(known)
	}
	best := known.tree[1]
	if known.of[best] == Unfit {
		return -1, -1
	}
	return int(best), int(known.cards[best])
}

// Take puts a pod on the node.
func (x *Index) Take(node int, s *Shape, card int) {
	x.Nodes[node].Take(s, card)
	x.log = append(x.log, int32(node))
}

// Touch says that what the scorer thinks of a node has changed.
func (x *Index) Touch(node int) { x.log = append(x.log, int32(node)) }

func (x *Index) enter(s *Shape) *scores {
	n := len(x.Nodes)
	known := &scores{shape: *s, of: make([]Score, n), cards: make([]int8, n), tree: make([]int32, 2*n)}
	for node := range x.Nodes {
		x.score(known, node)
	}
	x.rebuild(known)
	x.shapes[*s] = known
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

func (x *Index) rebuild(known *scores) {
	n := len(x.Nodes)
	for node := range n {
		known.tree[n+node] = int32(node)
	}
	for i := n - 1; i > 0; i-- {
		known.tree[i] = x.winner(known, i)
	}
	known.seen = len(x.log)
}

func (x *Index) winner(known *scores, i int) int32 {
	a, b := known.tree[2*i], known.tree[2*i+1]
	left, right := known.of[a], known.of[b]
	if left == right && x.ranks[a] < x.ranks[b] || left.Better(right) {
		return a
	}
	return b
}

func (x *Index) catchUp(known *scores) {
	n := len(x.Nodes)
	for _, node := range x.log[known.seen:] {
		x.score(known, int(node))
		for i := (n + int(node)) / 2; i > 0; i /= 2 {
			known.tree[i] = x.winner(known, i)
		}
	}
	known.seen = len(x.log)
}
