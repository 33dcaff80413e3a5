package packing

import (
	"math"
	"math/bits"
	"slices"
)

// Cards is one fleet of nodes with cards while it is being packed, pod after pod. It is not for use by two goroutines at once.
type Cards struct {
	*Index
	value  *Value
	large  int8 // cards of the largest nodes
	intact int  // nodes with so many free
	all    int  // nodes with so many
}

// NewCards learns what the mix wants and makes the packing; ranks decide between equal nodes, the lowest first. The nodes are its own.
func NewCards(nodes []Node, ranks []int32, mix []CardClass, rounds int) *Cards {
	return NewPricedCards(nodes, ranks, NewValue(nodes, mix, rounds))
}

// Learn finds new prices, for another mix and the nodes as they are now. It costs about 10 ms, and so do the next pods: all are scored anew.
func (c *Cards) Learn(mix []CardClass, rounds int) {
	c.value = NewValue(c.Nodes, mix, rounds)
	c.value.tell(c.intact, c.all)
	c.Index.scorer = c.value
	c.Index.forget()
}

// OpenCards reads a fleet.
func OpenCards(f CardFleet) (*Cards, error) {
	partitions, err := readPartitions(f.Placements)
	if err != nil {
		return nil, err
	}
	nodes, err := readNodes(f.Nodes, f.Milli, partitions)
	if err != nil {
		return nil, err
	}
	mix, err := readMix(f.Classes)
	if err != nil {
		return nil, err
	}
	if f.Rounds < 0 {
		return nil, ErrValue
	}
	if f.Rounds > MaxPricingRounds {
		return nil, ErrOverflow
	}
	ranks := make([]int32, len(nodes))
	for i := range ranks {
		ranks[i] = int32(i)
	}
	return NewCards(nodes, ranks, mix, int(f.Rounds)), nil
}

// PlaceAll places pods, CardPodFields numbers each, one after the other, and writes the node of each (-1: nowhere) and its cards (Node.Take). All of
// them are looked at before the first is placed.
func (c *Cards) PlaceAll(pods, nodes, cards []int64) (placed int, err error) {
	if len(pods)%CardPodFields != 0 || len(nodes) != len(pods)/CardPodFields || len(cards) != len(nodes) {
		return 0, ErrLength
	}
	for at := 0; at < len(pods); at += CardPodFields {
		if _, err := CardShape(pods[at:]); err != nil {
			return 0, err
		}
	}
	for i := range nodes {
		shape, _ := CardShape(pods[i*CardPodFields:])
		nodes[i], cards[i] = -1, 0
		if node, card := c.Best(&shape); node >= 0 {
			nodes[i], cards[i] = int64(node), int64(c.Take(node, &shape, card))
			placed++
		}
	}
	return placed, nil
}

// Take puts a pod on a node that it fits on, a shared one on the card.
func (c *Cards) Take(node int, s *Shape, card int) (cards uint64) {
	before := c.Nodes[node].Whole
	cards = c.Index.Take(node, s, card)
	c.count(before, c.Nodes[node].Whole)
	return cards
}

// Give takes a pod off a node, from the cards that it had.
func (c *Cards) Give(node int64, s Shape, cards uint64) error {
	if err := checkCardShape(&s); err != nil {
		return err
	}
	if node < 0 || node >= int64(len(c.Nodes)) {
		return ErrValue
	}
	n := &c.Nodes[node]
	if !n.took(&s, cards) {
		return ErrValue
	}
	if n.CPU > MaxAmount-s.CPU || n.Memory > MaxAmount-s.Memory || n.Pods >= MaxAmount {
		return ErrOverflow
	}
	c.Vacate(int(node), &s, cards)
	return nil
}

// Vacate takes a pod off a node, from the cards that it had; nothing is checked (Give does).
func (c *Cards) Vacate(node int, s *Shape, cards uint64) {
	before := c.Nodes[node].Whole
	c.Index.Vacate(node, s, cards)
	c.count(before, c.Nodes[node].Whole)
}

// Occupy puts a pod onto exactly these cards of a node: it undoes Vacate.
func (c *Cards) Occupy(node int, s *Shape, cards uint64) {
	before := c.Nodes[node].Whole
	c.Index.Occupy(node, s, cards)
	c.count(before, c.Nodes[node].Whole)
}

// count keeps the number of whole nodes; where that changes what they are worth, they are scored again.
func (c *Cards) count(before, after int8) {
	if (before >= c.large) == (after >= c.large) {
		return
	}
	if after >= c.large {
		c.intact++
	} else {
		c.intact--
	}
	if !c.value.tell(c.intact, c.all) {
		return
	}
	for i := range c.Nodes {
		if c.value.cares(&c.Nodes[i]) {
			c.Touch(i)
		}
	}
}

// took says whether a pod of the shape can have had the cards.
func (n *Node) took(s *Shape, cards uint64) bool {
	if s.Profile > 0 {
		only := cards & (1<<slicesBit - 1)
		if n.Partition == nil || bits.OnesCount64(only) != 1 || bits.Len64(only) > int(n.Cards) || cards>>slicesBit > math.MaxUint16 {
			return false
		}
		taken, free := uint16(cards>>slicesBit), uint16(n.Milli[bits.TrailingZeros64(only)])
		return slices.Contains(n.Partition.of[s.Profile], taken) && taken&free == 0
	}
	if int64(bits.OnesCount64(cards)) != s.Cards || bits.Len64(cards) > int(n.Cards) || s.Cards > 0 && n.Partition != nil {
		return false
	}
	for i := range n.Milli[:n.Cards] {
		if cards>>i&1 == 1 && int64(n.Milli[i])+s.Milli > CardMilli {
			return false
		}
	}
	return true
}
