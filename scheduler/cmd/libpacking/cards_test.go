package main

import (
	"slices"
	"testing"

	"commonpool.dev/scheduler/packing"
)

func oneNode() packing.CardFleet {
	return packing.CardFleet{Nodes: []int64{64000, 64, 110, 0, 2}, Milli: []int64{1000, 1000}}
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
