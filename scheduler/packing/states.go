package packing

// A fleet has few kinds of nodes, and after a round of packing still far fewer different rests than nodes. So what is worth knowing of
// a node's free amounts is kept once for all nodes that have the same: a call costs one score a rest, not one a node.
type state struct {
	free  Amounts
	worth int64
	born  uint64 // a number that no other state has had
	nodes int32  // how many nodes are in this state; the slot is used again when it falls to none
}

type states struct {
	prices prices
	index  map[Amounts]int32
	slots  []state
	vacant []int32
	births uint64
}

// enter puts one more node into the state of these free amounts and returns its slot.
func (s *states) enter(free Amounts) int32 {
	slot, known := s.index[free]
	if !known {
		s.births++
		fresh := state{free: free, worth: s.prices.worth(free), born: s.births}
		if last := len(s.vacant) - 1; last >= 0 {
			slot = s.vacant[last]
			s.vacant = s.vacant[:last]
			s.slots[slot] = fresh
		} else {
			slot = int32(len(s.slots))
			s.slots = append(s.slots, fresh)
		}
		s.index[free] = slot
	}
	s.slots[slot].nodes++
	return slot
}

// leave takes one node out of its state.
func (s *states) leave(slot int32) {
	st := &s.slots[slot]
	st.nodes--
	if st.nodes == 0 {
		delete(s.index, st.free)
		s.vacant = append(s.vacant, slot)
	}
}
