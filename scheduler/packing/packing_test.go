package packing

import (
	"errors"
	"math"
	"slices"
	"testing"
)

var (
	wholeNode = []int64{8000, 64000, 64, 10}
	halfNode  = []int64{4000, 64000, 64, 10}
)

func fleetOf(nodes ...[]int64) Fleet {
	free := slices.Concat(nodes...)
	return Fleet{Free: free, Capacity: free}
}

func upTo(n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i)
	}
	return all
}

func selectAll(t testing.TB, p *Packing) int64 {
	site, err := p.Select(upTo(len(p.slots)))
	if err != nil {
		t.Fatal(err)
	}
	return int64(site)
}

func TestPlace(t *testing.T) {
	blocks := fleetOf(wholeNode, wholeNode, halfNode, wholeNode, halfNode, halfNode)
	blocks.Levels, blocks.Domains = 1, []int64{0, 0, 1, 1, 2, 2}
	outside := fleetOf(wholeNode, wholeNode)
	outside.Levels, outside.Domains = 1, []int64{-1, -1}
	mixed := fleetOf(wholeNode, []int64{7000, 64000, 64, 10})
	mixed.Classes = []int64{8000, 8000, 8, 1, 1}
	four := Amounts{4000, 1000, 1, 1}
	tests := []struct {
		name  string
		fleet Fleet
		gang  Gang
		nodes []int64
		fits  int64
	}{
		{"the fullest node wins where there is no mix", fleetOf(wholeNode, halfNode), PlainGang(four, 1, 1, Anywhere), []int64{1}, 1},
		{"a small pod spares the node that a large one needs", mixed, PlainGang(Amounts{1000, 1000, 1, 1}, 1, 1, Anywhere), []int64{1}, 1},
		{"a gang goes to the fullest domain that takes it whole", blocks, PlainGang(four, 3, 3, 0), []int64{2, 3, 3}, 3},
		{"a gang that fits nowhere is told how much would", blocks, PlainGang(four, 5, 9, 0), nil, 4},
		{"an elastic gang takes what there is", blocks, PlainGang(four, 1, 9, 0), []int64{0, 0, 1, 1}, 4},
		{"nodes in no domain take part only anywhere", outside, PlainGang(four, 0, 1, 0), nil, 0},
		{"an empty fleet fits nothing", Fleet{}, PlainGang(four, 0, 1, Anywhere), nil, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Open(test.fleet)
			if err != nil {
				t.Fatal(err)
			}
			out := make([]int64, test.gang.Count)
			placed, fits, err := p.Place(test.gang, selectAll(t, p), out)
			if err != nil || fits != test.fits || !slices.Equal(out[:placed], test.nodes) {
				t.Fatalf("got %v, fits %d, error %v", out[:placed], fits, err)
			}
		})
	}
}

func TestARefusedCallChangesNothing(t *testing.T) {
	p, err := Open(fleetOf(wholeNode))
	if err != nil {
		t.Fatal(err)
	}
	pod := Amounts{GPU: 1000, Pods: 1}
	site := selectAll(t, p)
	if _, _, err := p.Place(PlainGang(pod, 1, 4, Anywhere), site, make([]int64, 3)); !errors.Is(err, ErrLength) {
		t.Errorf("room for three of four: %v", err)
	}
	if _, _, err := p.Place(PlainGang(pod, 1, 1, Anywhere), site+1, make([]int64, 1)); !errors.Is(err, ErrValue) {
		t.Errorf("a site that is not there: %v", err)
	}
	if _, err := p.Select([]int64{1}); !errors.Is(err, ErrValue) {
		t.Errorf("a node outside: %v", err)
	}
	if err := p.Add(0, Amounts{Memory: MaxAmount}); !errors.Is(err, ErrOverflow) {
		t.Errorf("more memory than the limit: %v", err)
	}
	if free := p.states.slots[p.slots[0]].free; free != Amounts(wholeNode) {
		t.Errorf("free is %v", free)
	}
}

func TestAStateThatNoNodeIsInIsUsedAgain(t *testing.T) {
	p, err := Open(fleetOf(wholeNode, wholeNode))
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(1000) {
		if err := p.Add(i%2, Amounts{CPU: -1 - i%7}); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.states.slots) > 3 || len(p.states.index) > 2 {
		t.Errorf("%d slots and %d states for 2 nodes", len(p.states.slots), len(p.states.index))
	}
}

func TestWhatAPodMakesANodeLose(t *testing.T) {
	roomy, lean := Amounts{8000, 128000, 64, 10}, Amounts{8000, 48000, 64, 10}
	ones := []Class{{Amounts{1000, 4000, 1, 1}, 5}, {Amounts{1000, 16000, 1, 1}, 5}}
	p := learnPrices([]Amounts{roomy, lean}, ones)
	loses := func(free, pod Amounts) int64 { return p.worth(free) - p.worth(free.minus(pod)) }
	small, large := ones[0].Shape, ones[1].Shape
	if loses(lean, small) >= loses(roomy, small) {
		t.Error("a pod that needs few processors goes where there are few")
	}
	if loses(roomy, large) >= loses(lean, large) {
		t.Error("a pod that needs many goes where there are many")
	}
	broken := roomy.minus(small)
	if loses(broken, small) >= loses(roomy, small) {
		t.Error("a whole node is worth more than its accelerators")
	}
	if lost := loses(lean, Amounts{CPU: 16000, Pods: 1}); lost <= 0 {
		t.Errorf("a pod without accelerators can cost them too, and costs %d", lost)
	}
}

func TestAmountsThatSufficeHaveNoPrice(t *testing.T) {
	p := learnPrices([]Amounts{{8000, 64000, 64, 10}}, []Class{{Amounts{1000, 8000, 1, 1}, 2}, {Amounts{2000, 0, 0, 1}, 1}})
	if len(p.tariffs) != 0 {
		t.Errorf("%d amounts have a price", len(p.tariffs))
	}
}

func TestNumbersBeyondTheLimitsDoNotPanic(t *testing.T) {
	wild := Amounts{math.MaxInt64, math.MaxInt64, math.MinInt64, -1}
	for _, free := range []Amounts{wild, {math.MinInt64}, {math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}} {
		p := learnPrices([]Amounts{{MaxGPU, 1}, {1, MaxAmount, MaxAmount}}, []Class{{Amounts{1, MaxAmount, 1}, 1}, {Amounts{MaxGPU}, MaxTotalWeight - 1}})
		p.worth(free)
		p.worth(free.minus(wild))
	}
}

func BenchmarkPlace(b *testing.B) {
	const nodes = 5000
	f := Fleet{Levels: 1, Classes: []int64{1000, 8000, 8, 1, 3, 8000, 64000, 64, 1, 5}}
	for node := range int64(nodes) {
		f.Free = append(f.Free, 8000, 64000+node%50, 64, 110)
		f.Domains = append(f.Domains, node/16)
	}
	f.Capacity = f.Free
	p, err := Open(f)
	if err != nil {
		b.Fatal(err)
	}
	all, out, gang := selectAll(b, p), make([]int64, 8), PlainGang(Amounts{2000, 8000, 8, 1}, 8, 8, 0)
	for b.Loop() {
		placed, _, err := p.Place(gang, all, out)
		if err != nil || placed != 8 {
			b.Fatal(placed, err)
		}
		for _, node := range out {
			if err := p.Add(node, gang.Pod); err != nil {
				b.Fatal(err)
			}
		}
	}
}
