package packing

// NewPricedCards makes the packing with prices that were learned before, on these nodes or on others of the same models (Knows).
func NewPricedCards(nodes []Node, ranks []int32, prices *Value) *Cards {
	value := *prices
	value.known = make([]worth, len(nodes))
	c := &Cards{Index: NewIndex(nodes, ranks, &value), value: &value, large: int8(mostCards(nodes))}
	for i := range nodes {
		if nodes[i].Cards == c.large && nodes[i].Partition == nil {
			c.all++
		}
		if nodes[i].Whole >= c.large {
			c.intact++
		}
	}
	value.tell(c.intact, c.all)
	return c
}

// Knows says whether there are prices for a model.
func (v *Value) Knows(model uint8) bool { return v.cards[model] != nil }

// Put says what a node has free now, whoever took or gave it. The node has the cards that it had.
func (c *Cards) Put(node int, now Node) {
	before := c.Nodes[node].Whole
	if c.Nodes[node] == now {
		return
	}
	c.Nodes[node] = now
	c.Touch(node)
	c.count(before, now.Whole)
}

// Rate is how good a node that the shape fits on is for it, and the card for a shared one.
func (c *Cards) Rate(node int, s *Shape) (Score, int) {
	return c.value.Score(node, &c.Nodes[node], s)
}

// Rank is the place of a node among equals.
func (x *Index) Rank(node int) int32 { return x.ranks[node] }
