package instances

import (
	"math/bits"
	"testing"

	"commonpool.dev/scheduler/packing"
)

// strict is a board whose answers are checked.
type strict struct {
	board
	t     *testing.T
	nodes []packing.Node
}

func (s strict) best(shape *packing.Shape) (node, place int) {
	node, place = s.board.best(shape)
	for i := range s.nodes {
		if fits := s.nodes[i].Fits(shape); fits && node < 0 || i == node && !fits {
			s.t.Fatalf("%+v goes to %d, on node %d it fits: %t", shape, node, i, fits)
		}
	}
	return node, place
}

func (s strict) take(node int, shape *packing.Shape, place int) (cards uint64) {
	s.nodes[node].Take(shape, place)
	return s.board.take(node, shape, place)
}

func (s strict) give(node int, shape packing.Shape, cards uint64) {
	s.nodes[node].Give(&shape, cards)
	s.board.give(node, shape, cards)
}

func TestAnInstanceThatFitsSomewhereIsNeverRefusedByAnyPolicy(t *testing.T) {
	for _, policy := range Policies {
		checked := Policy{policy.Name, func(nodes []packing.Node, mix []packing.CardClass) board {
			return strict{policy.open(append([]packing.Node(nil), nodes...), mix), t, nodes}
		}}
		for _, departs := range []bool{false, true} {
			load := Load{Mix: "uniform", Nodes: 1, Percent: 130, Departs: departs, Seed: 7}
			result, err := load.Run(checked)
			if err != nil || result.Placed == 0 || result.Placed == result.Pods || result.AllocatedPercent > 100 || result.ComputePercent > 100 {
				t.Errorf("%s: %+v, %v", policy.Name, result, err)
			}
		}
	}
}

func TestOursFindsRoomForMore(t *testing.T) {
	for _, mix := range Mixes() {
		for _, departs := range []bool{false, true} {
			sums := make(map[string]float64)
			for seed := range int64(3) {
				for _, policy := range Policies {
					load := Load{Mix: mix, Nodes: 4, Percent: 130, Departs: departs, Seed: seed}
					result, err := load.Run(policy)
					if err != nil {
						t.Fatal(err)
					}
					sums[policy.Name] += result.AllocatedPercent
				}
			}
			for _, name := range []string{"FirstFit", "BestFit", "MFI"} {
				if sums["commonpool"] < sums[name] {
					t.Errorf("%s, departures %t: %.2f of %s' %.2f", mix, departs, sums["commonpool"]/3, name, sums[name]/3)
				}
			}
		}
	}
}

func TestFragmentationIsWhatIsBlockedOfWhatWouldSuffice(t *testing.T) {
	p := (&Load{Nodes: 1}).nodes()[0].Partition
	if got := fragmentation(p, p.Full()); got != 0 {
		t.Errorf("an empty card: %d", got)
	}
	free := p.Full() &^ 0b0001_0001
	want := int64(2*1) + 2*2 + 2*2 + 2*4 + 4 // 1g at 0 and 4, 1g wide and 2g at 0 and 4, 3g at both places, 4g
	if got := fragmentation(p, free); got != want {
		t.Errorf("%b: %d, not %d", free, got, want)
	}
	if bits.OnesCount16(p.Full()) != 9 {
		t.Error("a card has eight slices of memory, and the media engines")
	}
}

func TestAStreamIsWhatItsSeedSays(t *testing.T) {
	for _, departs := range []bool{false, true} {
		load := Load{Mix: "small", Nodes: 2, Percent: 100, Departs: departs, Seed: 3}
		first, err := load.Run(Policies[3])
		second, again := load.Run(Policies[3])
		if first.PerSecond, second.PerSecond = 0, 0; first != second || err != nil || again != nil {
			t.Errorf("%+v and %+v", first, second)
		}
	}
	if _, err := (&Load{Mix: "none such", Nodes: 1}).Run(Policies[0]); err == nil {
		t.Error("a mix that is none is taken")
	}
	if _, err := Find("none such"); err == nil {
		t.Error("a policy that is none is found")
	}
}
