package rounds

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// world are the facts that an index was told, in whatever order.
type world struct {
	t       *testing.T
	random  *rand.Rand
	index   *Index
	rounds  map[string]*Round
	pods    map[string]Pod
	bound   map[string]string
	counter int64
}

func newWorld(t *testing.T, seed uint64) *world {
	return &world{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), index: opened(),
		rounds: map[string]*Round{}, pods: map[string]Pod{}, bound: map[string]string{},
	}
}

func (w *world) node() string { return fmt.Sprintf("gpu-%d", w.random.IntN(3)) }

func (w *world) podName() string { return fmt.Sprintf("pod-%d", w.random.IntN(6)) }

func (w *world) key() Key { return []Key{job, deployment}[w.random.IntN(2)] }

func pick[V any](w *world, from map[string]V) string {
	if len(from) == 0 {
		return ""
	}
	keys := make([]string, 0, len(from))
	for key := range from {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys[w.random.IntN(len(keys))]
}

func (w *world) randomLine() Line {
	line := Line{Key: w.key(), Request: mustRequest(w.t, asked)}
	sort, rank := w.random.IntN(3), w.random.IntN(3)
	used := map[string]bool{}
	for range 1 + w.random.IntN(3) {
		entry := Entry{Rank: NoRank, Node: w.node()}
		switch sort {
		case 0:
			if entry.Pod = w.podName(); used[entry.Pod] {
				continue
			}
			used[entry.Pod] = true
		case 1:
			entry.Rank = rank
			rank++
		}
		line.Entries = append(line.Entries, entry)
	}
	return line
}

// step changes one fact at random and tells the index.
func (w *world) step() {
	w.counter++
	switch w.random.IntN(12) {
	case 0, 1:
		round := &Round{Name: fmt.Sprintf("r-%d", w.counter), Epoch: 1 + w.counter/40, Number: w.counter}
		if w.random.IntN(8) == 0 {
			round.Epoch--
		}
		for range 1 + w.random.IntN(2) {
			round.Lines = append(round.Lines, w.randomLine())
		}
		w.rounds[round.Name] = round
		w.index.PutRound(round)
	case 2:
		if name := pick(w, w.rounds); name != "" {
			cut := *w.rounds[name]
			cut.Lines = slices.Clone(cut.Lines[w.random.IntN(len(cut.Lines)+1):])
			w.rounds[name] = &cut
			w.index.PutRound(&cut)
		}
	case 3:
		if name := pick(w, w.rounds); name != "" {
			delete(w.rounds, name)
			w.index.RemoveRound(name)
		}
	case 4, 5, 6, 7:
		w.addPod()
	case 8:
		if uid := pick(w, w.pods); uid != "" && w.bound[uid] == "" && w.random.IntN(3) == 0 {
			w.bind(uid, w.node()) // somebody else did it
		}
	case 9, 10:
		w.obey()
	case 11:
		if uid := pick(w, w.pods); uid != "" {
			delete(w.pods, uid)
			delete(w.bound, uid)
			w.index.RemovePod(uid)
		}
	}
}

func (w *world) addPod() {
	pod := pending(w.t, w.key(), w.podName(), w.random.IntN(4)-1)
	for _, other := range w.pods {
		if other.Name == pod.Name {
			return // the API would refuse it
		}
	}
	pod.UID, pod.CreatedAt = fmt.Sprintf("uid-%d", w.counter), w.counter
	if w.random.IntN(6) == 0 {
		pod.Request.Accelerators = []Amount{{"nvidia.com/gpu", 8}}
	}
	w.pods[pod.UID] = pod
	w.index.PutPod(pod, "")
}

// obey does what the scheduler does, and fails sometimes.
func (w *world) obey() {
	uid := pick(w, w.pods)
	verdict := w.index.Find(uid)
	if uid == "" || verdict.Wait != Go || w.bound[uid] != "" {
		return
	}
	if !w.index.Commit(uid, verdict.Node) {
		w.t.Errorf("%s: no place on %s", uid, verdict.Node)
	}
	if w.random.IntN(4) == 0 {
		w.index.Release(uid)
		return
	}
	w.bind(uid, verdict.Node)
}

func (w *world) bind(uid, node string) {
	w.bound[uid] = node
	w.index.PutPod(w.pods[uid], node)
}

// restarted tells the same facts to a new index in another order.
func (w *world) restarted() *Index {
	fresh := NewIndex()
	var tell []func()
	for _, round := range w.rounds {
		tell = append(tell, func() { fresh.PutRound(round) })
	}
	for uid, pod := range w.pods {
		tell = append(tell, func() { fresh.PutPod(pod, w.bound[uid]) })
	}
	slices.SortFunc(tell, func(_, _ func()) int { return w.random.IntN(3) - 1 })
	for _, each := range tell {
		each()
	}
	fresh.Open()
	return fresh
}

func TestAnIndexThatHasJustStartedAgreesWithOneThatSawEverything(t *testing.T) {
	for seed := range uint64(200) {
		w := newWorld(t, seed)
		for range 120 {
			w.step()
			checkSeats(t, w.index)
			w.compare(w.restarted())
			if t.Failed() {
				t.Fatalf("seed %d, step %d", seed, w.counter)
			}
		}
	}
}

// compare takes the epoch into account: a fresh index cannot know of a higher one
// whose Rounds are all gone, and need not.
func (w *world) compare(fresh *Index) {
	old, new := w.index.Counts(), fresh.Counts()
	if old.Epoch != new.Epoch {
		return
	}
	if old.Outstanding != new.Outstanding || len(w.index.rounds) != len(fresh.rounds) {

		w.t.Errorf("counts %+v, after a restart %+v", old, new)
	}
	going := map[Key]int{}
	for uid, pod := range w.pods {
		if w.bound[uid] != "" {
			continue
		}
		before, after := w.index.Find(uid), fresh.Find(uid)
		if w.hasOwnPlace(uid) && before != after {
			w.t.Errorf("%s: %+v, after a restart %+v", uid, before, after)
		}
		if before.Wait == Go {
			going[pod.Key]++
		}
		if after.Wait == Go {
			going[pod.Key]--
		}
	}
	for key, difference := range going {
		if difference != 0 {
			w.t.Errorf("%s: %+d pods go that wait after a restart", key, difference)
		}
	}
}

// hasOwnPlace says whether Rounds name the pod, or its rank and no other pod of
// that rank waits: of several, the one that has the place keeps it.
func (w *world) hasOwnPlace(uid string) bool {
	asking := w.index.pods[uid]
	own := asking.workload.own(asking)
	for _, other := range asking.workload.pods {
		if other != asking && asking.workload.own(other) == own {
			return false
		}
	}
	return own != nil
}

// checkSeats checks what must always hold inside.
func checkSeats(t *testing.T, index *Index) {
	t.Helper()
	for key, workload := range index.workloads {
		held := map[*seat]*pod{}
		for _, pod := range workload.pods {
			standing := slices.Contains(workload.standing, pod)
			if standing == (pod.seat != nil) {
				t.Errorf("%s %s: standing %v with seat %v", key, pod.UID, standing, pod.seat)
			}
			if pod.seat == nil {
				continue
			}
			if pod.seat.holder != pod || held[pod.seat] != nil {
				t.Errorf("%s %s: its place belongs to another", key, pod.UID)
			}
			held[pod.seat] = pod
			if !pod.settled() && (pod.node != pod.seat.newest.Node || !pod.seat.newest.request.Admits(&pod.Request)) {
				t.Errorf("%s %s: sent to %s with a place on %s", key, pod.UID, pod.node, pod.seat.newest.Node)
			}
		}
		if !slices.IsSortedFunc(workload.free, func(a, b *seat) int { return a.newest.compare(b.newest) }) {
			t.Errorf("%s: free places out of order", key)
		}
		for _, seat := range workload.free {
			if seat.holder != nil {
				t.Errorf("%s: a free place has a holder", key)
			}
		}
		for _, pod := range workload.standing {
			if !pod.settled() && workload.reserved(pod, workload.free) != nil {
				t.Errorf("%s %s waits although there is a place for it", key, pod.UID)
			}
		}
	}
}

func TestManyAtOnceDoNotTearTheIndex(t *testing.T) {
	index := NewIndex()
	var group sync.WaitGroup
	for worker := range 4 {
		w := newWorld(t, uint64(worker))
		w.index = index
		w.counter = int64(worker) * 1_000_000
		group.Go(func() {
			for range 300 {
				w.counter++
				switch w.random.IntN(4) {
				case 0:
					round := &Round{Name: fmt.Sprintf("r-%d", w.random.IntN(4)), Epoch: 1, Number: w.counter, Lines: []Line{w.randomLine()}}
					index.PutRound(round)
				case 1:
					index.RemoveRound(fmt.Sprintf("r-%d", w.random.IntN(4)))
				case 2:
					w.addPod()
				case 3:
					if uid := pick(w, w.pods); uid != "" && index.Commit(uid, index.Find(uid).Node) {
						index.Release(uid)
					}
				}
				index.Counts()
			}
		})
		index.Open()
	}
	group.Wait()
	checkSeats(t, index)
}
