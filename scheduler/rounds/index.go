package rounds

import (
	"cmp"
	"sync"
)

// Ref names a pod object.
type Ref struct{ Namespace, Name, UID string }

// Pod is what has to be known of a pod to find its place.
type Pod struct {
	Ref

	Key       Key
	Rank      int
	Request   Request
	CreatedAt int64 // seconds since 1970; the oldest pod is served first
}

// Round is one part of a planning round, read.
type Round struct {
	Name                string
	Epoch, Number, Part int64
	Lines               []Line
}

func (r *Round) compare(other *Round) int {
	return cmp.Or(cmp.Compare(r.Epoch, other.Epoch), cmp.Compare(r.Number, other.Number),
		cmp.Compare(r.Part, other.Part), cmp.Compare(r.Name, other.Name))
}

// Index keeps every Round and every pod of one scheduler and says which pod goes
// where. It is safe for concurrent use and calls nobody while it holds its lock;
// whatever changes the answer for pods that wait returns those pods, and the
// caller must then wake them.
type Index struct {
	mu        sync.Mutex
	open      bool
	epoch     int64
	rounds    map[string]*Round
	workloads map[Key]*workload
	pods      map[string]*pod
}

// NewIndex makes an index that names no node to any pod until it is opened.
func NewIndex() *Index {
	return &Index{rounds: map[string]*Round{}, workloads: map[Key]*workload{}, pods: map[string]*pod{}}
}

// Open lets the index answer: all Rounds and pods that existed at the start are
// in it. Before that, a place could be given away that a pod already has.
func (x *Index) Open() []Ref {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.open = true
	var wake []Ref
	for _, workload := range x.workloads {
		wake = workload.reseat(wake)
	}
	return wake
}

// PutRound takes in a new Round, or its new text. A higher epoch than any before
// it withdraws all Rounds of lower ones.
func (x *Index) PutRound(round *Round) []Ref {
	x.mu.Lock()
	defer x.mu.Unlock()
	touched := map[*workload]bool{}
	if old, known := x.rounds[round.Name]; known {
		x.detach(old, touched)
	}
	x.rounds[round.Name] = round
	if round.Epoch > x.epoch {
		x.epoch = round.Epoch
		for _, other := range x.rounds {
			if other.Epoch < x.epoch {
				x.detach(other, touched)
			}
		}
	}
	if round.Epoch == x.epoch {
		x.attach(round, touched)
	}
	return x.reseat(touched)
}

// RemoveRound withdraws what a deleted Round still promised.
func (x *Index) RemoveRound(name string) []Ref {
	x.mu.Lock()
	defer x.mu.Unlock()
	round, known := x.rounds[name]
	if !known {
		return nil
	}
	delete(x.rounds, name)
	touched := map[*workload]bool{}
	x.detach(round, touched)
	return x.reseat(touched)
}

// PutPod takes in a pod; node is empty until it is bound, and is final then. The
// same UID again tells what changed.
func (x *Index) PutPod(fact Pod, node string) []Ref {
	x.mu.Lock()
	defer x.mu.Unlock()
	var wake []Ref
	if known, exists := x.pods[fact.UID]; exists {
		switch {
		case known.bound || (node == "" && known.describes(&fact)):
			return nil
		case node != "":
			return known.workload.bind(known, node, x.open, nil)
		}
		wake = x.forget(known)
	}
	added := &pod{Pod: fact, workload: x.workload(fact.Key), node: node, bound: node != ""}
	x.pods[fact.UID] = added
	return added.workload.add(added, x.open, wake)
}

// RemovePod forgets a pod that is gone, or will never be bound.
func (x *Index) RemovePod(uid string) []Ref {
	x.mu.Lock()
	defer x.mu.Unlock()
	if known, exists := x.pods[uid]; exists {
		return x.forget(known)
	}
	return nil
}

// Seated says whether the pod has a place that a Round still names.
func (x *Index) Seated(uid string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	known, exists := x.pods[uid]
	return exists && known.seat != nil
}

// Find says where a pod goes, or why it waits.
func (x *Index) Find(uid string) Verdict {
	x.mu.Lock()
	defer x.mu.Unlock()
	known, exists := x.pods[uid]
	if !x.open || !exists {
		return Verdict{Wait: Starting}
	}
	return known.verdict()
}

// Commit keeps a pod's place for it while it is being bound; false if its place
// is no longer that node.
func (x *Index) Commit(uid, node string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	known, exists := x.pods[uid]
	if !exists || known.seat == nil || known.node != node {
		return false
	}
	known.committed = true
	return true
}

// Release takes Commit back: the binding failed. It may be called without one.
func (x *Index) Release(uid string) []Ref {
	x.mu.Lock()
	defer x.mu.Unlock()
	known, exists := x.pods[uid]
	if !exists || !known.committed || known.bound {
		return nil
	}
	known.committed = false
	if known.seat != nil && known.seat.newest.Node == known.node {
		return nil
	}
	return known.workload.reseat(nil) // a Round changed meanwhile
}

func (x *Index) forget(known *pod) []Ref {
	delete(x.pods, known.UID)
	wake := known.workload.remove(known, x.open)
	x.prune(known.workload)
	return wake
}

func (x *Index) workload(key Key) *workload {
	found, exists := x.workloads[key]
	if !exists {
		found = &workload{key: key, pods: map[string]*pod{}}
		x.workloads[key] = found
	}
	return found
}

func (x *Index) prune(workload *workload) {
	if len(workload.pods) == 0 && len(workload.entries) == 0 {
		delete(x.workloads, workload.key)
	}
}

func (x *Index) attach(round *Round, touched map[*workload]bool) {
	for i := range round.Lines {
		workload := x.workload(round.Lines[i].Key)
		workload.addLine(round, i)
		touched[workload] = true
	}
}

func (x *Index) detach(round *Round, touched map[*workload]bool) {
	for i := range round.Lines {
		if workload, exists := x.workloads[round.Lines[i].Key]; exists && workload.dropRound(round) {
			touched[workload] = true
		}
	}
}

func (x *Index) reseat(touched map[*workload]bool) []Ref {
	var wake []Ref
	for workload := range touched {
		if x.open {
			wake = workload.reseat(wake)
		}
		x.prune(workload)
	}
	return wake
}
