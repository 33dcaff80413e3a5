package packing

// whole is a class that wants more than half of the largest nodes.
type whole struct {
	cards, cpu int64
	models     uint64
	worth      int64
}

// mostCards is how many cards the largest nodes have that can be had whole.
func mostCards(nodes []Node) int64 {
	most := int64(0)
	for i := range nodes {
		if nodes[i].Partition == nil {
			most = max(most, int64(nodes[i].Cards))
		}
	}
	return most
}

// findWholes are the classes of the mix that want whole nodes; where there are none, one such class is expected none the less, and so is
// one that wants all processors that the roomiest of them have.
func findWholes(nodes []Node, mix []CardClass) (wholes []whole) {
	most := mostCards(nodes)
	if most < 2 {
		return nil
	}
	all, wanted, pods, cpu, cards := 0.0, 0.0, 0.0, 0.0, 0.0
	for i := range mix {
		s, count := &mix[i].Shape, float64(mix[i].Count)
		all += float64(count * float64(s.Accelerators()))
		if s.Cards > most/2 {
			wanted += float64(count * float64(s.Accelerators()))
			pods += count
		}
		if s.Cards > 0 && s.Milli == CardMilli {
			cpu += float64(count * float64(s.CPU))
			cards += float64(count * float64(s.Cards))
		}
	}
	for i := range mix {
		s := &mix[i].Shape
		if s.Cards > most/2 {
			bonus := float64(wholeBonus+float64(wholeShare*wanted)/all) * unit * float64(mix[i].Count) / pods
			wholes = append(wholes, whole{cards: s.Cards, cpu: max(s.CPU, 1), models: s.Models, worth: int64(bonus)})
		}
	}
	if cards == 0 {
		return wholes
	}
	if len(wholes) == 0 {
		wholes = []whole{{cards: most, cpu: max(int64(min(wholeCPU*cpu/cards, MaxAmount)), 1) * most, worth: int64(wholeBonus * unit)}}
	}
	room := int64(1)
	for i := range nodes {
		if int64(nodes[i].Cards) == most {
			room = max(room, nodes[i].CPU)
		}
	}
	return append(wholes, whole{cards: most, cpu: room - room/16, worth: int64(roomyBonus * unit)})
}

// worthWhole is what so many free cards and processors of the node are worth to work that wants whole nodes.
func (v *Value) worthWhole(n *Node, free, cpu int64) int64 {
	sum := int64(0)
	if free == 0 {
		return sum
	}
	for i := range v.wholes {
		w := &v.wholes[i]
		if free < w.cards || cpu < w.cpu || w.models != 0 && w.models>>n.Model&1 == 0 {
			continue
		}
		sum += w.worth * min(free/w.cards, cpu/w.cpu)
	}
	return sum
}
