package departures_test

import (
	"errors"
	"testing"

	"commonpool.dev/scheduler/packing"
	"commonpool.dev/scheduler/replay/departures"
	"commonpool.dev/scheduler/replay/policies"
)

const twoPairs = "a,64000,100,2,X\nb,64000,100,2,X\n"

func replayed(t *testing.T, nodes, pods string, setting departures.Setting) history {
	t.Helper()
	trace := readTrace(nodes, pods)
	offer, err := departures.NewRecorded(trace, 1)
	if err != nil {
		t.Fatal(err)
	}
	if setting.Policy, err = policies.Find("BestFit"); err != nil {
		t.Fatal(err)
	}
	setting.Samples = 1
	return run(offer, trace.Mix(), setting)
}

// scattered leaves one card free on both nodes at second 100; then one comes that wants two, and one that wants one.
const scattered = `p1,1000,1,1,1000,,0,5000
p2,1000,1,1,1000,,0,100
p3,1000,1,1,1000,,0,100
p4,1000,1,1,1000,,0,5000
p5,1000,1,2,1000,,200,1200
p6,1000,1,1,1000,,300,400
end,1000,1,0,0,,9999,10000
`

func TestWhoDoesNotFitIsPassedOver(t *testing.T) {
	const pods = `p1,1,1,2,1000,,0,1000
p2,1,1,1,1000,,0,3000
p3,1,1,2,1000,,100,600
p4,1,1,1,1000,,200,300
end,1,1,0,0,,9999,10000
`
	h := replayed(t, twoPairs, pods, departures.Setting{Queue: departures.Skip})
	for arrival, start := range []int64{0, 0, 1000, 200} {
		if h.start(arrival) != start {
			t.Errorf("arrival %d began at %d instead of %d", arrival, h.start(arrival), start)
		}
	}
	strict := replayed(t, twoPairs, pods, departures.Setting{Queue: departures.Strict})
	if start := strict.start(3); start != 1000 {
		t.Errorf("the last began at %d, before who had come earlier", start)
	}
	if h.result.Wait.Longest != 900 || h.result.MultiWait != (departures.Waits{P50: 0, P99: 900, Longest: 900}) || h.result.WaitedHours != 0.5 {
		t.Errorf("waits are %+v, and %+v of several cards: %f hours", h.result.Wait, h.result.MultiWait, h.result.WaitedHours)
	}
}

func TestOneIsMovedSoThatOneThatWantsTwoCanStart(t *testing.T) {
	// The policy fills one node first, so that those that leave must be one of each: p1 and p2 share a node, p3 and p4 the other.
	h := replayed(t, twoPairs, scattered, departures.Setting{Queue: departures.Skip})
	if h.start(4) != 5000 {
		t.Fatalf("without moves it begins at %d", h.start(4))
	}
	h = replayed(t, twoPairs, scattered, departures.Setting{Queue: departures.Skip, Moves: &departures.Rules{Period: 250, Pause: 60, Rest: 60, Pods: 1, Heads: 1, Tries: 1}})
	if h.start(4) != 250 || h.result.Moves != 1 || h.result.PausedHours != 60.0/3600 {
		t.Errorf("with moves it begins at %d: %+v", h.start(4), h.result)
	}
	moved := h.stays[0]
	if len(moved) == 1 {
		moved = h.stays[3]
	}
	if len(moved) != 2 || moved[0].To != 250 || moved[1].To != 5060 {
		t.Errorf("who was moved was there %+v", moved)
	}
}

func TestNobodyIsMovedBeyondTheRules(t *testing.T) {
	for name, moves := range map[string]departures.Rules{
		"came lately":          {Period: 250, Pause: 60, Rest: 6000, Pods: 8, Heads: 8, Tries: 8},
		"none may be moved":    {Period: 250, Pause: 60, Rest: 60, Pods: 0, Heads: 8, Tries: 8},
		"nobody is looked at":  {Period: 250, Pause: 60, Rest: 60, Pods: 8, Heads: 0, Tries: 8},
		"no node may be tried": {Period: 250, Pause: 60, Rest: 60, Pods: 8, Heads: 8, Tries: 0},
	} {
		if h := replayed(t, twoPairs, scattered, departures.Setting{Queue: departures.Skip, Moves: &moves}); h.result.Moves != 0 {
			t.Errorf("%s: %d moves", name, h.result.Moves)
		}
	}
}

func TestNoMoreIsMovedForAPodThanItWants(t *testing.T) {
	// The last but one needs all processors of the first node, on which two others are: they would fit elsewhere by then.
	const nodes = "a,2000,100,1,X\nb,1000,100,1,X\nc,1000,100,1,X\n"
	for milli, moves := range map[string]int{"600": 2, "599": 0} {
		pods := "p1,1000,1,1,1000,,0,100\np2,1000,1,1,1000,,0,100\np3,1000,1,1,300,,10,5000\np4,1000,1,1,300,,10,5000\n" +
			"p5,2000,1,1," + milli + ",,200,1200\nend,1,1,0,0,,9999,10000\n"
		h := replayed(t, nodes, pods, departures.Setting{Queue: departures.Skip, Moves: &rules})
		if h.result.Moves != moves {
			t.Errorf("%d moves for %s milli", h.result.Moves, milli)
		}
	}
}

func TestCopiesOfTheRecordingAskForAsMuchAsIsWanted(t *testing.T) {
	trace := draw(5)
	for _, load := range []int{80, 95, 110} {
		offer, err := departures.NewOverlay(trace, 42, load, 1)
		if err != nil {
			t.Fatal(err)
		}
		one, all := int64(0), int64(0)
		for i := range trace.Pods {
			p := &trace.Pods[i]
			one += p.Shape.Accelerators() * (p.DeletedAt - p.CreatedAt)
		}
		last := int64(0)
		for _, a := range offer.Arrivals {
			all += trace.Pods[a.Pod].Shape.Accelerators() * min(a.Seconds, offer.Seconds-a.At)
			if a.At < last {
				t.Errorf("one comes at %d, after %d", a.At, last)
			}
			last = a.At
		}
		if all != int64(offer.Copies)*one || offer.Unservable > 0 {
			t.Errorf("%d copies of %d ask for %d", offer.Copies, one, all)
		}
		if off := float64(all)/float64(offer.Capacity*offer.Seconds)*100 - float64(load); off*off > float64(one*one)/float64(offer.Capacity*offer.Seconds)*100 {
			t.Errorf("at %d %% it is %f more", load, off)
		}
	}
}

func TestWhatFitsOnNoneOfTheNodesDoesNotCome(t *testing.T) {
	trace := readTrace(twoPairs, "p,1,1,1,1000,,0,100\nlarge,1,1,8,1000,,0,100\nelsewhere,1,1,1,500,Y,0,100\n")
	offer, err := departures.NewRecorded(trace, 1)
	if err != nil || offer.Unservable != 2 || len(offer.Arrivals) != 1 {
		t.Errorf("%d of %+v do not come: %v", offer.Unservable, offer.Arrivals, err)
	}
}

func TestASampleHasItsShareOfEachKindOfNode(t *testing.T) {
	nodes := ""
	for range 6 {
		nodes += "a,64000,100,2,X\nb,32000,100,4,Y\n"
	}
	for seed := range int64(6) {
		offer, err := departures.NewOverlay(readTrace(nodes, "p,1,1,1,1000,,0,100\n"), seed, 100, 3)
		if err != nil {
			t.Fatal(err)
		}
		kinds := make(map[packing.Node]int)
		for _, node := range offer.Nodes {
			kinds[node]++
		}
		if len(kinds) != 2 || len(offer.Nodes) != 4 || offer.Capacity != 12000 {
			t.Errorf("seed %d: %v", seed, kinds)
		}
	}
}

func TestAListWithoutTimesIsRefused(t *testing.T) {
	for _, pods := range []string{"p,1,1,1,1000,,5,5\n", "p,1,1,0,0,,0,5\nq,1,1,1,1000,,5,5\n"} {
		if _, err := departures.NewOverlay(readTrace(twoPairs, pods), 1, 80, 1); !errors.Is(err, departures.ErrNoTimes) {
			t.Errorf("%q: %v", pods, err)
		}
	}
}

func TestDefaultRulesPauseNobodyTwiceAtOnce(t *testing.T) {
	if r := departures.DefaultRules; r.Pause <= 0 || r.Rest < r.Pause {
		t.Errorf("%+v", r)
	}
}
