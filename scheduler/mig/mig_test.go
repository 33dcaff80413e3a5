package mig

import (
	"math/bits"
	"strings"
	"testing"
)

func TestEveryCardHasAsManyInstancesOfEachProfileAsThePublishedTableSays(t *testing.T) {
	counts := map[string]string{"A30-24GB": "4 1 2 1 1"}
	for _, card := range Cards() {
		want := counts[card]
		if want == "" {
			want = "7 1 4 3 2 1 1"
		}
		partition := Partition(card)
		var got []string
		for _, of := range cards[Index(card)].profilesOf() {
			free, count := partition.Full(), 0
			for _, taken := range partition.Placements(Profile(of)) {
				if taken&^free == 0 {
					free &^= taken
					count++
				}
			}
			got = append(got, string('0'+rune(count)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, not %s", card, got, want)
		}
	}
}

func TestNamesSayWhatAnInstanceTakesUp(t *testing.T) {
	for _, card := range Cards() {
		for _, name := range cards[Index(card)].profilesOf() {
			profile := Profile(name)
			if Name(profile) != name {
				t.Errorf("%s is called %s", name, Name(profile))
			}
			for _, taken := range Partition(card).Placements(profile) {
				if got := int64(Slices(taken)); got < Compute(profile) {
					t.Errorf("%s of %s: %d slices of memory at %d", name, card, got, Start(taken))
				}
				all := taken == Partition(card).Full()
				if hasMedia := bits.OnesCount16(taken) > Slices(taken); hasMedia != (all || strings.HasSuffix(name, ".me")) {
					t.Errorf("%s of %s at %d: media engines %t", name, card, Start(taken), hasMedia)
				}
			}
		}
	}
}

func TestWhatIsNotKnownIsSaidSo(t *testing.T) {
	if Partition("A100") != nil || Index("A100") >= 0 || Profile("8g.80gb") != 0 {
		t.Error("an A100 of no size, or a profile of eight slices, is known")
	}
}
