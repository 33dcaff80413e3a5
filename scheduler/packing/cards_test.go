package packing

import (
	"errors"
	"math"
	"math/bits"
	"slices"
	"testing"
)

const anyMemory = 1 << 30

// fleetOfCards is equal nodes with whole cards.
func fleetOfCards(nodes, cards int) CardFleet {
	f := CardFleet{Rounds: 20}
	for range nodes {
		f.Nodes = append(f.Nodes, 96000, anyMemory, 110, 0, int64(cards))
		f.Milli = append(f.Milli, slices.Repeat([]int64{CardMilli}, cards)...)
	}
	return f
}

func openCards(t testing.TB, f CardFleet) *Cards {
	t.Helper()
	c, err := OpenCards(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func place(t testing.TB, c *Cards, pods ...int64) (nodes, cards []int64) {
	t.Helper()
	nodes, cards = make([]int64, len(pods)/CardPodFields), make([]int64, len(pods)/CardPodFields)
	if _, err := c.PlaceAll(pods, nodes, cards); err != nil {
		t.Fatal(err)
	}
	return nodes, cards
}

func TestTheWorthOfACardIsThatOfThePodsThatFillIt(t *testing.T) {
	f := fleetOfCards(1, 4)
	f.Classes = []int64{1000, 1, 1000, 0, 0, 50, 1000, 1, 700, 0, 0, 20, 1000, 1, 300, 0, 0, 20}
	c := openCards(t, f)
	_, cards := place(t, c, 1000, 1, 1, 700, 0, 0, 1000, 1, 1, 1000, 0, 0, 1000, 1, 1, 300, 0, 0)
	if !slices.Equal(cards, []int64{1, 2, 1}) {
		t.Errorf("cards are %v", cards)
	}
}

func TestWholeNodesAreSparedTheMoreTheFewerThereAre(t *testing.T) {
	v := &Value{bonus: 1}
	for _, test := range []struct {
		left, all int
		bonus     int64
		changed   bool
	}{{100, 100, 1, false}, {16, 100, 1, false}, {15, 100, fewTimes, true}, {8, 100, fewTimes, false}, {7, 100, fewerTimes, true}, {16, 100, 1, true}} {
		if changed := v.tell(test.left, test.all); changed != test.changed || v.bonus != test.bonus {
			t.Errorf("%d of %d left: %d times, changed %t", test.left, test.all, v.bonus, changed)
		}
	}
}

func TestScoresThatAreKeptAreThoseOfAFreshIndex(t *testing.T) {
	f := fleetOfCards(12, 8)
	f.Classes = []int64{11000, 1, 1000, 0, 0, 50, 4000, 1, 470, 0, 0, 30, 3000, 1, 810, 0, 0, 30, 80000, 8, 1000, 0, 0, 1}
	c := openCards(t, f)
	shapes := []Shape{{11000, 1, 1, 1000, 0, 0}, {4000, 1, 1, 470, 0, 0}, {3000, 1, 1, 810, 0, 0}, {500, 1, 0, 0, 0, 0}, {80000, 1, 8, 1000, 0, 0}}
	for i := range 200 {
		shape := &shapes[i*i%len(shapes)]
		node, card := c.Best(shape)
		fresh := NewIndex(c.Nodes, c.ranks, c.value)
		if other, otherCard := fresh.Best(shape); other != node || card != otherCard {
			t.Fatalf("pod %d goes to node %d, card %d; scored anew to %d, %d", i, node, card, other, otherCard)
		}
		if node < 0 {
			continue
		}
		taken := c.Take(node, shape, card)
		switch i % 4 {
		case 0:
			if err := c.Give(int64(node), *shape, taken); err != nil {
				t.Fatal(err)
			}
		case 1:
			c.Vacate(node, shape, taken)
		case 2: // who gives its cards away and takes them back has the same ones, though lower ones may be free by now
			before := c.Nodes[node]
			c.Vacate(node, shape, taken)
			c.Occupy(node, shape, taken)
			if c.Nodes[node] != before {
				t.Fatalf("node %d was %+v and is %+v", node, before, c.Nodes[node])
			}
		}
	}
}

func TestAWalkVisitsTheBestFirstAndAllThatFit(t *testing.T) {
	f := fleetOfCards(13, 4)
	f.Classes = []int64{11000, 1, 1000, 0, 0, 50, 4000, 1, 470, 0, 0, 30, 80000, 4, 1000, 0, 0, 1}
	c := openCards(t, f)
	shapes := []Shape{{11000, 1, 1, 1000, 0, 0}, {4000, 1, 1, 470, 0, 0}, {500, anyMemory, 0, 0, 0, 0}, {80000, 1, 4, 1000, 0, 0}}
	for i := range 60 {
		shape := &shapes[i*i%len(shapes)]
		best, card := c.Best(shape)
		var visited []int
		c.Walk(shape, func(node int) bool {
			visited = append(visited, node)
			return true
		})
		var fitting []int
		for node := range c.Nodes {
			if c.Nodes[node].Fits(shape) {
				fitting = append(fitting, node)
			}
		}
		slices.SortFunc(fitting, func(a, b int) int {
			first, _ := c.Rate(a, shape)
			second, _ := c.Rate(b, shape)
			switch {
			case first.Better(second):
				return -1
			case second.Better(first):
				return 1
			default:
				return int(c.Rank(a) - c.Rank(b))
			}
		})
		if !slices.Equal(visited, fitting) {
			t.Fatalf("visited %v, in order %v", visited, fitting)
		}
		if best >= 0 {
			if visited[0] != best {
				t.Fatalf("the best is %d, the first %d", best, visited[0])
			}
			c.Take(best, shape, card)
		}
	}
}

func TestPricesLearnedOnEmptyNodesHoldForOthers(t *testing.T) {
	f := fleetOfCards(6, 8)
	f.Classes = []int64{11000, 1, 1000, 0, 0, 50, 4000, 1, 470, 0, 0, 30, 80000, 8, 1000, 0, 0, 1}
	first := openCards(t, f)
	second := NewPricedCards(slices.Clone(first.Nodes), first.ranks, first.value)
	pod := Shape{CPU: 4000, Memory: 1, Cards: 1, Milli: 470}
	for range 30 {
		node, card := first.Best(&pod)
		if other, otherCard := second.Best(&pod); other != node || otherCard != card {
			t.Fatalf("%d and %d", node, other)
		}
		first.Take(node, &pod, card)
		second.Put(node, first.Nodes[node])
		checkNodes(t, second)
	}
	if !second.value.Knows(0) || second.value.Knows(1) {
		t.Error("the prices are of another model")
	}
}

func TestAnIndexForgetsRatherThanGrow(t *testing.T) {
	c := openCards(t, fleetOfCards(2, 8))
	pod := Shape{CPU: 1, Cards: 1, Milli: 10}
	for range maxLog + 10 {
		node, card := c.Best(&pod)
		if err := c.Give(int64(node), pod, c.Take(node, &pod, card)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.log) > maxLog {
		t.Errorf("%d changes are kept", len(c.log))
	}
	for cpu := range int64(100) {
		c.Best(&Shape{CPU: cpu})
	}
	if got := len(c.shapes) * len(c.Nodes); got > maxScores {
		t.Errorf("%d scores are kept", got)
	}
}

func TestAMixThatCannotBeServedStillGivesPrices(t *testing.T) {
	for name, classes := range map[string][]int64{
		"no mix":               nil,
		"processors only":      {1000, 0, 0, 0, 0, 5},
		"a model nobody has":   {1000, 1, 1000, 1 << 40, 0, 5},
		"more than any node":   {1 << 50, 16, 1000, 0, 0, 5},
		"a thousandth":         {0, 1, 1, 0, 0, 1},
		"everything at once":   {1 << 50, 1, 1, 1, 0, 1 << 28},
		"processors for free":  {0, 1, 999, 0, 0, 7, 0, 8, 1000, 0, 0, 1},
		"next to no demand":    {1000, 1, 1000, 0, 0, 1, 1000, 1, 500, 0, 0, 1<<28 - 1},
		"one of a scarce kind": {1000, 1, 1000, 1, 0, 1, 0, 0, 0, 0, 0, 1<<28 - 1},
	} {
		f := fleetOfCards(2, 8)
		f.Classes, f.Rounds = classes, 300
		c := openCards(t, f)
		if nodes, _ := place(t, c, 1000, 1, 1, 500, 0, 0); nodes[0] != 0 {
			t.Errorf("%s: a pod went to %d", name, nodes[0])
		}
		for _, worth := range c.value.cards[0] {
			if worth < 0 || worth > 1<<40 {
				t.Errorf("%s: a card is worth %d", name, worth)
			}
		}
	}
}

func TestTheExactFunctionsAreThoseOfMathematics(t *testing.T) {
	for x := -650.0; x < 650; x += 0.37 {
		if got, want := exp(x), math.Exp(x); math.Abs(got/want-1) > 1e-13 {
			t.Fatalf("exp(%g) is %g, not %g", x, got, want)
		}
		if x > 0 {
			if got, want := log(math.Exp(x)), x; math.Abs(got-want) > 1e-12*max(x, 1) {
				t.Fatalf("log of exp(%g) is %g", x, got)
			}
		}
	}
}

func TestTheMixForgetsWhatNoLongerComes(t *testing.T) {
	var mix Mix
	old, young, rare := Shape{CPU: 1, Cards: 1, Milli: 500}, Shape{CPU: 2, Cards: 1, Milli: 500}, Shape{CPU: 3, Cards: 8, Milli: CardMilli}
	mix.Add(rare)
	for range mixHalfLife {
		mix.Add(old)
	}
	for range 2 * mixHalfLife {
		young.Memory++
		mix.Add(young)
	}
	young.Memory = 0
	classes := mix.Classes()
	if len(classes) != 2 || classes[0].Shape != young || classes[1].Shape != old || classes[0].Count < 5*classes[1].Count {
		t.Errorf("the mix is %+v", classes)
	}
}

func TestPricesThatAreLearnedAgainAreThoseOfAFreshPacking(t *testing.T) {
	f := fleetOfCards(3, 8)
	f.Classes = []int64{4000, 1, 470, 0, 0, 1, 3000, 1, 810, 0, 0, 1}
	first := openCards(t, fleetOfCards(3, 8))
	mix, err := readMix(f.Classes)
	if err != nil {
		t.Fatal(err)
	}
	first.Learn(mix, int(f.Rounds))
	pods := []int64{4000, 1, 1, 470, 0, 0, 3000, 1, 1, 810, 0, 0, 3000, 1, 1, 190, 0, 0, 4000, 1, 1, 470, 0, 0}
	nodes, cards := place(t, first, pods...)
	otherNodes, otherCards := place(t, openCards(t, f), pods...)
	if !slices.Equal(nodes, otherNodes) || !slices.Equal(cards, otherCards) {
		t.Errorf("%v %v, not %v %v", nodes, cards, otherNodes, otherCards)
	}
}

func TestRefusedCardsChangeNothing(t *testing.T) {
	c := openCards(t, fleetOfCards(1, 8))
	if _, err := c.PlaceAll([]int64{1, 1, 1, 1000, 0, 0, 1, 1, 2, 500, 0, 0}, make([]int64, 2), make([]int64, 2)); !errors.Is(err, ErrValue) {
		t.Errorf("parts of two cards: %v", err)
	}
	if _, err := c.PlaceAll([]int64{1, 1, 1, 1000, 0, 0}, make([]int64, 2), make([]int64, 1)); !errors.Is(err, ErrLength) {
		t.Errorf("room for two: %v", err)
	}
	if err := c.Give(0, Shape{Cards: 1, Milli: 1}, 1); !errors.Is(err, ErrValue) {
		t.Errorf("more than a card: %v", err)
	}
	if c.Nodes[0].Whole != 8 || c.Nodes[0].CPU != 96000 {
		t.Errorf("the node is %+v", c.Nodes[0])
	}
}

// FuzzCards drives a packing onto cards with whatever comes and checks after every call that nothing is promised twice. Fleets are small, for
// what a packing learns first takes time, and of lengths that mostly belong together, for else little but refusals is tried.
func FuzzCards(f *testing.F) {
	const give, place = 0, 1
	f.Add([]byte{2, 31, 31, 31, 0, 2, 31, 31, 31, 1, 1, 0, 10, 10, 10, 1, 4, 1, 10, 0, 0, 3, 2, 0, place, 3, 4, 31, 1, 10, 0, 0, 2, 1, 1, 20, 0, 0, 1, 1, 0, 0, 0, 0, give, 0, 4, 31, 1, 10, 0, 0, 1, 0, give, 1, 4, 31, 1, 10, 0, 0, 1, 0})
	f.Add([]byte{1, 255, 254, 253, 0, 0, 0, 1, 8, 1, 1, 1, 1})
	f.Add([]byte{1, 31, 31, 31, 0, 2, 0, 7, 7, 1, 4, 1, 0, 1, 1, 3, 1, 3, 0, 1, 1, 0, 1, 2, 0, 2, 4, place, 2, 4, 1, 1, 0, 0, 1, 4, 1, 1, 0, 0, 2, give, 0, 4, 1, 1, 0, 0, 1, 1, 1, give, 0, 4, 1, 1, 0, 0, 1, 1, 2, give, 0, 4, 1, 1, 0, 0, 1, 2, 1})
	f.Add([]byte{3, 31, 31, 31, 0, 4, 31, 31, 31, 1, 0, 4, 31, 31, 2, 1, 1, 20, 10, 10, 10, 10, 2, 4, 2, 10, 0, 0, 3, 9, 1, 9, 1, 0, 1, 3, 0, place, 3, 9, 1, 1, 9, 1, 0, 4, 1, 2, 10, 0, 0, 8, 1, 1, 9, 4, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{data}
		c, err := OpenCards(r.cardFleet())
		if err != nil {
			return
		}
		for range 16 {
			if len(r.bytes) == 0 {
				return
			}
			if r.next()%4 == give {
				_ = c.Give(r.next(), r.shape(), uint64(r.next())|uint64(r.next())<<16)
				checkNodes(t, c)
				continue
			}
			count := r.next() % 4
			pods := r.cards(count * CardPodFields)
			nodes, cards := make([]int64, max(count, 0)), make([]int64, max(count, 0))
			_, _ = c.PlaceAll(pods, nodes, cards)
			checkNodes(t, c)
		}
	})
}

// cardFleet is some nodes of up to four cards, of three models, cards of at most six slices, and some classes.
func (r *reader) cardFleet() CardFleet {
	fleet := CardFleet{Nodes: r.many(r.next() % 5 * CardNodeFields)}
	total := int64(0)
	for node := range slices.Chunk(fleet.Nodes, CardNodeFields) {
		model, cards := &node[3], &node[4]
		*model, *cards = within(*model, 3), within(*cards, 5)
		total += min(max(*cards, 0), MaxCards)
	}
	fleet.Milli = r.cards(total + r.next()/31) // seldom one more than there are cards
	fleet.Classes = r.cards(r.next() % 4 * CardClassFields)
	fleet.Rounds = r.next() % 3
	fleet.Placements = r.many(r.next() % 6 * CardPlacementFields)
	for placement := range slices.Chunk(fleet.Placements, CardPlacementFields) {
		model, profile, taken := &placement[0], &placement[1], &placement[2]
		*model, *profile = within(*model, 3), within(*profile, 4)
		if *taken < 1<<MaxSlices {
			*taken %= 1 << 6 // a card has a state for each set of its slices
		}
	}
	return fleet
}

// within is an ordinary number below the bound; what is at the limits stays.
func within(number, bound int64) int64 {
	if number < 32 {
		return number % bound
	}
	return number
}

// shape is any pod, or what is none.
func (r *reader) shape() Shape {
	flat := r.cards(CardPodFields)
	s := Shape{CPU: flat[0], Memory: flat[1], Cards: flat[2], Milli: flat[3], Models: uint64(flat[4]), Profile: uint8(flat[5])}
	return s
}

// cards is many numbers of which a good part is a whole card.
func (r *reader) cards(n int64) []int64 {
	out := r.many(n)
	for i, number := range out {
		if number == 1<<12 || number == 10 {
			out[i] = CardMilli
		}
	}
	return out
}

func checkNodes(t *testing.T, c *Cards) {
	intact := 0
	for _, n := range c.Nodes {
		free, whole := int32(0), int8(0)
		for _, milli := range n.Milli[:n.Cards] {
			if n.Partition != nil {
				if uint16(milli)&^n.Partition.full != 0 {
					t.Fatalf("a card has the slices %b left: %+v", milli, n)
				}
				free += int32(bits.OnesCount16(uint16(milli)))
				continue
			}
			if milli < 0 || milli > CardMilli {
				t.Fatalf("a card has %d left: %+v", milli, n)
			}
			free += int32(milli)
			if milli == CardMilli {
				whole++
			}
		}
		if n.CPU < 0 || n.Memory < 0 || n.Pods < 0 || n.Free != free || n.Whole != whole {
			t.Fatalf("node %+v", n)
		}
		if n.Whole >= c.large {
			intact++
		}
	}
	if c.intact != intact {
		t.Fatalf("%d whole nodes, %d are counted", intact, c.intact)
	}
}
