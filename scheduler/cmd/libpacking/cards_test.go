package main

import (
	"slices"
	"testing"

	"commonpool.dev/scheduler/packing"
)

func oneNode() packing.CardFleet {
	return packing.CardFleet{Nodes: []int64{64000, 64, 110, 0, 2}, Milli: []int64{1000, 1000}}
}

// partitioned is a node with one card that has its first slice free, and the placements.
func partitioned(placements ...int64) packing.CardFleet {
	return packing.CardFleet{Nodes: []int64{1000, 1, 110, 0, 1}, Milli: []int64{1}, Placements: placements}
}

func TestInstancesByHandle(t *testing.T) {
	table := newCardTable()
	fleet := partitioned(0, 5, 3, 0, 5, 12, 0, 6, 15)
	fleet.Milli[0] = 15
	handle := table.open(fleet)
	nodes, cards := make([]int64, 3), make([]int64, 3)
	pod := []int64{100, 0, 1, 0, 0, 5}
	if placed := table.place(handle, slices.Concat(pod, pod, pod), nodes, cards); placed != 2 {
		t.Fatalf("placed %d", placed)
	}
	if !slices.Equal(nodes, []int64{0, 0, -1}) || !slices.Equal(cards, []int64{1 | 3<<16, 1 | 12<<16, 0}) {
		t.Errorf("nodes %v, cards %b", nodes, cards)
	}
	for _, wrong := range []int64{0, 1, 3 << 16, 1 | 2<<16, 2 | 3<<16, 3 | 3<<16, 1 | 3<<16 | 1<<40, -1} {
		if result := table.give(handle, 0, pod, wrong); result != badValue {
			t.Errorf("%b given back: %d", wrong, result)
		}
	}
	if result := table.give(handle, 0, pod, cards[0]); result != 0 {
		t.Errorf("given back: %d", result)
	}
	if result := table.give(handle, 0, pod, cards[0]); result != badValue {
		t.Errorf("given back twice: %d", result)
	}
}

// FuzzCardTable calls the face's functions for cards with any numbers in any order: a result or a code, never a panic.
func FuzzCardTable(f *testing.F) {
	f.Add([]byte{0, 5, 100, 100, 100, 0, 1, 1, 15, 0, 6, 0, 5, 3, 0, 5, 12, 3, 1, 1, 6, 1, 0, 1, 0, 0, 5, 2, 1, 0, 1, 0, 1, 0, 0, 5, 255, 1, 0, 3, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 5, 8, 8, 8, 0, 2, 2, 255, 232, 3, 0, 0, 0, 0, 0, 0, 100, 0, 0, 1, 1, 6, 1, 1, 1, 100, 0, 0, 3, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		table := newCardTable()
		next, numbers := readNumbers(&data)
		for len(data) > 0 {
			var result int64
			switch next() % 4 {
			case 0:
				result = table.open(packing.CardFleet{
					Nodes: numbers(next()), Milli: numbers(next()), Placements: numbers(next()), Classes: numbers(next()), Rounds: next() % 4,
				})
			case 1:
				pods := numbers(next())
				count := max(next(), 0) % 16
				result = table.place(next(), pods, make([]int64, count), make([]int64, count))
			case 2:
				result = table.give(next(), next(), numbers(packing.CardPodFields), next())
			default:
				result = table.close(next())
			}
			if result < overflow {
				t.Fatalf("result %d", result)
			}
		}
	})
}

func TestCardsByHandle(t *testing.T) {
	table := newCardTable()
	handle := table.open(oneNode())
	nodes, cards := make([]int64, 2), make([]int64, 2)
	if placed := table.place(handle, []int64{1000, 1, 1, 500, 0, 0, 1000, 1, 2, 1000, 0, 0}, nodes, cards); placed != 1 {
		t.Fatalf("placed %d", placed)
	}
	if !slices.Equal(nodes, []int64{0, -1}) || !slices.Equal(cards, []int64{1, 0}) {
		t.Errorf("nodes %v, cards %v", nodes, cards)
	}
	if result := table.give(handle, 0, []int64{1000, 1, 1, 500, 0, 0}, 1); result != 0 {
		t.Errorf("given back: %d", result)
	}
	if result := table.close(handle); result != 0 {
		t.Errorf("closed: %d", result)
	}
}

func TestWhatTheCardTableRefuses(t *testing.T) {
	table := newCardTable()
	handle := table.open(oneNode())
	pod := []int64{1000, 1, 1, 500, 0, 0}
	one := make([]int64, 1)
	for name, refused := range map[string]struct{ got, want int64 }{
		"a fleet of no nodes":        {table.open(packing.CardFleet{}), badLength},
		"a card of more than a card": {table.open(packing.CardFleet{Nodes: []int64{1, 1, 1, 0, 1}, Milli: []int64{1001}}), badValue},
		"too many rounds":            {table.open(packing.CardFleet{Nodes: []int64{1, 1, 1, 0, 0}, Rounds: packing.MaxPricingRounds + 1}), overflow},
		"another handle":             {table.place(handle+1, pod, one, one), badHandle},
		"a profile that is none":     {table.place(handle, []int64{0, 0, 1, 0, 0, packing.MaxProfile + 1}, one, one), badValue},
		"a part of an instance":      {table.place(handle, []int64{0, 0, 1, 500, 0, 1}, one, one), badValue},
		"two instances":              {table.place(handle, []int64{0, 0, 2, 0, 0, 1}, one, one), badValue},
		"half a placement":           {table.open(packing.CardFleet{Nodes: []int64{1, 1, 1, 0, 0}, Placements: []int64{0, 1}}), badLength},
		"slices beyond a card":       {table.open(partitioned(0, 1, 1<<packing.MaxSlices)), badValue},
		"no slices":                  {table.open(partitioned(0, 1, 0)), badValue},
		"a placement of no profile":  {table.open(partitioned(0, 0, 1)), badValue},
		"a model that is none":       {table.open(partitioned(packing.MaxModels, 1, 1)), badValue},
		"a placement told twice":     {table.open(partitioned(0, 1, 1, 0, 1, 1)), badValue},
		"free slices of no card":     {table.open(partitioned(0, 1, 2)), badValue},
		"half a pod":                 {table.place(handle, pod[:3], one, one), badLength},
		"no pod":                     {table.place(handle, []int64{0, 0, 1, 1001, 0, 0}, one, one), badValue},
		"half a pod given back":      {table.give(handle, 0, pod[:3], 1), badLength},
		"a node that is not there":   {table.give(handle, 1, pod, 1), badValue},
		"what nobody took":           {table.give(handle, 0, pod, 1), badValue},
		"given to another handle":    {table.give(handle+1, 0, pod, 1), badHandle},
		"closing another handle":     {table.close(handle + 1), badHandle},
	} {
		if refused.got != refused.want {
			t.Errorf("%s: %d, not %d", name, refused.got, refused.want)
		}
	}
}
