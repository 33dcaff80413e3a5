package packing

import (
	"slices"
	"testing"
)

func tallyOf(rooms ...int64) tally {
	var t tally
	for _, room := range rooms {
		t.count(room, 1)
	}
	return t
}

func TestSpread(t *testing.T) {
	tests := []struct {
		name                      string
		rooms                     []int64
		most, minDomains, maxSkew int64
		best, least               int64
	}{
		{"equal numbers in the fewest domains", []int64{4, 4, 4}, 8, 2, 0, 8, 4},
		{"what is left over stays out without a skew", []int64{3, 4}, 8, 2, 0, 6, 3},
		{"a skew lets it in", []int64{4, 3}, 8, 2, 1, 7, 3},
		{"too few domains", []int64{9, 0}, 8, 2, 1, 0, 0},
		{"no domains", nil, 8, 1, 1, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if best, least := tallyOf(test.rooms...).spread(test.most, test.minDomains, test.maxSkew); best != test.best || least != test.least {
				t.Errorf("got %d, at least %d in each", best, least)
			}
		})
	}
}

func TestATallyForgetsRoomThatNoDomainHas(t *testing.T) {
	rooms := tallyOf(5, 2, 5, 9)
	rooms.count(9, -1)
	rooms.count(5, -1)
	if !slices.Equal(rooms, tally{{5, 1}, {2, 1}}) {
		t.Errorf("got %v", rooms)
	}
}
