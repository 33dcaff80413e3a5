package main

/*
#include <stdint.h>
*/
import "C"

import (
	"sync"

	"commonpool.dev/scheduler/packing"
)

var cardPackings = newCardTable()

// packing_cards_open copies nodes[n*5] (free processors, memory, pods; model; cards), milli[k] (what is free of every card, node after
// node: thousandths, or slices, a bit each), classes[m*6] (processors, cards, milli, models, profile, count) and placements[q*3] (a model
// that is partitioned, profile, slices that an instance takes up), learns prices in so many rounds and returns a handle above zero.
//
//export packing_cards_open
func packing_cards_open(
	nodes *C.int64_t, n C.int64_t, milli *C.int64_t, k C.int64_t, classes *C.int64_t, m C.int64_t, placements *C.int64_t, q, rounds C.int64_t,
) (result C.int64_t) {
	defer rescue(&result)
	if n < 0 || n > packing.MaxNodes || m < 0 || m > packing.MaxClasses || q < 0 || q > packing.MaxPlacements {
		return badLength
	}
	nodesView, ok1 := view(nodes, n*packing.CardNodeFields)
	milliView, ok2 := view(milli, k)
	classesView, ok3 := view(classes, m*packing.CardClassFields)
	placementsView, ok4 := view(placements, q*packing.CardPlacementFields)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return badLength
	}
	return C.int64_t(cardPackings.open(packing.CardFleet{
		Nodes: nodesView, Milli: milliView, Classes: classesView, Placements: placementsView, Rounds: int64(rounds),
	}))
}

// packing_cards_place places pods[p*6] (processors, memory, cards, milli, models, profile) one after the other, writes the node of each
// (-1: it fits nowhere) and its cards (a bit each; from bit 16 on the slices of an instance) to out_nodes[p] and out_cards[p], and returns
// how many it placed.
//
//export packing_cards_place
func packing_cards_place(handle C.int64_t, pods *C.int64_t, p C.int64_t, outNodes, outCards *C.int64_t) (result C.int64_t) {
	defer rescue(&result)
	if p < 0 || p > packing.MaxCount {
		return badLength
	}
	podsView, ok1 := view(pods, p*packing.CardPodFields)
	nodesView, ok2 := view(outNodes, p)
	cardsView, ok3 := view(outCards, p)
	if !ok1 || !ok2 || !ok3 {
		return badLength
	}
	return C.int64_t(cardPackings.place(int64(handle), podsView, nodesView, cardsView))
}

// packing_cards_give takes a pod[6] off a node, from the cards that it had.
//
//export packing_cards_give
func packing_cards_give(handle, node C.int64_t, pod *C.int64_t, cards C.int64_t) (result C.int64_t) {
	defer rescue(&result)
	podView, ok := view(pod, packing.CardPodFields)
	if !ok {
		return badLength
	}
	return C.int64_t(cardPackings.give(int64(handle), int64(node), podView, int64(cards)))
}

// packing_cards_close forgets the packing.
//
//export packing_cards_close
func packing_cards_close(handle C.int64_t) (result C.int64_t) {
	defer rescue(&result)
	return C.int64_t(cardPackings.close(int64(handle)))
}

// cardEntry is one open packing; its lock makes calls on one handle from several threads safe, one after the other.
type cardEntry struct {
	lock  sync.Mutex
	cards *packing.Cards
}

// cardTable gives out handles that are never used twice.
type cardTable struct {
	lock    sync.Mutex
	last    int64
	entries map[int64]*cardEntry
}

func newCardTable() *cardTable { return &cardTable{entries: make(map[int64]*cardEntry)} }

func (t *cardTable) find(handle int64) *cardEntry {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.entries[handle]
}

func (t *cardTable) open(f packing.CardFleet) int64 {
	opened, err := packing.OpenCards(f)
	if err != nil {
		return code(err)
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.last++
	t.entries[t.last] = &cardEntry{cards: opened}
	return t.last
}

func (t *cardTable) place(handle int64, pods, nodes, cards []int64) int64 {
	found := t.find(handle)
	if found == nil {
		return badHandle
	}
	found.lock.Lock()
	defer found.lock.Unlock()
	placed, err := found.cards.PlaceAll(pods, nodes, cards)
	if err != nil {
		return code(err)
	}
	return int64(placed)
}

func (t *cardTable) give(handle, node int64, pod []int64, cards int64) int64 {
	found := t.find(handle)
	if found == nil {
		return badHandle
	}
	if len(pod) != packing.CardPodFields {
		return badLength
	}
	shape, err := packing.CardShape(pod)
	if err != nil {
		return code(err)
	}
	found.lock.Lock()
	defer found.lock.Unlock()
	return code(found.cards.Give(node, shape, uint64(cards)))
}

func (t *cardTable) close(handle int64) int64 {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.entries[handle] == nil {
		return badHandle
	}
	delete(t.entries, handle)
	return 0
}
