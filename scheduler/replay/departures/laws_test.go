package departures_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay"
	"commonpool.dev/scheduler/replay/departures"
	"commonpool.dev/scheduler/replay/policies"
)

const (
	nodeColumns = "sn,cpu_milli,memory_mib,gpu,model\n"
	podColumns  = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,creation_time,deletion_time\n"
)

func readTrace(nodes, pods string) *replay.Trace {
	trace, err := replay.Read(strings.NewReader(nodeColumns+nodes), strings.NewReader(podColumns+pods))
	if err != nil {
		panic(err)
	}
	return trace
}

// draw is a made-up recording in which everything occurs, more at once than there is room for.
func draw(seed int64) *replay.Trace {
	random := rand.New(rand.NewSource(seed))
	nodes, pods := "", ""
	for i := range 4 + random.Intn(4) {
		nodes += fmt.Sprintf("node-%d,%d,%d,%d,%s\n", i, 8000+8000*random.Intn(4), 16+random.Intn(64), []int{2, 4, 8}[random.Intn(3)], []string{"A", "B"}[i%2])
	}
	for i := range 60 + random.Intn(60) {
		cards, milli := []int{0, 1, 1, 1, 2, 4, 8}[random.Intn(7)], 1000
		if cards == 1 && random.Intn(2) == 0 {
			milli = 100 + 10*random.Intn(90)
		}
		came, stayed := random.Intn(20000), random.Intn(3000)
		if random.Intn(8) == 0 {
			stayed = random.Intn(15000)
		}
		if random.Intn(30) == 0 {
			stayed = 0
		}
		pods += fmt.Sprintf("pod-%03d,%d,%d,%d,%d,%s,%d,%d\n", i, 100+random.Intn(5000), random.Intn(12), cards, milli, []string{"", "", "A|B", "B"}[random.Intn(4)], came, came+stayed)
	}
	return readTrace(nodes, pods)
}

var rules = departures.Rules{Period: 300, Pause: 60, Rest: 600, Pods: 6, Heads: 4, Tries: 3}

func settings() (all []departures.Setting) {
	for _, name := range []string{"FGD", "commonpool", "Random", "GpuClustering", "commonpool-learning"} {
		policy, err := policies.Find(name)
		if err != nil {
			panic(err)
		}
		for _, queue := range []departures.Discipline{departures.Skip, departures.Strict} {
			for _, moves := range []*departures.Rules{nil, &rules} {
				all = append(all, departures.Setting{Policy: policy, Seed: 7, Queue: queue, Moves: moves, Samples: 20})
			}
		}
	}
	return all
}

// history is what a replay was seen to do.
type history struct {
	*departures.Offer
	setting departures.Setting
	result  *departures.Result
	stays   [][]departures.Stay // of each arrival
}

func run(o *departures.Offer, mix []replay.Class, setting departures.Setting) history {
	h := history{Offer: o, setting: setting, stays: make([][]departures.Stay, len(o.Arrivals))}
	setting.Watch = func(s departures.Stay) { h.stays[s.Arrival] = append(h.stays[s.Arrival], s) }
	h.result = o.Replay(mix, setting)
	return h
}

func (h *history) shape(arrival int) *packing.Shape { return &h.Pods[h.Arrivals[arrival].Pod].Shape }

// at is what is free at an instant, once everything has happened.
func (h *history) at(instant int64) []packing.Node {
	nodes := slices.Clone(h.Nodes)
	for arrival, stays := range h.stays {
		for _, s := range stays {
			if s.From <= instant && instant < s.To {
				nodes[s.Node].Occupy(h.shape(arrival), s.Cards)
			}
		}
	}
	return nodes
}

// histories are replays of made-up recordings, by name.
var histories = sync.OnceValue(func() map[string]history {
	all := make(map[string]history)
	seeds := int64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		trace := draw(seed)
		recorded, err := departures.NewRecorded(trace, seed)
		overlay, overlayErr := departures.NewOverlay(trace, seed, 120, 1)
		if err = errors.Join(err, overlayErr); err != nil {
			panic(err)
		}
		for _, offer := range []*departures.Offer{recorded, overlay} {
			for _, setting := range settings() {
				name := fmt.Sprintf("%d-%s-%s-%d-%v", seed, setting.Policy.Name, setting.Queue, offer.Copies, setting.Moves != nil)
				all[name] = run(offer, trace.Mix(), setting)
			}
		}
	}
	return all
})

func eachHistory(t *testing.T, check func(t *testing.T, h history)) {
	t.Helper()
	for name, h := range histories() {
		t.Run(name, func(t *testing.T) { check(t, h) })
	}
}

func TestNoNodeEverHoldsMoreThanItHas(t *testing.T) {
	moves := 0
	eachHistory(t, func(t *testing.T, h history) {
		moves += h.result.Moves
		for _, stays := range h.stays {
			for _, s := range stays {
				for i, n := range h.at(s.From) {
					if n.CPU < 0 || n.Memory < 0 || n.Pods < 0 || slices.Min(n.Milli[:]) < 0 {
						t.Fatalf("node %d at %d: %+v", i, s.From, n)
					}
				}
			}
		}
	})
	if moves == 0 {
		t.Error("nobody was ever moved")
	}
}

func TestEveryPodRunsForItsTimeOnCardsThatSuitIt(t *testing.T) {
	eachHistory(t, func(t *testing.T, h history) {
		for arrival, stays := range h.stays {
			if len(stays) == 0 {
				continue
			}
			asked, moves := h.Arrivals[arrival], len(stays)-1
			pauses := int64(moves) * rules.Pause
			held := stays[moves].To - stays[0].From
			switch {
			case stays[0].From < asked.At:
				t.Errorf("arrival %d began at %d, before %d", arrival, stays[0].From, asked.At)
			case held > asked.Seconds+pauses, held < asked.Seconds+pauses && stays[moves].To != h.Seconds:
				t.Errorf("arrival %d wanted %d seconds and was there for %d, moved %d times", arrival, asked.Seconds, held, moves)
			}
			empty := slices.Clone(h.Nodes)
			for i, s := range stays {
				if shape := h.shape(arrival); !empty[s.Node].Fits(shape) || !suits(&empty[s.Node], shape, s.Cards) {
					t.Errorf("arrival %d, %+v, was on cards %b of %+v", arrival, *shape, s.Cards, empty[s.Node])
				}
				if i > 0 && s.From != stays[i-1].To {
					t.Errorf("arrival %d was nowhere from %d to %d", arrival, stays[i-1].To, s.From)
				}
			}
		}
	})
}

// suits says whether the cards are as many as wanted, and the node has them.
func suits(n *packing.Node, s *packing.Shape, cards uint64) bool {
	wanted := int64(0)
	for i := range n.Milli[:n.Cards] {
		wanted += int64(cards >> i & 1)
	}
	return wanted == s.Cards && cards>>n.Cards == 0
}

func TestNobodyWaitsWhoWouldFitUnlessHeMayNotPassOthers(t *testing.T) {
	eachHistory(t, func(t *testing.T, h history) {
		for _, instant := range h.instants() {
			nodes := h.at(instant)
			for arrival := range h.stays {
				if h.Arrivals[arrival].At > instant || h.start(arrival) <= instant {
					continue
				}
				if shape := h.shape(arrival); slices.ContainsFunc(nodes, func(n packing.Node) bool { return n.Fits(shape) }) {
					t.Fatalf("arrival %d waits at %d and fits", arrival, instant)
				}
				if h.setting.Queue == departures.Strict {
					break // those behind wait for the first
				}
			}
		}
	})
}

// instants are those at which anything changed.
func (h *history) instants() (all []int64) {
	for arrival, stays := range h.stays {
		all = append(all, h.Arrivals[arrival].At)
		for _, s := range stays {
			all = append(all, s.From, s.To)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:slices.Index(append(all, h.Seconds), h.Seconds)]
}

func TestWhatIsMovedIsBounded(t *testing.T) {
	eachHistory(t, func(t *testing.T, h history) {
		moved, milli, started := make(map[int64]int), make(map[int64]int64), make(map[int64]int64)
		for arrival, stays := range h.stays {
			if start := h.start(arrival); start > h.Arrivals[arrival].At {
				started[start] += h.shape(arrival).Accelerators()
			}
			for i := 1; i < len(stays); i++ {
				at := stays[i].From
				moved[at]++
				milli[at] += h.shape(arrival).Accelerators()
				if at%rules.Period != 0 || at-stays[i-1].From < rules.Rest {
					t.Errorf("arrival %d was moved at %d, after %d seconds", arrival, at, at-stays[i-1].From)
				}
			}
		}
		for at, pods := range moved {
			if pods > rules.Pods || milli[at] > started[at] {
				t.Errorf("at %d %d pods of %d milli were moved for %d milli", at, pods, milli[at], started[at])
			}
		}
	})
}

// start is when an arrival began; never is after everything.
func (h *history) start(arrival int) int64 {
	if len(h.stays[arrival]) == 0 {
		return math.MaxInt64
	}
	return h.stays[arrival][0].From
}

func TestAStrictQueueIsLeftInTheOrderOfArrival(t *testing.T) {
	eachHistory(t, func(t *testing.T, h history) {
		if h.setting.Queue == departures.Skip {
			return
		}
		last := int64(0)
		for arrival := range h.stays {
			if start := h.start(arrival); start < last {
				t.Errorf("arrival %d began at %d, one before it at %d", arrival, start, last)
			} else {
				last = start
			}
		}
	})
}

func TestWhatIsToldIsWhatWasSeen(t *testing.T) {
	eachHistory(t, func(t *testing.T, h history) {
		served, offered, waited, held, paused := int64(0), int64(0), int64(0), int64(0), int64(0)
		moves, started := 0, 0
		var waits []int64
		for arrival, stays := range h.stays {
			asked, milli := h.Arrivals[arrival], h.shape(arrival).Accelerators()
			offered += milli * min(asked.Seconds, h.Seconds-asked.At)
			waits = append(waits, min(h.start(arrival), h.Seconds)-asked.At)
			waited += milli * waits[arrival]
			for i, s := range stays {
				pause := int64(0)
				if i > 0 {
					pause = min(rules.Pause, s.To-s.From)
				}
				served += milli * (s.To - s.From - pause)
				paused += milli * pause
				held += milli * (s.To - s.From)
			}
			started += min(len(stays), 1)
			moves += max(len(stays)-1, 0)
		}
		slices.Sort(waits)
		idle, last, free, wanted := int64(0), int64(0), h.Capacity, int64(0)
		for _, instant := range append(h.instants(), h.Seconds) {
			idle += min(free, wanted) * (instant - last)
			last, free, wanted = instant, 0, 0
			for _, n := range h.at(instant) {
				free += int64(n.Free)
			}
			for arrival := range h.stays {
				if h.Arrivals[arrival].At <= instant && instant < h.start(arrival) {
					wanted += h.shape(arrival).Accelerators()
				}
			}
		}
		r := h.result
		for what, pair := range map[string][2]float64{
			"served":    {r.ServedHours * 3.6e6, float64(served)},
			"offered":   {r.OfferedHours * 3.6e6, float64(offered)},
			"idle":      {r.IdleHours * 3.6e6, float64(idle)},
			"waited":    {r.WaitedHours * 3.6e6, float64(waited)},
			"paused":    {r.PausedHours * 3.6e6, float64(paused)},
			"allocated": {r.AllocatedPercent / 100 * float64(h.Capacity) * float64(h.Seconds), float64(held)},
			"longest":   {float64(r.Wait.Longest), float64(waits[len(waits)-1])},
			"moves":     {float64(r.Moves), float64(moves)},
			"started":   {float64(r.StartedPods), float64(started)},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-6*max(1, pair[1]) {
				t.Errorf("%s: told %f, seen %f", what, pair[0], pair[1])
			}
		}
		if served > offered || h.setting.Moves == nil && moves > 0 || len(r.Series) != 20 {
			t.Errorf("%+v cannot be", r)
		}
	})
}

func TestTheSameAgainIsTheSame(t *testing.T) {
	trace := draw(3)
	offer, err := departures.NewOverlay(trace, 3, 120, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range settings() {
		if first, second := offer.Replay(trace.Mix(), setting), offer.Replay(trace.Mix(), setting); !reflect.DeepEqual(first, second) {
			t.Errorf("%s: %+v and %+v", setting.Policy.Name, first, second)
		}
	}
}
