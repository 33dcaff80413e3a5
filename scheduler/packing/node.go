package packing

import "math/bits"

// Accelerators as cards: CardMilli is a whole one, and no node has more than MaxCards.
const (
	CardMilli = 1000
	MaxCards  = 16
)

// Shape is what one pod needs: Cards whole accelerators, or (Milli below CardMilli, Cards 1) a part of a single one, or (Profile, Cards 1,
// Milli 0) an instance on a partitioned one, or none.
type Shape struct {
	CPU, Memory int64
	Cards       int64
	Milli       int64  // of each card
	Models      uint64 // a bit for each model of node that will do; 0: any
	Profile     uint8
}

// Accelerators is what the shape needs of them together, in milli.
func (s *Shape) Accelerators() int64 { return s.Cards * s.Milli }

// Shared says whether the shape wants a part of one card.
func (s *Shape) Shared() bool { return s.Cards == 1 && s.Milli < CardMilli && s.Profile == 0 }

// Node is what a node has free. Its cards are partitioned, and taken by instances only, or not, and taken whole or in thousandths.
type Node struct {
	CPU, Memory, Pods int64
	Model             uint8           // the bit of Shape.Models
	Cards             int8            // how many it has
	Whole             int8            // how many of them are completely free; none that is partitioned
	Free              int32           // milli-accelerators on all cards; slices of partitioned ones
	Milli             [MaxCards]int16 // of each card; the free slices of a partitioned one, a bit each
	Partition         *Partition
}

// NewNode is an empty node.
func NewNode(cpu, memory, pods int64, cards int, model uint8) Node {
	n := Node{CPU: cpu, Memory: memory, Pods: pods, Model: model, Cards: int8(cards), Whole: int8(cards), Free: int32(cards) * CardMilli}
	for i := range cards {
		n.Milli[i] = CardMilli
	}
	return n
}

// NewPartitionedNode is an empty node whose cards are partitioned.
func NewPartitionedNode(cpu, memory, pods int64, cards int, model uint8, partition *Partition) Node {
	n := Node{CPU: cpu, Memory: memory, Pods: pods, Model: model, Cards: int8(cards), Partition: partition}
	for i := range cards {
		n.Milli[i] = int16(partition.full)
	}
	n.Free = int32(cards * bits.OnesCount16(partition.full))
	return n
}

// Fits says whether one more pod of the shape fits.
func (n *Node) Fits(s *Shape) bool {
	switch {
	case n.CPU < s.CPU, n.Memory < s.Memory, n.Pods < 1:
		return false
	case s.Models != 0 && s.Models>>n.Model&1 == 0:
		return false
	case s.Cards == 0:
		return true
	case s.Profile > 0 || n.Partition != nil:
		return n.Holds(s.Profile)
	case !s.Shared():
		return int64(n.Whole) >= s.Cards
	case n.Whole > 0:
		return true
	}
	for _, free := range n.Milli[:n.Cards] {
		if int64(free) >= s.Milli {
			return true
		}
	}
	return false
}

// Holds says whether there is room for an instance on one of its cards.
func (n *Node) Holds(profile uint8) bool {
	if n.Partition == nil || profile == 0 {
		return false
	}
	for _, free := range n.Milli[:n.Cards] {
		if n.Partition.holds(profile, uint16(free)) {
			return true
		}
	}
	return false
}

// Tightest is the card with the least room that a shared shape fits on, the lowest of equals; -1 if there is none.
func (n *Node) Tightest(milli int64) int {
	best := -1
	for card, free := range n.Milli[:n.Cards] {
		if int64(free) >= milli && (best < 0 || free < n.Milli[best]) {
			best = card
		}
	}
	return best
}

// An instance's place is a card and one of the profile's placements: card + MaxCards * placement. Taken cards are a bit each, and above
// them, from slicesBit on, the slices of the instance.
const slicesBit = MaxCards

// InstanceAt is the card of a place, and the slices that an instance takes up there.
func (p *Partition) InstanceAt(profile uint8, place int) (card int, taken uint16) {
	return place % MaxCards, p.of[profile][place/MaxCards]
}

// Take puts a pod that fits onto the node: a shared one onto the card, an instance onto its place, others onto the lowest free cards. It
// returns the cards, a bit each, and the slices of an instance.
func (n *Node) Take(s *Shape, card int) (cards uint64) {
	n.CPU -= s.CPU
	n.Memory -= s.Memory
	n.Pods--
	if s.Profile > 0 {
		at, taken := n.Partition.InstanceAt(s.Profile, card)
		n.Milli[at] &^= int16(taken)
		n.Free -= int32(bits.OnesCount16(taken))
		return 1<<at | uint64(taken)<<slicesBit
	}
	n.Free -= int32(s.Accelerators())
	if s.Shared() {
		if n.Milli[card] == CardMilli {
			n.Whole--
		}
		n.Milli[card] -= int16(s.Milli)
		return 1 << card
	}
	left := s.Cards
	for i := 0; left > 0; i++ {
		if n.Milli[i] == CardMilli {
			n.Milli[i] = 0
			cards |= 1 << i
			left--
		}
	}
	n.Whole -= int8(s.Cards)
	return cards
}

// Close takes all that is left of a partitioned card.
func (n *Node) Close(card int) {
	n.Free -= int32(bits.OnesCount16(uint16(n.Milli[card])))
	n.Milli[card] = 0
}

// Give takes a pod off the node, from the cards that Take returned.
func (n *Node) Give(s *Shape, cards uint64) {
	n.CPU += s.CPU
	n.Memory += s.Memory
	n.Pods++
	if s.Profile > 0 {
		taken := uint16(cards >> slicesBit)
		n.Milli[bits.TrailingZeros64(cards)] |= int16(taken)
		n.Free += int32(bits.OnesCount16(taken))
		return
	}
	n.Free += int32(s.Accelerators())
	for i := range n.Milli[:n.Cards] {
		if cards>>i&1 == 0 {
			continue
		}
		n.Milli[i] += int16(s.Milli)
		if n.Milli[i] == CardMilli {
			n.Whole++
		}
	}
}

// Occupy puts a pod back onto the very cards that Give took it off.
func (n *Node) Occupy(s *Shape, cards uint64) {
	n.CPU -= s.CPU
	n.Memory -= s.Memory
	n.Pods--
	if s.Profile > 0 {
		taken := uint16(cards >> slicesBit)
		n.Milli[bits.TrailingZeros64(cards)] &^= int16(taken)
		n.Free -= int32(bits.OnesCount16(taken))
		return
	}
	n.Free -= int32(s.Accelerators())
	for i := range n.Milli[:n.Cards] {
		if cards>>i&1 == 0 {
			continue
		}
		if n.Milli[i] == CardMilli {
			n.Whole--
		}
		n.Milli[i] -= int16(s.Milli)
	}
}
