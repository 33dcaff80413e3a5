package departures

import "commonpool.dev/scheduler/packing"

// Discipline is who may start when room appears.
type Discipline string

// Skip: first come, first served, but who does not fit is passed over. Strict: nobody starts before who came earlier.
const (
	Skip   Discipline = "skip"
	Strict Discipline = "strict"
)

// queue is the pods that wait, by what they want: of those who want the same only the first is of interest.
type queue struct {
	groups  []*group // in any order; none is empty
	byShape map[packing.Shape]*group
	pods    int
	milli   int64 // accelerators that they want together
}

type group struct {
	shape    packing.Shape
	arrivals []int32 // in the order in which they came
}

func (q *queue) push(arrival int32, s *packing.Shape) {
	known := q.byShape[*s]
	if known == nil {
		known = &group{shape: *s}
		q.byShape[*s] = known
		q.groups = append(q.groups, known)
	}
	known.arrivals = append(known.arrivals, arrival)
	q.pods++
	q.milli += s.Accelerators()
}

// pop takes the first of a group.
func (q *queue) pop(from *group) (arrival int32) {
	arrival = from.arrivals[0]
	from.arrivals = from.arrivals[1:]
	q.pods--
	q.milli -= from.shape.Accelerators()
	if len(from.arrivals) > 0 {
		return arrival
	}
	delete(q.byShape, from.shape)
	for i, each := range q.groups {
		if each == from {
			q.groups[i] = q.groups[len(q.groups)-1]
			q.groups = q.groups[:len(q.groups)-1]
			break
		}
	}
	return arrival
}

// first is the group whose first pod came earliest, of those that will do; nil if none does.
func (q *queue) first(does func(*group) bool) (found *group) {
	for _, each := range q.groups {
		if (found == nil || each.arrivals[0] < found.arrivals[0]) && does(each) {
			found = each
		}
	}
	return found
}
