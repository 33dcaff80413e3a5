// Package mig knows how NVIDIA's cards can be cut into instances (MIG): which profiles a card has, and where each may begin. All of it is
// in NVIDIA's MIG user guide ("Supported MIG profiles"), and each card tells it itself (`nvidia-smi mig -lgip` and `-lgipp`).
package mig

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"commonpool.dev/scheduler/packing"
)

// media is the slice that stands for a card's media engines (JPEG, OFA): one instance of all has them.
const media = 8

// position is where a profile may lie on a card: how many slices of memory it takes up, and from which on.
type position struct {
	slices int
	starts []int
	media  bool
}

// A card with seven slices of processors and eight of memory, by profile: 1g, 1g with media engines, 1g with twice the memory, 2g, 3g, 4g, 7g.
var sevenths = []position{
	{1, []int{0, 1, 2, 3, 4, 5, 6}, false}, {1, []int{0, 1, 2, 3, 4, 5, 6}, true}, {2, []int{0, 2, 4, 6}, false},
	{2, []int{0, 2, 4}, false}, {4, []int{0, 4}, false}, {4, []int{0}, false}, {8, []int{0}, true},
}

// A card with four of each: 1g, 1g with media engines, 2g, 2g with media engines, 4g.
var fourths = []position{
	{1, []int{0, 1, 2, 3}, false}, {1, []int{0, 1, 2, 3}, true}, {2, []int{0, 2}, false}, {2, []int{0, 2}, true}, {4, []int{0}, true},
}

// card is a card and its profiles, in the order of the positions. They are named as NVIDIA's device plugin names its resources: `+me` is `.me`.
type card struct {
	name      string
	profiles  string
	positions []position
}

func (c *card) profilesOf() []string { return strings.Fields(c.profiles) }

var cards = []card{
	{"A30-24GB", "1g.6gb 1g.6gb.me 2g.12gb 2g.12gb.me 4g.24gb", fourths},
	{"A100-40GB", "1g.5gb 1g.5gb.me 1g.10gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb", sevenths},
	{"A100-80GB", "1g.10gb 1g.10gb.me 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb", sevenths},
	{"H100-80GB", "1g.10gb 1g.10gb.me 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb", sevenths},
	{"H100-94GB", "1g.12gb 1g.12gb.me 1g.24gb 2g.24gb 3g.47gb 4g.47gb 7g.94gb", sevenths},
	{"H100-96GB", "1g.12gb 1g.12gb.me 1g.24gb 2g.24gb 3g.48gb 4g.48gb 7g.96gb", sevenths},
	{"H200-141GB", "1g.18gb 1g.18gb.me 1g.35gb 2g.35gb 3g.71gb 4g.71gb 7g.141gb", sevenths},
	{"B200-180GB", "1g.23gb 1g.23gb.me 1g.45gb 2g.45gb 3g.90gb 4g.90gb 7g.180gb", sevenths},
}

var (
	profiles   = listProfiles()
	partitions = makePartitions()
)

// listProfiles are the names of all profiles; the number of each is its place here, from 1.
func listProfiles() (names []string) {
	for _, card := range cards {
		for _, name := range card.profilesOf() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func makePartitions() map[string]*packing.Partition {
	made := make(map[string]*packing.Partition)
	for _, card := range cards {
		var rows []packing.Placement
		for i, name := range card.profilesOf() {
			at := card.positions[i]
			for _, start := range at.starts {
				taken := uint16((1<<at.slices - 1) << start)
				if at.media {
					taken |= 1 << media
				}
				rows = append(rows, packing.Placement{Profile: Profile(name), Slices: taken})
			}
		}
		partition, err := packing.NewPartition(rows)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", card.name, err)) // a table above is wrong
		}
		made[card.name] = partition
	}
	return made
}

// Cards are the names of the cards that are known here.
func Cards() (names []string) {
	for _, card := range cards {
		names = append(names, card.name)
	}
	return names
}

// Index is the place of a card in Cards; -1 if it is not known.
func Index(card string) int { return slices.Index(Cards(), card) }

// Partition is how a card can be cut; nil if the card is not known.
func Partition(card string) *packing.Partition { return partitions[card] }

// Profile is the number of a profile; 0 if no card has it.
func Profile(name string) uint8 { return uint8(slices.Index(profiles, name) + 1) }

// Name is the name of a profile by its number.
func Name(profile uint8) string { return profiles[profile-1] }

// Compute is how many of a card's slices of processors an instance has: what its name begins with.
func Compute(profile uint8) int64 {
	slices, err := strconv.ParseInt(strings.SplitN(Name(profile), "g", 2)[0], 10, 64)
	if err != nil {
		return 0
	}
	return slices
}

// Start is where an instance begins: its lowest slice, as in `nvidia-smi mig -cgi PROFILE:START`.
func Start(taken uint16) int { return bits.TrailingZeros16(taken) }

// Slices is how many slices of memory an instance takes up.
func Slices(taken uint16) int { return bits.OnesCount16(taken &^ (1 << media)) }
