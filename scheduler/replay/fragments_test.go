package replay

import (
	"math"
	"testing"

	"commonpool.dev/scheduler/packing"
)

func TestFragmentsAreWhatTheMixCannotUse(t *testing.T) {
	n := packing.NewNode(8000, 100, 10, 3, 0)
	n.Milli, n.Whole, n.Free = [packing.MaxCards]int16{1000, 300, 0}, 1, 1300
	for name, want := range map[string]struct {
		shape    packing.Shape
		unusable float64 // by one more pod
		leftOver float64 // by as many as fit
	}{
		"a part of a card":              {packing.Shape{CPU: 1000, Cards: 1, Milli: 400}, 300, 500},
		"so little that all is of use":  {packing.Shape{CPU: 1000, Cards: 1, Milli: 100}, 0, 500}, // for want of processors
		"a whole card":                  {packing.Shape{CPU: 1000, Cards: 1, Milli: 1000}, 300, 300},
		"more cards than are free":      {packing.Shape{CPU: 1000, Cards: 2, Milli: 1000}, 1300, 1300},
		"more processors than are free": {packing.Shape{CPU: 9000, Cards: 1, Milli: 100}, 1300, 1300},
		"another model":                 {packing.Shape{Cards: 1, Milli: 100, Models: 2}, 1300, 1300},
		"no accelerator":                {packing.Shape{CPU: 1000}, 1300, 0},
	} {
		f := NewFragments([]Class{{Shape: want.shape, Count: 3}})
		if got := f.Of(&n); got != want.unusable {
			t.Errorf("%s: %f of no use, not %f", name, got, want.unusable)
		}
		if got := f.Lost(&n); got != want.leftOver {
			t.Errorf("%s: %f left over, not %f", name, got, want.leftOver)
		}
	}
}

func TestFragmentsOfAMixAreTheMeanOverItsPods(t *testing.T) {
	n := packing.NewNode(8000, 100, 10, 1, 0)
	f := NewFragments([]Class{
		{Shape: packing.Shape{Cards: 1, Milli: 600}, Count: 1}, {Shape: packing.Shape{Cards: 2, Milli: 1000}, Count: 1}, {Shape: packing.Shape{CPU: 1}, Count: 2},
	})
	if of, lost := f.Of(&n), f.Lost(&n); math.Abs(of-750) > 1e-9 || math.Abs(lost-700) > 1e-9 {
		t.Errorf("%f of no use, %f left over", of, lost)
	}
}
