package departures

import (
	"cmp"
	"container/heap"
	"slices"

	"commonpool.dev/scheduler/packing"
)

// Rules bound what is moved.
type Rules struct {
	Period int64 // seconds: moves are made at its multiples, if anybody waits
	Pause  int64 // seconds that a pod that is moved holds its new place before it goes on; at most Rest
	Rest   int64 // seconds on its node before a pod is moved
	Pods   int   // moved in one round
	Heads  int   // kinds of pods that wait, those who came first, for which room is sought in one round
	Tries  int   // nodes tried for each
}

// DefaultRules are the ones that are measured.
var DefaultRules = Rules{Period: 600, Pause: 120, Rest: 3600, Pods: 8, Heads: 8, Tries: 4}

// clearing is pods that would have to leave a node so that one that waits fits on it.
type clearing struct {
	node    int
	victims []int32
	milli   int64
	cpu     int64
}

// moveRound makes room for pods that wait although as much as they want is free, in the order in which they came, until enough has been
// moved. No more accelerators are moved for a pod than it wants itself. Every pod that is moved has another place before anything changes:
// the policy chooses it, as for a pod that comes.
func (w *world) moveRound() {
	heads := slices.Clone(w.queue.groups)
	slices.SortFunc(heads, func(a, b *group) int { return cmp.Compare(a.arrivals[0], b.arrivals[0]) })
	if w.setting.Queue == Strict {
		heads = heads[:1]
	}
	budget := w.setting.Moves.Pods
	for _, head := range heads[:min(len(heads), w.setting.Moves.Heads)] {
		if w.queue.byShape[head.shape] != head { // all of them have started since
			continue
		}
		node, moved := w.makeRoom(&head.shape, budget)
		if node < 0 {
			continue
		}
		w.startWaiting([]int32{int32(node)})
		if budget -= moved; budget == 0 {
			return
		}
	}
}

// makeRoom starts the first of those that want the shape, on a node from which at most so many pods are moved; -1 if there is none.
func (w *world) makeRoom(s *packing.Shape, atMost int) (node, moved int) {
	if w.Capacity-w.used < s.Accelerators() {
		return -1, 0
	}
	var found []clearing
	for i := range w.free {
		if c, does := w.clear(i, s, atMost); does {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b clearing) int {
		return cmp.Or(cmp.Compare(a.milli, b.milli), cmp.Compare(a.cpu, b.cpu), cmp.Compare(len(a.victims), len(b.victims)), cmp.Compare(w.Ranks[a.node], w.Ranks[b.node]))
	})
	for _, each := range found[:min(len(found), w.setting.Moves.Tries)] {
		if moved, does := w.try(each, s); does {
			return each.node, moved
		}
	}
	return -1, 0
}

// clear finds pods without which the shape would fit on the node, none of them in vain: the small ones are taken off first, until it fits;
// then those that need not have gone are put back, the large ones first.
func (w *world) clear(node int, s *packing.Shape, atMost int) (c clearing, does bool) {
	if !w.Nodes[node].Fits(s) {
		return c, false
	}
	var movable []int32
	for _, pod := range w.pods[node] {
		if w.shape(pod).Accelerators() <= s.Accelerators() && w.tasks[pod].since+w.setting.Moves.Rest <= w.now {
			movable = append(movable, pod)
		}
	}
	slices.SortFunc(movable, w.compare)
	n := w.free[node]
	gone := 0
	for ; gone < len(movable) && !n.Fits(s); gone++ {
		n.Give(w.shape(movable[gone]), w.tasks[movable[gone]].cards)
	}
	if !n.Fits(s) {
		return c, false
	}
	c.node = node
	for i := gone - 1; i >= 0; i-- {
		shape, cards := w.shape(movable[i]), w.tasks[movable[i]].cards
		n.Occupy(shape, cards)
		if n.Fits(s) {
			continue
		}
		n.Give(shape, cards)
		c.victims = append(c.victims, movable[i])
		c.milli += shape.Accelerators()
		c.cpu += shape.CPU
	}
	return c, len(c.victims) <= atMost && c.milli <= s.Accelerators()
}

func (w *world) compare(a, b int32) int {
	one, other := w.shape(a), w.shape(b)
	return cmp.Or(cmp.Compare(one.Accelerators(), other.Accelerators()), cmp.Compare(one.CPU, other.CPU), cmp.Compare(a, b))
}

// try asks the policy where those who leave would go, the largest first. If one of them would go nowhere, everything is as it was.
func (w *world) try(c clearing, s *packing.Shape) (moved int, does bool) {
	for _, pod := range c.victims {
		w.chooser.Vacate(c.node, w.shape(pod), w.tasks[pod].cards)
	}
	_, taken := w.place(s) // it fits nowhere else
	var places []place
	for _, pod := range c.victims {
		node, cards := w.place(w.shape(pod))
		if node < 0 {
			w.takeBack(c, places, s, taken)
			return 0, false
		}
		places = append(places, place{node, cards})
	}
	return w.move(c, places, s, taken), true
}

// place is where a pod goes.
type place struct {
	node  int
	cards uint64
}

// takeBack lets the chooser forget that anything was tried.
func (w *world) takeBack(c clearing, places []place, s *packing.Shape, taken uint64) {
	for i, p := range places {
		w.chooser.Vacate(p.node, w.shape(c.victims[i]), p.cards)
	}
	w.chooser.Vacate(c.node, s, taken)
	for _, pod := range c.victims {
		w.chooser.Occupy(c.node, w.shape(pod), w.tasks[pod].cards)
	}
}

// move does what the chooser knows already, and says how many pods have another place now: one may have been put back where it was.
func (w *world) move(c clearing, places []place, s *packing.Shape, taken uint64) (moved int) {
	pause := w.setting.Moves.Pause
	for i, pod := range c.victims {
		t := &w.tasks[pod]
		if places[i] == (place{int(t.node), t.cards}) {
			continue
		}
		w.forget(pod)
		moved++
		t.paused, t.end, t.pausedTo = t.paused+pause, t.end+pause, w.now+pause
		heap.Push(&w.ends, end{t.end, pod})
	}
	w.start(w.queue.pop(w.queue.byShape[*s]), c.node, taken)
	for i, pod := range c.victims {
		if w.tasks[pod].node < 0 {
			w.enter(pod, places[i].node, places[i].cards)
		}
	}
	w.tally.moves += moved
	return moved
}
