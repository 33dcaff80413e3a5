package packing

import "math"

// rating is what a question knows of a state: how many of its pods fit, and how good a node is for one more where that has mattered.
type rating struct {
	born     uint64 // of the state that it is of; slots are used again
	units    int64
	gpu, cpu int64 // free
	delta    int64 // what the node is worth less with one more pod
	scored   bool
}

// before says whether a node of this rating is taken before one of the other: least worth lost, then least left.
func (a *rating) before(b *rating) bool {
	switch {
	case a.delta != b.delta:
		return a.delta < b.delta
	case a.gpu != b.gpu:
		return a.gpu < b.gpu
	default:
		return a.cpu < b.cpu
	}
}

// ratings is what a question knows of all states in which it has seen its nodes.
type ratings struct {
	states *states
	pod    Amounts
	of     []rating // by slot
}

// see is the rating of a state that may be new.
func (r *ratings) see(slot int32) *rating {
	if missing := len(r.states.slots) - len(r.of); missing > 0 {
		r.of = append(r.of, make([]rating, missing)...)
	}
	found, st := &r.of[slot], &r.states.slots[slot]
	if found.born != st.born {
		*found = rating{born: st.born, units: min(MaxCount, st.free.units(r.pod)), gpu: st.free[GPU], cpu: st.free[CPU]}
	}
	return found
}

// score is the rating of a state that has been seen, with all that decides between nodes. Where the pod does not fit it is the worst.
func (r *ratings) score(slot int32) *rating {
	found := &r.of[slot]
	if !found.scored {
		found.scored, found.delta = true, math.MaxInt64
		if found.units > 0 {
			st := &r.states.slots[slot]
			found.delta = st.worth - r.states.prices.worth(st.free.minus(r.pod))
		}
	}
	return found
}
