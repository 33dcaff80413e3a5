package packing

import (
	"errors"
	"math/bits"
	"math/rand"
	"slices"
	"testing"
)

// a100 is NVIDIA's A100: 1g, 1g with media engines, 1g with twice the memory, 2g, 3g, 4g, 7g. The ninth slice is the media engines.
func a100(t testing.TB) *Partition {
	t.Helper()
	var rows []Placement
	for profile, of := range []struct {
		size   int
		starts []int
		media  bool
	}{
		1: {1, []int{0, 1, 2, 3, 4, 5, 6}, false}, 2: {1, []int{0, 1, 2, 3, 4, 5, 6}, true}, 3: {2, []int{0, 2, 4, 6}, false},
		4: {2, []int{0, 2, 4}, false}, 5: {4, []int{0, 4}, false}, 6: {4, []int{0}, false}, 7: {8, []int{0}, true},
	} {
		for _, start := range of.starts {
			taken := uint16((1<<of.size - 1) << start)
			if of.media {
				taken |= 1 << 8
			}
			rows = append(rows, Placement{Profile: uint8(profile), Slices: taken})
		}
	}
	p, err := NewPartition(rows)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cut calls with every way of cutting a card that has these slices free: all sets of placements that do not overlap.
func cut(rows []Placement, free uint16, chosen []Placement, found func([]Placement)) {
	if len(rows) == 0 {
		found(chosen)
		return
	}
	cut(rows[1:], free, chosen, found)
	if rows[0].Slices&^free == 0 {
		cut(rows[1:], free&^rows[0].Slices, append(slices.Clone(chosen), rows[0]), found)
	}
}

func TestAMIGCardCanBeCutInThePublishedWays(t *testing.T) {
	p := a100(t)
	maximal := make(map[string]bool)
	cut(slices.DeleteFunc(slices.Clone(p.rows), func(row Placement) bool { return row.Profile == 2 || row.Profile == 3 }), p.full, nil, func(way []Placement) {
		free, names := p.full, ""
		for _, row := range way {
			free &^= row.Slices
		}
		for _, row := range p.rows {
			if row.Profile != 2 && row.Profile != 3 && row.Slices&^free == 0 {
				return // one more would go
			}
		}
		slices.SortFunc(way, func(a, b Placement) int { return int(a.Slices&-a.Slices) - int(b.Slices&-b.Slices) })
		for _, row := range way {
			names += string('0' + rune(row.Profile))
		}
		maximal[names] = true
	})
	if len(maximal) != 19 { // as many as the user guide shows
		t.Errorf("%d ways: %v", len(maximal), maximal)
	}
}

// random is a partition of a few slices, and weights for its profiles.
func random(t *testing.T, draw *rand.Rand) (*Partition, [MaxProfile + 1]float64) {
	t.Helper()
	var rows []Placement
	var weights [MaxProfile + 1]float64
	for profile := range uint8(1 + draw.Intn(4)) {
		weights[profile+1] = float64(1 + draw.Intn(5))
		for range 1 + draw.Intn(3) {
			row := Placement{Profile: profile + 1, Slices: uint16(1 + draw.Intn(1<<6-1))}
			if !slices.Contains(rows, row) {
				rows = append(rows, row)
			}
		}
	}
	p, err := NewPartition(rows)
	if err != nil {
		t.Fatal(err)
	}
	return p, weights
}

func TestAllWaysOfCuttingAreCountedOnce(t *testing.T) {
	draw := rand.New(rand.NewSource(1))
	for range 200 {
		p, weights := random(t, draw)
		z := make([]float64, p.states())
		p.sum(z, &weights)
		state := draw.Intn(p.states()) & int(p.full)
		total := 0.0
		var held [MaxProfile + 1]float64
		cut(p.rows, uint16(state), nil, func(way []Placement) {
			weight := 1.0
			for _, row := range way {
				weight *= weights[row.Profile]
			}
			total += weight
			for _, row := range way {
				held[row.Profile] += weight
			}
		})
		if z[state] != total {
			t.Fatalf("%v in state %b: %g, not %g", p.rows, state, z[state], total)
		}
		cards := make([]float64, p.states())
		cards[state] = 3
		var instances [MaxProfile + 1]float64
		p.share(cards, z, &weights, &instances)
		for profile, got := range instances {
			if want := 3 * held[profile] / total; got < want-1e-9 || got > want+1e-9 {
				t.Fatalf("%v in state %b: %g instances of %d, not %g", p.rows, state, got, profile, want)
			}
		}
	}
}

func TestAPartitionThatCannotBeIsRefused(t *testing.T) {
	for name, rows := range map[string][]Placement{
		"no profile":     {{0, 1}},
		"nothing of it":  {{1, 0}},
		"beyond a card":  {{1, 1 << MaxSlices}},
		"the same twice": {{1, 3}, {2, 1}, {1, 3}},
		"a big profile":  {{MaxProfile + 1, 1}},
	} {
		if _, err := NewPartition(rows); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnInstanceGoesWhereMostIsLeftForWhatComes(t *testing.T) {
	p := a100(t)
	node := NewPartitionedNode(96000, anyMemory, 110, 2, 0, p)
	mix := []CardClass{{Shape{CPU: 1000, Cards: 1, Profile: 1}, 4}, {Shape{CPU: 1000, Cards: 1, Profile: 5}, 2}, {Shape{CPU: 1000, Cards: 1, Profile: 6}, 1}}
	c := NewCards([]Node{node}, []int32{0}, mix, 100)
	var taken []uint64
	profiles := []uint8{1, 1, 5, 1, 1, 5, 6} // two cards hold them all, and only if the first do not lie where they like
	for _, profile := range profiles {
		s := Shape{CPU: 1000, Memory: 1, Cards: 1, Profile: profile}
		at, place := c.Best(&s)
		if at < 0 {
			t.Fatalf("there is no room for profile %d, %b and %b are free", profile, c.Nodes[0].Milli[0], c.Nodes[0].Milli[1])
		}
		taken = append(taken, c.Take(at, &s, place))
		before := c.Nodes[at]
		c.Vacate(at, &s, taken[len(taken)-1])
		if c.Occupy(at, &s, taken[len(taken)-1]); c.Nodes[at] != before {
			t.Errorf("node was %+v and is %+v", before, c.Nodes[at])
		}
		checkNodes(t, c)
	}
	for i, cards := range taken {
		s := Shape{CPU: 1000, Memory: 1, Cards: 1, Profile: profiles[i]}
		if err := c.Give(0, s, cards); err != nil {
			t.Fatal(err)
		}
		if err := c.Give(0, s, cards); !errors.Is(err, ErrValue) {
			t.Errorf("given twice: %v", err)
		}
	}
	if c.Nodes[0] != node {
		t.Errorf("%+v", c.Nodes[0])
	}
}

func TestAnInstanceThatFitsSomewhereIsNeverRefused(t *testing.T) {
	p := a100(t)
	draw := rand.New(rand.NewSource(2))
	nodes := []Node{NewPartitionedNode(96000, anyMemory, 1000, 4, 0, p), NewNode(96000, anyMemory, 1000, 8, 1), NewPartitionedNode(96000, anyMemory, 1000, 8, 0, p)}
	c := NewCards(nodes, []int32{0, 1, 2}, nil, 10)
	type held struct {
		node  int
		shape Shape
		cards uint64
	}
	var all []held
	for range 3000 {
		s := Shape{CPU: 100, Memory: 1, Cards: 1, Profile: uint8(1 + draw.Intn(7))}
		if draw.Intn(8) == 0 {
			s = Shape{CPU: 100, Memory: 1, Cards: 1, Milli: int64(1 + draw.Intn(CardMilli))}
		}
		fits := slices.ContainsFunc(c.Nodes, func(n Node) bool { return n.Fits(&s) })
		at, place := c.Best(&s)
		if fits != (at >= 0) {
			t.Fatalf("%+v fits: %t, goes to %d", s, fits, at)
		}
		if at >= 0 {
			before := c.Nodes[at].Free
			all = append(all, held{at, s, c.Take(at, &s, place)})
			if s.Profile > 0 && int(before-c.Nodes[at].Free) != bits.OnesCount64(all[len(all)-1].cards>>slicesBit) {
				t.Fatalf("%+v takes other slices than it is told", s)
			}
		}
		for len(all) > 0 && draw.Intn(3) > 0 {
			gone := draw.Intn(len(all))
			if err := c.Give(int64(all[gone].node), all[gone].shape, all[gone].cards); err != nil {
				t.Fatal(err)
			}
			all = slices.Delete(all, gone, gone+1)
		}
		checkNodes(t, c)
	}
}
