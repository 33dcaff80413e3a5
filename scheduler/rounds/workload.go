package rounds

import (
	"cmp"
	"slices"
)

// entry is an Entry and where it was read.
type entry struct {
	Entry

	round    *Round
	line     int
	position int
	request  *Request
}

func (e *entry) compare(other *entry) int {
	return cmp.Or(e.round.compare(other.round), cmp.Compare(e.line, other.line), cmp.Compare(e.position, other.position))
}

// seat is what one pod at a time can take: all entries for one pod name or one
// rank, of which the newest counts, or one entry for any pod.
type seat struct {
	newest *entry
	holder *pod
}

func (s *seat) forAny() bool { return s.newest.Pod == "" && s.newest.Rank == NoRank }

// pod is a pod and what it has.
type pod struct {
	Pod

	workload *workload
	seat     *seat
	node     string // of its seat, or where it is bound or on the way to
	// committed: on its way; bound: there. Either keeps the node whatever Rounds say later.
	committed, bound bool
}

func (p *pod) describes(fact *Pod) bool {
	return p.Name == fact.Name && p.Key == fact.Key && p.Rank == fact.Rank && p.CreatedAt == fact.CreatedAt &&
		p.Request.CPUMilli == fact.Request.CPUMilli && p.Request.MemoryBytes == fact.Request.MemoryBytes &&
		slices.Equal(p.Request.Accelerators, fact.Request.Accelerators)
}

func (p *pod) settled() bool { return p.committed || p.bound }

func (p *pod) compare(other *pod) int {
	return cmp.Or(cmp.Compare(p.CreatedAt, other.CreatedAt), cmp.Compare(p.Name, other.Name), cmp.Compare(p.UID, other.UID))
}

// workload is one key: its entries in the order of Rounds, its pods, and who sits
// where. Rounds are rare and lay all seats anew; pods are many and change one seat.
type workload struct {
	key     Key
	entries []*entry
	pods    map[string]*pod

	named  map[string]*seat
	ranked map[int]*seat
	free   []*seat // seats for any pod that nobody holds, in the order of Rounds
	// standing are the pods without a seat, oldest first: they wait, or they are
	// bound although no entry accounts for them.
	standing []*pod
}

func (w *workload) addLine(round *Round, line int) {
	request := round.Lines[line].Request
	for position, each := range round.Lines[line].Entries {
		w.entries = append(w.entries, &entry{each, round, line, position, request})
	}
}

// dropRound says whether the Round had entries here.
func (w *workload) dropRound(round *Round) bool {
	before := len(w.entries)
	w.entries = slices.DeleteFunc(w.entries, func(e *entry) bool { return e.round == round })
	return len(w.entries) != before
}

// reseat lays the seats anew and lets the pods sit down: first those that are
// where they are, then those that had a place and may keep it, then the others by
// age. It appends the waiting pods whose node is new.
func (w *workload) reseat(wake []Ref) []Ref {
	w.laySeats()
	order := make([]*pod, 0, len(w.pods))
	before := make(map[*pod]string, len(w.pods))
	for _, each := range w.pods {
		order = append(order, each)
		each.seat = nil
		if !each.settled() {
			before[each], each.node = each.node, ""
		}
	}
	slices.SortFunc(order, (*pod).compare)
	byNode := map[string][]*seat{}
	for _, each := range w.free {
		byNode[each.newest.Node] = append(byNode[each.newest.Node], each)
	}
	for _, each := range order {
		if each.settled() {
			each.sit(w.reserved(each, byNode[each.node]))
		}
	}
	for _, each := range order {
		if node := before[each]; node != "" {
			each.sit(w.reserved(each, byNode[node]))
		}
	}
	w.free = slices.DeleteFunc(w.free, func(s *seat) bool { return s.holder != nil })
	w.standing = w.standing[:0]
	for _, each := range order {
		if each.seat == nil && !each.settled() {
			w.claim(each)
		}
		if each.seat == nil {
			w.standing = append(w.standing, each)
		} else if !each.settled() && each.node != before[each] {
			wake = append(wake, each.Ref)
		}
	}
	return wake
}

func (w *workload) laySeats() {
	slices.SortFunc(w.entries, (*entry).compare)
	w.named, w.ranked, w.free = map[string]*seat{}, map[int]*seat{}, nil
	for _, each := range w.entries {
		switch {
		case each.Pod != "":
			w.named[each.Pod] = &seat{newest: each}
		case each.Rank != NoRank:
			w.ranked[each.Rank] = &seat{newest: each}
		default:
			w.free = append(w.free, &seat{newest: each})
		}
	}
}

// own is the seat that names the pod, or its rank; nil if it may take any.
func (w *workload) own(p *pod) *seat {
	if named, exists := w.named[p.Name]; exists {
		return named
	}
	if p.Rank == NoRank {
		return nil
	}
	return w.ranked[p.Rank]
}

// reserved is the pod's own seat, or else the first of the candidates that it can take.
func (w *workload) reserved(p *pod, candidates []*seat) *seat {
	if own := w.own(p); own != nil {
		if own.suits(p) {
			return own
		}
		return nil
	}
	for _, each := range candidates {
		if each.suits(p) {
			return each
		}
	}
	return nil
}

// claim sits a waiting pod down, if there is a seat for it.
func (w *workload) claim(p *pod) {
	if chosen := w.reserved(p, w.free); chosen != nil {
		p.sit(chosen)
		w.untake(chosen)
	}
}

// suits says whether the pod may sit there now. One that is bound takes its place
// whatever it asks for.
func (s *seat) suits(p *pod) bool {
	return s.holder == nil && (p.settled() || s.newest.request.Admits(&p.Request))
}

func (p *pod) sit(chosen *seat) {
	if chosen == nil {
		return
	}
	p.seat, chosen.holder = chosen, p
	if !p.settled() {
		p.node = chosen.newest.Node
	}
}

// untake drops a seat from the free ones, if it is among them.
func (w *workload) untake(taken *seat) {
	if at, found := w.findFree(taken); found {
		w.free = slices.Delete(w.free, at, at+1)
	}
}

func (w *workload) findFree(wanted *seat) (int, bool) {
	return slices.BinarySearchFunc(w.free, wanted, func(a, b *seat) int { return a.newest.compare(b.newest) })
}

func (w *workload) add(p *pod, open bool, wake []Ref) []Ref {
	w.pods[p.UID] = p
	if !open {
		return wake
	}
	w.stand(p)
	if p.bound {
		return w.bind(p, p.node, open, wake)
	}
	return w.serve(p, wake)
}

// serve tries to find a seat for a standing pod.
func (w *workload) serve(p *pod, wake []Ref) []Ref {
	w.claim(p)
	if p.seat == nil {
		return wake
	}
	w.unstand(p)
	return append(wake, p.Ref)
}

// bind notes that a pod is on a node. Most often it is where its seat sent it.
func (w *workload) bind(p *pod, node string, open bool, wake []Ref) []Ref {
	fits := p.seat != nil && p.node == node
	p.node, p.bound = node, true
	if !open || fits {
		return wake
	}
	// Somebody else bound it, or a Round changed on the way: the place that it has
	// taken may belong to a pod that waits.
	return w.reseat(wake)
}

func (w *workload) remove(p *pod, open bool) []Ref {
	delete(w.pods, p.UID)
	if !open {
		return nil
	}
	if p.seat == nil {
		w.unstand(p)
		return nil
	}
	left := p.seat
	left.holder, p.seat = nil, nil
	if left.forAny() {
		at, _ := w.findFree(left)
		w.free = slices.Insert(w.free, at, left)
	}
	for _, next := range w.standing {
		if next.settled() && (w.own(next) == left || (w.own(next) == nil && left.forAny() && next.node == left.newest.Node)) {
			next.sit(left)
			w.untake(left)
			w.unstand(next)
			return nil
		}
	}
	for _, next := range w.standing {
		if !next.settled() {
			if wake := w.serve(next, nil); wake != nil {
				return wake
			}
		}
	}
	return nil
}

func (w *workload) stand(p *pod) {
	at, _ := slices.BinarySearchFunc(w.standing, p, (*pod).compare)
	w.standing = slices.Insert(w.standing, at, p)
}

func (w *workload) unstand(p *pod) {
	if at, found := slices.BinarySearchFunc(w.standing, p, (*pod).compare); found {
		w.standing = slices.Delete(w.standing, at, at+1)
	}
}
