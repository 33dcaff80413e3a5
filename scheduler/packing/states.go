package packing

// A fleet has few kinds of nodes, and after a round of packing still far fewer different rests than nodes. So what is worth knowing of
// a node's free amounts is kept once for all nodes that have the same: a call costs one score a rest, not one a node.
type state struct {
	free  Amounts
	lost  int64
	nodes int32 // how many nodes are in this state; the slot is used again when it falls to none

	// Facts of the place call whose number is in call, about its pod.
	tail  int32 // place of the last node of this state's run of candidates, none if there is no run yet
	call  uint64
	units int64
}

type states struct {
	classes []Class
	index   map[Amounts]int32
	slots   []state
	vacant  []int32
}

// enter puts one more node into the state of these free amounts and returns its slot.
func (s *states) enter(free Amounts) int32 {
	slot, known := s.index[free]
	if !known {
		fresh := state{free: free, lost: lost(free, s.classes), tail: none}
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

// at returns the state as the given call sees it: how many of its pods fit is worked out on first sight.
func (s *states) at(slot int32, call uint64, pod Amounts) *state {
	st := &s.slots[slot]
	if st.call != call {
		st.call = call
		st.tail = none
		st.units = st.free.units(pod)
	}
	return st
}
