package packing

import "math/bits"

// CardFleet is nodes with cards, flat as it comes over the C face.
type CardFleet struct {
	Nodes   []int64 // CardNodeFields a node: processors, memory, pods, model, cards
	Milli   []int64 // what is free of every card, node after node
	Classes []int64 // CardClassFields a class: processors, cards, milli of each, models, how many
	Rounds  int64   // how often prices are adjusted, at most MaxPricingRounds
}

// Lengths of the parts in flat form.
const (
	CardNodeFields  = 5
	CardClassFields = 5
	CardPodFields   = 5 // processors, memory, cards, milli of each, models
)

// MaxPricingRounds and MaxModels are bounds of what goes in; so are those in limits.go.
const (
	MaxPricingRounds = 10_000
	MaxModels        = 63 // as many as an int64 has bits that are no sign
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
	nodes, err := readNodes(f.Nodes, f.Milli)
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

// PlaceAll places pods, CardPodFields numbers each, one after the other, and writes the node of each (-1: nowhere) and its cards. All of
// them are looked at before the first is placed.
func (c *Cards) PlaceAll(pods, nodes, cards []int64) (placed int, err error) {
	if len(pods)%CardPodFields != 0 || len(nodes) != len(pods)/CardPodFields || len(cards) != len(nodes) {
		return 0, ErrLength
	}
	for at := 0; at < len(pods); at += CardPodFields {
		shape := CardShape(pods[at:])
		if err := checkCardShape(&shape); err != nil {
			return 0, err
		}
	}
	for i := range nodes {
		shape := CardShape(pods[i*CardPodFields:])
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
	if int64(bits.OnesCount64(cards)) != s.Cards || bits.Len64(cards) > int(n.Cards) {
		return ErrValue
	}
	for i := range n.Milli[:n.Cards] {
		if cards>>i&1 == 1 && int64(n.Milli[i])+s.Milli > CardMilli {
			return ErrValue
		}
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

func readNodes(flat, milli []int64) ([]Node, error) {
	if len(flat)%CardNodeFields != 0 || len(flat) == 0 || len(flat) > MaxNodes*CardNodeFields {
		return nil, ErrLength
	}
	nodes := make([]Node, 0, len(flat)/CardNodeFields)
	for ; len(flat) > 0; flat = flat[CardNodeFields:] {
		cpu, memory, pods, model, cards := flat[0], flat[1], flat[2], flat[3], flat[4]
		if cpu < 0 || memory < 0 || pods < 0 || model < 0 || model >= MaxModels || cards < 0 || cards > MaxCards {
			return nil, ErrValue
		}
		if max(cpu, memory, pods) > MaxAmount {
			return nil, ErrOverflow
		}
		if int64(len(milli)) < cards {
			return nil, ErrLength
		}
		node := Node{CPU: cpu, Memory: memory, Pods: pods, Model: uint8(model), Cards: int8(cards)}
		for i, free := range milli[:cards] {
			if free < 0 || free > CardMilli {
				return nil, ErrValue
			}
			node.Milli[i] = int16(free)
			node.Free += int32(free)
			if free == CardMilli {
				node.Whole++
			}
		}
		milli = milli[cards:]
		nodes = append(nodes, node)
	}
	if len(milli) > 0 {
		return nil, ErrLength
	}
	return nodes, nil
}

func readMix(flat []int64) ([]CardClass, error) {
	if len(flat)%CardClassFields != 0 || len(flat) > MaxClasses*CardClassFields {
		return nil, ErrLength
	}
	var mix []CardClass
	total := int64(0)
	for ; len(flat) > 0; flat = flat[CardClassFields:] {
		class := CardClass{Shape: Shape{CPU: flat[0], Cards: flat[1], Milli: flat[2], Models: uint64(flat[3])}, Count: flat[4]}
		if err := checkCardShape(&class.Shape); err != nil {
			return nil, err
		}
		if class.Count < 1 {
			return nil, ErrValue
		}
		if class.Count > MaxTotalWeight-total {
			return nil, ErrOverflow
		}
		total += class.Count
		mix = append(mix, class)
	}
	return mix, nil
}

// CardShape reads a pod as it comes over the C face, CardPodFields numbers.
func CardShape(flat []int64) Shape {
	return Shape{CPU: flat[0], Memory: flat[1], Cards: flat[2], Milli: flat[3], Models: uint64(flat[4])}
}

// checkCardShape refuses what no pod can be: parts of several cards, nothing of a card, less than nothing.
func checkCardShape(s *Shape) error {
	switch {
	case s.CPU < 0, s.Memory < 0, s.Cards < 0, s.Cards > MaxCards, s.Milli < 0, s.Milli > CardMilli, s.Models>>MaxModels > 0:
		return ErrValue
	case s.Cards == 0 && s.Milli != 0, s.Cards > 0 && s.Milli == 0, s.Cards > 1 && s.Milli != CardMilli:
		return ErrValue
	case s.CPU > MaxAmount, s.Memory > MaxAmount:
		return ErrOverflow
	}
	return nil
}
