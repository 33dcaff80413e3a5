package packing

import (
	"math/rand"
	"testing"
)

func TestCountLost(t *testing.T) {
	if whole, full, half := countLost(8, 8), countLost(0, 8), countLost(4, 8); whole != 0 || full != 0 || half != 2*lossScale {
		t.Errorf("a whole domain loses %d, a full one %d, half of one %d", whole, full, half)
	}
	if lost := countLost(1<<43, 1<<44); lost != lossScale<<42 {
		t.Errorf("half of the largest domain loses %d", lost)
	}
}

func TestWhatHasNotChangedIsNotLookedAtAgain(t *testing.T) {
	p, err := Open(bigFleet(0.5))
	if err != nil {
		t.Fatal(err)
	}
	site, gang, out := selectAll(t, p), wholeNodes(8, 0), make([]int64, 8)
	for range 3 {
		if _, _, err := p.Place(gang, site, out); err != nil {
			t.Fatal(err)
		}
	}
	s := p.ask(int(site), gang)
	stale := 0
	singles := s.layers[0].singles
	for d := range singles {
		if singles[d].stale {
			stale++
		}
	}
	if stale == 0 || stale > 8*4 {
		t.Errorf("%d of %d tables are made anew after 8 nodes have changed", stale, len(singles))
	}
}

func TestWhatHasChangedWhereNoPodMayGoCountsForTheDomainsAroundIt(t *testing.T) {
	fleet := fleetOf(halfNode, halfNode, halfNode, halfNode)
	fleet.Levels, fleet.Domains = 2, []int64{0, 0, 1, 1, 0, -1, 1, -1}
	p, err := Open(fleet)
	if err != nil {
		t.Fatal(err)
	}
	site, gang, out := selectAll(t, p), PlainGang(Amounts{1000, 1000, 1, 1}, 1, 1, 1), make([]int64, 1)
	for _, expected := range []int64{0, 2} {
		if placed, _, err := p.Place(gang, site, out); err != nil || placed != 1 || out[0] != expected {
			t.Fatalf("placed %d on %v, error %v; not on node %d", placed, out, err, expected)
		}
		if err := p.Add(out[0], gang.Pod); err != nil {
			t.Fatal(err)
		}
		if err := p.Add(3, Amounts{GPU: -4000}); err != nil { // now the second block is half full
			t.Fatal(err)
		}
	}
}

// bigFleet is 12,500 nodes of eight accelerators in 25 blocks, 625 racks, 3,125 NVLink domains, and a part of its nodes taken.
func bigFleet(load float64) Fleet {
	const nodes = 12500
	f := Fleet{Levels: 4, Classes: []int64{8000, 64000, 64, 1, 3, 1000, 8000, 8, 1, 5}}
	dice := rand.New(rand.NewSource(4))
	for range nodes {
		f.Capacity = append(f.Capacity, 8000, 128000, 1024, 110)
		if dice.Float64() < load {
			f.Free = append(f.Free, 0, 64000, 512, 100)
		} else {
			f.Free = append(f.Free, 8000, 128000, 1024, 110)
		}
	}
	for _, width := range []int64{500, 20, 4, 1} {
		for node := range int64(nodes) {
			f.Domains = append(f.Domains, node/width)
		}
	}
	return f
}

func wholeNodes(count, level int64) Gang {
	gang := PlainGang(Amounts{8000, 64000, 64, 1}, count, count, level)
	gang.Preferred = 2
	return gang
}

func BenchmarkGang(b *testing.B) {
	few := PlainGang(Amounts{1000, 8000, 8, 1}, 2000, 2000, Anywhere)
	few.Preferred = 1
	for _, test := range []struct {
		name  string
		load  float64
		gang  Gang
		fresh bool
	}{
		{"1250 nodes, first time", 0.89, wholeNodes(1250, Anywhere), true},
		{"1250 nodes, first time, half free", 0.5, wholeNodes(1250, Anywhere), true},
		{"1250 nodes, first time, all free", 0, wholeNodes(1250, Anywhere), true},
		{"1250 nodes, again", 0.89, wholeNodes(1250, Anywhere), false},
		{"8 nodes in a block, again", 0.89, wholeNodes(8, 0), false},
		{"1250 nodes that cannot fit, first time", 0.92, wholeNodes(1250, Anywhere), true},
		{"1250 nodes that cannot fit, again", 0.92, wholeNodes(1250, Anywhere), false},
		{"2000 small pods, first time, all free", 0, few, true},
	} {
		b.Run(test.name, func(b *testing.B) { benchmarkGang(b, bigFleet(test.load), test.gang, test.fresh) })
	}
}

func benchmarkGang(b *testing.B, f Fleet, gang Gang, fresh bool) {
	out := make([]int64, gang.Count)
	var p *Packing
	var site int64
	for b.Loop() {
		if p == nil || fresh {
			b.StopTimer()
			opened, err := Open(f)
			if err != nil {
				b.Fatal(err)
			}
			p, site = opened, selectAll(b, opened)
			b.StartTimer()
		}
		placed, _, err := p.Place(gang, site, out)
		if err != nil {
			b.Fatal(err)
		}
		for _, node := range out[:placed] {
			if err := p.Add(node, gang.Pod); err != nil {
				b.Fatal(err)
			}
		}
	}
}
