package packing

import (
	"math/rand"
	"testing"
)

// bigFleet is 12,500 nodes of eight accelerators in 25 blocks, 625 racks, 3,125 NVLink domains, and a part of its nodes taken.
func bigFleet(load float64) Fleet {
	const nodes = 12500
	f := Fleet{Levels: 4, Classes: []int64{8000, 64000, 64, 1, 3, 1000, 8000, 8, 1, 5}}
	dice := rand.New(rand.NewSource(4))
	for range nodes {
		f.Capacity = append(f.Capacity, 8000, 128000, 1024, 110)
		free := []int64{8000, 128000, 1024, 110}
		if dice.Float64() < load {
			free = []int64{0, 64000, 512, 100}
		}
		f.Free = append(f.Free, free...)
	}
	for _, width := range []int64{500, 20, 4, 1} {
		for node := range int64(nodes) {
			f.Domains = append(f.Domains, node/width)
		}
	}
	return f
}

func benchmarkGang(b *testing.B, load float64, gang Gang) {
	f := bigFleet(load)
	out := make([]int64, gang.Count)
	placed := 0
	for b.Loop() {
		b.StopTimer()
		p, err := Open(f)
		if err != nil {
			b.Fatal(err)
		}
		site := selectAll(b, p)
		b.StartTimer()
		placed, _, err = p.Place(gang, site, out)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(placed), "pods")
}

func benchmarkAgain(b *testing.B, load float64, gang Gang) {
	f := bigFleet(load)
	out := make([]int64, gang.Count)
	p, err := Open(f)
	if err != nil {
		b.Fatal(err)
	}
	site := selectAll(b, p)
	placed := 0
	for b.Loop() {
		placed, _, err = p.Place(gang, site, out)
		if err != nil {
			b.Fatal(err)
		}
		for _, node := range out[:placed] {
			if err := p.Add(node, gang.Pod); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(placed), "pods")
}

func wholeNodes(count int64, level, preferred int64) Gang {
	gang := PlainGang(Amounts{8000, 64000, 64, 1}, count, count, level)
	gang.Preferred = preferred
	return gang
}

func BenchmarkFirst1250(b *testing.B)      { benchmarkGang(b, 0.89, wholeNodes(1250, Anywhere, 2)) }
func BenchmarkFirst1250Empty(b *testing.B) { benchmarkGang(b, 0, wholeNodes(1250, Anywhere, 2)) }
func BenchmarkFirst1250Half(b *testing.B)  { benchmarkGang(b, 0.5, wholeNodes(1250, Anywhere, 2)) }
func BenchmarkAgain1250(b *testing.B)      { benchmarkAgain(b, 0.89, wholeNodes(1250, Anywhere, 2)) }
func BenchmarkAgain8(b *testing.B)         { benchmarkAgain(b, 0.89, wholeNodes(8, 0, 2)) }
func BenchmarkAgain64(b *testing.B)        { benchmarkAgain(b, 0.89, wholeNodes(64, Anywhere, 1)) }
func BenchmarkFirstNo(b *testing.B)        { benchmarkGang(b, 0.92, wholeNodes(1250, Anywhere, 2)) }
func BenchmarkAgainNo(b *testing.B)        { benchmarkAgain(b, 0.92, wholeNodes(1250, Anywhere, 2)) }
func BenchmarkAgainNoBlock(b *testing.B)   { benchmarkAgain(b, 0.89, wholeNodes(1250, 0, 2)) }
func BenchmarkSmall(b *testing.B) {
	gang := PlainGang(Amounts{1000, 8000, 8, 1}, 2000, 2000, Anywhere)
	gang.Preferred = 1
	benchmarkGang(b, 0, gang)
}
