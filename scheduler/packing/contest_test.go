package packing

import (
	"fmt"
	"math/rand"
	"runtime"
	"testing"
)

// oddFleet is nodes with all kinds of rests, in blocks of 100 and racks of 10.
func oddFleet(dice *rand.Rand, nodes int64) Fleet {
	f := Fleet{Levels: 2, Classes: []int64{8000, 64000, 64, 1, 3, 1000, 8000, 8, 1, 5}}
	for range nodes {
		f.Capacity = append(f.Capacity, 8000, 128000, 1024, 110)
		f.Free = append(f.Free, dice.Int63n(9)*1000, dice.Int63n(17)*8000, dice.Int63n(9)*128, 110)
	}
	for _, width := range []int64{100, 10} {
		for node := range nodes {
			f.Domains = append(f.Domains, node/width)
		}
	}
	return f
}

func drawGang(dice *rand.Rand) Gang {
	gang := PlainGang(Amounts{dice.Int63n(5) * 1000, 1 + dice.Int63n(8)*1000, dice.Int63n(3) * 8, 1}, 1, 1+dice.Int63n(12), dice.Int63n(3)-1)
	if gang.Level < 1 && dice.Intn(3) == 0 {
		gang.SpreadLevel, gang.MinDomains, gang.MaxSkew = 1, 1+dice.Int63n(3), dice.Int63n(2)
	}
	return gang
}

func TestWhatIsKnownByHeartIsWhatAllNodesSay(t *testing.T) {
	const nodes = 300
	for seed := range int64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewSource(seed))
			p, err := Open(oddFleet(dice, nodes))
			if err != nil {
				t.Fatal(err)
			}
			site := selectAll(t, p)
			part, err := p.Select(upTo(nodes)[50:170])
			if err != nil {
				t.Fatal(err)
			}
			gangs := make([]Gang, 8)
			for i := range gangs {
				gangs[i] = drawGang(dice)
			}
			for range 60 {
				for range dice.Intn(6) {
					_ = p.Add(dice.Int63n(nodes), Amounts{(dice.Int63n(5) - 2) * 1000, (dice.Int63n(5) - 2) * 4000, 0, 0})
				}
				gang := gangs[dice.Intn(len(gangs))]
				gang.Count = 1 + dice.Int63n(20)
				checkPlace(t, p, gang, []int64{site, int64(part)}[dice.Intn(2)])
			}
			checkStates(t, p)
		})
	}
}

func TestAQuestionThatIsAskedNowAndThenNeverCountsAllAgain(t *testing.T) {
	p, err := Open(fleetOf(wholeNode, wholeNode, wholeNode))
	if err != nil {
		t.Fatal(err)
	}
	site, one, out := selectAll(t, p), PlainGang(Amounts{GPU: 1000, Pods: 1}, 1, 1, Anywhere), make([]int64, 1)
	s := p.ask(int(site), one)
	s.units[2] = 1000 // which only a recount would find out
	for range 10_000 {
		if _, _, err := p.Place(one, site, out); err != nil {
			t.Fatal(err)
		}
		if err := p.Add(out[0], one.Pod); err != nil {
			t.Fatal(err)
		}
	}
	if s.units[2] != 1000 || p.forgotten == 0 {
		t.Errorf("node 2 is said to hold %d, %d changes are forgotten", s.units[2], p.forgotten)
	}
	s.read = p.forgotten - 1
	if _, _, err := p.Place(one, site, out); err != nil || s.units[2] != 8 {
		t.Errorf("node 2 is said to hold %d, by one that is too far behind", s.units[2])
	}
}

// bigOne is so many nodes of eight accelerators, 90 % of them full, in blocks of 500 and racks of 20.
func bigOne(nodes int64) Fleet {
	f := Fleet{Levels: 2, Classes: []int64{8000, 64000, 64, 1, 3, 1000, 8000, 8, 1, 5}}
	dice := rand.New(rand.NewSource(4))
	for range nodes {
		f.Capacity = append(f.Capacity, 8000, 128000, 1024, 110)
		taken := int64(0)
		if dice.Float64() < 0.95 {
			taken = 8 - dice.Int63n(2)
		}
		f.Free = append(f.Free, 8000-taken*1000, 128000-taken*8000, 1024, 110)
	}
	for _, width := range []int64{500, 20} {
		for node := range nodes {
			f.Domains = append(f.Domains, node/width)
		}
	}
	return f
}

func BenchmarkAgain(b *testing.B) {
	small := Amounts{1000, 8000, 8, 1}
	apart := PlainGang(small, 8, 8, Anywhere)
	apart.SpreadLevel, apart.MinDomains = 1, 2
	for _, nodes := range []int64{1250, 12_500, 50_000, 100_000} {
		for name, gang := range map[string]Gang{"one": PlainGang(small, 1, 1, Anywhere), "eight in a block": PlainGang(small, 8, 8, 0), "eight over racks": apart} {
			for _, changed := range []int64{1, 100} {
				b.Run(fmt.Sprintf("%s, %d changed of %d", name, changed, nodes), func(b *testing.B) {
					p, err := Open(bigOne(nodes))
					if err != nil {
						b.Fatal(err)
					}
					site, out := selectAll(b, p), make([]int64, gang.Count)
					dice, give := rand.New(rand.NewSource(1)), int64(-1)
					for b.Loop() {
						placed, _, err := p.Place(gang, site, out)
						if err != nil || placed == 0 {
							b.Fatal(placed, err)
						}
						b.StopTimer()
						for _, node := range out[:placed] {
							_ = p.Add(node, small)
						}
						for range changed - 1 {
							_ = p.Add(dice.Int63n(nodes), Amounts{CPU: give})
							give = -give
						}
						b.StartTimer()
					}
				})
			}
		}
	}
}

// BenchmarkRemember tells what a question costs in memory, and what a fleet without one does.
func BenchmarkRemember(b *testing.B) {
	const nodes = 50_000
	apart := PlainGang(Amounts{1000, 8000, 8, 1}, 8, 8, Anywhere)
	apart.SpreadLevel, apart.MinDomains = 1, 2
	for _, test := range []struct {
		name string
		gang Gang
	}{
		{"one pod", PlainGang(Amounts{1000, 8000, 8, 1}, 1, 1, Anywhere)},
		{"eight in a rack", PlainGang(Amounts{1000, 8000, 8, 1}, 8, 8, 1)},
		{"eight over racks", apart},
		{"one whole node", PlainGang(Amounts{8000, 8000, 8, 1}, 1, 1, Anywhere)},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				empty := heap()
				p, err := Open(bigOne(nodes))
				if err != nil {
					b.Fatal(err)
				}
				site, out := selectAll(b, p), make([]int64, test.gang.Count)
				opened := heap()
				for i := range int64(mostSearches) {
					test.gang.Pod[CPU] = 4000 + i
					if _, _, err := p.Place(test.gang, site, out); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(opened-empty)/nodes, "B/node")
				b.ReportMetric(float64(heap()-opened)/nodes/mostSearches, "B/node-question")
				runtime.KeepAlive(p)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
