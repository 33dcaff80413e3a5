package departures

import (
	"cmp"
	"errors"
	"math/rand"
	"slices"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
)

// ErrNoTimes is a list that does not say when its pods came and went, or in which nobody wants an accelerator for any time.
var ErrNoTimes = errors.New("the list has no creation_time and deletion_time between which anybody wants an accelerator")

// Arrival is one pod that comes, and for how long it wants to run.
type Arrival struct {
	Pod         int32 // of the trace
	At, Seconds int64
}

// Offer is the work that comes to some nodes, the same for every policy. Arrivals are in the order in which they come.
type Offer struct {
	Nodes      []packing.Node
	Ranks      []int32
	Pods       []replay.Pod
	Arrivals   []Arrival
	Capacity   int64 // milli-accelerators of the nodes
	Seconds    int64 // what is measured: from 0 to this
	Copies     int   // of the recording
	Unservable int   // pods of the list that fit on none of the nodes, even if it is empty; they do not come
}

// NewRecorded offers the recording as it is, to all of its nodes.
func NewRecorded(t *replay.Trace, seed int64) (*Offer, error) {
	span, err := findSpan(t)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewSource(seed))
	o := &Offer{Nodes: t.Nodes, Pods: t.Pods, Capacity: t.Capacity, Copies: 1, Ranks: drawRanks(random, len(t.Nodes))}
	o.Seconds = span.to - span.from
	for _, pod := range o.servable() {
		p := &t.Pods[pod]
		o.Arrivals = append(o.Arrivals, Arrival{pod, p.CreatedAt - span.from, p.DeletedAt - p.CreatedAt})
	}
	slices.SortStableFunc(o.Arrivals, func(a, b Arrival) int { return cmp.Compare(a.At, b.At) })
	return o, nil
}

// NewOverlay offers so many copies of the recording at once that the mean of what is asked for comes nearest to load percent of the
// accelerators, to every so manyth node only. Each copy is turned by a time of its own: what goes beyond the end of the recording comes
// at its beginning, so that the load is the same throughout, and pods that are cut in two by that are there at second 0 for the rest of
// their time. Within a copy pods keep their times and durations. The seed decides which nodes, their ranks and how far copies are turned.
func NewOverlay(t *replay.Trace, seed int64, load, every int) (*Offer, error) {
	span, err := findSpan(t)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewSource(seed))
	o := &Offer{Nodes: sample(t.Nodes, random.Intn(every), every), Pods: t.Pods, Seconds: span.to - span.from}
	o.Ranks = drawRanks(random, len(o.Nodes))
	for i := range o.Nodes {
		o.Capacity += int64(o.Nodes[i].Cards) * packing.CardMilli
	}
	pods := o.servable()
	asked := int64(0) // milli-accelerators times seconds, of one copy
	for _, pod := range pods {
		p := &t.Pods[pod]
		asked += p.Shape.Accelerators() * (p.DeletedAt - p.CreatedAt)
	}
	if asked == 0 {
		return nil, ErrNoTimes
	}
	o.Copies = max(1, int(float64(load)/100*float64(o.Capacity)*float64(o.Seconds)/float64(asked)+0.5))
	o.turn(random, pods, span)
	return o, nil
}

// turn makes the arrivals of all copies. Those at second 0 are in the order in which they were to begin.
func (o *Offer) turn(random *rand.Rand, pods []int32, span span) {
	type begun struct {
		Arrival
		began int64
	}
	var all []begun
	for range o.Copies {
		shift := random.Int63n(o.Seconds)
		for _, pod := range pods {
			p := &o.Pods[pod]
			began, seconds := (p.CreatedAt-span.from+shift)%o.Seconds, p.DeletedAt-p.CreatedAt
			all = append(all, begun{Arrival{pod, began, seconds}, began})
			if rest := began + seconds - o.Seconds; rest > 0 {
				all = append(all, begun{Arrival{pod, 0, rest}, began - o.Seconds})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b begun) int { return cmp.Compare(a.began, b.began) })
	o.Arrivals = make([]Arrival, len(all))
	for i := range all {
		o.Arrivals[i] = all[i].Arrival
	}
}

// servable are the pods that fit on one of the nodes at least.
func (o *Offer) servable() (pods []int32) {
	for pod := range o.Pods {
		shape := &o.Pods[pod].Shape
		if slices.ContainsFunc(o.Nodes, func(n packing.Node) bool { return n.Fits(shape) }) {
			pods = append(pods, int32(pod))
		}
	}
	o.Unservable = len(o.Pods) - len(pods)
	return pods
}

// sample is every so manyth node from the first on, in the order of their kinds: so each kind has its share.
func sample(nodes []packing.Node, first, every int) (chosen []packing.Node) {
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(a, b packing.Node) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Cards, b.Cards), cmp.Compare(a.CPU, b.CPU), cmp.Compare(a.Memory, b.Memory))
	})
	for i := min(first, len(sorted)-1); i < len(sorted); i += every {
		chosen = append(chosen, sorted[i])
	}
	return chosen
}

func drawRanks(random *rand.Rand, n int) []int32 {
	ranks := make([]int32, n)
	for at, node := range random.Perm(n) {
		ranks[at] = int32(node)
	}
	return ranks
}

type span struct{ from, to int64 }

func findSpan(t *replay.Trace) (span, error) {
	if !t.Timed {
		return span{}, ErrNoTimes
	}
	s := span{from: t.Pods[0].CreatedAt}
	for i := range t.Pods {
		s.from, s.to = min(s.from, t.Pods[i].CreatedAt), max(s.to, t.Pods[i].DeletedAt)
	}
	if s.to == s.from {
		return span{}, ErrNoTimes
	}
	return s, nil
}
