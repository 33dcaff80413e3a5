package departures

import (
	"container/heap"
	"slices"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// Setting is what is replayed.
type Setting struct {
	Policy  replay.Policy
	Seed    int64
	Queue   Discipline
	Moves   *Rules     // nil: nobody is moved
	Samples int        // instants at which fragments are measured
	Watch   func(Stay) // told of every stay when it is over; nil: nobody
}

// Stay is the time that one pod was on one node.
type Stay struct {
	Arrival  int
	Node     int
	Cards    uint64
	From, To int64 // To is the end of the replay if the pod was still there
}

// task is one arrival in the course of time.
type task struct {
	start, end int64 // end: when it leaves, all pauses so far counted; both -1 before it starts
	since      int64 // it is on its node since
	pausedTo   int64
	paused     int64
	cards      uint64
	node       int32 // -1: on none
}

// world is the state of the replay at one instant.
type world struct {
	*Offer
	setting Setting
	chooser replay.Chooser
	now     int64
	free    []packing.Node // of each node now; the chooser knows that for itself
	pods    [][]int32      // of each node, in any order
	tasks   []task
	queue   queue
	ends    ends
	next    int // arrival
	used    int64
	tally   tally
}

// Replay offers the work to the nodes.
func (o *Offer) Replay(mix []replay.Class, setting Setting) *Result {
	w := &world{Offer: o, setting: setting, free: slices.Clone(o.Nodes)}
	w.pods, w.tasks = make([][]int32, len(o.Nodes)), make([]task, len(o.Arrivals))
	w.chooser = setting.Policy.New(slices.Clone(o.Nodes), o.Ranks, mix, setting.Seed)
	w.queue.byShape = make(map[packing.Shape]*group)
	w.tally = tally{fragments: replay.NewFragments(mix)}
	for i := range w.tasks {
		w.tasks[i] = task{start: -1, end: -1, node: -1}
	}
	for {
		at, round := w.findNext()
		if at >= o.Seconds {
			break
		}
		w.advance(at)
		w.step()
		if round && w.queue.pods > 0 {
			w.moveRound()
		}
	}
	w.advance(o.Seconds)
	return w.finish()
}

// findNext is the next instant at which something happens, and whether moves are due then.
func (w *world) findNext() (at int64, round bool) {
	at = w.Seconds
	if w.next < len(w.Arrivals) {
		at = min(at, w.Arrivals[w.next].At)
	}
	if len(w.ends) > 0 {
		at = min(at, w.ends[0].at)
	}
	if w.setting.Moves == nil || w.queue.pods == 0 {
		return at, false
	}
	period := w.setting.Moves.Period
	due := (w.now/period + 1) * period
	return min(at, due), due <= at
}

// step is what happens at one instant: pods leave, those that wait take what is free, new ones come.
func (w *world) step() {
	var touched []int32
	for len(w.ends) > 0 && w.ends[0].at == w.now {
		gone := heap.Pop(&w.ends).(end)
		if t := &w.tasks[gone.arrival]; t.end == gone.at {
			touched = append(touched, t.node)
			w.leave(gone.arrival)
		}
	}
	w.startWaiting(touched)
	learner, learns := w.chooser.(replay.Learner)
	for ; w.next < len(w.Arrivals) && w.Arrivals[w.next].At == w.now; w.next++ {
		shape := w.shape(int32(w.next))
		if learns {
			learner.Meet(shape)
		}
		if w.queue.byShape[*shape] == nil && (w.setting.Queue == Skip || w.queue.pods == 0) {
			if node, cards := w.place(shape); node >= 0 {
				w.start(int32(w.next), node, cards)
				continue
			}
		}
		w.queue.push(int32(w.next), shape)
	}
}

// startWaiting starts who may, now that there is more room on some nodes. Nobody who waits in turn fits elsewhere: he would have been started.
func (w *world) startWaiting(touched []int32) {
	if len(touched) == 0 {
		return
	}
	does := func(g *group) bool {
		return w.setting.Queue == Strict || slices.ContainsFunc(touched, func(node int32) bool { return w.free[node].Fits(&g.shape) })
	}
	for {
		first := w.queue.first(does)
		if first == nil {
			return
		}
		node, cards := w.place(&first.shape)
		if node < 0 {
			return
		}
		w.start(w.queue.pop(first), node, cards)
	}
}

func (w *world) shape(arrival int32) *packing.Shape { return &w.Pods[w.Arrivals[arrival].Pod].Shape }

// place asks the policy where one more pod of the shape goes; -1 where it fits nowhere.
func (w *world) place(s *packing.Shape) (node int, cards uint64) {
	node, card := w.chooser.Best(s)
	if node < 0 {
		return node, 0
	}
	return node, w.chooser.Take(node, s, card)
}

// start and enter put an arrival onto a node, of which the chooser knows already; forget takes it off, and leave tells the chooser.
func (w *world) start(arrival int32, node int, cards uint64) {
	t := &w.tasks[arrival]
	t.start, t.end = w.now, w.now+w.Arrivals[arrival].Seconds
	heap.Push(&w.ends, end{t.end, arrival})
	w.enter(arrival, node, cards)
}

func (w *world) enter(arrival int32, node int, cards uint64) {
	t, shape := &w.tasks[arrival], w.shape(arrival)
	t.node, t.cards, t.since = int32(node), cards, w.now
	w.free[node].Occupy(shape, cards)
	w.pods[node] = append(w.pods[node], arrival)
	w.used += shape.Accelerators()
}

func (w *world) leave(arrival int32) {
	t := &w.tasks[arrival]
	w.chooser.Vacate(int(t.node), w.shape(arrival), t.cards)
	w.forget(arrival)
}

func (w *world) forget(arrival int32) {
	t, shape := &w.tasks[arrival], w.shape(arrival)
	if w.setting.Watch != nil {
		w.setting.Watch(Stay{int(arrival), int(t.node), t.cards, t.since, w.now})
	}
	w.free[t.node].Give(shape, t.cards)
	w.used -= shape.Accelerators()
	here := w.pods[t.node]
	at := slices.Index(here, arrival)
	here[at] = here[len(here)-1]
	w.pods[t.node] = here[:len(here)-1]
	t.node = -1
}

// end is when an arrival leaves, unless it has been paused since.
type end struct {
	at      int64
	arrival int32
}

// ends is a heap.
type ends []end

func (e ends) Len() int { return len(e) }
func (e ends) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].arrival < e[j].arrival
}
func (e ends) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(x any)   { *e = append(*e, x.(end)) }
func (e *ends) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
